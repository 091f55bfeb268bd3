r"""The programme as a quadratic one: slices of quotes for variables, bounds for rows.

With x the trades, b the book's factors, G the instruments', Sigma = R'R the factors' covariance, a the risk aversion,

    minimise  a/2 |R (b + G'x)|^2  +  sum over slices of (fee + impact + carry + premium) u  +  q x^2 / 2
    subject to the rows of `bounds_of`, 0 <= u <= the slice's width.

Everything that depends on the sign of a trade or of a position (fees, notional, margin, leverage) is convex in x and
linear between the kinks at 0, at the quoted sizes and where the position passes through 0, so that one non-negative
variable a slice says it all: filling them out of turn, or buying and selling the same thing, only costs more. Gas,
which is not convex, is left to `supports`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from agent.checks import require_finite
from agent.errors import DataError
from agent.guard import GuardError
from agent.numerics.arrays import FloatArray
from agent.optimiser.covariance import FactorCovariance
from agent.optimiser.factors import FACTOR_NAMES, Factors
from agent.optimiser.instruments import Instrument, SliceTable, tabulate
from agent.optimiser.limits import GuardLimits, VenueLimits
from agent.optimiser.quadratic import Quadratic
from agent.units import SECONDS_PER_DAY, SECONDS_PER_YEAR

_HEADROOM = 1e-9
"""Kept from every bound, relative to what it is made of: more than the solver's rounding."""


class Bound(NamedTuple):
    """A row: what it is in words, the guard's error when it is broken, USD or units a unit of each slice, and room."""

    text: str
    error: str
    weights: FloatArray
    room: float


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """The programme with what is needed to read its answer."""

    instruments: tuple[Instrument, ...]
    table: SliceTable
    linear: dict[str, FloatArray]
    """Cost of one unit of each slice by part: fee, impact, funding, premium, gain (negative where one is expected)."""
    bounds: tuple[Bound, ...]
    quadratic: Quadratic
    factors: Factors
    exposures: FloatArray
    """G, shape (instruments, factors)."""
    covariance: FactorCovariance

    def trades(self, t: FloatArray) -> FloatArray:
        """Return the size traded in each instrument."""
        sizes = np.zeros(len(self.instruments))
        np.add.at(sizes, self.table.instrument, self.table.sign * self.table.width * t)
        return sizes

    def residual(self, t: FloatArray) -> Factors:
        """Return the factors of book and trades together."""
        return Factors(*(np.array(self.factors) + self.trades(t) @ self.exposures).tolist())

    def stdev_usd(self, factors: Factors) -> float:
        """Return the standard deviation of the gain over the horizon."""
        return float(np.linalg.norm(self.covariance.root @ np.array(factors)))


def assemble(
    factors: Factors,
    instruments: Sequence[Instrument],
    venues: Sequence[VenueLimits],
    guard: GuardLimits | None,
    covariance: FactorCovariance,
    risk_aversion_per_usd: float,
    counts_expected_gain: bool,
) -> Problem:
    """Bring the programme into the solver's form.

    Raises
    ------
    DataError
        A number out of its domain, an instrument at a venue that is not among ``venues``, or two venues of one name.

    """
    if not require_finite(risk_aversion_per_usd, "risk_aversion_per_usd") > 0.0:
        raise DataError(f"risk_aversion_per_usd is {risk_aversion_per_usd}; expected a positive number")
    for name, factor in zip(FACTOR_NAMES, factors, strict=True):
        require_finite(factor, f"{name} of the book")
    table = tabulate(instruments, math.inf if guard is None else guard.max_size * (1.0 - _HEADROOM))
    at_venue = _venue_of_each(instruments, venues)
    linear = _linear_costs(instruments, venues, table, at_venue, covariance.horizon_days, counts_expected_gain)
    exposures = np.array([instrument.factors for instrument in instruments], dtype=np.float64)
    curvature = _of(instruments, table, "impact_usd_per_unit2")
    traded = table.sign * table.width
    root = math.sqrt(risk_aversion_per_usd) * covariance.root
    bounds = _bounds_of(factors, instruments, venues, guard, table, at_venue, linear["fee"] + linear["impact"])
    per_width = [bound.weights * table.width for bound in bounds]
    quadratic = Quadratic(
        curvature=curvature * table.width**2,
        factors=np.ascontiguousarray((exposures[table.instrument] * traded[:, None]) @ root.T),
        start=root @ np.array(factors),
        cost=(sum(linear.values()) + curvature * table.start) * table.width,
        bounds=np.ascontiguousarray(np.array(per_width).reshape(len(bounds), table.width.size).T),
        room=np.array([_with_headroom(bound.room, row) for bound, row in zip(bounds, per_width, strict=True)]),
    )
    return Problem(tuple(instruments), table, linear, bounds, quadratic, factors, exposures, covariance)


