r"""The numerically optimal band: `band_solver`'s answer, read from the table that ships with the package.

A book becomes one option (`equivalent_option`), the option becomes a place in the table (`band_table`), and the table's
edges are scaled back to underlying units. Two policies share this, one for each criterion:

* `OptimalBand` maximises exponential utility (Hodges and Neuberger);
* `OptimalVarianceBand` minimises expected cost plus half the risk aversion times the variance of the outcome. It is the
  one to choose where results are judged by cost against standard deviation. Bands narrower than the table's are solved
  when they are asked for (`small_band`).

Beyond what has been compared with the solver both refuse (`band_range`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from agent.checks import require_positive_fields
from agent.domain import Exposure, Target, TradeCosts
from agent.policy.band_range import is_tabulated, require_calibrated
from agent.policy.band_solver import Criterion
from agent.policy.band_table import OVERSHOOT, BandPlace, band_table, band_unit, narrowed
from agent.policy.base import BandEdges, require_exposure
from agent.policy.equivalent_option import EquivalentOption, equivalent_option
from agent.policy.limited_band import within_limits
from agent.policy.live_costs import EffectiveCosts, carried_costs
from agent.policy.small_band import SmallBandProblem, small_band
from agent.policy.whalley_wilmott import static_band
from agent.units import SECONDS_PER_DAY, SECONDS_PER_YEAR

_LEAST_OPTIONS = 1e-9
"""Fewer equivalent options than this are legs that cancel: what is left is rounding."""
_COMPANION = 3.0
"""Overshoots between outer and inner edge over which the inner one's part in the outer one's move falls by e."""


@dataclass(frozen=True, slots=True)
class _TabulatedBand:
    """What both policies need.

    ``risk_aversion_per_usd`` weighs variance against cost. ``watch_seconds`` is how often the band is looked at: a net
    delta leaves it unseen in between, so that rarer looks make it narrower. ``static_horizon_days`` and
    ``static_vol_annual`` shape the band of a book without gamma alone.
    """

    risk_aversion_per_usd: float
    watch_seconds: float
    static_horizon_days: float
    static_vol_annual: float

    def __post_init__(self) -> None:
        require_positive_fields(
            self, "risk_aversion_per_usd", "watch_seconds", "static_horizon_days", "static_vol_annual"
        )

    def _edges(self, criterion: Criterion, exposure: Exposure, costs: TradeCosts) -> BandEdges:
        """Return the band under the exposure's limits; funding runs until what is traded now is likely traded back."""
        option = equivalent_option(exposure)
        carried = carried_costs(
            exposure,
            costs,
            lambda effective: self._edges_at(criterion, exposure, option, effective).half_widths,
            self.static_horizon_days,
        )
        own = self._edges_at(criterion, exposure, option, carried)
        gamma, spot_usd = exposure.book_gamma_per_usd, exposure.spot_usd
        return within_limits(own, exposure.limits, gamma, spot_usd, carried, self.risk_aversion_per_usd)

    def _edges_at(
        self, criterion: Criterion, exposure: Exposure, option: EquivalentOption | None, costs: EffectiveCosts
    ) -> BandEdges:
        spot_usd, aversion = exposure.spot_usd, self.risk_aversion_per_usd
        if costs.ratio == 0.0 and costs.fixed_usd == 0.0:
            return BandEdges(0.0, 0.0, 0.0, 0.0)
        if option is None or abs(option.quantity) <= _LEAST_OPTIONS:
            years = self.static_horizon_days * SECONDS_PER_DAY / SECONDS_PER_YEAR
            static = static_band(spot_usd, costs.ratio, costs.fixed_usd, aversion, self.static_vol_annual, years)
            return BandEdges.around(0.0, static.outer, static.inner)
        per_option = abs(option.quantity) * option.strike_usd
        variance, scaled_aversion, fixed = option.stdev**2, aversion * per_option, costs.fixed_usd / per_option
        place = BandPlace.of(costs.ratio, fixed, scaled_aversion, variance, option.moneyness)
        require_calibrated(criterion, place, aversion)
        if not is_tabulated(criterion, place):
            is_short = option.quantity < 0.0
            look = self._look_variance(exposure)
            problem = SmallBandProblem(costs.ratio, fixed, scaled_aversion, variance, look, is_short)
            found = small_band(problem, option.moneyness)
            return _as_watched([abs(option.quantity) * edge for edge in found], self._overshoot(exposure))
        unit = band_unit(exposure.book_gamma_per_usd, spot_usd, costs.ratio, costs.fixed_usd, aversion, variance)
        edges = band_table(criterion, is_short=option.quantity < 0.0).at(place)
        if criterion is Criterion.EXPONENTIAL:
            edges = narrowed(edges, place)
        return _as_watched((unit * edges).tolist(), self._overshoot(exposure))

    def _overshoot(self, exposure: Exposure) -> float:
        """Return how far past an edge the net delta is on average when that is seen, underlying units."""
        move = abs(exposure.book_gamma_per_usd) * exposure.spot_usd * math.sqrt(self._look_variance(exposure))
        return OVERSHOOT * move

    def _look_variance(self, exposure: Exposure) -> float:
        """Return the variance of the log price from one look to the next, by what the book's gamma earns: theta."""
        per_year = 2.0 * abs(exposure.book_theta_usd_per_year / exposure.book_gamma_per_usd) / exposure.spot_usd**2
        return per_year * self.watch_seconds / SECONDS_PER_YEAR


