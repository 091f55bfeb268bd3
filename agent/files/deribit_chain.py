"""A chain of options as Deribit lists it, from Parquet, CSV or JSON, refused whole when one row cannot be trusted.

Two vocabularies are read: the columns of the reference data (``bid_coin``, ``underlying_usd``, ``snapshot_ts``), and
the fields of Deribit's ``public/get_book_summary_by_currency`` (``bid_price``, ``underlying_price``,
``creation_timestamp``), as a bare list or as the whole answer with its ``result``. Columns not named here are ignored.

The name of an instrument holds expiry, strike and right; columns that say them too must agree.

Source: Deribit API v2.1, ``public/get_book_summary_by_currency`` and "Naming" of instruments.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np

from agent.errors import DataError
from agent.files.entry import Entry
from agent.files.tables import csv_entries, json_entries, parquet_entries, read_json
from agent.files.timestamps import parse_moment, unix_of_count
from agent.formatting import iso_utc
from agent.units import SECONDS_PER_YEAR, Seconds
from agent.vol.option_chain import OptionChain

NAME_COLUMN = "instrument_name"
MAX_TENOR_YEARS = 5.0
"""Deribit lists options for a little more than a year: a chain further from its expiries is stamped wrongly."""
MAX_SNAPSHOT_SECONDS = 60.0
"""Rows of one chain are stamped within so much of each other: quotes of different times make no surface."""
_EXPIRY_HOUR_UTC = 8
_NAME = re.compile(r"([A-Z]+)-(\d{1,2})([A-Z]{3})(\d{2})-(\d+)-([CP])")
_LINEAR_NAME = re.compile(r"[A-Z0-9]+_[A-Z]+-\d{1,2}[A-Z]{3}\d{2}-\d+(?:d\d+)?-[CP]")
"""Deribit's linear options, quoted and settled in USDC; ``0d55`` is a strike of 0.55."""
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_RIGHTS = {"C": "C", "CALL": "C", "P": "P", "PUT": "P"}
_PERCENT = 100.0
_LOWEST_FORWARD_USD = 1e-9

_ALIASES = {
    "bid": ("bid_coin", "bid_price"),
    "ask": ("ask_coin", "ask_price"),
    "mark": ("mark_coin", "mark_price"),
    "forward": ("underlying_usd", "underlying_price"),
    "stamp": ("snapshot_ts", "creation_timestamp"),
    "index": ("index_usd", "estimated_delivery_price"),
    "rate": ("interest_rate",),
    "open interest": ("open_interest",),
    "mark iv": ("mark_iv",),
}
"""What a row may say, and the columns that say it."""
_HIGHEST = {"bid": 1e4, "ask": 1e4, "mark": 1e4, "forward": 1e9, "index": 1e9, "rate": 1.0, "mark iv": 1e4}
"""Larger numbers than these, either side of 0, are of another unit or a typing error."""
_REQUIRED = ("bid", "ask", "mark", "forward")


class _Name(NamedTuple):
    """What an instrument's name says."""

    underlying: str
    expiry_unix: Seconds
    strike_usd: float
    right: str


class _Row(NamedTuple):
    """One option; None for what is absent."""

    name: _Name
    stamp_unix: float | None
    forward: float
    bid: float | None
    ask: float | None
    mark: float | None
    rate: float | None
    open_interest: float | None
    mark_iv: float | None
    index_usd: float | None


def is_chain(path: Path) -> bool:
    """Return whether a file holds a chain of quotes, by its columns; a file of another format never does.

    Raises
    ------
    DataError : the file is of a format that can hold one, and cannot be read.

    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        return False
    columns, _ = reader(path)
    return columns is not None and NAME_COLUMN in columns


def load_chain(path: Path, now_unix: float | None = None) -> OptionChain:
    """Read a chain.

    Parameters
    ----------
    path
        ``.parquet``, ``.csv`` or ``.json``
    now_unix
        when the chain is valued, Unix seconds; the latest stamp of its rows when None

    Returns
    -------
    The chain, by expiry, strike and right.

    Raises
    ------
    DataError : unreadable file, missing column, a row of another underlying, duplicated, expired, crossed, or with a
        number that is missing, NaN or out of range; every one names file, row, field, value and what to do.

    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: {path.suffix or 'no extension'} is not a format of a chain; use {_formats()}")
    columns, entries = reader(path)
    if columns is None or NAME_COLUMN not in columns:
        raise DataError(f"{path}: column {NAME_COLUMN!r} is missing; give a chain as Deribit names its fields")
    for names in _ALIASES.values():
        given = [name for name in names if name in columns]
        if len(given) > 1:
            raise DataError(f"{path}: columns {given[0]!r} and {given[1]!r} say the same; keep one of them")
    for meaning in _REQUIRED:
        _require_column(columns, meaning, path)
    if now_unix is None:
        _require_column(columns, "stamp", path)
    if not entries:
        raise DataError(f"{path}: the chain is empty; give at least one option")
    rows = [_row(entry) for entry in entries]
    at_unix = _instant(rows, entries, now_unix)
    _check_together(rows, entries, at_unix)
    return _chain(rows, entries, at_unix)


