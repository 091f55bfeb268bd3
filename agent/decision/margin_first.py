"""What keeps venue accounts away from liquidation, decided before anything else and from the accounts alone.

An account above its high watermark is brought back by a deposit. Where idle collateral does not suffice and the
account stands above the guard's own bound, part of its position is closed, as far as the guard's relief allows. None of
it asks the book, a policy or a quote for the side that the hedge needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from agent.decision.largest_accepted import SIZE_ERRORS, largest_accepted
from agent.domain import Fill, Leg, Measurement, Snapshot
from agent.errors import DataError, RejectedError
from agent.guard import UINT256_MAX, venue_leverage
from agent.routing import Route, RoutingParameters
from agent.routing.margin import IdleFunds
from agent.routing.top_up import (
    cut_capacity,
    endangered_venues,
    funds_of,
    margin_watermarks,
    plan_cut,
    plan_top_up,
    strained_venues,
    wanted_cut,
)
from agent.units import from_asset_units, from_wad


@dataclass(frozen=True, slots=True)
class MarginFirst:
    """What is to be done for accounts above their high watermark; without legs nothing can be.

    ``is_enough`` when every account is back at or below its high watermark afterwards.
    """

    urgent: ClassVar[bool] = True
    guard_error: ClassVar[str | None] = None
    legs: tuple[Leg, ...]
    expected_fills: tuple[Fill, ...]
    reason: str
    is_enough: bool


def margin_first(snapshot: Snapshot, settings: RoutingParameters, *, may_trade: bool) -> MarginFirst | None:
    """Plan what accounts above their high watermark need; None while there are none.

    Parameters
    ----------
    snapshot
        Its book delta is not looked at.
    settings
        Watermarks, reserve and tolerance.
    may_trade
        Whether price and book are healthy enough for the vault to trade at all.

    """
    strained = strained_venues(snapshot, settings)
    if not strained:
        return None
    route, refusal = _accepted_deposits(snapshot, settings)
    endangered = endangered_venues(snapshot, route.after, settings)
    if endangered and may_trade and not snapshot.paused:
        try:
            route = _cut(snapshot, route, endangered[0], settings) or route
        except RejectedError as rejection:
            refusal = refusal or rejection
    high = margin_watermarks(snapshot, settings).high
    is_enough = all(venue_leverage(route.after.venues[index]) <= high for index in strained)
    words = _words(snapshot, strained, high, route, refusal)
    if not is_enough:
        words += _idle_words(funds_of(snapshot, settings))
    return MarginFirst(route.legs, route.fills, words, is_enough)


def _accepted_deposits(snapshot: Snapshot, settings: RoutingParameters) -> tuple[Route, RejectedError | None]:
    """Return the deposits that the guard's mirror accepts, or none with its error."""
    route = plan_top_up(snapshot, settings)
    nothing = Route((), (), snapshot.measurement)
    if not route.legs:
        return nothing, None
    try:
        route.judge(snapshot)
    except RejectedError as rejection:
        return nothing, rejection
    return route, None


def _cut(snapshot: Snapshot, deposits: Route, index: int, settings: RoutingParameters) -> Route | None:
    """Return the deposits with the largest cut up to the wanted one that the guard's mirror accepts, if any."""
    try:
        capacity = cut_capacity(snapshot, index, settings)
    except DataError:  # quotes that contradict themselves: what can be deposited still is
        return None
    size = min(wanted_cut(snapshot, deposits.after.venues[index]), capacity)
    if snapshot.venues[index].size == 0 or size < 1:
        return None

    def attempt(tried: int) -> Route:
        route = plan_cut(snapshot, deposits, index, tried, settings)
        route.judge(snapshot)
        return route

    try:
        return attempt(size)
    except RejectedError as rejection:
        found = largest_accepted(attempt, size, rejection, 1) if rejection.name in SIZE_ERRORS else None
        if found is None:
            raise
        return found


def _words(
    snapshot: Snapshot, strained: tuple[int, ...], high: int, route: Route, refusal: RejectedError | None
) -> str:
    accounts = ", ".join(
        f"{snapshot.venues[index].name} at {_ratio(snapshot.measurement, index)} (to {_ratio(route.after, index)})"
        for index in strained
    )
    parts = [f"{accounts}, above the high watermark of {from_wad(high):.2f}"]
    deposited = sum(leg.margin_delta for leg in route.legs)
    if deposited:
        parts.append(f"deposit ${from_asset_units(deposited, snapshot.asset_decimals):,.0f} of margin")
    if route.fills:
        parts.append(f"close {from_wad(sum(abs(fill.size_delta) for fill in route.fills)):.4f} of the position")
    if not route.legs:
        parts.append("nothing can be done" if refusal is None else f"the guard would refuse: {refusal}")
    elif refusal is not None:
        parts.append(f"the guard would refuse more: {refusal}")
    return "; ".join(parts)


def _idle_words(funds: IdleFunds) -> str:
    """Return what there was to deposit, and what the guard keeps of it for exits."""
    idle, floor = (from_asset_units(assets, funds.decimals) for assets in (funds.assets, funds.floor))
    return f"; ${idle:,.0f} lay idle, of which the guard's floor keeps ${floor:,.0f} for exits"


def _ratio(measurement: Measurement, index: int) -> str:
    leverage = venue_leverage(measurement.venues[index])
    return "no equity" if leverage >= UINT256_MAX else f"{from_wad(leverage):.2f}"
