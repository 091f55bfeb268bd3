"""Put a book on the chain: its options into `OptionBook`, its holdings checked against `TokenHoldings`."""

from __future__ import annotations

from typing import Any

from agent.domain import Book, OptionLeg, OptionType
from agent.errors import DataError
from agent.products.registry import KINDS, not_hedgeable
from agent.units import Rounding, Wad, to_wad

MAX_LEGS_PER_TRANSACTION = 50
"""Keeps a registration well inside a block's gas."""


def chain_leg(leg: OptionLeg) -> tuple[int, int, bool, int, int, int]:
    """Return a leg as `IOptionBook.OptionLeg`; the volatility interval rounds outward: it holds what the file holds."""
    return (
        to_wad(str(leg.strike_usd), Rounding.DOWN),
        int(leg.expiry_unix),
        leg.option_type is OptionType.CALL,
        to_wad(str(leg.quantity), Rounding.DOWN),
        to_wad(str(leg.iv_low_annual), Rounding.DOWN),
        to_wad(str(leg.iv_high_annual), Rounding.UP),
    )


def register_book(option_book: Any, token_holdings: Any, book: Book, deployer: Any | None) -> int:
    """Register the options that are not on the chain yet and return how many were added.

    ``deployer`` is None once the vault is handed over: then the governor alone changes the book.

    Raises
    ------
    DataError
        The chain holds other legs, the holder's balance is not what the book says, or no contract verifies a kind.
    """
    for position in book.positions:
        if KINDS[position.kind].chain_source is None:
            raise DataError(not_hedgeable(position.label, position.kind))
    _require_holdings(token_holdings, book)
    wanted = [chain_leg(leg) for leg in book.options]
    held = [tuple(option_book.leg(leg_id)) for leg_id in option_book.legIds()]
    if sorted(held) == sorted(wanted):
        return 0
    if held:
        raise DataError(
            f"OptionBook {option_book.address} already holds {len(held)} other legs; remove them by governance first"
        )
    if deployer is None:
        raise DataError(
            f"OptionBook {option_book.address} is handed over and empty; let the governor schedule addLegs on "
            "VaultAccess"
        )
    for start in range(0, len(wanted), MAX_LEGS_PER_TRANSACTION):
        option_book.addLegs(wanted[start : start + MAX_LEGS_PER_TRANSACTION], {"from": deployer})
    return len(wanted)


def holdings_of(book: Book) -> Wad:
    """Return what the book holds of the underlying."""
    return Wad(sum(to_wad(str(holding.quantity), Rounding.DOWN) for holding in book.holdings))


def _require_holdings(token_holdings: Any, book: Book) -> None:
    low, high = token_holdings.deltaInterval(0)
    expected = holdings_of(book)
    if not low <= expected <= high:
        raise DataError(
            f"the book's holdings add up to {expected} wei of the underlying, but {token_holdings.holder()} holds "
            f"{low}; mend the book's [[holding]] entries or move the tokens"
        )
