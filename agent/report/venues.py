"""What each venue did in a replay: trades, costs, the account at the end, and what became of its orders."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class OrderCounts:
    """Orders that were asked for, by their end; ``partly``: ended with a part filled."""

    asked: int = 0
    filled: int = 0
    partly: int = 0
    cancelled: int = 0
    expired: int = 0
    still_open: int = 0


@dataclass(frozen=True, slots=True)
class VenueFigures:
    """One venue; sizes in underlying units, ``equity_usd`` as the vault counts it."""

    name: str
    title: str
    trades: int
    turnover_usd: float
    fee_usd: float
    slippage_usd: float
    funding_usd: float
    size: float
    equity_usd: float
    orders: OrderCounts = field(default_factory=OrderCounts)


def venues_document(venues: tuple[VenueFigures, ...]) -> list[dict[str, Any]]:
    """Return the figures for machines."""
    return [asdict(venue) for venue in venues]
