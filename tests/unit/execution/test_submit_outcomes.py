"""What servers say is never taken for what the chain has done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.chain.rollup import Rollup, RollupKind
from agent.chain.send_outcomes import SendOutcome
from agent.domain import BlockRef
from agent.errors import DataError, FatalError, RejectedError, TransientError
from agent.execution.intents import call_on
from agent.execution.signer import load_signer
from agent.execution.submit import Executor
from agent.formatting import iso_utc
from agent.ledger.acknowledging import find
from agent.ledger.records import Acknowledgement, IntentState, Subject
from agent.units import BlockHash, Seconds, Wei
from tests.support.scripted_execution import (
    SETTINGS,
    START,
    FakeScanner,
    block,
    executor_of,
    record,
    reverting_records,
    states,
)


def test_execute__rollup_charges_for_data__price_recorded_holds_it_rounded_up(chain, ledger, clock):
    class ChargingRollup(Rollup):
        def charged(self, receipt: Any, block: BlockRef) -> Wei:
            return Wei(900_001)

    signer, rollup = load_signer({}, 31_337), ChargingRollup(chain, RollupKind.NONE)
    executor = Executor(chain, ledger, FakeScanner(), signer, SETTINGS, clock.timer(), rollup)
    receipt = executor.execute(record(), block(10)).receipt
    assert receipt.gas_price_wei == 21 * 10**9 + 2
    assert receipt.gas_used == 900_000


def test_execute__servers_silent_while_it_waits__goes_on_waiting_and_finds_it(executor, chain, ledger, clock):
    chain.mines = False

    def silent() -> None:
        chain.trouble = TransientError("429")

    def back() -> None:
        chain.trouble = None
        chain.mine(chain.sent[0])

    clock.then[2.0], clock.then[9.0] = silent, back
    assert executor.execute(record(), block(10)).state is IntentState.EXECUTED


def test_execute__servers_silent_to_the_end__leaves_it_open_and_says_why(executor, chain, ledger, clock):
    chain.mines = False

    def silent() -> None:
        chain.trouble = TransientError("429")

    clock.then[2.0] = silent
    settlement = executor.execute(record(), block(10))
    assert (settlement.state, settlement.detail[-3:]) == (None, "429")
    assert len(ledger.open_intents()) == 1


def test_execute__mined_and_reverted__is_final_with_its_reason(executor, chain, ledger, monkeypatch):
    chain.status = 0
    monkeypatch.setattr(chain, "simulate", lambda *_: RejectedError("EnforcedPause"))
    settlement = executor.execute(record(), block(10))
    assert (settlement.state, settlement.detail) == (IntentState.REVERTED, "EnforcedPause()")
    assert ledger.open_intents() == []
    assert [receipt.is_success for receipt in ledger.receipts()] == [False]


def test_execute__mined_and_reverted__is_explained_on_the_parent_of_its_block(executor, chain, monkeypatch):
    """On its own block the nonce, the intent and the market are those it has left behind."""
    seen: list[tuple[str, int, BlockRef]] = []
    simulate = chain.simulate

    def seeing(sender: str, call: Any, gas: int, at: BlockRef, *price: Wei) -> RejectedError | None:
        seen.append((call.data, gas, at))
        return simulate(sender, call, gas, at, *price)

    chain.status = 0
    monkeypatch.setattr(chain, "simulate", seeing)
    executor.execute(record(), block(10))
    assert chain.number == 11
    assert seen[-1] == (call_on(record().intent, block(10)).data, 1_500_000, block(10))


def test_execute__reverted_for_what_gas_costs__is_explained_at_the_price_paid(executor, chain):
    chain.status = 0
    chain.refusal_at = lambda price: RejectedError("EtherTooLow", {"needed": price})
    assert executor.execute(record(), block(10)).detail == str(RejectedError("EtherTooLow", {"needed": 21 * 10**9}))


@pytest.mark.parametrize(
    ("gas_used", "detail"),
    [
        (1_500_000, "ran out of its gas of 1500000"),
        (1_499_999, "reverted for a reason that does not show on its parent block"),
    ],
)
def test_execute__reverted_and_not_on_its_parent__names_the_gas_or_says_so(executor, chain, gas_used, detail):
    mine = chain.mine

    def mine_with_gas(raw: str) -> None:
        mine(raw)
        for receipt in chain.mined.values():
            receipt["gasUsed"] = hex(gas_used)

    chain.status, chain.mine = 0, mine_with_gas
    settlement = executor.execute(record(), block(10))
    assert (settlement.state, settlement.detail) == (IntentState.REVERTED, detail)


def test_resume__never_signed_and_wanted__is_signed_now(executor, chain, ledger):
    ledger.add_intent(record())
    assert executor.resume(record(), lambda: True).state is IntentState.EXECUTED
    assert states(ledger) == ["decided", "signed", "sent", "mined", "executed"]


@pytest.mark.parametrize("reason", ["unwanted", "refused"])
def test_resume__never_signed_and_no_more_possible__is_abandoned(executor, chain, ledger, reason):
    ledger.add_intent(record())
    if reason == "refused":
        chain.refusal = RejectedError("NetDeltaExceeded")
    assert executor.resume(record(), lambda: reason == "refused").state is IntentState.ABANDONED
    assert chain.sent == []
    assert ledger.open_intents() == []


def test_resume__past_the_deadline__is_expired_by_chain_time_alone(executor, chain, ledger, clock):
    chain.mines = False
    executor.execute(record(), block(10))
    clock.now = 10_000.0
    chain.number = 240
    assert executor.resume(record(), lambda: True).state is None
    chain.number = 241
    assert executor.resume(record(), lambda: True).state is IntentState.EXPIRED


def test_resume__block_left_the_last_256__is_expired(executor, chain, ledger):
    chain.mines = False
    late = replace(record(), intent=replace(record().intent, deadline=Seconds(START + 10_000)))
    executor.execute(late, block(10))
    chain.number = 265
    assert executor.resume(late, lambda: True).state is None
    chain.number = 266
    settlement = executor.resume(late, lambda: True)
    assert settlement.state is IntentState.EXPIRED
    assert settlement.detail == "block 10 left the last 256 unmined"


def test_resume__intent_used_by_transaction_nobody_knows__executed_when_it_stays_so(executor, chain, ledger, scanner):
    chain.mines = False
    executor.execute(record(), block(10))
    chain.nonce, chain.waiting = 5, 5
    chain.last_intent = bytes.fromhex(record().intent.intent_id[2:])[:24]
    settlement = executor.resume(record(), lambda: True)
    assert settlement.state is IntentState.EXECUTED
    assert settlement.receipt is None
    assert scanner.scanned == [10]


def test_resume__state_before_receipt__waits_for_the_receipt(executor, chain, ledger, clock):
    chain.mines = False
    executor.execute(record(), block(10))
    last = chain.sent[-1]
    chain.last_intent = bytes.fromhex(record().intent.intent_id[2:])[:24]
    clock.then[clock.now + 0.1] = lambda: chain.mine(last)
    settlement = executor.resume(record(), lambda: True)
    assert settlement.state is IntentState.EXECUTED
    assert settlement.receipt is not None


def test_resume__nonce_taken_by_a_stranger__is_superseded(executor, chain, ledger):
    chain.mines = False
    executor.execute(record(), block(10))
    chain.nonce, chain.waiting = 5, 5
    assert executor.resume(record(), lambda: True).state is IntentState.SUPERSEDED


def test_execute__nonce_said_to_be_used__believes_the_chain(executor, chain, ledger):
    """Another node had the transaction already and mined it."""
    chain.send_outcome = SendOutcome.NONCE_USED
    assert executor.execute(record(), block(10)).state is IntentState.EXECUTED
    assert states(ledger) == ["decided", "signed", "mined", "executed"]


def test_execute__receipt_of_a_block_that_was_replaced__is_not_believed(executor, chain, ledger, monkeypatch):
    monkeypatch.setattr(chain, "block", lambda number: replace(block(number), hash=BlockHash("0xother")))
    settlement = executor.execute(record(), block(10))
    assert settlement.state is None
    assert "block 11 was replaced while its receipt was read" in settlement.detail
    assert len(ledger.open_intents()) == 1


@pytest.mark.parametrize("trouble", [TransientError("missing trie node"), FatalError("no such method")])
def test_execute__reverted_and_no_server_tells_why__is_closed_all_the_same(executor, chain, ledger, trouble):
    def pruned(of: BlockRef) -> BlockRef:
        raise trouble

    chain.status, chain.parent = 0, pruned
    settlement = executor.execute(record(), block(10))
    assert settlement.state is IntentState.REVERTED
    assert settlement.detail == f"reverted; why, no server tells any more ({trouble})"
    assert ledger.open_intents() == []


def test_execute__reverts_in_a_row__stops_after_the_limit_and_says_until_when(chain, ledger, clock):
    chain.status, executor = 0, executor_of(chain, ledger, clock, max_reverts_in_row=3)
    first_three, others = reverting_records(50)[:3], reverting_records(50)[3:]
    for one in first_three:
        assert executor.execute(one, chain.head(0)).state is IntentState.REVERTED
    for one in others:
        words = rf"RevertsInRow\(.*maxReverts=3, nextTry={iso_utc(START + 500 + 3_600)}, newest=reverted for a reason"
        with pytest.raises(RejectedError, match=words):
            executor.execute(one, chain.head(0))
    assert len(chain.sent) == 3


def test_execute__operator_has_looked_at_the_reverts__counts_anew_from_there(chain, ledger, clock):
    chain.status, executor = 0, executor_of(chain, ledger, clock, max_reverts_in_row=2)
    first, second, third, fourth, fifth = reverting_records(5)
    executor.execute(first, chain.head(0))
    executor.execute(second, chain.head(0))
    with pytest.raises(RejectedError, match="RevertsInRow"):
        executor.execute(third, chain.head(0))
    found = find(ledger, Subject.REVERTS, 5.0)
    assert found.references == (second.intent.intent_id,)
    ledger.acknowledge(Acknowledgement(Subject.REVERTS, found.references[0], Seconds(1), "the bound is back"))
    with pytest.raises(DataError, match="nothing to acknowledge of reverts"):
        find(ledger, Subject.REVERTS, 5.0)
    executor.execute(third, chain.head(0))
    executor.execute(fourth, chain.head(0))
    with pytest.raises(RejectedError, match="RevertsInRow"):
        executor.execute(fifth, chain.head(0))
    assert len(chain.sent) == 4


def test_execute__reverts_in_a_row__the_newest_reason_is_said(chain, ledger, clock):
    chain.status, executor = 0, executor_of(chain, ledger, clock, max_reverts_in_row=3)
    *first_three, last = reverting_records(4)
    for one, reason in zip(first_three, ["First", "Second", "Third"], strict=True):
        chain.simulate = lambda *_, reason=reason: RejectedError(reason)
        executor.execute(one, chain.head(0))
    with pytest.raises(RejectedError, match=r"RevertsInRow\(.*newest=Third\(\)\)"):
        executor.execute(last, chain.head(0))


def test_execute__reverts_of_several_deadlines__rest_is_from_the_newest(chain, ledger, clock):
    chain.status, executor = 0, executor_of(chain, ledger, clock, max_reverts_in_row=2)
    first, second, third = (
        replace(one, intent=replace(one.intent, deadline=Seconds(START + deadline)))
        for one, deadline in zip(reverting_records(3), (400, 600, 900), strict=True)
    )
    executor.execute(first, chain.head(0))
    executor.execute(second, chain.head(0))
    with pytest.raises(RejectedError, match=f"nextTry={iso_utc(START + 600 + 3_600)}"):
        executor.execute(third, chain.head(0))


def test_execute__rest_after_reverts_is_over__one_more_may_try(chain, ledger, clock):
    chain.status, executor = 0, executor_of(chain, ledger, clock, max_reverts_in_row=2, revert_rest_seconds=100)
    first, second, third, fourth = reverting_records(4)
    executor.execute(first, chain.head(0))
    executor.execute(second, chain.head(0))
    chain.number = 599
    with pytest.raises(RejectedError, match="RevertsInRow"):
        executor.execute(third, chain.head(0))
    chain.number, chain.status = 600, 1
    assert executor.execute(third, chain.head(0)).state is IntentState.EXECUTED
    assert executor.execute(fourth, chain.head(0)).state is IntentState.EXECUTED


def test_execute__success_between_reverts__starts_the_count_anew(chain, ledger, clock):
    executor = executor_of(chain, ledger, clock, max_reverts_in_row=2)
    for one, status in zip(reverting_records(6), [0, 1, 0, 1, 0, 1], strict=True):
        chain.status = status
        executor.execute(one, chain.head(0))
    assert len(chain.sent) == 6
