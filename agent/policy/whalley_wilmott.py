r"""The no-trade band of an exponential-utility hedger under small proportional and fixed costs.

Let y be the net delta, Gamma the book's net gamma, S the price, k the proportional cost (ratio), F the fixed cost of a
trade (USD) and g the risk aversion (1/USD), larger by exp(r tau) where cash earns interest. While y is left alone it
diffuses with Gamma sigma S, and risk costs g/2 sigma^2 S^2 y^2 a year. To leading order in small costs the value of a
deviation obeys Gamma^2 V'' + g y^2 = c, in which sigma cancels, so that

    V'(y) = (c y - g y^3 / 3) / Gamma^2.

A trade from the outer edge h to the inner edge l pays V(h) - V(l) = F + k S (h - l) with V'(h) = V'(l) = k S.
Eliminating c:

    h l (h + l) = 3 k S Gamma^2 / g            =: A
    (h - l)^3 (h + l) = 12 F Gamma^2 / g       =: B

F = 0 gives h = l = (A/2)^(1/3), Whalley and Wilmott's band: trade back to its edge. k = 0 gives l = 0 and h = B^(1/4):
trade to neutral. In between, with u = (h + l)^(1/3), u^9 - B^(2/3) u = 4 A has one root beyond B^(1/12).

Source: A. E. Whalley and P. Wilmott, "An asymptotic analysis of an optimal hedging model for option pricing with
transaction costs", Mathematical Finance 7 (1997) 307-324 (proportional costs); the same, "Optimal hedging of options
with small but arbitrary transaction cost structure", European Journal of Applied Mathematics 10 (1999) 117-139 (fixed
costs). Static band: H0 of V. Zakamouline, "Optimal hedging of option portfolios with transaction costs" (2006).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from agent.checks import require_finite, require_positive_fields
from agent.domain import Exposure, Target, TradeCosts
from agent.policy.base import BandEdges, HalfWidths, band_target, require_exposure
from agent.policy.limited_band import within_limits
from agent.policy.live_costs import EffectiveCosts, carried_costs
from agent.units import SECONDS_PER_DAY, SECONDS_PER_YEAR

_NEWTON_STEPS = 32
"""Far beyond need: the start is at most 8 % above the root, and convergence is quadratic."""
_NEWTON_TOLERANCE = 1e-14
"""Relative; a few units in the last place of a float."""


def whalley_wilmott_half_width(
    gamma_per_usd: float,
    spot_usd: float,
    cost_ratio: float,
    risk_aversion_per_usd: float,
    tau_years: float = 0.0,
    rate_annual: float = 0.0,
) -> float:
    """Return the half-width of the no-trade band under proportional costs alone, underlying units.

    Formula: (3/2 exp(-r tau) k S Gamma^2 / g)^(1/3).

    Source: Whalley and Wilmott (1997).
    """
    aversion = risk_aversion_per_usd * math.exp(rate_annual * tau_years)
    return math.cbrt(1.5 * cost_ratio * spot_usd * gamma_per_usd**2 / aversion)


def dynamic_band(
    gamma_per_usd: float, spot_usd: float, cost_ratio: float, fixed_cost_usd: float, risk_aversion_per_usd: float
) -> HalfWidths:
    """Return the edges of the band under proportional and fixed costs, r = 0 (see the module's derivation).

    Source: Whalley and Wilmott (1999); the two equations above.
    """
    gamma_squared_over_aversion = gamma_per_usd**2 / risk_aversion_per_usd
    proportional = 3.0 * cost_ratio * spot_usd * gamma_squared_over_aversion
    fixed = 12.0 * fixed_cost_usd * gamma_squared_over_aversion
    if fixed <= 0.0:
        half_width = math.cbrt(proportional / 2.0)
        return HalfWidths(half_width, half_width)
    edge_sum = _edge_sum(proportional, fixed)
    gap = math.cbrt(fixed / edge_sum)
    return HalfWidths((edge_sum + gap) / 2.0, max((edge_sum - gap) / 2.0, 0.0))


def _edge_sum(proportional: float, fixed: float) -> float:
    """Return h + l: the root of s^3 - fixed^(2/3) s^(1/3) = 4 proportional, scaled to keep the powers in range.

    With s = fixed^(1/4) v^3 it reads v^9 - v = a, a = 4 proportional / fixed^(3/4) >= 0, and v >= 1. The left side is
    convex and increasing there, so Newton's method falls to the root from any start above it, such as (2 + 2
    a)^(1/9).
    """
    scale = math.sqrt(math.sqrt(fixed))
    load = 4.0 * proportional / scale**3
    v = math.pow(2.0 + 2.0 * load, 1.0 / 9.0)
    for _ in range(_NEWTON_STEPS):
        step = (v**9 - v - load) / (9.0 * v**8 - 1.0)
        v -= step
        if abs(step) <= _NEWTON_TOLERANCE * v:
            break
    return scale * v**3


def static_band(
    spot_usd: float,
    cost_ratio: float,
    fixed_cost_usd: float,
    risk_aversion_per_usd: float,
    vol_annual: float,
    horizon_years: float,
) -> HalfWidths:
    """Return the edges of the band for a delta that no longer moves: a holding, or options without gamma.

    Trading from y to l saves g/2 sigma^2 S^2 T (y^2 - l^2) of risk over the horizon T and costs F + k S (y - l). Best
    is l = k / (g sigma^2 S T), and it pays from y = l + sqrt(2 F / (g sigma^2 S^2 T)) on.

    Source: l is Zakamouline's H0; the outer edge equates gain and cost.
    """
    variance_usd2 = (vol_annual * spot_usd) ** 2 * horizon_years
    inner = cost_ratio * spot_usd / (risk_aversion_per_usd * variance_usd2)
    return HalfWidths(inner + math.sqrt(2.0 * fixed_cost_usd / (risk_aversion_per_usd * variance_usd2)), inner)


@dataclass(frozen=True, slots=True)
class WhalleyWilmott:
    """Whalley-Wilmott band on the book's net gamma, gas as fixed cost; never narrower than the static band.

    ``risk_aversion_per_usd`` weighs variance against cost. ``static_horizon_days`` and ``static_vol_annual`` shape the
    static band alone, which rules only where the book has next to no gamma. r = 0 as in the book's valuation.
    """

    risk_aversion_per_usd: float
    static_horizon_days: float
    static_vol_annual: float

    def __post_init__(self) -> None:
        require_positive_fields(self, "risk_aversion_per_usd", "static_horizon_days", "static_vol_annual")

    def edges(self, exposure: Exposure, costs: TradeCosts) -> HalfWidths:
        """Return the wider of the dynamic and the static band, underlying units, as if nothing forced a trade.

        Funding runs until what is traded now is expected to be traded back, and urgency makes costs weigh less.
        """
        require_exposure(exposure)
        return self._widths_at(exposure, self._carried(exposure, costs))

    def target(self, exposure: Exposure, costs: TradeCosts) -> Target:
        """Return the band around 0, narrowed to the exposure's limits, with the present side's landing point."""
        net_delta = require_exposure(exposure)
        carried = self._carried(exposure, costs)
        own = self._widths_at(exposure, carried)
        around = BandEdges.around(0.0, own.outer, own.inner)
        gamma, spot_usd = exposure.book_gamma_per_usd, exposure.spot_usd
        limited = within_limits(around, exposure.limits, gamma, spot_usd, carried, self.risk_aversion_per_usd)
        if limited is around:
            return band_target(net_delta, own.outer, own.inner, "Whalley-Wilmott")
        return limited.target(net_delta, "Whalley-Wilmott")

    def _carried(self, exposure: Exposure, costs: TradeCosts) -> EffectiveCosts:
        return carried_costs(
            exposure, costs, lambda effective: self._edges_at(exposure, effective), self.static_horizon_days
        )

    def _widths_at(self, exposure: Exposure, costs: EffectiveCosts) -> HalfWidths:
        wider = self._edges_at(exposure, costs)
        require_finite(wider.outer, "half-width of the Whalley-Wilmott band")
        return wider

    def _edges_at(self, exposure: Exposure, costs: EffectiveCosts) -> HalfWidths:
        gamma_per_usd, spot_usd = exposure.book_gamma_per_usd, exposure.spot_usd
        arguments = (costs.ratio, costs.fixed_usd, self.risk_aversion_per_usd)
        years = self.static_horizon_days * SECONDS_PER_DAY / SECONDS_PER_YEAR
        dynamic = dynamic_band(gamma_per_usd, spot_usd, *arguments)
        return max(dynamic, static_band(spot_usd, *arguments, self.static_vol_annual, years))
