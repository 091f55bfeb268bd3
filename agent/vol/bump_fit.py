"""Fit of the least local correction that brings the quotes an SVI slice misses inside bid and ask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.numerics.arrays import FloatArray
from agent.numerics.least_squares import NormalEquations, minimise
from agent.vol.bump_kernel import PLACE, WEIGHTS_AT, bump_normal_equations
from agent.vol.bumps import PIECES, Bumps, splines_around
from agent.vol.penalties import Weights, quote_table
from agent.vol.quotes import SliceTargets

_SPLINES = 16
_POINTS_A_PIECE = 3
"""Where a fit looks for arbitrage, between two knots."""
_MARGIN_STDEVS = 1.0
"""How far beyond the outermost quotes a correction ends, in standard deviations of the expiry."""
_ROUGHNESS = 0.1
"""Pull of a second difference of the coefficients, in units of the expiry's median tolerance, to 0."""
_STEPS, _TOLERANCE = 60, 1e-4
_MAX_MOVE = 50.0
"""Trust in one step, in the same units."""


def fit_bumps(
    targets: SliceTargets, raw: FloatArray, stdev: FloatArray, weights: Weights, start_from: Bumps, strikes: FloatArray
) -> Bumps:
    """Return corrections of raw slices (n, 5), fitted to ``targets`` all at once, on the knots of ``start_from``.

    Negative densities and calendar spreads of the corrected slices are punished at ``strikes`` (n, any), log-moneyness,
    and on grids as far as corrections reach; ``stdev`` (n,) is the standard deviation of each expiry.
    """
    count, start, step = stdev.size, start_from.start, start_from.step
    unit = np.nanmedian(np.where(targets.weight > 0.0, targets.tolerance, np.nan), axis=1)
    pieces = _SPLINES + PIECES - 1
    even = start[:, None] + step[:, None] * (np.arange(pieces * _POINTS_A_PIECE + 1) / _POINTS_A_PIECE)
    grid = np.concatenate([even, strikes], axis=1)
    pairs = np.concatenate([grid[:-1], grid[1:]], axis=1)

    def places(rows: slice, k: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
        return _places(raw[rows], k, start[rows], step[rows], unit[rows])

    before, after = (places(rows, pairs) for rows in (slice(0, count - 1), slice(1, count)))
    fixed = (
        *places(slice(None), targets.log_moneyness),
        quote_table(targets),
        targets.counts,
        *places(slice(None), grid),
        grid,
        np.stack([before[0], after[0]], axis=1),
        np.stack([before[1], after[1]], axis=1),
        np.array([*weights, _ROUGHNESS]),
    )
    compute = bump_normal_equations()

    def linearise(c: FloatArray) -> NormalEquations:
        gradient, blocks = np.empty_like(c), np.empty((count, _SPLINES, _SPLINES))
        couplings = np.empty((count - 1, _SPLINES, _SPLINES))
        return NormalEquations(compute(c, *fixed, gradient, blocks, couplings), gradient, blocks, couplings)

    c = minimise(
        linearise,
        start_from.coefficients / unit[:, None],
        box=(np.array(-np.inf), np.array(np.inf)),
        max_move=np.array(_MAX_MOVE),
        max_steps=_STEPS,
        relative_tolerance=_TOLERANCE,
    )
    return Bumps(start, step, c * unit[:, None])


def flat_bumps(targets: SliceTargets, stdev: FloatArray) -> Bumps:
    """Return corrections that are 0, on knots from outside the lowest quote of each expiry to outside the highest."""
    inside, margin = targets.weight > 0.0, _MARGIN_STDEVS * stdev
    lowest = np.min(np.where(inside, targets.log_moneyness, np.inf), axis=1)
    highest = np.max(np.where(inside, targets.log_moneyness, -np.inf), axis=1)
    step = (highest - lowest + 2.0 * margin) / (_SPLINES + PIECES - 1)
    return Bumps(lowest - margin, step, np.zeros((stdev.size, _SPLINES)))


def _places(
    raw: FloatArray, k: FloatArray, start: FloatArray, step: FloatArray, unit: FloatArray
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return w, w', w'' of the slices and the splines, in ``unit``, at k (n, q), as the kernel reads them."""
    splines, first = splines_around(start, step, _SPLINES, k)
    table = np.empty((*k.shape, PLACE))
    a, b, rho, m, sigma = (raw[:, i, None] for i in range(5))
    x = k - m
    root = np.hypot(x, sigma)
    table[..., 0] = a + b * (rho * x + root)
    table[..., 1] = b * (rho + x / root)
    table[..., 2] = b * sigma**2 / root**3
    table[..., WEIGHTS_AT:] = (unit[:, None, None, None] * splines).reshape(*k.shape, 3 * PIECES)
    return table, first
