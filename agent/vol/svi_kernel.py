r"""Normal equations of many SVI slices at once, in the coordinates a fit moves in.

With x = k - m, r = sqrt(x^2 + s^2), A = (r - x)/2 and B = (r + x)/2 (so A B = s^2/4), a slice of least variance W and
wing slopes L (left) and R (right) is

    w = W + (sqrt(L A) - sqrt(R B))^2 = W + L A + R B - s sqrt(L R).

The fit moves (ln W, ln L, ln R, m, ln s): every point is a slice with w > 0, and L, R < 2 is a box.
In raw terms L = b (1 - rho), R = b (1 + rho), s = sigma, W = a + b sigma sqrt(1 - rho^2).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from agent.numerics.arrays import FloatArray
from agent.numerics.compiled import code_stamp, inlined, kernel
from agent.vol.penalties import (
    add_coupling,
    add_row,
    calendar_factor,
    calendar_shortfall,
    density_shortfall,
    quote_residuals,
)

LOG_LEAST, LOG_LEFT, LOG_RIGHT, CENTRE, LOG_WIDTH = range(5)
"""Columns of the coordinates (n, 5)."""
SIZE = 5
LEAST_WING_RISE = 5e-4
"""Least rise of a wing's slope from one expiry to the next, in its logarithm."""


def coordinates_of_raw(raw: FloatArray) -> FloatArray:
    """Return fit coordinates (n, 5) of raw a, b, rho, m, sigma (n, 5); b and the least variance must be positive."""
    a, b, rho, m, sigma = np.moveaxis(raw, -1, 0)
    least = a + b * sigma * np.sqrt(1.0 - rho * rho)
    return np.stack([np.log(least), np.log(b * (1.0 - rho)), np.log(b * (1.0 + rho)), m, np.log(sigma)], axis=-1)


def raw_of_coordinates(coordinates: FloatArray) -> FloatArray:
    """Return raw parameters (n, 5), in the order a, b, rho, m, sigma, of fit coordinates (n, 5)."""
    least, left, right, _, width = np.exp(np.moveaxis(coordinates, -1, 0))
    b = 0.5 * (left + right)
    rho = (right - left) / (right + left)
    return np.stack([least - width * np.sqrt(left * right), b, rho, coordinates[:, CENTRE], width], axis=-1)


@inlined
def shape_of(coordinates: FloatArray, shape: FloatArray) -> None:
    """Write W, L, R, m, s and sqrt(L R) of one slice into ``shape`` (6,)."""
    for i in range(SIZE):
        shape[i] = coordinates[i] if i == CENTRE else np.exp(coordinates[i])
    shape[SIZE] = np.sqrt(shape[LOG_LEFT] * shape[LOG_RIGHT])


@inlined
def svi_variance(shape: FloatArray, k: float, row: FloatArray) -> float:
    """Return w at k and write its derivatives in the coordinates into ``row`` (5,)."""
    left, right, width = shape[LOG_LEFT], shape[LOG_RIGHT], shape[LOG_WIDTH]
    x = k - shape[CENTRE]
    root = np.sqrt(x * x + width * width)
    join, half_sum = width * shape[SIZE], 0.5 * (left + right)
    left_part, right_part = 0.5 * left * (root - x), 0.5 * right * (root + x)
    row[LOG_LEAST] = shape[LOG_LEAST]
    row[LOG_LEFT] = left_part - 0.5 * join
    row[LOG_RIGHT] = right_part - 0.5 * join
    row[CENTRE] = -(0.5 * (right - left) + half_sum * x / root)
    row[LOG_WIDTH] = half_sum * width * width / root - join
    return float(shape[LOG_LEAST] + left_part + right_part - join)


@inlined
def svi_bends(shape: FloatArray, k: float, slope_row: FloatArray, curvature_row: FloatArray) -> tuple[float, float]:
    """Return w' and w'' at k and write their derivatives in the coordinates into the rows (5,)."""
    left, right, width = shape[LOG_LEFT], shape[LOG_RIGHT], shape[LOG_WIDTH]
    x = k - shape[CENTRE]
    square = width * width
    per_root = 1.0 / np.sqrt(x * x + square)
    lean, bend, half_sum = x * per_root, square * per_root**3, 0.5 * (left + right)
    curvature = half_sum * bend
    slope_row[LOG_LEAST], curvature_row[LOG_LEAST] = 0.0, 0.0
    slope_row[LOG_LEFT], curvature_row[LOG_LEFT] = 0.5 * left * (lean - 1.0), 0.5 * left * bend
    slope_row[LOG_RIGHT], curvature_row[LOG_RIGHT] = 0.5 * right * (lean + 1.0), 0.5 * right * bend
    slope_row[CENTRE], curvature_row[CENTRE] = -curvature, 3.0 * curvature * lean * per_root
    slope_row[LOG_WIDTH] = -curvature * x
    curvature_row[LOG_WIDTH] = curvature * (2.0 - 3.0 * square * per_root * per_root)
    return 0.5 * (right - left) + half_sum * lean, curvature


@inlined
def _add_quotes(
    shape: FloatArray,
    quotes: FloatArray,
    n: int,
    count: int,
    weights: FloatArray,
    gradient: FloatArray,
    block: FloatArray,
    rows: FloatArray,
) -> float:
    cost = 0.0
    for q in range(count):
        w = svi_variance(shape, quotes[0, n, q], rows[0])
        pull, pull_factor, push, push_factor = quote_residuals(w, quotes, n, q, weights[0], weights[1])
        cost += add_row(gradient, block, rows[0], 0, SIZE, pull, pull_factor)
        if push_factor != 0.0:
            cost += add_row(gradient, block, rows[0], 0, SIZE, push, push_factor)
    return cost


