"""What becomes of a proposal: refused, shown by a shadow, on its way, or executed and judged by the mirror."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from agent.decision.decide import decide
from agent.domain import Intent
from agent.errors import RejectedError, TransientError
from agent.execution.settlement import Settlement
from agent.keeper import rebalancer as rebalancer_module
from agent.keeper.alerts import AlertEvent, AlertLog
from agent.keeper.planner import CycleView, Sight
from agent.keeper.rebalancer import Rebalancer, mark_prices
from agent.keeper.result import Outcome
from agent.ledger.records import IntentRecord, IntentState
from agent.policy.fixed_threshold import FixedThreshold
from agent.units import Address, IntentId, Seconds, Wei
from tests.support.decision_builders import COSTS, SETTINGS, held, snapshot_of, wad

BOOK = held(6.0)
SNAPSHOT = snapshot_of(BOOK)
DECISION = replace(decide(SNAPSHOT, BOOK, FixedThreshold(50.0), COSTS, SETTINGS), reason="because")
STATE = SimpleNamespace(measurement=SNAPSHOT.measurement, bounds=SNAPSHOT.bounds)
VIEW = CycleView(SNAPSHOT, STATE, DECISION, 0.0, COSTS)
SENDER = Address("0x00000000000000000000000000000000000000A1")
INTENT = Intent(IntentId("0x11"), SENDER, DECISION.legs, Seconds(1), SNAPSHOT.block)
WORTH = Wei(7)
FILL, REBALANCED, RECEIPT = object(), object(), object()


class State(str):
    """A state without orders."""

    __slots__ = ()
    venues = ()


class FakeChain:
    """Planner, reader and executor in one: what each answers, and what it was given."""

    def __init__(self) -> None:
        self.refusal: RejectedError | None = None
        self.settlement: Settlement | RejectedError = Settlement(IntentState.EXECUTED, SNAPSHOT.block, RECEIPT)
        self.states: dict[Any, Any] = {}
        self.executed: list[tuple[IntentRecord, Any]] = []
        self.reader = self.client = self
        self.settings = SimpleNamespace(keeper=SimpleNamespace(cycle_deadline_seconds=9.0))
        self.deployment = SimpleNamespace(venues=[])
        self.is_for_ether = False
        self.simulated = 0

    def intent_of(self, sight: Sight, proposal: Any) -> Intent:
        return INTENT

    def simulate(self, intent: Intent, sender: Address, block: Any) -> RejectedError | None:
        assert (intent, sender, block) == (INTENT, SENDER, SNAPSHOT.block)
        self.simulated += 1
        return self.refusal

    def asks_for_ether(self, intent: Intent) -> bool:
        return self.is_for_ether

    def gas_worth(self, view: CycleView) -> Wei:
        return WORTH

    def within(self, seconds: float) -> Any:
        return nullcontext()

    def parent(self, block: Any) -> str:
        return "parent"

    def state(self, block: Any) -> Any:
        found = self.states.get(block, State(f"state at {block}"))
        if isinstance(found, Exception):
            raise found
        return found

    def survey(self, intent: Any, head: Any, *, is_urgent: bool) -> SimpleNamespace:
        return SimpleNamespace(intent_id=intent.intent_id, is_carried=lambda: self.refusal is None)

    def execute(self, record: IntentRecord, head: Any, terms: Any, survey: SimpleNamespace) -> Settlement:
        assert survey.intent_id == record.intent.intent_id
        self.executed.append((record, terms))
        if isinstance(self.settlement, Exception):
            raise self.settlement
        return self.settlement


@pytest.fixture
def chain() -> FakeChain:
    return FakeChain()


@pytest.fixture
def mirrored(monkeypatch) -> list[tuple[Any, ...]]:
    """What the mirror was shown; it finds nothing wrong until `wrong` is put in front."""
    shown: list[tuple[Any, ...]] = []

    def judge(*arguments: Any) -> bool:
        shown.append(arguments)
        return "wrong" in shown

    monkeypatch.setattr(rebalancer_module, "execution_mismatch", judge)
    return shown


def carry_out(chain: FakeChain, sight: Sight = VIEW, *, is_shadow: bool = False) -> Any:
    ledger = SimpleNamespace(fills_of=lambda _: [FILL], rebalance_of=lambda _: REBALANCED)
    rebalancer = Rebalancer(chain, ledger, None if is_shadow else chain, SENDER, AlertLog())
    return rebalancer.carry_out(sight, DECISION, "0xb00c", None)


def test_carry_out__chain_would_refuse__is_rejected_and_nothing_executed(chain):
    chain.refusal = RejectedError("NetDeltaExceeded")
    result = carry_out(chain)
    assert (result.outcome, result.reason) == (Outcome.REJECTED, "because; simulation refuses: NetDeltaExceeded()")
    assert (result.rejection, result.intent_id, result.cycle_seconds) == (chain.refusal, INTENT.intent_id, 0.0)
    assert result.guard_mirror_mismatch  # the mirror had foreseen no refusal
    assert chain.executed == []


def test_carry_out__shadow__says_what_it_would_do_and_sends_nothing(chain):
    result = carry_out(chain, is_shadow=True)
    assert (result.outcome, result.reason) == (Outcome.SHADOW, "because; a shadow sends nothing")
    assert not result.guard_mirror_mismatch
    assert chain.executed == []


def test_carry_out__accepted__is_executed_on_the_terms_of_its_view(chain, mirrored):
    result = carry_out(chain)
    [(record, terms)] = chain.executed
    assert record == IntentRecord(INTENT, DECISION.urgent, "0xb00c", "because", mark_prices(VIEW))
    assert terms.worth_wei == WORTH
    assert (result.outcome, result.reason, result.view) == (Outcome.EXECUTED, "because", VIEW)
    assert (result.receipt, result.fills, result.after) == (RECEIPT, (FILL,), f"state at {SNAPSHOT.block}")
    assert mirrored == [("state at parent", f"state at {SNAPSHOT.block}", (FILL,), REBALANCED, [], DECISION.legs)]
    assert not result.guard_mirror_mismatch


def test_carry_out__survey_found_that_it_passes__is_not_simulated_again(chain, mirrored):
    carry_out(chain)
    assert (len(chain.executed), chain.simulated) == (1, 0)


def test_carry_out__order_is_executed_with_ether__is_simulated_at_the_price_of_gas(chain, mirrored):
    chain.is_for_ether = True
    carry_out(chain)
    assert (len(chain.executed), chain.simulated) == (1, 1)


def test_carry_out__mirror_judges_otherwise__is_told(chain, mirrored):
    mirrored.append("wrong")
    assert carry_out(chain).guard_mirror_mismatch


def test_carry_out__margin_before_a_decision__has_no_worth_and_no_view(chain, mirrored):
    result = carry_out(chain, Sight(SNAPSHOT, STATE))
    assert chain.executed[0][1].worth_wei is None
    assert result.view is None
    assert result.outcome is Outcome.EXECUTED


def test_carry_out__part_of_the_vault_was_seen__is_not_measured_afterwards(chain, mirrored):
    chain.states[SNAPSHOT.block] = STATE
    result = carry_out(chain, Sight(SNAPSHOT, STATE, is_whole=False))
    assert (result.outcome, result.receipt, result.after, result.fills) == (Outcome.EXECUTED, RECEIPT, None, ())
    assert mirrored == []


def test_carry_out__refused_before_it_was_sent__is_rejected(chain):
    chain.settlement = RejectedError("GasPriceExceeded")
    result = carry_out(chain)
    assert (result.outcome, result.rejection) == (Outcome.REJECTED, chain.settlement)
    assert result.reason == "because; not sent: GasPriceExceeded()"


@pytest.mark.parametrize(
    ("settlement", "outcome", "reason"),
    [
        (Settlement(None, detail="it waits"), Outcome.PENDING, "because; it waits"),
        (
            Settlement(IntentState.REVERTED, SNAPSHOT.block, RECEIPT, "out of gas"),
            Outcome.REJECTED,
            "because; reverted: out of gas",
        ),
    ],
)
def test_carry_out__sent_and_not_executed__says_what_became_of_it(chain, settlement, outcome, reason):
    chain.settlement = settlement
    result = carry_out(chain)
    assert (result.outcome, result.reason, result.receipt) == (outcome, reason, settlement.receipt)


@pytest.mark.parametrize("at", ["parent", SNAPSHOT.block])
@pytest.mark.parametrize("trouble", [TransientError("pruned"), RejectedError("PriceStale")])
def test_carry_out__outcome_cannot_be_read__is_executed_all_the_same(chain, mirrored, at, trouble):
    chain.states[at] = trouble
    result = carry_out(chain)
    assert (result.outcome, result.fills, result.after) == (Outcome.EXECUTED, (FILL,), None)
    assert result.reason == f"because; what it led to cannot be read now: {trouble}"


@pytest.mark.parametrize(("worst", "is_urgent"), [("10", True), ("9.999", False)])
def test_terms__vault_as_it_stands__says_whether_it_is_urgent(chain, worst, is_urgent):
    measured = replace(SNAPSHOT.measurement, book_delta_low=wad(worst), book_delta_high=wad(worst))
    chain.states[SNAPSHOT.block] = SimpleNamespace(measurement=measured, bounds=SNAPSHOT.bounds)
    record = IntentRecord(INTENT, is_urgent=not is_urgent, book_digest="", reason="")
    assert Rebalancer(chain, None, None, SENDER, AlertLog()).terms(record).is_urgent(SNAPSHOT.block) is is_urgent


@pytest.mark.parametrize("trouble", [TransientError("silent"), RejectedError("PriceStale")])
@pytest.mark.parametrize("was_urgent", [True, False])
def test_terms__vault_cannot_be_read__are_as_it_was_decided(chain, trouble, was_urgent):
    chain.states[SNAPSHOT.block] = trouble
    record = IntentRecord(INTENT, is_urgent=was_urgent, book_digest="", reason="")
    assert Rebalancer(chain, None, None, SENDER, AlertLog()).terms(record).is_urgent(SNAPSHOT.block) is was_urgent


def test_end_rest__nothing_is_to_be_traded__the_alert_ends_with_the_rest(chain, monkeypatch):
    """It stood until a rebalance went through, which nobody may want for days."""
    chain.settings = SimpleNamespace(execution=None)
    alerts, reverts = AlertLog(), [RejectedError("RevertsInRow")]

    def looks(*_arguments: Any) -> None:
        for refusal in reverts:
            raise refusal

    monkeypatch.setattr(rebalancer_module, "require_no_revert_loop", looks)
    rebalancer = Rebalancer(chain, SimpleNamespace(), chain, SENDER, alerts)
    rebalancer.end_rest(SNAPSHOT.block)
    alerts.raise_alert(AlertEvent.REVERTS_IN_A_ROW, "three", Seconds(1))
    rebalancer.end_rest(SNAPSHOT.block)
    assert AlertEvent.REVERTS_IN_A_ROW in alerts.up
    reverts.clear()
    rebalancer.end_rest(SNAPSHOT.block)
    assert alerts.up == frozenset()
