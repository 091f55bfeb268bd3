"""What is known of open and closed intents without asking the database, kept in step with what is recorded."""

from __future__ import annotations

from agent.ledger.records import ClosedIntent, IntentRecord, Transition
from agent.units import IntentId


class IntentMemory:
    """Of one vault. ``open`` is by id, oldest first, and None where it has to be read; so are the ``latest``."""

    def __init__(self) -> None:
        self.open: dict[IntentId, IntentRecord] | None = None
        self._latest: list[ClosedIntent] | None = None
        self._limit = 0

    def forget(self) -> None:
        """Have all read anew: somebody else may have written, or blocks have changed."""
        self.open = self._latest = None

    def latest(self, limit: int) -> list[ClosedIntent] | None:
        """Return how so many of the latest intents ended, newest first; None where it has to be read."""
        return None if self._latest is None or self._limit < limit else self._latest[:limit]

    def keep_latest(self, limit: int, latest: list[ClosedIntent]) -> None:
        """Keep what was read."""
        self._limit, self._latest = limit, list(latest)

    def opened(self, record: IntentRecord, is_new: bool) -> None:
        """Take note of a decision that was recorded, or, where it is not new, known already."""
        if self.open is not None and is_new:
            self.open[record.intent.intent_id] = record
        else:
            self.open = None

    def ended(self, transition: Transition, is_new: bool) -> None:
        """Take note of a final step."""
        record = None if self.open is None else self.open.pop(transition.intent_id, None)
        if record is not None and record.is_errand and is_new:
            return
        if self._latest is None or record is None or not is_new:
            self._latest = None
            return
        newest = ClosedIntent(transition.intent_id, transition.state, record.intent.deadline, transition.detail)
        self._latest = [newest, *self._latest][: self._limit]
