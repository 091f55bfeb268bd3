r"""A box-bounded convex quadratic programme of low rank, its solution, and a certificate that needs no solver's word.

    minimise  P(t) = t'Dt / 2 + |Ft + g|^2 / 2 + c't    over 0 <= t <= 1, At <= r

D is diagonal, F has few rows. For any t in the box and any multipliers y >= 0, convexity of P + y'(At - r) bounds every
feasible t* from below, so that with G = Dt + F'(Ft + g) + c + A'y

    P(t) - P(t*)  <=  y'(r - At) + sum_i max(G_i t_i, -G_i (1 - t_i))  =  the gap.

An interior-point method comes close; then the slices it leaves strictly between 0 and 1 are solved for exactly, with
the others at their ends. Whichever of the two has the smaller gap is the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.numerics.arrays import FloatArray
from agent.optimiser.interior_point import interior_point

TOLERANCE = 1e-9
"""Of gap and violation, in units in which the steepest slice and the largest coefficient of a bound are 1."""
_INTERIOR_TOLERANCE = 1e-15
"""Beyond reach: steps go on until they gain nothing, because the ends are told apart by the last digits."""
_MOST_STEPS = 80


@dataclass(frozen=True, slots=True, eq=False)
class Quadratic:
    """The programme, a slice a row: ``factors`` is F' (slices, rank), ``bounds`` is A' (slices, bounds)."""

    curvature: FloatArray
    factors: FloatArray
    start: FloatArray
    cost: FloatArray
    bounds: FloatArray
    room: FloatArray

    def objective(self, t: FloatArray) -> float:
        """P(t)."""
        residual = t @ self.factors + self.start
        return float(0.5 * (self.curvature @ (t * t) + residual @ residual) + self.cost @ t)

    def gradient(self, t: FloatArray, y: FloatArray) -> FloatArray:
        """G at t and y."""
        residual = t @ self.factors + self.start
        return np.asarray(self.curvature * t + self.factors @ residual + self.cost + self.bounds @ y)

    def violation(self, t: FloatArray) -> float:
        """Largest excess over a bound, 0 for none."""
        return float(np.max(t @ self.bounds - self.room, initial=0.0))

    def gap(self, t: FloatArray, y: FloatArray) -> float:
        """Return by how much P(t) may at most exceed the least; see the module's certificate."""
        gradient = self.gradient(t, y)
        slack = self.room - t @ self.bounds
        return float(np.abs(y * slack).sum() + np.maximum(gradient * t, -gradient * (1.0 - t)).sum())

    def keeping(self, chosen: NDArray[np.bool_]) -> Quadratic:
        """Return the programme without the slices that are not chosen."""
        parts = (self.curvature, self.factors, self.cost, self.bounds)
        curvature, factors, cost, bounds = (np.ascontiguousarray(part[chosen]) for part in parts)
        return Quadratic(curvature, factors, self.start, cost, bounds, self.room)


class Solution(NamedTuple):
    """Parts of the slices to trade, multipliers of the bounds, and what the certificate says of them."""

    t: FloatArray
    y: FloatArray
    objective: float
    gap: float
    violation: float
    is_certified: bool
    """Gap and violation lie within `TOLERANCE`."""


class _Scales(NamedTuple):
    """What the programme was divided by: its objective, and each bound that can bind."""

    objective: float
    bounds: FloatArray
    can_bind: NDArray[np.bool_]


class Approach:
    """A programme with its interior point: near the best answer already, from which the ends can be told."""

    __slots__ = ("problem", "scaled", "scales", "t", "y")

    def __init__(self, problem: Quadratic) -> None:
        self.problem = problem
        self.scaled, self.scales = _scaled(problem)
        scaled = self.scaled
        self.t, self.y = np.zeros(scaled.cost.size), np.zeros(scaled.room.size)
        if scaled.cost.size == 0:
            return
        columns = np.ascontiguousarray(np.hstack([scaled.factors, scaled.bounds]))
        settings = (_INTERIOR_TOLERANCE, _MOST_STEPS)
        interior_point()(scaled.curvature, columns, scaled.start, scaled.cost, scaled.room, *settings, self.t, self.y)

    def near(self) -> Solution:
        """Return the interior point with its certificate."""
        return self._solution(self.t, self.y)

    def exact(self) -> Solution:
        """Return the answer at the ends, or the interior point where that is the better one."""
        scaled, t, y = self.scaled, self.t, self.y
        if t.size:
            end_t, end_y = _at_the_ends(scaled, t, y)
            if scaled.gap(end_t, end_y) + scaled.violation(end_t) < scaled.gap(t, y) + scaled.violation(t):
                return self._solution(end_t, end_y)
        return self._solution(t, y)

    def _solution(self, t: FloatArray, y: FloatArray) -> Solution:
        return certified(self.problem, t, _in_full(y, self.scales), self.scales)


