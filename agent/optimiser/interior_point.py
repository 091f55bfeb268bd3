"""Primal-dual interior-point steps for a box-bounded quadratic programme of low rank, compiled.

The programme and its certificate are described in `quadratic`. With B the factor rows F above the bound rows A, each
step solves

    H dt + F' e + A' w = q,    F dt = e,    A dt - (s / y) w = p

for a diagonal H by eliminating dt: what is factored has the size of factors plus bounds, whatever the number of slices.
Predictor, corrector and the rule for the centring weight are Mehrotra's.

Source: S. Mehrotra, "On the implementation of a primal-dual interior point method", SIAM Journal on Optimization 2
(1992) 575-601; J. Nocedal and S. J. Wright, Numerical Optimization, 2nd ed. (2006), 16.6.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from agent.numerics.arrays import FloatArray
from agent.numerics.compiled import code_stamp, inlined, kernel

_STEP_SHARE = 0.995
"""Part of the way to the nearest bound that a step goes."""
_LEAST_PIVOT = 1e-15
"""Relative to its own diagonal; below it a row says only what others have said."""
_PATIENCE = 3
"""Steps without progress after which the numbers have no more digits to give."""
_NO_ANSWER = 1e64
"""A pivot so large that its row answers 0."""


@inlined
def _factor_normal_matrix(
    columns: FloatArray, inverse: FloatArray, rank: int, s: FloatArray, y: FloatArray, out: FloatArray
) -> None:
    """Write the Cholesky factor of B H^-1 B' plus 1 for a factor and s / y for a bound; ``columns`` is B'."""
    size = columns.shape[1]
    out[:, :] = 0.0
    for i in range(size):
        out[i, i] = 1.0 if i < rank else s[i - rank] / y[i - rank]
    for n in range(columns.shape[0]):
        for i in range(size):
            scaled = columns[n, i] * inverse[n]
            if scaled != 0.0:
                for j in range(i + 1):
                    out[i, j] += scaled * columns[n, j]
    for i in range(size):
        diagonal = out[i, i]
        for j in range(i + 1):
            total = out[i, j]
            for k in range(j):
                total -= out[i, k] * out[j, k]
            if i > j:
                out[i, j] = total / out[j, j]
            else:
                out[i, i] = math.sqrt(total) if total > _LEAST_PIVOT * diagonal else _NO_ANSWER


@inlined
def _direction(
    columns: FloatArray,
    inverse: FloatArray,
    factor: FloatArray,
    q: FloatArray,
    p: FloatArray,
    dt: FloatArray,
    ew: FloatArray,
) -> None:
    """Solve the step's equations for dt and (e, w)."""
    slices, size = columns.shape
    rank = size - p.size
    for i in range(size):
        ew[i] = 0.0 if i < rank else -p[i - rank]
    for n in range(slices):
        scaled = q[n] * inverse[n]
        for i in range(size):
            ew[i] += columns[n, i] * scaled
    for i in range(size):
        for k in range(i):
            ew[i] -= factor[i, k] * ew[k]
        ew[i] /= factor[i, i]
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            ew[i] -= factor[k, i] * ew[k]
        ew[i] /= factor[i, i]
    for n in range(slices):
        dt[n] = q[n]
        for i in range(size):
            dt[n] -= columns[n, i] * ew[i]
        dt[n] *= inverse[n]


@inlined
def _residuals(
    columns: FloatArray,
    start: FloatArray,
    curvature: FloatArray,
    cost: FloatArray,
    room: FloatArray,
    slices: FloatArray,
    bounds: FloatArray,
    dual: FloatArray,
    primal: FloatArray,
    weights: FloatArray,
) -> float:
    """Write what stationarity and the bounds lack; return the largest. ``slices`` holds t, z, v; ``bounds`` s, y."""
    size, rank = columns.shape[1], start.size
    worst = 0.0
    for i in range(rank):
        weights[i] = start[i]
    for i in range(room.size):
        primal[i] = bounds[0, i] - room[i]
        weights[rank + i] = bounds[1, i]
    for n in range(columns.shape[0]):
        for i in range(rank):
            weights[i] += columns[n, i] * slices[0, n]
        for i in range(rank, size):
            primal[i - rank] += columns[n, i] * slices[0, n]
    for n in range(columns.shape[0]):
        dual[n] = curvature[n] * slices[0, n] + cost[n] - slices[1, n] + slices[2, n]
        for i in range(size):
            dual[n] += columns[n, i] * weights[i]
        worst = max(worst, abs(dual[n]))
    for i in range(room.size):
        worst = max(worst, abs(primal[i]))
    return worst


