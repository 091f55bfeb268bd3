r"""The best no-trade band of one hedged option, by dynamic programming.

A hedger holds q = +-1 calls on a forward of price F (strike 1, no interest: all cash is counted at expiry) and trades
the forward at a cost of k F per unit plus f per trade, until expiry, where the hedge is settled free of charge. Holding
y while F moves by dF and the option's frictionless value by dV loses -q dV - y dF. Under the risk-neutral drift the
market pays nothing for risk, so what is lost on average is the cost alone, and the hedger weighs it against risk:

* exponential utility (Hodges and Neuberger): the certainty equivalent H = 1/a log E exp(a loss), which by backward
  induction is H(t, F, y) = min over trades of k F |y' - y| + f + 1/a log E exp(a (-q dV - y' dF + H(t + dt)));
* variance: E[cost] + a/2 Var(loss), step by step: H = min over trades of k F |y' - y| + f + E[H(t + dt)] + a/2
  Var(-q dV - y' dF + C(t + dt)), where C is the expected cost from there on. By the law of total variance the sum of
  these steps is E[cost] + a/2 Var of the whole loss, and no later self would deviate (Basak and Chabakauri).

They agree while a x loss is small; where it is not, exponential utility pays more for skew and tails than a frontier of
cost against standard deviation shows. V is the lattice's own frictionless value, so that the lattice adds no drift.

**Scaling.** Only four numbers matter beside the sign: k; f per unit of strike and option; a = risk aversion per USD x
strike x options; and the variance left, v = sigma^2 tau. n options of strike K are one option with aversion n K times
as large and fixed cost per trade n K times as small. A put is a call less a forward, hedged by the same band.

**Lattice.** log F on a trinomial lattice with steps sqrt(3 dv), whose first, second and fourth moments are those of the
log-normal step; the hedge on an even grid around the delta, four times as wide as the asymptotic band and wider where
dear trading moves the band out of that. Both are refined together in the tests: the objective converges with the time
step at first order.

Source: S. D. Hodges and A. Neuberger, "Optimal replication of contingent claims under transaction costs", Review of
Futures Markets 8 (1989) 222-239; M. H. A. Davis, V. G. Panas and T. Zariphopoulou, "European option pricing with
transaction costs", SIAM J. Control and Optimization 31 (1993) 470-493 (the certainty equivalent does not depend on
wealth); S. Basak and G. Chabakauri, "Dynamic mean-variance asset allocation", Review of Financial Studies 23 (2010).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from agent.checks import require_finite
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.vector_math import NORMAL_DENSITY_AT_0
from agent.policy.band_kernel import induction
from agent.policy.whalley_wilmott import dynamic_band, static_band

_WINDOW_BANDS = 4.0
"""Half width of the first window in asymptotic bands; it is doubled until it holds the band."""
_WATCHED_STDEVS = 2.0
"""Rows within these many standard deviations of the strike must have their whole band inside the window."""
_WIDEST_WINDOW = 4.0
"""Deltas of one option; a net delta this large is not met."""
_WIDE_ENOUGH = 1.3
"""Deltas of one option; a window as wide is not doubled again, for no book of one sign is as far from its delta."""
_ROWS_STDEVS = 5.0
"""How far the lattice reaches, in standard deviations of the log price; beyond it there is no gamma."""


class Criterion(Enum):
    """What the hedger weighs against cost."""

    EXPONENTIAL = "exponential utility"
    VARIANCE = "variance"


@dataclass(frozen=True, slots=True)
class BandProblem:
    """One option to hedge, in units of its strike and of one option.

    ``cost_ratio`` is k; ``fixed_cost_ratio`` is USD a trade over strike and options; ``risk_aversion`` is the risk
    aversion per USD times strike and options; ``total_variance`` is sigma^2 tau until expiry; ``steps`` is how often
    the band is watched until then.
    """

    cost_ratio: float
    fixed_cost_ratio: float
    risk_aversion: float
    total_variance: float
    is_short: bool
    steps: int
    criterion: Criterion = Criterion.EXPONENTIAL

    def __post_init__(self) -> None:
        for name in ("cost_ratio", "fixed_cost_ratio"):
            if require_finite(getattr(self, name), name) < 0.0:
                raise DataError(f"{name} is {getattr(self, name)}; expected no negative number")
        for name in ("risk_aversion", "total_variance"):
            if require_finite(getattr(self, name), name) <= 0.0:
                raise DataError(f"{name} is {getattr(self, name)}; expected a positive number")
        if self.cost_ratio + self.fixed_cost_ratio == 0.0:
            raise DataError("cost_ratio and fixed_cost_ratio are both 0; without costs the band is the delta itself")
        if self.steps < 1:
            raise DataError(f"steps is {self.steps}; expected at least 1")

    @property
    def quantity(self) -> float:
        """-1 when the option is short, else 1."""
        return -1.0 if self.is_short else 1.0

    def delta_hedge(self, log_moneyness: FloatArray | float, step: int = 0) -> FloatArray:
        """Return the frictionless hedge at ln(F / K), forwards per option, when ``step`` steps are past."""
        stdev = math.sqrt(self.total_variance * (1.0 - step / self.steps))
        from scipy.special import ndtr  # noqa: PLC0415 - as in `agent.products.inverse_option`

        return np.asarray(-self.quantity * ndtr(np.asarray(log_moneyness) / stdev + 0.5 * stdev))


@dataclass(frozen=True, slots=True)
class BandSolution:
    """Objective and edges of a band on the rows of the lattice.

    ``edges`` has the shape (stored steps, rows, 4): outer low, inner low, inner high and outer high hedge, forwards per
    option; an infinite outer edge means that no trade pays on that side. ``objective`` and ``expected_cost`` have the
    shape (rows, hedges), at the first step, in units of strike x options; row i holds hedges ``first_hedge[i]`` +
    ``spacing`` x index.
    """

    problem: BandProblem
    log_moneyness: FloatArray
    stored_steps: NDArray[np.int64]
    edges: FloatArray
    objective: FloatArray
    expected_cost: FloatArray
    first_hedge: FloatArray
    spacing: float

    @property
    def window(self) -> float:
        """How far from the delta hedge, forwards per option, the first step was looked at."""
        return float(self.objective.shape[1] // 2 * self.spacing)

    def objective_at(self, log_moneyness: float, hedge: float = 0.0) -> float:
        """Return the objective of one who holds ``hedge`` at ln(F / K), the cost of the first trade included."""
        return self._interpolated(self.objective, log_moneyness, hedge)

    def expected_cost_at(self, log_moneyness: float, hedge: float = 0.0) -> float:
        """Return the trading cost expected from there on, the first trade included."""
        return self._interpolated(self.expected_cost, log_moneyness, hedge)

    def _interpolated(self, table: FloatArray, log_moneyness: float, hedge: float) -> float:
        place = (log_moneyness - self.log_moneyness[0]) / (self.log_moneyness[1] - self.log_moneyness[0])
        row = min(max(int(place), 1), self.log_moneyness.size - 3)
        around = [self._in_row(table[i], i, hedge) for i in range(row - 1, row + 3)]
        return _cubic(around, place - row)

    def _in_row(self, numbers: FloatArray, row: int, hedge: float) -> float:
        place = (hedge - self.first_hedge[row]) / self.spacing
        inside = min(max(place, 0.0), numbers.size - 1.0)
        slope = self.problem.cost_ratio * math.exp(self.log_moneyness[row]) * self.spacing
        return float(np.interp(inside, np.arange(numbers.size), numbers) + slope * abs(place - inside))


def solve_band(
    problem: BandProblem, resolution: int = 20, stored_steps: NDArray[np.int64] | None = None
) -> BandSolution:
    """Find the best band.

    Parameters
    ----------
    problem
        What is hedged, and at what cost.
    resolution
        Grid points of the hedge in the narrowest asymptotic half-width at the money.
    stored_steps
        Steps whose edges are wanted; the first alone by default.

    Notes
    -----
    Time and memory grow with steps^1.5 x resolution and steps^0.5 x resolution; 1,000 steps take about a second. The
    time step is fine enough where the delta takes three moves or more to cross half a band: then the band is within 1 %
    of the best on a grid twice as fine. With fewer the band is right for looks as rare, which are another problem.
    """
    steps = np.zeros(1, dtype=np.int64) if stored_steps is None else stored_steps
    bands = _WINDOW_BANDS
    while True:
        grid = _Grid.of(problem, resolution, bands)
        unknown = np.full((steps.size, grid.log_moneyness.size, 4), np.nan)
        solution = _walk(problem, grid, steps, unknown, is_told=False)
        if grid.holds(problem, int(steps[0]), solution.edges[0]):
            return solution
        bands *= 2.0


def judge_band(
    problem: BandProblem, band: Callable[[int, FloatArray], FloatArray], resolution: int = 20
) -> BandSolution:
    """Work out the objective of following any band, on the same lattice.

    ``band`` answers for a step and an array of ln(F / K) with edges of shape (rows, 4), as `BandSolution` has them.
    """
    bands = _WINDOW_BANDS
    grid = _Grid.of(problem, resolution, bands)
    edges = np.stack([band(step, grid.log_moneyness) for step in range(problem.steps)])
    while not grid.holds(problem, 0, edges[0, :, [1, 1, 2, 2]].T):
        bands *= 2.0
        grid = _Grid.of(problem, resolution, bands)
    return _walk(problem, grid, np.arange(problem.steps), np.ascontiguousarray(edges), is_told=True)


@dataclass(frozen=True, slots=True)
class _Grid:
    """Rows of the price and windows of the hedge."""

    chances: FloatArray
    log_moneyness: FloatArray
    spacing: float
    half_widths: NDArray[np.int64]

    @classmethod
    def of(cls, problem: BandProblem, resolution: int, window_bands: float) -> _Grid:
        """Lay out the lattice of a problem, with windows ``window_bands`` asymptotic bands wide on either side."""
        variance_step = problem.total_variance / problem.steps
        step = math.sqrt(3.0 * variance_step)
        # A martingale in F asks for up / down = exp(-step); its variance for the sum.
        down = math.expm1(variance_step) / (math.exp(step) - math.exp(-step) + math.expm1(-2.0 * step))
        up = down * math.exp(-step)
        rows = math.ceil(_ROWS_STDEVS * math.sqrt(problem.total_variance) / step)
        bands = [_asymptotic(problem, problem.total_variance - i * variance_step) for i in range(problem.steps)]
        spacing = min(dynamic for dynamic, _ in bands) / resolution
        widths = [min(window_bands * (dynamic + static), _WIDEST_WINDOW) for dynamic, static in bands]
        half_widths = [math.ceil(width / spacing) + 2 for width in [*widths, widths[-1]]]
        return cls(
            chances=np.array([down, 1.0 - up - down, up]),
            log_moneyness=np.asarray(np.arange(-rows, rows + 1) * step, dtype=np.float64),
            spacing=spacing,
            half_widths=np.array(half_widths, dtype=np.int64),
        )

    def holds(self, problem: BandProblem, step: int, edges: FloatArray) -> bool:
        """Return whether the window of a step holds the band near the strike, or need not be wider.

        The first step is the one to ask: later bands are wider in asymptotic ones, but no farther from the delta.
        """
        window = float(self.half_widths[step]) * self.spacing
        if window >= _WIDE_ENOUGH:
            return True
        near = np.abs(self.log_moneyness) <= _WATCHED_STDEVS * math.sqrt(problem.total_variance)
        distances = edges[near] - problem.delta_hedge(self.log_moneyness[near], step)[:, None]
        return bool(np.all(np.abs(distances) < window - self.spacing))


def _asymptotic(problem: BandProblem, variance_left: float) -> tuple[float, float]:
    """Return the outer half-widths at the money of Whalley and Wilmott's band and of the static band."""
    stdev = math.sqrt(variance_left)
    costs = (problem.cost_ratio, problem.fixed_cost_ratio, problem.risk_aversion)
    return dynamic_band(NORMAL_DENSITY_AT_0 / stdev, 1.0, *costs).outer, static_band(1.0, *costs, stdev, 1.0).outer


