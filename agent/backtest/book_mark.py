"""What the book is worth at each step, through the expiry of its legs."""

from __future__ import annotations

from dataclasses import replace

from agent.domain import Book, OptionLeg, OptionType
from agent.risk.exposure import book_exposure
from agent.units import Seconds


class BookMark:
    """Mark a book to its model: Black-76 at each leg's volatility, and cash once a leg has expired.

    A leg is settled at its payoff at the first price seen at or after its expiry; from then on it is worth that cash.
    """

    def __init__(self, book: Book) -> None:
        self._book = book
        self._settled_usd: dict[int, float] = {}

    def value_usd(self, price_usd: float, at_unix: Seconds, iv_shift_annual: float = 0.0) -> float:
        """Return the value of the whole book, settled cash included; instants must not go back.

        ``iv_shift_annual`` is added to the volatility of every leg.
        """
        for number, leg in enumerate(self._book.options):
            if leg.expiry_unix <= at_unix and number not in self._settled_usd:
                self._settled_usd[number] = leg.quantity * payoff_usd(leg, price_usd)
        book = shifted_book(self._book, iv_shift_annual)
        alive_usd = book_exposure(book, price_usd, at_unix, hedge_size=0.0).book_value_usd
        return alive_usd + sum(self._settled_usd.values())


def shifted_book(book: Book, iv_shift_annual: float) -> Book:
    """Return the book with every option's volatility moved in parallel; the book itself where it does not move."""
    if iv_shift_annual == 0.0:
        return book
    positions = tuple(
        replace(leg, iv_annual=leg.iv_annual + iv_shift_annual) if isinstance(leg, OptionLeg) else leg
        for leg in book.positions
    )
    return replace(book, positions=positions)


def payoff_usd(leg: OptionLeg, price_usd: float) -> float:
    """Return the payoff of one contract at expiry, USD."""
    intrinsic = price_usd - leg.strike_usd if leg.option_type is OptionType.CALL else leg.strike_usd - price_usd
    return max(intrinsic, 0.0)
