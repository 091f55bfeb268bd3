"""Rhythm of the keeper's loop, and what halts its trading."""

from __future__ import annotations

from pydantic import Field

from agent.config import Real, Section


class KeeperSettings(Section):
    """Rhythm of the loop, and what halts it."""

    interval_seconds: Real = Field(gt=0)
    retry_initial_seconds: Real = Field(gt=0)
    retry_max_seconds: Real = Field(gt=0)
    max_nav_error_bps: Real = Field(gt=0)
    """Distance of the ledger's NAV from the chain's, 1e-4, beyond which positions may only shrink."""
