"""Decides when a head that somebody tells of ends a wait: it may be a lie, so it costs an extra look and no more."""

from __future__ import annotations

import threading
from collections import deque

from agent.units import BlockHash

REMEMBERED_HINTS = 64
LOOKS_A_HINT = 2
"""A socket may be ahead of the quorum: a head that did not show at the first look is worth one more."""


class HintGate:
    """The newest head told of and not seen yet. Several threads may tell at once; one waits.

    ``least_seconds``: between two looks that hints have caused, however many there are.
    """

    def __init__(self, least_seconds: float) -> None:
        self._least_seconds = least_seconds
        self._recent: deque[BlockHash] = deque(maxlen=REMEMBERED_HINTS)
        self._number: int | None = None
        self._looks = 0
        self._looked_at: float | None = None
        self._lock = threading.Lock()
        self.told = threading.Event()
        """Set whenever there is a head that was not told of before."""

    def tell(self, number: int, block_hash: BlockHash) -> None:
        """Take note of a head; one that was told of lately, by whichever server, is no news."""
        with self._lock:
            if block_hash in self._recent:
                return
            self._recent.append(block_hash)
            self._number, self._looks = number, 0
        self.told.set()

    def due_in(self, newest: int, now: float) -> float | None:
        """Return how long until a look is due, None where nothing beyond block ``newest`` is told of."""
        with self._lock:
            self.told.clear()
            if self._number is None or self._number <= newest or self._looks >= LOOKS_A_HINT:
                return None
            return 0.0 if self._looked_at is None else max(self._looked_at + self._least_seconds - now, 0.0)

    def looks(self, now: float) -> None:
        """Note that a look begins for what was told."""
        with self._lock:
            self._looked_at = now
            self._looks += 1
