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

Known while a k is at most `MOST_COST_WEIGHT_CHEAP` and a f at most `MOST_GAS_WEIGHT` of `band_range`, which tells what
was measured, for a band narrow beside the option's delta (band sizes below the table's). Gas alone makes 1 - G C_zz =
1 / (1 - (a f / 3)^(1/2)) of a short option, which has no solution from a f = 3 on. Beyond the gas weight, and where an
iteration does not end at its root, there is a refusal and no band.

The march is implicit, over even steps of the square root of v, with a Newton iteration in each.

Source: A. E. Whalley and P. Wilmott, Mathematical Finance 7 (1997) 307-324, whose limit is a k small; H. E. Leland,
Journal of Finance 40 (1985) 1283-1301, whose adjusted volatility is G for hedges at fixed times.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from agent.errors import PolicyRefusedError
from agent.numerics.arrays import FloatArray
from agent.policy.band_range import MOST_GAS_WEIGHT
from agent.policy.base import BandEdges
from agent.policy.small_band_kernel import march

_ROWS, _ROWS_STDEVS = 121, 5.0
_STEPS = 40
_ROUNDING = 1e-9
_DIGITS = 2
"""Problems are told apart to so many digits of each number, so that live ones that move slowly are solved once."""
_KEPT = 512
_MOST_LEFT = 1e-4
"""Of a cost or a factor, how far from its root an iteration may end: below 3e-7 where there is one, else above 5e-2."""
_MEND = "Lower risk_aversion_per_usd, or use whalley_wilmott, which weighs each move by itself"


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

    The five numbers of a problem are rounded to three digits before it is solved, and solutions are kept.

    Raises
    ------
    PolicyRefusedError
        Risk aversion x fixed cost is above `MOST_GAS_WEIGHT`, or the iteration did not end at its root.

    """
    gas_weight = problem.risk_aversion * problem.fixed_cost_ratio
    if gas_weight > MOST_GAS_WEIGHT * (1.0 + _ROUNDING):
        raise PolicyRefusedError(
            f"small band: risk aversion x gas of a trade is {gas_weight:.3g}; the band is known up to "
            f"{MOST_GAS_WEIGHT:g}. {_MEND}"
        )
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
    left = march()(
        -1.0 if problem.is_short else 1.0,
        problem.cost_ratio,
        problem.fixed_cost_ratio,
        problem.risk_aversion,
        problem.look_variance,
        nodes * stdev,
        variances,
        found,
    )
    if not left <= _MOST_LEFT:
        raise PolicyRefusedError(
            f"small band: the iteration ended {left:.1g} of its root away from it at cost {problem.cost_ratio:g}, gas "
            f"{problem.fixed_cost_ratio:g} and risk aversion {problem.risk_aversion:g} of one option in units of its "
            f"strike. {_MEND}"
        )
    return nodes, np.ascontiguousarray(found.T)


def _rounded(number: float) -> float:
    return float(f"{number:.{_DIGITS}e}")
