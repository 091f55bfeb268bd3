"""A book and its hedge at one moment, checked once and laid out for vector arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.checks import require_finite
from agent.domain import Book
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.rows import PRICE_USD, TAU_YEARS, VOL_ANNUAL, Domain, as_flags, checked
from agent.risk.exposure import LiveOptions, held_quantity, live_options
from agent.units import Seconds

QUANTITY = Domain(-1e100, 1e100, "a quantity from -1e100 to 1e100")
NO_OPTIONS = LiveOptions(np.empty(0, np.bool_), np.empty(0), np.empty(0), np.empty(0), np.empty(0))
"""Columns of a book that holds none."""


@dataclass(frozen=True, slots=True)
class Positions:
    """What is held at ``spot_usd``: options, the underlying itself, and a linear perp hedge.

    Options are valued as everywhere in `agent.risk`: Black-76, the spot as forward, r = 0. ``options`` are columns of
    one length, one row a leg, time left and all; ``holding_quantity`` and ``hedge_size`` are in underlying units, long
    positive; ``funding_rate_annual`` is what a long hedge pays, as a ratio of its notional.

    Raises
    ------
    DataError
        A number is not finite or outside its domain, naming row, field and value; or nothing is held at all.
    """

    options: LiveOptions
    spot_usd: float
    holding_quantity: float = 0.0
    hedge_size: float = 0.0
    funding_rate_annual: float = 0.0

    def __post_init__(self) -> None:
        checked(spot_usd=(self.spot_usd, PRICE_USD))
        for name in ("holding_quantity", "hedge_size", "funding_rate_annual"):
            require_finite(getattr(self, name), name)
        object.__setattr__(self, "options", checked_options(self.options))
        if self.options.quantity.size == 0 and self.holding_quantity == 0.0 and self.hedge_size == 0.0:
            raise DataError("the book is empty: no option, no holding and no hedge; give at least one position")

    @property
    def linear_quantity(self) -> float:
        """Holding and hedge together, underlying units."""
        return self.holding_quantity + self.hedge_size


def positions_of(
    book: Book, spot_usd: float, at_unix: Seconds, hedge_size: float, funding_rate_annual: float = 0.0
) -> Positions:
    """Lay out a book and its hedge at one price and time; expired options are gone, as in `book_exposure`.

    Raises
    ------
    DataError
        As for `Positions`, and for a bad leg of the book, named by its label.
    """
    return Positions(live_options(book, at_unix), spot_usd, held_quantity(book), hedge_size, funding_rate_annual)


def checked_options(options: LiveOptions) -> LiveOptions:
    """Return the columns as arrays of their own and of one length, every number in its domain, or raise `DataError`."""
    flags = as_flags("is_call", options.is_call)
    shape, (strike, tau, iv, quantity) = checked(
        strike_usd=(options.strike_usd, PRICE_USD),
        tau_years=(options.tau_years, TAU_YEARS),
        iv_annual=(options.iv_annual, VOL_ANNUAL),
        quantity=(options.quantity, QUANTITY),
    )
    if len(shape) != 1 or flags.shape != shape:
        raise DataError(
            f"options have shape {shape} and is_call {flags.shape}; give columns of one length, a leg a row"
        )
    columns: list[FloatArray] = [np.array(np.broadcast_to(column, shape)) for column in (strike, tau, iv, quantity)]
    return LiveOptions(flags, *columns)
