r"""Where the P&L of a step, or of a path, came from.

From one mark to the next, with all Greeks as they were at the first and each option's own dvol and dt,

    P&L = delta dS + hedge dS                                       price
        + gain of options held as a hedge
        + gamma dS^2 / 2 + speed dS^3 / 6                           curvature
        + theta dt + charm dS dt                                    time
        + vega dvol + vanna dS dvol + volga dvol^2 / 2              volatility
        - funding - fees - slippage - gas                           costs
        + unexplained.

Options held as a hedge are no part of the book: their gain is given as a whole, premiums, fees, payoffs and change of
value in it. Charm and speed are what a step of dS ~ sqrt dt leaves next after gamma and theta, both of order dt^1.5.
What is unexplained is the remainder, so that the parts add up to the P&L always: a large one means steps too long for
these Greeks, an option about to expire, or marks and records that disagree.

An option that expires inside a step is settled at its payoff at the price that ends the step, and is gone afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.checks import require_finite
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.rows import PRICE_USD, VOL_ANNUAL, as_floats, require_domain
from agent.numerics.series import FINITE, as_prices, as_returns, require_one_series
from agent.products.european import black76_greeks
from agent.products.greeks import Greeks
from agent.risk.exposure import LiveOptions
from agent.risk.positions import NO_OPTIONS, checked_options

_BLOCK_ROWS = 65_536
"""Marks x legs valued at once: their Greeks fill 6 MB."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """P&L by cause, USD, a gain positive, costs therefore negative; float64 arrays of one shape, a step a row."""

    delta_usd: FloatArray
    """Options and holdings; the hedge stands apart."""
    hedge_usd: FloatArray
    option_hedge_usd: FloatArray
    gamma_usd: FloatArray
    theta_usd: FloatArray
    vega_usd: FloatArray
    vanna_usd: FloatArray
    volga_usd: FloatArray
    charm_usd: FloatArray
    speed_usd: FloatArray
    funding_usd: FloatArray
    fees_usd: FloatArray
    slippage_usd: FloatArray
    gas_usd: FloatArray
    unexplained_usd: FloatArray

    @property
    def total_usd(self) -> FloatArray:
        """Sum of all parts in their order: the P&L itself."""
        return np.asarray(reduce(add, (getattr(self, field.name) for field in fields(self))))

    @property
    def unexplained_share(self) -> float:
        """Sum of the steps' absolute unexplained over the sum of their absolute P&L; 0 where nothing moved."""
        moved = float(np.abs(self.total_usd).sum())
        return float(np.abs(self.unexplained_usd).sum()) / moved if moved > 0.0 else 0.0

    def over_path(self) -> Attribution:
        """Return one attribution of all steps together, arrays of shape ()."""
        return Attribution(*(np.asarray(getattr(self, field.name).sum()) for field in fields(self)))


@dataclass(frozen=True, slots=True)
class MarkPath:
    """What the market did at the marks: ``spot_usd`` and ``elapsed_years`` since the first, shape (marks,).

    ``vol_annual`` is each leg's volatility, shape (marks, legs), or (legs,) where it stood still.
    """

    spot_usd: ArrayLike
    elapsed_years: ArrayLike
    vol_annual: ArrayLike


@dataclass(frozen=True, slots=True)
class StepCosts:
    """What hedging cost in each step, USD, paid is positive; numbers, or arrays of shape (steps,)."""

    funding_usd: ArrayLike = 0.0
    fees_usd: ArrayLike = 0.0
    slippage_usd: ArrayLike = 0.0
    gas_usd: ArrayLike = 0.0


_NO_COSTS = StepCosts()


def attribute_path(
    options: LiveOptions | None,
    path: MarkPath,
    hedge_size: ArrayLike = 0.0,
    holding_quantity: float = 0.0,
    costs: StepCosts = _NO_COSTS,
    observed_pnl_usd: ArrayLike | None = None,
    option_hedge_usd: ArrayLike = 0.0,
) -> Attribution:
    """Attribute the P&L of every step between two marks.

    Parameters
    ----------
    options
        Columns as of the first mark, a leg a row; None for a book without. ``iv_annual`` is not used: volatilities are
        the path's.
    path
        Marks, two or more.
    hedge_size
        Held from each mark to the next, underlying units, shape (steps,) or a number.
    holding_quantity
        Underlying held all along.
    costs
        Of each step.
    observed_pnl_usd
        P&L as the books show it, shape (steps,); None for that of full revaluation less ``costs``.
    option_hedge_usd
        Gain of options held as a hedge, shape (steps,) or a number.

    Returns
    -------
    Attribution
        Arrays of shape (steps,), steps = marks - 1.

    Raises
    ------
    DataError
        A number that is not finite or outside its domain, times that do not grow, or shapes that do not fit; named by
        row, field and value.
    """
    legs = checked_options(NO_OPTIONS if options is None else options)
    spot, elapsed, vols = _checked_path(path, legs.quantity.size)
    steps = spot.size - 1
    hedge = _per_step("hedge_size", hedge_size, steps)
    paid = [_per_step(field.name, getattr(costs, field.name), steps) for field in fields(costs)]
    require_finite(holding_quantity, "holding_quantity")
    parts, revalued = _option_parts(legs, spot, elapsed, vols)
    spot_change = np.diff(spot)
    parts["delta"] += holding_quantity * spot_change
    hedge_pnl = hedge * spot_change
    option_pnl = _per_step("option_hedge_usd", option_hedge_usd, steps)
    if observed_pnl_usd is None:
        total = revalued + holding_quantity * spot_change + hedge_pnl + option_pnl - reduce(add, paid)
    else:
        total = _per_step("observed_pnl_usd", observed_pnl_usd, steps)
    explained = [
        parts["delta"],
        hedge_pnl,
        option_pnl,
        *(parts[name] for name in _PARTS[1:]),
        *(0.0 - cost for cost in paid),
    ]
    return Attribution(*[*explained, total - reduce(add, explained)])