def _as_watched(edges: list[float], overshoot: float) -> BandEdges:
    """Move the outer edges in by the overshoot, at most to the middle, and close inner ones along with them.

    An inner edge within a few overshoots of its outer one moves in too, or the next look may find the net delta outside
    again; one that is farther stays. `_COMPANION` is fitted to bands solved for rare looks.
    """
    low, high = edges[0], edges[3]
    low_inner, high_inner = (min(max(inner, low), high) for inner in edges[1:3])
    moved = min(overshoot, 0.5 * (high - low))
    if moved > 0.0:
        low_inner += moved * math.exp((low - low_inner) / (_COMPANION * moved))
        high_inner -= moved * math.exp((high_inner - high) / (_COMPANION * moved))
    if low_inner > high_inner:
        low_inner = high_inner = 0.5 * (low_inner + high_inner)
    low, high = low + moved, max(high - moved, low + moved)
    return BandEdges(low, min(max(low_inner, low), high), min(max(high_inner, low), high), high)


@dataclass(frozen=True, slots=True)
class OptimalBand(_TabulatedBand):
    """The band of Hodges and Neuberger: exponential utility, proportional and fixed cost."""

    def edges(self, exposure: Exposure, costs: TradeCosts) -> BandEdges:
        """Return the band of the net delta."""
        return self._edges(Criterion.EXPONENTIAL, exposure, costs)

    def target(self, exposure: Exposure, costs: TradeCosts) -> Target:
        """Return the band, with its inner edge on the present side as landing point."""
        net_delta = require_exposure(exposure)
        return self.edges(exposure, costs).target(net_delta, "optimal band (exponential utility)")


@dataclass(frozen=True, slots=True)
class OptimalVarianceBand(_TabulatedBand):
    """The band of least expected cost plus half the risk aversion times the variance of the outcome."""

    def edges(self, exposure: Exposure, costs: TradeCosts) -> BandEdges:
        """Return the band of the net delta."""
        return self._edges(Criterion.VARIANCE, exposure, costs)

    def target(self, exposure: Exposure, costs: TradeCosts) -> Target:
        """Return the band, with its inner edge on the present side as landing point."""
        net_delta = require_exposure(exposure)
        return self.edges(exposure, costs).target(net_delta, "optimal band (variance)")
