"""Margin for accounts above their high watermark, and the cut of a position where collateral does not suffice.

Nothing here needs the book, a policy or, for the deposits, a quote or a healthy price.
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.costs.quotes import fill_at, ladder_of, size_within
from agent.domain import Fill, Leg, Measurement, Snapshot, VenueMeasurement
from agent.guard import RELIEF_FLOOR_BPS, largest_size, venue_leverage
from agent.rounding import share
from agent.routing.foreseen import Route, as_shown, foresee, has_open_order
from agent.routing.limits import leg_limit, planned_limit
from agent.routing.margin import IdleFunds, Watermarks, deposit_due, idle_funds, watermarks
from agent.routing.route import RoutingParameters
from agent.units import BPS, WAD, AssetUnits, Wad

_CUT_TO_BPS = (RELIEF_FLOOR_BPS + BPS) // 2
"""A cut leads to this part of the guard's leverage: half-way from its bound to the least that relief may lead to."""


def margin_watermarks(snapshot: Snapshot, settings: RoutingParameters) -> Watermarks:
    """Return the watermarks in force."""
    return watermarks(settings.margin, snapshot.bounds.max_venue_leverage)


def strained_venues(snapshot: Snapshot, settings: RoutingParameters) -> tuple[int, ...]:
    """Return the venues that answer and stand above the high watermark, most leverage first."""
    high = margin_watermarks(snapshot, settings).high
    ratios = [
        0 if measured.is_silent or venue.trades_options else venue_leverage(measured)
        for venue, measured in zip(snapshot.venues, snapshot.measurement.venues, strict=True)
    ]
    return tuple(
        sorted((index for index, ratio in enumerate(ratios) if ratio > high), key=lambda index: -ratios[index])
    )


def funds_of(snapshot: Snapshot, settings: RoutingParameters) -> IdleFunds:
    """Return the idle collateral at the snapshot, its reserve and the guard's floor."""
    floor_bps, decimals = snapshot.bounds.idle_floor_bps, snapshot.asset_decimals
    return idle_funds(settings.margin, snapshot.measurement, snapshot.idle_assets, floor_bps, decimals)


def plan_top_up(snapshot: Snapshot, settings: RoutingParameters) -> Route:
    """Plan the deposits that bring strained accounts back to target, as far as idle collateral goes.

    The reserve for exits is drawn on down to the guard's floor, and only for the high watermark; see `deposit_due`. An
    account whose order is open takes none.
    """
    limits, funds = margin_watermarks(snapshot, settings), funds_of(snapshot, settings)
    margins: dict[int, AssetUnits] = {}
    for index in strained_venues(snapshot, settings):
        if has_open_order(snapshot, index):
            continue
        margin = deposit_due(snapshot.measurement.venues[index], limits, funds)
        if margin >= settings.margin.min_margin_delta:
            margins[index] = margin
            funds = funds.after(margin)
    return _route(snapshot, margins, (), {})


def endangered_venues(snapshot: Snapshot, after: Measurement, settings: RoutingParameters) -> tuple[int, ...]:
    """Return the strained venues that stand above the guard's own bound after a route."""
    bound = snapshot.bounds.max_venue_leverage
    return tuple(index for index in strained_venues(snapshot, settings) if venue_leverage(after.venues[index]) > bound)


def wanted_cut(snapshot: Snapshot, after: VenueMeasurement) -> int:
    """Return the size to close (absolute, WAD) that brings an account back inside the guard's leverage.

    Half of the position where no equity is left: the guard lets none be closed whole for its leverage alone.
    """
    size = largest_size(after)
    if after.equity_low <= 0:
        return size // 2
    kept_notional = share(snapshot.bounds.max_venue_leverage, _CUT_TO_BPS) * after.equity_low // WAD
    return max(size - kept_notional * WAD // after.price, 0)


def cut_capacity(snapshot: Snapshot, index: int, settings: RoutingParameters) -> int:
    """Return the largest size (absolute, WAD) that can be closed at once; raises as `ladder_of` does."""
    ladder, bounds = ladder_of(snapshot.venues[index], _closes_by_buying(snapshot, index)), snapshot.bounds
    within_price = size_within(ladder, planned_limit(snapshot, ladder.is_buy, settings.limit_tolerance_bps))
    highest = max([snapshot.measurement.venues[index].price, *(rung.execution_price for rung in ladder.rungs)])
    return min(within_price, bounds.max_size_delta, max(bounds.max_notional - 1, 0) * WAD // highest)


def plan_cut(snapshot: Snapshot, deposits: Route, index: int, size: int, settings: RoutingParameters) -> Route:
    """Plan deposits and the closing of an absolute size on one venue in one rebalance.

    Raises
    ------
    DataError
        The size exceeds what the venue quotes.

    """
    ladder = ladder_of(snapshot.venues[index], _closes_by_buying(snapshot, index))
    fill = fill_at(ladder, index, size)
    moved = {leg.venue: leg.margin_delta for leg in deposits.legs}
    margins = {index: moved[venue.address] for index, venue in enumerate(snapshot.venues) if venue.address in moved}
    limits = {index: leg_limit(snapshot, ladder, fill, settings.limit_tolerance_bps)}
    return _route(snapshot, margins, as_shown(snapshot, (fill,), limits, {index: ladder}), limits, (fill,))


def _closes_by_buying(snapshot: Snapshot, index: int) -> bool:
    return snapshot.venues[index].size < 0


def _route(
    snapshot: Snapshot,
    margins: Mapping[int, AssetUnits],
    shown: tuple[Fill, ...],
    limits: Mapping[int, Wad],
    fills: tuple[Fill, ...] = (),
) -> Route:
    sizes = {fill.venue_index: fill.size_delta for fill in fills}
    legs = [
        Leg(venue.address, margins.get(index, AssetUnits(0)), sizes.get(index, Wad(0)), limits.get(index, Wad(0)))
        for index, venue in enumerate(snapshot.venues)
        if index in sizes or margins.get(index, 0) != 0
    ]
    return foresee(snapshot, legs, fills, shown)
