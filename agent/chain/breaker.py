"""Whether a server is worth asking: closed while it answers, open after faults, half-open when it may have healed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from threading import Lock

FAULTS_TO_OPEN = 3
"""Faults in a row after which a server is left alone. A time-out opens at once: each costs all the time there is."""
FIRST_REST_SECONDS = 2.0
LONGEST_REST_SECONDS = 60.0
_LATENCY_WEIGHT = 0.2
"""Of the newest answer in the average."""


class BreakerState(Enum):
    """Whether a server is asked."""

    CLOSED = "closed"
    HALF_OPEN = "half-open"
    """Its rest is over: asked beside the others, and not waited for alone."""
    OPEN = "open"
    """Asked only when no other server is left, and handed every transaction all the same."""


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """What one server has done so far, for metrics and for people."""

    name: str
    state: BreakerState
    requests: int
    faults: int
    disagreements: int
    """Answers that a quorum contradicted."""
    latency_seconds: float
    """Average that forgets, of the answers that came."""
    log_range_blocks: int
    batch_requests: int
    lag_blocks: int
    """Behind the newest head acted on, when it was last asked for its own."""
    last_fault: str

    @property
    def is_open(self) -> bool:
        """True while it is kept out of use."""
        return self.state is BreakerState.OPEN


class Breaker:
    """Counts what a server does; every time is in seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._faults_in_row = 0
        self._rests = 0
        self._open_until: float | None = None
        self._asked_until: float | None = None
        self.requests = 0
        self.faults = 0
        self.disagreements = 0
        self.latency_seconds = 0.0
        self.last_fault = ""
        self._answered_at: float | None = None

    def has_answered_since(self, moment: float) -> bool:
        """Return whether an answer came after ``moment``."""
        return self._answered_at is not None and self._answered_at > moment

    def state(self, now: float) -> BreakerState:
        """Return whether the server is asked at ``now``."""
        if self._open_until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self._open_until else BreakerState.HALF_OPEN

    def wants_rest(self, now: float) -> bool:
        """Return whether the server itself asked not to be asked, and for longer than until ``now``."""
        return self._asked_until is not None and now < self._asked_until

    def answered(self, seconds: float, now: float | None = None) -> None:
        """Count an answer, given at ``now``: the server is well."""
        with self._lock:
            self.requests += 1
            self._answered_at = now if now is not None else self._answered_at
            first = self.latency_seconds == 0.0
            self.latency_seconds += (1.0 if first else _LATENCY_WEIGHT) * (seconds - self.latency_seconds)
            self._faults_in_row, self._rests, self._open_until, self._asked_until = 0, 0, None, None

    def failed(self, now: float, reason: str, opens: bool, rest_seconds: float | None = None) -> None:
        """Count a fault; ``opens`` at once, or after several in a row. A rest is twice the one before."""
        with self._lock:
            self.requests += 1
            self.faults += 1
            self._faults_in_row += 1
            self.last_fault = reason
            if not opens and self._faults_in_row < FAULTS_TO_OPEN and self._open_until is None:
                return
            own = min(FIRST_REST_SECONDS * 2**self._rests, LONGEST_REST_SECONDS)
            self._rests = min(self._rests + 1, 16)
            if rest_seconds is None:
                self._open_until = now + own
            else:
                self._open_until = self._asked_until = now + min(rest_seconds, LONGEST_REST_SECONDS)

    def slow(self, seconds: float) -> None:
        """Count the time a server has taken so far without an answer, so that others come first."""
        with self._lock:
            self.latency_seconds = max(self.latency_seconds, seconds)

    def contradicted(self) -> None:
        """Count an answer that a quorum contradicted."""
        with self._lock:
            self.disagreements += 1
