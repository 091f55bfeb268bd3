"""Which legs to trade at all, where each pays gas: the fixed cost that makes the programme more than convex.

A transaction costs ``transaction_usd`` with its first leg and ``extra_leg_usd`` for every further one. Up to
`EXACT_LEGS` legs the best set is found exactly, by leaving out one leg of the best answer so far after the other
(branch and bound; the certificate of `quadratic` bounds from below what a set without the leg can reach). Beyond, legs
are dropped one by one while that pays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.optimiser.quadratic import Approach, Quadratic, Solution

EXACT_LEGS = 10
"""At worst 2^10 programmes."""
_INFEASIBLE = 1e-7
"""Violation, in the solver's units, beyond which a set of legs has no feasible trade."""
NOTHING = 1e-9
"""Part of a slice up to which nothing is traded."""
NO_LEG = -1
"""Stands for the leg of a slice that pays no gas."""


@dataclass(frozen=True, slots=True)
class Gas:
    """Gas of the vault's transaction, USD: with its first leg, and for each further one."""

    transaction_usd: float = 0.0
    extra_leg_usd: float = 0.0

    def __post_init__(self) -> None:
        for name in ("transaction_usd", "extra_leg_usd"):
            number = getattr(self, name)
            if not (math.isfinite(number) and number >= 0.0):
                raise DataError(f"{name} is {number}; expected no negative number")

    def of(self, legs: int) -> float:
        """Return the gas of so many legs."""
        return self.transaction_usd + self.extra_leg_usd * (legs - 1) if legs else 0.0


class _Node(NamedTuple):
    """A set of legs that may trade, of which the forced ones are taken to, and the least this can cost."""

    allowed: frozenset[int]
    forced: frozenset[int]
    least_usd: float


class LegSolution(NamedTuple):
    """The best trade found: parts of all slices, its solution on the slices it was solved on, objective with gas."""

    t: FloatArray
    y: FloatArray
    solution: Solution
    total_usd: float

    @classmethod
    def of(cls, t: FloatArray, solution: Solution, leg_of_slice: NDArray[np.int64], gas: Gas) -> LegSolution:
        """Return a solution with the gas of the legs it trades; ``t`` holds the parts of all slices."""
        return cls(t, solution.y, solution, solution.objective + gas.of(len(legs_traded(leg_of_slice, t))))


def legs_traded(leg_of_slice: NDArray[np.int64], t: FloatArray) -> frozenset[int]:
    """Return the legs of which something is traded."""
    return frozenset(leg_of_slice[t > NOTHING].tolist()) - {NO_LEG}


class _Search:
    """One search: the programme, each slice's leg, gas, and the best answer so far."""

    def __init__(self, problem: Quadratic, leg_of_slice: NDArray[np.int64], gas: Gas) -> None:
        self.problem, self.leg_of_slice, self.gas = problem, leg_of_slice, gas
        self.best: LegSolution | None = None

    @property
    def best_usd(self) -> float:
        return math.inf if self.best is None else self.best.total_usd

    def visit(self, allowed: frozenset[int], least_legs: int) -> tuple[LegSolution, frozenset[int]] | None:
        """Solve with the allowed legs alone, keep the answer if it is the best, and say which legs it trades.

        None where nothing is feasible, or where no answer that trades ``least_legs`` or more can be the best.
        """
        chosen = self.leg_of_slice == NO_LEG
        for leg in allowed:
            chosen |= self.leg_of_slice == leg
        approach = Approach(self.problem.keeping(chosen))
        solution = approach.near()
        least_usd = solution.objective - solution.gap + self.gas.of(least_legs)
        if solution.violation > _INFEASIBLE or least_usd >= self.best_usd:
            return None
        answer, used = self._answer(chosen, solution)
        if answer.total_usd < self.best_usd + solution.gap:
            answer, used = self._answer(chosen, approach.exact())
        if answer.total_usd < self.best_usd:
            self.best = answer
        return answer, used

    def _answer(self, chosen: NDArray[np.bool_], solution: Solution) -> tuple[LegSolution, frozenset[int]]:
        t = np.zeros(chosen.size)
        t[chosen] = solution.t
        return LegSolution.of(t, solution, self.leg_of_slice, self.gas), legs_traded(self.leg_of_slice, t)

    def without(self, answer: LegSolution, leg: int) -> float:
        """Return a bound from below on the objective once a leg of an answer is left out.

        The certificate's bound with the leg's slices held at 0: those filled at less than their worth are lost.
        """
        gradient = self.problem.gradient(answer.t, answer.y)
        lost = np.maximum(-gradient * answer.t, 0.0)[self.leg_of_slice == leg].sum()
        return answer.solution.objective - answer.solution.gap + float(lost)


def best_support(problem: Quadratic, leg_of_slice: NDArray[np.int64], gas: Gas) -> LegSolution | None:
    """Return the best trade over all sets of legs, None where none is feasible.

    Parameters
    ----------
    problem
        Without gas.
    leg_of_slice
        Number of the leg that each slice belongs to, `NO_LEG` where trading it pays no gas.
    gas
        By the number of legs.

    """
    search = _Search(problem, leg_of_slice, gas)
    legs = frozenset(leg_of_slice.tolist()) - {NO_LEG}
    search.visit(frozenset(), 0)
    if len(legs) <= EXACT_LEGS:
        _branch_and_bound(search, legs)
    else:
        _drop_one_by_one(search, legs)
    return search.best


def _branch_and_bound(search: _Search, legs: frozenset[int]) -> None:
    """Split the sets of a node by the first leg of its answer that they lack; those that lack none are beaten by it.

    A node holds the sets that trade all its forced legs and others it allows; the set of no legs is known.
    """
    open_nodes = [_Node(legs, frozenset(), -math.inf)] if legs else []
    while open_nodes:
        node = open_nodes.pop()
        found = search.visit(node.allowed, max(len(node.forced), 1)) if node.least_usd < search.best_usd else None
        if found is None:
            continue
        answer, used = found
        forced = node.forced
        for leg in sorted(used - node.forced):
            least = search.without(answer, leg) + search.gas.of(max(len(forced), 1))
            open_nodes.append(_Node(node.allowed - {leg}, forced, least))
            forced |= {leg}


def _drop_one_by_one(search: _Search, legs: frozenset[int]) -> None:
    found = search.visit(legs, 1)
    while found is not None:
        answer, used = found
        total = search.best_usd
        worth_trying = [leg for leg in sorted(used) if search.without(answer, leg) < total]
        tried = [search.visit(used - {leg}, 1) for leg in worth_trying]
        better = [pair for pair in tried if pair is not None and pair[0].total_usd < total]
        found = min(better, key=lambda pair: pair[0].total_usd, default=None)
