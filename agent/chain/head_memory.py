"""Remembers the newest head, so that a server behind a lagging load balancer does not take the keeper back in time."""

from __future__ import annotations

from agent.domain import BlockRef
from agent.errors import TransientError
from agent.units import BlockHash

REMEMBERED_BLOCKS = 256
BELIEVED_AFTER_SECONDS = 60.0
"""A head that stays behind for so long is the chain's own: it was rolled back, and has stopped."""


class HeadMemory:
    """The heads acted on so far, the newest of them above all."""

    def __init__(self) -> None:
        self._hashes: dict[int, BlockHash] = {}
        self._newest = -1
        self._behind_since: float | None = None

    @property
    def newest(self) -> int:
        """Number of the newest head acted on, -1 before the first."""
        return self._newest

    def accept(self, head: BlockRef, now_unix: float) -> None:
        """Remember a head, or refuse one that lies behind the newest without another branch to show for it.

        Raises
        ------
        TransientError
            The head is older than one acted on, and belongs to the same branch as far as anyone can tell.

        """
        known = self._hashes.get(head.number)
        if head.number < self._newest and known in (None, head.hash):
            self._behind_since = now_unix if self._behind_since is None else self._behind_since
            if abs(now_unix - self._behind_since) < BELIEVED_AFTER_SECONDS:
                raise TransientError(
                    f"the head went back from block {self._newest} to {head.number}: a server lags behind what it, or "
                    "another one, has shown already"
                )
        for number in [number for number in self._hashes if number > head.number]:
            del self._hashes[number]
        self._hashes[head.number] = head.hash
        self._newest, self._behind_since = head.number, None
        while len(self._hashes) > REMEMBERED_BLOCKS:
            del self._hashes[min(self._hashes)]
