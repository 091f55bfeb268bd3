"""Value and Greeks of the book beside the hedge, at one price and one time.

Conventions are those of ``OptionBook``: Black-76 with the oracle price as forward, r = 0, ACT/365. An option whose
expiry has come (``at_unix >= expiry_unix``) has no delta, and its payoff is no longer carried: settling it is a cash
matter outside the hedge. One second before expiry it is an ordinary option.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.domain import Book, Exposure, OptionType
from agent.errors import DataError
from agent.products.european import black76_greeks
from agent.units import SECONDS_PER_YEAR, Seconds, require_finite


class _OptionColumns(NamedTuple):
    """The book's options, one array a field, in the book's order."""

    is_call: NDArray[np.bool_]
    strike_usd: NDArray[np.float64]
    expiry_unix: NDArray[np.int64]
    quantity: NDArray[np.float64]
    iv_annual: NDArray[np.float64]


class _OptionSums(NamedTuple):
    """Quantity-weighted sums over the live options of a book."""

    value_usd: float
    delta: float
    gamma_per_usd: float
    vega_usd_per_vol: float
    theta_usd_per_year: float


def book_exposure(book: Book, spot_usd: float, at_unix: Seconds, hedge_size: float) -> Exposure:
    """Value the book and add up its Greeks.

    Parameters
    ----------
    book
        Options and holdings of one underlying.
    spot_usd
        Oracle price, used as the forward, USD per underlying unit.
    at_unix
        Time of valuation, Unix seconds.
    hedge_size
        Filled size of the hedge, underlying units; long is positive.

    Raises
    ------
    DataError
        A number of the book is not finite or out of its domain, or a sum is not finite; the message names it.

    """
    require_finite(spot_usd, "spot_usd")
    if spot_usd <= 0.0:
        raise DataError(f"spot_usd is {spot_usd}; expected a positive price")
    require_finite(hedge_size, "hedge_size")
    options = _option_sums(live_options(book, at_unix), spot_usd)
    held = sum(holding.quantity for holding in book.holdings)
    return Exposure(
        spot_usd=spot_usd,
        book_delta=require_finite(options.delta + held, "book_delta"),
        book_gamma_per_usd=require_finite(options.gamma_per_usd, "book_gamma_per_usd"),
        book_vega_usd_per_vol=require_finite(options.vega_usd_per_vol, "book_vega_usd_per_vol"),
        book_theta_usd_per_year=require_finite(options.theta_usd_per_year, "book_theta_usd_per_year"),
        book_value_usd=require_finite(options.value_usd + held * spot_usd, "book_value_usd"),
        hedge_size=hedge_size,
        book=book,
        at_unix=at_unix,
    )


class LiveOptions(NamedTuple):
    """The options of a book that have not expired, one array a field, in the book's order."""

    is_call: NDArray[np.bool_]
    strike_usd: NDArray[np.float64]
    tau_years: NDArray[np.float64]
    iv_annual: NDArray[np.float64]
    quantity: NDArray[np.float64]


def live_options(book: Book, at_unix: Seconds) -> LiveOptions:
    """Return the book's options as columns for vector arithmetic.

    Raises
    ------
    DataError
        A number of the book is not finite or out of its domain.

    """
    columns = _columns(book)
    live = columns.expiry_unix > at_unix
    tau_years = (columns.expiry_unix[live] - at_unix) / SECONDS_PER_YEAR
    return LiveOptions(
        columns.is_call[live], columns.strike_usd[live], tau_years, columns.iv_annual[live], columns.quantity[live]
    )


def _option_sums(options: LiveOptions, spot_usd: float) -> _OptionSums:
    if options.quantity.size == 0:
        return _OptionSums(0.0, 0.0, 0.0, 0.0, 0.0)
    greeks = black76_greeks(options.is_call, spot_usd, options.strike_usd, options.tau_years, options.iv_annual)
    per_greek = (greeks.value, greeks.delta, greeks.gamma, greeks.vega, greeks.theta)
    return _OptionSums(*(float(options.quantity @ greek) for greek in per_greek))


@lru_cache(maxsize=8)
def _columns(book: Book) -> _OptionColumns:
    """Check the book once and lay it out for vector arithmetic; books are frozen, so the cache cannot go stale."""
    for option in book.options:
        _require_positive(option.strike_usd, f"strike_usd of {option.label}")
        _require_positive(option.iv_annual, f"iv_annual of {option.label}")
        require_finite(option.quantity, f"quantity of {option.label}")
    for holding in book.holdings:
        require_finite(holding.quantity, f"quantity of {holding.label}")
    options = book.options
    return _OptionColumns(
        is_call=np.array([option.option_type is OptionType.CALL for option in options], dtype=np.bool_),
        strike_usd=np.array([option.strike_usd for option in options], dtype=np.float64),
        expiry_unix=np.array([option.expiry_unix for option in options], dtype=np.int64),
        quantity=np.array([option.quantity for option in options], dtype=np.float64),
        iv_annual=np.array([option.iv_annual for option in options], dtype=np.float64),
    )


def _require_positive(number: float, name: str) -> None:
    require_finite(number, name)
    if number <= 0.0:
        raise DataError(f"{name} is {number}; expected a positive number")
