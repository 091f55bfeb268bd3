"""Rhythm of the keeper's loop, and what halts its trading."""

from __future__ import annotations

from pydantic import Field

from agent.config import HttpUrl, Real, Section, WaitSeconds, Whole

PRICE_SERVICE_URL_VARIABLE = "EVENKEEL_PRICE_SERVICE_URL"
"""Where Pyth's updates come from; its URL may hold a key."""


class KeeperSettings(Section):
    """Rhythm of the loop, and what halts it."""

    interval_seconds: WaitSeconds = Field(description="wait between two cycles: how often the book is looked at")
    least_interval_seconds: WaitSeconds = Field(
        default=1, description="least time between two cycles that heads told by [chain] ws_urls bring forward"
    )
    retry_initial_seconds: WaitSeconds = Field(description="wait after a first failure; doubled after each further one")
    retry_max_seconds: WaitSeconds = Field(description="longest wait after a failure")
    cycle_deadline_seconds: WaitSeconds = Field(
        default=60, description="no read of a cycle goes on for longer; the next cycle begins afresh"
    )
    max_order_age_seconds: Real = Field(
        default=600, gt=0, description="an order that is open for longer, by chain time, is told: it should have ended"
    )
    max_failed_orders_in_row: Whole = Field(
        default=3, gt=0, description="orders that end alike without a fill; after so many their venue gets none"
    )
    order_interval_seconds: WaitSeconds = Field(
        default=3, description="longest wait between two cycles while an order is open: its window may be short"
    )
    price_service_url: HttpUrl | None = Field(
        default=None,
        description=(
            "Pyth's price service (Hermes), with whose updates the keeper settles orders where the venue lets anybody; "
            "without it that is left to others. `EVENKEEL_PRICE_SERVICE_URL` replaces it, for a URL that holds a key"
        ),
    )
    max_nav_error_bps: Real = Field(
        gt=0, description="distance of the ledger's NAV from the chain's beyond which positions may only shrink"
    )
