r"""A risk aversion in units of the book's own risk, so that one made for 100 options does not hedge 10,000.

A policy weighs variance by half of its risk aversion a, so 1 / a is the cost, USD, at which a standard deviation of as
much is worth half of it. What a book risks by being left alone is what its gamma does to the hedge: in a day the net
delta wanders by |Gamma| S sigma sqrt(day), and that loses against the price's own move

    R = |Gamma| S^2 sigma^2 day,

twice a day's theta. The suggestion is a = `AVERSION_OF_BOOK_RISK` / R: it falls as the book grows, as the widths of the
bands grow, so that the hedge is the same part of any book. Every leg counts by its size, not its sign, since legs that
cancel today do not tomorrow; a holding, whose delta stands still, counts as gamma of its size over the price.

Far from every strike R is next to nothing today and all of the book's risk is where the price may go: R is then
`LEAST_PART_OF_PEAK` of the largest that it has at a strike within a third to three times the price.
"""

from __future__ import annotations

import numpy as np

from agent.checks import require_positive
from agent.domain import Book
from agent.errors import DataError
from agent.risk.exposure import held_quantity, valued_options
from agent.units import DAYS_PER_YEAR, Seconds

AVERSION_OF_BOOK_RISK = 1.5
"""a R of the local chain's book, 100 calls at the money of 30 days at 60 %, at its risk aversion of 0.002 per USD."""

LEAST_PART_OF_PEAK = 0.1
_REACH = 3.0
"""Farthest strike that counts, as a ratio of the price or of its inverse."""


def suggest_risk_aversion(book: Book, spot_usd: float, at_unix: Seconds, holding_vol_annual: float) -> float:
    """Return `AVERSION_OF_BOOK_RISK` / R, per USD, with R = sum |n Gamma| S^2 sigma^2 day over the legs, or its least.

    Parameters
    ----------
    book
        What is hedged.
    spot_usd, at_unix
        Price and time at which it is valued.
    holding_vol_annual
        Volatility of what has none of its own.

    Raises
    ------
    DataError
        A number that is not positive, or a book in which nothing is at risk.

    """
    require_positive(spot_usd, "spot_usd")
    require_positive(holding_vol_annual, "holding_vol_annual")
    reached = [leg.strike_usd for leg in book.options if 1.0 / _REACH <= leg.strike_usd / spot_usd <= _REACH]
    risk_usd, *at_strikes = (
        _day_risk_usd(book, price_usd, at_unix, holding_vol_annual) for price_usd in (spot_usd, *sorted(set(reached)))
    )
    risk_usd = max(risk_usd, LEAST_PART_OF_PEAK * max(at_strikes, default=0.0))
    if not risk_usd > 0.0:
        raise DataError("the book has neither gamma nor holdings, so that no risk aversion can be told from it")
    return AVERSION_OF_BOOK_RISK / risk_usd


def _day_risk_usd(book: Book, price_usd: float, at_unix: Seconds, holding_vol_annual: float) -> float:
    legs, greeks = valued_options(book, at_unix, price_usd)
    options = float(np.sum(np.abs(legs.quantity * greeks.gamma) * (price_usd * legs.iv_annual) ** 2))
    held = abs(held_quantity(book)) * price_usd * holding_vol_annual**2
    return (options + held) / DAYS_PER_YEAR
