"""How much a server takes at once: halved on a refusal, grown again after successes, remembered in between."""

from __future__ import annotations

from threading import Lock

SUCCESSES_TO_GROW = 16


class AdaptiveLimit:
    """A whole number between 1 and ``most``."""

    def __init__(self, first: int, most: int) -> None:
        self._lock = Lock()
        self._most = most
        self._successes = 0
        self.current = first

    def refused(self, tried: int, suggested: int | None = None) -> None:
        """Go down to half of what was refused, or to what the server says it takes, if that is less than refused."""
        with self._lock:
            half = max(tried // 2, 1)
            lower = half if suggested is None or suggested >= tried else max(suggested, 1)
            self.current = min(self.current, lower)
            self._successes = 0

    def passed(self, tried: int) -> None:
        """Count a success of the full size; enough of them double the limit."""
        with self._lock:
            if tried < self.current:
                return
            self._successes += 1
            if self._successes >= SUCCESSES_TO_GROW:
                self._successes = 0
                self.current = min(2 * self.current, self._most)
