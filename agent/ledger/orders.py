"""Orders that outlive the transaction that placed them: what a venue has said of each, and how far it has come.

    requested -> partly -> executed | cancelled | expired
        |          |
        +----------+--> frozen: nothing happens until the venue takes it up again or somebody cancels it

An order's id is the venue's, and what is left of it may still execute until a final step says otherwise. Steps are
chain events: a reorganisation takes them back with their block, and one that comes twice counts once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from agent.errors import DataError
from agent.ledger.records import OrderState, OrderStep
from agent.units import Address, IntentId, Wad

_OPEN_STEPS = frozenset(
    {OrderState.PARTLY, OrderState.EXECUTED, OrderState.CANCELLED, OrderState.FROZEN, OrderState.EXPIRED}
)
_NEXT: dict[OrderState, frozenset[OrderState]] = {
    OrderState.REQUESTED: _OPEN_STEPS,
    OrderState.PARTLY: _OPEN_STEPS,
    OrderState.FROZEN: _OPEN_STEPS - {OrderState.FROZEN},
    OrderState.EXECUTED: frozenset(),
    OrderState.CANCELLED: frozenset(),
    OrderState.EXPIRED: frozenset(),
}


def is_final(state: OrderState) -> bool:
    """Return whether nothing more of an order in this state can execute."""
    return not _NEXT[state]


@dataclass(frozen=True, slots=True)
class Order:
    """An order as its steps leave it."""

    intent_id: IntentId
    venue: Address
    order_id: str
    state: OrderState
    requested_size_delta: Wad
    filled_size_delta: Wad

    @property
    def pending_size_delta(self) -> Wad:
        """What may still execute."""
        return Wad(0) if is_final(self.state) else Wad(self.requested_size_delta - self.filled_size_delta)

    @property
    def unfilled_size_delta(self) -> Wad:
        """What certainly will not execute any more, to be decided anew; nothing before the final step."""
        return Wad(self.requested_size_delta - self.filled_size_delta) if is_final(self.state) else Wad(0)


OrderKey = tuple[Address, str]
"""Venue, and the id it gave the order."""


def replay(steps: Iterable[OrderStep]) -> dict[OrderKey, Order]:
    """Return every order after its steps, which come in chain order.

    Raises
    ------
    DataError
        A step is none that its order allows: what the venue says of its orders cannot be trusted.

    """
    orders: dict[OrderKey, Order] = {}
    for step in steps:
        key = (step.venue, step.order_id)
        orders[key] = advance(orders.get(key), step)
    return orders


def advance(order: Order | None, step: OrderStep) -> Order:
    """Return an order after one more step; None before its first. Raises as `replay` does."""
    after = Order(
        step.intent_id, step.venue, step.order_id, step.state, step.requested_size_delta, step.filled_size_delta
    )
    fault = _size_fault(after) or _step_fault(order, after)
    if fault:
        raise DataError(
            f"order {step.order_id} of venue {step.venue}, block {step.at.block.number} log {step.at.log_index}: "
            f"{fault}; look at the venue's events before anything is sent there"
        )
    return after


def _step_fault(before: Order | None, after: Order) -> str | None:
    if before is None:
        return None if after.state is OrderState.REQUESTED else f"is {after.state.value} and was never requested"
    if after.state not in _NEXT[before.state]:
        return f"was {before.state.value} and cannot become {after.state.value}"
    if (before.intent_id, before.requested_size_delta) != (after.intent_id, after.requested_size_delta):
        return f"was for {before.requested_size_delta} of intent {before.intent_id} and is for another size or intent"
    if abs(after.filled_size_delta) < abs(before.filled_size_delta):
        return f"had {before.filled_size_delta} filled and now {after.filled_size_delta}"
    return None


def _size_fault(order: Order) -> str | None:
    requested, filled = order.requested_size_delta, order.filled_size_delta
    if requested == 0:
        return "asks for nothing"
    if filled * requested < 0 or abs(filled) > abs(requested):
        return f"has {filled} filled of {requested} requested"
    expected = {OrderState.REQUESTED: filled == 0, OrderState.EXECUTED: filled == requested}
    if order.state is OrderState.PARTLY:
        expected[OrderState.PARTLY] = filled not in {0, requested}
    return None if expected.get(order.state, True) else f"is {order.state.value} with {filled} of {requested} filled"


# --- failures -----------------------------------------------------------------------------------------------------


def by_venue(orders: Iterable[Order]) -> dict[Address, list[Order]]:
    """Return the orders of each venue, in their order."""
    found: defaultdict[Address, list[Order]] = defaultdict(list)
    for order in orders:
        found[order.venue].append(order)
    return dict(found)


def order_reference(order: Order) -> str:
    """Return how an operator's acknowledgement names an order."""
    return f"{order.venue} {order.order_id}"


def failed_in_a_row(orders: Sequence[Order], acknowledged: frozenset[str] = frozenset()) -> list[Order]:
    """Return the newest orders of one venue that all ended alike and filled nothing, newest first.

    ``orders`` are the venue's, oldest first; those still open are left out. What an operator has acknowledged, and all
    before it, does not count.
    """
    ended = [order for order in reversed(orders) if is_final(order.state)]
    return list(
        takewhile(
            lambda order: (
                order.filled_size_delta == 0
                and order.state is ended[0].state
                and order_reference(order) not in acknowledged
            ),
            ended,
        )
    )
