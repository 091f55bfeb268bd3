"""How long a live decision takes without RPC: ``python -m benchmarks decision``.

A book of a thousand options of twelve expiries, three venues of different kinds, and a market that has moved by every
block, as a keeper meets it: the same book object, a new price, time, quotes and chain state. Wall time is what the
keeper waits; CPU time of the process is what other work on the machine cannot blur. Figures without a peer in their
line are ours alone; the peers value the same book at the same prices, in turn with ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, islice

import numpy as np

from agent.costs.quotes import ladders_of
from agent.costs.trade_costs import CostInputs, leg_gas_cost_usd, trade_costs
from agent.decision.decide import DecisionParameters, decide
from agent.domain import Action, Book, Decision, Snapshot
from agent.guard import evaluate
from agent.policy.base import Policy
from agent.policy.optimal_band import OptimalBand
from agent.policy.whalley_wilmott import WhalleyWilmott
from agent.policy.zakamouline import CONFIRMED_CONSTANT, Zakamouline
from agent.risk.exposure import book_exposure
from agent.routing import RouteCosts, Router, RoutingParameters
from agent.routing.margin import MarginParameters
from agent.units import AssetUnits, Rounding, Wei, from_wad, to_wad
from benchmarks.decision_peers import numpy_exposure, py_vollib_exposure, quantlib_exposure
from benchmarks.decision_world import START, START_USD, OptionColumns, World
from benchmarks.figure import Figure
from benchmarks.option_rows import best_of_each

LEGS, VENUES = 1_000, 3
GROWTH_LEGS, GROWTH_VENUES = (10, 100, 1_000, 10_000), (1, 2, 4, 8, 16)
DECISIONS, GROWTH_DECISIONS, WARM_UP = 1_000, 200, 20
OTHER_WORK_BYTES = 64 * 2**20
PEER_ROUNDS, MANY_CALLS = 12, 100

POLICIES: dict[str, Policy] = {
    "Whalley-Wilmott": WhalleyWilmott(0.001, 1.0, 0.65),
    "Zakamouline": Zakamouline(0.001, 1.0, 0.65, CONFIRMED_CONSTANT),
    "optimal band": OptimalBand(0.001, 300.0, 1.0, 0.65),
}
COSTS = CostInputs(START_USD, Wei(10**9), 1_500_000, Wei(0), 1.0, leg_gas_units=50_000)
_MARGIN = MarginParameters(
    to_wad("0.5", Rounding.DOWN),
    to_wad("1.5", Rounding.DOWN),
    to_wad("2.5", Rounding.DOWN),
    2_000,
    1_000,
    AssetUnits(10**8),
)
SETTINGS = DecisionParameters(0.001, 1_000, 0.25, RoutingParameters(10, _MARGIN))


@dataclass(frozen=True, slots=True)
class Case:
    """A way a decision can go, and how to tell that it did."""

    gap: float
    max_leverage: float
    is_met: Callable[[Decision], bool]


CASES = {
    "holds": Case(0.05, 2.0, lambda decision: decision.action is Action.HOLD),
    "trades": Case(-20.0, 2.0, lambda decision: "reduced" not in decision.reason and len(decision.expected_fills) > 1),
    "trades what the guard allows": Case(-20.0, 0.33, lambda decision: "reduced to avoid" in decision.reason),
}


@dataclass(frozen=True, slots=True)
class Durations:
    """Wall and CPU time of each decision, milliseconds."""

    wall_ms: list[float]
    cpu_ms: list[float]

    def figures(self, name: str) -> Iterator[Figure]:
        """Return the middle and the slowest hundredth of both."""
        for clock, durations in (("wall", self.wall_ms), ("CPU", self.cpu_ms)):
            for percentile in (50, 99):
                yield Figure(f"{name}, {clock} p{percentile}", float(np.percentile(durations, percentile)), "ms")


def run() -> list[Figure]:
    """Time decisions, their stages, their growth and the peers."""
    columns = OptionColumns.drawn(LEGS)
    figures = [*_first_call(columns)]
    for policy_name, policy in POLICIES.items():
        for case_name, case in CASES.items():
            durations = _durations(columns, VENUES, policy, case, DECISIONS)
            figures += durations.figures(f"decide, {policy_name}, {case_name}")
    return [*figures, *_after_other_work(columns), *_stages(columns), *_growth(), *_peers(columns)]


def _first_call(columns: OptionColumns) -> Iterator[Figure]:
    """Return how long the very first decision of a process takes: kernels are loaded and the book is laid out."""
    book = columns.book()
    (snapshot,) = World(columns, VENUES, -20.0).snapshots(1)
    start = time.perf_counter()
    decide(snapshot, book, POLICIES["optimal band"], COSTS, SETTINGS)
    yield Figure("first decision with a book, optimal band", (time.perf_counter() - start) * 1e3, "ms")


def _durations(columns: OptionColumns, venues: int, policy: Policy, case: Case, decisions: int) -> Durations:
    """Decide block by block; snapshots are made between the timed decisions, as the chain would."""
    book = columns.book()
    found = Durations([], [])
    for snapshot in World(columns, venues, case.gap, case.max_leverage).snapshots(WARM_UP + decisions):
        cpu, wall = time.process_time_ns(), time.perf_counter_ns()
        decision = decide(snapshot, book, policy, COSTS, SETTINGS)
        wall_after, cpu_after = time.perf_counter_ns(), time.process_time_ns()
        found.wall_ms.append((wall_after - wall) / 1e6)
        found.cpu_ms.append((cpu_after - cpu) / 1e6)
        if not case.is_met(decision):
            raise AssertionError(f"timed the wrong case: {decision.reason}")
    return Durations(found.wall_ms[WARM_UP:], found.cpu_ms[WARM_UP:])


def _after_other_work(columns: OptionColumns) -> Iterator[Figure]:
    """Return how long a decision takes when what it needs has left the caches, as after a keeper's sleep."""
    book, policy, case = columns.book(), POLICIES["optimal band"], CASES["trades"]
    other = np.zeros(OTHER_WORK_BYTES, np.uint8)
    durations_ms: list[float] = []
    for snapshot in World(columns, VENUES, case.gap).snapshots(WARM_UP + GROWTH_DECISIONS):
        other += 1
        start = time.perf_counter()
        decide(snapshot, book, policy, COSTS, SETTINGS)
        durations_ms.append((time.perf_counter() - start) * 1e3)
    for percentile in (50, 99):
        found = float(np.percentile(durations_ms[WARM_UP:], percentile))
        yield Figure(f"decide, optimal band, trades, caches cold, wall p{percentile}", found, "ms")


