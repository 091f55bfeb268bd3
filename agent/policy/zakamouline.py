r"""Zakamouline's closed form for the band of an exponential-utility hedger, fitted to numerical solutions.

Around the delta of a modified volatility, sigma_m^2 = sigma^2 (1 - K) for a book short gamma and sigma^2 (1 + K) for
one long gamma, lies a band of half-width H0 + H1:

    H0 = k / (g S sigma^2 tau)
    H1 = 1.12 k^0.31 tau^0.05 (exp(-r tau) / sigma)^0.25 (|Gamma| / g)^0.5
    K  = -c k^0.78 / tau^0.02 (exp(-r tau) / sigma)^0.25 (g S^2 |Gamma|)^0.15

with k the proportional cost, g the risk aversion per USD and c a constant in which copies of the paper differ, 4.76 or
5.76. At the paper's own risk aversion the Hodges-Neuberger solver of this package confirms `CONFIRMED_CONSTANT`, see
docs/frontier.md.

The paper knows no fixed costs. Here they widen the outer and narrow the inner half-width by the factors by which they
do so to Whalley and Wilmott's band.

Source: V. I. Zakamouline, "European option pricing and hedging with both fixed and proportional transaction costs",
Journal of Economic Dynamics and Control 30 (2006) 1-25, and "Optimal hedging of option portfolios with transaction
costs" (2006).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from agent.checks import require_positive_fields
from agent.domain import Exposure, Target, TradeCosts
from agent.policy.band_range import require_fitted
from agent.policy.base import BandEdges, HalfWidths, require_exposure
from agent.policy.equivalent_option import EquivalentOption, delta_shift, equivalent_option, legs_of
from agent.policy.limited_band import within_limits
from agent.policy.live_costs import EffectiveCosts, carried_costs
from agent.policy.whalley_wilmott import dynamic_band, static_band
from agent.units import SECONDS_PER_DAY, SECONDS_PER_YEAR

CONFIRMED_CONSTANT = 5.76
_LEAST_VARIANCE_FACTOR = 0.01
"""Of a long book beyond the range that the formula was fitted on, where 1 + K is not positive."""


class ZakamoulineBand(NamedTuple):
    """Half-widths H0 and H1, underlying units, and K."""

    h0: float
    h1: float
    volatility_adjustment: float

    def variance_factor(self, *, is_short_gamma: bool) -> float:
        """Return (sigma_m / sigma)^2, at least 1/100."""
        adjustment = self.volatility_adjustment
        return max(1.0 - adjustment if is_short_gamma else 1.0 + adjustment, _LEAST_VARIANCE_FACTOR)


def zakamouline_band(
    gamma_per_usd: float,
    spot_usd: float,
    cost_ratio: float,
    risk_aversion_per_usd: float,
    vol_annual: float,
    tau_years: float,
    rate_annual: float = 0.0,
    volatility_constant: float = CONFIRMED_CONSTANT,
) -> ZakamoulineBand:
    """Return H0, H1 and K of the module's formulas."""
    aversion = risk_aversion_per_usd
    vol_factor = math.pow(math.exp(-rate_annual * tau_years) / vol_annual, 0.25)
    h0 = cost_ratio / (aversion * spot_usd * vol_annual**2 * tau_years)
    h1 = 1.12 * cost_ratio**0.31 * tau_years**0.05 * vol_factor * math.sqrt(abs(gamma_per_usd) / aversion)
    cash_aversion = (aversion * spot_usd**2 * abs(gamma_per_usd)) ** 0.15
    adjustment = -volatility_constant * cost_ratio**0.78 / tau_years**0.02 * vol_factor * cash_aversion
    return ZakamoulineBand(h0, h1, adjustment)


@dataclass(frozen=True, slots=True)
class Zakamouline:
    """Zakamouline's band on the book's net gamma, gas as fixed cost, funding as carry.

    ``static_horizon_days`` and ``static_vol_annual`` shape the band of a book without gamma alone.
    ``volatility_constant`` is c: 5.76, or 4.76 where standard deviation counts for more than utility.
    """

    risk_aversion_per_usd: float
    static_horizon_days: float
    static_vol_annual: float
    volatility_constant: float

    def __post_init__(self) -> None:
        require_positive_fields(
            self, "risk_aversion_per_usd", "static_horizon_days", "static_vol_annual", "volatility_constant"
        )

    def edges(self, exposure: Exposure, costs: TradeCosts) -> BandEdges:
        """Return the band under the exposure's limits; funding runs until what is traded now is likely traded back."""
        option = equivalent_option(exposure)
        carried = carried_costs(
            exposure,
            costs,
            lambda effective: self._edges_at(exposure, option, effective).half_widths,
            self.static_horizon_days,
        )
        own = self._edges_at(exposure, option, carried)
        gamma, spot_usd = exposure.book_gamma_per_usd, exposure.spot_usd
        return within_limits(own, exposure.limits, gamma, spot_usd, carried, self.risk_aversion_per_usd)

    def target(self, exposure: Exposure, costs: TradeCosts) -> Target:
        """Return the band, with its inner edge on the present side as landing point."""
        net_delta = require_exposure(exposure)
        return self.edges(exposure, costs).target(net_delta, "Zakamouline")

    def _edges_at(self, exposure: Exposure, option: EquivalentOption | None, costs: EffectiveCosts) -> BandEdges:
        aversion, spot_usd = self.risk_aversion_per_usd, exposure.spot_usd
        if option is None:
            years = self.static_horizon_days * SECONDS_PER_DAY / SECONDS_PER_YEAR
            static = static_band(spot_usd, costs.ratio, costs.fixed_usd, aversion, self.static_vol_annual, years)
            return BandEdges.around(0.0, static.outer, static.inner)
        weight = aversion * costs.ratio * abs(option.quantity) * option.strike_usd
        require_fitted(weight, aversion * costs.fixed_usd, aversion)
        gamma = exposure.book_gamma_per_usd
        vol, tau = option.vol_annual, option.tau_years
        band = zakamouline_band(
            gamma, spot_usd, costs.ratio, aversion, vol, tau, volatility_constant=self.volatility_constant
        )
        factor = band.variance_factor(is_short_gamma=gamma < 0.0)
        centre = delta_shift(exposure, legs_of(exposure), factor)
        if costs.fixed_usd == 0.0:
            return BandEdges.around(centre, band.h0 + band.h1, band.h0 + band.h1)
        dynamic = _with_fixed_cost(band.h1, gamma, spot_usd, costs, aversion)
        static = static_band(spot_usd, costs.ratio, costs.fixed_usd, aversion, vol, tau)
        return BandEdges.around(centre, static.outer + dynamic.outer, static.inner + dynamic.inner)


def _with_fixed_cost(h1: float, gamma: float, spot_usd: float, costs: EffectiveCosts, aversion: float) -> HalfWidths:
    """Change H1 as the fixed cost changes Whalley and Wilmott's band; theirs itself where only gas is paid."""
    both = dynamic_band(gamma, spot_usd, costs.ratio, costs.fixed_usd, aversion)
    proportional = dynamic_band(gamma, spot_usd, costs.ratio, 0.0, aversion).outer
    if proportional == 0.0:
        return both
    return HalfWidths(h1 * both.outer / proportional, h1 * both.inner / proportional)
