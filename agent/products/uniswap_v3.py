"""Liquidity of a Uniswap v3 position: short gamma inside its range, none outside."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from agent.products.greeks import Greeks, from_outputs
from agent.products.rows import NON_NEGATIVE, PRICE_USD, checked, require_ordered


def uniswap_v3_greeks(
    spot_usd: ArrayLike,
    lower_usd: ArrayLike,
    upper_usd: ArrayLike,
    liquidity: ArrayLike,
) -> Greeks:
    """Value the coin and the USD inside a concentrated-liquidity position, fees apart.

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
    root, root_lower, root_upper = np.sqrt(np.clip(spot, lower, upper)), np.sqrt(lower), np.sqrt(upper)
    coin = depth * (root_upper - root) / (root * root_upper)
    usd = depth * (root - root_lower)
    gamma = np.where((spot >= lower) & (spot < upper), -0.5 * depth / (spot * root), 0.0)
    return from_outputs(shape, value=coin * spot + usd, delta=coin, gamma=gamma, speed=-1.5 * gamma / spot)