def solve(problem: Quadratic) -> Solution:
    """Solve a programme that has a feasible point.

    Notes
    -----
    Where ``is_certified`` is False, either no point is feasible or the numbers had no more digits to give.
    """
    return Approach(problem).exact()


def certified(problem: Quadratic, t: FloatArray, y: FloatArray, scales: _Scales | None = None) -> Solution:
    """Return any t in the box and y >= 0 with what the certificate says of them."""
    scales = scales or _scaled(problem)[1]
    gap, objective = problem.gap(t, y), problem.objective(t)
    excess = (t @ problem.bounds - problem.room) / scales.bounds
    violation = float(np.max(excess, initial=0.0))
    allowed = TOLERANCE * max(scales.objective, abs(objective))
    return Solution(t, y, objective, gap, violation, gap <= allowed and violation <= TOLERANCE)


def _scaled(problem: Quadratic) -> tuple[Quadratic, _Scales]:
    """Bring the steepest slope and each bound's largest coefficient to 1; leave out bounds that cannot bind."""
    slopes = np.maximum(np.abs(problem.cost), np.abs(problem.factors @ problem.start))
    objective = float(np.max(slopes, initial=0.0)) or 1.0
    largest = np.abs(problem.bounds).max(axis=0, initial=0.0)
    per_bound = np.where(largest > 0.0, largest, 1.0)
    can_bind = np.maximum(problem.bounds, 0.0).sum(axis=0) > problem.room
    root = np.sqrt(objective)
    scaled = Quadratic(
        problem.curvature / objective,
        problem.factors / root,
        problem.start / root,
        problem.cost / objective,
        np.ascontiguousarray(problem.bounds[:, can_bind] / per_bound[can_bind]),
        problem.room[can_bind] / per_bound[can_bind],
    )
    return scaled, _Scales(objective, per_bound, can_bind)


def _in_full(y: FloatArray, scales: _Scales) -> FloatArray:
    """Return the multipliers of all bounds in the problem's own units."""
    full = np.zeros(scales.bounds.size)
    full[scales.can_bind] = y * scales.objective / scales.bounds[scales.can_bind]
    return full


def _at_the_ends(problem: Quadratic, t: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Put slices near an end exactly there, bounds near their room exactly on it, and solve for the rest.

    With e = Ft + g, w the multipliers of the binding bounds and B = [F; A], slices with curvature obey
    D t = -(c + B'(e, w)) and drop out; of the others there are no more than factors and binding bounds, unless several
    choices are equally good. Least squares then finds the least change.
    """
    gradient = problem.gradient(t, y)
    low, high = t < gradient, 1.0 - t < -gradient
    binding = problem.room - t @ problem.bounds < y
    free = ~(low | high)
    curved, flat = free & (problem.curvature > 0.0), free & (problem.curvature == 0.0)
    ends = np.where(low, 0.0, np.where(high, 1.0, t))
    columns = np.hstack([problem.factors, problem.bounds[:, binding]])
    weights = np.concatenate([problem.start + t @ problem.factors, y[binding]])
    ends[curved] = 0.0
    known = ends @ columns + np.concatenate([problem.start, -problem.room[binding]])
    mild = columns[curved] / problem.curvature[curved, None]
    flats, rank = int(flat.sum()), problem.start.size
    system = np.zeros((flats + weights.size, flats + weights.size))
    system[:flats, flats:] = -columns[flat]
    system[flats:, :flats] = -columns[flat].T
    system[flats:, flats:] = np.diag(np.arange(weights.size) < rank) + columns[curved].T @ mild
    right = np.concatenate([problem.cost[flat], known - problem.cost[curved] @ mild]) - system[:, flats:] @ weights
    change = np.linalg.lstsq(system, right, rcond=None)[0]
    weights += change[flats:]
    ends[flat] += change[:flats]
    ends[curved] = -(problem.cost[curved] + columns[curved] @ weights) / problem.curvature[curved]
    multipliers = np.zeros_like(y)
    multipliers[binding] = np.maximum(weights[rank:], 0.0)
    return np.clip(ends, 0.0, 1.0), multipliers
