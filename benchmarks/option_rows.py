"""Rows of options and the clock for benchmarks of pricing."""

from __future__ import annotations

import gc
import importlib
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, fields
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

ROWS = 1_000_000
SEED = 20_240_805


@dataclass(frozen=True, slots=True)
class OptionRows:
    """Columns of European options on spot, two standard deviations around the money."""

    is_call: NDArray[np.bool_]
    spot_usd: NDArray[np.float64]
    strike_usd: NDArray[np.float64]
    tau_years: NDArray[np.float64]
    vol_annual: NDArray[np.float64]
    rate_annual: NDArray[np.float64]
    dividend_annual: NDArray[np.float64]

    def head(self, rows: int) -> OptionRows:
        """Return the first rows."""
        return OptionRows(*(getattr(self, field.name)[:rows].copy() for field in fields(self)))

    def columns(self) -> tuple[NDArray[np.generic], ...]:
        """Return all columns in the order of the pricing functions."""
        return tuple(getattr(self, field.name) for field in fields(self))

    def flags(self) -> NDArray[np.str_]:
        """Return the rights as peers want them: c or p."""
        return np.where(self.is_call, "c", "p")


def option_rows(rows: int = ROWS) -> OptionRows:
    """Return rows with one week to two years left, volatilities of 10 to 150 % and rates and yields of 0 to 10 %."""
    rng = np.random.default_rng(SEED)
    spot, tau, vol = rng.uniform(50, 150, rows), rng.uniform(0.02, 2, rows), rng.uniform(0.1, 1.5, rows)
    strike = spot * np.exp(vol * np.sqrt(tau) * rng.uniform(-2, 2, rows))
    rate, dividend = rng.uniform(0, 0.1, rows), rng.uniform(0, 0.1, rows)
    return OptionRows(rng.random(rows) < 0.5, spot, strike, tau, vol, rate, dividend)


def best_of_each(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the shortest time of each run in seconds, taking turns, so that all meet the same load of the machine."""
    best = dict.fromkeys(runs, float("inf"))
    for run in runs.values():
        run()
    for _ in range(rounds):
        for name, run in runs.items():
            gc.collect()
            start = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def best_seconds(run: Callable[[], object], rounds: int) -> float:
    """Return the shortest of several runs of one function, seconds."""
    return best_of_each({"": run}, rounds)[""]


def best_microseconds(function: Callable[[], object], calls: int = 2000) -> float:
    """Return the shortest of many calls too short to collect garbage between."""
    function()
    best = float("inf")
    for _ in range(calls):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best * 1e6


def extra_bytes(function: Callable[[], object], output_bytes: int) -> int:
    """Return the peak of what a call allocates beyond its outputs, as NumPy reports it."""
    function()
    tracemalloc.start()
    function()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return max(peak - output_bytes, 0)


def peer_module(name: str) -> ModuleType | None:
    """Import a peer if it is installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
