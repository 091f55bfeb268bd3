"""Hedge back to neutral at fixed intervals, whatever the net delta and the cost."""

from __future__ import annotations

from dataclasses import dataclass

from agent.checks import require_positive_fields
from agent.domain import Exposure, Target, TradeCosts
from agent.formatting import figure, signed_delta
from agent.policy.base import band_target, require_costs, require_exposure

SECONDS_PER_HOUR = 3_600.0


def seconds_left(exposure: Exposure, interval_hours: float) -> float:
    """Return how long the interval since the last trade still runs, seconds; 0 when over or nothing was traded."""
    if exposure.last_trade_unix is None:
        return 0.0
    return max(exposure.last_trade_unix + interval_hours * SECONDS_PER_HOUR - exposure.at_unix, 0.0)


def wait(net_delta: float, seconds: float, name: str) -> Target:
    """Return the band that no net delta leaves while the interval runs."""
    hours = figure(seconds / SECONDS_PER_HOUR, 2)
    reason = f"{name}: {hours} hours until the next hedge of net delta {signed_delta(net_delta)}"
    return Target(-abs(net_delta), abs(net_delta), net_delta, reason)


@dataclass(frozen=True, slots=True)
class FixedInterval:
    """Trade to neutral when ``interval_hours`` have passed since the last trade. Costs play no part."""

    interval_hours: float

    def __post_init__(self) -> None:
        require_positive_fields(self, "interval_hours")

    def target(self, exposure: Exposure, costs: TradeCosts) -> Target:
        """Return neutral when the interval is over, else the present net delta."""
        net_delta = require_exposure(exposure)
        require_costs(costs)
        seconds = seconds_left(exposure, self.interval_hours)
        if seconds > 0.0:
            return wait(net_delta, seconds, "fixed interval")
        return band_target(net_delta, 0.0, 0.0, "fixed interval")
