"""The same quadratic programme through cvxpy: an independent answer, and the way out where the own solver has none.

The problem of each shape is built once with parameters (DPP), so that a further solve of that shape only fills in
numbers. OSQP starts warm from the last answer of its shape and is quick to a few digits; Clarabel is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from agent.extras import extra
from agent.numerics.arrays import FloatArray
from agent.optimiser.quadratic import Quadratic, Solution, certified

with extra("optimiser", "The programme's second solver"):
    import cvxpy as cp
    from cvxpy.atoms.affine.binary_operators import multiply
    from cvxpy.atoms.sum_squares import sum_squares

CLARABEL_SETTINGS: dict[str, object] = {
    "tol_gap_abs": 1e-12,
    "tol_gap_rel": 1e-12,
    "tol_feas": 1e-12,
    "max_iter": 200,
}
OSQP_SETTINGS: dict[str, object] = {
    "eps_abs": 1e-9,
    "eps_rel": 1e-9,
    "max_iter": 100_000,
    "polishing": True,
    "warm_start": True,
}


@dataclass(frozen=True, slots=True, eq=False)
class _Parametric:
    """A cvxpy problem of one shape with its parameters; ``bounds`` is its row constraint, None without rows."""

    problem: Any
    t: Any
    parameters: dict[str, Any]
    bounds: Any

    def fill(self, quadratic: Quadratic) -> None:
        values = {
            "root_curvature": np.sqrt(quadratic.curvature),
            "factors": quadratic.factors.T,
            "start": quadratic.start,
            "cost": quadratic.cost,
        }
        if self.bounds is not None:
            values |= {"bounds": quadratic.bounds.T, "room": quadratic.room}
        for name, numbers in values.items():
            self.parameters[name].value = numbers


@lru_cache(maxsize=16)
def _parametric(slices: int, rank: int, rows: int) -> _Parametric:
    t = cp.Variable(slices)
    parameters = {
        "root_curvature": cp.Parameter(slices, nonneg=True),
        "factors": cp.Parameter((rank, slices)),
        "start": cp.Parameter(rank),
        "cost": cp.Parameter(slices),
    }
    residual = parameters["factors"] @ t + parameters["start"]
    curved = multiply(parameters["root_curvature"], t)
    objective = 0.5 * (sum_squares(residual) + sum_squares(curved)) + parameters["cost"] @ t
    constraints = [t >= 0.0, t <= 1.0]
    bounds = None
    if rows:
        parameters |= {"bounds": cp.Parameter((rows, slices)), "room": cp.Parameter(rows)}
        bounds = parameters["bounds"] @ t <= parameters["room"]
        constraints.append(bounds)
    return _Parametric(cp.Problem(cp.Minimize(objective), constraints), t, parameters, bounds)


def solve_with_cvxpy(quadratic: Quadratic, solver: str = "CLARABEL") -> Solution | None:
    """Solve through cvxpy with ``solver``, CLARABEL or OSQP; None where it reports no feasible point or no answer."""
    scale = float(np.max(np.abs(quadratic.cost) + np.abs(quadratic.factors @ quadratic.start), initial=0.0)) or 1.0
    root = np.sqrt(scale)
    unit = Quadratic(
        quadratic.curvature / scale,
        quadratic.factors / root,
        quadratic.start / root,
        quadratic.cost / scale,
        quadratic.bounds,
        quadratic.room,
    )
    parametric = _parametric(quadratic.cost.size, quadratic.start.size, quadratic.room.size)
    parametric.fill(unit)
    settings = CLARABEL_SETTINGS if solver == "CLARABEL" else OSQP_SETTINGS
    try:
        parametric.problem.solve(solver=solver, **settings)
    except cp.SolverError:
        return None
    if parametric.t.value is None:
        return None
    t: FloatArray = np.clip(parametric.t.value, 0.0, 1.0)
    y = np.zeros(0) if parametric.bounds is None else np.maximum(parametric.bounds.dual_value, 0.0) * scale
    return certified(quadratic, t, y)
