"""Stopwatches around a keeper's parts, and the time in which it waits for a server's answer."""

from __future__ import annotations

import gc
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from urllib3.connection import HTTPConnection


@dataclass(frozen=True, slots=True)
class Span:
    """One run of a part: from when to when, and the CPU time of the thread that ran it, seconds."""

    start: float
    end: float
    cpu_seconds: float


@dataclass
class Probe:
    """What was measured since the last `clear`: spans by part, waits for servers, pauses of the garbage collector."""

    spans: dict[str, list[Span]] = field(default_factory=lambda: defaultdict(list))
    waits: list[tuple[float, float]] = field(default_factory=list)
    pauses_seconds: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def clear(self) -> None:
        """Forget what was measured."""
        with self._lock:
            self.pauses_seconds.clear()
            self.spans.clear()
            self.waits.clear()

    def time(self, owner: Any, name: str, part: str) -> None:
        """Measure each call of ``owner``'s attribute ``name`` from now on."""
        call = getattr(owner, name)

        def timed(*arguments: Any, **named: Any) -> Any:
            start, cpu = time.perf_counter(), time.thread_time()
            try:
                return call(*arguments, **named)
            finally:
                span = Span(start, time.perf_counter(), time.thread_time() - cpu)
                with self._lock:
                    self.spans[part].append(span)

        setattr(owner, name, timed)

    def waited_seconds(self, start: float, end: float) -> float:
        """Return for how long between two instants some answer was waited for; several at once count once."""
        total, reached = 0.0, start
        for began, ended in sorted(self.waits):
            total += max(min(ended, end) - max(began, reached), 0.0)
            reached = max(reached, ended)
        return total

    def own_seconds(self, part: str) -> float:
        """Return the time of a part's spans in which no answer was waited for."""
        return sum(span.end - span.start - self.waited_seconds(span.start, span.end) for span in self.spans[part])

    def cpu_seconds(self, part: str) -> float:
        """Return the CPU time of a part, of the thread that ran it."""
        return sum(span.cpu_seconds for span in self.spans[part])

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note each wait for a server's answer, of whatever thread, and each pause of the garbage collector.

        An answer is waited for from the moment at which the last of the question is handed to the system, which may
        well give the processor to the server before it comes back.
        """
        send, respond, began = HTTPConnection.send, HTTPConnection.getresponse, [0.0]
        sent = threading.local()

        def sending(connection: HTTPConnection, data: Any) -> None:
            sent.at = time.perf_counter()
            send(connection, data)

        def waiting(connection: HTTPConnection) -> Any:
            try:
                return respond(connection)
            finally:
                with self._lock:
                    self.waits.append((sent.at, time.perf_counter()))

        def collecting(phase: str, _info: dict[str, int]) -> None:
            if phase == "start":
                began[0] = time.perf_counter()
            else:
                self.pauses_seconds.append(time.perf_counter() - began[0])

        HTTPConnection.send, HTTPConnection.getresponse = sending, waiting
        gc.callbacks.append(collecting)
        try:
            yield
        finally:
            HTTPConnection.send, HTTPConnection.getresponse = send, respond
            gc.callbacks.remove(collecting)


def once(act: Callable[[], object]) -> tuple[float, float]:
    """Return the wall and the CPU time of one call, seconds; CPU of the whole process."""
    start, cpu = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - start, time.process_time() - cpu
