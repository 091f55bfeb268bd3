"""Value and Greeks of the book beside the hedge, at one price and one time.

Conventions are those of ``OptionBook``: Black-76 with the oracle price as forward, r = 0, ACT/365. An option whose
expiry has come (``at_unix >= expiry_unix``) has no delta, and its payoff is no longer carried: settling it is a cash
matter outside the hedge. One second before expiry it is an ordinary option.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.checks import require_finite
from agent.domain import Book, Exposure, HoldingLeg, OptionLeg, OptionType
from agent.errors import DataError
from agent.products.european import black76_standard_greeks
from agent.products.greeks import StandardGreeks
from agent.products.registry import not_hedgeable
from agent.units import SECONDS_PER_YEAR, Seconds


class _BookColumns(NamedTuple):
    """The book's options, one array a field, in the book's order, and the holdings added up."""

    is_call: NDArray[np.bool_]
    strike_usd: NDArray[np.float64]
    expiry_unix: NDArray[np.int64]
    quantity: NDArray[np.float64]
    iv_annual: NDArray[np.float64]
    held: float


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
    options = _option_sums(valued_options(book, at_unix, spot_usd))
    held = held_quantity(book)
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


class ValuedOptions(NamedTuple):
    """The live options of a book and the Greeks of one unit of each; to be read alone, for the arrays are shared."""

    legs: LiveOptions
    greeks: StandardGreeks


class _Valuation(NamedTuple):
    """An answer of `valued_options` and what it was asked."""

    book: Book
    at_unix: Seconds
    spot_usd: float
    answer: ValuedOptions


def live_options(book: Book, at_unix: Seconds) -> LiveOptions:
    """Return the book's options as columns for vector arithmetic; to be read alone, for the arrays are shared.

    Raises
    ------
    DataError
        A number of the book is not finite or out of its domain, or the chain cannot verify a position's delta.

    """
    columns = _columns(book)
    seconds_left = columns.expiry_unix - at_unix
    live = seconds_left > 0
    if live.all():
        tau_years = seconds_left / SECONDS_PER_YEAR
        return LiveOptions(columns.is_call, columns.strike_usd, tau_years, columns.iv_annual, columns.quantity)
    return LiveOptions(
        columns.is_call[live],
        columns.strike_usd[live],
        seconds_left[live] / SECONDS_PER_YEAR,
        columns.iv_annual[live],
        columns.quantity[live],
    )


def held_quantity(book: Book) -> float:
    """Return the holdings added up, underlying units; errors as for `live_options`."""
    return _columns(book).held


class _ValuationOfTheCycle:
    """Values each leg once a cycle, however many ask: the exposure and then the policy do."""

    def __init__(self) -> None:
        self._last: _Valuation | None = None

    def __call__(self, book: Book, at_unix: Seconds, spot_usd: float) -> ValuedOptions:
        last = self._last
        if last is not None and last.book is book and (last.at_unix, last.spot_usd) == (at_unix, spot_usd):
            return last.answer
        legs = live_options(book, at_unix)
        greeks = black76_standard_greeks(legs.is_call, spot_usd, legs.strike_usd, legs.tau_years, legs.iv_annual)
        answer = ValuedOptions(legs, greeks)
        self._last = _Valuation(book, at_unix, spot_usd, answer)
        return answer


_valuation_of_the_cycle = _ValuationOfTheCycle()


def valued_options(book: Book, at_unix: Seconds, spot_usd: float) -> ValuedOptions:
    """Return the live options of a book with their Greeks at one price and time.

    Raises
    ------
    DataError
        A number of the book, or the price, is not finite or out of its domain.

    """
    return _valuation_of_the_cycle(book, at_unix, spot_usd)


def _option_sums(valued: ValuedOptions) -> _OptionSums:
    quantity, greeks = valued.legs.quantity, valued.greeks
    if quantity.size == 0:
        return _OptionSums(0.0, 0.0, 0.0, 0.0, 0.0)
    per_greek = (greeks.value, greeks.delta, greeks.gamma, greeks.vega, greeks.theta)
    return _OptionSums(*(float(quantity @ greek) for greek in per_greek))


class _OncePerBook:
    """Lays out each book once. Books are frozen, so what is remembered cannot go stale.

    Books are told apart by identity: to hash a thousand legs takes longer than to value them. A book that is remembered
    is kept, so that no other can take its place in memory.
    """

    _REMEMBERED = 8

    def __init__(self, lay_out: Callable[[Book], _BookColumns]) -> None:
        self._lay_out = lay_out
        self._known: tuple[tuple[Book, _BookColumns], ...] = ()

    def __call__(self, book: Book) -> _BookColumns:
        for known, columns in self._known:
            if known is book:
                return columns
        columns = self._lay_out(book)
        self._known = ((book, columns), *self._known[: self._REMEMBERED - 1])
        return columns


@_OncePerBook
def _columns(book: Book) -> _BookColumns:
    """Check the book and lay it out for vector arithmetic."""
    options, holdings = book.options, book.holdings
    if len(options) + len(holdings) < len(book.positions):
        other = next(own for own in book.positions if not isinstance(own, OptionLeg | HoldingLeg))
        raise DataError(not_hedgeable(other.label, other.kind))
    for option in options:
        _require_positive(option.strike_usd, f"strike_usd of {option.label}")
        _require_positive(option.iv_annual, f"iv_annual of {option.label}")
        require_finite(option.quantity, f"quantity of {option.label}")
    for holding in holdings:
        require_finite(holding.quantity, f"quantity of {holding.label}")
    return _BookColumns(
        is_call=np.array([option.option_type is OptionType.CALL for option in options], dtype=np.bool_),
        strike_usd=np.array([option.strike_usd for option in options], dtype=np.float64),
        expiry_unix=np.array([option.expiry_unix for option in options], dtype=np.int64),
        quantity=np.array([option.quantity for option in options], dtype=np.float64),
        iv_annual=np.array([option.iv_annual for option in options], dtype=np.float64),
        held=sum(holding.quantity for holding in holdings),
    )


def _require_positive(number: float, name: str) -> None:
    require_finite(number, name)
    if number <= 0.0:
        raise DataError(f"{name} is {number}; expected a positive number")
