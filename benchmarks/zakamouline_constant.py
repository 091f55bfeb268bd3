"""Which constant of Zakamouline's volatility adjustment the Hodges-Neuberger solver confirms: 4.76 or 5.76.

Two answers for each of a grid of problems, one call of strike 100, short and long: how much worse than the optimum the
certainty equivalent of his band is with each constant, and the constant that puts the middle of his band where the
middle of the optimal one is. His own fit was made at a risk aversion of 1.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

from agent.policy.band_solver import BandProblem, judge_band, solve_band
from agent.policy.zakamouline import zakamouline_band
from benchmarks.figure import Figure

CANDIDATES = (4.76, 5.76)
STRIKE_USD = 100.0
STEPS = 500
RESOLUTION = 15
COST_RATIOS = (0.002, 0.005, 0.01, 0.02)
RISK_AVERSIONS_PER_USD = (0.3, 1.0, 3.0)
VOLS_ANNUAL = (0.25,)
TAUS_YEARS = (0.25, 1.0)

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Case:
    """One option to hedge."""

    cost_ratio: float
    risk_aversion_per_usd: float
    vol_annual: float
    tau_years: float
    is_short: bool

    @property
    def problem(self) -> BandProblem:
        """The same in the solver's units."""
        aversion = self.risk_aversion_per_usd * STRIKE_USD
        variance = self.vol_annual**2 * self.tau_years
        return BandProblem(self.cost_ratio, 0.0, aversion, variance, self.is_short, STEPS)

    def band(self, constant: float) -> Callable[[int, FloatArray], FloatArray]:
        """Return his band as the solver wants it: four edges of the hedge at each row of a step."""
        quantity = -1.0 if self.is_short else 1.0

        def edges(step: int, log_moneyness: FloatArray) -> FloatArray:
            tau = self.tau_years * (1.0 - step / STEPS)
            rows = [self._row(z, tau, constant) for z in log_moneyness]
            delta, half_width = np.array(rows).T
            hedge = -quantity * delta
            return np.stack([hedge - half_width] * 2 + [hedge + half_width] * 2, axis=1)

        return edges

    def _row(self, log_moneyness: float, tau: float, constant: float) -> tuple[float, float]:
        """Return the delta of the modified volatility and the half-width."""
        stdev = self.vol_annual * math.sqrt(tau)
        spot = STRIKE_USD * math.exp(log_moneyness)
        d1 = log_moneyness / stdev + 0.5 * stdev
        gamma = math.exp(-0.5 * d1 * d1) / math.sqrt(2.0 * math.pi) / (spot * stdev)
        band = zakamouline_band(
            gamma, spot, self.cost_ratio, self.risk_aversion_per_usd, self.vol_annual, tau, volatility_constant=constant
        )
        modified = stdev * math.sqrt(band.variance_factor(is_short_gamma=self.is_short))
        return float(ndtr(log_moneyness / modified + 0.5 * modified)), band.h0 + band.h1


def cases(risk_aversion_per_usd: float, *, is_short: bool) -> list[Case]:
    """Return the grid at one risk aversion."""
    grid = itertools.product(COST_RATIOS, VOLS_ANNUAL, TAUS_YEARS)
    return [Case(cost, risk_aversion_per_usd, vol, tau, is_short) for cost, vol, tau in grid]


def losses(case: Case) -> tuple[float, ...]:
    """Return by how much each candidate's certainty equivalent exceeds the optimum, as a ratio of it."""
    best = solve_band(case.problem, RESOLUTION).objective_at(0.0)
    return tuple(judge_band(case.problem, case.band(c), RESOLUTION).objective_at(0.0) / best - 1.0 for c in CANDIDATES)


def fitted_constant(case: Case) -> float:
    """Return the constant that puts the middle of his band on the middle of the optimal one; NaN where none does.

    A quarter of the life in from the start and a stdev out of the money, where the adjustment moves the middle most.
    """
    step, moneyness = STEPS // 4, 1.0
    problem = case.problem
    solution = solve_band(problem, RESOLUTION, np.array([step]))
    log_moneyness = moneyness * math.sqrt(problem.total_variance * (1.0 - step / STEPS))
    rows = solution.log_moneyness
    middle = np.interp(log_moneyness, rows, 0.5 * (solution.edges[0, :, 1] + solution.edges[0, :, 2]))

    def gap(constant: float) -> float:
        edges = case.band(constant)(step, np.array([log_moneyness]))[0]
        return float(0.5 * (edges[1] + edges[2]) - middle)

    return float(brentq(gap, 0.0, 40.0)) if gap(0.0) * gap(40.0) < 0.0 else math.nan


def run() -> list[Figure]:
    """Return the median loss of each constant, how often 5.76 is the better one, and the constant that fits."""
    figures = []
    for is_short, aversion in itertools.product((True, False), RISK_AVERSIONS_PER_USD):
        grid = cases(aversion, is_short=is_short)
        found = np.array([losses(case) for case in grid])
        label = f"{'short' if is_short else 'long'}_aversion_{aversion:g}"
        for index, constant in enumerate(CANDIDATES):
            median = 100.0 * float(np.median(found[:, index]))
            figures.append(Figure(f"zakamouline_loss_{constant:g}_{label}", median, "% of the optimum, median"))
        wins = int(np.sum(found[:, 1] < found[:, 0]))
        figures.append(Figure(f"zakamouline_won_by_5.76_{label}", wins, f"of {len(grid)} cases"))
        fitted = float(np.nanmedian([fitted_constant(case) for case in grid]))
        figures.append(Figure(f"zakamouline_fitted_{label}", fitted, "constant, median"))
    return figures
