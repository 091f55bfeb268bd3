"""What the programme answers with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from agent.optimiser.factors import Factors


class PlanTrade(NamedTuple):
    """One instrument's trade, in its own units; ``price_usd`` is the average paid or received, without fee."""

    instrument: str
    venue: str
    size: float
    price_usd: float
    fee_usd: float
    impact_usd: float


class PlanCosts(NamedTuple):
    """What the trades cost until the next rebalance, USD; funding is negative where it is earned."""

    fee_usd: float
    impact_usd: float
    funding_usd: float
    premium_usd: float
    """Change of the expected loss from venues that fail."""
    gas_usd: float

    @property
    def total_usd(self) -> float:
        """All of it."""
        return sum(self)


@dataclass(frozen=True, slots=True)
class Plan:
    """Trades, cost, risk before and after; ``stdev`` is that of the gain over ``horizon_days``."""

    trades: tuple[PlanTrade, ...]
    costs: PlanCosts
    expected_gain_usd: float
    """Of the trades, where the programme was told to count it; else 0."""
    before: Factors
    after: Factors
    stdev_before_usd: float
    stdev_after_usd: float
    horizon_days: float
    objective_before_usd: float
    """a/2 x variance without a trade."""
    objective_usd: float
    """a/2 x variance plus all costs less what gain was counted."""
    binding: tuple[str, ...]
    """Bounds and quoted sizes without which the trades would be larger."""
    gap_usd: float
    """No trade in the legs chosen, whole lots or not, has an objective lower by more than this: proven, not claimed."""
    reason: str
    """In words: what to trade at what price, which risk it removes, the cost, what risk is left, what bounds it."""
