"""Implied volatility: the inverse of the European option formulas, with a reason for every row that has none."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.parallel import count_over_rows
from agent.numerics.rows import as_column, as_flags, as_floats, common_shape, row_label
from agent.vol.implied_kernel import MAX_STEPS, ImpliedVolStatus, implied_rows

__all__ = [
    "ImpliedVolStatus",
    "ImpliedVols",
    "black76_implied_vol",
    "black_scholes_implied_vol",
    "inverse_option_implied_vol",
]


@dataclass(frozen=True, slots=True)
class ImpliedVols:
    """Answer of an inversion, all arrays of one shape."""

    vol_annual: FloatArray
    """1.00 is 100 % a year; 0 at intrinsic, NaN where `status` says that there is none."""
    status: NDArray[np.uint8]
    """`ImpliedVolStatus` of each row."""
    price_usd: FloatArray
    """The prices asked about."""

    @property
    def is_ok(self) -> NDArray[np.bool_]:
        """Rows whose volatility reproduces the price."""
        return np.equal(self.status, ImpliedVolStatus.OK)

    def require(self) -> FloatArray:
        """Return the volatilities, or raise `DataError` for the first row that has none."""
        bad = np.flatnonzero(self.status > ImpliedVolStatus.AT_INTRINSIC)
        if bad.size:
            reason = ImpliedVolStatus(int(self.status.reshape(-1)[bad[0]])).name.lower().replace("_", " ")
            price = float(self.price_usd.reshape(-1)[bad[0]])
            row = row_label(int(bad[0]), self.status.shape)
            raise DataError(f"row {row}: price_usd {price} has no implied volatility: {reason}; leave the row out")
        return self.vol_annual


def black_scholes_implied_vol(
    is_call: ArrayLike,
    price_usd: ArrayLike,
    spot_usd: ArrayLike,
    strike_usd: ArrayLike,
    tau_years: ArrayLike,
    rate_annual: ArrayLike,
    dividend_annual: ArrayLike = 0.0,
) -> ImpliedVols:
    """Invert `agent.products.european.black_scholes_greeks` for the volatility.

    Parameters
    ----------
    is_call
        True a call, False a put.
    price_usd
        Price of one option, USD.
    spot_usd, strike_usd
        USD.
    tau_years
        Time left, years.
    rate_annual, dividend_annual
        Continuously compounded, a year. All inputs broadcast.

    Returns
    -------
    ImpliedVols
        A volatility a year and a status for every row; no row raises.

    Raises
    ------
    DataError
        For fields that are not numeric, rights that are not boolean, and shapes that do not broadcast.

    Notes
    -----
    The error is at most about four times 2**-52 (1 + price / (vol * vega)), that is what one unit in the last place of
    the price is worth, for |ln(F / K)| <= 230 and time values above 1e-300 of the leg that bounds them. In the money
    two things add to it: where ``rate_annual`` and ``dividend_annual`` differ, ln(F / K) = ln(S / K) + (r - q) tau has
    the error of its larger part; beyond |ln(F / K)| = 1/2 price is to be read as the sum of both discounted legs.

    Source: see `agent.vol.implied_kernel`.
    """
    fields = {"price_usd": price_usd, "spot_usd": spot_usd, "strike_usd": strike_usd, "tau_years": tau_years}
    return _implied(is_call, fields | {"rate_annual": rate_annual, "dividend_annual": dividend_annual})


def black76_implied_vol(
    is_call: ArrayLike,
    price_usd: ArrayLike,
    forward_usd: ArrayLike,
    strike_usd: ArrayLike,
    tau_years: ArrayLike,
    rate_annual: ArrayLike = 0.0,
) -> ImpliedVols:
    """Invert `agent.products.european.black76_greeks` for the volatility.

    Parameters
    ----------
    is_call
        True a call, False a put.
    price_usd
        Price of one option, USD; a coin price times the forward for an inverse option.
    forward_usd, strike_usd
        USD.
    tau_years
        Time left, years.
    rate_annual
        Discount rate, continuously compounded, a year. All inputs broadcast.

    Returns
    -------
    ImpliedVols
        As for `black_scholes_implied_vol`, of which this is the case of a dividend equal to the rate; errors too.
    """
    fields = {"price_usd": price_usd, "forward_usd": forward_usd, "strike_usd": strike_usd, "tau_years": tau_years}
    return _implied(is_call, fields | {"rate_annual": rate_annual})


def inverse_option_implied_vol(
    is_call: ArrayLike,
    price_coin: ArrayLike,
    forward_usd: ArrayLike,
    strike_usd: ArrayLike,
    tau_years: ArrayLike,
    coin_rate_annual: ArrayLike = 0.0,
) -> ImpliedVols:
    """Invert `agent.products.inverse_option.inverse_option_greeks` for the volatility: prices in coin, as Deribit's.

    Parameters
    ----------
    is_call
        True a call, False a put.
    price_coin
        Price of one option, coin.
    forward_usd, strike_usd
        USD.
    tau_years
        Time left, years.
    coin_rate_annual
        Continuously compounded, a year. All inputs broadcast.

    Returns
    -------
    ImpliedVols
        As for `black76_implied_vol` of the coin price times the forward, which `price_usd` of the answer holds.
    """
    forward = as_floats("forward_usd", forward_usd)
    price = as_floats("price_coin", price_coin)
    common_shape({"price_coin": price, "forward_usd": forward})
    with np.errstate(invalid="ignore", over="ignore"):  # a row without a number is answered by its status
        price_usd = price * forward
    return black76_implied_vol(is_call, price_usd, forward, strike_usd, tau_years, coin_rate_annual)


def _implied(is_call: ArrayLike, fields: dict[str, ArrayLike]) -> ImpliedVols:
    """Run the kernel; without a dividend among the fields the price is a forward and is carried at the rate."""
    flags = as_flags("is_call", is_call)
    numbers = {name: as_floats(name, field) for name, field in fields.items()}
    shape = common_shape({"is_call": flags, **numbers})
    columns = [as_column(array, shape) for array in numbers.values()]
    if "dividend_annual" not in numbers:
        columns.append(columns[-1])
    size = math.prod(shape)
    vols, statuses = np.empty(size), np.empty(size, dtype=np.uint8)
    rows, sides = implied_rows(), as_column(flags, shape)

    def run(first: int, last: int) -> int:
        rows(sides, *columns, MAX_STEPS, vols, statuses, first, last)
        return 0

    count_over_rows(run, size)
    prices = np.broadcast_to(numbers["price_usd"], shape)
    return ImpliedVols(vols.reshape(shape), statuses.reshape(shape), prices)