# --- files --------------------------------------------------------------------------------------------------------


def _json_rows(path: Path) -> tuple[tuple[str, ...] | None, list[Entry]]:
    document = read_json(path)
    records = document.get("result") if isinstance(document, Mapping) else document
    if not isinstance(records, list):
        return None, []
    entries = json_entries(records, path)
    return tuple(dict.fromkeys(key for entry in entries for key in entry.fields)) or (NAME_COLUMN,), entries


_READERS: dict[str, Callable[[Path], tuple[tuple[str, ...] | None, list[Entry]]]] = {
    ".parquet": parquet_entries,
    ".csv": csv_entries,
    ".json": _json_rows,
}


def _formats() -> str:
    return ", ".join(_READERS)


def _require_column(columns: Sequence[str], meaning: str, path: Path) -> None:
    if not any(column in columns for column in _ALIASES[meaning]):
        names = " or ".join(repr(column) for column in _ALIASES[meaning])
        raise DataError(f"{path}: column {names} is missing; add the {meaning}, with empty cells where there is none")


# --- rows ---------------------------------------------------------------------------------------------------------


def _row(entry: Entry) -> _Row:
    name = _parsed_name(entry)
    _require_agreement(entry, name)
    bid, ask = _price(entry, "bid"), _price(entry, "ask")
    if bid is not None and ask is not None and bid > ask:
        raise DataError(f"{_at(entry)}: bid {bid:g} is above ask {ask:g}; remove or mend the crossed quote")
    mark_iv = _price(entry, "mark iv")
    return _Row(
        name=name,
        stamp_unix=_stamp(entry),
        forward=_forward(entry),
        bid=bid,
        ask=ask,
        mark=_price(entry, "mark"),
        rate=_optional(entry, "rate"),
        open_interest=_not_negative(entry, "open interest"),
        mark_iv=None if mark_iv is None else mark_iv / _PERCENT,
        index_usd=_not_negative(entry, "index"),
    )


def _parsed_name(entry: Entry) -> _Name:
    written = entry.text(NAME_COLUMN)
    found = _NAME.fullmatch(written)
    if _LINEAR_NAME.fullmatch(written):
        raise DataError(
            f"{entry.where}: {NAME_COLUMN} is {written!r}, settled in USDC; coin-settled options alone are read, such "
            "as ETH-27JUN25-3000-C: ask Deribit for currency=ETH or BTC"
        )
    if found is None or found[3] not in _MONTHS:
        advice = "write a coin-settled option such as ETH-27JUN25-3000-C, and ask Deribit for kind=option alone"
        raise DataError(f"{entry.where}: {NAME_COLUMN} is {written!r}; {advice}")
    try:
        day = datetime(2000 + int(found[4]), _MONTHS.index(found[3]) + 1, int(found[2]), tzinfo=UTC)
    except ValueError:
        raise DataError(f"{entry.where}: {NAME_COLUMN} is {written!r}, a day that does not exist; mend it") from None
    expiry_unix = Seconds(int((day + timedelta(hours=_EXPIRY_HOUR_UTC)).timestamp()))
    strike_usd = float(found[5])
    if strike_usd == 0.0:
        raise DataError(f"{entry.where}: {NAME_COLUMN} is {written!r}, a strike of 0; mend it")
    return _Name(found[1], expiry_unix, strike_usd, found[6])


def _require_agreement(entry: Entry, name: _Name) -> None:
    """Refuse a row whose columns say another option than its name."""
    named = _at_name(entry)
    if entry.has("strike_usd") and named.positive("strike_usd") != name.strike_usd:
        raise _contradiction(entry, "strike_usd", f"{name.strike_usd:g}")
    if entry.has("expiry") and named.instant("expiry") != name.expiry_unix:
        raise _contradiction(entry, "expiry", iso_utc(name.expiry_unix))
    if entry.has("option_type") and _RIGHTS.get(entry.text("option_type").upper()) != name.right:
        raise _contradiction(entry, "option_type", name.right)


def _contradiction(entry: Entry, column: str, by_name: str) -> DataError:
    written = entry.fields[column]
    return DataError(f"{_at(entry)}: {column} is {written} where the name says {by_name}; mend one of them")


def _stamp(entry: Entry) -> float | None:
    column = _column(entry, "stamp")
    if not entry.has(column):
        return None
    written = entry.fields[column]
    if column == "creation_timestamp":
        return unix_of_count(_at_name(entry).number(column), "milliseconds", f"{_at(entry)}: {column}")
    if not isinstance(written, str | date):
        return _at_name(entry).instant(column)
    return parse_moment(written, f"{_at(entry)}: {column}")


def _price(entry: Entry, meaning: str) -> float | None:
    """Return a price, None where the cell is empty or 0: Deribit has written both for no quote."""
    return _not_negative(entry, meaning) or None


def _not_negative(entry: Entry, meaning: str) -> float | None:
    number = _optional(entry, meaning)
    if number is not None and number < 0.0:
        raise DataError(f"{_at(entry)}: {_column(entry, meaning)} is {number:g}; it must not be below 0")
    return number


