"""Backward induction of the hedger's problem on a lattice, row by row; the mathematics is in `band_solver`.

A row is one price at one time: the objective and the expected trading cost of every hedge in a window around the
delta hedge, spaced evenly and indexed from ``first``. Beyond its window a row goes on with the slope of a trade.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from agent.numerics.arrays import FloatArray
from agent.numerics.compiled import code_stamp, inlined, kernel
from agent.numerics.vector_math import exp, log

DOWN, SAME, UP = 0, 1, 2
"""Where the price goes in one step; also the scratch rows of that neighbour."""
_FROZEN = (0.0, 1.0, 0.0)
"""The chances of the outermost rows, which have no neighbour on one side and next to no gamma."""
SCRATCH_ROWS = 6
"""Objective, then expected cost, of three neighbours."""


@inlined
def _gather(
    row: FloatArray, first_of_row: int, size: int, out: FloatArray, first: int, count: int, slope: float
) -> None:
    """Copy hedges ``first`` to ``first + count`` of a row; outside its window one trades back to it."""
    shift = first - first_of_row
    for i in range(count):
        at = i + shift
        if at < 0:
            out[i] = row[0] - slope * at
        elif at >= size:
            out[i] = row[size - 1] + slope * (at - size + 1)
        else:
            out[i] = row[at]


@inlined
def _exponential_row(
    objective: FloatArray,
    costs: FloatArray,
    scratch: FloatArray,
    chances: FloatArray,
    base: FloatArray,
    moves: FloatArray,
    aversion: float,
    hedge: float,
    spacing: float,
    count: int,
) -> None:
    """Certainty equivalent of exponential utility: log E exp(a (loss + objective)) / a."""
    for i in range(count):
        held = hedge + i * spacing
        same = base[SAME] + scratch[SAME, i]
        down = base[DOWN] - held * moves[DOWN] + scratch[DOWN, i] - same
        up = base[UP] - held * moves[UP] + scratch[UP, i] - same
        mean = chances[SAME] + chances[DOWN] * exp(aversion * down) + chances[UP] * exp(aversion * up)
        objective[i] = same + log(mean) / aversion
        costs[i] = chances[DOWN] * scratch[3, i] + chances[SAME] * scratch[4, i] + chances[UP] * scratch[5, i]


@inlined
def _variance_row(
    objective: FloatArray,
    costs: FloatArray,
    scratch: FloatArray,
    chances: FloatArray,
    base: FloatArray,
    moves: FloatArray,
    aversion: float,
    hedge: float,
    spacing: float,
    count: int,
) -> None:
    """Mean objective plus a/2 times the variance that this step adds to loss and expected cost."""
    for i in range(count):
        held = hedge + i * spacing
        cost = chances[DOWN] * scratch[3, i] + chances[SAME] * scratch[4, i] + chances[UP] * scratch[5, i]
        down = base[DOWN] - held * moves[DOWN] + scratch[3, i] - cost
        same = base[SAME] + scratch[4, i] - cost
        up = base[UP] - held * moves[UP] + scratch[5, i] - cost
        variance = chances[DOWN] * down * down + chances[SAME] * same * same + chances[UP] * up * up
        mean = chances[DOWN] * scratch[DOWN, i] + chances[SAME] * scratch[SAME, i] + chances[UP] * scratch[UP, i]
        objective[i] = mean + 0.5 * aversion * variance
        costs[i] = cost


@inlined
def _landings(objective: FloatArray, count: int, slope: float) -> tuple[int, int]:
    """Return the indices where buying and selling should stop."""
    buy, sell = 0, 0
    least_buy, least_sell = np.inf, np.inf
    for i in range(count):
        if objective[i] + slope * i < least_buy:
            least_buy, buy = objective[i] + slope * i, i
        if objective[i] - slope * i <= least_sell:
            least_sell, sell = objective[i] - slope * i, i
    return buy, sell


@inlined
def _turning_point(objective: FloatArray, count: int, at: int, slope: float) -> float:
    """Return where objective + slope * index is least, between grid points: the zero of its slope."""
    if at in (0, count - 1):
        return float(at)
    before = objective[at] - objective[at - 1] + slope
    after = objective[at + 1] - objective[at] + slope
    return float(at - 0.5 + before / (before - after)) if after > before else float(at)


@inlined
def _outer_edge(objective: FloatArray, count: int, landing: int, step: int, slope: float, fixed: float) -> float:
    """Return where trading to ``landing`` begins to pay, going by ``step``; infinite where it does not in the row."""
    gain_before = -fixed
    i = landing + step
    while 0 <= i < count:
        gain = objective[i] - objective[landing] - slope * abs(i - landing) - fixed
        if gain > 0.0:
            return float(i - step * gain / (gain - gain_before))
        gain_before = gain
        i += step
    return step * np.inf


@inlined
def _record(
    out: FloatArray,
    objective: FloatArray,
    count: int,
    buy: int,
    sell: int,
    slope: float,
    fixed: float,
    first: int,
    spacing: float,
) -> None:
    """Write the four edges of the no-trade band as hedges: low outer, low inner, high inner, high outer."""
    low = _turning_point(objective, count, buy, slope)
    high = _turning_point(objective, count, sell, -slope)
    out[1], out[2] = (first + low) * spacing, (first + high) * spacing
    if fixed > 0.0:
        out[0] = (first + _outer_edge(objective, count, buy, -1, slope, fixed)) * spacing
        out[3] = (first + _outer_edge(objective, count, sell, 1, slope, fixed)) * spacing
    else:
        out[0] = out[1] if buy > 0 else -np.inf
        out[3] = out[2] if sell < count - 1 else np.inf


@inlined
def _trade_optimally(objective: FloatArray, costs: FloatArray, count: int, slope: float, fixed: float) -> None:
    """Replace every hedge from which a trade is better than none, whatever the shape of the objective.

    Hedges already replaced may serve as landings: two trades never cost less than the one that goes straight there.
    """
    landing = count - 1
    for i in range(count - 2, -1, -1):
        paid = slope * (landing - i) + fixed
        if objective[landing] + paid < objective[i]:
            objective[i], costs[i] = objective[landing] + paid, costs[landing] + paid
        if objective[i] < objective[landing] + slope * (landing - i):
            landing = i
    landing = 0
    for i in range(1, count):
        paid = slope * (i - landing) + fixed
        if objective[landing] + paid < objective[i]:
            objective[i], costs[i] = objective[landing] + paid, costs[landing] + paid
        if objective[i] < objective[landing] + slope * (i - landing):
            landing = i


@inlined
def _trade_as_told(
    objective: FloatArray,
    costs: FloatArray,
    count: int,
    edges: FloatArray,
    slope: float,
    fixed: float,
    first: int,
    spacing: float,
) -> None:
    """Trade to the given inner edges from beyond the given outer ones, whether or not that is best."""
    low = min(max(edges[1] / spacing - first, 0.0), count - 1.0)
    high = min(max(edges[2] / spacing - first, 0.0), count - 1.0)
    at_low, at_high = min(int(low), count - 2), min(int(high), count - 2)
    part_low, part_high = low - at_low, high - at_high
    low_objective = objective[at_low] + part_low * (objective[at_low + 1] - objective[at_low])
    low_cost = costs[at_low] + part_low * (costs[at_low + 1] - costs[at_low])
    high_objective = objective[at_high] + part_high * (objective[at_high + 1] - objective[at_high])
    high_cost = costs[at_high] + part_high * (costs[at_high + 1] - costs[at_high])
    for i in range(count):
        hedge = (first + i) * spacing
        if hedge < edges[0]:
            paid = slope * abs(low - i) + fixed
            objective[i], costs[i] = low_objective + paid, low_cost + paid
        elif hedge > edges[3]:
            paid = slope * abs(i - high) + fixed
            objective[i], costs[i] = high_objective + paid, high_cost + paid


@inlined
def _call_delta(log_moneyness: float, stdev: float) -> float:
    if stdev <= 0.0:
        return float(0.5 + 0.5 * np.sign(log_moneyness))
    return 0.5 * math.erfc(-(log_moneyness / stdev + 0.5 * stdev) * math.sqrt(0.5))


@inlined
def _expire(
    state: FloatArray,
    values: FloatArray,
    firsts: NDArray[np.int64],
    layer: int,
    log_moneyness: FloatArray,
    quantity: float,
    spacing: float,
    half_width: int,
) -> None:
    """Write the layer of expiry: nothing is lost or paid any more, and the delta is 0, 1 or, at the strike, 1/2."""
    state[layer] = 0.0
    for row in range(log_moneyness.size):
        values[layer, row] = max(math.exp(log_moneyness[row]) - 1.0, 0.0)
        delta = _call_delta(log_moneyness[row], 0.0)
        firsts[layer, row] = round(-quantity * delta / spacing) - half_width


@inlined
def _look_ahead(
    is_exponential: bool,
    state: FloatArray,
    values: FloatArray,
    firsts: NDArray[np.int64],
    now: int,
    row: int,
    log_moneyness: FloatArray,
    chances: FloatArray,
    quantity: float,
    aversion: float,
    cost: float,
    spacing: float,
    counts: tuple[int, int],
    scratch: FloatArray,
) -> float:
    """Write objective and expected cost of a row when nothing is traded in it; return its price."""
    after = 1 - now
    is_inside = 0 < row < log_moneyness.size - 1
    price = math.exp(log_moneyness[row])
    base, moves, odds = np.zeros(3), np.zeros(3), np.zeros(3)
    value = 0.0
    for way in range(3):
        odds[way] = chances[way] if is_inside else _FROZEN[way]
        value += odds[way] * values[after, row + way - 1 if is_inside else row]
    values[now, row] = value
    first = firsts[now, row]
    for way in range(3):
        other = row + way - 1 if is_inside else row
        price_after = math.exp(log_moneyness[other])
        moves[way] = price_after - price
        base[way] = -quantity * (values[after, other] - value)
        slope = cost * price_after * spacing
        for part in range(2):
            source = state[after, part, other]
            _gather(source, firsts[after, other], counts[1], scratch[3 * part + way], first, counts[0], slope)
    objective, paid = state[now, 0, row], state[now, 1, row]
    hedge = first * spacing
    if is_exponential:
        _exponential_row(objective, paid, scratch, odds, base, moves, aversion, hedge, spacing, counts[0])
    else:
        _variance_row(objective, paid, scratch, odds, base, moves, aversion, hedge, spacing, counts[0])
    return price


@inlined
def _trade(
    is_told: bool,
    objective: FloatArray,
    paid: FloatArray,
    edges: FloatArray,
    is_stored: bool,
    count: int,
    slope: float,
    fixed: float,
    first: int,
    spacing: float,
) -> None:
    """Trade in one row: as the edges say, or as is best, writing the edges where they are wanted."""
    if is_told:
        _trade_as_told(objective, paid, count, edges, slope, fixed, first, spacing)
        return
    if is_stored:
        buy, sell = _landings(objective, count, slope)
        _record(edges, objective, count, buy, sell, slope, fixed, first, spacing)
    _trade_optimally(objective, paid, count, slope, fixed)


_SIGNATURE = (
    "int64(boolean, boolean, float64, float64, float64, float64, float64[::1], float64[::1], float64, int64[::1], "
    "int64[::1], float64[:, :, ::1], float64[:, :, :, ::1], int64[:, ::1])"
)


@cache
def induction() -> Callable[..., int]:
    """Return the kernel that walks back from expiry to now and answers with the layer of ``state`` it ends in.

    It takes: exponential utility or variance; follow the given edges or find the best; signed quantity; aversion,
    proportional and fixed cost; chances of down, same, up; log-moneyness of the rows; spacing of the hedges; half width
    of the window at each step; where each step's edges are stored (-1: nowhere); edges, of shape (stored, rows, 4),
    read or written; two layers of objective and cost to work in, of shape (2, 2, rows, hedges); first hedge of each
    row's window, of shape (2, rows).
    """
    stamp = code_stamp(_expire, _look_ahead, _trade)

    def walk(
        is_exponential: bool,
        is_told: bool,
        quantity: float,
        aversion: float,
        cost: float,
        fixed: float,
        chances: FloatArray,
        log_moneyness: FloatArray,
        spacing: float,
        half_widths: NDArray[np.int64],
        stored_at: NDArray[np.int64],
        edges: FloatArray,
        state: FloatArray,
        firsts: NDArray[np.int64],
    ) -> int:
        rows, steps = log_moneyness.size, half_widths.size - 1
        variance_step = (log_moneyness[1] - log_moneyness[0]) ** 2 / 3.0
        values, scratch = np.empty((2, rows)), np.empty((SCRATCH_ROWS, state.shape[3]))
        now = 0 * stamp
        _expire(state, values, firsts, now, log_moneyness, quantity, spacing, half_widths[steps])
        for step in range(steps - 1, -1, -1):
            now = 1 - now
            stdev = math.sqrt(variance_step * (steps - step))
            counts = (2 * half_widths[step] + 1, 2 * half_widths[step + 1] + 1)
            stored = stored_at[step]
            # The hedge is settled free of charge at expiry, also from outside the window.
            cost_after = cost if step < steps - 1 else 0.0
            for row in range(rows):
                first = round(-quantity * _call_delta(log_moneyness[row], stdev) / spacing) - half_widths[step]
                firsts[now, row] = first
                price = _look_ahead(
                    is_exponential, state, values, firsts, now, row, log_moneyness, chances, quantity, aversion,
                    cost_after, spacing, counts, scratch,
                )  # fmt: skip
                objective, paid = state[now, 0, row], state[now, 1, row]
                slope = cost * price * spacing
                band = edges[max(stored, 0), row]
                _trade(is_told, objective, paid, band, stored >= 0, counts[0], slope, fixed, first, spacing)
        return now

    return kernel(_SIGNATURE, walk)
