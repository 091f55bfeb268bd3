"""Price histories from Parquet, checked point by point before a replay believes them."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

import numpy as np

from agent.backtest.price_series import PriceSeries, UnixArray
from agent.errors import DataError
from agent.extras import extra
from agent.files.tables import MAX_PARQUET_BYTES
from agent.files.timestamps import unix_of_count
from agent.formatting import iso_utc
from agent.input_file import require_file
from agent.numerics.arrays import FloatArray
from agent.units import Seconds

with extra("files", "Reading prices from Parquet"):
    import polars as pl

TIME_COLUMN = "open_ts"
SYMBOL_COLUMN = "symbol"
PRICE_COLUMN = "open"
"""The price at the instant the candle is stamped with: nothing later than the instant enters a replay."""

_MISSING = -(2**62)


def load_prices(path: Path, symbol: str, start: datetime, end: datetime) -> PriceSeries:
    """Read one symbol's prices of the half-open span ``[start, end)``.

    Parameters
    ----------
    path
        Parquet with ``open_ts`` (timestamp, UTC), ``symbol`` and ``open`` (USD)
    symbol
        such as ``ETHUSDT``
    start, end
        instants with a time zone

    Returns
    -------
    The frozen series.

    Raises
    ------
    DataError : unreadable file, missing column, unknown symbol, span outside the file; a price that is missing, NaN or
        not positive; an instant that is duplicated, out of order or missing.

    """
    if start >= end:
        raise DataError(f"--from {start.isoformat()} is not before --to {end.isoformat()}; swap them")
    table = _read(path, symbol)
    where = f"{path}: {symbol}"
    times_unix = _seconds(table[TIME_COLUMN])
    interval_seconds = _check_times(times_unix, where)
    _check_span(times_unix, interval_seconds, start, end, where)
    chosen = np.flatnonzero((times_unix >= start.timestamp()) & (times_unix < end.timestamp()))
    times_unix = times_unix[chosen]
    _check_gaps(times_unix, interval_seconds, where)
    prices_usd = _checked_prices(table[PRICE_COLUMN][chosen], times_unix, where)
    return PriceSeries(symbol, times_unix, prices_usd, interval_seconds, path.name, _sha256(path))


def _read(path: Path, symbol: str) -> pl.DataFrame:
    require_file(path, MAX_PARQUET_BYTES, "check the path given to --prices")
    try:
        scan = pl.scan_parquet(path, glob=False)
        schema = scan.collect_schema()
        _check_schema(schema, path)
        columns = pl.col(SYMBOL_COLUMN).cast(pl.String)
        table = scan.filter(columns == symbol).select(TIME_COLUMN, PRICE_COLUMN).collect()
        if table.is_empty():
            known = sorted(scan.select(columns.unique()).collect()[SYMBOL_COLUMN].drop_nulls().to_list())
            raise DataError(f"{path}: no symbol {symbol!r}; choose one of {', '.join(known) or 'none'} with --symbol")
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path}: not a readable Parquet file ({reason}); check the file") from None
    return table


def _check_schema(schema: pl.Schema, path: Path) -> None:
    for column in (TIME_COLUMN, SYMBOL_COLUMN, PRICE_COLUMN):
        if column not in schema:
            raise DataError(f"{path}: column {column!r} is missing (has {', '.join(schema)}); rename or add it")
    stamp = schema[TIME_COLUMN]
    if stamp.is_integer():
        raise DataError(
            f"{path}: column {TIME_COLUMN!r} holds whole numbers, whose unit the file does not say; store timestamps "
            "with time zone UTC"
        )
    if not isinstance(stamp, pl.Datetime) or stamp.time_zone != "UTC":
        raise DataError(f"{path}: column {TIME_COLUMN!r} is {stamp}; store timestamps with time zone UTC")
    if not schema[PRICE_COLUMN].is_numeric():
        raise DataError(f"{path}: column {PRICE_COLUMN!r} is {schema[PRICE_COLUMN]}; store prices in USD as numbers")


def _seconds(stamps: pl.Series) -> UnixArray:
    return stamps.dt.epoch("s").fill_null(_MISSING).to_numpy().astype(np.int64)


def _check_times(times_unix: UnixArray, where: str) -> Seconds:
    missing = np.flatnonzero(times_unix == _MISSING)
    if missing.size:
        raise DataError(f"{where} has no {TIME_COLUMN} in its row {missing[0] + 1}; remove or mend that row")
    for row in (int(np.argmin(times_unix)), int(np.argmax(times_unix))):
        unix_of_count(int(times_unix[row]), "seconds", f"{where}: {TIME_COLUMN} of row {row + 1}, in seconds,")
    if len(times_unix) < 2:
        raise DataError(f"{where} has a single price; a replay needs at least two")
    steps = np.diff(times_unix)
    for wrong, words in ((steps == 0, "twice; remove the duplicate"), (steps < 0, "out of order; sort by time")):
        if wrong.any():
            raise DataError(f"{where} has {iso_utc(times_unix[1:][wrong][0])} {words}")
    intervals, counts = np.unique(steps, return_counts=True)
    return Seconds(int(intervals[np.argmax(counts)]))


def _check_span(times_unix: UnixArray, interval_seconds: Seconds, start: datetime, end: datetime, where: str) -> None:
    first_unix, end_unix = int(times_unix[0]), int(times_unix[-1]) + interval_seconds
    if start.timestamp() < first_unix or end.timestamp() > end_unix:
        asked = f"{iso_utc(int(start.timestamp()))} to {iso_utc(int(end.timestamp()))}"
        raise DataError(
            f"{where} spans {iso_utc(first_unix)} to {iso_utc(end_unix)}, not {asked}; choose --from and --to inside it"
        )


def _check_gaps(times_unix: UnixArray, interval_seconds: Seconds, where: str) -> None:
    if len(times_unix) < 2:
        raise DataError(f"{where} has {len(times_unix)} prices in the span; widen --from and --to")
    steps = np.diff(times_unix)
    wrong = steps != interval_seconds
    if wrong.any():
        raise DataError(
            f"{where} has a gap of {steps[wrong][0]} s after {iso_utc(times_unix[:-1][wrong][0])} where every step is "
            f"{interval_seconds} s; fill it, or choose --from and --to around it"
        )


def _checked_prices(prices: pl.Series, times_unix: UnixArray, where: str) -> FloatArray:
    prices_usd = prices.cast(pl.Float64).fill_null(np.nan).to_numpy().copy()
    for wrong, words in (
        (~np.isfinite(prices_usd), "no finite price"),
        (prices_usd <= 0, "a price that is not above 0"),
    ):
        if wrong.any():
            raise DataError(
                f"{where} has {words} at {iso_utc(times_unix[wrong][0])} ({wrong.sum()} such rows); mend them"
            )
    return prices_usd


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