_PARTS = ("delta", "gamma", "theta", "vega", "vanna", "volga", "charm", "speed")


def _option_parts(
    legs: LiveOptions, spot: FloatArray, elapsed: FloatArray, vols: FloatArray
) -> tuple[dict[str, FloatArray], FloatArray]:
    """Return each Greek's part of every step, and the step's P&L by full revaluation."""
    steps = spot.size - 1
    parts, revalued = {name: np.zeros(steps) for name in _PARTS}, np.zeros(steps)
    if legs.quantity.size == 0:
        return parts, revalued
    stride = max(_BLOCK_ROWS // legs.quantity.size, 1)
    for first in range(0, steps, stride):
        marks = slice(first, min(first + stride, steps) + 1)
        block = slice(marks.start, marks.stop - 1)
        vol = vols[marks] if vols.ndim == 2 else vols
        found, pnl = _block_parts(legs, spot[marks], elapsed[marks], vol)
        for name, part in found.items():
            parts[name][block] = part
        revalued[block] = pnl
    return parts, revalued


def _block_parts(
    legs: LiveOptions, spot: FloatArray, elapsed: FloatArray, vols: FloatArray
) -> tuple[dict[str, FloatArray], FloatArray]:
    time_left = legs.tau_years - elapsed[:, None]
    held = legs.quantity * (time_left[:-1] > 0.0)
    tau = np.maximum(time_left, 0.0)
    greeks = black76_greeks(legs.is_call, spot[:, None], legs.strike_usd, tau, vols)
    dS, dt = np.diff(spot), tau[:-1] - tau[1:]
    dvol = np.diff(vols, axis=0) if vols.ndim == 2 else np.zeros_like(dt)
    pnl = _sum(held, greeks.value[1:]) - _sum(held, greeks.value[:-1])
    return _taylor_parts(greeks, held, dS, dt, dvol), pnl


def _taylor_parts(
    greeks: Greeks, held: FloatArray, dS: FloatArray, dt: FloatArray, dvol: FloatArray
) -> dict[str, FloatArray]:
    start = {name: getattr(greeks, name)[:-1] for name in _PARTS}
    return {
        "delta": _sum(held, start["delta"]) * dS,
        "gamma": 0.5 * _sum(held, start["gamma"]) * dS**2,
        "theta": _sum(held, start["theta"] * dt),
        "vega": _sum(held, start["vega"] * dvol),
        "vanna": _sum(held, start["vanna"] * dvol) * dS,
        "volga": 0.5 * _sum(held, start["volga"] * dvol**2),
        "charm": _sum(held, start["charm"] * dt) * dS,
        "speed": _sum(held, start["speed"]) * dS**3 / 6.0,
    }


def _sum(held: FloatArray, per_leg: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("ij,ij->i", held, per_leg))


def _checked_path(path: MarkPath, legs: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    spot = require_one_series("spot_usd", as_prices("spot_usd", path.spot_usd, 2))
    require_domain("spot_usd", spot, PRICE_USD, spot.shape)
    elapsed = require_one_series("elapsed_years", as_returns("elapsed_years", path.elapsed_years, 2))
    vols = as_floats("vol_annual", path.vol_annual)
    require_domain("vol_annual", vols, VOL_ANNUAL, vols.shape)
    marks = spot.size
    if elapsed.size != marks or vols.shape not in {(legs,), (marks, legs)}:
        raise DataError(
            f"spot_usd has {marks} marks, elapsed_years {elapsed.size}, and vol_annual shape {vols.shape} for {legs} "
            f"legs; expected vol_annual of shape ({legs},) or ({marks}, {legs})"
        )
    grows = np.diff(elapsed, prepend=0.0) >= 0.0
    _require_growing(elapsed, grows)
    return spot, elapsed, vols


def _require_growing(elapsed: FloatArray, grows: NDArray[np.bool_]) -> None:
    if not grows.all():
        row = int(np.argmin(grows))
        raise DataError(f"row {row}: elapsed_years is {elapsed[row]}; expected times that start at 0 or later and grow")


def _per_step(name: str, numbers: ArrayLike, steps: int) -> FloatArray:
    array = as_floats(name, numbers)
    if array.shape not in {(), (steps,)}:
        raise DataError(f"{name} has shape {array.shape}; expected a number, or one for each of {steps} steps")
    require_domain(name, array, FINITE, array.shape)
    return np.broadcast_to(array, (steps,))
