"""Checks on time series: a bad bar or return is named by row, field and value."""

from __future__ import annotations

import math
import sys

import numpy as np
from numpy.typing import ArrayLike

from agent.errors import DataError
from agent.products.greeks import FloatArray
from agent.products.rows import Domain, as_floats, require_domain

POSITIVE = Domain(sys.float_info.min, sys.float_info.max, "a finite number > 0")
FINITE = Domain(-sys.float_info.max, sys.float_info.max, "a finite number")


def as_prices(name: str, prices: ArrayLike, min_rows: int) -> FloatArray:
    """Return positive prices with time on the last axis, or raise `DataError`."""
    return _as_series(name, prices, min_rows, POSITIVE)


def as_returns(name: str, returns: ArrayLike, min_rows: int) -> FloatArray:
    """Return finite returns with time on the last axis, or raise `DataError`."""
    return _as_series(name, returns, min_rows, FINITE)


def require_one_series(name: str, series: FloatArray) -> FloatArray:
    """Return ``series`` when it is one-dimensional, or raise `DataError`."""
    if series.ndim != 1:
        raise DataError(f"{name} has shape {series.shape}; give one series, a number a row")
    return series


def require_positive(name: str, number: float) -> float:
    """Return a finite number > 0, or raise `DataError`."""
    if not math.isfinite(number) or number <= 0.0:
        raise DataError(f"{name} is {number}; expected a finite number > 0")
    return float(number)


def require_between(name: str, number: float, low: float, high: float) -> float:
    """Return a number strictly between ``low`` and ``high``, or raise `DataError`."""
    if not low < number < high:
        raise DataError(f"{name} is {number}; expected a number between {low:g} and {high:g}, both excluded")
    return float(number)


def require_whole(name: str, number: int, minimum: int) -> int:
    """Return a whole number of at least ``minimum``, or raise `DataError`."""
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < minimum:
        raise DataError(f"{name} is {number!r}; expected a whole number >= {minimum}")
    return int(number)


def _as_series(name: str, numbers: ArrayLike, min_rows: int, domain: Domain) -> FloatArray:
    series = as_floats(name, numbers)
    rows = series.shape[-1] if series.ndim else 0
    if rows < min_rows:
        raise DataError(f"{name} has {rows} rows; expected at least {min_rows}")
    require_domain(name, series, domain, series.shape)
    return series
