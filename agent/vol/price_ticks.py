r"""The tick of printed prices: what a price was rounded to, told from the prices themselves.

A printed price p stands for every price in [p - tick / 2, p + tick / 2]. A file seldom says its tick, so it is read off
the prices: with d the most decimals any of them has, and at least those that the venue prints, every price is a whole
number of 10^-d. A coarser tick, of any size, is the greatest common divisor g of the whole numbers at or above a price:
venues round larger prices to coarser ticks, never to finer ones. Since n numbers chosen at random share a divisor of g
or more with a chance of about g^(1 - n), g counts where that chance is below 1 in 1000, and 10^-d does elsewhere.

Prices with more than 8 decimals were not rounded; their tick is 0.

Source: Deribit API v2.1, ``tick_size`` and ``tick_size_steps`` of ``public/get_instruments``: coin-settled options
trade in ticks of 0.0001 coin, of 0.0005 from 0.005 on. Marks are printed with 4 decimals (BTC) to 6 (ETH), USDC ones in
cents or finer.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agent.numerics.arrays import FloatArray

COIN_DECIMALS, USD_DECIMALS = 4, 2
"""Decimals that venues print at least: a file may have lost its trailing zeros."""
COARSEST_COIN_ORDER_TICK = 0.0005
"""An order is a promise at its exact price; only where a file's orders share a coarser tick did the file round them."""
_MOST_DECIMALS = 8
_RELATIVE_ROUNDING, _HIGHEST_WHOLE = 2e-15, 1e11
"""A price times 10^d is whole to this share of it, and is below this; both leave no room for chance."""
_HIGHEST_CHANCE = 1e-3


class ChainTicks(NamedTuple):
    """Ticks of a chain's prices in the currency of the prices, arrays of shape (rows,); 0 for an exact price."""

    bid: FloatArray
    ask: FloatArray
    mark: FloatArray


def printed_ticks(prices: FloatArray, least_decimals: int) -> FloatArray:
    """Return the tick of every price, 0 where the prices are exact or there is none.

    Parameters
    ----------
    prices
        Printed alike, in one currency, shape (rows,); NaN or 0 for no price.
    least_decimals
        Decimals the venue prints at least.

    Returns
    -------
    Ticks in the currency of the prices, shape (rows,); larger prices never have finer ones.
    """
    ticks = np.zeros(prices.shape)
    present = np.flatnonzero(np.nan_to_num(prices) > 0.0)
    if present.size == 0:
        return ticks
    distinct, place = np.unique(prices[present], return_inverse=True)
    for decimals in range(least_decimals, _MOST_DECIMALS + 1):
        scaled = distinct * 10.0**decimals
        whole = np.rint(scaled)
        if (np.abs(scaled - whole) <= _RELATIVE_ROUNDING * scaled).all() and scaled[-1] < _HIGHEST_WHOLE:
            ticks[present] = _shared_divisors(whole.astype(np.int64))[place] * 10.0**-decimals
            break
    return ticks


def _shared_divisors(whole: np.ndarray[tuple[int], np.dtype[np.int64]]) -> FloatArray:
    """Return the divisor that counts for each of the rising numbers, 1 where none does."""
    divisor = np.gcd.accumulate(whole[::-1])
    others = np.arange(whole.size)
    counts = others * np.log(divisor) >= -np.log(_HIGHEST_CHANCE)
    believed = np.where(counts, divisor, 1)
    return np.maximum.accumulate(believed[::-1]).astype(np.float64)


def chain_ticks(
    bid: FloatArray, ask: FloatArray, mark: FloatArray, forward_usd: FloatArray, *, is_coin: bool = True
) -> ChainTicks:
    """Return the ticks of a chain's prices, in coin or else in USD, each of shape (rows,).

    Prices that were printed in USD and divided by the forward have their tick in USD; it is looked for where there is
    none in coin.
    """
    if not is_coin:
        exact = np.zeros(mark.shape)
        return ChainTicks(exact, exact, printed_ticks(mark, USD_DECIMALS))
    orders = printed_ticks(np.concatenate([bid, ask]), COIN_DECIMALS)
    orders = np.where(orders > COARSEST_COIN_ORDER_TICK * (1.0 + _RELATIVE_ROUNDING), orders, 0.0)
    marks = printed_ticks(mark, COIN_DECIMALS)
    if not marks.any():
        marks = printed_ticks(mark * forward_usd, USD_DECIMALS) / forward_usd
    return ChainTicks(orders[: bid.size], orders[bid.size :], marks)
