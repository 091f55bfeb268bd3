"""What reverts of errands for orders lead to: they rest, a person is told, and a success ends it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from agent.domain import BlockRef
from agent.keeper.alerts import AlertEvent, AlertLog
from agent.keeper.order_keeper import OrderKeeper
from agent.ledger.records import ClosedIntent, IntentState, Purpose
from agent.units import Address, BlockHash, IntentId, Seconds, Wei

DEADLINE, REST, LIMIT = 1_000, 3_600, 3


class Ledger:
    """Holds one order open, and how the latest errands ended, newest first."""

    def __init__(self, *states: IntentState) -> None:
        self.ended = [
            ClosedIntent(IntentId(f"0x{index:064x}"), state, Seconds(DEADLINE - index), f"why {index}")
            for index, state in enumerate(states)
        ]

    def closed_errands(self, limit: int, purpose: Purpose) -> list[ClosedIntent]:
        assert purpose is Purpose.ORDER
        return self.ended[:limit]

    def orders(self) -> list[Any]:
        return []


def head(timestamp: int) -> BlockRef:
    return BlockRef(7, BlockHash("0x" + "07" * 32), Seconds(timestamp), Wei(1))


def tending(monkeypatch: pytest.MonkeyPatch, ledger: Ledger, alerts: AlertLog) -> tuple[OrderKeeper, list[object]]:
    """An order keeper with an order open that needs nothing, and the looks it takes at what orders need."""
    execution = SimpleNamespace(max_reverts_in_row=LIMIT, revert_rest_seconds=REST)
    deployment = SimpleNamespace(venues=[], all_venues=[])
    planner = SimpleNamespace(deployment=deployment, settings=SimpleNamespace(execution=execution))
    keeper = OrderKeeper(planner, ledger, object(), Address("0x1"), alerts, None)
    looks: list[object] = []
    monkeypatch.setattr(OrderKeeper, "has_open", True)
    monkeypatch.setattr(keeper, "cares", lambda sight, head: looks.append(head) or [])
    monkeypatch.setattr("agent.keeper.order_keeper._sight_or_none", lambda seen: None)
    return keeper, looks


R, E = IntentState.REVERTED, IntentState.EXECUTED


@pytest.mark.parametrize(
    ("states", "rests"),
    [
        ((R, R, R), True),
        ((R, R, R, E), True),
        ((R, R), False),
        ((E, R, R, R), False),
        ((R, R, E, R), False),
        ((), False),
    ],
)
def test_tend__errands_reverted_in_a_row__rests_and_tells(monkeypatch, states, rests):
    alerts = AlertLog()
    keeper, looks = tending(monkeypatch, Ledger(*states), alerts)
    assert keeper.tend(None, head(DEADLINE)) is None
    assert (looks == []) is rests
    assert (AlertEvent.ORDER_ERRANDS_REVERT in alerts.up) is rests


def test_tend__rest_is_over__tries_again_and_the_alert_ends_with_a_success(monkeypatch, caplog):
    alerts, ledger = AlertLog(), Ledger(R, R, R)
    keeper, looks = tending(monkeypatch, ledger, alerts)
    keeper.tend(None, head(DEADLINE + REST - 1))
    assert looks == []
    assert (
        "the last 3 errands for orders reverted, the newest: why 0; none is sent until 1970-01-01T01:16:40Z"
        in caplog.text
    )
    keeper.tend(None, head(DEADLINE + REST))
    assert len(looks) == 1
    assert AlertEvent.ORDER_ERRANDS_REVERT in alerts.up, "until one succeeds"
    ledger.ended.insert(0, ClosedIntent(IntentId("0x2"), E, Seconds(DEADLINE), ""))
    keeper.tend(None, head(DEADLINE + REST))
    assert AlertEvent.ORDER_ERRANDS_REVERT not in alerts.up


def test_tend__no_order_is_open_any_more__the_alert_ends(monkeypatch):
    """Stood for ever: the errand that succeeded at last had ended the only order."""
    alerts = AlertLog()
    keeper, _ = tending(monkeypatch, Ledger(R, R, R), alerts)
    keeper.tend(None, head(DEADLINE))
    monkeypatch.setattr(OrderKeeper, "has_open", False)
    keeper.tend(None, head(DEADLINE))
    assert alerts.up == frozenset()
