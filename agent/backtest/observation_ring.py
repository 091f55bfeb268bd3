"""A venue's ring of past prices, and what a search in it reads: the gas of a mean over time hangs on where it looks.

The newest observation is written over the oldest once all slots are used. A mean asks for the observation at or before
an instant; unless that is the newest, it is found by halving the whole ring, the slots that were never written being
taken for older ones. A slot read for the first time in a transaction costs more than one read again (EIP-2929).

Source: Uniswap v3 core, ``Oracle.getSurroundingObservations`` and ``binarySearch``; Perpetual Protocol
``CumulativeTwap._getSurroundingObservations``, which is the same search.
"""

from __future__ import annotations

from collections import deque
from copy import copy
from dataclasses import dataclass

from agent.checks import require_whole
from agent.units import Seconds


@dataclass(frozen=True, slots=True)
class Search:
    """What one search read: slots looked at, and how often it halved the ring at a written slot and at an empty one."""

    slots: frozenset[int]
    halvings: int = 0
    empty_halvings: int = 0


class ObservationRing:
    """Instants at which a ring of ``capacity`` slots was written, the oldest of those still in it first."""

    def __init__(self, capacity: int, *written_unix: Seconds) -> None:
        self._capacity = require_whole(capacity, "slots of the ring", 2)
        self._kept: deque[Seconds] = deque(maxlen=capacity)
        self._count = 0
        for at_unix in written_unix:
            self.write(at_unix)

    def write(self, at_unix: Seconds) -> None:
        """Take in an observation; one of the same instant as the newest changes nothing."""
        if not self._kept or at_unix > self._kept[-1]:
            self._kept.append(at_unix)
            self._count += 1

    def with_one_more(self, at_unix: Seconds) -> ObservationRing:
        """Return the ring as it is after one more observation; this one stays as it is."""
        later = copy(self)
        later._kept = self._kept.copy()
        later.write(at_unix)
        return later

    def search(self, target_unix: Seconds) -> Search:
        """Return what finding the observation at or before an instant reads; one before the oldest finds the oldest."""
        newest = (self._count - 1) % self._capacity
        if not self._kept or self._kept[-1] <= target_unix:
            return Search(frozenset({newest}))
        oldest = (newest + 1) % self._capacity
        slots = {newest, oldest} if len(self._kept) == self._capacity else {newest, oldest, 0}
        if self._kept[0] > target_unix:
            return Search(frozenset(slots))
        low, high = oldest, oldest + self._capacity - 1
        halvings = empty_halvings = 0
        while True:
            middle = (low + high) // 2
            slots.add(middle % self._capacity)
            at_unix = self._written(middle - oldest)
            if at_unix is None:
                empty_halvings += 1
                low = middle + 1
                continue
            halvings += 1
            slots.add((middle + 1) % self._capacity)
            after_unix = self._written(middle + 1 - oldest)
            if at_unix > target_unix:
                high = middle - 1
            elif after_unix is not None and after_unix < target_unix:
                low = middle + 1
            else:
                return Search(frozenset(slots), halvings, empty_halvings)

    def _written(self, place: int) -> Seconds | None:
        """Return when the slot so many places after the oldest was written, None where it never was."""
        written = place - (self._capacity - len(self._kept))
        return self._kept[written] if written >= 0 else None
