"""Errands: intents without legs, sent under a purpose and a cap of gas of their own, known again once signed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.chain.abi import Call, Function
from agent.errors import RejectedError
from agent.execution.errand import Errand, errand_intent, errand_of
from agent.ledger.records import IntentState, Purpose
from agent.units import Address
from tests.support.scripted_execution import SETTINGS, VAULT, block, executor_of, record

TARGET = Address("0x00000000000000000000000000000000000000C3")
_FUNCTION = Function("trade", b"", (), ())
CALL = Call(TARGET, "0x1234", _FUNCTION)
PROBE = Call(TARGET, "0x5678", _FUNCTION)


def errand_record():
    own = record()
    return replace(own, intent=replace(own.intent, legs=()))


def execute(executor, errand: Errand):
    return executor.execute(errand_record(), block(10), errand=errand)


def test_execute__errand_of_options__is_sent_under_its_purpose_and_known_again(executor, ledger):
    settlement = execute(executor, Errand(CALL, Purpose.OPTION))
    assert settlement.state is IntentState.EXECUTED
    signed = ledger.transactions_of(errand_record().intent.intent_id)
    assert [one.purpose for one in signed] == [Purpose.OPTION]
    found = errand_of(signed)
    assert (found.call.to, found.call.data, found.purpose) == (TARGET, "0x1234", Purpose.OPTION)
    assert len(ledger.closed_errands(5, Purpose.OPTION)) == 1
    assert ledger.closed_errands(5, Purpose.ORDER) == []


@pytest.mark.parametrize(("own_cap", "is_sent"), [(None, False), (SETTINGS.max_gas_units * 2, True)])
def test_execute__more_gas_than_a_rebalance_may_take__needs_a_cap_of_its_own(
    chain, ledger, clock, monkeypatch, own_cap, is_sent
):
    monkeypatch.setattr(chain, "estimate_gas", lambda *_: SETTINGS.max_gas_units)
    executor = executor_of(chain, ledger, clock)
    errand = Errand(CALL, Purpose.OPTION, max_gas_units=own_cap)
    if is_sent:
        assert execute(executor, errand).state is IntentState.EXECUTED
        return
    with pytest.raises(RejectedError, match="GasLimitExceeded"):
        execute(executor, errand)
    assert ledger.open_intents() == []


def test_execute__probe__is_what_gas_is_estimated_for_and_not_what_is_sent(chain, ledger, clock, monkeypatch):
    asked = []
    estimate = chain.estimate_gas
    monkeypatch.setattr(chain, "estimate_gas", lambda sender, call: asked.append(call) or estimate(sender, call))
    execute(executor_of(chain, ledger, clock), Errand(CALL, Purpose.OPTION, PROBE))
    assert asked == [PROBE]
    assert errand_of(ledger.transactions_of(errand_record().intent.intent_id)).call.data == "0x1234"


def test_errand_of__nothing_but_a_rebalance__is_none(executor, ledger):
    executor.execute(record(), block(10))
    assert errand_of(ledger.transactions_of(record().intent.intent_id)) is None


def test_errand_intent__same_call_on_the_same_block__is_the_same_intent():
    first = errand_intent((31_337, VAULT), CALL, block(10), 240)
    assert first == errand_intent((31_337, VAULT), CALL, block(10), 240)
    assert first.legs == ()
    assert first.deadline == block(10).timestamp + 240
    others = [
        errand_intent((1, VAULT), CALL, block(10), 240),
        errand_intent((31_337, VAULT), PROBE, block(10), 240),
        errand_intent((31_337, VAULT), CALL, block(11), 240),
    ]
    assert len({first.intent_id, *(one.intent_id for one in others)}) == 4
