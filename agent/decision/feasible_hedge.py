"""Whether the guard's bounds and a vault's collateral can hedge a book at all, along prices that are known beforehand.

The hedge that trades least is followed: it moves only when the worst-case net delta W would leave the chain's band, and
no farther than the band's edge. What that hedge cannot do within the bounds, no policy can do in one rebalance a step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from agent.domain import Book, Bounds, OptionLeg, OptionType
from agent.guard import MAX_BAND_NAV_BPS
from agent.numerics.arrays import FloatArray
from agent.products.european import black76_delta
from agent.units import BPS, SECONDS_PER_DAY, SECONDS_PER_YEAR, from_wad

MOST_PARTS = 12
"""Of a trade larger than one rebalance may be: an hour of them at five minutes each."""
_ROUNDING_RATIO = 1e-9
"""A need is over its limit from here: far above the error of the sums, far below any bound that is written down."""


@dataclass(frozen=True, slots=True)
class Infeasible:
    """The first instant at which a bound does not suffice, in words, and how to mend it."""

    index: int
    """Position in the prices."""
    problem: str
    mend: str
    is_slow: bool = False
    """A few rebalances do what one cannot: W stays outside the band until the last."""


@dataclass(frozen=True, slots=True)
class _LeastHedge:
    """The least hedge along the prices, one element an instant."""

    half_width: FloatArray
    """Half of the delta interval, underlying units."""
    band: FloatArray
    """Band in force: the one set, as far as it is worth a quarter of NAV."""
    trade: FloatArray
    """Absolute size traded, underlying units."""
    trade_usd: FloatArray
    turnover_available_usd: FloatArray
    position_usd: FloatArray
    """Notional of the hedge after the trade."""
    nav_usd: FloatArray
    """Collateral and the hedge's profit; costs are left out."""


