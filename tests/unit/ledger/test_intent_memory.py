"""What a ledger remembers of its intents is what the database would say, or nothing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from agent.chain.block_id import BlockId
from agent.ledger.intent_memory import IntentMemory
from agent.ledger.records import ClosedIntent, IntentState, Transition
from agent.units import BlockHash, IntentId, Seconds

AT = BlockId(7, BlockHash("0x07"))


def record(name: str, *, is_errand: bool = False):
    intent = SimpleNamespace(intent_id=IntentId(name), deadline=Seconds(90))
    return SimpleNamespace(intent=intent, is_errand=is_errand)


def ended(name: str) -> Transition:
    return Transition(IntentId(name), IntentState.REVERTED, AT, detail=f"end of {name}")


def closed(name: str) -> ClosedIntent:
    return ClosedIntent(IntentId(name), IntentState.REVERTED, Seconds(90), f"end of {name}")


@pytest.fixture
def memory() -> IntentMemory:
    """Knows that two are open and two are closed, of which the newest two were asked for."""
    made = IntentMemory()
    made.open = {IntentId(name): record(name) for name in ("a", "b")}
    made.keep_latest(2, [closed("y"), closed("x")])
    return made


def test_latest__so_many_as_were_read__or_fewer(memory):
    assert memory.latest(2) == [closed("y"), closed("x")]
    assert memory.latest(1) == [closed("y")]
    assert memory.latest(0) == []
    assert memory.latest(3) is None
    assert IntentMemory().latest(0) is None


def test_latest__what_was_read_is_changed_by_its_reader__stays(memory):
    read = [closed("y")]
    memory.keep_latest(1, read)
    read.clear()
    assert memory.latest(1) == [closed("y")]


def test_forget__all_has_to_be_read_anew(memory):
    memory.forget()
    assert memory.open is None
    assert memory.latest(1) is None


def test_opened__new_decision__is_the_newest_that_is_open(memory):
    memory.opened(record("c"), is_new=True)
    assert list(memory.open) == ["a", "b", "c"]


def test_opened__known_already__is_read_anew(memory):
    """It may have ended meanwhile: only the database knows."""
    memory.opened(record("b"), is_new=False)
    assert memory.open is None


def test_opened__nothing_was_read_yet__stays_to_be_read():
    memory = IntentMemory()
    memory.opened(record("a"), is_new=True)
    assert memory.open is None


def test_ended__open_one__is_closed_as_the_newest_and_the_oldest_drops_out(memory):
    memory.ended(ended("a"), is_new=True)
    assert list(memory.open) == ["b"]
    assert memory.latest(2) == [closed("a"), closed("y")]


@pytest.mark.parametrize(("name", "is_new"), [("z", True), ("a", False)])
def test_ended__one_that_is_not_known_or_not_new__the_latest_are_read_anew(memory, name, is_new):
    memory.ended(ended(name), is_new=is_new)
    assert memory.latest(1) is None
    assert IntentId(name) not in memory.open


def test_ended__latest_were_not_read__stay_to_be_read(memory):
    memory.forget()
    memory.ended(ended("a"), is_new=True)
    assert (memory.open, memory.latest(1)) == (None, None)


@pytest.mark.parametrize(("is_new", "latest"), [(True, [closed("y"), closed("x")]), (False, None)])
def test_ended__errand__is_closed_and_none_of_the_latest_intents(memory, is_new, latest):
    memory.opened(record("e", is_errand=True), is_new=True)
    memory.ended(ended("e"), is_new=is_new)
    assert list(memory.open) == ["a", "b"]
    assert memory.latest(2) == latest
