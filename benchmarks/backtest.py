"""How fast a backtest decides, on one core and on several, against the full replay on the local chain.

A decision is a step of the vault: snapshot, exposure, costs, target, route and the guard's verdict. The peer is a
replay over a chain, with its own keeper, in the same run; what it spends on mining is counted, since nobody has it
without. Processes take seconds to start, which counts too.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from os import cpu_count
from pathlib import Path

from agent.backtest.seeded_day import seeded_day
from agent.demo.scenario import SEEDED_START_PRICE_USD, SEEDED_START_UNIX, default_book
from agent.study.case import Case
from agent.study.case import run as replay
from agent.study.workers import outcomes
from benchmarks.backtest_fidelity import chain_report, day_scenario
from benchmarks.figure import Figure
from benchmarks.vault_world import VaultWeek, local_settings, real_weeks

REPEATS = 5
CASES_A_WORKER = 6


def run() -> list[Figure]:
    """Return decisions a second on one core, and what more processes make of it."""
    case = _case()
    replay(case)
    seconds = statistics.median(_timed(lambda: replay(case)) for _ in range(REPEATS))
    alone = len(case.prices) / seconds
    scenario = day_scenario()
    with tempfile.TemporaryDirectory() as directory:
        chain_seconds = _timed(lambda: chain_report(scenario, Path(directory)))
    figures = [
        Figure.against(
            "decisions a second, one core", alone, "1/s", "on the local chain", len(scenario.prices) / chain_seconds
        )
    ]
    for workers in sorted({1, 2, cpu_count() or 1}):
        cases = [case] * (CASES_A_WORKER * workers)
        together = len(case.prices) * len(cases) / _timed(lambda: list(outcomes(cases, workers)))  # noqa: B023
        figures.append(Figure.against(f"decisions a second, {workers} processes", together, "1/s", "one core", alone))
    return figures


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _case() -> Case:
    """Return the crash week of August 2024, or a generated day where its prices are not here."""
    weeks = [week for week in real_weeks() if week.name == "2024-08-01"]
    if not weeks:
        prices = seeded_day(4, SEEDED_START_PRICE_USD, SEEDED_START_UNIX)
        weeks = [VaultWeek("generated day", prices, default_book(prices, 0.65))]
    return weeks[0].case(local_settings(), 20.0)
