"""Whole contracts: sizes of instruments with a lot are rounded, and the rest of the programme is solved around them.

Sizes go to the nearest lot; where the rest then has no feasible answer, toward 0. The continuous programme is a bound
from below for every programme in lots, so the cost of rounding is known exactly from above and reported.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.numerics.arrays import FloatArray
from agent.optimiser.problem import Problem
from agent.optimiser.quadratic import Quadratic

_WHOLE = 1e-9
"""A size this close to a lot, in lots, is that lot."""


def rounded_parts(problem: Problem, t: FloatArray, toward_zero: bool) -> tuple[NDArray[np.bool_], FloatArray]:
    """Return which slices belong to an instrument with a lot, and the parts that make up whole lots of them.

    A size beyond what is quoted in whole lots is rounded down to it.
    """
    table = problem.table
    lots = np.array([instrument.lot for instrument in problem.instruments])
    fixed = lots[table.instrument] > 0.0
    parts = np.where(fixed, 0.0, t)
    sizes = problem.trades(t)
    for index in np.flatnonzero(lots > 0.0):
        side = 1.0 if sizes[index] > 0.0 else -1.0
        wanted = abs(sizes[index]) / lots[index]
        whole = np.floor(wanted + (_WHOLE if toward_zero else 0.5))
        rows = np.flatnonzero((table.instrument == index) & (table.sign == side))
        quoted = np.floor(table.width[rows].sum() / lots[index] + _WHOLE)
        left = min(whole, quoted) * lots[index]
        for row in rows:
            parts[row] = min(left / table.width[row], 1.0)
            left = max(left - table.width[row], 0.0)
    return fixed, parts


def around(quadratic: Quadratic, fixed: NDArray[np.bool_], parts: FloatArray) -> Quadratic:
    """Return the programme of the slices that are not fixed, around the fixed ones."""
    held = np.where(fixed, parts, 0.0)
    free = quadratic.keeping(~fixed)
    start = quadratic.start + held @ quadratic.factors
    room = quadratic.room - held @ quadratic.bounds
    return Quadratic(free.curvature, free.factors, start, free.cost, free.bounds, room)
