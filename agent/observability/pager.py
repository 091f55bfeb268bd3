"""Tells people: each alert once, again while it lasts, and when it is over; never at the cost of a cycle."""

from __future__ import annotations

import contextlib
import logging
import queue
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from agent.errors import DataError
from agent.observability.alerts import Alert, Severity

ALERT_URLS_VARIABLE = "EVENKEEL_ALERT_URLS"
"""Where alerts go: apprise URLs, separated by spaces. They hold tokens, so they stand in the environment alone."""
REPEAT_SECONDS = 3_600.0
"""An alert that lasts is told again after an hour."""
ATTEMPTS = 5
FIRST_RETRY_SECONDS = 1.0
_QUEUE_LENGTH = 200
_LOG = logging.getLogger(__name__)


class Channel(Protocol):
    """Brings a message to people."""

    def send(self, title: str, text: str, severity: Severity) -> bool:
        """Return whether the message was taken."""
        ...


class _Delivery:
    """One message on its way through all channels."""

    def __init__(self, alert: Alert, title: str, channels: int) -> None:
        self.alert = alert
        self.title = title
        self._lock = threading.Lock()
        self._left = channels
        self._is_taken = False

    def is_lost_after(self, is_taken: bool) -> bool:
        """Count one channel's outcome; return whether it was the last, and none took the message."""
        with self._lock:
            self._left -= 1
            self._is_taken |= is_taken
            return self._left == 0 and not self._is_taken


class _Courier:
    """Brings messages to one channel, in a thread of its own: a channel that hangs delays no other."""

    def __init__(
        self, channel: Channel, pause: Callable[[float], object], on_outcome: Callable[[_Delivery, bool], None]
    ) -> None:
        self._channel = channel
        self._pause = pause
        self._on_outcome = on_outcome
        self._waiting: queue.Queue[_Delivery | None] = queue.Queue(_QUEUE_LENGTH)
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
        self._thread.start()

    def take(self, delivery: _Delivery) -> None:
        """Queue a message; one too many is given up."""
        try:
            self._waiting.put_nowait(delivery)
        except queue.Full:
            self._on_outcome(delivery, False)

    def finish(self) -> None:
        """End after what is queued."""
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)

    def join(self, timeout_seconds: float) -> None:
        """Wait for the end, at most so long."""
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while (delivery := self._waiting.get()) is not None:
            self._on_outcome(delivery, self._is_taken(delivery))

    def _is_taken(self, delivery: _Delivery) -> bool:
        alert, wait = delivery.alert, FIRST_RETRY_SECONDS
        for attempt in range(ATTEMPTS):
            if attempt:
                self._pause(wait)
                wait *= 2
            if self._channel.send(delivery.title, alert.text, alert.severity):
                return True
        return False


class Pager:
    """Decides what is told; every channel is tried until it takes the message.

    ``source`` says who speaks, ``clock`` is a monotonic clock in seconds, ``pause`` waits between two attempts.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        source: str = "evenkeel",
        repeat_seconds: float = REPEAT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._source = source
        self._repeat_seconds = repeat_seconds
        self._clock = clock
        self._told_at: dict[str, float] = {}
        self._events_at: dict[str, float] = {}
        self._lock = threading.Lock()
        self._couriers = [_Courier(channel, pause, self._on_outcome) for channel in channels]
        self.told_count = 0
        self.undelivered_count = 0

    @property
    def channel_count(self) -> int:
        """How many channels there are."""
        return len(self._couriers)

    def named(self, source: str) -> Pager:
        """Say who speaks from now on, and return self."""
        self._source = source
        return self

    def tell(self, alert: Alert) -> bool:
        """Tell an alert unless it was told lately; return whether it is told now."""
        with self._lock:
            now = self._clock()
            self._events_at = {key: at for key, at in self._events_at.items() if now - at < self._repeat_seconds}
            told, key = (self._events_at, alert.key) if alert.key else (self._told_at, alert.name)
            if key in told and now - told[key] < self._repeat_seconds:
                return False
            told[key] = now
        self._hand_out(alert)
        return True

    def resolve(self, name: str, text: str) -> None:
        """Tell that an alert is over, if it was told."""
        with self._lock:
            was_told = self._told_at.pop(name, None) is not None
        if was_told:
            self._hand_out(Alert(name, text, Severity.RESOLVED))

    def drain(self, timeout_seconds: float) -> None:
        """Wait until all is delivered or given up, at most so long for each channel, and end."""
        for courier in self._couriers:
            courier.finish()
        for courier in self._couriers:
            courier.join(timeout_seconds)

    def _hand_out(self, alert: Alert) -> None:
        title = f"[{alert.severity.value}] {self._source}: {alert.name}"
        delivery = _Delivery(alert, title, len(self._couriers))
        self.told_count += 1
        for courier in self._couriers:
            courier.take(delivery)

    def _on_outcome(self, delivery: _Delivery, is_taken: bool) -> None:
        """Count a channel that gave up; what no channel took counts as never told, and is tried when next due."""
        is_lost = delivery.is_lost_after(is_taken)
        if is_taken:
            return
        self.undelivered_count += 1
        _LOG.error("alert_undelivered", extra={"alert": delivery.alert.name, "is_lost": is_lost})
        if is_lost:
            with self._lock:
                told = self._events_at if delivery.alert.key else self._told_at
                told.pop(delivery.alert.key or delivery.alert.name, None)


def load_pager(environment: Mapping[str, str], repeat_seconds: float = REPEAT_SECONDS) -> Pager | None:
    """Return the pager of ``EVENKEEL_ALERT_URLS``, None when it is not set.

    Raises
    ------
    DataError
        A URL is none that apprise knows; it is named by its place, since it holds a token.

    """
    urls = [url for url in re.split(r"[\s,]+", environment.get(ALERT_URLS_VARIABLE, "")) if url]
    if not urls:
        return None
    # Here, since it takes a third of a second that nobody without alerts should wait.
    from agent.observability.apprise_channel import AppriseChannel  # noqa: PLC0415

    channels = []
    for number, url in enumerate(urls, 1):
        channel = AppriseChannel.open(url)
        if channel is None:
            raise DataError(
                f"{ALERT_URLS_VARIABLE}: URL {number} of {len(urls)} is none that apprise knows; write one such as "
                "slack://token/channel or mailto://user:password@host"
            )
        channels.append(channel)
    return Pager(channels, repeat_seconds=repeat_seconds)
