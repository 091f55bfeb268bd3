"""Books of positions from TOML, CSV, JSON or Parquet, refused whole when one entry cannot be trusted.

The keeper hedges options and holdings (`load_book`); any kind can be valued (`load_any_book`).
"""

from __future__ import annotations

import json
from pathlib import Path

from agent.domain import Book, OptionLeg
from agent.errors import DataError
from agent.files.book_contents import read_contents
from agent.files.book_kinds import position
from agent.formatting import iso_utc
from agent.products.registry import KINDS, not_hedgeable
from agent.units import Seconds


def load_book(path: Path, now_unix: Seconds | int) -> Book:
    """Read a book of options and holdings, as the keeper hedges it.

    Parameters
    ----------
    path
        ``.toml``, ``.csv``, ``.json`` or ``.parquet``; ``examples/`` shows the formats
    now_unix
        legs that expire at or before this instant are refused, Unix seconds

    Returns
    -------
    The book; quantities in underlying units, negative is short.

    Raises
    ------
    DataError : unreadable file, unknown or missing key, number out of range, expired leg, a kind that the keeper cannot
        hedge yet, or no entry at all.

    """
    return _hedged_book(path, int(now_unix))


def _hedged_book(path: Path, now_unix: int | None) -> Book:
    contents = read_contents(path, may_be_empty=now_unix is None)
    for kind, entry in contents.entries:
        if KINDS[kind].chain_source is None:
            raise DataError(not_hedgeable(entry.where, kind))
    entries = [(kind, entry) for kind in KINDS for entry in contents.of(kind)]
    return Book(contents.underlying, tuple(position(kind, entry, now_unix) for kind, entry in entries))


def load_kept_book(path: Path) -> Book:
    """Read a book as a keeper at work holds it: legs that have expired stay, at delta 0, and nothing may be left of it.

    What hedged them is unwound all the same. Arguments and errors otherwise as for `load_book`.
    """
    return _hedged_book(path, None)


def load_any_book(path: Path, now_unix: Seconds | int) -> Book:
    """Read a book of any kinds of positions, to be valued; arguments and errors as for `load_book`."""
    contents = read_contents(path)
    return Book(contents.underlying, tuple(position(kind, entry, int(now_unix)) for kind, entry in contents.entries))


def book_toml(book: Book) -> str:
    """Return a book of options and holdings as TOML that `load_book` reads back as the same book."""
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
