"""What the ledger keeps of a cycle that decided."""

from __future__ import annotations

from agent.chain.block_id import BlockId
from agent.keeper.planner import CycleView
from agent.keeper.rebalancer import mark_prices
from agent.keeper.result import CycleResult
from agent.ledger.accounting import NavCheck
from agent.ledger.records import CycleRecord
from agent.units import Wad


def cycle_record(result: CycleResult, view: CycleView, nav: NavCheck) -> CycleRecord:
    """Return the record of a cycle, its NAV by ledger and chain beside it."""
    measured = view.snapshot.measurement
    return CycleRecord(
        block_id=BlockId.of(view.block),
        block_unix=view.block.timestamp,
        price=measured.price,
        book_delta_low=measured.book_delta_low,
        book_delta_high=measured.book_delta_high,
        hedge_size=Wad(sum(venue.size for venue in view.snapshot.venues)),
        chain_nav_low=nav.chain_low,
        chain_nav_high=nav.chain_high,
        ledger_nav_low=nav.ledger_low,
        ledger_nav_high=nav.ledger_high,
        outcome=result.outcome.value,
        intent_id=result.intent_id,
        decision_seconds=view.decision_seconds,
        reason=result.reason,
        mark_prices=mark_prices(view),
    )
