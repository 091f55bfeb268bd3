"""Questions put ahead: several at once, a failure shows where the answer is wanted, and a thread is used again."""

from __future__ import annotations

import threading

import pytest

from agent.chain.ahead import Ahead
from agent.chain.crew import Crew

PATIENCE_SECONDS = 30.0


def test_result__two_questions_that_wait_for_one_another__both_are_answered() -> None:
    meeting = threading.Barrier(2)
    first, second = (Ahead(lambda: meeting.wait(PATIENCE_SECONDS)) for _ in range(2))
    assert {first.result(), second.result()} == {0, 1}


def test_result__question_that_fails__raises_there_each_time_and_not_before() -> None:
    def fail() -> int:
        raise ValueError("no answer")

    with Ahead(fail) as question:
        pass
    for _ in range(2):
        with pytest.raises(ValueError, match="no answer"):
            question.result()


def test_context__left_by_a_failure__waits_for_the_question() -> None:
    go, seen = threading.Event(), []

    def ask() -> None:
        go.wait(PATIENCE_SECONDS)
        seen.append("over")

    def leave() -> None:
        with Ahead(ask):
            go.set()
            raise KeyError

    with pytest.raises(KeyError):
        leave()
    assert seen == ["over"]


def test_unless__answer_known__nothing_is_asked() -> None:
    asked: list[int] = []
    assert Ahead.unless(True, 7, lambda: asked.append(1) or 8).result() == 7
    assert asked == []
    assert Ahead.unless(False, 7, lambda: asked.append(1) or 8).result() == 8
    assert asked == [1]


def test_carry__one_task_after_the_other__in_one_thread() -> None:
    crew, seen = Crew(), set()
    for _ in range(20):
        done = threading.Event()

        def task(done: threading.Event = done) -> None:
            seen.add(threading.get_ident())
            done.set()

        crew.carry(task)
        assert done.wait(PATIENCE_SECONDS)
        while not crew._idle:  # it is back a moment after it is done
            pass
    assert len(seen) == 1


def test_carry__a_task_that_hangs__holds_up_no_other() -> None:
    crew, hanging, done = Crew(), threading.Event(), threading.Event()
    crew.carry(lambda: hanging.wait(PATIENCE_SECONDS))
    crew.carry(done.set)
    assert done.wait(PATIENCE_SECONDS)
    hanging.set()
