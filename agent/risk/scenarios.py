"""Full revaluation of a book and its hedge over spot, volatility and time.

P&L = V(S', iv', tau - dt) - V(S, iv, tau) + (holding + hedge) (S' - S) - hedge S f dt, with V the sum over the options
of quantity x Black-76 value, each at its own strike's volatility (sticky strike), and f the funding rate that a long
hedge pays a year. An option whose expiry lies inside dt is settled at its payoff at S'.

Memory is that of scenarios and legs, never of their product.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum

import numpy as np
from numpy.typing import ArrayLike

from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.parallel import count_over_rows
from agent.numerics.rows import PRICE_USD, TAU_YEARS, VOL_ANNUAL, Domain, as_floats, checked, require_domain
from agent.numerics.series import FINITE
from agent.risk.exposure import LiveOptions
from agent.risk.positions import Positions
from agent.risk.revaluation_kernel import LANES, LEG_ROWS, scenario_sums

VOL_SHIFT = Domain(-1e6, 1e6, "a change of volatility from -1e6 to 1e6")
_CHUNK_VALUATIONS = 262_144
"""About a millisecond of work: long against handing out a chunk, short against the whole."""


class VolShock(Enum):
    """How a number on the volatility axis changes each leg's volatility."""

    SHIFT = "shift"
    """Added to it; 0.05 is five volatility points."""
    FACTOR = "factor"
    """Multiplies it; 1 leaves it as it is."""


@dataclass(frozen=True, slots=True)
class Scenarios:
    """Markets to revalue in, all fields float64 arrays of shape (scenarios,).

    A leg's volatility becomes iv x ``vol_factor`` + ``vol_shift_annual``, its time left tau less ``elapsed_years``.
    """

    spot_usd: FloatArray
    vol_factor: FloatArray
    vol_shift_annual: FloatArray
    elapsed_years: FloatArray


@dataclass(frozen=True, slots=True)
class Revaluation:
    """P&L against now, and the delta of options and holdings there, of the scenarios' shape."""

    pnl_usd: FloatArray
    book_delta: FloatArray


@dataclass(frozen=True, slots=True)
class ScenarioGrid:
    """Axes and answers: arrays of shape (spots, vols, times)."""

    spot_usd: FloatArray
    vol_shocks: FloatArray
    vol_shock_kind: VolShock
    elapsed_years: FloatArray
    pnl_usd: FloatArray
    book_delta: FloatArray

    def worst(self) -> tuple[int, int, int]:
        """Return the place of the largest loss on the three axes."""
        spot, vol, time = np.unravel_index(int(np.argmin(self.pnl_usd)), self.pnl_usd.shape)
        return int(spot), int(vol), int(time)


def scenario_grid(
    positions: Positions,
    spot_usd: ArrayLike,
    vol_shocks: ArrayLike,
    elapsed_years: ArrayLike,
    vol_shock_kind: VolShock = VolShock.SHIFT,
) -> ScenarioGrid:
    """Revalue on every combination of spot, volatility and time.

    Parameters
    ----------
    positions
        Book and hedge now.
    spot_usd
        Prices to revalue at, USD, shape (spots,).
    vol_shocks
        Changes of every leg's volatility, shape (vols,).
    elapsed_years
        Time from now, years, >= 0, shape (times,).
    vol_shock_kind
        Whether ``vol_shocks`` are added to the volatilities or multiply them.

    Returns
    -------
    ScenarioGrid
        P&L in USD and book delta in underlying units, shape (spots, vols, times).

    Raises
    ------
    DataError
        An axis that is empty or not one-dimensional; a number outside its domain, named by row, field and value.
    """
    axes = [
        _as_axis(name, axis)
        for name, axis in (("spot_usd", spot_usd), ("vol_shocks", vol_shocks), ("elapsed_years", elapsed_years))
    ]
    spots, vols, times = (grid.reshape(-1) for grid in np.meshgrid(*axes, indexing="ij"))
    is_shift = vol_shock_kind is VolShock.SHIFT
    scenarios = scenarios_of(spots, 1.0 if is_shift else vols, vols if is_shift else 0.0, times)
    found = revalue(positions, scenarios)
    shape = tuple(axis.size for axis in axes)
    pnl_usd, book_delta = found.pnl_usd.reshape(shape), found.book_delta.reshape(shape)
    return ScenarioGrid(axes[0], axes[1], vol_shock_kind, axes[2], pnl_usd, book_delta)


