"""Hedge back to neutral whenever the book is looked at: the frictionless ideal, as often as one can trade."""

from __future__ import annotations

from dataclasses import dataclass

from agent.domain import Exposure, Target, TradeCosts
from agent.policy.base import band_target, require_costs, require_exposure


@dataclass(frozen=True, slots=True)
class Continuous:
    """No band at all; costs play no part. The least size worth a transaction is the decision's, not the policy's."""

    def target(self, exposure: Exposure, costs: TradeCosts) -> Target:
        """Return neutral as band and landing point."""
        require_costs(costs)
        return band_target(require_exposure(exposure), 0.0, 0.0, "continuous")
