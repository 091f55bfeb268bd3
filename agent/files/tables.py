"""Files that hold one record a row (CSV, Parquet, a JSON list), each row an `Entry` that says where it stands."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agent.errors import DataError
from agent.extras import extra
from agent.files.entry import Entry, require_distinct, shown
from agent.input_file import read_text, require_file

MAX_PARQUET_BYTES = 2**30
_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def csv_entries(path: Path) -> tuple[tuple[str, ...], list[Entry]]:
    """Return the columns of a CSV file and its rows, named by line; cells are text without blanks around.

    Raises
    ------
    DataError : unreadable file, not CSV, a column without a name or named twice, cells separated by anything but
        commas, or a row with more or fewer cells than the header.

    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), skipinitialspace=True, strict=True)
    try:
        lines = [(reader.line_num, cells) for cells in reader if cells]
    except csv.Error as error:
        raise DataError(f"{path}: line {reader.line_num}: not CSV: {error}; mend that line") from None
    if not lines:
        return (), []
    columns = _csv_columns(lines[0][1], f"{path}: line {lines[0][0]}")
    entries = []
    for number, cells in lines[1:]:
        where = f"{path}: line {number}"
        if len(cells) != len(columns):
            raise DataError(
                f"{where}: the row has not the {len(columns)} cells of the header but {len(cells)}; mend it"
            )
        entries.append(Entry(dict(zip(columns, (cell.strip() for cell in cells), strict=True)), where))
    return columns, entries


def _csv_columns(cells: Sequence[str], where: str) -> tuple[str, ...]:
    columns = tuple(cell.strip() for cell in cells)
    for separator, words in _OTHER_SEPARATORS.items():
        if any(separator in column for column in columns):
            raise DataError(f"{where}: the cells look separated by {words}; save with commas, and points in numbers")
    if "" in columns:
        raise DataError(f"{where}: column {columns.index('') + 1} has no name; name it, or drop the extra comma")
    require_distinct(columns, where)
    return columns


def parquet_entries(path: Path) -> tuple[tuple[str, ...], list[Entry]]:
    """Return the columns of a Parquet file and its rows, numbered from 1; a null is an absent field.

    Raises
    ------
    DataError : missing file, not Parquet, or a column named twice.

    """
    with extra("files", "Reading Parquet"):  # a tenth of a second that other formats need not wait for
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415

    require_file(path, MAX_PARQUET_BYTES)
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
        columns = [_stamps(each) if pa.types.is_timestamp(each.type) else each.to_pylist() for each in table.columns]
    except (OSError, pa.ArrowException, ValueError, OverflowError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path}: not a readable Parquet file ({reason}); check the file") from None
    names = tuple(str(name) for name in table.column_names)
    require_distinct(names, f"{path}: columns")
    rows = enumerate(zip(*columns, strict=True), start=1)
    return names, [Entry(dict(zip(names, row, strict=True)), f"{path}: row {number}") for number, row in rows]


def _stamps(column: Any) -> list[datetime | int | None]:
    """Return timestamps as Python's: Arrow's own way imports pandas, which takes longer than all the rest.

    A count beyond the years of Python stays a count, which no field takes for an instant.
    """
    with extra("files", "Reading Parquet"):
        import pyarrow as pa  # noqa: PLC0415 - see above

    per_second, zone = _UNITS[column.type.unit], column.type.tz
    epoch = datetime(1970, 1, 1, tzinfo=None if zone is None else UTC)

    def moment(count: int) -> datetime | int:
        try:
            return epoch + timedelta(microseconds=count * 10**6 // per_second)
        except OverflowError:
            return count

    return [None if count is None else moment(count) for count in column.cast(pa.int64()).to_pylist()]


def read_json(path: Path) -> object:
    """Return what a JSON file holds.

    Raises
    ------
    DataError : unreadable file, not JSON, or a name given twice in one object.

    """

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        require_distinct([name for name, _ in pairs], str(path), "one object")
        return dict(pairs)

    text = read_text(path)
    try:
        return json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        many = "; for one object a line, write a list" if error.msg == "Extra data" else ""
        raise DataError(f"{path}: line {error.lineno}: not JSON: {error.msg}{many}; mend that line") from None
    except ValueError:
        raise DataError(f"{path}: a whole number of thousands of digits; mend it") from None
    except RecursionError:
        raise DataError(f"{path}: brackets are nested too deep for a file of records; mend it") from None


def json_entries(records: Sequence[object], path: Path) -> list[Entry]:
    """Return the objects of a JSON list, numbered from 1; null is an absent field.

    Raises
    ------
    DataError : something in the list is not an object.

    """
    entries = []
    for number, record in enumerate(records, start=1):
        if not isinstance(record, Mapping):
            raise DataError(f"{path}: row {number} is {shown(record)}; write an object with named fields")
        entries.append(Entry(record, f"{path}: row {number}"))
    return entries