class StageClock:
    """Collects the CPU time of named stages, microseconds: ``with clock.stage("costs"): ...``."""

    def __init__(self) -> None:
        self.spent_us: dict[str, list[float]] = {}
        self._running = ""
        self._start_ns = 0

    def stage(self, name: str) -> StageClock:
        """Name what is timed next."""
        self._running = name
        return self

    def __enter__(self) -> None:
        self._start_ns = time.process_time_ns()

    def __exit__(self, *_: object) -> None:
        taken_us = (time.process_time_ns() - self._start_ns) / 1e3
        self.spent_us.setdefault(self._running, []).append(taken_us)


def _stages(columns: OptionColumns) -> Iterator[Figure]:
    """Return the median CPU time of each stage of a decision that trades."""
    book, clock = columns.book(), StageClock()
    for snapshot in World(columns, VENUES, -20.0).snapshots(GROWTH_DECISIONS):
        _time_stages(snapshot, book, clock)
    for stage, durations in clock.spent_us.items():
        yield Figure(f"stage: {stage}, CPU p50", float(np.median(durations[WARM_UP:])), "us")


def _time_stages(snapshot: Snapshot, book: Book, clock: StageClock) -> None:
    measured, block = snapshot.measurement, snapshot.block
    hedge, size = from_wad(sum(venue.size for venue in snapshot.venues)), to_wad(20, Rounding.DOWN)
    route_costs = RouteCosts(COSTS.funding_horizon_days, leg_gas_cost_usd(block.base_fee_wei, COSTS))
    with clock.stage("exposure"):
        exposure = book_exposure(book, from_wad(measured.price), block.timestamp, hedge)
    with clock.stage("quotes read"):
        ladders = ladders_of(snapshot.venues, is_buy=True)
    with clock.stage("costs"):
        costs = trade_costs(snapshot.venues, block, measured.price, size, COSTS, ladders)
    for name, policy in POLICIES.items():
        with clock.stage(f"policy, {name}"):
            policy.target(exposure, costs)
    with clock.stage("marginal costs"):
        router = Router.of(snapshot, True, SETTINGS.routing, route_costs, ladders)
    with clock.stage("split, legs and margin"):
        route = router.route(size)
    with clock.stage("guard"):
        evaluate(snapshot.bounds, snapshot.usage, measured, route.fills, route.after, block.timestamp)