def _forward(entry: Entry) -> float:
    forward = _at_name(entry).positive(_column(entry, "forward"))
    _require_believable(entry, "forward", forward)
    if forward < _LOWEST_FORWARD_USD:
        raise DataError(f"{_at(entry)}: {_column(entry, 'forward')} is {forward:g}; write the price in USD")
    return forward


def _optional(entry: Entry, meaning: str) -> float | None:
    column = _column(entry, meaning)
    if not entry.has(column):
        return None
    written = entry.fields[column]
    if isinstance(written, float) and math.isnan(written):
        raise DataError(f"{_at(entry)}: {column} is nan; write a finite number, or leave it empty where there is none")
    number = _at_name(entry).number(column)
    _require_believable(entry, meaning, number)
    return number


def _require_believable(entry: Entry, meaning: str, number: float) -> None:
    highest = _HIGHEST.get(meaning, math.inf)
    if abs(number) > highest:
        column = _column(entry, meaning)
        raise DataError(f"{_at(entry)}: {column} is {number:g}, beyond {highest:g}; check its unit")


def _column(entry: Entry, meaning: str) -> str:
    """Return the column in which this row says something."""
    names = _ALIASES[meaning]
    return next((name for name in names if name in entry.fields), names[0])


def _at(entry: Entry) -> str:
    return f"{entry.where} ({entry.fields[NAME_COLUMN]})"


def _at_name(entry: Entry) -> Entry:
    """Return the entry with the instrument in the name of its place."""
    return Entry(entry.fields, _at(entry))


# --- rows together ------------------------------------------------------------------------------------------------


def _instant(rows: Sequence[_Row], entries: Sequence[Entry], now_unix: float | None) -> float:
    """Return when the chain is valued: as asked, or the latest stamp, which every row must be near."""
    stamps = [row.stamp_unix for row in rows]
    if now_unix is None:
        for stamp, entry in zip(stamps, entries, strict=True):
            if stamp is None:
                raise DataError(f"{_at(entry)}: {_column(entry, 'stamp')} is missing; add it, or give --now")
    known = [stamp for stamp in stamps if stamp is not None]
    latest = max(known, default=0.0)
    for stamp, entry in zip(stamps, entries, strict=True):
        if stamp is not None and latest - stamp > MAX_SNAPSHOT_SECONDS:
            raise DataError(
                f"{_at(entry)}: {_column(entry, 'stamp')} is {latest - stamp:.0f} s older than the newest row; give "
                "the quotes of one moment"
            )
    return latest if now_unix is None else now_unix


def _check_together(rows: Sequence[_Row], entries: Sequence[Entry], at_unix: float) -> None:
    """Refuse another underlying, an option given twice, and one that has expired."""
    first = rows[0].name.underlying
    seen: dict[_Name, Entry] = {}
    for row, entry in zip(rows, entries, strict=True):
        if row.name.underlying != first:
            raise DataError(f"{_at(entry)}: the rows above are of {first}; one chain, one underlying")
        if row.name in seen:
            raise DataError(f"{_at(entry)}: the same option stands at {seen[row.name].where}; remove one of them")
        seen[row.name] = entry
        if row.name.expiry_unix <= at_unix:
            raise DataError(
                f"{_at(entry)}: expiry {iso_utc(row.name.expiry_unix)} is not after {iso_utc(int(at_unix))}; remove "
                "the expired row"
            )
        years = (row.name.expiry_unix - at_unix) / SECONDS_PER_YEAR
        if years > MAX_TENOR_YEARS:
            raise DataError(
                f"{_at(entry)}: expiry is {years:.0f} years after {iso_utc(int(at_unix))}, longer than any is listed; "
                "check the time of the chain"
            )


def _chain(rows: Sequence[_Row], entries: Sequence[Entry], at_unix: float) -> OptionChain:
    order = sorted(range(len(rows)), key=lambda index: rows[index].name[1:])
    ordered = [rows[index] for index in order]

    def numbers(field: str, absent: float = np.nan) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        found = (getattr(row, field) for row in ordered)
        return np.array([absent if number is None else number for number in found])

    return OptionChain(
        underlying=ordered[0].name.underlying,
        now_unix=at_unix,
        instrument_name=tuple(str(entries[index].fields[NAME_COLUMN]).strip() for index in order),
        is_call=np.array([row.name.right == "C" for row in ordered]),
        strike_usd=np.array([row.name.strike_usd for row in ordered]),
        expiry_unix=np.array([row.name.expiry_unix for row in ordered], dtype=np.int64),
        forward_usd=numbers("forward"),
        bid_coin=numbers("bid"),
        ask_coin=numbers("ask"),
        mark_coin=numbers("mark"),
        rate_annual=numbers("rate", 0.0),
        open_interest=numbers("open_interest"),
        quoted_mark_vol_annual=numbers("mark_iv"),
        index_usd=next((row.index_usd for row in ordered if row.index_usd), None),
    )
