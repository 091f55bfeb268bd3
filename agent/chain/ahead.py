"""Questions put before their answers are needed, so that several are on their way at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

from agent.chain.crew import CREW

T = TypeVar("T")


class Ahead(Generic[T]):
    """One question, asked in a thread of its own from the moment this is made.

    What came of it, an answer or a failure, shows when ``result`` is asked for, and nowhere before. As a context it
    waits on leaving until the question is over, so that whatever it touches is at rest again.
    """

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._answers: list[T] = []
        self._failure: BaseException | None = None
        self._over = threading.Lock()
        self._over.acquire()
        CREW.carry(self._carry)

    @classmethod
    def unless(cls, is_known: bool, known: T, ask: Callable[[], T]) -> Ahead[T]:
        """Return a question, or, where its answer is known, one that is over: a thread costs more than that."""
        if not is_known:
            return cls(ask)
        over = cls.__new__(cls)
        over._answers, over._failure, over._over = [known], None, threading.Lock()
        return over

    def result(self) -> T:
        """Wait for the answer and return it, or raise what the question met."""
        self._wait()
        if self._failure is not None:
            raise self._failure
        return self._answers[0]

    def __enter__(self) -> Ahead[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wait()

    def _wait(self) -> None:
        with self._over:
            pass

    def _carry(self) -> None:
        try:
            self._answers.append(self._ask())
        except BaseException as failure:
            self._failure = failure
        finally:
            self._over.release()
