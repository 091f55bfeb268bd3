"""Whether the loop still turns: by its own beats, told to systemd and to whoever asks, and ended when it hangs."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping

FIRST_BEAT_SECONDS = 3_600.0
"""The first cycle may read weeks of events into a new ledger."""
CHECK_SECONDS = 1.0
EXTENSION_SECONDS = 60.0
"""More time to start than the next question for the lease needs: what comes after it reads a few blocks."""
NOTIFY_VARIABLE = "NOTIFY_SOCKET"
"""Where systemd listens; sd_notify(3)."""


class Heartbeat:
    """Beats when the loop ends a cycle, well or not; ``allowed_seconds`` lie between two beats at most."""

    def __init__(self, allowed_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._allowed_seconds = allowed_seconds
        self._clock = clock
        self._due_at = clock() + max(FIRST_BEAT_SECONDS, allowed_seconds)

    def beat(self) -> None:
        """Say that the loop turns."""
        self._due_at = self._clock() + self._allowed_seconds

    @property
    def seconds_late(self) -> float:
        """How long the next beat is overdue; 0 while it is not."""
        return max(self._clock() - self._due_at, 0.0)


class ServiceManager:
    """Systemd, as far as it wants to know; without its socket nothing is sent."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = environment.get(NOTIFY_VARIABLE, "")

    def notify(self, state: str) -> None:
        """Send one state, such as READY=1; systemd may be gone, and that is its own matter."""
        if not self._address.startswith(("/", "@")):
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.sendto(state.encode("ascii"), address)


class StartStandby:
    """The wait of a keeper that stands by: said once for each holder, and systemd is asked for more time to start."""

    def __init__(
        self, manager: ServiceManager, say: Callable[[str], None], pause: Callable[[float], object] = time.sleep
    ) -> None:
        self._manager = manager
        self._say = say
        self._pause = pause
        self._said = ""

    def wait(self, seconds: float, why: str) -> bool:
        """Wait; never gives up."""
        if why != self._said:
            self._said = why
            self._say(why)
        self._manager.notify(f"EXTEND_TIMEOUT_USEC={(seconds + EXTENSION_SECONDS) * 1_000_000:.0f}")
        self._pause(seconds)
        return False


class Watchdog:
    """A thread that looks at the heartbeat: tells systemd while it beats, and calls ``on_hang`` once when it stops."""

    def __init__(
        self,
        heartbeat: Heartbeat,
        manager: ServiceManager,
        on_hang: Callable[[float], None],
        check_seconds: float = CHECK_SECONDS,
    ) -> None:
        self._heartbeat = heartbeat
        self._manager = manager
        self._on_hang = on_hang
        self._check_seconds = check_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def __enter__(self) -> Watchdog:
        self._manager.notify("READY=1")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._manager.notify("STOPPING=1")
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._check_seconds):
            late = self._heartbeat.seconds_late
            if late > 0.0:
                self._on_hang(late)
                return
            self._manager.notify("WATCHDOG=1")


def end_process(status: int) -> None:
    """End at once, whatever hangs: nothing a keeper needs lives in memory."""
    os._exit(status)
