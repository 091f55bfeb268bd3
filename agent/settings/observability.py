"""What is worth telling somebody, and when."""

from __future__ import annotations

from pydantic import Field

from agent.config import Real, Section, Whole


class ObservabilitySettings(Section):
    """Limits beyond which a person is told; see docs/runbook.md. Each has a default that fits a vault on Ethereum."""

    max_outside_seconds: Whole = Field(default=900, gt=0)
    """How long the worst-case delta may stay over the band, chain time: three cycles of 300 s miss it by chance."""
    max_failing_seconds: Whole = Field(default=300, gt=0)
    """How long cycles, or the watcher's looks, may fail one after another."""
    max_cycle_seconds: Whole = Field(default=300, gt=0)
    """A cycle that takes longer hangs, and the process ends itself: a deadline of 240 s and a minute to see it."""
    max_reverts_in_a_row: Whole = Field(default=3, gt=0)
    max_nav_error_bps: Real = Field(default=5.0, gt=0)
    """Ledger against chain, of NAV: rounding makes far less than 1."""
    max_leverage_share_bps: Whole = Field(default=9_000, gt=0)
    """Of the guard's cap on a venue's leverage, which itself lies below liquidation."""
    min_rebalances_left: Whole = Field(default=20, ge=0)
    """What gas money must pay for: at two rebalances a day, ten days."""
    repeat_seconds: Whole = Field(default=3_600, gt=0)
    """An alert that lasts is told again after so long."""
