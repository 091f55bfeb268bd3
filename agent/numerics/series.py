"""Checks on time series: a bad bar or return is named by row, field and value."""

from __future__ import annotations

import sys

from numpy.typing import ArrayLike

from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.rows import Domain, as_floats, require_domain

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


def _as_series(name: str, numbers: ArrayLike, min_rows: int, domain: Domain) -> FloatArray:
    series = as_floats(name, numbers)
    rows = series.shape[-1] if series.ndim else 0
    if rows < min_rows:
        raise DataError(f"{name} has {rows} rows; expected at least {min_rows}")
    require_domain(name, series, domain, series.shape)
    return series