@inlined
def _gap(slices: FloatArray, bounds: FloatArray) -> float:
    """Mean product of the complementary pairs."""
    total = 0.0
    for n in range(slices.shape[1]):
        total += slices[0, n] * slices[1, n] + (1.0 - slices[0, n]) * slices[2, n]
    for i in range(bounds.shape[1]):
        total += bounds[0, i] * bounds[1, i]
    return float(total / (2 * slices.shape[1] + bounds.shape[1]))


@inlined
def _other_moves(
    slices: FloatArray,
    bounds: FloatArray,
    moves: FloatArray,
    bound_moves: FloatArray,
    aims: FloatArray,
    goals: FloatArray,
) -> float:
    """Write what z, v and s move by when t and y do; return the longest step, at most 1, that keeps all positive."""
    step = 1.0
    for n in range(slices.shape[1]):
        t, u, move = slices[0, n], 1.0 - slices[0, n], moves[0, n]
        moves[1, n] = (aims[0, n] - slices[1, n] * move) / t
        moves[2, n] = (aims[1, n] + slices[2, n] * move) / u
        if move < 0.0:
            step = min(step, -t / move)
        if move > 0.0:
            step = min(step, u / move)
        if moves[1, n] < 0.0:
            step = min(step, -slices[1, n] / moves[1, n])
        if moves[2, n] < 0.0:
            step = min(step, -slices[2, n] / moves[2, n])
    for i in range(bounds.shape[1]):
        bound_moves[0, i] = (goals[i] - bounds[0, i] * bound_moves[1, i]) / bounds[1, i]
        for part in range(2):
            if bound_moves[part, i] < 0.0:
                step = min(step, -bounds[part, i] / bound_moves[part, i])
    return step


@inlined
def _aim(
    slices: FloatArray,
    bounds: FloatArray,
    moves: FloatArray,
    bound_moves: FloatArray,
    level: float,
    correct: float,
    aims: FloatArray,
    goals: FloatArray,
) -> None:
    """Write what each pair's product should change by: to ``level``, less the predicted second-order part."""
    for n in range(slices.shape[1]):
        t, u, move = slices[0, n], 1.0 - slices[0, n], moves[0, n]
        aims[0, n] = level - t * slices[1, n] - correct * move * moves[1, n]
        aims[1, n] = level - u * slices[2, n] + correct * move * moves[2, n]
    for i in range(bounds.shape[1]):
        goals[i] = level - bounds[0, i] * bounds[1, i] - correct * bound_moves[0, i] * bound_moves[1, i]


@inlined
def _gap_after(
    slices: FloatArray, bounds: FloatArray, moves: FloatArray, bound_moves: FloatArray, step: float
) -> float:
    """Mean product of the pairs after a step."""
    total = 0.0
    for n in range(slices.shape[1]):
        t = slices[0, n] + step * moves[0, n]
        total += t * (slices[1, n] + step * moves[1, n]) + (1.0 - t) * (slices[2, n] + step * moves[2, n])
    for i in range(bounds.shape[1]):
        total += (bounds[0, i] + step * bound_moves[0, i]) * (bounds[1, i] + step * bound_moves[1, i])
    return float(total / (2 * slices.shape[1] + bounds.shape[1]))


@inlined
def _inverse_diagonal(slices: FloatArray, curvature: FloatArray, inverse: FloatArray) -> None:
    """Write H^-1."""
    for n in range(slices.shape[1]):
        barrier = slices[1, n] / slices[0, n] + slices[2, n] / (1.0 - slices[0, n])
        inverse[n] = 1.0 / (curvature[n] + barrier)


@inlined
def _right_sides(
    slices: FloatArray,
    bounds: FloatArray,
    aims: FloatArray,
    goals: FloatArray,
    dual: FloatArray,
    primal: FloatArray,
    q: FloatArray,
    p: FloatArray,
) -> None:
    """Write q and p of the step's equations."""
    for n in range(slices.shape[1]):
        q[n] = aims[0, n] / slices[0, n] - aims[1, n] / (1.0 - slices[0, n]) - dual[n]
    for i in range(bounds.shape[1]):
        p[i] = -primal[i] - goals[i] / bounds[1, i]


