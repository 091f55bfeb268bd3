"""What a fit of smiles is punished for: leaving the quotes, negative densities, calendar spreads that pay the buyer.

Compiled pieces that the fits' kernels are made of. A residual and its derivatives are added to the normal equations at
once, as a short row of ``size`` derivatives from the column ``first`` of the expiry's parameters on.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from agent.numerics.arrays import FloatArray
from agent.numerics.compiled import inlined
from agent.vol.quotes import SliceTargets

DENSITY_MARGIN = 0.02
"""Durrleman's g a fit keeps on its grid, so that g stays positive between the grid's points."""
CALENDAR_MARGIN = 2e-4
"""Rise of total variance from expiry to expiry a fit keeps on its grid, relative to a first guess of the later one."""
_CALENDAR_UNIT = 0.01
"""Deficit of total variance, relative to that guess, that hurts as much as a g too low by 1."""
_CENTRE_SCALE = 3.0
"""Tolerances from the centre beyond which a quote loses its pull: from there on distances count as their logarithms."""
_EXCESS_SCALE = 0.2
"""Half spreads outside beyond which the same holds: leaving few quotes far is better than leaving many a little."""
_INNER_SHARE = 0.94
"""Share of the half spread a fit aims to stay inside of."""


class Weights(NamedTuple):
    """How much each wrong hurts."""

    centre: float
    """A tolerance away from the centre."""
    excess: float
    """A half spread outside bid and ask."""
    arbitrage: float
    """A g too low by 1, a total variance falling by 1 %."""


def quote_table(targets: SliceTargets) -> FloatArray:
    """Return the quotes as kernels read them, (6, n, q): k, low, high, centre, tolerance and half spread."""
    return np.stack(
        [
            targets.log_moneyness,
            targets.low,
            targets.high,
            targets.centre,
            targets.tolerance,
            targets.half_spread,
        ]
    )


@inlined
def add_row(
    gradient: FloatArray, block: FloatArray, row: FloatArray, first: int, size: int, residual: float, factor: float
) -> float:
    """Add a residual whose derivatives are ``factor`` times ``row``; return its square."""
    for i in range(size):
        derivative = factor * row[i]
        gradient[first + i] += derivative * residual
        for j in range(i + 1):
            block[first + i, first + j] += derivative * factor * row[j]
    return residual * residual


@inlined
def quote_residuals(
    w: float, quotes: FloatArray, n: int, q: int, centre_weight: float, excess_weight: float
) -> tuple[float, float, float, float]:
    """Return distance from the centre and excess over bid or ask, each followed by its derivative in w."""
    low, high, centre = quotes[1, n, q], quotes[2, n, q], quotes[3, n, q]
    tolerance, half_spread = quotes[4, n, q], quotes[5, n, q]
    distance = (w - centre) / tolerance / _CENTRE_SCALE
    inset = (1.0 - _INNER_SHARE) * half_spread
    excess = max(w - (high - inset), 0.0)
    if low > 0.0:
        excess += min(w - (low + inset), 0.0)
    excess /= half_spread * _EXCESS_SCALE
    return (
        centre_weight * _CENTRE_SCALE * math.asinh(distance),
        centre_weight / tolerance / math.sqrt(1.0 + distance * distance),
        excess_weight * _EXCESS_SCALE * math.asinh(excess),
        0.0 if excess == 0.0 else excess_weight / half_spread / math.sqrt(1.0 + excess * excess),
    )


@inlined
def density_shortfall(k: float, w: float, slope: float, curvature: float) -> tuple[float, float, float]:
    """Return how far Durrleman's g falls short of its margin, or 0, and g's derivatives in w and in the slope.

    Its derivative in the curvature is 1/2.
    """
    lean = 1.0 - 0.5 * k * slope / w
    per_w = 1.0 / w
    g = lean * lean - 0.25 * slope * slope * (per_w + 0.25) + 0.5 * curvature
    by_w = lean * k * slope * per_w * per_w + 0.25 * (slope * per_w) ** 2
    by_slope = -lean * k * per_w - 0.5 * slope * (per_w + 0.25)
    return max(DENSITY_MARGIN - g, 0.0), by_w, by_slope


@inlined
def calendar_shortfall(earlier: float, later: float, scale: float) -> float:
    """Return how far w falls short of the expiry before it, or 0, in its unit; its derivatives are -+1 over that unit.

    ``scale`` is a first guess of the later total variance, which margin and unit are relative to.
    """
    return max(earlier - later + CALENDAR_MARGIN * scale, 0.0) / (_CALENDAR_UNIT * scale)


@inlined
def calendar_factor(scale: float, weight: float) -> float:
    """Return the derivative of a calendar residual in the earlier total variance."""
    return weight / (_CALENDAR_UNIT * scale)


@inlined
def add_coupling(
    coupling: FloatArray,
    earlier: FloatArray,
    earlier_first: int,
    later: FloatArray,
    later_first: int,
    size: int,
    factor: float,
) -> None:
    """Add the product of a residual's derivatives in the earlier expiry and, negative, in the later one."""
    for i in range(size):
        for j in range(size):
            coupling[earlier_first + i, later_first + j] -= factor * earlier[i] * factor * later[j]
