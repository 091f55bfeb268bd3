"""How a loop is asked to end: SIGINT and SIGTERM let it finish its cycle, a second one does not wait for it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

EXIT_INTERRUPTED = 130
"""As a shell has it: 128 and the number of SIGINT."""


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Give an event that the first signal sets; the second signal interrupts."""
    stop = threading.Event()

    def ask(*_: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