@inlined
def _step_of(
    slices: FloatArray,
    bounds: FloatArray,
    columns: FloatArray,
    inverse: FloatArray,
    factor: FloatArray,
    residuals: tuple[FloatArray, FloatArray],
    gap: float,
    moves: FloatArray,
    bound_moves: FloatArray,
    work: tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray],
) -> float:
    """Write the predictor's, then the corrector's moves; return how far to go along the latter."""
    aims, goals, q, p, ew = work
    rank = ew.size - p.size
    level, correct, step = 0.0, 0.0, 0.0
    for _ in range(2):
        _aim(slices, bounds, moves, bound_moves, level, correct, aims, goals)
        _right_sides(slices, bounds, aims, goals, residuals[0], residuals[1], q, p)
        _direction(columns, inverse, factor, q, p, moves[0], ew)
        bound_moves[1, :] = ew[rank:]
        step = _other_moves(slices, bounds, moves, bound_moves, aims, goals)
        level = gap * (_gap_after(slices, bounds, moves, bound_moves, step) / gap) ** 3
        correct = 1.0
    return _STEP_SHARE * step


@inlined
def _start(columns: FloatArray, room: FloatArray, slices: FloatArray, bounds: FloatArray) -> None:
    """Begin in the middle of the box, with bounds as slack as they are there and at least 1."""
    slices[0, :] = 0.5
    rank = columns.shape[1] - room.size
    for i in range(room.size):
        bounds[0, i] = max(room[i] - 0.5 * np.sum(columns[:, rank + i]), 1.0)


_SIGNATURE = (
    "float64(float64[::1], float64[:, ::1], float64[::1], float64[::1], float64[::1], float64, int64, float64[::1], "
    "float64[::1])"
)


@cache
def interior_point() -> Callable[..., float]:
    """Return the kernel that solves min t'Dt/2 + |Ft + g|^2/2 + c't over 0 <= t <= 1, At <= r.

    It takes: the diagonal D; B' of shape (slices, factors + bounds), the factors first; g; c; r; the tolerance for
    residuals and mean product; the most steps; and t and the bounds' multipliers y to write, the best found. It answers
    with their largest residual or mean product.
    """
    stamp = code_stamp(_factor_normal_matrix, _residuals, _gap, _inverse_diagonal, _step_of, _start)

    def solve(
        curvature: FloatArray,
        columns: FloatArray,
        start: FloatArray,
        cost: FloatArray,
        room: FloatArray,
        tolerance: float,
        most_steps: int,
        t: FloatArray,
        y: FloatArray,
    ) -> float:
        count, size, rank = columns.shape[0], columns.shape[1], start.size
        slices, moves = np.ones((3, count)), np.zeros((3, count))
        bounds, bound_moves = np.ones((2, room.size)), np.zeros((2, room.size))
        dual, primal, inverse, factor = np.empty(count), np.empty(room.size), np.empty(count), np.empty((size, size))
        work = (np.zeros((2, count)), np.zeros(room.size), np.empty(count), np.empty(room.size), np.empty(size))
        _start(columns, room, slices, bounds)
        best, since_best = np.inf, 0 * stamp
        for _ in range(most_steps):
            worst = _residuals(columns, start, curvature, cost, room, slices, bounds, dual, primal, work[4])
            gap = _gap(slices, bounds)
            if not gap > 0.0:  # a slice has met its end, or a number is none
                break
            since_best += 1
            if max(worst, gap) < best:
                best, since_best = max(worst, gap), 0
                t[:], y[:] = slices[0], bounds[1]
            if best <= tolerance or since_best > _PATIENCE:
                break
            _inverse_diagonal(slices, curvature, inverse)
            _factor_normal_matrix(columns, inverse, rank, bounds[0], bounds[1], factor)
            step = _step_of(
                slices, bounds, columns, inverse, factor, (dual, primal), gap, moves, bound_moves, work
            )  # fmt: skip
            slices += step * moves
            bounds += step * bound_moves
        return best

    return kernel(_SIGNATURE, solve)
