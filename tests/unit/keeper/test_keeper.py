"""The loop: a fault of the moment is tried again, bad data skips a cycle, and what needs a person stops it."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent.domain import BlockRef, Intent, Leg
from agent.errors import DataError, FatalError, RejectedError, TransientError
from agent.execution.settlement import Timer
from agent.keeper.keeper import Keeper
from agent.keeper.result import CycleResult, Outcome
from agent.ledger.records import IntentRecord
from agent.settings import load_settings
from agent.units import Address, AssetUnits, BlockHash, IntentId, Seconds, Wad, Wei

HELD = CycleResult(BlockRef(1, BlockHash("0x01"), Seconds(1), Wei(1)), Outcome.HELD, "because", 0.0)
TRANSIENT, BAD = TransientError("slow"), DataError("bad")


class Scripted(Keeper):
    """A keeper whose cycles are written down beforehand."""

    def __init__(self, settings, script):
        self._settings = settings
        self.script = list(script)

    def cycle(self):
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Waits(threading.Event):
    """An event that only remembers how long it was waited for."""

    def __init__(self, set_after: int | None = None):
        super().__init__()
        self.seconds: list[float] = []
        self._set_after = set_after

    def wait(self, timeout=None):
        self.seconds.append(timeout)
        if len(self.seconds) == self._set_after:
            self.set()
        return self.is_set()


@pytest.fixture
def settings(repository: Path):
    return load_settings(repository / "config" / "localnet.toml", {})


def run(settings, script, cycles=None, set_after=None):
    keeper, waits, seen = Scripted(settings, script), Waits(set_after), []
    keeper.run(seen.append, seen.append, cycles, interval_seconds=7.0, stop=waits)
    return seen, waits.seconds


def test_run__so_many_cycles__stops_without_a_last_wait(settings):
    assert run(settings, [HELD, HELD, HELD], cycles=3) == ([HELD, HELD, HELD], [7.0, 7.0])


def test_run__stop_asked_for__ends_after_the_cycle_at_hand(settings):
    assert run(settings, [HELD] * 9, set_after=2) == ([HELD, HELD], [7.0, 7.0])


def test_run__faults_of_moment__wait_twice_as_long_each_time_and_count_as_no_cycle(settings):
    seen, waits = run(settings, [TRANSIENT, TRANSIENT, TRANSIENT, HELD, TRANSIENT, HELD], cycles=2)
    assert seen == [TRANSIENT, TRANSIENT, TRANSIENT, HELD, TRANSIENT, HELD]
    assert waits == [0.5, 1.0, 2.0, 7.0, 0.5]


def test_run__long_outage__waits_no_longer_than_the_longest_wait(settings):
    _, waits = run(settings, [TRANSIENT] * 12 + [HELD], cycles=1)
    assert waits[-4:] == [60, 60, 60, 60]


def test_run__bad_data_at_the_start__refuses_to_start(settings):
    with pytest.raises(DataError, match="bad"):
        run(settings, [TRANSIENT, BAD], cycles=2)


def test_run__bad_data_later__skips_the_cycle(settings):
    assert run(settings, [HELD, BAD, HELD], cycles=3) == ([HELD, BAD, HELD], [7.0, 7.0])


@pytest.mark.parametrize("halting", [FatalError("look at this"), ZeroDivisionError("a defect"), RejectedError("Odd")])
def test_run__what_needs_a_person__halts(settings, halting):
    with pytest.raises(type(halting)):
        run(settings, [HELD, halting, HELD], cycles=3)


# --- whether an open intent is still wanted ---------------------------------------------------------------------------


def is_wanted(at: int, *, decided_at: int = 10, digest: str = "0xb00c", refusal: RejectedError | None = None) -> bool:
    """Ask a keeper of book 0xb00c at one block about an intent decided at another."""
    keeper, head = object.__new__(Keeper), BlockRef(at, BlockHash("0x02"), Seconds(1), Wei(1))
    keeper.address = Address("0x00000000000000000000000000000000000000A1")
    keeper._decider, keeper._timer = SimpleNamespace(book_digest="0xb00c"), Timer()
    decided_at_block = BlockRef(decided_at, BlockHash("0x01"), Seconds(1), Wei(1))
    leg = Leg(keeper.address, AssetUnits(1), Wad(0), Wad(0))
    intent = Intent(IntentId("0x11"), keeper.address, (leg,), Seconds(10**9), decided_at_block)
    asked = (intent, keeper.address, head)
    keeper.planner = SimpleNamespace(head=lambda _: head, simulate=lambda *arguments: {asked: refusal}[arguments])
    return keeper._is_wanted(IntentRecord(intent, is_urgent=False, book_digest=digest, reason="because"))


@pytest.mark.parametrize(("at", "wanted"), [(10, True), (210, True), (211, False)])
def test_is_wanted__decision_of_200_blocks_ago__is_the_oldest_that_is(at, wanted):
    assert is_wanted(at) is wanted


def test_is_wanted__book_changed_or_chain_refuses__is_not():
    assert is_wanted(11)
    assert not is_wanted(11, digest="0xb00d")
    assert not is_wanted(11, refusal=RejectedError("NetDeltaExceeded"))
