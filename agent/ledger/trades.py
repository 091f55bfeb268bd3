"""The desk's trades with the venues' prices before, at and after: what its own impact is estimated from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agent.ledger.records import FillRecord, IntentRecord, Trade
from agent.units import Address, IntentId, Seconds, Wad


def trades_of(
    fills: Iterable[FillRecord],
    intents: Iterable[IntentRecord],
    executed_unix: Mapping[IntentId, Seconds],
    settled: Mapping[tuple[IntentId, Address], tuple[Wad, Seconds]],
) -> list[Trade]:
    """Return a trade for each fill whose intent is known, in the order of the fills."""
    decided = {record.intent.intent_id: record for record in intents}
    trades = []
    for fill in fills:
        record = decided.get(fill.intent_id)
        if record is None:  # of a ledger that was rebuilt from the chain, which holds no decisions
            continue
        price, unix = settled.get((fill.intent_id, fill.venue), (None, None))
        trades.append(
            Trade(
                fill=fill,
                arrival_price=dict(record.arrival_prices).get(fill.venue),
                decided_unix=record.intent.decided_at_block.timestamp,
                executed_unix=executed_unix.get(fill.intent_id),
                settled_price=price,
                settled_unix=unix,
            )
        )
    return trades