@inlined
def _add_density(
    shape: FloatArray, grid: FloatArray, weight: float, gradient: FloatArray, block: FloatArray, rows: FloatArray
) -> float:
    cost = 0.0
    for k in grid:
        w = svi_variance(shape, k, rows[0])
        slope, curvature = svi_bends(shape, k, rows[1], rows[2])
        short, by_w, by_slope = density_shortfall(k, w, slope, curvature)
        if short > 0.0:
            for i in range(SIZE):
                rows[0, i] = by_w * rows[0, i] + by_slope * rows[1, i] + 0.5 * rows[2, i]
            cost += add_row(gradient, block, rows[0], 0, SIZE, weight * short, -weight)
    return cost


@inlined
def _add_calendar(
    shapes: FloatArray,
    n: int,
    grid: FloatArray,
    scale: FloatArray,
    weight: float,
    gradient: FloatArray,
    blocks: FloatArray,
    coupling: FloatArray,
    rows: FloatArray,
) -> float:
    """Add how far expiry n + 1 falls short of expiry n on the later one's grid."""
    cost = 0.0
    for g in range(grid.size):
        earlier = svi_variance(shapes[n], grid[g], rows[0])
        later = svi_variance(shapes[n + 1], grid[g], rows[1])
        short = calendar_shortfall(earlier, later, scale[g])
        if short > 0.0:
            factor = calendar_factor(scale[g], weight)
            cost += add_row(gradient[n], blocks[n], rows[0], 0, SIZE, weight * short, factor)
            add_row(gradient[n + 1], blocks[n + 1], rows[1], 0, SIZE, weight * short, -factor)
            add_coupling(coupling, rows[0], 0, rows[1], 0, SIZE, factor)
    return cost


@inlined
def _add_wings(
    coordinates: FloatArray,
    n: int,
    weight: float,
    gradient: FloatArray,
    blocks: FloatArray,
    coupling: FloatArray,
) -> float:
    """Add by how much, in logarithm, the wings of expiry n + 1 rise less than those of expiry n."""
    cost = 0.0
    for i in (LOG_LEFT, LOG_RIGHT):
        short = weight * (coordinates[n, i] - coordinates[n + 1, i] + 2.0 * LEAST_WING_RISE)
        if short > 0.0:
            gradient[n, i] += weight * short
            gradient[n + 1, i] -= weight * short
            blocks[n, i, i] += weight * weight
            blocks[n + 1, i, i] += weight * weight
            coupling[i, i] -= weight * weight
            cost += short * short
    return cost


@inlined
def _add_prior(
    coordinates: FloatArray, prior: FloatArray, pull: FloatArray, gradient: FloatArray, block: FloatArray
) -> float:
    cost = 0.0
    for i in range(SIZE):
        residual = pull[i] * (coordinates[i] - prior[i])
        gradient[i] += pull[i] * residual
        block[i, i] += pull[i] * pull[i]
        cost += residual * residual
    return cost


@cache
def svi_normal_equations() -> Callable[..., float]:
    """Return the kernel that writes gradient, blocks and couplings of the fit at ``coordinates`` and returns the cost.

    It takes coordinates (n, 5), quotes as of `quote_table` (6, n, q), how many of each expiry are real (n,), the grid
    of each expiry (n, g), guesses of total variance on the grids of the later ones (n - 1, g), prior coordinates and
    pulls to them (n, 5), the weights of centre, excess and arbitrage (3,), and the three arrays it writes.
    """
    stamp = code_stamp(shape_of, _add_quotes, _add_density, _add_calendar, _add_wings, _add_prior)

    def normal_equations(
        coordinates: FloatArray,
        quotes: FloatArray,
        counts: NDArray[np.int64],
        grid: FloatArray,
        scale: FloatArray,
        prior: FloatArray,
        pull: FloatArray,
        weights: FloatArray,
        gradient: FloatArray,
        blocks: FloatArray,
        couplings: FloatArray,
    ) -> float:
        cost = 0.0 * stamp
        count = coordinates.shape[0]
        shapes, rows = np.empty((count, SIZE + 1)), np.empty((3, SIZE))
        gradient[:], blocks[:], couplings[:] = 0.0, 0.0, 0.0
        for n in range(count):
            shape_of(coordinates[n], shapes[n])
            cost += _add_quotes(shapes[n], quotes, n, counts[n], weights, gradient[n], blocks[n], rows)
            cost += _add_density(shapes[n], grid[n], weights[2], gradient[n], blocks[n], rows)
            cost += _add_prior(coordinates[n], prior[n], pull[n], gradient[n], blocks[n])
        for n in range(count - 1):
            cost += _add_calendar(shapes, n, grid[n + 1], scale[n], weights[2], gradient, blocks, couplings[n], rows)
            cost += _add_wings(coordinates, n, weights[2], gradient, blocks, couplings[n])
        return cost

    cube, table = "float64[:, :, ::1]", "float64[:, ::1]"
    inputs = f"{table}, {cube}, int64[::1], {table}, {table}, {table}, {table}, float64[::1]"
    return kernel(f"float64({inputs}, {table}, {cube}, {cube})", normal_equations)
