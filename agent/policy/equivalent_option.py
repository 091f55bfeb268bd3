r"""One option that stands for a book, so that a band known for one option answers for many.

To leading order in costs the band depends on the book's net gamma alone (Whalley and Wilmott): cash gamma says how fast
the net delta wanders, whoever it comes from. What is left, second order, is for how long that gamma lasts and to which
side of the price it lies. The equivalent option has the mean of both over the legs, weighted by |quantity x gamma|:

    d = sum w_i ln(F / K_i) / s_i,    s = sum w_i s_i,    s_i = sigma_i sqrt(tau_i)

and as many options as give the book's net gamma, negative when the book is short gamma. A book of one option, or of
puts and calls of one strike and expiry, is its own equivalent. Legs that cancel leave few options and a wide band; legs
with no gamma left (expired, far from the money) carry no weight.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from agent.domain import Exposure
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.vector_math import NORMAL_DENSITY_AT_0
from agent.policy.base import require_exposure
from agent.products.european import black76_standard_greeks
from agent.risk.exposure import LiveOptions, ValuedOptions, valued_options

_LEAST_CASH_GAMMA = 1e-12
"""Gross gamma x spot, deltas per unit of log price, below which a book is a holding."""


class EquivalentOption(NamedTuple):
    """``quantity`` options at ``moneyness`` d with ``stdev`` s of the log price left, ``tau_years`` from expiry."""

    quantity: float
    strike_usd: float
    moneyness: float
    stdev: float
    tau_years: float

    @property
    def vol_annual(self) -> float:
        """Volatility that leaves ``stdev`` over ``tau_years``."""
        return self.stdev / math.sqrt(self.tau_years)


def legs_of(exposure: Exposure) -> LiveOptions:
    """Return the live options behind an exposure; raises as `valued_legs` does."""
    return valued_legs(exposure).legs


def valued_legs(exposure: Exposure) -> ValuedOptions:
    """Return the live options behind an exposure, with their Greeks.

    Raises
    ------
    DataError
        The exposure does not say what it is the sum of.

    """
    if exposure.book is None:
        raise DataError(
            "exposure holds sums without the book; build it with book_exposure, this policy values each leg"
        )
    return valued_options(exposure.book, exposure.at_unix, exposure.spot_usd)


def equivalent_option(exposure: Exposure) -> EquivalentOption | None:
    """Return the option that stands for the book; None where the book has next to no gamma."""
    require_exposure(exposure)
    legs, greeks = valued_legs(exposure)
    if legs.quantity.size == 0:
        return None
    spot_usd, gamma = exposure.spot_usd, greeks.gamma
    weights = np.abs(legs.quantity * gamma)
    gross = float(weights.sum())
    if gross * spot_usd <= _LEAST_CASH_GAMMA:
        return None
    stdevs = legs.iv_annual * np.sqrt(legs.tau_years)
    moneyness = float(weights @ (np.log(spot_usd / legs.strike_usd) / stdevs)) / gross
    stdev = float(weights @ stdevs) / gross
    per_option = NORMAL_DENSITY_AT_0 * math.exp(-0.5 * (moneyness + 0.5 * stdev) ** 2) / (spot_usd * stdev)
    return EquivalentOption(
        quantity=float(legs.quantity @ gamma) / per_option,
        strike_usd=spot_usd * math.exp(-moneyness * stdev),
        moneyness=moneyness,
        stdev=stdev,
        tau_years=float(weights @ legs.tau_years) / gross,
    )


def delta_shift(exposure: Exposure, legs: LiveOptions, variance_factor: FloatArray | float) -> float:
    """Return the book's delta less what it would be with every leg's variance times ``variance_factor``.

    This is the net delta of a hedge that trusts the other volatility.
    """
    vols = legs.iv_annual * np.sqrt(variance_factor)
    adjusted = black76_standard_greeks(legs.is_call, exposure.spot_usd, legs.strike_usd, legs.tau_years, vols).delta
    return float(legs.quantity @ (valued_legs(exposure).greeks.delta - adjusted))
