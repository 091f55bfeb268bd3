"""What stands in a book file, whatever its format: entries by kind, with the place of each for complaints.

TOML and JSON hold a table a kind; CSV and Parquet hold a row a position, whose ``type`` names the kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from agent.errors import DataError
from agent.files.entry import Entry, read_toml
from agent.files.tables import csv_entries, parquet_entries, read_json
from agent.products.registry import KINDS, named_kind

KIND_KEYS: dict[str, tuple[str, ...]] = {name: kind.product.entry_keys for name, kind in KINDS.items()}
"""Kinds of positions and the keys each may have."""


def _row_kinds() -> dict[str, tuple[str, str]]:
    """Return what a row's ``type`` may be, with its kind and right; a kind without a right is its own type."""
    named = [(f"{name.removesuffix('option')}{right}", name, right) for name in KINDS for right in ("call", "put")]
    rights = {written: (name, right) for written, name, right in named if KINDS[name].product.has_right}
    return rights | {name: (name, "") for name, kind in KINDS.items() if not kind.product.has_right}


_ROW_KINDS = _row_kinds()
_ROW_KEYS = tuple(dict.fromkeys(["underlying", *(key for keys in KIND_KEYS.values() for key in keys)]))


class BookContents(NamedTuple):
    """Underlying, and kind and entry of every position."""

    underlying: str
    entries: tuple[tuple[str, Entry], ...]

    def of(self, kind: str) -> list[Entry]:
        """Return the entries of one kind, in the file's order."""
        return [entry for found, entry in self.entries if found == kind]


def read_contents(path: Path, *, may_be_empty: bool = False) -> BookContents:
    """Read a book of any format; the numbers in its entries are not judged yet.

    Raises
    ------
    DataError : unreadable file, unknown kind or key, more than one underlying, or no entry at all, unless it
        ``may_be_empty`` and names its underlying all the same.

    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        formats = ", ".join(_READERS)
        raise DataError(f"{path}: {path.suffix or 'no extension'} is not a book format; use one of {formats}")
    contents = reader(path)
    if not contents.entries and not may_be_empty:
        raise DataError(f"{path}: the book is empty; add at least one option or holding")
    if not contents.underlying:
        raise DataError(f"{path}: an empty table names no underlying; write the empty book as TOML, with [book] alone")
    return contents


# --- a table a kind -----------------------------------------------------------------------------------------------


def _from_toml(path: Path) -> BookContents:
    return _from_tables(read_toml(path), path, "[{}]", "[[{}]]")


def _from_json(path: Path) -> BookContents:
    document = read_json(path)
    if isinstance(document, list) or (isinstance(document, Mapping) and "result" in document):
        raise _chain_instead(path)
    if not isinstance(document, Mapping):
        raise DataError(f'{path}: not an object; write {{"book": {{"underlying": "ETH"}}, "option": [...]}}')
    return _from_tables(document, path, '"{}"', '"{}"')


def _from_tables(document: Mapping[str, object], path: Path, section: str, table: str) -> BookContents:
    Entry(document, str(path)).require_known(("book", *KIND_KEYS))
    header, place = document.get("book"), section.format("book")
    if not isinstance(header, Mapping):
        raise DataError(f'{path}: section {place} is missing; add it with underlying = "ETH"')
    head = Entry(header, f"{path}: {place}")
    head.require_known(("underlying",))
    entries: list[tuple[str, Entry]] = []
    for kind, keys in KIND_KEYS.items():
        for entry in _tables(document, kind, path, table.format(kind)):
            entry.require_known(keys)
            entries.append((kind, entry))
    return BookContents(head.text("underlying"), tuple(entries))


def _tables(document: Mapping[str, object], kind: str, path: Path, head: str) -> list[Entry]:
    tables = document.get(kind, [])
    if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
        raise DataError(f"{path}: {kind} is not a list of tables; head each entry with [[{kind}]], or [...] in JSON")
    return [Entry(table, f"{path}: {head} {number}") for number, table in enumerate(tables, start=1)]


# --- a row a position ---------------------------------------------------------------------------------------------


def _from_csv(path: Path) -> BookContents:
    columns, entries = csv_entries(path)
    return _from_rows(columns, entries, path, f"{path}: line 1")


def _from_parquet(path: Path) -> BookContents:
    columns, entries = parquet_entries(path)
    return _from_rows(columns, entries, path, f"{path}: columns")


def _from_rows(columns: Sequence[str], rows: Sequence[Entry], path: Path, header: str) -> BookContents:
    if "instrument_name" in columns:
        raise _chain_instead(path)
    Entry(dict.fromkeys(columns), header).require_known(_ROW_KEYS)
    underlying, entries = "", []
    for row in rows:
        named = row.text("underlying")
        if underlying and named != underlying:
            raise DataError(
                f"{row.where}: underlying is {named!r} but above it is {underlying!r}; one book, one underlying"
            )
        underlying = named
        entries.append(_row_entry(row))
    return BookContents(underlying, tuple(entries))


def _row_entry(row: Entry) -> tuple[str, Entry]:
    written = row.text("type").lower()
    if written not in _ROW_KINDS:
        raise DataError(f"{row.where}: type is {written!r}; write one of {', '.join(_ROW_KINDS)}")
    kind, right = _ROW_KINDS[written]
    keys = KIND_KEYS[kind]
    for key in row.fields:
        if key not in ("underlying", "type", *keys) and row.has(key):
            raise DataError(f"{row.where}: {named_kind(kind)} has no {key}; leave that cell blank")
    fields = {key: row.fields[key] for key in keys if key in row.fields}
    if right:
        fields["type"] = right
    return kind, Entry(fields, row.where)


def _chain_instead(path: Path) -> DataError:
    return DataError(f"{path}: this is a chain of quotes, not a book; give a book, or value it with `evenkeel greeks`")


_READERS: dict[str, Callable[[Path], BookContents]] = {
    ".toml": _from_toml,
    ".csv": _from_csv,
    ".json": _from_json,
    ".parquet": _from_parquet,
}
"""Formats by file name."""
