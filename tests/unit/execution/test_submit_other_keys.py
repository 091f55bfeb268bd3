"""What a keeper with another key has signed is never replaced, and blocks what is new."""

from __future__ import annotations

import pytest

from agent.chain.rollup import Rollup, RollupKind
from agent.errors import FatalError
from agent.execution.config import KEEPER_KEY_VARIABLE
from agent.execution.signer import load_signer
from agent.execution.submit import Executor
from agent.ledger.records import IntentState
from tests.support.scripted_execution import SETTINGS, block, record

OTHER_KEY = "0x" + "77" * 32


@pytest.fixture
def successor(executor, chain, ledger, scanner, clock, monkeypatch) -> Executor:
    """A keeper with a key of its own, whose nonce is higher, after `executor` has sent and ended unmined."""
    chain.mines = False
    executor.execute(record(), block(10))
    first = load_signer({}, 31_337).address
    monkeypatch.setattr(chain, "nonce_at", lambda address, _: chain.nonce if address == first else 50)
    signer = load_signer({KEEPER_KEY_VARIABLE: OTHER_KEY}, 31_337)
    assert signer.address != first
    chain.sent.clear()
    return Executor(chain, ledger, scanner, signer, SETTINGS, clock.timer(), Rollup(chain, RollupKind.NONE))


@pytest.mark.parametrize("is_wanted", [True, False])
def test_resume__of_another_key__is_never_replaced_and_blocks_what_is_new(successor, chain, ledger, is_wanted):
    signed = ledger.transactions_of(record().intent.intent_id)
    settlement = successor.resume(record(), lambda: is_wanted)
    assert settlement.state is None
    assert "may still be mined" in settlement.detail
    assert chain.sent == ([signed[-1].raw] if is_wanted else [])
    assert ledger.transactions_of(record().intent.intent_id) == signed
    with pytest.raises(FatalError, match="two intents of one vault must not live"):
        successor.execute(record(2), block(10))


def test_resume__of_another_key_and_mined__is_executed(successor, chain, ledger):
    chain.mine(ledger.transactions_of(record().intent.intent_id)[-1].raw)
    assert successor.resume(record(), lambda: True).state is IntentState.EXECUTED


def test_resume__of_another_key_and_past_its_deadline__is_over(successor, chain):
    chain.number = 241
    assert successor.resume(record(), lambda: True).state is IntentState.EXPIRED
