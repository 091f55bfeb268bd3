r"""Delta of an option whose implied vol moves with the price: what a flat vol leaves out.

When the forward F moves by dF, a book's vols move too. With d the Black delta at the option's own vol and v its vega,

    sticky strike              each strike keeps its vol:         delta = d
    sticky delta               each moneyness keeps its vol:      delta = d + v dvol/dF, dvol/dF = -vol'(k) / F
    minimum variance           as history says vols have moved:   delta = d + v (a + b d + c d^2) / (S sqrt(tau))

A smile that rides along with the price raises the delta where it falls with the strike. Where vols in fact fall as
prices rise, delta should be lower instead: the minimum-variance delta measures what vols did.

Sources: E. Derman, "Regimes of volatility", Risk (April 1999); J. Hull and A. White, "Optimal delta hedging for
options", Journal of Banking and Finance 82 (2017) 180-190, eqs. 1, 4 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.rows import as_flags, as_floats, common_shape, require_domain
from agent.numerics.series import FINITE, POSITIVE
from agent.products.european import black76_greeks
from agent.vol.surface import VolSurface

MIN_CHANGES = 30
"""Fewer observations than this do not tell three coefficients apart."""


@dataclass(frozen=True, slots=True)
class SmileDeltas:
    """Deltas in underlying units, and what they were made of; arrays of one shape."""

    sticky_strike: FloatArray
    sticky_delta: FloatArray
    vega_usd: FloatArray
    """Per 1.00 of vol, at fixed forward."""
    vol_annual: FloatArray
    """The surface's vol of each option."""


def smile_deltas(
    surface: VolSurface, is_call: ArrayLike, forward_usd: ArrayLike, strike_usd: ArrayLike, tau_years: ArrayLike
) -> SmileDeltas:
    """Return sticky-strike and sticky-delta deltas of options valued on ``surface``, undiscounted.

    Parameters
    ----------
    surface
        Where the vols come from.
    is_call
        Booleans; True is a call. All shapes broadcast.
    forward_usd, strike_usd, tau_years
        Forward of the option's expiry, strike and time to expiry, all positive.

    Raises
    ------
    DataError
        Naming row, field and value of a bad number.
    """
    flags = as_flags("is_call", is_call)
    parts = {
        "forward_usd": as_floats("forward_usd", forward_usd),
        "strike_usd": as_floats("strike_usd", strike_usd),
        "tau_years": as_floats("tau_years", tau_years),
    }
    shape = common_shape({"is_call": flags, **parts})
    for name, numbers in parts.items():
        require_domain(name, numbers, POSITIVE, shape)
    forward, strike, tau = parts.values()
    k = np.log(strike / forward)
    vol = np.broadcast_to(surface.vol_annual(k, tau), shape)
    greeks = black76_greeks(flags, forward, strike, tau, vol)
    by_forward = -surface.vol_slope(k, tau) / forward
    return SmileDeltas(greeks.delta, np.asarray(greeks.delta + greeks.vega * by_forward), greeks.vega, np.asarray(vol))


@dataclass(frozen=True, slots=True)
class MinimumVarianceModel:
    """Coefficients of the expected move of vol with the price, for calls or for puts, by their own delta."""

    a: float
    b: float
    c: float
    gain: float
    """1 minus the sum of squared hedging errors over that of the Black delta, on the changes it was fitted to."""

    def delta(
        self, black_delta: ArrayLike, vega_usd: ArrayLike, spot_usd: ArrayLike, tau_years: ArrayLike
    ) -> FloatArray:
        """Return the minimum-variance delta, underlying units; arguments broadcast.

        Raises
        ------
        DataError
            Naming row, field and value of a bad number.
        """
        d, vega, spot, tau, _ = _checked(black_delta, vega_usd, spot_usd, tau_years)
        return np.asarray(d + vega / (spot * np.sqrt(tau)) * (self.a + self.b * d + self.c * d * d))


def fit_minimum_variance(
    black_delta: ArrayLike,
    vega_usd: ArrayLike,
    spot_usd: ArrayLike,
    tau_years: ArrayLike,
    spot_change_usd: ArrayLike,
    value_change_usd: ArrayLike,
) -> MinimumVarianceModel:
    """Fit the three coefficients to past changes by least squares.

    Formula: df - d dS = v/sqrt(tau) (dS/S) (a + b d + c d^2) + error, over options of one kind (calls or puts).

    Parameters
    ----------
    black_delta, vega_usd, spot_usd, tau_years
        Each observation's Black delta, vega per 1.00 of vol, price and time to expiry, at its start; shape (n,).
    spot_change_usd, value_change_usd
        What price and option then did, USD; shape (n,), n >= `MIN_CHANGES`.

    Raises
    ------
    DataError
        Naming row, field and value of a bad number; too few observations, or too alike to tell three coefficients.

    Source: Hull and White (2017), eq. 5, with their option price change scaled by the price.
    """
    d, vega, spot, tau, shape = _checked(black_delta, vega_usd, spot_usd, tau_years)
    moves = {
        "spot_change_usd": as_floats("spot_change_usd", spot_change_usd),
        "value_change_usd": as_floats("value_change_usd", value_change_usd),
    }
    for name, numbers in moves.items():
        if numbers.shape != shape or len(shape) != 1:
            raise DataError(f"{name} has shape {numbers.shape} beside {shape}; give one number an observation")
        require_domain(name, numbers, FINITE, shape)
    if shape[0] < MIN_CHANGES:
        raise DataError(f"{shape[0]} observations of option changes; expected at least {MIN_CHANGES}")
    spot_change, value_change = moves.values()
    exposure = vega / np.sqrt(tau) * spot_change / spot
    design = exposure[:, None] * np.stack([np.ones_like(d), d, d * d], axis=-1)
    error = value_change - d * spot_change
    coefficients, _, rank, _ = np.linalg.lstsq(design, error, rcond=None)
    if rank < 3:
        raise DataError("observations have too few different deltas to fit three coefficients; add strikes")
    left = error - design @ coefficients
    before = float(error @ error)
    gain = 1.0 - float(left @ left) / before if before > 0.0 else 0.0
    a, b, c = (float(number) for number in coefficients)
    return MinimumVarianceModel(a, b, c, gain)


def _checked(
    black_delta: ArrayLike, vega_usd: ArrayLike, spot_usd: ArrayLike, tau_years: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, tuple[int, ...]]:
    parts = {
        "black_delta": as_floats("black_delta", black_delta),
        "vega_usd": as_floats("vega_usd", vega_usd),
        "spot_usd": as_floats("spot_usd", spot_usd),
        "tau_years": as_floats("tau_years", tau_years),
    }
    shape = common_shape(dict[str, NDArray[np.generic]](parts))
    for name, numbers in parts.items():
        require_domain(name, numbers, POSITIVE if name in ("spot_usd", "tau_years") else FINITE, shape)
    d, vega, spot, tau = (np.broadcast_to(part, shape) for part in parts.values())
    return d, vega, spot, tau, shape
