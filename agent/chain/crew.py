"""Threads that are used again: to start one costs more than most of what they do, and its starter waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

Task = Callable[[], None]


class Crew:
    """As many daemon threads as there were tasks at once. A task raises nothing; one that hangs keeps its thread."""

    def __init__(self) -> None:
        self._idle: list[SimpleQueue[Task]] = []
        self._lock = threading.Lock()

    def carry(self, task: Task) -> None:
        """Have a task done at once, beside whatever else is at work."""
        with self._lock:
            inbox = self._idle.pop() if self._idle else None
        if inbox is None:
            inbox = SimpleQueue()
            threading.Thread(target=self._work, args=(inbox,), daemon=True, name="rpc").start()
        inbox.put(task)

    def _work(self, inbox: SimpleQueue[Task]) -> None:
        while True:
            inbox.get()()
            with self._lock:
                self._idle.append(inbox)


CREW = Crew()
"""Of this process."""