def _growth() -> Iterator[Figure]:
    """Return how a decision grows with the book and with the venues."""
    policy, case = POLICIES["optimal band"], CASES["trades"]
    for legs in GROWTH_LEGS:
        found = _durations(OptionColumns.drawn(legs), VENUES, policy, case, GROWTH_DECISIONS)
        yield Figure(f"growth: {legs:,} legs, {VENUES} venues, CPU p50", float(np.median(found.cpu_ms)), "ms")
    columns, some = OptionColumns.drawn(LEGS), Case(-20.0, 2.0, lambda decision: bool(decision.expected_fills))
    for venues in GROWTH_VENUES:
        found = _durations(columns, venues, policy, some, GROWTH_DECISIONS)
        yield Figure(f"growth: {LEGS:,} legs, {venues} venues, CPU p50", float(np.median(found.cpu_ms)), "ms")


def _peers(columns: OptionColumns) -> Iterator[Figure]:
    """Return ours over each peer: valuing the book, and a whole decision over valuing it alone."""
    book, prices = columns.book(), (START_USD + 0.01 * step for step in count())
    policy, case = POLICIES["optimal band"], CASES["trades"]
    snapshots = World(columns, VENUES, case.gap).snapshots(MANY_CALLS * (PEER_ROUNDS + 1))
    waiting = [list(islice(snapshots, MANY_CALLS)) for _ in range(PEER_ROUNDS + 1)]
    valuing, deciding = f"exposure of {LEGS:,} legs", f"decision on {LEGS:,} legs, optimal band, trades"
    runs: dict[str, Callable[[], object]] = {
        valuing: lambda: [book_exposure(book, next(prices), START, 0.0) for _ in range(MANY_CALLS)],
        deciding: lambda: [decide(snapshot, book, policy, COSTS, SETTINGS) for snapshot in waiting.pop()],
        "NumPy/SciPy": lambda: [numpy_exposure(columns, next(prices), START) for _ in range(MANY_CALLS)],
    }
    best_us = {name: seconds * 1e6 / MANY_CALLS for name, seconds in best_of_each(runs, PEER_ROUNDS).items()}
    # One call of these takes as long as a hundred of the others, and py_vollib slows down what runs beside it.
    slow: dict[str, Callable[[], object]] = {"QuantLib": lambda: quantlib_exposure(columns, next(prices), START)}
    if (by_py_vollib := py_vollib_exposure()) is not None:
        slow["py_vollib"] = lambda: by_py_vollib(columns, next(prices), START)
    best_us |= {name: seconds * 1e6 for name, seconds in best_of_each(slow, PEER_ROUNDS).items()}
    for peer in ("NumPy/SciPy", *slow):
        yield Figure.against(valuing, best_us[valuing], "us", f"{peer}, the same", best_us[peer])
        yield Figure.against(deciding, best_us[deciding], "us", f"{peer}, exposure alone", best_us[peer])
