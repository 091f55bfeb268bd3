"""Histories of gas and funding beside a price path: the last known number at each of its instants."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agent.backtest.price_series import UnixArray
from agent.errors import DataError
from agent.extras import extra
from agent.files.tables import MAX_PARQUET_BYTES
from agent.formatting import iso_utc
from agent.input_file import require_file
from agent.numerics.arrays import FloatArray
from agent.units import Seconds

with extra("files", "Reading a history"):
    import polars as pl

GAS_COLUMN = "gas_price_gwei"
FUNDING_COLUMN = "funding_rate"
FUNDING_HOURS_COLUMN = "interval_h"
_LONGEST_GAP_SECONDS = 86_400


def load_gas_gwei(path: Path, times_unix: UnixArray) -> FloatArray:
    """Return the price of gas in gwei at each instant.

    Parameters
    ----------
    path
        Parquet or CSV with one column of timestamps (UTC) and ``gas_price_gwei``.
    times_unix
        Instants asked for, ascending, shape (n,).

    Raises
    ------
    DataError : unreadable file, missing column, no row for a day before an instant, a number that is not a price.

    """
    table = _read(path, {})
    known = _as_of(table, _numbers(table, GAS_COLUMN, path), times_unix, path)
    if (known < 0.0).any():
        raise DataError(f"{path}: {GAS_COLUMN} has a negative price; mend the row")
    return known


def load_funding_per_day(path: Path, coin: str, venue: str, times_unix: UnixArray) -> FloatArray:
    """Return a venue's funding rate a day at each instant: the last one settled; longs pay a positive one.

    ``path``: Parquet or CSV with one column of timestamps (UTC), ``coin``, ``venue``, ``funding_rate`` for each
    settlement and ``interval_h``, the hours between two. Errors are those of `load_gas_gwei`.
    """
    table = _read(path, {"coin": coin, "venue": venue})
    hours = _numbers(table, FUNDING_HOURS_COLUMN, path)
    if (hours <= 0.0).any():
        raise DataError(f"{path}: {FUNDING_HOURS_COLUMN} has a number that is not above 0; mend the row")
    return _as_of(table, _numbers(table, FUNDING_COLUMN, path) * 24.0 / hours, times_unix, path)


def _read(path: Path, chosen: dict[str, str]) -> pl.DataFrame:
    require_file(path, MAX_PARQUET_BYTES)
    try:
        is_csv = path.suffix.lower() == ".csv"
        table = pl.read_csv(path, try_parse_dates=True) if is_csv else pl.read_parquet(path, glob=False)
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise DataError(f"{path}: not a readable history ({' '.join(str(error).split())[:200]}); check it") from None
    for column, value in chosen.items():
        if column not in table.columns:
            raise DataError(f"{path}: column {column!r} is missing (has {', '.join(table.columns)}); rename or add it")
        known = table[column].cast(pl.String)
        table = table.filter(known == value)
        if table.is_empty():
            raise DataError(f"{path}: no {column} {value!r}; it has {', '.join(sorted(known.drop_nulls().unique()))}")
    return table


def _numbers(table: pl.DataFrame, column: str, path: Path) -> FloatArray:
    if column not in table.columns or not table[column].dtype.is_numeric():
        raise DataError(f"{path}: no column {column!r} of numbers (has {', '.join(table.columns)}); rename or add it")
    numbers = table[column].cast(pl.Float64).fill_null(np.nan).to_numpy()
    if not np.isfinite(numbers).all():
        raise DataError(f"{path}: {column} has a row without a finite number; mend it")
    return np.asarray(numbers, dtype=np.float64)


def _as_of(table: pl.DataFrame, numbers: FloatArray, times_unix: UnixArray, path: Path) -> FloatArray:
    stamps = [name for name, kind in table.schema.items() if isinstance(kind, pl.Datetime)]
    if len(stamps) != 1:
        raise DataError(f"{path}: {len(stamps)} columns of timestamps; expected one, in UTC")
    unix = table[stamps[0]].dt.epoch("s").to_numpy().astype(np.int64)
    if not unix.size or (np.diff(unix) < 0).any():
        raise DataError(f"{path}: {stamps[0]} is empty or out of order; sort it by time")
    at = np.searchsorted(unix, times_unix, side="right") - 1
    stale = (at < 0) | (times_unix - unix[np.maximum(at, 0)] > _LONGEST_GAP_SECONDS)
    if stale.any():
        when = iso_utc(Seconds(int(times_unix[stale][0])))
        raise DataError(
            f"{path}: nothing known in the day before {when}; it goes from {iso_utc(int(unix[0]))} to "
            f"{iso_utc(int(unix[-1]))}"
        )
    return numbers[at]
