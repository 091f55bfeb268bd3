r"""A policy's bands over the life of one option, tabulated so that a simulator can follow them on many paths.

Beside the delta the band of every policy changes slowly with time and moneyness. So a policy is asked once at each node
of a coarse grid, for a hedge far below and far above its band, and its four edges are kept as net deltas of one option.
Between nodes they are interpolated linearly: in d = ln(F / K) / sqrt(sigma^2 tau) and in the square root of the time
left, which gives short options as many nodes as long ones. The delta itself is never interpolated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agent.checks import require_positive_fields, require_whole
from agent.domain import Book, Exposure, OptionLeg, OptionType, TradeCosts
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.policy.band_solver import BandProblem, BandSolution
from agent.policy.base import Policy
from agent.risk.exposure import book_exposure
from agent.units import SECONDS_PER_YEAR, Seconds

MONEYNESS = np.linspace(-5.0, 5.0, 41)
"""Nodes of d; beyond the ends, where there is no gamma, the end is used."""
TIME_NODES = 40
_EXPIRY_UNIX = Seconds(4_000_000_000)
_FAR_DELTAS = 10.0
"""Net delta, in options, that lies outside every band; a band that reaches it is taken as unbounded."""


@dataclass(frozen=True, slots=True)
class HedgedOption:
    """One European call, ``quantity`` 1 or -1 of it, and how often its hedge is looked at before expiry."""

    strike_usd: float
    vol_annual: float
    life_years: float
    looks: int
    is_short: bool

    def __post_init__(self) -> None:
        require_positive_fields(self, "strike_usd", "vol_annual", "life_years")
        require_whole(self.looks, "looks", 1)

    @property
    def quantity(self) -> float:
        """-1 when the option is short, else 1."""
        return -1.0 if self.is_short else 1.0

    @property
    def total_variance(self) -> float:
        """sigma^2 tau at the start."""
        return self.vol_annual**2 * self.life_years

    def unhedged(self, spot_usd: float, years_left: float) -> Exposure:
        """Return the exposure of the option without a hedge, as the live agent would see it."""
        option_type, vol = OptionType.CALL, self.vol_annual
        leg = OptionLeg(option_type, self.strike_usd, _EXPIRY_UNIX, self.quantity, vol, vol, vol, "call")
        at_unix = Seconds(_EXPIRY_UNIX - max(round(years_left * SECONDS_PER_YEAR), 1))
        return book_exposure(Book("ETH", (leg,)), spot_usd, at_unix, 0.0)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Bands of one policy: ``edges`` of shape (looks, moneyness, 4) as net deltas of one option."""

    name: str
    edges: FloatArray

    def band(self, problem: BandProblem) -> Callable[[int, FloatArray], FloatArray]:
        """Return the schedule as the hedges that `band_solver.judge_band` asks for, at the problem's steps."""

        def band(step: int, log_moneyness: FloatArray) -> FloatArray:
            look = step * self.edges.shape[0] // problem.steps
            stdev = math.sqrt(problem.total_variance * (1.0 - step / problem.steps))
            net = [np.interp(log_moneyness / stdev, MONEYNESS, self.edges[look, :, edge]) for edge in range(4)]
            return np.asarray(np.stack(net, axis=1) + problem.delta_hedge(log_moneyness, step)[:, None])

        return band


def follow_policy(
    name: str, policy: Policy, option: HedgedOption, costs: TradeCosts, trades: int | None = None
) -> Schedule:
    """Tabulate a policy.

    ``trades`` is for policies that trade at fixed intervals, and how often they do in the option's life: between the
    looks at which they may trade nothing happens. The policy is asked as if its interval were over.

    Raises
    ------
    DataError
        ``trades`` is no whole number from 1 to the option's looks, or the policy refuses the costs.

    """
    if trades is not None and require_whole(trades, "trades", 1) > option.looks:
        raise DataError(f"trades is {trades}; the option is looked at {option.looks} times, trade at most as often")
    roots = np.linspace(1.0, math.sqrt(1.0 / option.looks), TIME_NODES)
    nodes = np.array([_edges_at(policy, option, costs, option.life_years * root * root) for root in roots])
    looks = np.arange(option.looks)
    edges = _between(nodes, np.sqrt(1.0 - looks / option.looks), roots)
    if trades is not None:
        edges[~_is_trading_look(option.looks, trades)] = _unbounded()
    return Schedule(name, edges)


def follow_solution(name: str, solution: BandSolution) -> Schedule:
    """Tabulate the solver's own edges, stored at every step."""
    problem = solution.problem
    if solution.stored_steps.size != problem.steps:
        raise DataError(f"solution stores {solution.stored_steps.size} of {problem.steps} steps; store them all")
    edges = np.empty((problem.steps, MONEYNESS.size, 4))
    for step in range(problem.steps):
        stdev = math.sqrt(problem.total_variance * (1.0 - step / problem.steps))
        distances = solution.edges[step] - problem.delta_hedge(solution.log_moneyness, step)[:, None]
        bounded = np.clip(distances, -_FAR_DELTAS, _FAR_DELTAS)
        for edge in range(4):
            edges[step, :, edge] = np.interp(MONEYNESS * stdev, solution.log_moneyness, bounded[:, edge])
    return Schedule(name, edges)


def _edges_at(policy: Policy, option: HedgedOption, costs: TradeCosts, years_left: float) -> FloatArray:
    """Ask a policy along the moneyness axis; shape (moneyness, 4)."""
    stdev = option.vol_annual * math.sqrt(years_left)
    edges = np.empty((MONEYNESS.size, 4))
    for row, moneyness in enumerate(MONEYNESS):
        spot_usd = option.strike_usd * math.exp(moneyness * stdev)
        unhedged = option.unhedged(spot_usd, years_left)
        below, above = (
            policy.target(replace(unhedged, hedge_size=net_delta - unhedged.book_delta), costs)
            for net_delta in (-_FAR_DELTAS, _FAR_DELTAS)
        )
        edges[row] = (below.band_low, below.target_net_delta, above.target_net_delta, above.band_high)
    return np.clip(edges, -_FAR_DELTAS, _FAR_DELTAS)


def _between(nodes: FloatArray, roots: FloatArray, node_roots: FloatArray) -> FloatArray:
    if roots.size == 1:
        return nodes[:1]
    place = (node_roots[0] - roots) / (node_roots[0] - node_roots[1])
    first = np.clip(place.astype(np.int64), 0, node_roots.size - 2)
    part = np.clip(place - first, 0.0, 1.0)[:, None, None]
    return np.asarray(nodes[first] * (1.0 - part) + nodes[first + 1] * part)


def _is_trading_look(looks: int, trades: int) -> NDArray[np.bool_]:
    is_trading = np.zeros(looks, dtype=np.bool_)
    is_trading[np.round(np.arange(trades) * looks / trades).astype(np.int64)] = True
    return is_trading


def _unbounded() -> FloatArray:
    return np.array([-_FAR_DELTAS, -_FAR_DELTAS, _FAR_DELTAS, _FAR_DELTAS])
