"""What adapters tell of orders that outlive their transaction: each step, and what it filled and cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agent.chain.abi import Log, load_abi
from agent.chain.block_id import BlockId
from agent.ledger.orders import Order, OrderKey, advance
from agent.ledger.records import FillRecord, LogId, OrderState, OrderStep
from agent.ledger.store import VaultLedger
from agent.units import Address, IntentId, Wad

_STATES = (
    None,
    None,  # pending: nothing new
    OrderState.EXECUTED,
    OrderState.CANCELLED,
    OrderState.EXPIRED,
    OrderState.PARTLY,
    OrderState.FROZEN,
)
"""By `IPerpVenue.OrderStatus`."""
_NOBODYS_INTENT = IntentId("0x" + "00" * 32)
"""As the vault names what a leaver asked for."""


class OrderEvents:
    """Reads the events of the adapters that leave orders; there may be none.

    ``by_notional``: those whose orders are set by their notional. An order has filled whole there when its notional
    has, at whatever size; its steps say how far of what was asked for it has come, its fills what it came to.
    """

    def __init__(
        self, ledger: VaultLedger, venues: Iterable[Address], by_notional: frozenset[Address] = frozenset()
    ) -> None:
        self._ledger = ledger
        self._by_notional = by_notional
        self.venues = frozenset(venues)
        abi = load_abi("IPerpVenue")
        self._requested, self._updated = abi.event("OrderRequested"), abi.event("OrderUpdated")

    @property
    def topics(self) -> tuple[str, ...]:
        """Topics to look for; none where no venue leaves orders."""
        return (self._requested.topic, self._updated.topic) if self.venues else ()

    def read(self, logs: Sequence[Log], legs: Sequence[FillRecord]) -> tuple[list[OrderStep], list[FillRecord]]:
        """Return steps and fills of logs in chain order; ``legs`` are what the vault told of the same transactions."""
        own = [log for log in logs if log.emitter in self.venues and log.topics and log.topics[0] in self.topics]
        if not own:
            return [], []
        place = (own[0].block_number, own[0].log_index)
        known = [step for step in self._ledger.order_steps() if (step.at.block.number, step.at.log_index) < place]
        orders: dict[OrderKey, Order] = {}
        for step in known:
            orders[step.venue, step.order_id] = advance(orders.get((step.venue, step.order_id)), step)
        intents = {(leg.at.transaction_hash, leg.venue): leg.intent_id for leg in legs}
        told = {step.at: (step.venue, step.order_id) for step in known}
        earlier: dict[OrderKey, list[FillRecord]] = {}
        for fill in self._ledger.fills():
            if fill.at in told:
                earlier.setdefault(told[fill.at], []).append(fill)
        steps: list[OrderStep] = []
        fills: list[FillRecord] = []
        for log in own:
            if log.topics[0] == self._requested.topic:
                fields = self._requested.decode(log)
                intent_id = intents.get((log.transaction_hash, log.emitter), _NOBODYS_INTENT)
                step = _step(log, intent_id, fields, OrderState.REQUESTED, fields["sizeDelta"], 0)
            else:
                fields = self._updated.decode(log)
                order = orders.get((log.emitter, _order_id(fields)))
                state = _STATES[fields["status"]]
                if order is None or state is None:
                    continue
                filled = self._part_of(order, fields["filledSizeDelta"], state)
                step = _step(log, order.intent_id, fields, state, order.requested_size_delta, filled)
                of_order = earlier.setdefault((step.venue, step.order_id), [])
                new = _new_fill(step, fields, of_order)
                of_order += new
                fills += new
            steps.append(step)
            orders[step.venue, step.order_id] = advance(orders.get((step.venue, step.order_id)), step)
        return steps, fills

    def _part_of(self, order: Order, filled: int, state: OrderState) -> int:
        """Return how far of what was asked for an order has come."""
        requested = order.requested_size_delta
        if order.venue not in self._by_notional or filled * requested <= 0:
            return filled
        if state is OrderState.EXECUTED:
            return requested
        most = abs(requested) - (state is OrderState.PARTLY)
        return max(-most, min(filled, most))


def _order_id(fields: Mapping[str, Any]) -> str:
    order_id: bytes = fields["orderId"]
    return "0x" + order_id.hex()


def _at(log: Log) -> LogId:
    return LogId(BlockId(log.block_number, log.block_hash), log.transaction_hash, log.log_index)


def _step(
    log: Log, intent_id: IntentId, fields: Mapping[str, Any], state: OrderState, requested: int, filled: int
) -> OrderStep:
    return OrderStep(_at(log), intent_id, log.emitter, _order_id(fields), state, Wad(requested), Wad(filled))


def _new_fill(step: OrderStep, fields: Mapping[str, Any], known: Sequence[FillRecord]) -> list[FillRecord]:
    """Return what is filled and paid beyond the ``known`` fills of the order: the event tells of the whole of it.

    An intent does not name an order: those that the vault did not ask for share one.
    """
    filled = fields["filledSizeDelta"]
    size = filled - sum(fill.size_delta for fill in known)
    fee = fields["fee"] - sum(fill.fee for fill in known)
    if size == 0 and fee == 0:
        return []
    traded = filled * fields["executionPrice"]
    traded -= sum(fill.size_delta * fill.execution_price for fill in known)
    price = traded // size if size else 0
    return [FillRecord(step.at, step.intent_id, step.venue, Wad(size), Wad(size), Wad(price), Wad(fee))]
