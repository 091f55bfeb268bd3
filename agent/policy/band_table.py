r"""The optimal band, tabulated, so that a live decision needs no solver.

A table holds the four edges of the band that `band_solver` finds for one option, in the limit of watching it all the
time, as distances of the net delta from 0 in units of

    s = dynamic_band(...).outer + static_band(...).outer

the asymptotic half-widths at the same gamma, costs and risk aversion. In these units the edges are of order 1 and
change slowly, so that a coarse table interpolated linearly is close. The axes, in the units of `BandProblem`:

* ``band_size`` q = k / (a v), logarithmic: the static half-width, which tells how wide the band is in deltas (the
  asymptotic half-width at the money is (3 q / (4 pi))^(1/3));
* ``cost_weight`` p = a k, by its cube root: what trading all the underlying once costs in units of risk tolerance,
  which tells how far costs to come move the middle of the band from the Black-Scholes delta;
* ``fixed_weight`` g = f / (k x that half-width), by log(1 + g^(1/3)): fixed over proportional cost of a typical trade;
  the gap between outer and inner edge grows with its cube root;
* ``stdev`` sqrt(v), linear;
* ``moneyness`` d = ln(F / K) / sqrt(v), linear.

Beyond an axis its end is used, but for the middle of narrow bands of utility (`narrowed`). At small costs the edges
approach -1 and 1 with every axis (Whalley and Wilmott's limit), and without gamma s is the static band, so the ends are
sound. The axis of the fixed cost alone has no such limit, for where gas is all that is paid the other axes lose their
meaning: a problem beyond its end has the place of one that costs `least_cost_ratio`, at the end, where inner edges lie
within 3 % of the middle. Its s is its own.

**Watching.** A band that is looked at only every dv of variance is left later than it is reached, on average by beta
Gamma F sqrt(dv) with beta = -zeta(1/2) / sqrt(2 pi): outer edges move in by it, and inner edges stay within outer ones.

Source of beta: M. Broadie, P. Glasserman and S. Kou, "A continuity correction for discrete barrier options",
Mathematical Finance 7 (1997) 325-349.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np

from agent.errors import FatalError
from agent.numerics.arrays import FloatArray
from agent.numerics.vector_math import NORMAL_DENSITY_AT_0
from agent.policy.band_solver import BandProblem, Criterion, solve_band
from agent.policy.whalley_wilmott import dynamic_band, static_band

OVERSHOOT = 0.5825971579390106
"""-zeta(1/2) / sqrt(2 pi): mean overshoot of a Gaussian walk over a far barrier, in standard deviations of a step."""
TABLE_FILE = "band_table.npz"
_LEAST_WEIGHT = 1e-30
"""Stands for 0 where a logarithm is taken; far below the first node of every axis."""


class BandPlace(NamedTuple):
    """Where in a table a problem lies; see the module."""

    band_size: float
    cost_weight: float
    fixed_weight: float
    stdev: float
    moneyness: float

    @classmethod
    def of(cls, cost: float, fixed: float, aversion: float, variance: float, moneyness: float) -> BandPlace:
        """Place a problem given in the units of `BandProblem`; gas alone at the end of its axis."""
        cost = max(cost, least_cost_ratio(fixed, aversion, variance))
        size = cost / (aversion * variance)
        typical_trade = math.cbrt(1.5 * NORMAL_DENSITY_AT_0**2 * size)
        fixed_weight = fixed / max(cost * typical_trade, _LEAST_WEIGHT)
        return cls(size, aversion * cost, fixed_weight, math.sqrt(variance), moneyness)

    @property
    def cost_ratio(self) -> float:
        """The proportional cost, that of gas alone where the fixed weight is at its end."""
        return math.sqrt(self.cost_weight * self.band_size) * self.stdev

    @property
    def gas_weight(self) -> float:
        """Risk aversion x fixed cost: what the gas of one trade is in units of risk tolerance."""
        typical_trade = math.cbrt(1.5 * NORMAL_DENSITY_AT_0**2 * self.band_size)
        return self.fixed_weight * self.cost_weight * typical_trade

    def coordinates(self) -> tuple[float, float, float, float, float]:
        """Return the place on axes along which the table is linear."""
        return (
            math.log(max(self.band_size, _LEAST_WEIGHT)),
            math.cbrt(self.cost_weight),
            math.log1p(math.cbrt(self.fixed_weight)),
            self.stdev,
            self.moneyness,
        )


def least_cost_ratio(fixed: float, aversion: float, variance: float) -> float:
    """Return the proportional cost, in the units of `BandProblem`, at which ``fixed_weight`` is the table's largest."""
    per_cost = FIXED_WEIGHTS[-1] * math.cbrt(1.5 * NORMAL_DENSITY_AT_0**2 / (aversion * variance))
    return math.pow(fixed / per_cost, 0.75)