def _walk(
    problem: BandProblem, grid: _Grid, stored_steps: NDArray[np.int64], edges: FloatArray, *, is_told: bool
) -> BandSolution:
    stored_at = np.full(problem.steps + 1, -1, dtype=np.int64)
    stored_at[stored_steps] = np.arange(stored_steps.size)
    rows, half_widths = grid.log_moneyness.size, grid.half_widths
    state = np.empty((2, 2, rows, 2 * int(half_widths.max()) + 1))
    firsts = np.zeros((2, rows), dtype=np.int64)
    layer = induction()(
        problem.criterion is Criterion.EXPONENTIAL,
        is_told,
        problem.quantity,
        problem.risk_aversion,
        problem.cost_ratio,
        problem.fixed_cost_ratio,
        grid.chances,
        grid.log_moneyness,
        grid.spacing,
        half_widths,
        stored_at,
        edges,
        state,
        firsts,
    )
    count = 2 * int(half_widths[0]) + 1
    return BandSolution(
        problem=problem,
        log_moneyness=grid.log_moneyness,
        stored_steps=stored_steps,
        edges=edges,
        objective=state[layer, 0, :, :count].copy(),
        expected_cost=state[layer, 1, :, :count].copy(),
        first_hedge=firsts[layer] * grid.spacing,
        spacing=grid.spacing,
    )


def _cubic(points: list[float], place: float) -> float:
    """Interpolate four even points, ``place`` 0 at the second and 1 at the third (Lagrange)."""
    before, first, second, after = points
    return (
        -place * (place - 1.0) * (place - 2.0) / 6.0 * before
        + (place + 1.0) * (place - 1.0) * (place - 2.0) / 2.0 * first
        - (place + 1.0) * place * (place - 2.0) / 2.0 * second
        + (place + 1.0) * place * (place - 1.0) / 6.0 * after
    )
