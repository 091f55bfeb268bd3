"""Rhythm of the keeper's loop."""

from __future__ import annotations

from pydantic import Field

from agent.config import Real, Section


class KeeperSettings(Section):
    """Rhythm of the loop."""

    interval_seconds: Real = Field(gt=0)
    retry_initial_seconds: Real = Field(gt=0)
    retry_max_seconds: Real = Field(gt=0)
    cycle_deadline_seconds: Real = Field(default=60, gt=0)
    """No read of a cycle goes on for longer, whatever the servers do; the next cycle begins afresh."""
