"""The march of `small_band` from expiry to now, row by row of the price; the mathematics is there."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from agent.numerics.arrays import FloatArray
from agent.numerics.compiled import code_stamp, inlined, kernel
from agent.numerics.vector_math import NORMAL_DENSITY_AT_0

_MEAN_MOVE = math.sqrt(2.0 / math.pi)
"""Mean absolute value of a standard normal number."""
_LEAST_GAMMA = 1e-15
"""Deltas of one option per unit of log price; below it there is no band to speak of."""
_LEAST_FACTOR = 0.05
"""Of the risk of a net delta, what is left of it at least where costs to come offset it."""
_FACTOR_ROUNDS, _NEWTON_STEPS, _MARCH_ROUNDS = 40, 16, 6
_TOLERANCE = 1e-7
_BUMP = 1e-3
"""Relative, of gamma, for the slope of the rate of cost."""


@inlined
def _dynamic(weight: float, unit_cost: float, fixed: float) -> tuple[float, float]:
    """Return outer and inner half-width of `whalley_wilmott.dynamic_band`, ``weight`` gamma^2 over risk aversion."""
    proportional = 3.0 * unit_cost * weight
    if fixed <= 0.0:
        half = (0.5 * proportional) ** (1.0 / 3.0)
        return half, half
    scale = math.sqrt(math.sqrt(12.0 * fixed * weight))
    load = 4.0 * proportional / (scale * scale * scale)
    v = (2.0 + 2.0 * load) ** (1.0 / 9.0)
    for _ in range(_NEWTON_STEPS):
        eighth = v * v
        eighth *= eighth
        eighth *= eighth
        step = (eighth * v - v - load) / (9.0 * eighth - 1.0)
        v -= step
        if abs(step) <= _TOLERANCE * v:
            break
    edge_sum = scale * v * v * v
    gap = (12.0 * fixed * weight / edge_sum) ** (1.0 / 3.0)
    return 0.5 * (edge_sum + gap), max(0.5 * (edge_sum - gap), 0.0)


@inlined
def _local(
    gamma: float, price: float, ratio: float, fixed: float, aversion: float, look: float, guess: float
) -> tuple[float, float, float, float, float]:
    """Return outer and inner half-width, what a unit of variance costs, the factor 1 - G C_zz, and what it is off by.

    The factor is sought from ``guess`` on, by secants. ``look`` is the variance between two looks.
    """
    size = max(abs(gamma), _LEAST_GAMMA)
    per_price = size / price
    signed = per_price if gamma >= 0.0 else -per_price
    factor, outer, inner, curvature = guess, 0.0, 0.0, 0.0
    last, last_gap, off = 0.0, 0.0, 0.0
    for _ in range(_FACTOR_ROUNDS):
        weight = per_price * per_price / (aversion * factor * factor)
        outer, inner = _dynamic(weight, ratio * price, fixed)
        move = size * math.sqrt(look)
        trade = min(1.0 / (outer + inner), _MEAN_MOVE / max(move, _LEAST_GAMMA))
        often = 0.0
        if fixed > 0.0:
            often = 1.0 / max(outer * outer - inner * inner, move * move)
        curvature = 2.0 * (fixed * often + ratio * price * trade)
        wanted = max(1.0 - signed * curvature, _LEAST_FACTOR)
        gap = wanted - factor
        off = abs(gap) / factor
        if off <= _TOLERANCE:
            break
        following = math.sqrt(factor * wanted)
        if last > 0.0 and gap != last_gap:
            secant = factor - gap * (factor - last) / (gap - last_gap)
            if 0.5 * factor < secant < 2.0 * factor:
                following = secant
        last, last_gap, factor = factor, gap, following
    return outer, inner, 0.5 * size * size * curvature, factor, off


@inlined
def _gamma(
    row: int, cost: FloatArray, x: FloatArray, step: float, stdev: float, quantity: float
) -> tuple[float, float]:
    """Return the book's gamma less that of the cost to come, deltas per unit of log price, and the cost's slope."""
    price = math.exp(x[row])
    own = quantity * NORMAL_DENSITY_AT_0 * math.exp(-0.5 * (x[row] / stdev + 0.5 * stdev) ** 2) / stdev
    if row in (0, x.size - 1):
        return own, 0.0
    first = (cost[row + 1] - cost[row - 1]) / (2.0 * step)
    second = (cost[row + 1] - 2.0 * cost[row] + cost[row - 1]) / (step * step)
    return own - (second - first) / price, first / price


@inlined
def _newton(
    cost: FloatArray,
    before: FloatArray,
    x: FloatArray,
    step: float,
    variance: float,
    elapsed: float,
    terms: tuple[float, float, float, float, float],
    work: FloatArray,
) -> tuple[float, float]:
    """Take one Newton step of the implicit equation in ``cost``; return the largest change, and that of a factor.

    The last row of ``work`` holds each row's factor from one step to the next.
    """
    quantity, ratio, fixed, aversion, look = terms
    rows, stdev, worst = x.size, math.sqrt(variance), 0.0
    work[0, 0] = work[1, 0] = 0.0
    for row in range(1, rows - 1):
        price = math.exp(x[row])
        gamma, slope = _gamma(row, cost, x, step, stdev, quantity)
        _, _, rate, factor, off = _local(gamma, price, ratio, fixed, aversion, look, work[3, row])
        bump = _BUMP * abs(gamma) + _LEAST_GAMMA
        _, _, bumped, _, _ = _local(gamma + bump, price, ratio, fixed, aversion, look, factor)
        worst = max(worst, off)
        work[3, row] = factor
        diffusion = max(0.5 - (bumped - rate) / bump / price, 0.02)
        second = (cost[row + 1] - 2.0 * cost[row] + cost[row - 1]) / (step * step)
        residual = before[row] - cost[row] + elapsed * (0.5 * (second - slope * price) + rate)
        below = -elapsed * diffusion * (1.0 / (step * step) + 0.5 / step)
        above = -elapsed * diffusion * (1.0 / (step * step) - 0.5 / step)
        diagonal = 1.0 + 2.0 * elapsed * diffusion / (step * step) - below * work[0, row - 1]
        work[0, row] = above / diagonal
        work[1, row] = (residual - below * work[1, row - 1]) / diagonal
    change, largest = 0.0, 0.0
    for row in range(rows - 2, 0, -1):
        change = work[1, row] - work[0, row] * change
        work[2, row] = change
        largest = max(largest, abs(change))
    for row in range(1, rows - 1):
        cost[row] += work[2, row]
    return largest, worst


@cache
def march() -> Callable[..., float]:
    """Return the kernel that writes centre, inner and outer half-width, shape (rows, 3), one option's deltas.

    It returns what was left to solve where an iteration ended without its root, 0 where each has found it: the largest
    last change of the cost over the cost, or distance of a factor from what it should be over the factor.


    It takes: signed quantity; proportional and fixed cost; aversion; variance between two looks; log-moneyness of the
    rows; the variances left at which the cost is worked out, smallest first; the array that it writes.
    """
    stamp = code_stamp(_newton, _gamma, _local)

    def walk(
        quantity: float,
        ratio: float,
        fixed: float,
        aversion: float,
        look: float,
        x: FloatArray,
        variances: FloatArray,
        out: FloatArray,
    ) -> float:
        rows, step = x.size, x[1] - x[0]
        cost, before, work = np.zeros(rows), np.zeros(rows), np.ones((4, rows))
        past, left = 0.0 * stamp, 0.0
        terms = (quantity, ratio, fixed, aversion, look)
        for variance in variances:
            before[:] = cost
            change, off = 0.0, 0.0
            for _ in range(_MARCH_ROUNDS):
                moved, off = _newton(cost, before, x, step, variance, variance - past, terms, work)
                change = moved / (1e-12 + np.abs(cost).max())
                if change <= _TOLERANCE:
                    break
            left = max(left, change, off)
            past = variance
        stdev = math.sqrt(variances[-1])
        for row in range(rows):
            gamma, centre = _gamma(row, cost, x, step, stdev, quantity)
            outer, inner, _, _, off = _local(gamma, math.exp(x[row]), ratio, fixed, aversion, look, work[3, row])
            out[row, 0], out[row, 1], out[row, 2] = centre, inner, outer
            left = max(left, off)
        return left

    signature = "float64(float64, float64, float64, float64, float64, float64[::1], float64[::1], float64[:, ::1])"
    return kernel(signature, walk)
