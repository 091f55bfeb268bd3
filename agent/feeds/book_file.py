"""Books of options and holdings from TOML or CSV, refused whole when one entry cannot be trusted."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from agent.domain import Book, HoldingLeg, OptionLeg, OptionType
from agent.errors import DataError
from agent.feeds.entry import Entry, read_text, read_toml
from agent.feeds.instants import iso_utc
from agent.units import Seconds

MAX_IV_ANNUAL = 5.0
"""500 % a year: more is a percentage written as a number, or a typing error."""

_OPTION_KEYS = (
    "type",
    "strike_usd",
    "expiry",
    "quantity",
    "iv_annual",
    "iv_low_annual",
    "iv_high_annual",
    "label",
)
_HOLDING_KEYS = ("quantity", "label")
_CSV_COLUMNS = ("underlying", *_OPTION_KEYS)
_CSV_HOLDING = "holding"


def load_book(path: Path, now_unix: Seconds | int) -> Book:
    """Read a book from ``.toml`` or ``.csv``.

    Parameters
    ----------
    path
        the file; ``examples/`` shows both formats
    now_unix
        legs that expire at or before this instant are refused, Unix seconds

    Returns
    -------
    The book; quantities in underlying units, negative is short.

    Raises
    ------
    DataError : unreadable file, unknown or missing key, number out of range, expired leg, or no entry at all.

    """
    readers = {".toml": _from_toml, ".csv": _from_csv}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: {path.suffix or 'no extension'} is not a book format; use .toml or .csv")
    book = reader(path, int(now_unix))
    if not book.options and not book.holdings:
        raise DataError(f"{path}: the book is empty; add at least one option or holding")
    return book


def _from_toml(path: Path, now_unix: int) -> Book:
    document = read_toml(path)
    Entry(document, str(path)).require_known(("book", "option", "holding"))
    header = document.get("book")
    if not isinstance(header, Mapping):
        raise DataError(f'{path}: section [book] is missing; add [book] with underlying = "ETH"')
    head = Entry(header, f"{path}: [book]")
    head.require_known(("underlying",))
    options = tuple(_option(entry, _OPTION_KEYS, now_unix) for entry in _tables(document, "option", path))
    holdings = tuple(_holding(entry, _HOLDING_KEYS) for entry in _tables(document, "holding", path))
    return Book(head.text("underlying"), options, holdings)


def _tables(document: Mapping[str, object], name: str, path: Path) -> list[Entry]:
    tables = document.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
        raise DataError(f"{path}: {name} is not a list of tables; head each entry with [[{name}]]")
    return [Entry(table, f"{path}: [[{name}]] {number}") for number, table in enumerate(tables, start=1)]


def _from_csv(path: Path, now_unix: int) -> Book:
    entries = _csv_entries(path)
    options: list[OptionLeg] = []
    holdings: list[HoldingLeg] = []
    underlying = ""
    for entry in entries:
        named = entry.text("underlying")
        if underlying and named != underlying:
            raise DataError(
                f"{entry.where}: underlying is {named!r} but above it is {underlying!r}; one book, one underlying"
            )
        underlying = named
        if entry.text("type") == _CSV_HOLDING:
            _require_blank(entry, (key for key in _OPTION_KEYS if key not in ("type", *_HOLDING_KEYS)))
            holdings.append(_holding(entry, _CSV_COLUMNS))
        else:
            options.append(_option(entry, _CSV_COLUMNS, now_unix))
    return Book(underlying, tuple(options), tuple(holdings))


def _csv_entries(path: Path) -> list[Entry]:
    reader = csv.DictReader(read_text(path).splitlines(), skipinitialspace=True, strict=True)
    try:
        header = Entry({column.strip(): None for column in reader.fieldnames or ()}, f"{path}: line 1")
        header.require_known(_CSV_COLUMNS)
        entries = []
        for row in reader:
            where = f"{path}: line {reader.line_num}"
            if None in row or None in row.values():
                raise DataError(
                    f"{where}: the row has not the {len(reader.fieldnames or ())} cells of the header; mend it"
                )
            entries.append(Entry({key.strip(): cell.strip() for key, cell in row.items()}, where))
    except csv.Error as error:
        raise DataError(f"{path}: line {reader.line_num}: not CSV: {error}; mend that line") from None
    return entries


def _require_blank(entry: Entry, keys: Iterable[str]) -> None:
    for key in keys:
        if entry.has(key):
            raise DataError(f"{entry.where}: a holding has no {key}; leave that cell blank")


def _option(entry: Entry, known: tuple[str, ...], now_unix: int) -> OptionLeg:
    entry.require_known(known)
    option_type = _option_type(entry)
    strike_usd = entry.positive("strike_usd")
    expiry_unix = entry.instant("expiry")
    if expiry_unix <= now_unix:
        raise DataError(
            f"{entry.where}: expiry {iso_utc(expiry_unix)} is not after {iso_utc(now_unix)}; remove the expired leg"
        )
    iv_annual, iv_low_annual, iv_high_annual = _iv_interval(entry)
    plain_label = f"{iso_utc(expiry_unix)[:10]} {strike_usd:g} {option_type.value}"
    return OptionLeg(
        option_type=option_type,
        strike_usd=strike_usd,
        expiry_unix=expiry_unix,
        quantity=_quantity(entry),
        iv_annual=iv_annual,
        iv_low_annual=iv_low_annual,
        iv_high_annual=iv_high_annual,
        label=entry.text("label") if entry.has("label") else plain_label,
    )


def _holding(entry: Entry, known: tuple[str, ...]) -> HoldingLeg:
    entry.require_known(known)
    return HoldingLeg(_quantity(entry), entry.text("label") if entry.has("label") else "holding")


def _option_type(entry: Entry) -> OptionType:
    written = entry.text("type")
    try:
        return OptionType(written.lower())
    except ValueError:
        raise DataError(f"{entry.where}: type is {written!r}; write call or put") from None


def _quantity(entry: Entry) -> float:
    quantity = entry.number("quantity")
    if quantity == 0:
        raise DataError(f"{entry.where}: quantity is 0; remove the entry, or write a negative number for a short")
    return quantity


def _iv_interval(entry: Entry) -> tuple[float, float, float]:
    iv_annual, iv_low_annual, iv_high_annual = (
        entry.positive(key) for key in ("iv_annual", "iv_low_annual", "iv_high_annual")
    )
    if max(iv_annual, iv_high_annual) > MAX_IV_ANNUAL:
        raise DataError(f"{entry.where}: an iv is above {MAX_IV_ANNUAL:g} (500 % a year); write 0.65 for 65 %, not 65")
    if not iv_low_annual <= iv_annual <= iv_high_annual:
        raise DataError(
            f"{entry.where}: iv_annual {iv_annual:g} is outside [iv_low_annual {iv_low_annual:g}, "
            f"iv_high_annual {iv_high_annual:g}]; widen the interval"
        )
    return iv_annual, iv_low_annual, iv_high_annual


def book_toml(book: Book) -> str:
    """Return a book as TOML that `load_book` reads back as the same book."""
    parts = [_toml_table("[book]", underlying=book.underlying)]
    parts += [_option_toml(leg) for leg in book.options]
    parts += [_toml_table("[[holding]]", label=leg.label, quantity=leg.quantity) for leg in book.holdings]
    return "\n".join(parts)


def _option_toml(leg: OptionLeg) -> str:
    return _toml_table(
        "[[option]]",
        label=leg.label,
        type=leg.option_type.value,
        strike_usd=leg.strike_usd,
        expiry=iso_utc(leg.expiry_unix),
        quantity=leg.quantity,
        iv_annual=leg.iv_annual,
        iv_low_annual=leg.iv_low_annual,
        iv_high_annual=leg.iv_high_annual,
    )


def _toml_table(head: str, **fields: str | float) -> str:
    # A JSON string is a TOML basic string, and a Python float's shortest form is a TOML float.
    lines = [f"{key} = {json.dumps(value) if isinstance(value, str) else repr(value)}" for key, value in fields.items()]
    return "\n".join([head, *lines, ""])
