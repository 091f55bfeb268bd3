"""Files that hold one record a row (CSV, Parquet, a JSON list), each row an `Entry` that says where it stands."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agent.errors import DataError
from agent.extras import extra
from agent.files.entry import Entry, read_text


def csv_entries(path: Path) -> tuple[tuple[str, ...], list[Entry]]:
    """Return the columns of a CSV file and its rows, named by line; cells are text without blanks around.

    Raises
    ------
    DataError : unreadable file, not CSV, or a row with more or fewer cells than the header.

    """
    reader = csv.DictReader(read_text(path).splitlines(), skipinitialspace=True, strict=True)
    try:
        columns = tuple(column.strip() for column in reader.fieldnames or ())
        entries = []
        for row in reader:
            where = f"{path}: line {reader.line_num}"
            if None in row or None in row.values():
                raise DataError(f"{where}: the row has not the {len(columns)} cells of the header; mend it")
            entries.append(Entry({key.strip(): cell.strip() for key, cell in row.items()}, where))
    except csv.Error as error:
        raise DataError(f"{path}: line {reader.line_num}: not CSV: {error}; mend that line") from None
    return columns, entries


def parquet_entries(path: Path) -> tuple[tuple[str, ...], list[Entry]]:
    """Return the columns of a Parquet file and its rows, numbered from 1; a null is an absent field.

    Raises
    ------
    DataError : missing file, or not Parquet.

    """
    with extra("files", "Reading Parquet"):  # a tenth of a second that other formats need not wait for
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415

    if not path.is_file():
        raise DataError(f"{path}: no such file; check the path")
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: not a readable Parquet file ({reason}); check the file") from None
    columns = [
        _stamps(column) if pa.types.is_timestamp(column.type) else column.to_pylist() for column in table.columns
    ]
    names = tuple(table.column_names)
    rows = enumerate(zip(*columns, strict=True), start=1)
    return names, [Entry(dict(zip(names, row, strict=True)), f"{path}: row {number}") for number, row in rows]


def _stamps(column: Any) -> list[datetime | None]:
    """Return timestamps as Python's: Arrow's own way imports pandas, which takes longer than all the rest."""
    with extra("files", "Reading Parquet"):
        import pyarrow as pa  # noqa: PLC0415 - see above

    zone = column.type.tz
    in_microseconds = column.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64())
    epoch = datetime(1970, 1, 1, tzinfo=None if zone is None else UTC)
    return [None if since is None else epoch + timedelta(microseconds=since) for since in in_microseconds.to_pylist()]


def read_json(path: Path) -> object:
    """Return what a JSON file holds.

    Raises
    ------
    DataError : unreadable file, not JSON, or a name given twice in one object.

    """

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        fields = dict(pairs)
        if len(fields) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(f"{path}: {twice!r} stands twice in one object; keep one of them")
        return fields

    try:
        return json.loads(read_text(path), object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: line {error.lineno}: not JSON: {error.msg}; mend that line") from None
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
            raise DataError(f"{path}: row {number} is {record!r:.40}; write an object with named fields")
        entries.append(Entry(record, f"{path}: row {number}"))
    return entries
