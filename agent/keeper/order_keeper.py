"""Cares for open orders before anything is decided: settles, reconciles and cancels them through the execution machine.

One transaction at a time, recorded before it is sent, as a rebalance is: killed in between, the next cycle goes on with
it. None of them adds exposure: what an order may still fill was asked for, and counted, before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.chain.abi import Call, load_abi
from agent.chain.ahead import Ahead
from agent.chain.deployment import venue_names
from agent.chain.orders import VenueOrder, order_id_bytes, read_orders
from agent.domain import BlockRef
from agent.errors import RejectedError, TransientError
from agent.execution.config import ExecutionSettings
from agent.execution.errand import Errand, errand_intent, errand_of
from agent.execution.settlement import Settlement
from agent.execution.submit import Executor
from agent.guard import worst_net_delta
from agent.keeper.alerts import AlertEvent, AlertLog
from agent.keeper.errand_rest import is_resting
from agent.keeper.order_plan import FillRule, OrderAct, OrderCare, is_fill_wanted, plan_care
from agent.keeper.planner import Planner, Sight
from agent.keeper.price_updates import PriceUpdates
from agent.keeper.settle_call import settle_call
from agent.ledger.orders import Order, is_final
from agent.ledger.records import IntentRecord, Purpose
from agent.ledger.store import VaultLedger
from agent.units import WAD, Address, Wei, wei_to_eth
from agent.venues.registry import venue_protocol


@dataclass(frozen=True, slots=True)
class Tended:
    """What was done about orders, and what there is to see since; ``waits``: what the chain has not answered yet."""

    cares: tuple[OrderCare, ...]
    head: BlockRef
    seen: Ahead[Sight]
    waits: str | None = None


class OrderKeeper:
    """Of one vault and one keeper; without an executor it only says what an order needs."""

    def __init__(
        self,
        planner: Planner,
        ledger: VaultLedger,
        executor: Executor | None,
        sender: Address,
        alerts: AlertLog,
        prices: PriceUpdates | None,
    ) -> None:
        self._planner = planner
        self._ledger = ledger
        self._executor = executor
        self._sender = sender
        self._alerts = alerts
        self._prices = prices
        self._kinds = {Address(entry.address): entry.kind for entry in planner.deployment.venues}
        self._names = venue_names(planner.deployment)
        self.wants: FillRule = is_fill_wanted
        """Which orders may still fill; the others are cancelled."""
        self.refusals: dict[str, str] = {}
        """What the chain refused of what open orders needed, by the order's id, when they were last looked at."""

    @property
    def has_open(self) -> bool:
        """Whether the ledger holds an order open."""
        return bool(self._open())

    def _open(self) -> list[Order]:
        """Return those of venues that have orders; another venue's would be none of its own."""
        return [order for order in self._ledger.orders() if not is_final(order.state) and self._is_known(order.venue)]

    def _is_known(self, venue: Address) -> bool:
        return venue in self._kinds and venue_protocol(self._kinds[venue], f"venue {venue}").fills_later

    def cares(self, sight: Sight | None, head: BlockRef) -> list[OrderCare]:
        """Return what each order that the ledger holds open needs; ``sight`` is None where the vault cannot be read.

        Raises
        ------
        TransientError, DataError
            As `read_orders` does.

        """
        recorded = {(order.venue, order.order_id): order for order in self._open()}
        found = read_orders(self._planner.client, list(recorded), head)
        return [self._care(order, recorded[order.venue, order.order_id], sight, head) for order in found]

    def tend_all(self, head: BlockRef, seen: Ahead[Sight], look: Callable[[], tuple[BlockRef, Ahead[Sight]]]) -> Tended:
        """Tend until nothing is left to do, each time with a new look; stop where the chain has not answered yet."""
        cares: list[OrderCare] = []
        while len(cares) <= len(self._kinds) and (done := self.tend(seen, head)) is not None:
            care, settlement = done
            cares.append(care)
            if settlement.state is None:
                return Tended(tuple(cares), head, seen, f"{self._words(care)}; {settlement.detail}")
            head, seen = look()
        return Tended(tuple(cares), head, seen)

    def tend(self, seen: Ahead[Sight], head: BlockRef) -> tuple[OrderCare, Settlement] | None:
        """Do for the first order that needs it what it needs; None where none does, or nothing can be done now."""
        self.refusals = {}
        if self._executor is None:
            return None
        if not self.has_open:
            self._alerts.clear(AlertEvent.ORDER_ERRANDS_REVERT)  # nothing is left that an errand is needed for
            return None
        if is_resting(self._ledger, self._settings, self._alerts, Purpose.ORDER, head):
            return None
        sight = _sight_or_none(seen)
        for care in self.cares(sight, head):
            call = self._call(care, sight, head)
            if call is None:
                continue
            refusal = self._planner.client.simulate(self._sender, call, self._gas_cap, head)
            if refusal is not None:
                self.refusals[care.order.order_id] = f"{care.act.value} it ({care.reason}): {refusal}"
                continue
            own = self._ledger.identity
            intent = errand_intent((own.chain_id, own.address), call, head, self._settings.deadline_seconds)
            record = IntentRecord(intent, self._is_urgent(sight), "0x", self._words(care))
            try:
                return care, self._executor.execute(record, head, errand=Errand(call))
            except RejectedError as dear:  # gas; a later cycle asks again
                self.refusals[care.order.order_id] = f"{care.act.value} it ({care.reason}): {dear}"
        return None

    def is_wanted(self, record: IntentRecord, head: BlockRef) -> bool:
        """Return whether an errand that a crash or a time-out left open still does what it was sent for."""
        errand = errand_of(self._ledger.transactions_of(record.intent.intent_id))
        if errand is None or all(order.venue != errand.call.to for order in self._open()):
            return False
        return self._planner.client.simulate(self._sender, errand.call, self._gas_cap, head) is None

    # --- what an order needs --------------------------------------------------------------------------------------

    def _care(self, order: VenueOrder, recorded: Order, sight: Sight | None, head: BlockRef) -> OrderCare:
        settlement = self._protocol_settlement(order.venue)
        is_wanted = sight is None or not sight.is_whole or self.wants(sight.snapshot, order)
        return plan_care(
            order,
            head.timestamp,
            recorded.filled_size_delta,
            is_fill_wanted=is_wanted,
            can_settle=settlement is not None and self._prices is not None,
        )

    def _protocol_settlement(self, venue: Address) -> object | None:
        return venue_protocol(self._kinds[venue], f"venue {venue}").settlement if venue in self._kinds else None

    def _call(self, care: OrderCare, sight: Sight | None, head: BlockRef) -> Call | None:
        """Return the call that does it; None where there is nothing to send now."""
        order, abi = care.order, load_abi("IPerpVenue")
        if care.act is OrderAct.RECONCILE:
            return abi.function("reconcile").at(order.venue, order_id_bytes(order.order_id))
        if care.act is OrderAct.CANCEL:
            return abi.function("cancel").at(order.venue, order_id_bytes(order.order_id))
        if care.act is OrderAct.SETTLE and self._prices is not None and self._is_ours_to_settle(order, sight, head):
            protocol = venue_protocol(self._kinds[order.venue], f"venue {order.venue}")
            try:
                return settle_call(self._planner.client, protocol, order, self._prices, head)
            except (RejectedError, TransientError):
                return None  # others may execute it; where nobody does it is cancelled and asked for again
        return None

    def _is_ours_to_settle(self, order: VenueOrder, sight: Sight | None, head: BlockRef) -> bool:
        """Return whether settling costs less than the deposit that it brings back, or half of the window has passed.

        Until then whoever gets the deposit may come first; a fill that nobody brings about leaves the vault unhedged.
        """
        if 2 * (head.timestamp - order.requested_at) >= order.expires_at - order.requested_at:
            return True
        terms = None
        if sight is not None:
            terms = next((v.order_terms for v in sight.snapshot.venues if v.address == order.venue), None)
        if sight is None or terms is None or sight.snapshot.measurement.price == 0:
            return False
        costs = self._planner.settings.costs
        eth_usd = costs.gas_token_usd(sight.snapshot.measurement.price / WAD)
        gas_usd = wei_to_eth(Wei(head.base_fee_wei * costs.order_gas_units)) * eth_usd
        return gas_usd * WAD <= terms.fixed_fee

    # --- sending --------------------------------------------------------------------------------------------------

    def _words(self, care: OrderCare) -> str:
        name = self._names.get(care.order.venue, care.order.venue)
        return f"{care.act.value} order {care.order.order_id} on venue {name}: {care.reason}"

    @property
    def _settings(self) -> ExecutionSettings:
        return self._planner.settings.execution

    @property
    def _gas_cap(self) -> int:
        return self._settings.max_gas_units

    def _is_urgent(self, sight: Sight | None) -> bool:
        """Return whether the worst case is urgent: then an order that blocks a venue is worth the urgent fees."""
        if sight is None or not sight.is_whole:
            return False
        return worst_net_delta(sight.snapshot.measurement) >= sight.snapshot.bounds.urgent_delta


def _sight_or_none(seen: Ahead[Sight]) -> Sight | None:
    try:
        return seen.result()
    except RejectedError:
        return None
