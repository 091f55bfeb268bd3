"""A book as a deployment puts it on the chain: its options as `OptionBook` takes them, its holdings as they must be."""

from __future__ import annotations

from agent.deploy.blueprint import ChainLeg
from agent.domain import Book, OptionLeg, OptionType
from agent.errors import DataError
from agent.products.registry import KINDS, not_hedgeable
from agent.units import Rounding, Wad, to_wad


def chain_leg(leg: OptionLeg) -> ChainLeg:
    """Return a leg as `IOptionBook.OptionLeg`; the volatility interval rounds outward: it holds what the file holds."""
    return (
        to_wad(str(leg.strike_usd), Rounding.DOWN),
        int(leg.expiry_unix),
        leg.option_type is OptionType.CALL,
        to_wad(str(leg.quantity), Rounding.DOWN),
        to_wad(str(leg.iv_low_annual), Rounding.DOWN),
        to_wad(str(leg.iv_high_annual), Rounding.UP),
    )


def chain_legs(book: Book) -> tuple[ChainLeg, ...]:
    """Return all options of a book; `DataError` for a position that no contract verifies."""
    for position in book.positions:
        if KINDS[position.kind].chain_source is None:
            raise DataError(not_hedgeable(position.label, position.kind))
    return tuple(chain_leg(leg) for leg in book.options)


def holdings_of(book: Book) -> Wad:
    """Return what the book holds of the underlying."""
    return Wad(sum(to_wad(str(holding.quantity), Rounding.DOWN) for holding in book.holdings))
