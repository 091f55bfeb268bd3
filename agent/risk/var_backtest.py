r"""Whether value at risk and expected shortfall were right, judged on what happened afterwards.

Over n periods with x breaches (loss beyond VaR), p = 1 - level, and n_ij periods in state j after state i (1 a breach):

* **Unconditional coverage** (Kupiec): x is binomial. LR = -2 ln [(1-p)^(n-x) p^x / ((1-f)^(n-x) f^x)], f = x / n.
* **Independence** (Christoffersen): a breach is as likely after a breach as after none.
  LR = -2 ln [(1-f)^(n00+n10) f^(n01+n11) / ((1-f01)^n00 f01^n01 (1-f11)^n10 f11^n11)].
* **Conditional coverage**: both at once, the sum of the two, on two degrees of freedom.
* **Expected shortfall** (McNeil and Frey): losses at breaches exceed ES by 0 on average; the one-sided p-value of their
  mean excess, each over its ES, is a bootstrap under the hypothesis. Too few breaches say nothing: None.

Source: P. Kupiec, "Techniques for verifying the accuracy of risk measurement models", Journal of Derivatives 3 (1995)
73-84; P. Christoffersen, "Evaluating interval forecasts", International Economic Review 39 (1998) 841-862; A. McNeil,
R. Frey, "Estimation of tail-related risk measures for heteroscedastic financial time series", Journal of Empirical
Finance 7 (2000) 271-300, section 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy
from scipy.stats import chi2

from agent.checks import require_between, require_positive, require_whole
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.rows import as_flags
from agent.numerics.series import as_returns, require_one_series

FEWEST_BREACHES = 5
"""Fewer excesses than this have no mean worth testing."""
RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class LikelihoodRatio:
    """A test statistic and the probability of one as large when the model is right."""

    statistic: float
    p_value: float

    def rejects(self, significance: float = 0.05) -> bool:
        """Tell whether the model is refused at ``significance``."""
        return self.p_value < significance


@dataclass(frozen=True, slots=True)
class VarBacktest:
    """Breaches counted and expected, and the three tests."""

    periods: int
    breaches: int
    expected_breaches: float
    unconditional_coverage: LikelihoodRatio
    independence: LikelihoodRatio
    conditional_coverage: LikelihoodRatio


def var_breaches(pnl_usd: ArrayLike, var_usd: ArrayLike) -> NDArray[np.bool_]:
    """Tell for each period whether its loss was beyond the VaR forecast before it.

    Raises
    ------
    DataError
        A number that is not finite, named by row, or series of different lengths.
    """
    pnl, var = _pair("var_usd", pnl_usd, var_usd)
    return np.asarray(-pnl > var)


def backtest_var(is_breach: ArrayLike, level: float) -> VarBacktest:
    """Test coverage and independence of breaches.

    Parameters
    ----------
    is_breach
        One flag a period, in time order, shape (n,), n >= 2.
    level
        Of the VaR, such as 0.99.

    Raises
    ------
    DataError
        Flags that are not booleans, fewer than two, or a level outside (0, 1).
    """
    require_between(level, "level", 0.0, 1.0)
    flags = as_flags("is_breach", is_breach)
    if flags.ndim != 1 or flags.size < 2:
        raise DataError(f"is_breach has shape {flags.shape}; give a flag a period, two or more")
    breaches = int(flags.sum())
    coverage = _coverage_statistic(flags.size, breaches, 1.0 - level)
    independence = _independence_statistic(flags)
    return VarBacktest(
        periods=flags.size,
        breaches=breaches,
        expected_breaches=flags.size * (1.0 - level),
        unconditional_coverage=LikelihoodRatio(coverage, float(chi2.sf(coverage, 1))),
        independence=LikelihoodRatio(independence, float(chi2.sf(independence, 1))),
        conditional_coverage=LikelihoodRatio(coverage + independence, float(chi2.sf(coverage + independence, 2))),
    )


def backtest_expected_shortfall(
    pnl_usd: ArrayLike, var_usd: ArrayLike, shortfall_usd: ArrayLike, seed: int, resamples: int = RESAMPLES
) -> float | None:
    """Return the probability of excesses over ES as large as seen, were ES right; None below `FEWEST_BREACHES`.

    Small values say that losses beyond VaR are larger than ES promised.

    Raises
    ------
    DataError
        A number that is not finite, named by row, series of different lengths, or an ES that is not positive.
    """
    require_whole(resamples, "resamples", 1)
    pnl, shortfall = _pair("shortfall_usd", pnl_usd, shortfall_usd)
    is_breach = var_breaches(pnl, var_usd)
    if int(is_breach.sum()) < FEWEST_BREACHES:
        return None
    for row in np.flatnonzero(is_breach):
        require_positive(float(shortfall[row]), f"row {row}: shortfall_usd")
    excess = -pnl[is_breach] / shortfall[is_breach] - 1.0
    rng = np.random.default_rng(seed)
    centred = excess - excess.mean()
    drawn = centred[rng.integers(excess.size, size=(resamples, excess.size))]
    seen, under_hypothesis = _studentised(excess[None, :])[0], _studentised(drawn)
    return float((1 + np.count_nonzero(under_hypothesis >= seen)) / (1 + resamples))


def _coverage_statistic(periods: int, breaches: int, tail: float) -> float:
    share = breaches / periods
    free = _log_likelihood(periods - breaches, breaches, share)
    return max(2.0 * (free - _log_likelihood(periods - breaches, breaches, tail)), 0.0)


def _independence_statistic(is_breach: NDArray[np.bool_]) -> float:
    before, after = is_breach[:-1], is_breach[1:]
    calm_calm, calm_breach = int((~before & ~after).sum()), int((~before & after).sum())
    breach_calm, breach_breach = int((before & ~after).sum()), int((before & after).sum())
    calm, breach, joint = calm_calm + calm_breach, breach_calm + breach_breach, calm_breach + breach_breach
    free = _log_likelihood(calm_calm, calm_breach, calm_breach / max(calm, 1))
    free += _log_likelihood(breach_calm, breach_breach, breach_breach / max(breach, 1))
    return max(2.0 * (free - _log_likelihood(calm_calm + breach_calm, joint, joint / before.size)), 0.0)


def _log_likelihood(misses: int, hits: int, probability: float) -> float:
    return float(xlogy(misses, 1.0 - probability) + xlogy(hits, probability))


def _studentised(samples: FloatArray) -> FloatArray:
    """Return mean over standard error of each row; a row that does not vary stands at plus or minus infinity, or 0."""
    mean, spread = samples.mean(axis=1), samples.std(axis=1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = mean / (spread / np.sqrt(samples.shape[1]))
    return np.where(spread > 0.0, scores, np.where(mean == 0.0, 0.0, np.copysign(np.inf, mean)))


def _pair(name: str, pnl_usd: ArrayLike, other: ArrayLike) -> tuple[FloatArray, FloatArray]:
    pnl = require_one_series("pnl_usd", as_returns("pnl_usd", pnl_usd, 1))
    series = require_one_series(name, as_returns(name, other, 1))
    if pnl.size != series.size:
        raise DataError(f"pnl_usd has {pnl.size} rows and {name} {series.size}; give both for the same periods")
    return pnl, series
