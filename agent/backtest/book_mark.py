"""What the book is worth at each step, through the expiry of its legs."""

from __future__ import annotations

from dataclasses import replace

from agent.domain import Book, OptionLeg, OptionType
from agent.risk.exposure import book_exposure
from agent.units import Seconds, seconds_to_years
from agent.vol.iv_move import HELD, IvMove


class BookMark:
    """Mark a book to its model: Black-76 at each leg's volatility, and cash once a leg has expired.

    A leg is settled at its payoff at the first price seen at or after its expiry; from then on it is worth that cash.
    """

    def __init__(self, book: Book) -> None:
        self._book = book
        self._settled_usd: dict[int, float] = {}

    def value_usd(self, price_usd: float, at_unix: Seconds, iv_move: IvMove = HELD) -> float:
        """Return the value of the whole book, settled cash included; instants must not go back.

        ``iv_move`` tells what is added to the volatility of each leg.
        """
        for number, leg in enumerate(self._book.options):
            if leg.expiry_unix <= at_unix and number not in self._settled_usd:
                self._settled_usd[number] = leg.quantity * payoff_usd(leg, price_usd)
        book = moved_book(self._book, price_usd, at_unix, iv_move)
        alive_usd = book_exposure(book, price_usd, at_unix, hedge_size=0.0).book_value_usd
        return alive_usd + sum(self._settled_usd.values())


def moved_book(book: Book, price_usd: float, at_unix: Seconds, iv_move: IvMove) -> Book:
    """Return the book with each live option's volatility moved at a price; the book itself where nothing moves."""
    if iv_move.is_held:
        return book
    positions = tuple(
        replace(leg, iv_annual=moved_iv_annual(leg, price_usd, at_unix, iv_move))
        if isinstance(leg, OptionLeg) and leg.expiry_unix > at_unix
        else leg
        for leg in book.positions
    )
    return replace(book, positions=positions)


def moved_iv_annual(leg: OptionLeg, price_usd: float, at_unix: int, iv_move: IvMove) -> float:
    """Return a live option's own volatility, moved at a price."""
    tau_years = seconds_to_years(Seconds(leg.expiry_unix - at_unix))
    return leg.iv_annual + float(iv_move.of(leg.strike_usd, price_usd, tau_years))


def payoff_usd(leg: OptionLeg, price_usd: float) -> float:
    """Return the payoff of one contract at expiry, USD."""
    intrinsic = price_usd - leg.strike_usd if leg.option_type is OptionType.CALL else leg.strike_usd - price_usd
    return max(intrinsic, 0.0)