BAND_SIZES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
COST_WEIGHTS = (0.01, 0.1, 0.4, 2.0, 10.0, 40.0)
FIXED_WEIGHTS = (0.0, 0.05, 0.3, 1.0, 3.0, 10.0, 40.0)
STDEVS = (0.05, 0.3, 1.0)
MONEYNESS = tuple(np.linspace(-3.0, 3.0, 25).tolist())
_AXES = tuple(
    np.array([BandPlace(*(node if i == axis else 1.0 for i in range(5))).coordinates()[axis] for node in nodes])
    for axis, nodes in enumerate((BAND_SIZES, COST_WEIGHTS, FIXED_WEIGHTS, STDEVS, MONEYNESS))
)
SHAPE = (*(axis.size for axis in _AXES), 4)


@dataclass(frozen=True, slots=True)
class BandTable:
    """Edges (low outer, low inner, high inner, high outer) in units of s, of shape `SHAPE`."""

    edges: FloatArray

    def at(self, place: BandPlace) -> FloatArray:
        """Return the four edges at a place, interpolated linearly between the 32 nodes around it."""
        block = self.edges
        for axis, coordinate in zip(_AXES, place.coordinates(), strict=True):
            inside = min(max(coordinate, axis[0]), axis[-1])
            node = min(int(np.searchsorted(axis, inside, side="right")) - 1, axis.size - 2)
            part = (inside - axis[node]) / (axis[node + 1] - axis[node])
            block = block[node] + part * (block[node + 1] - block[node])
        return block


def narrowed(edges: FloatArray, place: BandPlace) -> FloatArray:
    """Move the edges of exponential utility to where they are where bands are narrower than the table's.

    In half-widths their middle goes with p^(1/2) q^(-1/6): what the costs to come add to the delta beside the band's
    width. The table's ends of p and q are where it is followed from. At places that are known, one and a half to five
    times as much would be given up without, 1.5 standard deviations from the strike.
    """
    narrower, cheaper = BAND_SIZES[0] / place.band_size, min(place.cost_weight / COST_WEIGHTS[0], 1.0)
    further = math.pow(narrower, 1.0 / 6.0) * math.sqrt(cheaper)
    middle = 0.5 * float(edges[0] + edges[3])
    return edges + max(further - 1.0, 0.0) * middle


@cache
def band_table(criterion: Criterion, *, is_short: bool) -> BandTable:
    """Return the table that ships with the package; `benchmarks.derive_band_table` makes it."""
    with np.load(io.BytesIO(files("agent.policy").joinpath(TABLE_FILE).read_bytes())) as tables:
        edges = tables[table_name(criterion, is_short=is_short)].astype(np.float64)
    if edges.shape != SHAPE:
        raise FatalError(
            f"{TABLE_FILE} has shape {edges.shape}, the code's axes {SHAPE}; run benchmarks.derive_band_table"
        )
    return BandTable(edges)


