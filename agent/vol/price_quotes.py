"""Quotes given as prices, turned into intervals of implied vol with a reason for every one that has none."""

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
_TICK = Domain(0.0, FINITE.highest, "a finite number >= 0")
_SIDES = ("bid", "ask", "mark")
WIDEST_TELLING_INTERVAL = 0.05
"""Half the width of a price's interval over its vol, above which a surface drawn through many prices tells more."""


@dataclass(frozen=True, slots=True)
class PriceVols:
    """What the prices of one side say of volatility: arrays of shape (rows,), annual, 1.0 = 100 %.

    A price printed in ticks stands for every price within half a tick, and so for an interval of vols.
    """

    vol_annual: FloatArray
    """Of the price as printed; NaN where it has none, and where its interval reaches a bound of the price."""
    low_annual: FloatArray
    """Of the price less half a tick; 0 where that is at or below intrinsic value."""
    high_annual: FloatArray
    """Of the price and half a tick; infinite where no vol gives so high a price. NaN, both, where no vol will do."""
    status: NDArray[np.uint8]
    """`ImpliedVolStatus` of the price as printed."""

    @property
    def tells_vol(self) -> NDArray[np.bool_]:
        """Rows whose interval is narrow enough to speak of one vol."""
        width = self.high_annual - self.low_annual
        return np.isfinite(self.vol_annual) & (width <= 2.0 * WIDEST_TELLING_INTERVAL * self.vol_annual)


@dataclass(frozen=True, slots=True)
class PriceQuotes:
    """Quotes as vols, side by side."""

    quotes: ChainQuotes
    bid: PriceVols
    """A bid at or below intrinsic value is common: it bounds nothing, as no bid."""
    ask: PriceVols
    """An ask below intrinsic value is stale or quoted off another forward; it counts as no ask."""
    mark: PriceVols
    """Its interval is cut to bid and ask where they meet."""


