"""The record every product answers with, and the shorter one of those who need less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from agent.numerics.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class StandardGreeks:
    """Value of one unit of a product and the derivatives most desks look at, all float64 arrays of one shape.

    The price x is the product's own driver (spot or forward, in USD), t is calendar time, and V the value in the
    product's currency (USD, or coin for inverse products). Theta is per YEAR of calendar time, vega and its relatives
    per 1.00 of annual volatility, rho per 1.00 of the annual rate.
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


@dataclass(frozen=True, slots=True)
class Greeks(StandardGreeks):
    """The standard Greeks and the next four; charm and color are per YEAR of calendar time too."""

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
STANDARD_GREEK_NAMES: tuple[str, ...] = tuple(field.name for field in fields(StandardGreeks))
"""Names of the first eight of them."""


def combine(parts: Sequence[tuple[float, Greeks]]) -> Greeks:
    """Return the Greeks of a portfolio: the sum of quantity times Greeks over ``parts``, whose shapes broadcast."""
    return Greeks(*(_sum(name, parts) for name in GREEK_NAMES))


def _sum(name: str, parts: Sequence[tuple[float, Greeks]]) -> FloatArray:
    """Return one output of a portfolio."""
    quantity, first = parts[0]
    total: FloatArray = np.asarray(quantity * getattr(first, name))
    for quantity, greeks in parts[1:]:
        total = np.asarray(total + quantity * getattr(greeks, name))
    return total


def from_outputs(shape: tuple[int, ...], **outputs: FloatArray | float) -> Greeks:
    """Return Greeks of ``shape`` from the outputs that are not identically 0."""
    filled = {name: np.zeros(shape) for name in GREEK_NAMES}
    for name, output in outputs.items():
        filled[name] += output
    return Greeks(**filled)
