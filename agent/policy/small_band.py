r"""The best band where it is narrow beside the option's delta, whatever the risk aversion: solved in milliseconds.

The costs to come are a random number too, and at a large risk aversion they are worth hedging. Let C(t, F) be the
trading cost that is expected from now on. A net delta z above C_F loses

    -z (1 - G C_zz) dF,        G = q V_FF - C_FF,

where G, the book's gamma less that of the costs, says how z wanders, and C_zz z is how the cost to come depends on z
inside the band. So the middle of the band is C_F, and about it the band is Whalley and Wilmott's with gamma G and risk
aversion a (1 - G C_zz)^2. From the outer edge h to the inner one l a trade pays C(h) - C(l), which gives

    C_zz = 2 (f + k F (h - l)) / (h^2 - l^2),

2 k F / (h + l) without gas, and C obeys, v the variance of the log price still to come,

    C_v = (F^2 C_FF + (F G)^2 C_zz) / 2,        C = 0 at expiry.

The band's width enters through h alone, so that error falls with h: the leading order in a small band of the problem
that `band_solver` solves with the criterion of variance. Costs need not be small beside risk tolerance. Where the net
delta moves by more than the band between two looks, a look costs at most one trade of that move.

The march is implicit, over even steps of the square root of v, with a Newton iteration in each.

Source: A. E. Whalley and P. Wilmott, Mathematical Finance 7 (1997) 307-324, whose limit is a k small; H. E. Leland,
Journal of Finance 40 (1985) 1283-1301, whose adjusted volatility is G for hedges at fixed times.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from agent.numerics.arrays import FloatArray
from agent.policy.base import BandEdges
from agent.policy.small_band_kernel import march

_ROWS, _ROWS_STDEVS = 121, 5.0
_STEPS = 40
_DIGITS = 2
"""Problems are told apart to so many digits of each number, so that live ones that move slowly are solved once."""
_KEPT = 512


class SmallBandProblem(NamedTuple):
    """In the units of `band_solver.BandProblem`; ``look_variance`` is the variance between two looks."""

    cost_ratio: float
    fixed_cost_ratio: float
    risk_aversion: float
    total_variance: float
    look_variance: float
    is_short: bool


def small_band(problem: SmallBandProblem, moneyness: float) -> BandEdges:
    """Return the band of the net delta of one option at d = ln(F / K) / sqrt(v), as watched all the time.

    The four costs and variances are rounded to three digits before the problem is solved, and solutions are kept.
    """
    ratio, fixed, aversion, variance, look = (_rounded(number) for number in problem[:5])
    rounded = SmallBandProblem(ratio, fixed, aversion, variance, look, problem.is_short)
    nodes, columns = _solved(rounded)
    centre, inner, outer = (float(np.interp(moneyness, nodes, column)) for column in columns)
    return BandEdges.around(centre, outer, inner)


@lru_cache(_KEPT)
def _solved(problem: SmallBandProblem) -> tuple[FloatArray, FloatArray]:
    """Return moneyness of the rows, and centre, inner and outer half-width along it, shape (3, rows)."""
    stdev = math.sqrt(problem.total_variance)
    nodes = np.linspace(-_ROWS_STDEVS, _ROWS_STDEVS, _ROWS)
    variances = problem.total_variance * (np.arange(1, _STEPS + 1) / _STEPS) ** 2
    found = np.empty((_ROWS, 3))
    march()(
        -1.0 if problem.is_short else 1.0,
        problem.cost_ratio,
        problem.fixed_cost_ratio,
        problem.risk_aversion,
        problem.look_variance,
        nodes * stdev,
        variances,
        found,
    )
    return nodes, np.ascontiguousarray(found.T)


def _rounded(number: float) -> float:
    return float(f"{number:.{_DIGITS}e}")
