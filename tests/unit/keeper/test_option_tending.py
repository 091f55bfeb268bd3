"""HEDGE-639: when the keeper trades and settles options, when it waits, and what it says."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from agent.decision.option_view import OptionView
from agent.domain import Action
from agent.errors import DataError, RejectedError
from agent.execution.settlement import Settlement
from agent.keeper import option_tending
from agent.keeper.alerts import AlertEvent, AlertLog
from agent.keeper.option_tending import OptionTending
from agent.keeper.planner import CycleView, Sight
from agent.ledger.records import ClosedIntent, IntentState, Purpose
from agent.option_venue import HeldOption
from agent.units import Address, IntentId, Seconds
from tests.support.decision_builders import COSTS, NOW, held, snapshot_of, wad
from tests.unit.report.test_options import VIEW

VENUE = Address("0x00000000000000000000000000000000000000B2")
SNAPSHOT = snapshot_of(held(0.0))
DUE = HeldOption(7, 12, True, wad(5), wad(1_750), NOW, wad(100), wad(100))
LIVE = replace(DUE, position_id=8, expiry=Seconds(NOW + 1))
EXECUTED = Settlement(IntentState.EXECUTED)


class Ledger:
    """Tells how the latest trades ended."""

    def __init__(self) -> None:
        self.identity = SimpleNamespace(chain_id=31_337, address=VENUE)
        self.ended: list[ClosedIntent] = []

    def closed_errands(self, limit: int, purpose: Purpose) -> list[ClosedIntent]:
        assert purpose is Purpose.OPTION
        return self.ended[:limit]


class Carrier:
    """Stands for the `OptionKeeper`: answers as a test says, and notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.answer: Settlement | Exception = EXECUTED

    def _answer(self, asked: Any) -> Settlement:
        self.asked.append(asked)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def trade(self, hedge: Any, decided_at: Any, head: Any) -> Settlement:
        assert decided_at == head
        return self._answer(hedge)

    def settle(self, option: HeldOption, _head: Any) -> Settlement:
        return self._answer(option.position_id)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def carrier() -> Carrier:
    return Carrier()


@pytest.fixture
def tending(ledger: Ledger, carrier: Carrier) -> OptionTending:
    execution = SimpleNamespace(max_reverts_in_row=1, revert_rest_seconds=600)
    planner = SimpleNamespace(
        deployment=SimpleNamespace(option_venue=SimpleNamespace(address=VENUE, name="options")),
        settings=SimpleNamespace(execution=execution, options=None),
        client=None,
        see_accounts=lambda _: sight(DUE),
    )
    made = OptionTending(planner, ledger, None, VENUE, AlertLog())
    made._keeper = carrier
    return made


def sight(*options: HeldOption) -> Sight:
    return Sight(SNAPSHOT, SimpleNamespace(venues=(SimpleNamespace(options=options), SimpleNamespace(options=None))))


def view(action: Action = Action.HOLD, *, urgent: bool = False, snapshot=SNAPSHOT) -> CycleView:
    decision = SimpleNamespace(action=action, urgent=urgent, reason="because")
    return CycleView(snapshot, SimpleNamespace(), decision, 0.0, COSTS)


def planned(monkeypatch: pytest.MonkeyPatch, found: OptionView | None) -> None:
    monkeypatch.setattr(option_tending, "plan_option_trade", lambda *_: found)


# --- trades -------------------------------------------------------------------------------------------------------


# HEDGE-639
def test_trade__planned_and_accepted__is_carried_out(monkeypatch, tending, carrier) -> None:
    planned(monkeypatch, VIEW)
    act = tending.trade(view())
    assert carrier.asked == [VIEW.hedge]
    assert (act.is_executed, act.is_pending) == (True, False)
    assert act.words == f"options: {VIEW.reason}; executed"


# HEDGE-639
def test_trade__on_its_way__is_pending_with_what_it_waits_for(monkeypatch, tending, carrier) -> None:
    planned(monkeypatch, VIEW)
    carrier.answer = Settlement(None, detail="waits to be mined")
    act = tending.trade(view())
    assert (act.is_executed, act.is_pending) == (False, True)
    assert act.words.endswith("; waits to be mined")


# HEDGE-639
@pytest.mark.parametrize(
    ("found", "said"),
    [
        (OptionView("options", "no option is worth it"), "options: no option is worth it"),
        (replace(VIEW, refusal=RejectedError("VegaNotReduced", {})), "simulation refuses: VegaNotReduced()"),
    ],
)
def test_trade__nothing_planned_or_refused__sends_nothing(monkeypatch, tending, carrier, found, said) -> None:
    planned(monkeypatch, found)
    act = tending.trade(view())
    assert carrier.asked == []
    assert act.words.endswith(said)
    assert not act.is_executed


# HEDGE-639
@pytest.mark.parametrize("refusal", [RejectedError("GasPriceExceeded", {}), DataError("send it gas money")])
def test_trade__not_sent__says_why_and_the_cycle_goes_on(monkeypatch, tending, carrier, refusal) -> None:
    planned(monkeypatch, VIEW)
    carrier.answer = refusal
    act = tending.trade(view())
    assert (act.settlement, act.words.endswith(f"not sent: {refusal}")) == (None, True)


