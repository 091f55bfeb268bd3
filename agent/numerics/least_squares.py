"""Damped Gauss-Newton for sums of squares whose parameters sit in blocks, one block an expiry.

An expiry's parameters meet only those of the next one (calendar arbitrage), so the normal equations are block
tridiagonal and a step costs time linear in the number of expiries.

Source: J. More, "The Levenberg-Marquardt algorithm: implementation and theory", Numerical Analysis (1978), scaled by
the diagonal; damping as in H. Nielsen, "Damping parameter in Marquardt's method", IMM-REP-1999-05.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from agent.numerics.arrays import FloatArray
from agent.numerics.compiled import code_stamp, inlined, kernel

_FIRST_DAMPING = 0.3
_EASE, _STIFFEN = 1.0 / 3.0, 2.0
"""Least factor of the damping after a step that lowered the cost; factor after one that did not, doubling each time."""
_MIN_DAMPING, _MAX_DAMPING = 1e-9, 1e12
"""Beyond the second a step is lost to rounding."""
_TINY_DIAGONAL = 1e-12
"""Keeps the equations solvable where no residual touches a parameter."""


class NormalEquations(NamedTuple):
    """Gauss-Newton model of the cost at one point; of symmetric blocks only the lower triangle is read."""

    cost: float
    gradient: FloatArray
    """Half the derivative of the cost, shape (n, p)."""
    blocks: FloatArray
    """Shape (n, p, p)."""
    couplings: FloatArray
    """Of block i (rows) and block i + 1 (columns), shape (n - 1, p, p)."""


def minimise(
    linearise: Callable[[FloatArray], NormalEquations],
    start: FloatArray,
    *,
    box: tuple[FloatArray, FloatArray],
    max_move: FloatArray,
    max_steps: int,
    relative_tolerance: float,
) -> FloatArray:
    """Return parameters (n, p) of a local minimum of the cost, no worse than ``start``.

    Stops after ``max_steps`` trials or when a step lowers the cost by less than ``relative_tolerance`` of it. No
    parameter moves by more than ``max_move`` at once or leaves its ``box``; both broadcast to (n, p).
    """
    solve = solve_blocks()
    point, damping, stiffer = np.clip(start, *box), _FIRST_DAMPING, _STIFFEN
    model = linearise(point)
    step = np.empty_like(point)
    for _ in range(max_steps):
        if damping > _MAX_DAMPING:
            break
        foretold = solve(model.blocks, model.couplings, model.gradient, damping, step)
        if not foretold > 0.0:
            damping, stiffer = damping * stiffer, stiffer * _STIFFEN
            continue
        trial = np.clip(point + np.clip(step, -max_move, max_move), *box)
        new = linearise(trial)
        gain = model.cost - new.cost
        if gain > 0.0:  # false for NaN too
            point, model = trial, new
            damping = max(damping * max(_EASE, 1.0 - (2.0 * gain / foretold - 1.0) ** 3), _MIN_DAMPING)
            stiffer = _STIFFEN
            if gain <= relative_tolerance * new.cost:
                break
        else:
            damping, stiffer = damping * stiffer, stiffer * _STIFFEN
    return point


@inlined
def _factor(block: FloatArray) -> bool:
    """Put the Cholesky factor of ``block`` into its lower triangle; tell whether it has one."""
    size = block.shape[0]
    for i in range(size):
        for j in range(i + 1):
            total = block[i, j]
            for m in range(j):
                total -= block[i, m] * block[j, m]
            if i == j:
                if not total > 0.0:
                    return False
                block[i, i] = np.sqrt(total)
            else:
                block[i, j] = total / block[j, j]
    return True


@inlined
def _eliminate(lower: FloatArray, coupling: FloatArray, block: FloatArray) -> None:
    """Replace ``coupling`` C by X = L^-1 C and take X' X off the lower triangle of the next ``block``."""
    size = lower.shape[0]
    for column in range(size):
        for i in range(size):
            total = coupling[i, column]
            for m in range(i):
                total -= lower[i, m] * coupling[m, column]
            coupling[i, column] = total / lower[i, i]
    for i in range(size):
        for j in range(i + 1):
            for m in range(size):
                block[i, j] -= coupling[m, i] * coupling[m, j]


@inlined
def _negate(gradient: FloatArray, step: FloatArray) -> None:
    """Write -gradient into ``step`` number by number: for a whole-array statement Numba compiles for seconds."""
    for n in range(gradient.shape[0]):
        for i in range(gradient.shape[1]):
            step[n, i] = -gradient[n, i]


@inlined
def _forward(lower: FloatArray, couplings: FloatArray, step: FloatArray) -> None:
    """Solve with the factors, in place, from the first block to the last."""
    count, size = step.shape
    for n in range(count):
        for i in range(size):
            total = step[n, i]
            if n > 0:
                for m in range(size):
                    total -= couplings[n - 1, m, i] * step[n - 1, m]
            for m in range(i):
                total -= lower[n, i, m] * step[n, m]
            step[n, i] = total / lower[n, i, i]


@inlined
def _backward(lower: FloatArray, couplings: FloatArray, step: FloatArray) -> None:
    """Solve with the transposed factors, in place, from the last block to the first."""
    count, size = step.shape
    for n in range(count - 1, -1, -1):
        for i in range(size - 1, -1, -1):
            total = step[n, i]
            if n < count - 1:
                for m in range(size):
                    total -= couplings[n, i, m] * step[n + 1, m]
            for m in range(i + 1, size):
                total -= lower[n, m, i] * step[n, m]
            step[n, i] = total / lower[n, i, i]


@cache
def solve_blocks() -> Callable[[FloatArray, FloatArray, FloatArray, float, FloatArray], float]:
    """Return the kernel that writes the damped step into its last argument.

    It takes blocks, couplings, gradient, damping and the step; it returns the fall of the cost the model foretells,
    h' (damping D h - g), or 0 where the damped equations are not positive definite in floating point.
    """
    stamp = code_stamp(_factor, _eliminate, _negate, _forward, _backward)

    def solve(
        blocks: FloatArray, couplings: FloatArray, gradient: FloatArray, damping: float, step: FloatArray
    ) -> float:
        count, size = gradient.shape
        lower, across = blocks.copy(), couplings.copy()
        for n in range(count):
            for i in range(size):
                lower[n, i, i] += damping * blocks[n, i, i] + _TINY_DIAGONAL * (1.0 + blocks[n, i, i])
        for n in range(count):
            if not _factor(lower[n]):
                return 0.0 * stamp
            if n < count - 1:
                _eliminate(lower[n], across[n], lower[n + 1])
        _negate(gradient, step)
        _forward(lower, across, step)
        _backward(lower, across, step)
        foretold = 0.0
        for n in range(count):
            for i in range(size):
                foretold += step[n, i] * (damping * blocks[n, i, i] * step[n, i] - gradient[n, i])
        return foretold

    cube, table = "float64[:, :, ::1]", "float64[:, ::1]"
    return kernel(f"float64({cube}, {cube}, {table}, float64, {table})", solve)