def table_name(criterion: Criterion, *, is_short: bool) -> str:
    """Return the name of a table in the file."""
    return f"{criterion.name.lower()}_{'short' if is_short else 'long'}"


def tabulate(
    place: BandPlace, criterion: Criterion, *, is_short: bool, steps_per_band: float, most_steps: int
) -> FloatArray:
    """Solve the problem at a node and return its edges along `MONEYNESS`, of shape (moneyness, 4).

    ``steps_per_band`` sets how finely time is cut: how many moves of the delta it takes to cross half a band.
    """
    variance = place.stdev**2
    cost = place.cost_ratio
    aversion = math.sqrt(place.cost_weight / place.band_size) / place.stdev
    typical_trade = math.cbrt(1.5 * NORMAL_DENSITY_AT_0**2 * place.band_size)
    fixed = place.fixed_weight * cost * typical_trade
    steps = math.ceil((steps_per_band * NORMAL_DENSITY_AT_0 / typical_trade) ** 2)
    steps = min(max(steps, _FEWEST_STEPS), most_steps)
    problem = BandProblem(cost, fixed, aversion, variance, is_short, steps, criterion)
    solution = solve_band(problem, _RESOLUTION)
    distances = solution.edges[0] - problem.delta_hedge(solution.log_moneyness)[:, None]
    beyond = min(solution.window, _FARTHEST)
    at_nodes = np.empty((len(MONEYNESS), 4))
    for edge in range(4):
        reached = np.clip(distances[:, edge], -beyond, beyond)
        at_nodes[:, edge] = np.interp(np.array(MONEYNESS) * place.stdev, solution.log_moneyness, reached)
    return np.array([_scaled(problem, d, edges, beyond) for d, edges in zip(MONEYNESS, at_nodes, strict=True)])


_RESOLUTION = 16
_FEWEST_STEPS = 150
_FARTHEST = 3.0
"""Deltas of one option: the solver's widest window less one. Its ends move with the delta and force trades nearby."""


def _scaled(problem: BandProblem, moneyness: float, edges: FloatArray, beyond: float) -> FloatArray:
    """Undo the overshoot of the lattice's steps and divide by s.

    An edge ``beyond`` what the solver looked at is put there, or where the static band has it, if that is farther. In
    the far tails bands are narrower than the solver's grid, and edges that come out of order are put in order.
    """
    stdev = math.sqrt(problem.total_variance)
    price = math.exp(moneyness * stdev)
    gamma = NORMAL_DENSITY_AT_0 * math.exp(-0.5 * (moneyness + 0.5 * stdev) ** 2) / (price * stdev)
    overshoot = OVERSHOOT * gamma * price * stdev / math.sqrt(problem.steps)
    inner_overshoot = overshoot if problem.fixed_cost_ratio == 0.0 else 0.0
    widened = edges + np.array([-overshoot, -inner_overshoot, inner_overshoot, overshoot])
    costs = (problem.cost_ratio, problem.fixed_cost_ratio, problem.risk_aversion)
    unit = band_unit(gamma, price, *costs, problem.total_variance)
    inner = static_band(price, *costs, stdev, 1.0).inner
    never = np.maximum([unit, inner, inner, unit], beyond) * np.array([-1.0, -1.0, 1.0, 1.0])
    return np.sort(np.where(np.abs(edges) < beyond, widened, never)) / unit


def band_unit(
    gamma_per_usd: float,
    spot_usd: float,
    cost_ratio: float,
    fixed_cost_usd: float,
    risk_aversion_per_usd: float,
    total_variance: float,
) -> float:
    """Return s, underlying units: the asymptotic outer half-widths of the dynamic and the static band together."""
    costs = (cost_ratio, fixed_cost_usd, risk_aversion_per_usd)
    dynamic = dynamic_band(gamma_per_usd, spot_usd, *costs)
    return dynamic.outer + static_band(spot_usd, *costs, math.sqrt(total_variance), 1.0).outer
