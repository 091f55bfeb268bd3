"""Memory of a replay on the local chain: what a step adds, and what 100,000 steps come to.

Prices are a seeded jump diffusion in steps of five minutes, the book is short 100 calls that outlive the path. Resident
memory of this process and of Anvil is read every `EVERY` steps; growth a step is what the second half of the steps
added, when caches and pruned histories are full: a table that doubles as it grows does so once in it. Page and JSON are
made when Anvil has ended; what that takes is told by Python's own count of its allocations, of half the steps and all.

The extrapolation takes memory to grow as it did in that half, for ever with the same trades a step; it is no
measurement. Both processes together should lie below `LIMIT_BYTES`. Linux alone tells a process's memory
(proc(5), VmRSS); elsewhere there is no figure.
"""

from __future__ import annotations

import tempfile
import tracemalloc
from contextlib import AbstractContextManager, chdir, nullcontext
from dataclasses import dataclass, field, replace
from os import getpid
from pathlib import Path

import numpy as np

from agent.backtest.jump_diffusion import jump_diffusion_path
from agent.demo.replay import replay
from agent.demo.scenario import SEEDED_START_PRICE_USD, SEEDED_START_UNIX, Scenario, deposit_usd
from agent.demo.world import DEMO_DIRECTORY
from agent.domain import OptionType
from agent.localnet.session import STEPPED_MODEL, running_manifest
from agent.report.html import render_html
from agent.report.replay_report import ReplayReport, StepRecord
from agent.report.summary import summary_json
from agent.settings import config_path
from agent.study.book_template import BookTemplate, OptionTemplate
from agent.units import Seconds
from benchmarks.figure import Figure

STEPS = 10_000
WANTED_STEPS = 100_000
LIMIT_BYTES = 2e9
EVERY = 250
SEED = 4
INTERVAL_SECONDS = Seconds(300)
BOOK = BookTemplate((OptionTemplate(OptionType.CALL, 1.0, 400.0, -100.0),))
VOL_ANNUAL = 0.65
KILO, MEGA = 1e3, 1e6


@dataclass(slots=True)
class Memory:
    """Watches a replay and reads what its two processes hold, bytes."""

    every: int
    steps: list[int] = field(default_factory=list)
    own: list[int] = field(default_factory=list)
    anvil: list[int] = field(default_factory=list)
    _done: int = 0

    def phase(self, words: str) -> AbstractContextManager[None]:
        """Return a context that does nothing."""
        del words
        return nullcontext()

    def begin(self) -> None:
        """Do nothing."""

    def step(self, record: StepRecord) -> None:
        """Read both processes now and then."""
        del record
        self._done += 1
        running = running_manifest(DEMO_DIRECTORY) if self._done % self.every == 0 else None
        if running is not None:
            self.steps.append(self._done)
            self.own.append(resident(getpid()))
            self.anvil.append(resident(running.pid))


def run(steps: int = STEPS, every: int = EVERY) -> list[Figure]:
    """Replay so many steps and return memory at the end, growth a step, and what the wanted steps come to."""
    if not Path("/proc/self/status").exists():
        return []
    memory = Memory(every)
    with tempfile.TemporaryDirectory() as directory:
        config = config_path("localnet").resolve()
        with chdir(directory):
            report = replay(_scenario(steps), config, memory)
    figures = [
        Figure("steps replayed", len(report.steps), "count"),
        Figure("rebalances", report.summary.rebalances, "count"),
    ]
    together, together_growth = 0.0, 0.0
    for name, held in (("replay", memory.own), ("Anvil", memory.anvil)):
        growth, final = slope(memory.steps, held), held[-1]
        together, together_growth = together + final, together_growth + growth
        figures += [
            Figure(f"{name}: memory after the last step", final / MEGA, "MB"),
            Figure(f"{name}: growth", growth / KILO, "kB a step"),
            Figure(f"{name}: at 100,000 steps", (final + growth * (WANTED_STEPS - steps)) / MEGA, "MB"),
        ]
    at_wanted = together + together_growth * (WANTED_STEPS - steps)
    return [
        *figures,
        Figure("replay and Anvil: at 100,000 steps", at_wanted / MEGA, "MB"),
        Figure("replay and Anvil: below 2 GB up to", steps + (LIMIT_BYTES - together) // together_growth, "steps"),
        *_page(report),
    ]


def _page(report: ReplayReport) -> list[Figure]:
    """Return what a step adds to page and JSON, and to the memory that making them takes beside the replay's."""
    half = replace(report, steps=report.steps[: len(report.steps) // 2])
    render_html(half)  # what is loaded once is not a step's
    (small, small_peak), (whole, peak) = (_made(own) for own in (half, report))
    more = len(report.steps) - len(half.steps)
    size, memory = (whole - small) / more, (peak - small_peak) / more
    at_wanted = peak + memory * (WANTED_STEPS - len(report.steps))
    return [
        Figure("page and JSON: size", size / KILO, "kB a step"),
        Figure("page and JSON: peak while they are made", memory / KILO, "kB a step"),
        Figure("page and JSON: peak at 100,000 steps", at_wanted / MEGA, "MB"),
    ]


def _made(report: ReplayReport) -> tuple[int, int]:
    """Return the length of page and JSON, and the most memory that was allocated while they were made, bytes."""
    tracemalloc.start()
    try:
        size = len(render_html(report))
        size += len(summary_json(report))
        return size, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def slope(steps: list[int], held: list[int]) -> float:
    """Return bytes a step over the second half of the readings."""
    half = len(steps) // 2 - 1
    return (held[-1] - held[half]) / (steps[-1] - steps[half])


def resident(pid: int) -> int:
    """Return a process's resident memory, bytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    kilobytes = next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1]
    return 1_024 * int(kilobytes)


def _scenario(steps: int) -> Scenario:
    prices = jump_diffusion_path(
        STEPPED_MODEL,
        SEEDED_START_PRICE_USD,
        np.random.default_rng(SEED),
        SEEDED_START_UNIX,
        INTERVAL_SECONDS,
        steps,
    )
    book = BOOK.book(prices, VOL_ANNUAL)
    return Scenario("memory", prices, book, "generated", SEED, deposit_usd(book, SEEDED_START_PRICE_USD))
