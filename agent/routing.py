"""From a size to legs: which venue trades how much, at what limit, with what margin.

Sizes go to venues by quoted marginal cost, inside what each quotes, the guard's price limit, size, notional and
turnover. All numbers are integers, rounded toward less risk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.domain import Fill, Leg, Measurement, Snapshot
from agent.errors import DataError
from agent.guard import limit_price, predict, turnover_available
from agent.risk.margin import MarginSettings, Watermarks, deposit_due, idle_funds, watermarks, withdrawal_due
from agent.risk.quotes import Ladder, fill_at, ladder_of, size_within, worst_quoted_price
from agent.units import BPS, WAD, AssetUnits, Wad, asset_units_to_wad


@dataclass(frozen=True, slots=True)
class RoutingSettings:
    """``limit_tolerance_bps``: how much worse than quoted a leg may fill; plans keep as far from the guard's limit.

    ``margin``: how much collateral stands on a venue.
    """

    limit_tolerance_bps: int
    margin: MarginSettings

    def __post_init__(self) -> None:
        if not 0 <= self.limit_tolerance_bps < BPS:
            raise DataError(f"limit_tolerance_bps is {self.limit_tolerance_bps}; expected 0 to {BPS - 1}")


@dataclass(frozen=True, slots=True)
class Route:
    """Legs, what they are expected to do, and what the vault would measure then."""

    legs: tuple[Leg, ...]
    fills: tuple[Fill, ...]
    after: Measurement


@dataclass(frozen=True, slots=True)
class Cap:
    """Largest size that can be traded now (absolute, WAD underlying), and what sets it."""

    size: Wad
    reason: str


def size_cap(snapshot: Snapshot, is_buy: bool, settings: RoutingSettings) -> Cap:
    """Return the largest size the venues' quotes and the guard's size, price, notional and turnover bounds admit.

    Notional is converted to size at the highest price a fill can have, less one unit a fill for its rounding up.
    """
    ladders = [ladder_of(venue, is_buy) for venue in snapshot.venues]
    limit = _planned_limit(snapshot, is_buy, settings)
    rooms = [_venue_room(snapshot, ladder, limit) for ladder in ladders]
    by_venues = Cap(Wad(sum(rooms)), "what venues quote inside the guard's size and price limits")
    turnover = turnover_available(snapshot.bounds, snapshot.budget, snapshot.block.timestamp)
    notional, reason = min(
        (snapshot.bounds.max_notional, "the guard's notional of one rebalance"), (turnover, "the guard's turnover left")
    )
    prices = [rung.execution_price for ladder in ladders for rung in ladder.rungs]
    highest = limit if is_buy else max([limit, *prices])
    rounding = len(ladders)
    by_notional = Cap(Wad(max(notional - rounding, 0) * WAD // highest), reason)
    return min(by_venues, by_notional, key=lambda cap: cap.size)


def plan_route(snapshot: Snapshot, size_delta: int, settings: RoutingSettings) -> Route:
    """Plan legs for ``size_delta`` (signed; 0 plans margin alone) that lies within `size_cap`.

    Raises
    ------
    DataError
        ``size_delta`` exceeds what the venues take, or a quote is malformed.

    """
    sizes = _allocate(snapshot, abs(size_delta), size_delta > 0, settings)
    ladders = {index: ladder_of(snapshot.venues[index], size_delta > 0) for index in sizes}
    fills = tuple(fill_at(ladders[index], index, size) for index, size in sorted(sizes.items()))
    margins = _margins(snapshot, fills, settings.margin)
    filled = {fill.venue_index: fill for fill in fills}
    legs: list[Leg] = []
    for index, venue in enumerate(snapshot.venues):
        fill = filled.get(index)
        if fill is not None:
            limit = _leg_limit(snapshot, ladders[index], fill, settings.limit_tolerance_bps)
            legs.append(Leg(venue.address, margins[index], fill.size_delta, limit))
        elif margins[index] != 0:
            legs.append(Leg(venue.address, margins[index], Wad(0), Wad(0)))
    return Route(tuple(legs), fills, predict(snapshot, legs, fills))


def _planned_limit(snapshot: Snapshot, is_buy: bool, settings: RoutingSettings) -> Wad:
    """Return the worst quoted price planned with: the guard's limit less the tolerance, or half of a tight limit."""
    slippage_bps = snapshot.bounds.max_slippage_bps
    planned_bps = slippage_bps - min(settings.limit_tolerance_bps, slippage_bps // 2)
    return limit_price(snapshot.measurement.price, 1 if is_buy else -1, planned_bps)


def _venue_room(snapshot: Snapshot, ladder: Ladder, limit: Wad) -> int:
    """Return the largest size one venue takes inside a price limit and the guard's size limit."""
    return min(size_within(ladder, limit), snapshot.bounds.max_size_delta)


def _allocate(snapshot: Snapshot, size: int, is_buy: bool, settings: RoutingSettings) -> dict[int, int]:
    """Spread ``size`` over the venues, cheapest quoted slice first; slices of a venue add up to one fill."""
    if size == 0:
        return {}
    limit = _planned_limit(snapshot, is_buy, settings)
    slices: list[tuple[int, int, int]] = []
    rooms: list[int] = []
    for index, venue in enumerate(snapshot.venues):
        ladder = ladder_of(venue, is_buy)
        rooms.append(_venue_room(snapshot, ladder, limit))
        slices += [(cost, index, width) for cost, width in _slices(ladder)]
    sizes: dict[int, int] = {}
    left = size
    for _, index, width in sorted(slices):
        taken = min(width, left, rooms[index] - sizes.get(index, 0))
        if taken > 0:
            sizes[index] = sizes.get(index, 0) + taken
            left -= taken
    if left > 0:
        raise DataError(f"size {size} exceeds what the venues take by {left}; cap it with size_cap first")
    return sizes


def _slices(ladder: Ladder) -> list[tuple[int, int]]:
    """Return marginal cost (WAD USD per underlying, fee inside, income negative) and width of each step of a ladder."""
    sign = 1 if ladder.is_buy else -1
    slices: list[tuple[int, int]] = []
    spent = size = 0
    for rung in ladder.rungs:
        cost = sign * rung.size * rung.execution_price + rung.fee * WAD
        slices.append(((cost - spent) // (rung.size - size), rung.size - size))
        spent, size = cost, rung.size
    return slices


def _leg_limit(snapshot: Snapshot, ladder: Ladder, fill: Fill, tolerance_bps: int) -> Wad:
    """Return the worst quoted price moved by the tolerance, never looser than the guard's own limit."""
    quoted = worst_quoted_price(ladder, abs(fill.size_delta))
    own = limit_price(quoted, fill.size_delta, tolerance_bps)
    guard = limit_price(snapshot.measurement.price, fill.size_delta, snapshot.bounds.max_slippage_bps)
    return min(own, guard) if ladder.is_buy else max(own, guard)


def _margins(snapshot: Snapshot, fills: Sequence[Fill], settings: MarginSettings) -> list[AssetUnits]:
    """Plan each venue's margin: deposit where leverage is high; withdraw beside a trade or to mend the reserve."""
    unfunded = predict(snapshot, (), fills)
    limits = watermarks(settings, snapshot.bounds.max_venue_leverage)
    funds = idle_funds(settings, snapshot.idle_assets, snapshot.measurement.nav_low, snapshot.asset_decimals)
    trading = {fill.venue_index for fill in fills}
    margins: list[AssetUnits] = []
    for index in range(len(snapshot.venues)):
        margin = deposit_due(unfunded.venues[index], limits, funds)
        if margin == 0:
            margin = AssetUnits(-_withdrawal(snapshot, unfunded, index, limits))
            if index not in trading:
                margin = AssetUnits(max(margin, -funds.shortfall))
        if abs(margin) < settings.min_margin_delta:
            margin = AssetUnits(0)
        funds = funds.after(margin)
        margins.append(margin)
    return margins


def _withdrawal(snapshot: Snapshot, unfunded: Measurement, index: int, limits: Watermarks) -> AssetUnits:
    """Return the withdrawal due, within the free collateral the venue will surely grant after the trade.

    The venue's own margin rules are not known here: what the trade costs, and all notional it adds, count as tied up.
    """
    before, after = snapshot.measurement.venues[index], unfunded.venues[index]
    tied_up = max(after.notional - before.notional, 0) + max(before.equity_low - after.equity_low, 0)
    free = asset_units_to_wad(snapshot.venues[index].free_collateral, snapshot.asset_decimals)
    return withdrawal_due(after, limits, Wad(max(free - tied_up, 0)), snapshot.asset_decimals)