def scenarios_of(
    spot_usd: ArrayLike, vol_factor: ArrayLike = 1.0, vol_shift_annual: ArrayLike = 0.0, elapsed_years: ArrayLike = 0.0
) -> Scenarios:
    """Return scenarios from fields that broadcast to one row each.

    Raises
    ------
    DataError
        A number outside its domain, named by row, field and value.
    """
    shape, columns = checked(
        spot_usd=(spot_usd, PRICE_USD),
        vol_factor=(vol_factor, VOL_ANNUAL),
        vol_shift_annual=(vol_shift_annual, VOL_SHIFT),
        elapsed_years=(elapsed_years, TAU_YEARS),
    )
    return Scenarios(*(np.broadcast_to(column, shape).reshape(-1) for column in columns))


def revalue(positions: Positions, scenarios: Scenarios) -> Revaluation:
    """Revalue book and hedge in every scenario.

    Raises
    ------
    DataError
        As for `scenarios_of`; or a scenario leaves a leg a negative volatility, or a P&L overflows.
    """
    scenarios = scenarios_of(*(getattr(scenarios, field.name) for field in fields(scenarios)))
    options, rows = positions.options, scenarios.spot_usd.size
    sums = np.zeros((2, rows))
    if options.quantity.size:
        _require_vols(options, scenarios)
        now = np.array([[positions.spot_usd], [1.0], [0.0], [0.0]])
        markets = np.array(
            [scenarios.spot_usd, scenarios.vol_factor, scenarios.vol_shift_annual, scenarios.elapsed_years]
        )
        legs, start = _leg_array(options), np.zeros((2, 1))
        scenario_sums()(legs, now, start, 0, 1)
        chunk = max(_CHUNK_VALUATIONS // legs.shape[1], 1)
        count_over_rows(lambda first, last: scenario_sums()(legs, markets, sums, first, last), rows, chunk)
        sums[0] -= start[0, 0]
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is named below
        linear = positions.linear_quantity * (scenarios.spot_usd - positions.spot_usd)
        funding = positions.hedge_size * positions.spot_usd * positions.funding_rate_annual * scenarios.elapsed_years
        pnl_usd = sums[0] + linear - funding
    if not np.isfinite(pnl_usd).all():
        row = int(np.argmin(np.isfinite(pnl_usd)))
        raise DataError(f"row {row}: pnl_usd is {pnl_usd[row]}; expected a finite number, give smaller quantities")
    return Revaluation(pnl_usd, sums[1] + positions.holding_quantity)


def _leg_array(options: LiveOptions) -> FloatArray:
    """Lay the legs out for the kernel, padded with legs of quantity 0."""
    count = options.quantity.size
    legs = np.ones((LEG_ROWS, -(-count // LANES) * LANES))
    signs = np.where(options.is_call, 1.0, -1.0)
    columns = (options.strike_usd, np.log(options.strike_usd), options.tau_years, options.iv_annual, options.quantity)
    legs[:, :count] = np.array([signs, *columns])
    legs[-1, count:] = 0.0
    return legs


def _require_vols(options: LiveOptions, scenarios: Scenarios) -> None:
    lowest = int(np.argmin(options.iv_annual))
    iv = float(options.iv_annual[lowest])
    stressed = iv * scenarios.vol_factor + scenarios.vol_shift_annual
    if (stressed >= 0.0).all():
        return
    row = int(np.argmin(stressed >= 0.0))
    raise DataError(
        f"row {row}: vol_shift_annual is {scenarios.vol_shift_annual[row]} and leaves leg {lowest}, iv_annual {iv}, "
        f"a volatility of {stressed[row]}; shift by less or use factors"
    )


def _as_axis(name: str, axis: ArrayLike) -> FloatArray:
    numbers = np.atleast_1d(as_floats(name, axis))
    if numbers.ndim != 1 or numbers.size == 0:
        raise DataError(f"{name} has shape {numbers.shape}; give one axis with a number or more")
    require_domain(name, numbers, FINITE, numbers.shape)
    return numbers
