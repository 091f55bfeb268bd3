"""Closing the whole hedge by hand, as far as the chain allows in one rebalance, without book or policy.

The chain lets a position be closed where that does not enlarge the worst-case net delta beyond its band, where the
venue is closing, or where the vault winds down. What it does not allow is said, with the guard's own error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from agent.decision.chain_band import inside_delta_rule
from agent.decision.largest_accepted import SIZE_ERRORS, largest_accepted
from agent.domain import Fill, Leg, Snapshot
from agent.errors import RejectedError
from agent.formatting import delta_text
from agent.guard import GuardError, largest_size
from agent.routing import Route, RoutingParameters
from agent.routing.top_up import cut_capacity, plan_cut
from agent.units import Wad, from_wad

_LEAST_PART = 4
"""A step closes at least this part of what the venue takes: budgets that refill must not be spent on small change."""


@dataclass(frozen=True, slots=True)
class FlattenStep:
    """One rebalance toward no position at all; without legs there is none, and the reason says why.

    ``remaining`` is what stays open after it over all venues, absolute, WAD underlying; an order that is open counts at
    its worst. ``waits_for_order``: nothing can be closed before one has ended.
    """

    urgent: ClassVar[bool] = True
    guard_error: ClassVar[str | None] = None
    legs: tuple[Leg, ...]
    expected_fills: tuple[Fill, ...]
    reason: str
    remaining: Wad
    refusal: RejectedError | None = None
    waits_for_order: bool = False

    @property
    def is_done(self) -> bool:
        """True when nothing is open before the step."""
        return not self.legs and self.remaining == 0


def plan_flatten(snapshot: Snapshot, settings: RoutingParameters, restraint: str = "") -> FlattenStep:
    """Plan the next step: the largest position first, as much of it as the guard's mirror accepts.

    ``restraint`` is why venues were left out, or the snapshot made one of a paused vault; empty where neither was done.

    Raises
    ------
    DataError
        A quote is malformed.

    """
    ordered = _ordered(snapshot)
    total = sum(
        largest_size(snapshot.measurement.venues[index]) if index in ordered else abs(venue.size)
        for index, venue in enumerate(snapshot.venues)
    )
    if total == 0:
        return FlattenStep((), (), "no position is open", Wad(0))
    if snapshot.paused:
        reason = restraint or "the vault is paused; end the pause first (evenkeel gov)"
        return FlattenStep((), (), reason, Wad(total), waits_for_order=bool(restraint and ordered))
    refusal: RejectedError | None = None
    for index in _largest_first(snapshot):
        if index in ordered:
            continue
        try:
            route = _close(snapshot, index, settings)
        except RejectedError as rejection:
            refusal = refusal or rejection
            continue
        if route is not None:
            closed = abs(route.fills[0].size_delta)
            reason = f"close {delta_text(from_wad(closed))} of {delta_text(from_wad(total))} by hand"
            return FlattenStep(route.legs, route.fills, reason, Wad(total - closed))
    if ordered and refusal is None:
        names = ", ".join(snapshot.venues[index].name for index in ordered)
        reason = restraint or f"an order is open on {names}, and one is placed at a time"
        return FlattenStep((), (), f"{reason}; it is waited for, or cancelled", Wad(total), waits_for_order=True)
    return FlattenStep((), (), _why_not(refusal, restraint), Wad(total), refusal)


def _ordered(snapshot: Snapshot) -> list[int]:
    """Return the venues on which an order is open: it may still open what was closed."""
    measured = snapshot.measurement.venues
    return [
        index
        for index, venue in enumerate(snapshot.venues)
        if measured[index].size_low != measured[index].size_high
        and not measured[index].is_silent
        and not venue.trades_options
    ]


def _largest_first(snapshot: Snapshot) -> list[int]:
    measured = snapshot.measurement.venues
    answering = [index for index, venue in enumerate(snapshot.venues) if venue.size and not measured[index].is_silent]
    return sorted(answering, key=lambda index: -measured[index].notional)


def _close(snapshot: Snapshot, index: int, settings: RoutingParameters) -> Route | None:
    """Return the largest close of one venue's position that the mirror accepts; None where the venue quotes nothing."""
    nothing = Route((), (), snapshot.measurement)
    size = snapshot.venues[index].size

    def attempt(tried: int) -> Route:
        route = plan_cut(snapshot, nothing, index, tried, settings)
        route.judge(snapshot)
        return route

    wanted = min(abs(size), cut_capacity(snapshot, index, settings))
    if wanted == 0:
        return None
    try:
        return attempt(wanted)
    except RejectedError as rejection:
        if rejection.name == GuardError.NET_DELTA_EXCEEDED:
            return _close_within_delta_rule(snapshot, Wad(-wanted if size > 0 else wanted), attempt, rejection)
        least = -(-wanted // _LEAST_PART)
        found = largest_accepted(attempt, wanted, rejection, least) if rejection.name in SIZE_ERRORS else None
        if found is None:
            raise
        return found


def _close_within_delta_rule(
    snapshot: Snapshot, wanted: Wad, attempt: Callable[[int], Route], refusal: RejectedError
) -> Route:
    """Return the close that the delta rule leaves; raise its refusal where that is too small to be a trade."""
    within = abs(inside_delta_rule(snapshot, wanted))
    if within == 0:
        raise refusal
    try:
        return attempt(within)
    except RejectedError:
        raise refusal from None


def _why_not(refusal: RejectedError | None, restraint: str) -> str:
    if refusal is None:
        return restraint or "no venue with a position answers and quotes"
    if refusal.name == GuardError.NET_DELTA_EXCEEDED:
        return (
            f"the guard would refuse: {refusal}; the book still needs this hedge. Take its legs off the chain, close "
            "the venue, or wind the vault down (evenkeel gov)"
        )
    return f"the guard would refuse: {refusal}"
