"""How fast a backtest decides, on one core and on several, against the full replay on the local chain.

A decision is a step of the vault: snapshot, exposure, costs, target, route and the guard's verdict. The peer is a
replay over a chain, with its own keeper, in the same run; what it spends on mining is counted, since nobody has it
without. Several processes share a study of `STUDY_CASES` crash weeks, about 100,000 decisions; what they take to start
counts. The processor time of all together tells what sharing costs where others use the machine too: a ratio of
decisions a second far below that of the processes, beside one of processor time near 1, is a machine that was shared.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from multiprocessing import active_children
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
STUDY_CASES = 48


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
    return figures + _shared([case] * STUDY_CASES)


def _shared(cases: list[Case]) -> list[Figure]:
    """Return how many decisions a second a study makes with one process and with more, and its processor time."""
    taken, decisions = {}, sum(len(case.prices) for case in cases)
    for workers in sorted({1, 2, cpu_count() or 1}):
        before = _processor_seconds()
        seconds = _timed(partial(list, outcomes(cases, workers)))
        taken[workers] = seconds, _processor_seconds() - before
    seconds, processor = taken.pop(1)
    alone = decisions / seconds
    figures = [Figure(f"decisions a second, study of {len(cases)} weeks, 1 process", alone, "1/s")]
    for workers, (shared_seconds, shared_processor) in taken.items():
        name = f"study of {len(cases)} weeks, {workers} processes"
        figures += [
            Figure.against(f"decisions a second, {name}", decisions / shared_seconds, "1/s", "1 process", alone),
            Figure.against(f"{name}: processor time", shared_processor, "s", "1 process", processor),
        ]
    return figures


def _processor_seconds() -> float:
    """Return the processor time of this process and of its children, which count once they have ended."""
    for child in active_children():
        child.join()
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


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
