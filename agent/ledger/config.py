"""Where the records are kept, for how long, and how long a lease on them lasts."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from agent.config import Real, Section, Whole

LEDGER_URL_VARIABLE = "EVENKEEL_LEDGER_URL"
"""Replaces ``[ledger] url``. The place for a URL that holds a password."""


def _ledger_url(url: str) -> str:
    if not url.startswith(("sqlite:///", "postgresql")):
        raise ValueError("write sqlite:///path/to/ledger.sqlite or a postgresql:// URL")
    return url


class LedgerTerms(Section):
    """How long a lease lasts, and what is kept."""

    lease_seconds: Real = Field(
        gt=0, le=300, description="a keeper that has not renewed its lease for so long may be replaced by another one"
    )
    standby_poll_seconds: Real = Field(
        gt=0, le=60, description="wait between two questions of a keeper that stands by for the lease"
    )
    cycle_retention_days: Whole = Field(
        ge=1,
        le=3_650,
        description="cycles that did not trade, and what was noted to follow the chain, are kept so long by its time",
    )
    settling_seconds: Whole = Field(
        ge=1,
        le=86_400,
        description="after a trade, until the market has recovered from it: then the venue's price is noted again",
    )


USUAL_TERMS = LedgerTerms(lease_seconds=20.0, standby_poll_seconds=2.0, cycle_retention_days=30, settling_seconds=600)
"""Those of the configurations that come with the program."""


class LedgerSettings(LedgerTerms):
    """Where the records are kept, and for how long."""

    url: Annotated[str, AfterValidator(_ledger_url)] = Field(
        description="where the record is kept: SQLite beside the keeper, or PostgreSQL for several"
    )
