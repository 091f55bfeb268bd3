"""What follows from a status: the worst-case net delta, where the book can be told."""

from __future__ import annotations

from dataclasses import replace

from agent.guard import worst_net_delta
from agent.status.records import VaultStatus
from agent.units import Wad


def worst_net_delta_of(status: VaultStatus) -> Wad | None:
    """Return W, None where the book's delta is not known."""
    if status.book_delta is None:
        return None
    low, high = status.book_delta
    return worst_net_delta(replace(status.measurement, book_delta_low=low, book_delta_high=high))
