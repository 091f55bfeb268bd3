r"""Merton's model: a constant volatility and lognormal jumps; a mixture of Black prices over the number of jumps.

A jump multiplies the price by e^J, J normal with mean mu and standard deviation delta; jumps come lambda times a year
and the drift makes up for their mean, m = exp(mu + delta^2/2) - 1. With n jumps, of probability Poisson(lambda tau),

    F_n = F exp(-lambda m tau) (1 + m)^n,  total variance_n = vol^2 tau + n delta^2.

Source: R. Merton, "Option pricing when underlying stock returns are discontinuous", Journal of Financial Economics 3
(1976) 125-144, eqs. 16 and 19.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from agent.checks import require_finite, require_positive
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.products.european import black76_greeks
from agent.vol.fourier import ComplexArray, ModelGreeks
from agent.vol.option_terms import option_terms

_MAX_EXPECTED_JUMPS = 1e4
"""More than this is a diffusion."""
_LEAST_FORWARD = 1e-90
"""USD; many jumps down leave less, and a call then worth nothing either way."""
_TAIL_STDEVS, _TAIL_JUMPS = 9.0, 30.0
"""Jumps summed beyond their mean: what is left out weighs less than 1e-17."""


@dataclass(frozen=True, slots=True)
class LognormalJumps:
    """How often the price jumps, and how far in logarithm."""

    jumps_per_year: float
    log_mean: float
    log_stdev: float

    def __post_init__(self) -> None:
        for name in ("jumps_per_year", "log_mean", "log_stdev"):
            number = require_finite(getattr(self, name), name)
            if name != "log_mean" and number < 0.0:
                raise DataError(f"{name} is {number}; expected a number >= 0")

    @property
    def mean_jump(self) -> float:
        """m: expected relative move of the price in one jump."""
        return math.expm1(self.log_mean + 0.5 * self.log_stdev**2)

    def log_characteristic(self, u: ComplexArray, tau_years: float) -> ComplexArray:
        """Return the jumps' part of ln E[exp(iu ln(S_T/F))]."""
        jump = np.expm1(1j * u * self.log_mean - 0.5 * self.log_stdev**2 * u * u)
        return np.asarray(self.jumps_per_year * tau_years * (jump - 1j * u * self.mean_jump))


@dataclass(frozen=True, slots=True)
class Merton:
    """A diffusion of constant volatility with lognormal jumps."""

    vol_annual: float
    jumps: LognormalJumps

    def __post_init__(self) -> None:
        require_positive(self.vol_annual, "vol_annual")

    def log_characteristic(self, u: ComplexArray, tau_years: float) -> ComplexArray:
        """Return ln E[exp(iu ln(S_T/F))]."""
        diffusion = -0.5 * self.vol_annual**2 * tau_years * (u * u + 1j * u)
        return np.asarray(diffusion + self.jumps.log_characteristic(u, tau_years))


def merton_greeks(
    model: Merton,
    is_call: ArrayLike,
    spot_usd: ArrayLike,
    strike_usd: ArrayLike,
    tau_years: ArrayLike,
    rate_annual: ArrayLike = 0.0,
    dividend_annual: ArrayLike = 0.0,
) -> ModelGreeks:
    """Value European options by Merton's series, each option with as many terms as matter.

    Parameters
    ----------
    model
        Volatility and jumps.
    is_call
        Booleans; True is a call. All shapes broadcast.
    spot_usd, strike_usd, tau_years
        Spot, strike and time to expiry, all positive.
    rate_annual, dividend_annual
        Continuously compounded.

    Raises
    ------
    DataError
        Naming row, field and value of a bad number; or more jumps expected than a series can hold.
    """
    terms = option_terms(is_call, spot_usd, strike_usd, tau_years, rate_annual, dividend_annual)
    tau, shape = terms.tau_years.reshape(-1, 1), terms.tau_years.shape
    jumps, mean_jump = _jump_counts(model.jumps, tau), model.jumps.mean_jump
    expected = model.jumps.jumps_per_year * tau
    log_weight = jumps * np.log(np.maximum(expected, np.finfo(np.float64).tiny)) - expected - gammaln(jumps + 1.0)
    weight = np.exp(np.where(expected > 0.0, log_weight, np.where(jumps > 0.0, -np.inf, 0.0)))
    growth = np.exp(-expected * mean_jump + jumps * np.log1p(mean_jump))
    forward = (terms.spot_usd * terms.growth).reshape(-1, 1) * growth
    variance = model.vol_annual**2 * tau + jumps * model.jumps.log_stdev**2
    black = black76_greeks(
        terms.is_call.reshape(-1, 1),
        np.maximum(forward, _LEAST_FORWARD),
        terms.strike_usd.reshape(-1, 1),
        1.0,
        np.sqrt(variance),
    )
    return ModelGreeks(
        terms.discount * np.sum(weight * black.value, axis=1).reshape(shape),
        terms.carry * np.sum(weight * growth * black.delta, axis=1).reshape(shape),
        terms.carry * terms.growth * np.sum(weight * growth**2 * black.gamma, axis=1).reshape(shape),
    )


def _jump_counts(jumps: LognormalJumps, tau: FloatArray) -> FloatArray:
    """Return the numbers of jumps that matter to any row, for the weights of money and of the underlying."""
    expected = jumps.jumps_per_year * float(np.max(tau, initial=0.0)) * max(1.0, 1.0 + jumps.mean_jump)
    if expected > _MAX_EXPECTED_JUMPS:
        raise DataError(f"{expected:.0f} jumps expected to expiry; more than {_MAX_EXPECTED_JUMPS:.0f} are a diffusion")
    return np.arange(math.ceil(expected + _TAIL_STDEVS * math.sqrt(expected) + _TAIL_JUMPS) + 1.0)