def _with_headroom(room: float, row: FloatArray) -> float:
    return room - _HEADROOM * max(abs(room), float(np.max(np.abs(row), initial=0.0)))


def _venue_of_each(instruments: Sequence[Instrument], venues: Sequence[VenueLimits]) -> list[int]:
    places = {venue.name: index for index, venue in enumerate(venues)}
    if len(places) != len(venues):
        raise DataError(f"venues are named {[venue.name for venue in venues]}; expected different names")
    for row, instrument in enumerate(instruments):
        if instrument.venue not in places:
            raise DataError(
                f"row {row} ({instrument.name}): venue is {instrument.venue}; expected one of {list(places)}"
            )
    return [places[instrument.venue] for instrument in instruments]


def _of(instruments: Sequence[Instrument], table: SliceTable, field: str) -> FloatArray:
    """Return a field of each slice's instrument."""
    return np.array([getattr(instrument, field) for instrument in instruments], dtype=np.float64)[table.instrument]


def _linear_costs(
    instruments: Sequence[Instrument],
    venues: Sequence[VenueLimits],
    table: SliceTable,
    at_venue: list[int],
    horizon_days: float,
    counts_expected_gain: bool,
) -> dict[str, FloatArray]:
    """Return the cost of one unit of each slice, by part, USD."""
    years = horizon_days * SECONDS_PER_DAY / SECONDS_PER_YEAR
    ratios = np.array([venues[index].premium_ratio(years) for index in at_venue])[table.instrument]
    linear = {
        "fee": table.fee,
        "impact": table.impact,
        "funding": table.sign * _of(instruments, table, "carry_usd_per_unit"),
        "premium": ratios * _margin(instruments, table),
    }
    if counts_expected_gain:
        linear["gain"] = -table.sign * _of(instruments, table, "expected_gain_usd_per_unit")
    return linear


def _margin(instruments: Sequence[Instrument], table: SliceTable) -> FloatArray:
    """Return the equity that one unit of each slice ties up, negative where it sets some free."""
    long_margin, short_margin = (_of(instruments, table, f"margin_{side}_usd") for side in ("long", "short"))
    return np.asarray(table.long_change * long_margin + table.short_change * short_margin)


# --- bounds -------------------------------------------------------------------------------------------------------


