"""Orders that outlive their transaction, as a cycle has to mind them: one at a time, none forgotten, no endless retry.

While an order may still execute its venue takes no further trade: what is pending counts in every measurement at its
worst case, and what is left of it is decided anew once the venue has said its last word. A venue whose orders end the
same way without a fill, several in a row, is left alone until a person has looked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agent.domain import BlockRef
from agent.keeper.alerts import AlertEvent, AlertLog
from agent.keeper.planner import Sight
from agent.ledger.acknowledging import acknowledged_orders
from agent.ledger.orders import Order, by_venue, failed_in_a_row, is_final, order_reference
from agent.ledger.records import OrderState
from agent.ledger.store import VaultLedger
from agent.settings.keeper import KeeperSettings
from agent.units import Address, Seconds, from_wad


class OrderWatch:
    """Minds the orders of one vault."""

    def __init__(
        self, ledger: VaultLedger, alerts: AlertLog, settings: KeeperSettings, names: Mapping[Address, str]
    ) -> None:
        self._ledger = ledger
        self._alerts = alerts
        self._settings = settings
        self._names = names
        self._first_seen: dict[str, Seconds] = {}
        """Open orders that no decision of this ledger asked for: a rescue's, a relayed intent's, an adapter's own."""

    def restrain(self, sight: Sight, refusals: Mapping[str, str]) -> Sight:
        """Return a sight in which venues with an open order, or with orders that keep failing, quote nothing.

        Where that leaves no venue, only margin may move. ``refusals`` says, by the order's id, what the chain answers
        to what an open order needs.
        """
        closed = self._closed_venues(sight.block, refusals)
        if not closed:
            return sight
        venues = tuple(
            replace(venue, quotes=()) if venue.address in closed else venue for venue in sight.snapshot.venues
        )
        is_any_left = any(venue.quotes for venue in venues)
        snapshot = replace(sight.snapshot, venues=venues) if is_any_left else replace(sight.snapshot, paused=True)
        return replace(sight, snapshot=snapshot, restraint="; ".join(closed.values()))

    def _closed_venues(self, block: BlockRef, refusals: Mapping[str, str]) -> Mapping[Address, str]:
        """Return which venues take no new order and why; tell what a person has to look at."""
        orders = self._ledger.orders()
        if not orders:
            return {}
        failing = self._failing(by_venue(orders))
        self._tell(AlertEvent.ORDERS_FAILING, list(failing.values()), block)
        opened = {order.venue: order for order in orders if not is_final(order.state)}
        stuck = [words for order in opened.values() if (words := self._stuck(order, block, refusals))]
        self._tell(AlertEvent.ORDER_STUCK, stuck, block)
        return failing | {venue: self._shown(order) + _why(order, refusals) for venue, order in opened.items()}

    def _failing(self, orders_of: Mapping[Address, Sequence[Order]]) -> dict[Address, str]:
        limit = self._settings.max_failed_orders_in_row
        acknowledged = acknowledged_orders(self._ledger)
        found = {}
        for venue, orders in orders_of.items():
            failed = failed_in_a_row(orders, acknowledged)
            if len(failed) >= limit:
                words = f"the last {len(failed)} orders on venue {self._name(venue)} were {failed[0].state.value}"
                found[venue] = (
                    f"{words} without a fill, limit {limit}, the newest {failed[0].order_id}: it gets none until "
                    "somebody has found out why (evenkeel ledger acknowledge orders --reason ...)"
                )
        return found

    def _stuck(self, order: Order, block: BlockRef, refusals: Mapping[str, str]) -> str | None:
        """Say of an open order that it should have come further by now."""
        decided_unix = self._ledger.decided_unix(order.intent_id)
        if decided_unix is None:
            decided_unix = self._first_seen.setdefault(order_reference(order), block.timestamp)
        age = block.timestamp - decided_unix
        limit = self._settings.max_order_age_seconds
        if order.state is not OrderState.FROZEN and age <= limit:
            return None
        name, why = self._name(order.venue), _why(order, refusals)
        cancel = f"""evenkeel gov call '{name}.cancel ["{order.order_id}"]'"""
        return (
            f"{self._shown(order)}, for {age} s by now, allowed {limit:g}{why}; the venue gets no other order "
            f"meanwhile: {cancel}, or evenkeel gov close {name}"
        )

    def _tell(self, event: AlertEvent, found: Sequence[str], block: BlockRef) -> None:
        if found:
            self._alerts.raise_alert(event, "; ".join(found), block.timestamp)
        else:
            self._alerts.clear(event)

    def _name(self, venue: Address) -> str:
        return self._names.get(venue, venue)

    def _shown(self, order: Order) -> str:
        filled, wanted = from_wad(order.filled_size_delta), from_wad(order.requested_size_delta)
        where = f"order {order.order_id} on venue {self._name(order.venue)}"
        return f"{where} is {order.state.value}, {filled:+.6g} of {wanted:+.6g} filled"


def _why(order: Order, refusals: Mapping[str, str]) -> str:
    refusal = refusals.get(order.order_id)
    return "" if refusal is None else f"; the keeper cannot {refusal}"
