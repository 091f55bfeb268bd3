"""The record every product answers with."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.float64]
FloatLike: TypeAlias = ArrayLike
BoolLike: TypeAlias = ArrayLike


@dataclass(frozen=True, slots=True)
class Greeks:
    """Value of one unit of a product and its derivatives, all float64 arrays of one shape.

    The price x is the product's own driver (spot or forward, in USD), t is calendar time, and V the value in the
    product's currency (USD, or coin for inverse products). Theta, charm and color are per YEAR of calendar time, vega
    and its relatives per 1.00 of annual volatility, rho per 1.00 of the annual rate.
    """

    value: FloatArray
    """V."""
    delta: FloatArray
    """dV/dx."""
    gamma: FloatArray
    """d2V/dx2."""
    vega: FloatArray
    """dV/dvol."""
    theta: FloatArray
    """dV/dt."""
    rho: FloatArray
    """dV/drate."""
    vanna: FloatArray
    """d2V/dx dvol."""
    volga: FloatArray
    """d2V/dvol2."""
    charm: FloatArray
    """d2V/dx dt."""
    speed: FloatArray
    """d3V/dx3."""
    zomma: FloatArray
    """d3V/dx2 dvol."""
    color: FloatArray
    """d3V/dx2 dt."""


GREEK_NAMES: tuple[str, ...] = tuple(field.name for field in fields(Greeks))
"""Names of the twelve outputs, in the order of the record."""
