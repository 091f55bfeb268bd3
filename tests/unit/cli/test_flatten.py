"""How long ``evenkeel flatten --yes`` goes on under faults of the moment, of its start and of its steps."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from agent.cli import flatten as module
from agent.decision.flatten import FlattenStep
from agent.errors import TransientError
from agent.keeper.result import Outcome
from agent.units import WAD, Wad

SETTINGS = SimpleNamespace(keeper=SimpleNamespace(interval_seconds=5.0))
DOWN = TransientError("HTTP 502")
OPEN, DONE = SimpleNamespace(is_done=False, legs=(1,), remaining=0, reason="closes"), SimpleNamespace(is_done=True)
CLOSED = SimpleNamespace(outcome=Outcome.EXECUTED, fills=(), reason="closed")


@pytest.fixture
def slept(monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr(module.time, "sleep", waits.append)
    return waits


def act(monkeypatch, starts, steps, wait_seconds):
    """Flatten with a keeper whose starts and steps go as listed: a failure is raised, all else returned."""

    def next_of(outcomes):
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    keeper = SimpleNamespace(flatten_step=lambda: next_of(left))
    begun, left = iter([*starts, nullcontext(keeper)]), iter(steps)
    monkeypatch.setattr(module.Keeper, "build", lambda *_: next_of(begun))
    return module._act(SETTINGS, wait_seconds, as_json=False)


def test_act__start_and_steps_fail_for_a_moment__goes_on_to_the_end(monkeypatch, slept, capsys):
    """A fault of the start ended it at once, whatever time it was given."""
    steps = [(OPEN, CLOSED), DOWN, DOWN, (DONE, None)]
    assert act(monkeypatch, [DOWN, DOWN], steps, wait_seconds=10.0) is False
    assert slept == [5.0] * 5
    assert capsys.readouterr().err.count("HTTP 502; tried again\n") == 4


@pytest.mark.parametrize(("starts", "steps"), [([DOWN] * 3, []), ([DOWN], [DOWN, DOWN])])
def test_act__faults_last_longer_than_there_is_time__ends_and_says_so(monkeypatch, slept, starts, steps):
    with pytest.raises(TransientError, match="HTTP 502"):
        act(monkeypatch, starts, steps, wait_seconds=10.0)
    assert slept == [5.0] * 2


def test_act__order_is_open__is_waited_for(monkeypatch, slept, capsys):
    order = FlattenStep((), (), "an order is open on perps", Wad(WAD), waits_for_order=True)
    assert act(monkeypatch, [], [(order, None), (order, None), (DONE, None)], wait_seconds=10.0) is False
    assert act(monkeypatch, [], [(order, None)] * 3, wait_seconds=10.0) is True
    assert slept == [5.0] * 4
    assert "Nothing can be closed: an order is open on perps" in capsys.readouterr().out


def test_act__nothing_is_open_but_a_transaction_is_on_its_way__is_waited_for(monkeypatch, slept):
    """It said that nothing was open, and the transaction opened a position."""
    pending = SimpleNamespace(outcome=Outcome.PENDING, reason="on its way", rejection=None, fills=())
    assert act(monkeypatch, [], [(DONE, pending), (DONE, None)], wait_seconds=10.0) is False
    assert slept == [5.0]
