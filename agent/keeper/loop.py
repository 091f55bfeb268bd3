"""Cycle after cycle: what waits, what tries again, and what ends the process."""

from __future__ import annotations

import threading
from collections.abc import Callable

from agent.chain.head_hints import HeadHints
from agent.errors import AgentError, BookMismatchError, DataError, TransientError
from agent.keeper.result import CycleResult
from agent.settings.keeper import KeeperSettings


class Loop:
    """One keeper's rhythm. ``hints`` tells of new heads, which end a wait early; None waits the interval out."""

    def __init__(
        self, settings: KeeperSettings, interval_seconds: float, stop: threading.Event, hints: HeadHints | None
    ) -> None:
        self._settings = settings
        self._interval_seconds = interval_seconds
        self._stop = stop
        self._hints = hints
        self._done = 0
        self._backoff_seconds: float | None = None
        self._newest = -1
        self._has_open_orders = False

    def run(
        self,
        cycle: Callable[[], CycleResult],
        on_result: Callable[[CycleResult], None],
        on_trouble: Callable[[AgentError], None],
        cycles: int | None,
    ) -> None:
        """Cycle until stopped or done; raises as `Keeper.run` does."""
        while not self._stop.is_set() and not self._is_done(cycles):
            self._once(cycle, on_result, on_trouble)
            if not self._is_done(cycles):
                self._wait()

    def _is_done(self, cycles: int | None) -> bool:
        return cycles is not None and self._done >= cycles

    def _once(
        self,
        cycle: Callable[[], CycleResult],
        on_result: Callable[[CycleResult], None],
        on_trouble: Callable[[AgentError], None],
    ) -> None:
        try:
            result = cycle()
            on_result(result)
        except DataError as trouble:
            if self._done == 0 or isinstance(trouble, BookMismatchError):
                raise
            on_trouble(trouble)
            self._count()
        except TransientError as trouble:
            on_trouble(trouble)
            retry = self._settings
            last = self._backoff_seconds
            twice = retry.retry_initial_seconds if last is None else min(2 * last, retry.retry_max_seconds)
            self._backoff_seconds = twice
        else:
            self._newest = result.block.number
            self._has_open_orders = result.has_open_orders
            self._count()

    def _count(self) -> None:
        self._done += 1
        self._backoff_seconds = None

    def _wait(self) -> None:
        if self._backoff_seconds is not None:
            self._stop.wait(self._backoff_seconds)
            return
        seconds = self._interval_seconds
        if self._has_open_orders:
            seconds = min(seconds, self._settings.order_interval_seconds)
        if self._hints is None:
            self._stop.wait(seconds)
        else:
            self._hints.wait(seconds, self._newest, self._stop)
