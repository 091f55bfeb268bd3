"""What the book is worth at each step, through the expiry of its legs."""

from __future__ import annotations

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

    def value_usd(self, price_usd: float, at_unix: Seconds) -> float:
        """Return the value of the whole book, settled cash included; instants must not go back."""
        for number, leg in enumerate(self._book.options):
            if leg.expiry_unix <= at_unix and number not in self._settled_usd:
                self._settled_usd[number] = leg.quantity * payoff_usd(leg, price_usd)
        alive_usd = book_exposure(self._book, price_usd, at_unix, hedge_size=0.0).book_value_usd
        return alive_usd + sum(self._settled_usd.values())


def payoff_usd(leg: OptionLeg, price_usd: float) -> float:
    """Return the payoff of one contract at expiry, USD."""
    intrinsic = price_usd - leg.strike_usd if leg.option_type is OptionType.CALL else leg.strike_usd - price_usd
    return max(intrinsic, 0.0)
