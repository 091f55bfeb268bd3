"""What ``evenkeel run`` says of a cycle that traded: at once, or by an order that its venue fills later."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from agent.chain.block_id import BlockId
from agent.cli.run import as_document, as_line
from agent.decision.decide import decide
from agent.domain import BlockRef
from agent.keeper.planner import CycleView
from agent.keeper.result import CycleResult, Outcome
from agent.ledger.records import FillRecord, LogId
from agent.policy.fixed_threshold import FixedThreshold
from agent.report.formatting import MINUS
from agent.units import BlockHash, IntentId, Seconds, Wad, Wei
from tests.support.decision_builders import COSTS, SETTINGS, held, snapshot_of, wad

BOOK = held(6.0)
SNAPSHOT = snapshot_of(BOOK)
DECISION = decide(SNAPSHOT, BOOK, FixedThreshold(0.5), COSTS, SETTINGS)
BLOCK = BlockRef(5, BlockHash(f"0x{5:064x}"), Seconds(1_000), Wei(1))


def executed(requested: float, filled: float, limit: Wad) -> CycleResult:
    [leg] = DECISION.legs
    decision = replace(DECISION, legs=(replace(leg, limit_price=limit),))
    at = LogId(BlockId.of(BLOCK), "0x", 0)
    paid = (wad(2_999), wad(3)) if filled else (Wad(0), Wad(0))
    fill = FillRecord(at, IntentId("0x1"), leg.venue, wad(requested), wad(filled), *paid)
    view = CycleView(SNAPSHOT, SimpleNamespace(), decision, 0.5, COSTS)
    return CycleResult(BLOCK, Outcome.EXECUTED, "because", 0.0, view, fills=(fill,))


@pytest.mark.parametrize(
    ("requested", "filled", "limit", "words"),
    [
        (-1.234, -1.234, wad(2_985), "sell 1.234 at $2,999, fee $3.00"),
        (-1.234, -1.0, wad(2_985), "sell 1.000 at $2,999, fee $3.00"),
        (-1.234, 0.0, wad(2_985), f"asks for {MINUS}1.234 at a limit of $2,985.00"),
        (2.5, 0.0, wad(3_015), "asks for +2.500 at a limit of $3,015.00"),
        (2.5, 0.0, Wad(0), "asks for +2.500 at the guard's own limit"),
    ],
)
def test_as_line__traded__says_what_was_filled_or_else_what_is_asked_for(requested, filled, limit, words):
    assert as_line(executed(requested, filled, limit)).split("; ")[3:] == [words, "because"]


def test_as_document__order_only_asked_for__has_its_size():
    [fill] = as_document(executed(-1.234, 0.0, wad(2_985)))["fills"]
    assert (fill["requested_size_delta"], fill["size_delta"]) == (-1.234, 0.0)
