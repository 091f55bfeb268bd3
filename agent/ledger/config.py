"""Where the records are kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from agent.config import Section

LEDGER_URL_VARIABLE = "EVENKEEL_LEDGER_URL"
"""Replaces ``[ledger] url``. The place for a URL that holds a password."""


def _ledger_url(url: str) -> str:
    if not url.startswith(("sqlite:///", "postgresql")):
        raise ValueError("write sqlite:///path/to/ledger.sqlite or a postgresql:// URL")
    return url


class LedgerSettings(Section):
    """Where the records are kept."""

    url: Annotated[str, AfterValidator(_ledger_url)] = Field(
        description="where the record is kept: SQLite beside the keeper, or PostgreSQL for several"
    )
