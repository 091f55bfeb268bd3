"""Threads that are used again: as many as there were tasks at once, and none that keeps the process alive."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from agent.chain.crew import Crew


@pytest.fixture
def over() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def carried(crew: Crew) -> threading.Thread:
    """The thread that a task is done in, once it is free again."""
    done: list[threading.Thread] = []
    ended = threading.Event()
    crew.carry(lambda: (done.append(threading.current_thread()), ended.set()))
    assert ended.wait(60)
    idle = threading.Event()
    while not crew._idle:
        idle.wait(0.001)
    return done[0]


def test_carry__one_task_after_another__is_done_by_one_thread():
    crew = Crew()
    first = carried(crew)
    assert first.daemon, "one that hangs must not hold up the end of the process"
    assert carried(crew) is first
    assert len(crew._idle) == 1


def test_carry__task_that_hangs__keeps_its_thread_and_no_other_task_waits(over):
    crew, begun = Crew(), threading.Event()
    crew.carry(lambda: (begun.set(), over.wait(60)))
    assert begun.wait(60)
    first, second = carried(crew), carried(crew)
    assert first is second
