"""Value and delta of a book in many scenarios: legs in blocks that stay in the first-level cache, no row is stored.

A block of legs is gathered once and valued in every scenario, where it is summed at once: memory does not grow with
legs x scenarios. Only value and delta are worked out, at r = 0, which saves most of what the full Greeks cost. The
formulas are those of `agent.products.european_kernel`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from agent.numerics.arrays import FloatArray
from agent.numerics.blocks import BLOCK, Index
from agent.numerics.compiled import code_stamp, inlined, kernel
from agent.numerics.vector_math import MILLS_LOWEST, NORMAL_DENSITY_AT_0, exp, log, mills_of_distances
from agent.products.european_kernel import MIN_STDEV

LANES = 4
"""Legs are padded to a multiple of this with legs of quantity 0: so many running sums hide an addition's latency."""
SIGN, STRIKE, LOG_STRIKE, TAU, IV, QUANTITY = range(6)
"""Rows of the legs' array."""
LEG_ROWS = 6
SPOT, VOL_FACTOR, VOL_SHIFT, ELAPSED = range(4)
"""Rows of the scenarios' array: a leg's volatility becomes iv x factor + shift, its time tau less elapsed."""
SCENARIO_ROWS = 4

_FAR_STDEVS = 37.5
"""The normal density beyond this many standard deviations is below 1e-306 and taken as 0."""
_WITHOUT_STDEV = 1e3
"""Stands for an infinite number of standard deviations."""

_SIGN, _STRIKE, _LOG_STRIKE, _TAU, _IV, _QUANTITY = (BLOCK * column for column in range(6))
_NEAR, _FAR, _STDEV, _X, _DENSITY, _NEAR_RATIO, _FAR_RATIO, _GAP = (BLOCK * column for column in range(6, 14))
_VALUE, _ASSET = _NEAR_RATIO, _FAR_RATIO
_COLUMNS = 14


@inlined
def _measure_block(work: FloatArray, rows: Index, spot: float, factor: float, shift: float, elapsed: float) -> None:
    """Find x = ln(F / K), the distances and the density S phi(d1) = K phi(d2) of a block."""
    log_spot = log(spot)
    for j in range(rows):
        stdev = (work[_IV + j] * factor + shift) * np.sqrt(max(work[_TAU + j] - elapsed, 0.0))
        has_stdev = stdev >= MIN_STDEV
        per_stdev = 1.0 / stdev if has_stdev else 0.0
        x = log_spot - work[_LOG_STRIKE + j]
        distance = abs(x) * per_stdev if has_stdev else (_WITHOUT_STDEV if x != 0.0 else 0.0)
        near = distance - 0.5 * stdev
        density = exp(-0.5 * near * near) * NORMAL_DENSITY_AT_0
        density = density if abs(near) < _FAR_STDEVS else 0.0
        work[_X + j] = x
        work[_STDEV + j] = stdev
        work[_NEAR + j] = near
        work[_FAR + j] = distance + 0.5 * stdev
        work[_DENSITY + j] = density * (spot if x <= 0.0 else work[_STRIKE + j])


@inlined
def _ratio_block(work: FloatArray, rows: Index) -> None:
    """Find the Mills ratios at both distances of a block, and their difference."""
    for j in range(rows):
        near_ratio, far_ratio, gap = mills_of_distances(work[_NEAR + j], work[_FAR + j], work[_STDEV + j])
        work[_NEAR_RATIO + j] = near_ratio
        work[_FAR_RATIO + j] = far_ratio
        work[_GAP + j] = gap


@inlined
def _value_block(work: FloatArray, rows: Index, spot: float) -> None:
    """Find quantity x value and quantity x delta x spot of a block; see `european_kernel` for the case by case."""
    for j in range(rows):
        near, density, sign, strike = work[_NEAR + j], work[_DENSITY + j], work[_SIGN + j], work[_STRIKE + j]
        is_call, is_low = work[_X + j] <= 0.0, near >= MILLS_LOWEST
        bound = spot if is_call else strike
        near_tail, far_part = density * work[_NEAR_RATIO + j], density * work[_FAR_RATIO + j]
        near_part = near_tail if is_low else bound - near_tail
        value = density * work[_GAP + j] if is_low else bound - (near_tail + far_part)
        asset = near_part if is_call else far_part
        is_otm = (sign > 0.0) == is_call
        value = value if is_otm else value + sign * (spot - strike)
        asset = asset if is_otm else spot - asset
        work[_VALUE + j] = work[_QUANTITY + j] * value
        work[_ASSET + j] = work[_QUANTITY + j] * sign * asset


@inlined
def _sum_block(work: FloatArray, offset: int, rows: Index) -> float:
    """Sum one column of a block in `LANES` running sums; ``rows`` is a multiple of it."""
    first, second, third, fourth = 0.0, 0.0, 0.0, 0.0
    for j in range(np.uint64(0), rows, np.uint64(LANES)):
        first += work[np.uint64(offset) + j]
        second += work[np.uint64(offset + 1) + j]
        third += work[np.uint64(offset + 2) + j]
        fourth += work[np.uint64(offset + 3) + j]
    return (first + second) + (third + fourth)


@cache
def scenario_sums() -> Callable[..., int]:
    """Return the kernel that adds up the book in scenarios ``first`` to ``last``; it answers 0.

    It takes legs of shape (6, legs), legs a multiple of `LANES`, scenarios of shape (4, scenarios), and the output of
    shape (2, scenarios), zero at the start: the book's value in USD and its delta.
    """
    stamp = code_stamp(_measure_block, _ratio_block, _value_block, _sum_block)

    def sums(legs: FloatArray, scenarios: FloatArray, out: FloatArray, first: int, last: int) -> int:
        work = np.empty(_COLUMNS * BLOCK)
        total = np.uint64(legs.shape[1])
        for start in range(np.uint64(0), total, np.uint64(BLOCK)):
            rows = min(np.uint64(BLOCK), total - start)
            for row in range(np.uint64(LEG_ROWS)):
                for j in range(rows):
                    work[row * np.uint64(BLOCK) + j] = legs[row, start + j]
            for s in range(np.uint64(first), np.uint64(last)):
                spot, factor, shift = scenarios[SPOT, s], scenarios[VOL_FACTOR, s], scenarios[VOL_SHIFT, s]
                _measure_block(work, rows, spot, factor, shift, scenarios[ELAPSED, s])
                _ratio_block(work, rows)
                _value_block(work, rows, spot)
                out[0, s] += _sum_block(work, _VALUE, rows)
                out[1, s] += _sum_block(work, _ASSET, rows) / spot
        return 0 * stamp

    read_only = "Array(float64, 2, 'C', readonly=True)"
    return kernel(f"int64({read_only}, {read_only}, Array(float64, 2, 'C'), int64, int64)", sums)