def delta_interval(book: Book, times_unix: FloatArray, prices_usd: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the lowest and highest delta of a book for all volatilities that the chain is told, at each instant.

    N(d1) of Black-76 has one stationary volatility, sqrt(2 ln(F / K) / tau), so the extremes of a leg lie there or at
    the ends of its interval. An option whose expiry has come has no delta.

    Parameters
    ----------
    book
        Options and holdings, underlying units.
    times_unix, prices_usd
        Instants and prices, shape (n,).

    Returns
    -------
    Two arrays of shape (n,), underlying units.

    """
    held = float(sum(holding.quantity for holding in book.holdings))
    low, high = np.full(len(prices_usd), held), np.full(len(prices_usd), held)
    for leg in book.options:
        ends = leg.quantity * _leg_deltas(leg, np.asarray(times_unix, dtype=np.float64), prices_usd)
        low += ends.min(axis=0)
        high += ends.max(axis=0)
    return low, high


def _leg_deltas(leg: OptionLeg, times_unix: FloatArray, prices_usd: FloatArray) -> FloatArray:
    """Return one contract's delta at both ends of its interval and at the stationary volatility, shape (3, n)."""
    seconds_left = leg.expiry_unix - times_unix
    tau_years = np.maximum(seconds_left, 1.0) / SECONDS_PER_YEAR
    stationary = np.sqrt(2.0 * np.maximum(np.log(prices_usd / leg.strike_usd), 0.0) / tau_years)
    vols = np.stack(
        [
            np.full_like(tau_years, leg.iv_low_annual),
            np.full_like(tau_years, leg.iv_high_annual),
            np.clip(stationary, leg.iv_low_annual, leg.iv_high_annual),
        ]
    )
    is_call = leg.option_type is OptionType.CALL
    return np.where(seconds_left > 0.0, black76_delta(is_call, prices_usd, leg.strike_usd, tau_years, vols), 0.0)


def infeasible_bounds(
    book: Book,
    times_unix: FloatArray,
    prices_usd: FloatArray,
    bounds: Bounds,
    collateral_usd: float,
    idle_reserve_bps: int,
) -> tuple[Infeasible, ...]:
    """Return each bound that cannot hedge the book along the prices, at the first instant at which it does not suffice.

    Parameters
    ----------
    book, bounds
        What is hedged, and what the guard allows.
    times_unix, prices_usd
        Unix seconds and USD per underlying unit, shape (n,); the vault starts without a hedge, and one keeper trades
        with nothing used of its share of the turnover.
    collateral_usd
        Deposited before the first instant, USD; 0 leaves leverage out.
    idle_reserve_bps
        Part of NAV that is never moved to a venue, 1e-4.

    """
    hedge = _least_hedge(book, times_unix, prices_usd, bounds, collateral_usd)
    found = [_interval_too_wide(hedge), *_sizes_too_large(hedge, bounds)]
    if collateral_usd > 0.0:
        found += _collateral_too_small(hedge, bounds, collateral_usd, max(idle_reserve_bps, bounds.idle_floor_bps))
    return tuple(finding for finding in found if finding is not None)


def _least_hedge(
    book: Book, times_unix: FloatArray, prices_usd: FloatArray, bounds: Bounds, collateral_usd: float
) -> _LeastHedge:
    low, high = delta_interval(book, times_unix, prices_usd)
    middle, half_width = (low + high) / 2.0, (high - low) / 2.0
    capacity_usd = from_wad(bounds.turnover_capacity) * bounds.keeper_share_bps / BPS
    refill_usd_per_second = from_wad(bounds.turnover_refill_per_day) * bounds.keeper_share_bps / BPS / SECONDS_PER_DAY
    size, nav_usd, available_usd = 0.0, collateral_usd, capacity_usd
    rows = []
    for index, price_usd in enumerate(prices_usd.tolist()):
        if index > 0:
            nav_usd += size * (price_usd - float(prices_usd[index - 1]))
            refill_usd = refill_usd_per_second * float(times_unix[index] - times_unix[index - 1])
            available_usd = min(capacity_usd, available_usd + refill_usd)
        band = from_wad(bounds.band)
        if collateral_usd > 0.0:
            band = min(band, max(nav_usd, 0.0) * MAX_BAND_NAV_BPS / BPS / price_usd)
        room = max(band - float(half_width[index]), 0.0)
        wanted = min(max(size, -float(middle[index]) - room), -float(middle[index]) + room)
        trade, size = abs(wanted - size), wanted
        rows.append((band, trade, trade * price_usd, available_usd, abs(size) * price_usd, nav_usd))
        available_usd = max(available_usd - trade * price_usd, 0.0)
    return _LeastHedge(half_width, *np.array(rows).T)


def _first_above(need: FloatArray, limit: FloatArray | float) -> int | None:
    """Return where a need is first above its limit by more than rounding, or None."""
    above = np.flatnonzero(need > limit + _ROUNDING_RATIO * np.abs(need))
    return int(above[0]) if above.size else None


def _interval_too_wide(hedge: _LeastHedge) -> Infeasible | None:
    index = _first_above(hedge.half_width, hedge.band)
    if index is None:
        return None
    return Infeasible(
        index,
        f"the book's IV intervals alone leave its delta uncertain by ±{hedge.half_width[index]:.4g}, so no hedge "
        f"brings the worst case inside [bounds] band_underlying {hedge.band[index]:g}, worth at most a quarter of NAV",
        f"narrow iv_low_annual to iv_high_annual, raise band_underlying above {_rounded_up(hedge.half_width.max())}, "
        "or deposit more",
    )


def _sizes_too_large(hedge: _LeastHedge, bounds: Bounds) -> Iterator[Infeasible]:
    for key, what, need, limit, unit, most_parts in (
        ("max_size_delta_underlying", "trade", hedge.trade, from_wad(bounds.max_size_delta), "", MOST_PARTS),
        ("max_notional_usd", "trade", hedge.trade_usd, from_wad(bounds.max_notional), "$", MOST_PARTS),
        ("max_gross_notional_usd", "hedge", hedge.position_usd, from_wad(bounds.max_gross_notional), "$", 1),
    ):
        index = _first_above(need, limit)
        if index is not None:
            yield Infeasible(
                index,
                f"the least {what} into the band is {unit}{need[index]:,.6g}, above [bounds] {key} {unit}{limit:,.10g}",
                f"raise {key} to {_rounded_up(float(need.max()))} or more, or hedge a smaller book",
                is_slow=most_parts > 1 and float(need.max()) <= most_parts * limit,
            )
    index = _first_above(hedge.trade_usd, hedge.turnover_available_usd)
    if index is not None:
        yield Infeasible(
            index,
            f"the least trade into the band is ${hedge.trade_usd[index]:,.6g}, but of one keeper's share of [bounds] "
            f"turnover_capacity_usd and its refill ${hedge.turnover_available_usd[index]:,.6g} are left",
            "raise turnover_capacity_usd, turnover_refill_usd_per_day or keeper_share_bps, or hedge a smaller book",
        )


def _collateral_too_small(
    hedge: _LeastHedge, bounds: Bounds, collateral_usd: float, idle_reserve_bps: int
) -> Iterator[Infeasible]:
    lost = _first_above(-hedge.nav_usd, 0.0)
    if lost is not None:
        yield Infeasible(lost, f"the hedge has lost the whole collateral of ${collateral_usd:,.0f}", "deposit more")
    share = (BPS - idle_reserve_bps) / BPS
    for key, ratio, where in (
        ("max_leverage_ratio", from_wad(bounds.max_leverage), "NAV"),
        ("max_venue_leverage_ratio", from_wad(bounds.max_venue_leverage) * share, "NAV less [margin] idle_reserve_bps"),
    ):
        equity_usd = np.maximum(hedge.nav_usd, 0.0)
        index = _first_above(hedge.position_usd, ratio * equity_usd)
        if index is None:
            continue
        missing_usd = float(np.max(hedge.position_usd / ratio - hedge.nav_usd))
        yield Infeasible(
            index,
            f"the least hedge is ${hedge.position_usd[index]:,.6g} on ${hedge.nav_usd[index]:,.6g} of NAV, above "
            f"[bounds] {key} ({where})",
            f"deposit ${_rounded_up(collateral_usd + missing_usd)} or more instead of ${collateral_usd:,.0f}, raise "
            f"{key}, or hedge a smaller book",
        )


def _rounded_up(number: float) -> str:
    """Return a number to three digits, never below it, so that what is advised suffices."""
    step = 10.0 ** (np.floor(np.log10(number)) - 2)
    return f"{np.ceil(number / step) * step:,.10g}"
