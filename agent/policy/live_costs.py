r"""What a policy reckons a trade to cost: carry until it is traded back, and less weight on cost when it is urgent.

**Carry.** The funding of a trade runs until the hedge it adds is taken off again. A net delta that diffuses with
variance rate w, is traded from an outer edge h to the inner edge l, and comes to the opposite outer edge -h, takes

    2 h (h + l) / w

on average: u(-h) = 0, u(h) = u(l), w u'' / 2 = -1, read at l. For an option book w = (Gamma sigma S)^2, and since the
theta of a book without interest is -sigma^2 S^2 Gamma / 2, w = 2 |theta Gamma|: no volatility need be guessed.

**Urgency.** A trade is worth the risk it removes. Under urgency u a policy may pay (1 + `URGENCY_PREMIUM` u) times
that, which is the same as a band for costs smaller by that factor: it hedges sooner and further.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from agent.checks import require_finite
from agent.domain import Exposure, TradeCosts
from agent.policy.base import require_costs
from agent.units import DAYS_PER_YEAR

URGENCY_PREMIUM = 1.0
"""What may be paid on top of a trade's worth at full urgency: as much again, so that bands narrow by about a fifth."""


class EffectiveCosts(NamedTuple):
    """Cost of a trade as a ratio of its notional, and of any trade in USD."""

    ratio: float
    fixed_usd: float


def effective_costs(exposure: Exposure, costs: TradeCosts, holding_days: float | None = None) -> EffectiveCosts:
    """Return the costs a policy weighs against risk.

    Parameters
    ----------
    exposure
        Its urgency makes costs weigh less.
    costs
        Live costs; their funding runs for ``costs.funding_horizon_days``.
    holding_days
        How long what is traded now is expected to be held; None, or an unknown horizon, leaves funding as it is.

    Raises
    ------
    DataError
        A cost is not finite, or one that cannot be negative is.

    """
    require_costs(costs)
    funding_ratio = costs.funding_ratio
    if holding_days is not None and costs.funding_horizon_days > 0.0:
        funding_ratio *= holding_days / costs.funding_horizon_days
    weight = 1.0 + URGENCY_PREMIUM * exposure.urgency_ratio
    ratio = require_finite(costs.fee_ratio + costs.impact_ratio + funding_ratio, "proportional_ratio")
    return EffectiveCosts(max(ratio, 0.0) / weight, costs.gas_usd / weight)


def carried_costs(
    exposure: Exposure,
    costs: TradeCosts,
    half_widths: Callable[[EffectiveCosts], tuple[float, float]],
    longest_days: float,
) -> EffectiveCosts:
    """Return the costs with funding until what is traded now is expected to be traded back.

    ``half_widths`` answers with the outer and inner half-width at given costs: those at the costs as they are tell how
    long a trade is held, at most ``longest_days``. Without funding, or with a horizon unknown, nothing changes.
    """
    as_given = effective_costs(exposure, costs)
    if costs.funding_ratio == 0.0 or costs.funding_horizon_days == 0.0:
        return as_given
    outer, inner = half_widths(as_given)
    return effective_costs(exposure, costs, holding_days(exposure, outer, inner, longest_days))


def holding_days(exposure: Exposure, outer: float, inner: float, longest_days: float) -> float:
    """Return the expected time until a trade at an edge is traded back, at most ``longest_days``."""
    variance_per_year = 2.0 * abs(exposure.book_theta_usd_per_year * exposure.book_gamma_per_usd)
    distance = 2.0 * outer * (outer + inner)
    if distance * DAYS_PER_YEAR >= longest_days * variance_per_year:
        return longest_days
    return distance / variance_per_year * DAYS_PER_YEAR
