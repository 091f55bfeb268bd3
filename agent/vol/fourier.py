r"""European options under any model whose characteristic function is known: by Lewis's integral, and by cosines.

With X = ln(S_T / F), F the forward, phi(u) = E[exp(iuX)] and k = ln(K/F), a call over its discounted forward is

    Lewis   c = 1 - e^(k/2)/pi int_0^inf Re[e^(-iuk) phi(u - i/2)] / (u^2 + 1/4) du
    COS     p = sum' Re[phi(j pi/(b - a)) e^(-i j pi a/(b - a))] V_j  for the put, on [a, b]

Lewis is the workhorse: Black's price of a like variance is taken out of the integrand, the rest is integrated by
Gauss's rule on panels doubled until nothing changes, so its error is known. Delta and gamma come with it.

Sources: A. Lewis, "A simple option formula for general jump-diffusion and other exponential Levy processes" (2001),
eq. 3.11; F. Fang and C. Oosterlee, "A novel pricing method for European options based on Fourier-cosine series
expansions", SIAM Journal on Scientific Computing 31 (2008) 826-848, eqs. 19, 22-24 and 49.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.checks import require_positive, require_whole
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.rows import as_floats, require_domain
from agent.numerics.series import POSITIVE
from agent.products.european import black76_greeks
from agent.vol.option_terms import option_terms

ComplexArray: TypeAlias = NDArray[np.complex128]

_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(16)
_FIRST_PANELS, _MAX_PANELS = 8, 65_536
_NEGLIGIBLE_LOG = -46.0
"""Logarithm of the characteristic function beyond which its tail is below 1e-20."""
_MAX_WIDENINGS = 200
_TAIL_PROBES = np.geomspace(1.0, 16.0, 192)
"""Where beyond a candidate end the tail is asked: with jumps of one size it comes back in waves."""
_TOLERANCE = 1e-13
"""Change of a price, over its forward, between one number of panels and twice as many."""
_CUMULANT_STEP = 0.05
"""Distance of the differences that give the cumulants, over the standard deviation."""


class CharacteristicModel(Protocol):
    """A model of X = ln(S_T / F): what pricing needs to know of it."""

    def log_characteristic(self, u: ComplexArray, tau_years: float) -> ComplexArray:
        """Return ln E[exp(iuX)], with ln E[exp(X)] = 0."""
        ...


@dataclass(frozen=True, slots=True)
class ModelGreeks:
    """Value of one option and its derivatives in the spot with the model's state fixed; arrays of one shape."""

    value_usd: FloatArray
    delta: FloatArray
    gamma_per_usd: FloatArray


def model_greeks(
    model: CharacteristicModel,
    is_call: ArrayLike,
    spot_usd: ArrayLike,
    strike_usd: ArrayLike,
    tau_years: ArrayLike,
    rate_annual: ArrayLike = 0.0,
    dividend_annual: ArrayLike = 0.0,
) -> ModelGreeks:
    """Value European options under ``model`` by Lewis's integral, to about 1e-13 of the forward.

    Parameters
    ----------
    model
        Any `CharacteristicModel`.
    is_call
        Booleans; True is a call. All shapes broadcast.
    spot_usd, strike_usd, tau_years
        Spot, strike and time to expiry, all positive.
    rate_annual, dividend_annual
        Continuously compounded.

    Raises
    ------
    DataError
        Naming row, field and value of a bad number, or where the integral does not settle.
    """
    terms = option_terms(is_call, spot_usd, strike_usd, tau_years, rate_annual, dividend_annual)
    forward = terms.spot_usd * terms.growth
    k = np.log(terms.strike_usd / forward)
    c, slope, bend = (np.empty(k.shape) for _ in range(3))
    for time in np.unique(terms.tau_years):
        rows = terms.tau_years == time
        c[rows], slope[rows], bend[rows] = _calls(model, k[rows], float(time))
    parity, delta_parity = np.where(terms.is_call, 0.0, np.expm1(k)), np.where(terms.is_call, 0.0, -1.0)
    return ModelGreeks(
        np.maximum(terms.discount * forward * (c + parity), 0.0),
        np.asarray(terms.carry * (c - slope + delta_parity)),
        np.asarray(terms.carry * bend / terms.spot_usd),
    )


