"""Prices of a Uniswap v3 pool as Curie uses it: base is token0, quote is token1, both with 18 decimals."""

from __future__ import annotations

import math
from dataclasses import dataclass

from agent.units import WAD, Wad

Q96 = 2**96
TICK_BASE = 1.0001
"""Price ratio of one tick (Uniswap v3 whitepaper, eq. 6.1)."""
TICK_SPACING = 60
"""Of a pool with a fee of 0.3 %."""


@dataclass(frozen=True, slots=True)
class LiquidityRange:
    """One maker position: amounts in WAD, ticks on the pool's grid."""

    base: Wad
    quote: Wad
    lower_tick: int
    upper_tick: int


def sqrt_price_x96(price: Wad) -> int:
    """Square root of a price in the pool's format, rounded down."""
    return math.isqrt((price << 192) // WAD)


def price_from_sqrt_x96(sqrt_x96: int) -> float:
    """Price in USD, nearest float."""
    return float((sqrt_x96 / Q96) ** 2)


def ticks_between(sqrt_from_x96: int, sqrt_to_x96: int) -> float:
    """Signed distance of two prices in ticks: ln(to / from) / ln(1.0001)."""
    return 2.0 * math.log(sqrt_to_x96 / sqrt_from_x96) / math.log(TICK_BASE)


def tick_on_grid(price_usd: float) -> int:
    """Greatest usable tick whose price is at most ``price_usd``."""
    return math.floor(math.log(price_usd) / math.log(TICK_BASE) / TICK_SPACING) * TICK_SPACING


def liquidity_for_slippage(price_usd: float, size_underlying: float, slippage_ratio: float) -> float:
    """Liquidity at which selling ``size_underlying`` at once executes ``slippage_ratio`` below the price, fee excluded.

    A sale of q moves sqrt(P) to L sqrt(P) / (L + q sqrt(P)) and executes at the product of the two roots, so the
    slippage is q sqrt(P) / (L + q sqrt(P)); solved for L. Source: Uniswap v3 whitepaper, eq. 6.14 to 6.16.
    """
    return size_underlying * math.sqrt(price_usd) * (1.0 - slippage_ratio) / slippage_ratio


def range_for_liquidity(price_usd: float, low_usd: float, high_usd: float, liquidity: float) -> LiquidityRange:
    """Amounts that give ``liquidity`` between two prices around the current one (whitepaper, eq. 6.29 and 6.30)."""
    lower, upper = tick_on_grid(low_usd), tick_on_grid(high_usd)
    root, root_low, root_high = math.sqrt(price_usd), TICK_BASE ** (lower / 2), TICK_BASE ** (upper / 2)
    return LiquidityRange(
        base=Wad(int(liquidity * (1.0 / root - 1.0 / root_high) * WAD)),
        quote=Wad(int(liquidity * (root - root_low) * WAD)),
        lower_tick=lower,
        upper_tick=upper,
    )