OUTSIDE = snapshot_of(held(5.0))
"""The worst case is beyond the band of 2."""


# HEDGE-639
@pytest.mark.parametrize(
    "seen", [view(Action.REBALANCE, urgent=True), view(Action.REBALANCE, snapshot=OUTSIDE)], ids=["urgent", "outside"]
)
def test_trade__delta_has_to_be_hedged__waits_for_the_perp(monkeypatch, tending, carrier, seen) -> None:
    planned(monkeypatch, VIEW)
    assert tending.trade(seen).words == "options wait: the delta comes first"
    assert carrier.asked == []


# HEDGE-639
def test_trade__last_one_reverted__rests_until_its_time_is_over(monkeypatch, tending, ledger, carrier) -> None:
    planned(monkeypatch, VIEW)
    ledger.ended = [ClosedIntent(IntentId("0x1"), IntentState.REVERTED, Seconds(NOW), "why")]
    assert tending.trade(view()).words == "options wait: the last trades of them reverted"
    ledger.ended = [replace(ledger.ended[0], deadline=Seconds(NOW - 600))]
    assert tending.trade(view()).is_executed


# HEDGE-639
def test_trade__rest_is_over_and_nothing_is_to_be_traded__the_alert_is_over(monkeypatch, tending, ledger) -> None:
    """It stood until a trade went through, which nobody may want for weeks."""
    ledger.ended = [ClosedIntent(IntentId("0x1"), IntentState.REVERTED, Seconds(NOW), "why")]
    tending.trade(view())
    ledger.ended = [replace(ledger.ended[0], deadline=Seconds(NOW - 600))]
    planned(monkeypatch, VIEW)
    tending._keeper = None
    tending.trade(view())
    assert AlertEvent.OPTION_ERRANDS_REVERT in tending._alerts.up
    planned(monkeypatch, OptionView("options", "no option is worth it"))
    tending.trade(view())
    assert tending._alerts.up == frozenset()


# HEDGE-639
def test_trade__shadow__says_what_it_would_send(monkeypatch, tending) -> None:
    planned(monkeypatch, VIEW)
    tending._keeper = None
    assert tending.trade(view()).words == f"options: {VIEW.reason}; a shadow sends nothing"


# HEDGE-639
def test_trade__no_venue_of_options__is_nothing(monkeypatch, tending) -> None:
    tending._venue = None
    assert tending.trade(view()) is None


# --- what has expired ---------------------------------------------------------------------------------------------


class Seen:
    """A sight that was read ahead, or why there is none."""

    def __init__(self, found: Sight | Exception) -> None:
        self.found = found

    def result(self) -> Sight:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


# HEDGE-639
def test_settle_all__expired_options__one_by_one_each_with_a_new_look(tending, carrier) -> None:
    other = replace(DUE, position_id=9)
    looks = iter([Seen(sight(other, LIVE)), Seen(sight(LIVE))])
    settled = tending.settle_all(SNAPSHOT.block, Seen(sight(DUE, other, LIVE)), lambda: (SNAPSHOT.block, next(looks)))
    assert carrier.asked == [7, 9]
    assert [act.is_executed for act in settled.acts] == [True, True]
    assert settled.waits is None


# HEDGE-639
def test_settle_all__refused__is_tried_once_a_cycle_and_the_next_one_is(tending, carrier) -> None:
    carrier.answer = RejectedError("NotHeld", {})
    settled = tending.settle_all(SNAPSHOT.block, Seen(sight(DUE, replace(DUE, position_id=9))), list)
    assert carrier.asked == [7, 9]
    assert settled.acts[0].words == "1750-C-12 has expired; not settled: NotHeld()"


# HEDGE-639
def test_settle_all__on_its_way__stops_and_waits(tending, carrier) -> None:
    carrier.answer = Settlement(None, detail="waits to be mined")
    settled = tending.settle_all(SNAPSHOT.block, Seen(sight(DUE, replace(DUE, position_id=9))), list)
    assert carrier.asked == [7]
    assert settled.waits == "settle 1750-C-12, which has expired; waits to be mined"


# HEDGE-639
def test_settle_all__book_cannot_be_read__settles_by_the_accounts_alone(tending, carrier) -> None:
    carrier.answer = RejectedError("NotHeld", {})
    tending.settle_all(SNAPSHOT.block, Seen(RejectedError("SourceFailed", {})), list)
    assert carrier.asked == [7]


# HEDGE-639
def test_settle_all__nothing_can_be_read__is_left_to_the_rest_of_the_cycle(tending, carrier) -> None:
    settled = tending.settle_all(SNAPSHOT.block, Seen(DataError("another chain")), list)
    assert (settled.acts, carrier.asked) == ((), [])


# HEDGE-639
def test_settle_all__no_keeper_at_work__asks_nothing(tending) -> None:
    tending._keeper = None
    assert tending.settle_all(SNAPSHOT.block, Seen(sight(DUE)), list).acts == ()
