r"""Hedge at fixed intervals to the delta of a volatility that has the cost of those hedges in it.

A book of gamma Gamma traded every dt has its delta changed by |Gamma| S sigma sqrt(2 dt / pi) on average; at a round
trip cost of k (half of it for a purchase or a sale) this pays for itself if the options are valued, and hedged, with

    sigma_adj^2 = sigma^2 (1 +- Le),    Le = sqrt(2 / pi) k / (sigma sqrt(dt)),

plus when the book is short gamma (it pays for hedging, so its options are worth more to replace), minus when long. Gas
does not enter: it is paid once an interval whatever the hedge, so it shifts the value and no delta.

Source: H. E. Leland, "Option pricing and replication with transactions costs", Journal of Finance 40 (1985) 1283-1301.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from agent.checks import require_positive_fields
from agent.domain import Exposure, Target, TradeCosts
from agent.numerics.arrays import FloatArray
from agent.policy.base import BandEdges, require_costs, require_exposure
from agent.policy.equivalent_option import delta_shift, legs_of
from agent.policy.fixed_interval import SECONDS_PER_HOUR, seconds_left, wait
from agent.policy.live_costs import effective_costs
from agent.units import DAYS_PER_YEAR, SECONDS_PER_YEAR

_MEAN_MOVE = math.sqrt(2.0 / math.pi)
"""Mean absolute value of a standard normal number."""
_LEAST_VARIANCE_FACTOR = 0.01
"""Of a long book whose hedging costs more than its gamma earns: the formula has no answer there."""


def leland_number(round_trip_ratio: float, vol_annual: FloatArray | float, interval_years: float) -> FloatArray:
    """Return Le = sqrt(2 / pi) k / (sigma sqrt(dt)), shape of ``vol_annual``."""
    return np.asarray(_MEAN_MOVE * round_trip_ratio / (vol_annual * math.sqrt(interval_years)))


def leland_vol_annual(
    vol_annual: FloatArray | float, round_trip_ratio: float, interval_years: float, *, is_short_gamma: bool
) -> FloatArray:
    """Return the volatility with costs in it, never below a tenth of ``vol_annual``."""
    number = leland_number(round_trip_ratio, vol_annual, interval_years)
    factor = np.maximum(1.0 + (number if is_short_gamma else -number), _LEAST_VARIANCE_FACTOR)
    return np.asarray(vol_annual * np.sqrt(factor))


@dataclass(frozen=True, slots=True)
class Leland:
    """Trade to Leland's delta when ``interval_hours`` have passed since the last trade, all costs but gas in it."""

    interval_hours: float

    def __post_init__(self) -> None:
        require_positive_fields(self, "interval_hours")

    def target(self, exposure: Exposure, costs: TradeCosts) -> Target:
        """Return Leland's hedge when the interval is over, else the present net delta."""
        net_delta = require_exposure(exposure)
        require_costs(costs)
        seconds = seconds_left(exposure, self.interval_hours)
        if seconds > 0.0:
            return wait(net_delta, seconds, "Leland")
        centre = self.centre(exposure, costs)
        return BandEdges.around(centre, 0.0, 0.0).target(net_delta, "Leland")

    def centre(self, exposure: Exposure, costs: TradeCosts) -> float:
        """Return the net delta, at the book's own volatilities, of Leland's hedge."""
        legs = legs_of(exposure)
        gamma_per_usd = exposure.book_gamma_per_usd
        if legs.quantity.size == 0 or gamma_per_usd == 0.0:
            return 0.0
        interval_years = self.interval_hours * SECONDS_PER_HOUR / SECONDS_PER_YEAR
        round_trip_ratio = 2.0 * effective_costs(exposure, costs, interval_years * DAYS_PER_YEAR).ratio
        adjusted = leland_vol_annual(
            legs.iv_annual, round_trip_ratio, interval_years, is_short_gamma=gamma_per_usd < 0.0
        )
        return delta_shift(exposure, legs, (adjusted / legs.iv_annual) ** 2)
