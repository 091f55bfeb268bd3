r"""Hedging one option along many price paths under many policies at once, all on the same paths.

Along a path the hedge y is looked at before each price change; outside the schedule's outer edges it is traded to the
inner ones, at k F |y' - y| + f. The first look trades from nothing. At expiry the hedge is settled free of charge, as
where the option is settled in kind or the hedge goes on to the next one, or sold at k F |y| + f, as published tables
have it.

    cost   = sum of k F |dy| + f
    outcome = sum of y dF + q (payoff - value at the start) - cost

both at expiry, in USD of one option: prices are forwards, so that interest is in them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np

from agent.backtest.schedule import MONEYNESS, HedgedOption, Schedule
from agent.checks import require_finite
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.compiled import code_stamp, inlined, kernel, thread_count
from agent.products.european import black76_greeks

_CHUNK_PATHS = 500
_DUST_DELTAS = 1e-12
"""Deltas of one option; a smaller difference is rounding, and no trade to pay a fixed cost for."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """``cost_usd``, ``pnl_usd`` (cost included) and ``trades`` by path, shape (schedules, paths), at expiry."""

    names: tuple[str, ...]
    cost_usd: FloatArray
    pnl_usd: FloatArray
    trades: FloatArray


def simulate(
    option: HedgedOption,
    schedules: Sequence[Schedule],
    price_usd: FloatArray,
    cost_ratio: float,
    fixed_cost_usd: float,
    *,
    sells_at_expiry: bool = False,
) -> Outcomes:
    """Follow every schedule on every path.

    Parameters
    ----------
    option
        What is hedged; its volatility gives the delta.
    schedules
        The policies' bands.
    price_usd
        Forward prices, shape (paths, looks + 1): at each look, and at expiry.
    cost_ratio, fixed_cost_usd
        Cost of a trade as a ratio of its notional, and whatever its size.
    sells_at_expiry
        Whether closing the hedge at expiry costs what a trade does, and counts as one; free of charge unless given.

    Raises
    ------
    DataError
        No schedule, or one for other looks; prices of another shape, or one that is not finite and positive; a
        negative cost.

    """
    _require_inputs(option, schedules, price_usd, cost_ratio, fixed_cost_usd)
    paths, prices = price_usd.shape[0], np.ascontiguousarray(price_usd, dtype=np.float64)
    edges = np.ascontiguousarray(np.stack([schedule.edges for schedule in schedules], axis=2))
    out = np.zeros((3, paths, len(schedules)))
    run = hedging()
    start_values = black76_greeks(True, prices[:, 0], option.strike_usd, option.life_years, option.vol_annual).value

    def chunk(first: int) -> None:
        last = min(first + _CHUNK_PATHS, paths)
        run(
            prices[first:last], option.strike_usd, option.total_variance, option.quantity, cost_ratio, fixed_cost_usd,
            sells_at_expiry, MONEYNESS, edges, out[:, first:last],
        )  # fmt: skip

    with ThreadPoolExecutor(thread_count()) as pool:
        list(pool.map(chunk, range(0, paths, _CHUNK_PATHS)))
    cost, pnl = out[0].T, out[1].T - option.quantity * start_values
    return Outcomes(tuple(schedule.name for schedule in schedules), cost, pnl, out[2].T)


def _require_inputs(
    option: HedgedOption, schedules: Sequence[Schedule], price_usd: FloatArray, cost_ratio: float, fixed_cost_usd: float
) -> None:
    for name, number in (("cost_ratio", cost_ratio), ("fixed_cost_usd", fixed_cost_usd)):
        if require_finite(number, name) < 0.0:
            raise DataError(f"{name} is {number}; expected no negative number")
    if not schedules:
        raise DataError("schedules is empty; give at least one policy's")
    for schedule in schedules:
        if schedule.edges.shape != (option.looks, MONEYNESS.size, 4):
            raise DataError(
                f"schedule {schedule.name} has shape {schedule.edges.shape}; follow the policy on this option"
            )
    if price_usd.ndim != 2 or price_usd.shape[1] != option.looks + 1:
        raise DataError(f"price_usd has shape {price_usd.shape}; expected (paths, {option.looks + 1})")
    if not np.all(np.isfinite(price_usd) & (price_usd > 0.0)):
        path, look = np.argwhere(~(np.isfinite(price_usd) & (price_usd > 0.0)))[0]
        raise DataError(f"price_usd of path {path}, look {look} is {price_usd[path, look]}; expected a positive price")


@inlined
def _hedge(
    held: FloatArray,
    edges: FloatArray,
    node: int,
    part: float,
    delta: float,
    price: float,
    cost: float,
    fixed: float,
    paid: FloatArray,
    trades: FloatArray,
) -> None:
    """Trade every schedule's hedge at one look."""
    here, after = edges[node], edges[node + 1]
    for s in range(held.size):
        net = held[s] + delta
        low = here[s, 0] + part * (after[s, 0] - here[s, 0])
        high = here[s, 3] + part * (after[s, 3] - here[s, 3])
        if net < low:
            landing = here[s, 1] + part * (after[s, 1] - here[s, 1])
        elif net > high:
            landing = here[s, 2] + part * (after[s, 2] - here[s, 2])
        else:
            continue
        if abs(landing - net) > _DUST_DELTAS:
            paid[s] += cost * price * abs(landing - net) + fixed
            trades[s] += 1.0
            held[s] = landing - delta


_SIGNATURE = (
    "int64(float64[:, ::1], float64, float64, float64, float64, float64, boolean, float64[::1], float64[:, :, :, ::1], "
    "float64[:, :, :])"
)


@cache
def hedging() -> Callable[..., int]:
    """Return the kernel that hedges paths: arguments as in `simulate`, edges by look, moneyness, schedule."""
    stamp = code_stamp(_hedge)

    def run(
        prices: FloatArray,
        strike: float,
        variance: float,
        quantity: float,
        cost: float,
        fixed: float,
        sells: bool,
        axis: FloatArray,
        edges: FloatArray,
        out: FloatArray,
    ) -> int:
        looks, schedules = edges.shape[0], edges.shape[2]
        spacing = axis[1] - axis[0]
        for path in range(prices.shape[0]):
            held, paid = np.zeros(schedules), np.zeros(schedules)
            gained, trades = np.zeros(schedules), np.zeros(schedules)
            for look in range(looks):
                price = prices[path, look]
                stdev = math.sqrt(variance * (1.0 - look / looks))
                moneyness = math.log(price / strike) / stdev
                delta = quantity * 0.5 * math.erfc(-(moneyness + 0.5 * stdev) * math.sqrt(0.5))
                place = min(max((moneyness - axis[0]) / spacing, 0.0), axis.size - 1.000001)
                node = int(place)
                _hedge(held, edges[look], node, place - node, delta, price, cost, fixed, paid, trades)
                move = prices[path, look + 1] - price
                for s in range(schedules):
                    gained[s] += held[s] * move
            payoff = quantity * max(prices[path, looks] - strike, 0.0)
            for s in range(schedules):
                if sells and abs(held[s]) > _DUST_DELTAS:
                    paid[s] += cost * prices[path, looks] * abs(held[s]) + fixed
                    trades[s] += 1.0
                out[0, path, s] = paid[s]
                out[1, path, s] = gained[s] + payoff - paid[s]
                out[2, path, s] = trades[s]
        return 0 * stamp

    return kernel(_SIGNATURE, run)
