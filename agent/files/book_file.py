"""Books of positions from TOML, CSV, JSON or Parquet, refused whole when one entry cannot be trusted.

The keeper hedges options and holdings (`load_book`); any kind can be valued (`load_portfolio`).
"""

from __future__ import annotations

import json
from pathlib import Path

from agent.domain import Book, OptionLeg
from agent.errors import DataError
from agent.files.book_contents import HEDGEABLE_KINDS, HOLDING, OPTION, named_kind, read_contents
from agent.files.book_kinds import holding_leg, option_leg, position
from agent.files.timestamps import iso_utc
from agent.products.portfolio import Portfolio
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
    contents = read_contents(path)
    for kind, entry in contents.entries:
        if kind not in HEDGEABLE_KINDS:
            raise DataError(
                f"{entry.where}: the keeper cannot hedge {named_kind(kind)} yet, only options and holdings; leave it "
                "out, or value the book with `evenkeel greeks`"
            )
    options = tuple(option_leg(entry, int(now_unix)) for entry in contents.of(OPTION))
    return Book(contents.underlying, options, tuple(holding_leg(entry) for entry in contents.of(HOLDING)))


def load_portfolio(path: Path, now_unix: Seconds | int) -> Portfolio:
    """Read a book of any kinds of positions, to be valued; arguments and errors as for `load_book`."""
    contents = read_contents(path)
    return Portfolio(
        contents.underlying, tuple(position(kind, entry, int(now_unix)) for kind, entry in contents.entries)
    )


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
