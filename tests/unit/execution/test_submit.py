"""Each step is in the ledger before the next, and what is refused leaves no trace."""

from __future__ import annotations

import pytest

from agent.chain.send_outcomes import SendOutcome
from agent.errors import DataError, FatalError, RejectedError, TransientError
from agent.execution.intents import call_on, rebalance_call
from agent.ledger.records import IntentState
from tests.support.scripted_execution import block, record, states


def test_execute__mined_at_once__is_booked_before_it_counts_as_executed(executor, chain, ledger, scanner):
    settlement = executor.execute(record(), block(10))
    assert settlement.state is IntentState.EXECUTED
    assert states(ledger) == ["decided", "signed", "sent", "mined", "executed"]
    assert scanner.scanned == [11]
    [signed] = ledger.transactions_of(record().intent.intent_id)
    assert chain.sent == [signed.raw]
    assert (signed.nonce, signed.gas_limit, signed.max_fee_wei) == (4, 1_500_000, 41 * 10**9)
    assert settlement.receipt.gas_used == 900_000


def test_execute__written_before_it_is_sent(executor, chain, ledger, monkeypatch):
    seen: list[list[str]] = []
    send = chain.send_raw
    monkeypatch.setattr(chain, "send_raw", lambda raw: seen.append(states(ledger)) or send(raw))
    executor.execute(record(), block(10))
    assert seen == [["decided", "signed"]]


def test_execute__signed_bytes_cannot_be_written__leaves_no_decision_behind(executor, chain, ledger, monkeypatch):
    insert = ledger._insert

    def failing(connection, table, values):
        if table.name == "transactions":
            raise TransientError("no room")
        return insert(connection, table, values)

    monkeypatch.setattr(ledger, "_insert", failing)
    with pytest.raises(TransientError, match="no room"):
        executor.execute(record(), block(10))
    assert ledger.open_intents() == []
    assert chain.sent == []


def test_execute__mined__is_executed_only_after_its_fills_were_read(executor, ledger, scanner, monkeypatch):
    at_scan: list[list[str]] = []
    monkeypatch.setattr(scanner, "reach", lambda to: at_scan.append(states(ledger)))
    executor.execute(record(), block(10))
    assert at_scan == [["decided", "signed", "sent", "mined"]]


def test_execute__lease_lost_after_the_commit__broadcasts_nothing(executor, chain, ledger, monkeypatch):
    def lost() -> None:
        raise TransientError("another keeper has taken over")

    monkeypatch.setattr(ledger, "require_lease", lost)
    with pytest.raises(TransientError, match="taken over"):
        executor.execute(record(), block(10))
    assert states(ledger) == ["decided", "signed"]
    assert chain.sent == []


def test_execute__no_answer_to_the_send__leaves_intent_open_and_finds_it_mined_later(executor, chain, ledger):
    chain.send_outcome = TransientError("timed out")
    with pytest.raises(TransientError):
        executor.execute(record(), block(10))
    assert states(ledger) == ["decided", "signed"]
    assert executor.resume(record(), lambda: True).state is IntentState.EXECUTED
    assert len(chain.sent) == 1


def test_execute__send_lost__is_sent_again_byte_for_byte(executor, chain, ledger):
    chain.mines, chain.send_outcome = False, TransientError("timed out")
    with pytest.raises(TransientError):
        executor.execute(record(), block(10))
    chain.mines, chain.send_outcome = True, SendOutcome.ACCEPTED
    assert executor.resume(record(), lambda: True).state is IntentState.EXECUTED
    assert chain.sent[0] == chain.sent[1]
    assert len(ledger.transactions_of(record().intent.intent_id)) == 1


def test_execute__another_intent_open__is_a_defect_that_stops_the_keeper(executor, chain, ledger):
    ledger.add_intent(record(1))
    with pytest.raises(FatalError, match="two intents of one vault must not live"):
        executor.execute(record(2), block(10))
    assert chain.sent == []


@pytest.mark.parametrize(
    ("changes", "failure", "message"),
    [
        ({"refusal": RejectedError("NetDeltaExceeded")}, RejectedError, "NetDeltaExceeded"),
        ({"gas": 1_333_334}, RejectedError, r"GasLimitExceeded\(gasLimit=2000001, maxGasLimit=2000000\)"),
        ({"balance": 61_499_999_999_999_999}, DataError, "holds 0.061500 ETH and a rebalance may cost 0.061500 ETH"),
        ({"waiting": 5}, TransientError, r"a transaction waiting that this ledger does not know \(nonces 4 to 4\)"),
    ],
)
def test_execute__refused_before_signing__leaves_no_trace(executor, chain, ledger, changes, failure, message):
    for name, value in changes.items():
        setattr(chain, name, value)
    with pytest.raises(failure, match=message):
        executor.execute(record(), block(10))
    assert chain.sent == []
    assert ledger.open_intents() == []
    assert states(ledger) == []


def test_execute__usual_gas_suffices__is_not_estimated(executor, chain, ledger, monkeypatch):
    chain.gas = 900_000
    monkeypatch.setattr(chain, "estimate_gas", None)
    executor.execute(record(), block(10))
    assert ledger.transactions_of(record().intent.intent_id)[0].gas_limit == 1_350_000


def test_execute__exactly_enough_gas_money__goes_out(executor, chain):
    chain.balance = 1_500_000 * 41 * 10**9
    assert executor.execute(record(), block(10)).state is IntentState.EXECUTED


def test_execute__simulated_on_its_own_block__is_bound_to_the_parent(executor, chain):
    executor.execute(record(), block(10))
    signed = rebalance_call(record().intent)
    assert chain.simulated[0] == call_on(record().intent, block(10)).data
    assert chain.simulated[0] != signed.data
    assert signed.data.removeprefix("0x") in chain.sent[0]
