r"""How well a hedge does its work: four measures of one sample of P&L changes, each with a verdict.

With u the changes of what is hedged, h those of the hedge and u + h those of both:

| measure | formula | effective |
|---|---|---|
| variance reduction | 1 - Var(u + h) / Var(u) | at least 0.8 |
| Ederington's R^2 | Corr(u, h)^2, what the best multiple of this hedge would remove | at least 0.8 |
| regression slope | -b of u = a + b h + e; 1 is a hedge of the right size | 0.8 to 1.25, and its interval excludes 0 |
| dollar offset | -sum h / sum u | 0.8 to 1.25 |

R^2 praises a hedge of the right kind whatever its size, the slope judges the size, the dollar offset the sum of the
period, and the variance reduction all of it step by step. The slope's interval takes residuals for independent.

Source: L. H. Ederington, "The hedging performance of the new futures markets", Journal of Finance 34 (1979) 157-170;
IAS 39 AG105 (80 to 125 %), FASB 133 paragraph 62; J. D. Finnerty, D. Grant, "Alternative approaches to testing hedge
effectiveness under SFAS No. 133", Accounting Horizons 16 (2002) 95-108 (80 % for R^2 and variance reduction).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from agent.checks import require_between
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.series import as_returns, require_one_series

LOWEST_SHARE = 0.8
"""Least variance reduction and R^2 of an effective hedge."""
OFFSET_RANGE = (0.8, 1.25)
"""Range of slope and dollar offset of an effective hedge."""
FEWEST_CHANGES = 2
"""Fewer changes have no variance."""
_FEWEST_FOR_REGRESSION = 3
"""A line through two points has no error."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One measure; ``figure`` is None where the sample does not define it, which is not effective."""

    measure: str
    figure: float | None
    is_effective: bool
    reason: str


@dataclass(frozen=True, slots=True)
class HedgeEffectiveness:
    """The four verdicts, and the interval of the slope."""

    changes: int
    variance_reduction: Verdict
    r_squared: Verdict
    slope: Verdict
    slope_interval: tuple[float, float]
    dollar_offset: Verdict


def variance_reduction(hedged_changes_usd: ArrayLike, unhedged_changes_usd: ArrayLike) -> float:
    """Return 1 - Var(hedged changes) / Var(unhedged changes).

    Raises
    ------
    DataError
        A change that is not finite, named by row; fewer than two; different lengths; or unhedged P&L that does not
        vary.

    Source: Ederington (1979).
    """
    hedged, unhedged = _pair(
        "hedged_changes_usd", hedged_changes_usd, "unhedged_changes_usd", unhedged_changes_usd, FEWEST_CHANGES
    )
    if np.var(unhedged) == 0:
        raise DataError("unhedged_changes_usd do not vary; there is nothing to compare with")
    return float(1 - np.var(hedged) / np.var(unhedged))


def judge_hedge(
    unhedged_changes_usd: ArrayLike, hedge_changes_usd: ArrayLike, confidence: float = 0.95
) -> HedgeEffectiveness:
    """Measure a hedge and judge it.

    Parameters
    ----------
    unhedged_changes_usd
        P&L of what is hedged in each period, USD, shape (n,), n >= 3.
    hedge_changes_usd
        P&L of the hedge in the same periods.
    confidence
        Of the slope's interval, two-sided.

    Raises
    ------
    DataError
        As for `variance_reduction`; or a hedge whose P&L does not vary; or a confidence outside (0, 1).
    """
    require_between(confidence, "confidence", 0.0, 1.0)
    unhedged, hedge = _pair(
        "unhedged_changes_usd", unhedged_changes_usd, "hedge_changes_usd", hedge_changes_usd, _FEWEST_FOR_REGRESSION
    )
    reduction = variance_reduction(unhedged + hedge, unhedged)
    if np.ptp(hedge) == 0.0:
        raise DataError(f"hedge_changes_usd is {hedge[0]} in every row; a hedge that never moves cannot be judged")
    slope, standard_error, r_squared = _regression(unhedged, hedge)
    half = float(stdtrit(unhedged.size - 2, 0.5 * (1.0 + confidence))) * standard_error
    interval = (slope - half, slope + half)
    return HedgeEffectiveness(
        changes=unhedged.size,
        variance_reduction=_at_least("variance reduction", reduction),
        r_squared=_at_least("R^2", r_squared),
        slope=_slope_verdict(slope, interval),
        slope_interval=interval,
        dollar_offset=_offset_verdict(unhedged, hedge),
    )


def _regression(unhedged: FloatArray, hedge: FloatArray) -> tuple[float, float, float]:
    """Return slope, its standard error and R^2 of the regression of -hedge on the hedged, as `scipy.stats.linregress`.

    That module takes longer to load than all else that a command of the agent loads.
    """
    (of_hedge, shared), (_, of_unhedged) = np.cov(hedge, unhedged, bias=True)
    r_squared = min((shared / math.sqrt(of_hedge) / math.sqrt(of_unhedged)) ** 2, 1.0)
    standard_error = math.sqrt((1.0 - r_squared) * of_unhedged / of_hedge / (unhedged.size - 2))
    return float(-shared / of_hedge), standard_error, float(r_squared)


def _at_least(measure: str, figure: float) -> Verdict:
    is_effective = figure >= LOWEST_SHARE
    words = "reaches" if is_effective else "is below"
    return Verdict(measure, figure, is_effective, f"{measure} {figure:.3f} {words} {LOWEST_SHARE}")


def _slope_verdict(slope: float, interval: tuple[float, float]) -> Verdict:
    low, high = OFFSET_RANGE
    shown = f"slope {slope:.3f}, interval {interval[0]:.3f} to {interval[1]:.3f},"
    if interval[0] <= 0.0 <= interval[1]:
        return Verdict("slope", slope, False, f"{shown} cannot be told from 0")
    is_effective = low <= slope <= high
    return Verdict("slope", slope, is_effective, f"{shown} is {'' if is_effective else 'not '}within {low} to {high}")


def _offset_verdict(unhedged: FloatArray, hedge: FloatArray) -> Verdict:
    low, high = OFFSET_RANGE
    total = float(unhedged.sum())
    if total == 0.0:
        return Verdict("dollar offset", None, False, "what is hedged gained and lost nothing over the whole period")
    offset = -float(hedge.sum()) / total
    is_effective = low <= offset <= high
    words = f"dollar offset {offset:.3f} is {'' if is_effective else 'not '}within {low} to {high}"
    return Verdict("dollar offset", offset, is_effective, words)


def _pair(
    first_name: str, first: ArrayLike, second_name: str, second: ArrayLike, fewest: int
) -> tuple[FloatArray, FloatArray]:
    one = require_one_series(first_name, as_returns(first_name, first, fewest))
    other = require_one_series(second_name, as_returns(second_name, second, fewest))
    if one.size != other.size:
        raise DataError(f"{first_name} has {one.size} rows and {second_name} {other.size}; give the same periods")
    return one, other
