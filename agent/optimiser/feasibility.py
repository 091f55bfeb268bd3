"""Which bound stands in the way where no trade respects them all."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog

from agent.errors import DataError, RejectedError
from agent.optimiser.problem import Problem


def require_feasible(problem: Problem) -> None:
    """Raise `RejectedError` naming the bound that is missed by most even by the trade that misses bounds by the least.

    Excess is measured against the largest coefficient of each bound. Returns where some trade respects all.

    Raises
    ------
    RejectedError
        With the guard's error name, the bound in words, what is needed and what is allowed.

    """
    quadratic = problem.quadratic
    largest = np.abs(quadratic.bounds).max(axis=0, initial=0.0)
    rows = quadratic.bounds / np.where(largest > 0.0, largest, 1.0)
    room = quadratic.room / np.where(largest > 0.0, largest, 1.0)
    count, slices = room.size, quadratic.cost.size
    elastic = np.hstack([rows.T, -np.eye(count)])
    found = linprog(
        np.concatenate([np.zeros(slices), np.ones(count)]),
        A_ub=elastic,
        b_ub=room,
        bounds=[(0.0, 1.0)] * slices + [(0.0, None)] * count,
        method="highs",
    )
    if found.x is None:
        raise DataError(f"the bounds could not be checked: {found.message}; look for numbers far out of scale")
    excess = found.x[slices:]
    if excess.sum() <= 1e-9:
        return
    worst = int(np.argmax(excess))
    bound = problem.bounds[worst]
    needed = bound.room + excess[worst] * (largest[worst] if largest[worst] > 0.0 else 1.0)
    raise RejectedError(bound.error, {"bound": bound.text, "needed": round(needed, 6), "allowed": round(bound.room, 6)})