def chain_quotes_of_prices(
    is_call: ArrayLike,
    forward_usd: ArrayLike,
    strike_usd: ArrayLike,
    tau_years: ArrayLike,
    bid_usd: ArrayLike,
    ask_usd: ArrayLike,
    mark_usd: ArrayLike = np.nan,
    rate_annual: ArrayLike = 0.0,
    *,
    bid_tick_usd: ArrayLike = 0.0,
    ask_tick_usd: ArrayLike = 0.0,
    mark_tick_usd: ArrayLike = 0.0,
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
    bid_tick_usd, ask_tick_usd, mark_tick_usd
        What the prices were rounded to; 0 for exact ones. See `agent.vol.price_ticks`.

    Raises
    ------
    DataError
        Naming row, field and value: a number out of range, an expired row, a bid above its ask; or no quote at all.

    Notes
    -----
    With C(vol) the price, rising in vol, a price p of tick t says vol in [C^-1(p - t/2), C^-1(p + t/2)]; where p - t/2
    is at or below intrinsic value the interval begins at 0. The quotes to fit hold the outer ends of bid and ask.
    """
    flags = as_flags("is_call", is_call)
    parts = {
        "forward_usd": as_floats("forward_usd", forward_usd),
        "strike_usd": as_floats("strike_usd", strike_usd),
        "tau_years": as_floats("tau_years", tau_years),
        "rate_annual": as_floats("rate_annual", rate_annual),
    }
    prices = {f"{side}_usd": as_floats(f"{side}_usd", price) for side, price in _by_side(bid_usd, ask_usd, mark_usd)}
    ticks = {
        f"{side}_tick_usd": as_floats(f"{side}_tick_usd", tick)
        for side, tick in _by_side(bid_tick_usd, ask_tick_usd, mark_tick_usd)
    }
    shape = common_shape({"is_call": flags, **parts, **prices, **ticks})
    for name, numbers in parts.items():
        require_domain(name, numbers, FINITE if name == "rate_annual" else POSITIVE, shape)
    for name, numbers in prices.items():
        require_domain(name, np.where(np.isnan(numbers), 0.0, numbers), _PRICE, shape)
    for name, numbers in ticks.items():
        require_domain(name, numbers, _TICK, shape)
    _require_uncrossed(np.broadcast_to(prices["bid_usd"], shape), np.broadcast_to(prices["ask_usd"], shape))
    bid, ask, mark = (_vols(flags, prices[f"{side}_usd"], ticks[f"{side}_tick_usd"], parts, shape) for side in _SIDES)
    mark = _cut(mark, bid, ask)
    quotes = chain_quotes(
        parts["forward_usd"],
        parts["strike_usd"],
        parts["tau_years"],
        np.where(bid.low_annual > 0.0, bid.low_annual, np.nan),
        np.where(np.isfinite(ask.high_annual), ask.high_annual, np.nan),
        mark.vol_annual,
        mark.low_annual,
        mark.high_annual,
    )
    return PriceQuotes(quotes, bid, ask, mark)


def _by_side(bid: ArrayLike, ask: ArrayLike, mark: ArrayLike) -> zip[tuple[str, ArrayLike]]:
    return zip(_SIDES, (bid, ask, mark), strict=True)


def _require_uncrossed(bid: FloatArray, ask: FloatArray) -> None:
    crossed = bid > np.where(ask > 0.0, ask, np.inf)
    if crossed.any():
        row = int(np.argmax(crossed))
        raise DataError(f"row {row}: bid_usd is {bid.flat[row]}, above ask_usd {ask.flat[row]}; drop the crossed quote")


def _vols(
    is_call: NDArray[np.bool_],
    price_usd: FloatArray,
    tick_usd: FloatArray,
    parts: dict[str, FloatArray],
    shape: tuple[int, ...],
) -> PriceVols:
    """Return the vols of one side's prices and of the ends of their ticks."""
    price = np.where(price_usd > 0.0, price_usd, np.nan)

    def inverse(asked: FloatArray) -> tuple[FloatArray, NDArray[np.uint8]]:
        implied = black76_implied_vol(is_call, asked, *parts.values())
        has_vol = np.equal(implied.status, ImpliedVolStatus.OK) & (implied.vol_annual > 0.0)
        vol = np.broadcast_to(np.where(has_vol, implied.vol_annual, np.nan), shape)
        return vol, np.broadcast_to(implied.status, shape)

    vol, status = inverse(price)
    if not np.any(tick_usd > 0.0):
        return PriceVols(vol, vol, vol, status)
    low, low_status = inverse(np.maximum(price - 0.5 * tick_usd, 0.0))
    high, high_status = inverse(price + 0.5 * tick_usd)
    low_is_open = np.isnan(low) & ~np.equal(low_status, ImpliedVolStatus.ABOVE_BOUND)
    high_is_open = np.equal(high_status, ImpliedVolStatus.ABOVE_BOUND)
    has_interval = (low_is_open | np.isfinite(low)) & (high_is_open | np.isfinite(high))
    is_exact = np.broadcast_to(tick_usd == 0.0, shape)
    has_vol = is_exact | has_interval & ~low_is_open & ~high_is_open
    low, high = np.where(low_is_open, 0.0, low), np.where(high_is_open, np.inf, high)
    return PriceVols(
        np.where(has_vol, vol, np.nan),
        np.where(is_exact, vol, np.where(has_interval, low, np.nan)),
        np.where(is_exact, vol, np.where(has_interval, high, np.nan)),
        status,
    )


def _cut(mark: PriceVols, bid: PriceVols, ask: PriceVols) -> PriceVols:
    """Return marks whose intervals are cut to bid and ask, left alone where they do not meet them."""
    low, high = np.fmax(mark.low_annual, bid.low_annual), np.fmin(mark.high_annual, ask.high_annual)
    meets = np.isfinite(mark.low_annual) & (low < high) & (mark.low_annual < mark.high_annual)
    return PriceVols(
        np.where(meets, np.clip(mark.vol_annual, low, high), mark.vol_annual),
        np.where(meets, low, mark.low_annual),
        np.where(meets, high, mark.high_annual),
        mark.status,
    )
