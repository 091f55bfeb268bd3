"""What an open order needs now, decided from the venue's state, the ledger's record and the vault's measurement alone.

the venue has gone further than the record     reconcile
nothing of it can fill any more                cancel
its fill would enlarge the worst case          cancel
anybody may have it executed                   settle
otherwise                                      wait
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from agent.chain.orders import OrderStatus, VenueOrder
from agent.domain import Snapshot
from agent.guard import band_now, worst_net_delta
from agent.units import Seconds, Wad

FillRule = Callable[[Snapshot, VenueOrder], bool]


class OrderAct(Enum):
    """What is done about an order."""

    WAIT = "wait"
    RECONCILE = "reconcile"
    SETTLE = "settle"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class OrderCare:
    """One order, what is to be done about it, and why in words."""

    order: VenueOrder
    act: OrderAct
    reason: str


def plan_care(
    order: VenueOrder,
    now_unix: Seconds,
    recorded_filled: Wad | None = None,
    *,
    is_fill_wanted: bool = True,
    can_settle: bool = False,
) -> OrderCare:
    """Return what an order needs.

    Parameters
    ----------
    order
        As the venue's state has it.
    now_unix
        Time of the block that it was read at.
    recorded_filled
        What the ledger, which holds it for open, has as filled; None where there is no ledger to ask.
    is_fill_wanted
        Whether its fill still leads toward the hedge; see `is_fill_wanted`.
    can_settle
        Whether the venue lets anybody have it executed and there is somebody to ask for prices.

    """
    if recorded_filled is not None and (not order.status.is_open or order.filled_size_delta != recorded_filled):
        return OrderCare(order, OrderAct.RECONCILE, f"the venue has it {order.status.words}, the record has it open")
    if now_unix >= order.expires_at:
        return OrderCare(order, OrderAct.CANCEL, f"it expired {now_unix - order.expires_at} s ago")
    if not is_fill_wanted:
        return OrderCare(order, OrderAct.CANCEL, "its fill would enlarge the worst case by now")
    if order.status is OrderStatus.FROZEN:
        return OrderCare(order, OrderAct.CANCEL, "the venue holds it frozen")
    if can_settle:
        return OrderCare(order, OrderAct.SETTLE, "anybody may have it executed")
    return OrderCare(order, OrderAct.WAIT, f"the venue has {order.expires_at - now_unix} s left to execute it")


def is_fill_wanted(snapshot: Snapshot, order: VenueOrder) -> bool:
    """Return whether what is left of an order, filled, leaves the worst case inside the band or no larger than without.

    What is pending on other venues counts at its worst on both sides.
    """
    index = next((at for at, venue in enumerate(snapshot.venues) if venue.address == order.venue), None)
    if index is None:
        return True

    def worst(size: int) -> int:
        venues = list(snapshot.measurement.venues)
        venues[index] = replace(venues[index], size_low=Wad(size), size_high=Wad(size))
        return worst_net_delta(replace(snapshot.measurement, venues=tuple(venues)))

    held = snapshot.venues[index].size
    return worst(held + order.left) <= max(band_now(snapshot), worst(held))


def closes_only(snapshot: Snapshot, order: VenueOrder) -> bool:
    """Return whether what is left of an order, filled, does nothing but close what its venue holds."""
    held = next((venue.size for venue in snapshot.venues if venue.address == order.venue), 0)
    return held * order.left < 0 and abs(order.left) <= abs(held)
