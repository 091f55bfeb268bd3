"""Liquidity of a Uniswap v3 position: short gamma inside its range, none outside."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from agent.checks import require_whole
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.rows import NON_NEGATIVE, PRICE_USD, Domain, checked, require_ordered, row_label
from agent.products.greeks import Greeks, from_outputs
from agent.products.product import EntryField, Product

_LN_TICK_HIGH = float.fromhex("0x1.a368d06000000p-14")
"""ln 1.0001 to 29 bits: its product with any tick is exact."""
_LN_TICK_LOW = float.fromhex("0x1.600002c61c7bfp-44")
"""The rest of it."""
_DECIMALS_HIGHEST = 255  # of an ERC-20
_TICK = Domain(-887_272, 887_272, "a whole tick from -887272 to 887272")


def uniswap_v3_greeks(
    spot_usd: ArrayLike,
    lower_usd: ArrayLike,
    upper_usd: ArrayLike,
    liquidity: ArrayLike,
) -> Greeks:
    """Value the coin and the USD inside a concentrated-liquidity position; uncollected fees are not part of it.

    With P the price, Pa and Pb the ends of the range and p = P cut to the range, the position holds
    L (1 / sqrt p - 1 / sqrt Pb) coin and L (sqrt p - sqrt Pa) USD. Inside, delta = L (1 / sqrt P - 1 / sqrt Pb) and
    gamma = -L / (2 P^1.5); below, it is coin alone; above, USD alone.

    Parameters
    ----------
    spot_usd
        Pool price, USD per coin, > 0.
    lower_usd, upper_usd
        Range, USD per coin, 0 < lower < upper.
    liquidity
        L in sqrt(coin * USD), >= 0: the pool's integer over 10^((decimals0 + decimals1) / 2).

    Returns
    -------
    Greeks
        In USD, derivatives in the spot; gamma and speed jump at the ends, where the range includes its lower end only.

    Raises
    ------
    DataError
        For a row outside the domain, naming row, field and value.

    Notes
    -----
    Source: Adams et al., Uniswap v3 Core (2021), section 6.
    """
    shape, (spot, lower, upper, depth) = checked(
        spot_usd=(spot_usd, PRICE_USD),
        lower_usd=(lower_usd, PRICE_USD),
        upper_usd=(upper_usd, PRICE_USD),
        liquidity=(liquidity, NON_NEGATIVE),
    )
    require_ordered("lower_usd", lower, "upper_usd", upper, shape)
    inside = np.clip(spot, lower, upper)
    root, root_lower, root_upper = np.sqrt(inside), np.sqrt(lower), np.sqrt(upper)
    # Differences of roots by differences of prices, which keep their digits in a range of one tick too.
    coin = depth * (upper - inside) / ((root_upper + root) * root * root_upper)
    usd = depth * (inside - lower) / (root + root_lower)
    gamma = np.where((spot >= lower) & (spot < upper), -0.5 * depth / (spot * root), 0.0)
    return from_outputs(shape, value=coin * spot + usd, delta=coin, gamma=gamma, speed=-1.5 * gamma / spot)


def uniswap_v3_price_usd(tick: ArrayLike, coin_decimals: int, usd_decimals: int, *, coin_is_token0: bool) -> FloatArray:
    """Return the price of the coin at a tick.

    1.0001^tick is the smallest units of token1 per smallest unit of token0: the price itself, scaled by the decimals,
    where the coin is token0, and its inverse where the coin is token1 (USDC/WETH on mainnet).

    Parameters
    ----------
    tick
        Whole numbers, any shape.
    coin_decimals, usd_decimals
        Decimals of both tokens, such as 18 and 6.
    coin_is_token0
        Whether the coin's address is the lower one.

    Returns
    -------
    FloatArray
        USD per coin, of the shape of ``tick``.

    Raises
    ------
    DataError
        For a tick that is not whole or out of range, naming row, field and value, and for decimals that no token has.
    """
    return _price_usd("tick", tick, coin_decimals, usd_decimals, coin_is_token0)


def uniswap_v3_position_greeks(
    spot_usd: ArrayLike,
    tick_lower: ArrayLike,
    tick_upper: ArrayLike,
    liquidity_raw: ArrayLike,
    coin_decimals: int,
    usd_decimals: int,
    *,
    coin_is_token0: bool,
) -> Greeks:
    """Value a position as the chain stores it: ticks, an integer liquidity, and the coin on either side of the pool.

    Parameters
    ----------
    spot_usd
        Pool price, USD per coin, > 0.
    tick_lower, tick_upper
        Of the position, in the pool's own order; where the coin is token1 the lower tick is the upper price.
    liquidity_raw
        L as the pool stores it; all inputs up to here broadcast.
    coin_decimals, usd_decimals, coin_is_token0
        As for `uniswap_v3_price_usd`.

    Returns
    -------
    Greeks
        As for `uniswap_v3_greeks`; errors too.
    """
    at_lower = _price_usd("tick_lower", tick_lower, coin_decimals, usd_decimals, coin_is_token0)
    at_upper = _price_usd("tick_upper", tick_upper, coin_decimals, usd_decimals, coin_is_token0)
    shape, (lows, highs, depth) = checked(
        tick_lower=(tick_lower, _TICK), tick_upper=(tick_upper, _TICK), liquidity_raw=(liquidity_raw, NON_NEGATIVE)
    )
    require_ordered("tick_lower", lows, "tick_upper", highs, shape)
    ends = (at_lower, at_upper) if coin_is_token0 else (at_upper, at_lower)
    return uniswap_v3_greeks(spot_usd, *ends, depth / 10.0 ** (0.5 * (coin_decimals + usd_decimals)))


def _price_usd(name: str, tick: ArrayLike, coin_decimals: int, usd_decimals: int, coin_is_token0: bool) -> FloatArray:
    shape, (ticks,) = checked(**{name: (tick, _TICK)})
    fractional = ticks != np.floor(ticks)
    if fractional.any():
        row = int(np.argmax(fractional))
        raise DataError(
            f"row {row_label(row, shape)}: {name} is {ticks.reshape(-1)[row]}; expected {_TICK.description}"
        )
    for field, decimals in ("coin_decimals", coin_decimals), ("usd_decimals", usd_decimals):
        if require_whole(decimals, field, 0) > _DECIMALS_HIGHEST:
            raise DataError(f"{field} is {decimals}; expected a whole number up to {_DECIMALS_HIGHEST}")
    sign = 1.0 if coin_is_token0 else -1.0
    steps = sign * ticks
    ratio = np.exp(steps * _LN_TICK_HIGH) * (1.0 + np.expm1(steps * _LN_TICK_LOW))
    return np.asarray(ratio * 10.0 ** (coin_decimals - usd_decimals))


UNISWAP_V3_RANGE = Product(
    "uniswap_v3_range",
    uniswap_v3_greeks,
    {"spot_usd": 2_000.0, "lower_usd": 1_500.0, "upper_usd": 2_500.0, "liquidity": 1_000.0},
    entry=(EntryField("lower_usd"), EntryField("upper_usd"), EntryField("liquidity")),
    range_keys=("lower_usd", "upper_usd"),
    plain_label="Uniswap v3 {lower_usd:g} to {upper_usd:g}",
    default_quantity=1.0,
)
