"""Quotes given as prices, turned into implied vols with a reason for every one that has none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.rows import Domain, as_flags, as_floats, common_shape, require_domain
from agent.numerics.series import FINITE, POSITIVE
from agent.vol.implied import ImpliedVolStatus, black76_implied_vol
from agent.vol.quotes import ChainQuotes, chain_quotes

_PRICE = Domain(0.0, FINITE.highest, "a finite number >= 0, or NaN for no quote")


@dataclass(frozen=True, slots=True)
class PriceQuotes:
    """Quotes as vols, and why a price has none: arrays of `ImpliedVolStatus`, shape (rows,)."""

    quotes: ChainQuotes
    bid_status: NDArray[np.uint8]
    """A bid at or below intrinsic value is common: it bounds nothing, as no bid."""
    ask_status: NDArray[np.uint8]
    """An ask below intrinsic value is stale or quoted off another forward; it counts as no ask."""
    mark_status: NDArray[np.uint8]


def chain_quotes_of_prices(
    is_call: ArrayLike,
    forward_usd: ArrayLike,
    strike_usd: ArrayLike,
    tau_years: ArrayLike,
    bid_usd: ArrayLike,
    ask_usd: ArrayLike,
    mark_usd: ArrayLike = np.nan,
    rate_annual: ArrayLike = 0.0,
) -> PriceQuotes:
    """Check quotes given as prices and invert them.

    Parameters
    ----------
    is_call
        Booleans; True is a call. All shapes broadcast to (rows,).
    forward_usd, strike_usd, tau_years
        Forward of the row's expiry, strike and time to expiry, all positive.
    bid_usd, ask_usd, mark_usd
        Prices of one option; NaN or 0 where there is no such quote. A coin-settled price times the forward is its price
        in USD.
    rate_annual
        Continuously compounded rate at which prices are discounted.

    Raises
    ------
    DataError
        Naming row, field and value: a number out of range, an expired row, a bid above its ask; or no quote at all.
    """
    flags = as_flags("is_call", is_call)
    parts = {
        "forward_usd": as_floats("forward_usd", forward_usd),
        "strike_usd": as_floats("strike_usd", strike_usd),
        "tau_years": as_floats("tau_years", tau_years),
        "rate_annual": as_floats("rate_annual", rate_annual),
    }
    prices = {
        "bid_usd": as_floats("bid_usd", bid_usd),
        "ask_usd": as_floats("ask_usd", ask_usd),
        "mark_usd": as_floats("mark_usd", mark_usd),
    }
    shape = common_shape({"is_call": flags, **parts, **prices})
    for name, numbers in parts.items():
        require_domain(name, numbers, FINITE if name == "rate_annual" else POSITIVE, shape)
    for name, numbers in prices.items():
        require_domain(name, np.where(np.isnan(numbers), 0.0, numbers), _PRICE, shape)
    _require_uncrossed(np.broadcast_to(prices["bid_usd"], shape), np.broadcast_to(prices["ask_usd"], shape))
    inverted = {name: _vols(flags, numbers, parts, shape) for name, numbers in prices.items()}
    vols, statuses = zip(*inverted.values(), strict=True)
    quotes = chain_quotes(parts["forward_usd"], parts["strike_usd"], parts["tau_years"], *vols)
    return PriceQuotes(quotes, *statuses)


def _require_uncrossed(bid: FloatArray, ask: FloatArray) -> None:
    crossed = bid > np.where(ask > 0.0, ask, np.inf)
    if crossed.any():
        row = int(np.argmax(crossed))
        raise DataError(f"row {row}: bid_usd is {bid.flat[row]}, above ask_usd {ask.flat[row]}; drop the crossed quote")


def _vols(
    is_call: NDArray[np.bool_], price_usd: FloatArray, parts: dict[str, FloatArray], shape: tuple[int, ...]
) -> tuple[FloatArray, NDArray[np.uint8]]:
    """Return vols, NaN where there is none, and the statuses."""
    implied = black76_implied_vol(
        is_call,
        np.where(price_usd > 0.0, price_usd, np.nan),
        parts["forward_usd"],
        parts["strike_usd"],
        parts["tau_years"],
        parts["rate_annual"],
    )
    has_vol = np.equal(implied.status, ImpliedVolStatus.OK) & (implied.vol_annual > 0.0)
    return np.broadcast_to(np.where(has_vol, implied.vol_annual, np.nan), shape), np.broadcast_to(implied.status, shape)
