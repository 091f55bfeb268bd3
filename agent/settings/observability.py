"""What is worth telling somebody, and when."""

from __future__ import annotations

from pydantic import Field

from agent.config import Section, Whole
from agent.units import BPS


class ObservabilitySettings(Section):
    """Limits beyond which a person is told; see docs/runbook.md. Each has a default that fits a vault on Ethereum."""

    max_outside_seconds: Whole = Field(
        default=900,
        gt=0,
        description="how long the worst-case delta may stay over the band, chain time",
    )
    max_failing_seconds: Whole = Field(
        default=300, gt=0, description="how long cycles, or the watcher's looks, may fail one after another"
    )
    max_cycle_seconds: Whole = Field(
        default=300,
        gt=0,
        description="a cycle that takes longer hangs, and the process ends itself",
    )
    max_leverage_share_bps: Whole = Field(
        default=9_000, gt=0, description="of the guard's cap on a venue's leverage, which itself lies below liquidation"
    )
    min_liquidation_distance_bps: Whole = Field(
        default=1_000, ge=0, le=BPS, description="of the price: how near it may come to where a venue liquidates"
    )
    min_rebalances_left: Whole = Field(
        default=20, ge=0, description="what gas money must pay for: at two rebalances a day, ten days"
    )
    repeat_seconds: Whole = Field(default=3_600, gt=0, description="an alert that lasts is told again after so long")