def _bounds_of(
    factors: Factors,
    instruments: Sequence[Instrument],
    venues: Sequence[VenueLimits],
    guard: GuardLimits | None,
    table: SliceTable,
    at_venue: list[int],
    execution_usd: FloatArray,
) -> tuple[Bound, ...]:
    """Return the rows that can bind: venues first, then the guard's.

    What a quadratic impact costs is bounded by its chord over the slice, from above.
    """
    cost = execution_usd + _of(instruments, table, "impact_usd_per_unit2") * (table.start + 0.5 * table.width)
    notional = _of(instruments, table, "notional_usd")
    opened = notional * (table.long_change + table.short_change)
    held_usd = np.array([instrument.notional_usd * abs(instrument.position) for instrument in instruments])
    place = np.array(at_venue, dtype=np.int64)
    bounds = []
    for index, venue in enumerate(venues):
        there = (place == index)[table.instrument]
        if venue.max_leverage < math.inf:
            room = venue.max_leverage * venue.equity_usd - float(held_usd[place == index].sum())
            weights = np.where(there, opened + venue.max_leverage * cost, 0.0)
            bounds.append(Bound(f"leverage at {venue.name}", GuardError.VENUE_LEVERAGE_EXCEEDED, weights, room))
        if venue.free_margin_usd < math.inf:
            weights = np.where(there, _margin(instruments, table) + cost, 0.0)
            bounds.append(Bound(f"margin at {venue.name}", "MarginExceeded", weights, venue.free_margin_usd))
    if guard is not None:
        on_chain = _of(instruments, table, "is_on_chain")
        held_on_chain = float(held_usd @ np.array([float(instrument.is_on_chain) for instrument in instruments]))
        bounds += _guard_bounds(guard, on_chain, notional, opened, cost, held_on_chain)
        bounds += _delta_bounds(factors, instruments, guard, table)
    return tuple(bounds)


def _guard_bounds(
    guard: GuardLimits,
    on_chain: FloatArray,
    notional: FloatArray,
    opened: FloatArray,
    cost: FloatArray,
    held_usd: float,
) -> list[Bound]:
    bounds = []
    if guard.max_leverage < math.inf:
        weights, room = on_chain * (opened + guard.max_leverage * cost), guard.max_leverage * guard.nav_usd - held_usd
        bounds.append(Bound("the guard's total leverage", GuardError.LEVERAGE_EXCEEDED, weights, room))
    for text, error, weights, room in (
        (
            "the guard's notional of one rebalance",
            GuardError.NOTIONAL_EXCEEDED,
            on_chain * notional,
            guard.max_notional_usd,
        ),
        ("the guard's turnover left", GuardError.TURNOVER_EXCEEDED, on_chain * notional, guard.turnover_usd),
        ("the guard's loss of NAV", GuardError.NAV_LOSS_EXCEEDED, on_chain * cost, guard.max_nav_loss_usd),
        (
            "the guard's gross notional",
            GuardError.GROSS_NOTIONAL_EXCEEDED,
            on_chain * opened,
            guard.max_gross_notional_usd - held_usd,
        ),
        (
            "the guard's loss budget left",
            GuardError.LOSS_BUDGET_EXCEEDED,
            on_chain * (cost + guard.lag_ratio * notional),
            guard.loss_left_usd,
        ),
    ):
        if room < math.inf:
            bounds.append(Bound(text, error, weights, room))
    return bounds


def _delta_bounds(
    factors: Factors, instruments: Sequence[Instrument], guard: GuardLimits, table: SliceTable
) -> list[Bound]:
    """Return the delta rule on what the chain counts, and on all deltas where it does not count them all."""
    if guard.band == math.inf:
        return []
    counted = table.sign * _of(instruments, table, "counted_delta")
    low, high = guard.reach
    bounds = [
        Bound("the guard's delta rule", GuardError.NET_DELTA_EXCEEDED, -counted, -low),
        Bound("the guard's delta rule", GuardError.NET_DELTA_EXCEEDED, counted, high),
    ]
    if all(instrument.counted_delta == instrument.factors.delta for instrument in instruments):
        return bounds
    delta = table.sign * np.array([instrument.factors.delta for instrument in instruments])[table.instrument]
    allowed = max(guard.band, abs(factors.delta))
    text = "net delta, options included, within the band or what it was"
    bounds.append(Bound(text, GuardError.NET_DELTA_EXCEEDED, -delta, allowed + factors.delta))
    bounds.append(Bound(text, GuardError.NET_DELTA_EXCEEDED, delta, allowed - factors.delta))
    return bounds
