r"""What a book and an instrument gain when price and volatility move, to second order.

    gain = delta dS + gamma dS^2 / 2 + vega dvol + vanna dS dvol + volga dvol^2 / 2

dvol is the move of the implied vol of options with ``reference_years`` left; vols of other expiries move by
sqrt(reference / tau) times as much, short ones more, as they do in the market. Without a reference all move alike.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from agent.checks import require_finite
from agent.domain import Book
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.products.european import black76_greeks
from agent.risk.exposure import held_quantity, live_options
from agent.units import Seconds


class Factors(NamedTuple):
    """Sensitivities to (dS, dS^2/2, dvol, dS dvol, dvol^2/2), dS in USD and dvol with 1.00 = 100 vol points."""

    delta: float
    gamma_per_usd: float
    vega_usd_per_vol: float
    vanna_per_vol: float
    volga_usd_per_vol2: float


FACTOR_NAMES: tuple[str, ...] = ("delta", "gamma", "vega", "vanna", "volga")
ONE_UNDERLYING = Factors(1.0, 0.0, 0.0, 0.0, 0.0)
"""A perp, or the coin itself."""


def vol_weights(tau_years: ArrayLike, reference_years: float | None) -> FloatArray:
    """Return how much each expiry's vol moves for one dvol.

    Raises
    ------
    DataError
        ``reference_years`` is not positive.

    """
    tau = np.asarray(tau_years, dtype=np.float64)
    if reference_years is None:
        return np.ones_like(tau)
    if not require_finite(reference_years, "reference_years") > 0.0:
        raise DataError(f"reference_years is {reference_years}; expected a positive number, or None")
    return np.asarray(np.sqrt(reference_years / tau))


def book_factors(
    book: Book, spot_usd: float, at_unix: Seconds, hedge_size: float, reference_years: float | None = None
) -> Factors:
    """Add up the book's sensitivities and the hedge's, in the conventions of `agent.risk.exposure`.

    Raises
    ------
    DataError
        A number of the book is out of its domain, or neither book nor hedge holds anything.

    """
    if not book.positions and hedge_size == 0.0:
        raise DataError(f"book {book.underlying} holds nothing and neither does the hedge; give at least one position")
    legs = live_options(book, at_unix)
    held = require_finite(held_quantity(book) + hedge_size, "hedge_size")
    if legs.quantity.size == 0:
        return Factors(held, 0.0, 0.0, 0.0, 0.0)
    greeks = black76_greeks(legs.is_call, spot_usd, legs.strike_usd, legs.tau_years, legs.iv_annual)
    weights = vol_weights(legs.tau_years, reference_years)
    columns = (
        greeks.delta,
        greeks.gamma,
        greeks.vega * weights,
        greeks.vanna * weights,
        greeks.volga * weights * weights,
    )
    sums = [float(legs.quantity @ column) for column in columns]
    sums[0] += held
    return Factors(
        *(require_finite(total, f"{name} of the book") for name, total in zip(FACTOR_NAMES, sums, strict=True))
    )
