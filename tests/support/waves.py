"""Counts round trips without a clock: requests pass in waves, and a wave that lacks one stops whoever asks in turn."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.fault_proxy import Call, Fault, FaultProxy, Reply

PATIENCE_SECONDS = 10.0
"""A wave that is not full by then is found wanting: its requests were not asked side by side."""


class Waves(Fault):
    """Holds each HTTP exchange back until as many different ones as its wave has are there, at any of the servers.

    ``sizes``: how many exchanges each wave consists of. A batch is one, and so is one that several servers get; one
    that a server gets again is another. What comes after the last wave passes.
    """

    def __init__(self, *sizes: int) -> None:
        self._sizes = sizes
        self._exchanges: list[str] = []
        self._times: Counter[tuple[str, str]] = Counter()
        self._changed = threading.Condition()
        self.methods: list[str] = []
        """Of each exchange, in the order of their first arrival."""
        self.is_overdue = False
        """Whether a wave was not full in time; from then on everything passes."""

    @property
    def is_over(self) -> bool:
        """Whether every wave was full, and in time."""
        return not self.is_overdue and len(self._exchanges) >= sum(self._sizes)

    @property
    def later(self) -> list[str]:
        """What came after the last wave."""
        return self.methods[sum(self._sizes) :]

    def on_wire(self, proxy: FaultProxy, calls: list[Call]) -> Reply | None:
        content = json.dumps([[call["method"], call["params"]] for call in calls])
        with self._changed:
            self._times[proxy.url, content] += 1
            exchange = f"{self._times[proxy.url, content]} {content}"
            if exchange not in self._exchanges:
                self._exchanges.append(exchange)
                self.methods.append("+".join(sorted({call["method"] for call in calls})))
                self._changed.notify_all()
            needed = self._end_of_wave(self._exchanges.index(exchange))
            is_full = self._changed.wait_for(
                lambda: self.is_overdue or len(self._exchanges) >= needed, PATIENCE_SECONDS
            )
            self.is_overdue |= not is_full
            self._changed.notify_all()
        return None

    def _end_of_wave(self, index: int) -> int:
        """Return how many exchanges must have come before the one at ``index`` may pass."""
        end = 0
        for size in self._sizes:
            end += size
            if index < end:
                return end
        return 0


@contextmanager
def waves(servers: list[FaultProxy], *sizes: int) -> Iterator[Waves]:
    """Let what the servers are asked inside pass in waves of so many exchanges."""
    fault = Waves(*sizes)
    for server in servers:
        server.on("*", fault)
    try:
        yield fault
    finally:
        for server in servers:
            server.heal()
