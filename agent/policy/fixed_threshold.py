"""Hedge back to neutral whenever the net delta leaves a fixed band."""

from __future__ import annotations

from dataclasses import dataclass

from agent.checks import require_finite
from agent.domain import Exposure, Target, TradeCosts
from agent.errors import DataError
from agent.policy.base import band_target, require_costs, require_exposure


@dataclass(frozen=True, slots=True)
class FixedThreshold:
    """No trade within ``threshold_underlying`` of neutral; else trade to neutral. Costs play no part."""

    threshold_underlying: float

    def __post_init__(self) -> None:
        require_finite(self.threshold_underlying, "threshold_underlying")
        if self.threshold_underlying < 0.0:
            raise DataError(f"threshold_underlying is {self.threshold_underlying}; expected no negative number")

    def target(self, exposure: Exposure, costs: TradeCosts) -> Target:
        """Return the fixed band around 0 with its middle as landing point."""
        net_delta = require_exposure(exposure)
        require_costs(costs)
        return band_target(net_delta, self.threshold_underlying, 0.0, "fixed threshold")
