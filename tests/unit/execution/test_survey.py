"""What a transaction depends on, asked ahead: gas, what a rollup charges, and what others pay."""

from __future__ import annotations

from typing import Any

import pytest

from agent.chain.rollup import Rollup, RollupKind
from agent.domain import BlockRef
from agent.errors import RejectedError, TransientError
from agent.execution.intents import call_on, rebalance_call
from agent.execution.survey import Survey, market_tip
from agent.units import Address, Wei
from tests.support.scripted_execution import SETTINGS, block, record

SENDER = Address("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")
HEAD = block(10)
INTENT = record().intent
USUAL_LIMIT = 1_350_000
"""Of 900,000 usual units, and half of them."""


class Chain:
    """A client whose simulation passes unless it is told to refuse; an estimate is another amount."""

    def __init__(self) -> None:
        self.refusal: RejectedError | None = None
        self.asked: list[tuple[Any, ...]] = []
        self.tip: Wei | None = Wei(9)

    def account(self, sender: Address, head: BlockRef) -> tuple[int, int, Wei]:
        return (4, 5, Wei(6)) if (sender, head) == (SENDER, HEAD) else (0, 0, Wei(0))

    def simulate(self, sender: Address, call: Any, gas: int, head: BlockRef) -> RejectedError | None:
        self.asked.append(("simulate", sender, call, gas, head))
        return self.refusal

    def estimate_gas(self, sender: Address, call: Any) -> int:
        self.asked.append(("estimate", sender, call))
        if self.refusal is not None and self.refusal.name == "PriceStale":
            raise self.refusal
        return 1_234_567

    def market_tip(self, percentile: float) -> Wei | None:
        self.asked.append(("tip", percentile))
        return self.tip


class Charging(Rollup):
    """A rollup with its own prices: data in gas, and beside it 3 wei for each unit of the limit."""

    def __init__(self, kind: RollupKind = RollupKind.OP_STACK) -> None:
        super().__init__(None, kind)
        self.calls: list[Any] = []

    def data_gas(self, call: Any, at: BlockRef) -> int:
        self.calls.append((call, at))
        return 40_000

    def data_fee(self, call: Any, gas_units: int, at: BlockRef) -> Wei:
        self.calls.append((call, at))
        return Wei(3 * gas_units)


@pytest.fixture
def chain() -> Chain:
    return Chain()


def survey_of(chain: Chain, rollup: Rollup | None = None, *, is_urgent: bool = False, **settings: Any) -> Survey:
    silent = Rollup(None, RollupKind.NONE)
    changed = SETTINGS.model_copy(update=settings)
    return Survey(chain, rollup or silent, changed, SENDER, INTENT, HEAD, is_urgent=is_urgent)


def test_survey__chain_of_its_own__usual_gas_suffices_and_nothing_is_charged_beside(chain):
    survey = survey_of(chain)
    assert (survey.gas_needed(), survey.account()) == (900_000, (4, 5, 6))
    assert (survey.data_fee(USUAL_LIMIT), survey.data_fee(7)) == (0, 0)
    assert chain.asked == [("simulate", SENDER, call_on(INTENT, HEAD), 900_000, HEAD)]


def test_survey__chain_of_its_own__is_not_even_asked_what_data_costs(chain):
    rollup = Charging(RollupKind.NONE)
    survey = survey_of(chain, rollup)
    assert (survey.gas_needed(), survey.data_fee(USUAL_LIMIT)) == (900_000, 0)
    assert rollup.calls == []


def test_survey__rollup_that_burns_data_in_gas__usual_gas_and_that_of_the_data(chain):
    rollup = Charging()
    assert survey_of(chain, rollup).gas_needed() == 940_000
    assert (call_on(INTENT, HEAD), HEAD) in rollup.calls


def test_survey__usual_gas_does_not_suffice__is_estimated_with_the_data_in_it(chain):
    chain.refusal = RejectedError("UnknownRevert")
    assert survey_of(chain, Charging()).gas_needed() == 1_234_567
    assert chain.asked[-1] == ("estimate", SENDER, call_on(INTENT, HEAD))


def test_survey__would_revert__raises_the_decoded_rejection(chain):
    chain.refusal = RejectedError("PriceStale")
    survey = survey_of(chain)
    with pytest.raises(RejectedError, match="PriceStale"):
        survey.gas_needed()
    assert not survey.is_carried()


@pytest.mark.parametrize("refusal", [None, RejectedError("UnknownRevert")], ids=["by usual gas", "by more"])
def test_survey__intent_that_passes__is_carried(chain, refusal):
    chain.refusal = refusal
    assert survey_of(chain).is_carried()


def test_survey__charge_for_data__is_asked_ahead_for_the_usual_limit_alone(chain):
    rollup = Charging()
    survey = survey_of(chain, rollup)
    survey.gas_needed()
    assert survey.data_fee(USUAL_LIMIT) == 3 * USUAL_LIMIT
    asked = len(rollup.calls)
    assert survey.data_fee(USUAL_LIMIT) == 3 * USUAL_LIMIT
    assert len(rollup.calls) == asked
    assert survey.data_fee(1_000_000) == 3_000_000
    assert rollup.calls[-1] == (rebalance_call(INTENT), HEAD)
    assert len(rollup.calls) == asked + 1


@pytest.mark.parametrize(
    ("is_urgent", "settings", "tip", "asked"),
    [
        (False, {}, None, []),
        (False, {"tip_percentile": 40.0}, 9, [("tip", 40.0)]),
        (True, {"tip_percentile": 40.0, "urgent_tip_percentile": 80.0}, 9, [("tip", 80.0)]),
    ],
)
def test_survey__tips_of_others__are_asked_for_where_the_settings_say_so(chain, is_urgent, settings, tip, asked):
    survey = survey_of(chain, is_urgent=is_urgent, **settings)
    assert survey.tip() == tip
    assert survey.is_urgent is is_urgent
    survey.gas_needed()
    assert [one for one in chain.asked if one[0] == "tip"] == asked
    assert market_tip(chain, SETTINGS.model_copy(update=settings), is_urgent=is_urgent) == tip


def test_survey__nobody_answers__shows_when_it_is_asked_for(chain, monkeypatch):
    def silent(*_: Any) -> Any:
        raise TransientError("late")

    monkeypatch.setattr(chain, "account", silent)
    survey = survey_of(chain)
    assert survey.gas_needed() == 900_000
    with pytest.raises(TransientError, match="late"):
        survey.account()
