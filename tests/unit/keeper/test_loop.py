"""What ends a wait: a new head where sockets tell of them, and how a fault of the moment is tried again."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.domain import BlockRef
from agent.errors import BookMismatchError, DataError, TransientError
from agent.keeper import keeper as keeper_module
from agent.keeper.keeper import Keeper
from agent.keeper.loop import Loop
from agent.keeper.result import CycleResult, Outcome
from agent.settings import load_settings
from agent.units import BlockHash, Seconds, Wei


def held_at(number: int) -> CycleResult:
    return CycleResult(BlockRef(number, BlockHash("0x01"), Seconds(1), Wei(1)), Outcome.HELD, "because", 0.0)


class Hints:
    """Tells of heads at once, and notes for what it was waited."""

    def __init__(self) -> None:
        self.waits: list[tuple[float, int, threading.Event]] = []
        self.is_open = False

    def wait(self, seconds: float, newest: int, stop: threading.Event) -> None:
        self.waits.append((seconds, newest, stop))

    def __enter__(self) -> Hints:
        self.is_open = True
        return self

    def __exit__(self, *_: object) -> None:
        self.is_open = False


class Waits(threading.Event):
    """An event that only remembers how long it was waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout)
        return self.is_set()


SETTINGS = SimpleNamespace(retry_initial_seconds=0.5, retry_max_seconds=3.0)


def run(script: list[Any], hints: Hints | None, cycles: int | None = None) -> tuple[list[Any], Waits]:
    stop, seen, script = Waits(), [], list(script)

    def cycle() -> CycleResult:
        answer = script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def told(what: Any) -> None:
        seen.append(what)
        if not script and cycles is None:
            stop.set()

    Loop(SETTINGS, 7.0, stop, hints).run(cycle, told, told, cycles)
    return seen, stop


def test_run__sockets_tell_of_heads__waits_for_one_beyond_the_newest_seen():
    hints = Hints()
    _, stop = run([held_at(5), held_at(8), held_at(8)], hints, cycles=3)
    assert hints.waits == [(7.0, 5, stop), (7.0, 8, stop)]
    assert stop.seconds == []


def test_run__bad_data_before_any_result_is_refused__and_later_waits_for_a_head():
    hints = Hints()
    run([held_at(5), DataError("bad"), held_at(9)], hints, cycles=3)
    assert [newest for _, newest, _ in hints.waits] == [5, 5]


def test_run__faults_of_the_moment_at_first__no_socket_cuts_their_wait_short():
    hints, late = Hints(), TransientError("late")
    _, stop = run([late, late, late, late, held_at(5), held_at(5)], hints, cycles=2)
    assert stop.seconds == [0.5, 1.0, 2.0, 3.0]
    assert len(hints.waits) == 1


def test_run__bad_data_between_faults__starts_the_waits_anew():
    late = TransientError("late")
    _, stop = run([held_at(5), late, late, DataError("bad"), late, held_at(5)], None, cycles=3)
    assert stop.seconds == [7.0, 0.5, 1.0, 7.0, 0.5]


def test_run__book_and_chain_apart_after_many_cycles__is_no_cycle_to_skip():
    with pytest.raises(BookMismatchError):
        run([held_at(5), held_at(6), BookMismatchError("apart")], None, cycles=9)


def test_run__no_cycle_wanted_or_stopped_before__does_nothing():
    assert run([], None, cycles=0)[0] == []
    stop = threading.Event()
    stop.set()
    Loop(SETTINGS, 7.0, stop, None).run(lambda: pytest.fail("cycled"), print, print, None)


def test_run__stopped_while_it_cycles__ends_after_that(repository: Path):
    seen, stop = run([held_at(5)], None)
    assert (seen, stop.seconds) == ([held_at(5)], [7.0])


# --- the keeper's own -------------------------------------------------------------------------------------------------


def keeper_on(repository: Path, monkeypatch: pytest.MonkeyPatch, *urls: str) -> tuple[Keeper, list[Any]]:
    """A keeper that can cycle, and what loops were made for it."""
    made: list[Any] = []

    def loop(*arguments: Any) -> Any:
        def run(*how: Any) -> None:
            made.append((arguments, how, arguments[3] is not None and arguments[3].is_open))

        return SimpleNamespace(run=run)

    plain = load_settings(repository / "config" / "localnet.toml", {})
    keeper = object.__new__(Keeper)
    keeper._settings = plain.model_copy(update={"chain": plain.chain.model_copy(update={"ws_urls": urls})})
    monkeypatch.setattr(keeper_module, "Loop", loop)
    monkeypatch.setattr(keeper_module, "HeadHints", lambda *asked: made.append(asked) or Hints())
    return keeper, made


def test_keeper_run__sockets_configured__are_open_while_it_loops(repository, monkeypatch):
    keeper, made = keeper_on(repository, monkeypatch, "ws://127.0.0.1:1")
    keeper.run(print, repr, 3)
    asked, (arguments, how, is_open) = made
    assert asked == (("ws://127.0.0.1:1",), keeper._settings.keeper.least_interval_seconds)
    assert arguments[:2] == (keeper._settings.keeper, keeper._settings.keeper.interval_seconds)
    assert how == (keeper.cycle, print, repr, 3)
    assert is_open
    assert not arguments[3].is_open


@pytest.mark.parametrize("interval", [0.0, 4.0])
def test_keeper_run__no_sockets__waits_as_long_as_it_is_told(repository, monkeypatch, interval):
    keeper, made = keeper_on(repository, monkeypatch)
    stop = threading.Event()
    keeper.run(print, repr, interval_seconds=interval, stop=stop)
    [(arguments, how, _)] = made
    assert arguments == (keeper._settings.keeper, interval, stop, None)
    assert how[-1] is None
