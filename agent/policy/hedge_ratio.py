r"""Estimates of the minimum-variance hedge ratio: how much of the hedge moves with one unit of what is hedged.

All estimate h = Cov(dS, dH) / Var(dH) from prices S of what is hedged and H of the hedge:

* OLS: dS = a + h dH + e over the whole sample (Ederington), the best for a hedge held for one bar;
* EWMA: the same moments with weights that halve every ``half_life_bars``, the latest first, for a ratio that drifts;
* error correction: S and H are tied together, S = c + b H + u (Engle and Granger), and part of each change of H is its
  way back after a gap u, which hedges nothing: dS = a + h dH + theta u + lagged dS, dH + e, with u of the bar before.
  Noise of the hedge's price biases OLS on changes toward 0, and this h less. Where one price is read later than the
  other both are wrong and only the long-run ratio b, for a hedge held much longer than gaps last, is right.

Source: L. H. Ederington, Journal of Finance 34 (1979) 157-170; A. Ghosh, "Hedging with stock index futures: estimation
and forecasting with error correction model", Journal of Futures Markets 13 (1993) 743-752; R. F. Engle and C. W. J.
Granger, Econometrica 55 (1987) 251-276.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from agent.checks import require_positive, require_whole
from agent.errors import DataError
from agent.extras import extra
from agent.numerics.arrays import FloatArray
from agent.numerics.series import as_prices, require_one_series

with extra("estimation", "Estimating a hedge ratio"):
    import statsmodels.api as sm
    from statsmodels.tsa.adfvalues import mackinnonp

_FEWEST_ROWS = 30
"""Below this a regression with lags says nothing."""
_LEAST_GAP = 1e-9
"""Of the range of the hedged price; anything smaller is rounding."""


@dataclass(frozen=True, slots=True)
class HedgeRatio:
    """``ratio`` h with its standard error, and the share of variance that hedging with it would have removed.

    ``effectiveness`` is 1 - Var(dS - h dH) / Var(dS) over the sample; for OLS it is R^2 (Ederington). The standard
    error is NaN where the method has none (EWMA).
    """

    ratio: float
    standard_error: float
    effectiveness: float


@dataclass(frozen=True, slots=True)
class ErrorCorrection:
    """The hedge ratio; ``adjustment``, the part of a gap that the hedged price makes up in a bar; how sure the tie is.

    ``long_run_ratio`` is b, for a hedge held much longer than gaps last. ``cointegration_p_value`` is that of Engle and
    Granger's test; above 0.05 the two prices need not stay together, and OLS on differences is the safer estimate.
    """

    hedge_ratio: HedgeRatio
    long_run_ratio: float
    adjustment: float
    cointegration_p_value: float


def ols_hedge_ratio(hedged_usd: ArrayLike, hedge_usd: ArrayLike) -> HedgeRatio:
    """Regress changes of the hedged price on changes of the hedge's price.

    Parameters
    ----------
    hedged_usd, hedge_usd
        Prices at the same times, USD, shape (bars,), at least 30 bars.

    Raises
    ------
    DataError
        Prices that are not finite and positive, too few, of different lengths, or one without variance.

    """
    hedged, hedge = _changes(*_price_pair(hedged_usd, hedge_usd))
    fitted = sm.OLS(hedged, sm.add_constant(hedge)).fit()
    return HedgeRatio(float(fitted.params[1]), float(fitted.bse[1]), _effectiveness(hedged, hedge, fitted.params[1]))


def ewma_hedge_ratio(hedged_usd: ArrayLike, hedge_usd: ArrayLike, half_life_bars: float) -> HedgeRatio:
    """Return the ratio of exponentially weighted moments of price changes around 0, as of the last bar.

    Raises
    ------
    DataError
        As for `ols_hedge_ratio`, or a half-life that is not positive.

    """
    require_positive(half_life_bars, "half_life_bars")
    hedged, hedge = _changes(*_price_pair(hedged_usd, hedge_usd))
    weights = np.exp2(-np.arange(hedge.size)[::-1] / half_life_bars)
    variance = float(weights @ (hedge * hedge))
    if variance <= 0.0:
        raise DataError("hedge_usd has not changed within the half-life; lengthen half_life_bars")
    ratio = float(weights @ (hedged * hedge)) / variance
    return HedgeRatio(ratio, math.nan, _effectiveness(hedged, hedge, ratio))


def error_correction_hedge_ratio(hedged_usd: ArrayLike, hedge_usd: ArrayLike, lags: int) -> ErrorCorrection:
    """Estimate the ratio in an error-correction model with ``lags`` lagged changes of both prices.

    Raises
    ------
    DataError
        As for `ols_hedge_ratio`, lags that leave fewer than 30 rows, or prices without any gap.

    """
    require_whole(lags, "lags", 0)
    hedged_price, hedge_price = _price_pair(hedged_usd, hedge_usd)
    if hedged_price.size - 1 - lags < _FEWEST_ROWS:
        raise DataError(
            f"lags is {lags}, which leaves fewer than {_FEWEST_ROWS} of {hedged_price.size} rows; use fewer"
        )
    hedged, hedge = _changes(hedged_price, hedge_price)
    tie = sm.OLS(hedged_price, sm.add_constant(hedge_price)).fit()
    if np.ptp(tie.resid) <= _LEAST_GAP * np.ptp(hedged_price):
        raise DataError("hedged_usd and hedge_usd move as one and leave no gap to correct; use ols_hedge_ratio")
    gap = tie.resid[:-1]
    lagged = [series[lags - lag : series.size - lag] for lag in range(1, lags + 1) for series in (hedged, hedge)]
    fitted = sm.OLS(hedged[lags:], sm.add_constant(np.column_stack([hedge[lags:], gap[lags:], *lagged]))).fit()
    ratio = HedgeRatio(float(fitted.params[1]), float(fitted.bse[1]), _effectiveness(hedged, hedge, fitted.params[1]))
    return ErrorCorrection(ratio, float(tie.params[1]), float(fitted.params[2]), _cointegration_p(tie.resid, lags))


def _cointegration_p(gap: FloatArray, lags: int) -> float:
    """Return the p-value of Engle and Granger's test; statsmodels' own gives up where two venues' prices are close."""
    moves = np.diff(gap)
    lagged = [moves[lags - lag : moves.size - lag] for lag in range(1, lags + 1)]
    fitted = sm.OLS(moves[lags:], np.column_stack([gap[lags:-1], *lagged])).fit()
    return float(mackinnonp(fitted.tvalues[0], regression="c", N=2))


def _price_pair(hedged_usd: ArrayLike, hedge_usd: ArrayLike) -> tuple[FloatArray, FloatArray]:
    hedged = require_one_series("hedged_usd", as_prices("hedged_usd", hedged_usd, _FEWEST_ROWS))
    hedge = require_one_series("hedge_usd", as_prices("hedge_usd", hedge_usd, _FEWEST_ROWS))
    if hedged.size != hedge.size:
        raise DataError(f"hedged_usd has {hedged.size} rows and hedge_usd {hedge.size}; give both at the same times")
    for name, prices in (("hedged_usd", hedged), ("hedge_usd", hedge)):
        moves = np.diff(prices)
        if np.ptp(moves) == 0.0:
            raise DataError(f"{name} changes by {moves[0]} in every row; a price without variance has no hedge ratio")
    return hedged, hedge


def _changes(hedged: FloatArray, hedge: FloatArray) -> tuple[FloatArray, FloatArray]:
    return np.diff(hedged), np.diff(hedge)


def _effectiveness(hedged: FloatArray, hedge: FloatArray, ratio: float) -> float:
    return 1.0 - float(np.var(hedged - ratio * hedge)) / float(np.var(hedged))
