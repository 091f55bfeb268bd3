"""The state of a market in a few lines of TOML: what a book is valued at when no chain is asked."""

from __future__ import annotations

from pathlib import Path

from agent.files.entry import Entry, read_toml
from agent.products.book_value import Market

_KEYS = ("spot_usd", "now", "rate_annual")


def load_market(path: Path) -> Market:
    """Read ``spot_usd``, ``now`` (ISO 8601) and, optionally, ``rate_annual`` (0 when absent).

    Raises
    ------
    DataError : unreadable file, unknown or missing key, or a number out of range.

    """
    entry = Entry(read_toml(path), str(path))
    entry.require_known(_KEYS)
    rate_annual = entry.number("rate_annual") if entry.has("rate_annual") else 0.0
    return Market(entry.positive("spot_usd"), entry.instant("now"), rate_annual)
