"""Spot: the underlying itself."""

from __future__ import annotations

from numpy.typing import ArrayLike

from agent.numerics.rows import PRICE_USD, checked
from agent.products.greeks import Greeks, from_outputs
from agent.products.product import Product


def spot_greeks(spot_usd: ArrayLike) -> Greeks:
    """Value one unit of the underlying: V = S, delta 1, nothing else.

    Parameters
    ----------
    spot_usd
        USD, > 0, any shape.

    Returns
    -------
    Greeks
        In USD.

    Raises
    ------
    DataError
        For a row outside the domain, naming row, field and value.
    """
    shape, (spot,) = checked(spot_usd=(spot_usd, PRICE_USD))
    return from_outputs(shape, value=spot, delta=1.0)


SPOT = Product("spot", spot_greeks, {"spot_usd": 2_000.0}, plain_label="holding")
