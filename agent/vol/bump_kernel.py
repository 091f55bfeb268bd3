"""Normal equations of the corrections of many slices at once; a point meets only the four splines around it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from agent.numerics.arrays import FloatArray
from agent.numerics.compiled import code_stamp, inlined, kernel
from agent.vol.bumps import PIECES
from agent.vol.penalties import (
    add_coupling,
    add_row,
    calendar_factor,
    calendar_shortfall,
    density_shortfall,
    quote_residuals,
)

WEIGHTS_AT = 3
"""Rows of a place: w, w' and w'' of the slice, then the values, slopes and curvatures of the four splines there."""
PLACE = WEIGHTS_AT + 3 * PIECES


@inlined
def _sum_at(place: FloatArray, derivative: int, coefficients: FloatArray, first: int) -> float:
    """Return w (or w', w'') of the corrected slice at a place."""
    total = place[derivative]
    for i in range(PIECES):
        total += place[WEIGHTS_AT + derivative * PIECES + i] * coefficients[first + i]
    return float(total)


@inlined
def _add_quotes(
    places: FloatArray,
    firsts: NDArray[np.int64],
    quotes: FloatArray,
    n: int,
    count: int,
    weights: FloatArray,
    coefficients: FloatArray,
    gradient: FloatArray,
    block: FloatArray,
) -> float:
    cost = 0.0
    for q in range(count):
        place, first = places[q], firsts[q]
        row = place[WEIGHTS_AT : WEIGHTS_AT + PIECES]
        w = _sum_at(place, 0, coefficients, first)
        pull, pull_factor, push, push_factor = quote_residuals(w, quotes, n, q, weights[0], weights[1])
        cost += add_row(gradient, block, row, first, PIECES, pull, pull_factor)
        if push_factor != 0.0:
            cost += add_row(gradient, block, row, first, PIECES, push, push_factor)
    return cost


@inlined
def _add_density(
    places: FloatArray,
    firsts: NDArray[np.int64],
    grid: FloatArray,
    weight: float,
    coefficients: FloatArray,
    gradient: FloatArray,
    block: FloatArray,
    row: FloatArray,
) -> float:
    cost = 0.0
    for g in range(grid.size):
        place, first = places[g], firsts[g]
        w, slope = _sum_at(place, 0, coefficients, first), _sum_at(place, 1, coefficients, first)
        curvature = _sum_at(place, 2, coefficients, first)
        short, by_w, by_slope = density_shortfall(grid[g], w, slope, curvature)
        if short > 0.0:
            for i in range(PIECES):
                at = WEIGHTS_AT + i
                row[i] = by_w * place[at] + by_slope * place[at + PIECES] + 0.5 * place[at + 2 * PIECES]
            cost += add_row(gradient, block, row, first, PIECES, weight * short, -weight)
    return cost


@inlined
def _add_calendar(
    pairs: FloatArray,
    firsts: NDArray[np.int64],
    n: int,
    weight: float,
    coefficients: FloatArray,
    gradient: FloatArray,
    blocks: FloatArray,
    coupling: FloatArray,
) -> float:
    """Add how far expiry n + 1 falls short of expiry n; ``pairs`` (2, points, place) are of the two."""
    cost = 0.0
    for g in range(pairs.shape[1]):
        early, late = firsts[0, g], firsts[1, g]
        earlier = _sum_at(pairs[0, g], 0, coefficients[n], early)
        later = _sum_at(pairs[1, g], 0, coefficients[n + 1], late)
        scale = pairs[1, g, 0]
        short = calendar_shortfall(earlier, later, scale)
        if short > 0.0:
            factor = calendar_factor(scale, weight)
            earlier_row = pairs[0, g, WEIGHTS_AT : WEIGHTS_AT + PIECES]
            later_row = pairs[1, g, WEIGHTS_AT : WEIGHTS_AT + PIECES]
            cost += add_row(gradient[n], blocks[n], earlier_row, early, PIECES, weight * short, factor)
            add_row(gradient[n + 1], blocks[n + 1], later_row, late, PIECES, weight * short, -factor)
            add_coupling(coupling, earlier_row, early, later_row, late, PIECES, factor)
    return cost


@inlined
def _add_roughness(coefficients: FloatArray, weight: float, gradient: FloatArray, block: FloatArray) -> float:
    """Add second differences of the coefficients, with zeros beyond both ends."""
    cost, size = 0.0, coefficients.size
    for middle in range(-1, size + 1):
        residual = 0.0
        for i in range(max(middle - 1, 0), min(middle + 2, size)):
            residual += weight * (-2.0 if i == middle else 1.0) * coefficients[i]
        cost += residual * residual
        for i in range(max(middle - 1, 0), min(middle + 2, size)):
            left = weight * (-2.0 if i == middle else 1.0)
            gradient[i] += left * residual
            for j in range(max(middle - 1, 0), i + 1):
                block[i, j] += left * weight * (-2.0 if j == middle else 1.0)
    return cost


@cache
def bump_normal_equations() -> Callable[..., float]:
    """Return the kernel that writes gradient, blocks and couplings of the fit at coefficients and returns the cost.

    It takes coefficients (n, p); places of the quotes (n, q, `PLACE`) and their first columns (n, q); quotes as of
    `quote_table` (6, n, q) and how many of each expiry are real (n,); places of the grid, their first columns and its k
    (n, g); places (n - 1, 2, points, `PLACE`) and first columns of the neighbours at common strikes; the weights of
    centre, excess, arbitrage and roughness (4,); and the three arrays it writes.
    """
    stamp = code_stamp(_add_quotes, _add_density, _add_calendar, _add_roughness)

    def normal_equations(
        coefficients: FloatArray,
        places: FloatArray,
        firsts: NDArray[np.int64],
        quotes: FloatArray,
        counts: NDArray[np.int64],
        grid_places: FloatArray,
        grid_firsts: NDArray[np.int64],
        grid: FloatArray,
        pairs: FloatArray,
        pair_firsts: NDArray[np.int64],
        weights: FloatArray,
        gradient: FloatArray,
        blocks: FloatArray,
        couplings: FloatArray,
    ) -> float:
        cost = 0.0 * stamp
        row = np.empty(PIECES)
        gradient[:], blocks[:], couplings[:] = 0.0, 0.0, 0.0
        for n in range(coefficients.shape[0]):
            c, own, block = coefficients[n], gradient[n], blocks[n]
            cost += _add_quotes(places[n], firsts[n], quotes, n, counts[n], weights, c, own, block)
            cost += _add_density(grid_places[n], grid_firsts[n], grid[n], weights[2], c, own, block, row)
            cost += _add_roughness(c, weights[3], own, block)
        for n in range(coefficients.shape[0] - 1):
            cost += _add_calendar(pairs[n], pair_firsts[n], n, weights[2], coefficients, gradient, blocks, couplings[n])
        return cost

    cube, table, counts = "float64[:, :, ::1]", "float64[:, ::1]", "int64[:, ::1]"
    quotes = f"{table}, {cube}, {counts}, {cube}, int64[::1]"
    grids = f"{cube}, {counts}, {table}, float64[:, :, :, ::1], int64[:, :, ::1]"
    return kernel(f"float64({quotes}, {grids}, float64[::1], {table}, {cube}, {cube})", normal_equations)