def _calls(model: CharacteristicModel, k: FloatArray, tau: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return c, dc/dk and d2c/dk2 - dc/dk of calls over their discounted forward, one expiry."""
    variance = _black_variance(model, tau)
    black = black76_greeks(True, 1.0, np.exp(k), 1.0, np.sqrt(variance))
    end = _tail(model, tau, variance)
    panels, before = _FIRST_PANELS, np.full((3, k.size), np.inf)
    while panels <= _MAX_PANELS:
        now = _integrals(model, k, tau, variance, end, panels)
        if np.max(np.abs(now - before)[:2]) <= _TOLERANCE:
            break
        panels, before = 2 * panels, now
    else:
        raise DataError(f"the pricing integral at tau_years {tau} does not settle; are the parameters extreme?")
    lift = np.exp(0.5 * k) / np.pi
    return (
        black.value - lift * now[0],
        black.value - black.delta - lift * now[1],
        black.gamma + lift * now[2],
    )


def _tail(model: CharacteristicModel, tau: float, variance: float) -> float:
    """Return a u beyond which neither the model's nor Black's characteristic function matters."""
    end = 8.0 / np.sqrt(variance)
    for _ in range(_MAX_WIDENINGS):
        u = end * _TAIL_PROBES
        if np.max(model.log_characteristic(u - 0.5j, tau).real - 2.0 * np.log(u)) < _NEGLIGIBLE_LOG:
            break
        end *= 1.3
    return float(end)


def _integrals(
    model: CharacteristicModel, k: FloatArray, tau: float, variance: float, end: float, panels: int
) -> FloatArray:
    """Return the integrals of model minus Black for value, slope and bend: (3, strikes)."""
    half = 0.5 * end / panels
    centres = half * (2.0 * np.arange(panels) + 1.0)
    u = (centres[:, None] + half * _NODES).reshape(-1)
    weights = np.tile(half * _NODE_WEIGHTS, panels)
    excess = np.exp(model.log_characteristic(np.asarray(u - 0.5j, np.complex128), tau)) - np.exp(
        -0.5 * variance * (u * u + 0.25)
    )
    value = weights * excess / (u * u + 0.25)
    columns = np.stack([value, (0.5 - 1j * u) * value, weights * excess], axis=-1)
    return np.ascontiguousarray((np.exp(-1j * np.outer(k, u)) @ columns).real.T)


def _black_variance(model: CharacteristicModel, tau: float) -> float:
    """Return the total variance at which Black's E[exp(X/2)] is the model's: finite whatever the model's moments."""
    return float(-8.0 * model.log_characteristic(np.array([-0.5j]), tau)[0].real)


def _cumulants(model: CharacteristicModel, tau: float) -> tuple[float, float, float]:
    """Return the first, second and fourth cumulants of X, by differences of the real characteristic function."""
    step = _CUMULANT_STEP / np.sqrt(_black_variance(model, tau))
    near, far = model.log_characteristic(np.array([step, 2.0 * step], dtype=np.complex128), tau)
    fourth = 2.0 * (far.real - 4.0 * near.real) / step**4
    second = (far.real - 16.0 * near.real) / (6.0 * step**2)
    return float((8.0 * near.imag - far.imag) / (6.0 * step)), float(second), float(max(fourth, 0.0))


def cos_call_price(
    model: CharacteristicModel,
    forward_usd: float,
    strike_usd: ArrayLike,
    tau_years: float,
    terms: int,
    width_stdevs: float = 12.0,
) -> FloatArray:
    """Return undiscounted calls of one expiry by the COS method, shape of ``strike_usd``.

    Parameters
    ----------
    model
        Any `CharacteristicModel`.
    forward_usd, strike_usd, tau_years
        Forward, strikes and time to expiry, all positive.
    terms
        Number of cosines: the error falls exponentially in it, down to what the interval leaves out.
    width_stdevs
        L: the interval is c1 +- L sqrt(c2 + sqrt(c4)), c the cumulants of X.

    Raises
    ------
    DataError
        Naming field and value of a bad number.
    """
    require_positive(forward_usd, "forward_usd")
    require_positive(tau_years, "tau_years")
    require_positive(width_stdevs, "width_stdevs")
    require_whole(terms, "terms", 2)
    strike = as_floats("strike_usd", strike_usd)
    require_domain("strike_usd", strike, POSITIVE, strike.shape)
    c1, c2, c4 = _cumulants(model, tau_years)
    reach = width_stdevs * np.sqrt(c2 + np.sqrt(c4))
    a, span = c1 - reach, 2.0 * reach
    u = np.pi * np.arange(terms) / span
    density = (np.exp(model.log_characteristic(u.astype(np.complex128), tau_years) - 1j * u * a)).real
    density[0] *= 0.5
    k = np.clip(np.log(strike.reshape(-1, 1) / forward_usd), a, a + span)
    put = (2.0 / span) * (_put_coefficients(k, u, a) @ density)
    return np.asarray(forward_usd * np.maximum(put - np.expm1(k[:, 0]), 0.0)).reshape(strike.shape)


def _put_coefficients(k: FloatArray, u: FloatArray, a: float) -> FloatArray:
    """Return the integrals of (e^k - e^x) cos(u (x - a)) over [a, k]: e^k psi - chi of eqs. 22 and 23."""
    angle = u * (k - a)
    chi = (np.cos(angle) * np.exp(k) - np.exp(a) + u * np.sin(angle) * np.exp(k)) / (1.0 + u * u)
    psi = np.where(u > 0.0, np.sin(angle) / np.where(u > 0.0, u, 1.0), k - a)
    return np.asarray(np.exp(k) * psi - chi)
