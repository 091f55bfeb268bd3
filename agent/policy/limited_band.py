r"""The best band under a hard limit: a trade is forced where the net delta leaves it, whatever the trade is worth.

Let z be the net delta less the middle of the policy's own band, Gamma the book's gamma, g the risk aversion, k S the
cost of a unit and F that of any trade. While z is left alone it diffuses; counting time by its own variance, risk costs
r z^2 with r = g / (2 Gamma^2), in which volatility cancels. A hedger who must trade at L and U and lands at l- and l+
pays the same on average for ever, c per unit of that time, and what a deviation costs obeys V'' / 2 + r z^2 = c, so
that

    V(z) = c z^2 - r z^4 / 6 + d z.

What a trade pays, at the upper limit and at the lower one,

    V(U) - V(l+) = F + k S (U - l+),        V(L) - V(l-) = F + k S (l- - L),

are two linear equations for c and d. The best landings are where V'(l+) = k S and V'(l-) = -k S; solving the two pairs
in turn is Howard's policy iteration, which lowers c each time. L and U are the limits, or the policy's own outer edges
where those are nearer: with V'(U) = k S as well this is Whalley and Wilmott's band. As F grows against k S the landing
goes to the middle of the limits, where the next forced trade is farthest off; as it falls, to the limit itself.

Source: R. A. Howard, "Dynamic Programming and Markov Processes" (1960); A. E. Whalley and P. Wilmott, European Journal
of Applied Mathematics 10 (1999) 117-139, for V without limits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from agent.domain import NetDeltaLimits
from agent.policy.base import BandEdges
from agent.policy.live_costs import EffectiveCosts

_LEAST_FIXED_PART = 1e-9
"""Of the cost to cross the band, what a trade costs at least: without a fixed cost l = U, and c has no equation."""
_LEAST_VARIANCE_SHARE = 1e-12
"""Gamma x price, units, below which the net delta of a book stands still."""
_MOST_ROUNDS = 20
_ROUND_TOLERANCE = 1e-9
_HALVINGS = 48


def within_limits(
    edges: BandEdges,
    limits: NetDeltaLimits | None,
    gamma_per_usd: float,
    spot_usd: float,
    costs: EffectiveCosts,
    risk_aversion_per_usd: float,
) -> BandEdges:
    """Return a band that a hard limit narrows; the band itself where the limit does not reach it.

    Parameters
    ----------
    edges
        The best band without limits, underlying units.
    limits
        Where a trade is forced, underlying units.
    gamma_per_usd, spot_usd
        The book's net gamma and the price.
    costs
        Of a trade.
    risk_aversion_per_usd
        Weighs variance against cost.

    """
    if limits is None or (limits.low <= edges.low_outer and edges.high_outer <= limits.high):
        return edges
    low, high = max(edges.low_outer, limits.low), min(edges.high_outer, limits.high)
    if low >= high:
        middle = min(max(0.5 * (low + high), limits.low), limits.high)
        return BandEdges(middle, middle, middle, middle)
    if abs(gamma_per_usd) * spot_usd <= _LEAST_VARIANCE_SHARE or (costs.ratio == 0.0 and costs.fixed_usd == 0.0):
        return BandEdges(low, _between(edges.low_inner, low, high), _between(edges.high_inner, low, high), high)
    centre = 0.5 * (edges.low_inner + edges.high_inner)
    per_unit_usd = costs.ratio * spot_usd
    fixed_usd = max(costs.fixed_usd, _LEAST_FIXED_PART * per_unit_usd * (high - low))
    risk = risk_aversion_per_usd / (2.0 * gamma_per_usd**2)
    lower, upper = _Limited(low - centre, high - centre, risk, per_unit_usd, fixed_usd).landings()
    # An own outer edge keeps the landing that was found with it.
    low_inner = edges.low_inner if low == edges.low_outer else centre + lower
    high_inner = edges.high_inner if high == edges.high_outer else centre + upper
    return BandEdges(low, _between(low_inner, low, high), _between(high_inner, low, high), high)


@dataclass(frozen=True, slots=True)
class _Limited:
    """The problem in distances from the middle of the policy's own band; see the module."""

    low: float
    high: float
    risk: float
    per_unit_usd: float
    fixed_usd: float

    def landings(self) -> tuple[float, float]:
        """Return where to land from the lower and from the upper limit."""
        middle = 0.5 * (self.low + self.high)
        lower = upper = middle
        for _ in range(_MOST_ROUNDS):
            rate, tilt = self._cost_rate(lower, upper)
            before = lower, upper
            lower = self._landing(rate, tilt + self.per_unit_usd)
            upper = self._landing(rate, tilt - self.per_unit_usd)
            if max(abs(lower - before[0]), abs(upper - before[1])) <= _ROUND_TOLERANCE * (self.high - self.low):
                break
        return lower, upper

    def _cost_rate(self, lower: float, upper: float) -> tuple[float, float]:
        """Return c and d of the two landings."""
        high, low, quartic = self.high, self.low, self.risk / 6.0
        square_up, square_down = high**2 - upper**2, low**2 - lower**2
        line_up, line_down = high - upper, low - lower
        paid_up = self.fixed_usd + self.per_unit_usd * line_up + quartic * (high**4 - upper**4)
        paid_down = self.fixed_usd - self.per_unit_usd * line_down + quartic * (low**4 - lower**4)
        determinant = square_up * line_down - square_down * line_up
        rate = (paid_up * line_down - paid_down * line_up) / determinant
        return rate, (square_up * paid_down - square_down * paid_up) / determinant

    def _landing(self, rate: float, slope: float) -> float:
        """Return the zero of 2 c z - 2 r z^3 / 3 + slope where it rises, within the limits."""
        turn = math.sqrt(max(rate, 0.0) / self.risk)
        low, high = max(self.low, -turn), min(self.high, turn)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            if 2.0 * middle * (rate - self.risk * middle * middle / 3.0) + slope < 0.0:
                low = middle
            else:
                high = middle
        return 0.5 * (low + high)


def _between(number: float, low: float, high: float) -> float:
    return min(max(number, low), high)
