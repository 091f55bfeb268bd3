"""Reverts in a row stop the keeper for a while; what a reorganisation has made vain does not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from agent.domain import BlockRef
from agent.errors import RejectedError
from agent.execution.revert_breaker import require_no_revert_loop
from agent.ledger.records import ClosedIntent, IntentState
from agent.units import BlockHash, IntentId, Seconds, Wei

SETTINGS = SimpleNamespace(max_reverts_in_row=3, revert_rest_seconds=3_600)
HEAD = BlockRef(10, BlockHash("0x" + "11" * 32), Seconds(1_000), Wei(1))
REFUSED = ClosedIntent(IntentId("0x01"), IntentState.REVERTED, Seconds(1_000), "NetDeltaExceeded(netDelta=6, band=5)")
REPLACED = ClosedIntent(IntentId("0x01"), IntentState.REVERTED, Seconds(1_000), "BlockHashMismatch(blockNumber=9)")
EXECUTED = ClosedIntent(IntentId("0x01"), IntentState.EXECUTED, Seconds(1_000), "")


def judge(*newest_first: ClosedIntent) -> None:
    ledger = SimpleNamespace(
        closed_intents=lambda limit: list(newest_first[:limit]), acknowledgements=lambda subject: []
    )
    require_no_revert_loop(ledger, SETTINGS, HEAD)


@pytest.mark.parametrize("error", ["BlockHashMismatch(", "DeadlinePassed(", "IntentOutdated("])
def test_require_no_revert_loop__bad_luck_with_blocks__lets_the_next_try(error):
    """Mined too late, after a reorganisation or another keeper's trade: the next is decided on another block."""
    judge(*[ClosedIntent(IntentId("0x01"), IntentState.REVERTED, Seconds(1_000), f"{error}timestamp=9)")] * 9)


def test_require_no_revert_loop__reverts_between_reorganisations__are_counted():
    with pytest.raises(RejectedError, match="RevertsInRow"):
        judge(REFUSED, REPLACED, REFUSED, REPLACED, REPLACED, REFUSED)


def test_require_no_revert_loop__executed_behind_replaced_ones__ends_the_row():
    judge(REFUSED, REPLACED, REFUSED, REPLACED, EXECUTED, REFUSED)
