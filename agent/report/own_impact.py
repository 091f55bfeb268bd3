"""The desk's trades, as the ledger holds them, made ready for the estimate of its own impact."""

from __future__ import annotations

from collections.abc import Iterable

from agent.costs.impact import OwnFill
from agent.ledger.records import Trade
from agent.units import from_wad


def own_fills(trades: Iterable[Trade]) -> list[OwnFill]:
    """Return the trades around which every price and time was noted; the others tell nothing of impact."""
    fills = []
    for trade in trades:
        if (
            trade.arrival_price is None
            or trade.executed_unix is None
            or trade.settled_price is None
            or trade.settled_unix is None
            or trade.fill.size_delta == 0
        ):
            continue
        fills.append(
            OwnFill(
                size_delta=from_wad(trade.fill.size_delta),
                arrival_price_usd=from_wad(trade.arrival_price),
                execution_price_usd=from_wad(trade.fill.execution_price),
                settled_price_usd=from_wad(trade.settled_price),
                waiting_seconds=float(trade.executed_unix - trade.decided_unix),
                settling_seconds=float(trade.settled_unix - trade.executed_unix),
            )
        )
    return fills
