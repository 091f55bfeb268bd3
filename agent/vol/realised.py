"""Volatility that bars of prices realised: five estimators, from closes alone to open, high, low and close.

All take time on the last axis and any leading shape, so ``numpy.lib.stride_tricks.sliding_window_view`` makes a rolling
estimate of each. All answer with the annual volatility, sqrt(variance of a bar x ``bars_per_year``).

| estimator | uses | drift | jumps between bars | variance against close-to-close |
|---|---|---|---|---|
| close-to-close | C | removed on request | counted | 1 |
| Parkinson | H L | assumed 0 | missed | 1 / 5.2 |
| Garman-Klass | O H L C | assumed 0 | missed | 1 / 7.4 |
| Rogers-Satchell | O H L C | any | missed | 1 / 6 |
| Yang-Zhang | O H L C, last C | any | counted | down to 1 / 14 |

Those that use the range read it too small when few trades sample a bar.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from agent.checks import require_positive
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.series import as_prices

_PARKINSON_FACTOR = 1.0 / (4.0 * math.log(2.0))
_GARMAN_KLASS_CLOSE = 2.0 * math.log(2.0) - 1.0
_YANG_ZHANG_ALPHA = 1.34
"""E of their eq. 12: the fourth-moment ratio that minimises the variance for the drifts met in practice."""


def close_to_close_vol_annual(close_usd: ArrayLike, bars_per_year: float, *, remove_mean: bool) -> FloatArray:
    """Return the annual volatility of close-to-close log returns.

    Formula: variance of a bar = sum (r - m)^2 / (n - 1), m the mean return; with ``remove_mean`` false, sum r^2 / n.

    Parameters
    ----------
    close_usd
        Closes, USD, shape (..., n + 1); n >= 2 when the mean is removed, else n >= 1.
    bars_per_year
        Bars of this length in a year (365 for daily bars of a market that never closes).
    remove_mean
        Whether the mean return is taken out; over short windows the mean is noise and leaving it in is steadier.

    Raises
    ------
    DataError
        Naming row, field and value of a price that is not finite and positive, or too few rows.
    """
    require_positive(bars_per_year, "bars_per_year")
    returns = np.diff(np.log(as_prices("close_usd", close_usd, 3 if remove_mean else 2)), axis=-1)
    variance = returns.var(axis=-1, ddof=1) if remove_mean else np.mean(returns * returns, axis=-1)
    return _annual(variance, bars_per_year)


def parkinson_vol_annual(high_usd: ArrayLike, low_usd: ArrayLike, bars_per_year: float) -> FloatArray:
    """Return Parkinson's annual volatility from highs and lows, shape (..., n).

    Formula: variance of a bar = mean of ln(H/L)^2 / (4 ln 2).

    Raises
    ------
    DataError
        Naming row, field and value of a bad price, or of a low above its high.

    Source: M. Parkinson, "The extreme value method for estimating the variance of the rate of return", Journal of
    Business 53 (1980) 61-65.
    """
    require_positive(bars_per_year, "bars_per_year")
    high, low = as_prices("high_usd", high_usd, 1), as_prices("low_usd", low_usd, 1)
    _require_order("low_usd", low, "high_usd", high)
    return _annual(_PARKINSON_FACTOR * np.mean(np.log(high / low) ** 2, axis=-1), bars_per_year)


def garman_klass_vol_annual(
    open_usd: ArrayLike, high_usd: ArrayLike, low_usd: ArrayLike, close_usd: ArrayLike, bars_per_year: float
) -> FloatArray:
    """Return Garman and Klass's annual volatility from bars, shape (..., n).

    Formula: variance of a bar = mean of ln(H/L)^2 / 2 - (2 ln 2 - 1) ln(C/O)^2.

    Raises
    ------
    DataError
        Naming row, field and value of a bad price, or of an open or close outside its bar's range.

    Source: M. Garman and M. Klass, "On the estimation of security price volatilities from historical data", Journal of
    Business 53 (1980) 67-78, the practical estimator (their sigma-hat 5 without the cross term).
    """
    require_positive(bars_per_year, "bars_per_year")
    opened, high, low, close = _bars(open_usd, high_usd, low_usd, close_usd, 1)
    variance = 0.5 * np.log(high / low) ** 2 - _GARMAN_KLASS_CLOSE * np.log(close / opened) ** 2
    return _annual(np.mean(variance, axis=-1), bars_per_year)


def rogers_satchell_vol_annual(
    open_usd: ArrayLike, high_usd: ArrayLike, low_usd: ArrayLike, close_usd: ArrayLike, bars_per_year: float
) -> FloatArray:
    """Return Rogers and Satchell's annual volatility, unbiased under any drift, from bars of shape (..., n).

    Formula: variance of a bar = mean of ln(H/C) ln(H/O) + ln(L/C) ln(L/O).

    Raises
    ------
    DataError
        Naming row, field and value of a bad price, or of an open or close outside its bar's range.

    Source: L. Rogers and S. Satchell, "Estimating variance from high, low and closing prices", Annals of Applied
    Probability 1 (1991) 504-512.
    """
    require_positive(bars_per_year, "bars_per_year")
    opened, high, low, close = _bars(open_usd, high_usd, low_usd, close_usd, 1)
    return _annual(np.mean(_rogers_satchell(opened, high, low, close), axis=-1), bars_per_year)


def yang_zhang_vol_annual(
    open_usd: ArrayLike, high_usd: ArrayLike, low_usd: ArrayLike, close_usd: ArrayLike, bars_per_year: float
) -> FloatArray:
    """Return Yang and Zhang's annual volatility: unbiased under any drift, with the jumps from close to next open.

    Formula, n bars after the first, whose close alone is used: V = V_open + k V_close + (1 - k) V_rs, where V_open and
    V_close are the sample variances of ln(O_i/C_{i-1}) and ln(C_i/O_i), V_rs is Rogers and Satchell's, and
    k = 0.34 / (1.34 + (n + 1)/(n - 1)).

    Parameters
    ----------
    open_usd, high_usd, low_usd, close_usd
        Bars, USD, shape (..., n + 1), n >= 2.
    bars_per_year
        Bars of this length in a year.

    Raises
    ------
    DataError
        Naming row, field and value of a bad price, or of an open or close outside its bar's range, or too few rows.

    Source: D. Yang and Q. Zhang, "Drift-independent volatility estimation based on high, low, open, and close prices",
    Journal of Business 73 (2000) 477-491, eqs. 7 and 12.
    """
    require_positive(bars_per_year, "bars_per_year")
    opened, high, low, close = _bars(open_usd, high_usd, low_usd, close_usd, 3)
    jumps = np.log(opened[..., 1:] / close[..., :-1])
    opened, high, low, close = (series[..., 1:] for series in (opened, high, low, close))
    rows = jumps.shape[-1]
    weight = (_YANG_ZHANG_ALPHA - 1.0) / (_YANG_ZHANG_ALPHA + (rows + 1.0) / (rows - 1.0))
    inside = np.mean(_rogers_satchell(opened, high, low, close), axis=-1)
    variance = (
        jumps.var(axis=-1, ddof=1) + weight * np.log(close / opened).var(axis=-1, ddof=1) + (1.0 - weight) * inside
    )
    return _annual(variance, bars_per_year)


def _rogers_satchell(opened: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray) -> FloatArray:
    up, down = np.log(high / close) * np.log(high / opened), np.log(low / close) * np.log(low / opened)
    return np.asarray(up + down)


def _annual(variance_per_bar: FloatArray, bars_per_year: float) -> FloatArray:
    # No estimator is negative for bars whose range holds open and close; only rounding dips below 0.
    return np.sqrt(np.maximum(variance_per_bar, 0.0) * bars_per_year)


def _bars(
    open_usd: ArrayLike, high_usd: ArrayLike, low_usd: ArrayLike, close_usd: ArrayLike, min_rows: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    opened, close = as_prices("open_usd", open_usd, min_rows), as_prices("close_usd", close_usd, min_rows)
    high, low = as_prices("high_usd", high_usd, min_rows), as_prices("low_usd", low_usd, min_rows)
    for name, inner in (("open_usd", opened), ("close_usd", close)):
        _require_order(name, inner, "high_usd", high)
        _require_order("low_usd", low, name, inner)
    return opened, high, low, close


def _require_order(low_name: str, low: FloatArray, high_name: str, high: FloatArray) -> None:
    """Raise `DataError` naming the first row where ``low`` exceeds ``high``."""
    if low.shape != high.shape:
        raise DataError(f"{low_name} has shape {low.shape} and {high_name} {high.shape}; give bars of one shape")
    bad = low > high
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(
            f"row {row}: {low_name} is {low.reshape(-1)[row]}, above {high_name} {high.reshape(-1)[row]}; mend the bar"
        )
