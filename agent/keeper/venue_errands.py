"""Moves a venue's affairs on where its protocol leaves that to anybody: margin leg by leg, an order that proves it.

Each such call of an adapter takes no argument and reverts where there is nothing to do, so a simulation says whether it
is of use. Collateral that comes back after a delay is noted and claimed too, once it is found on chain, and what else
an account has coming once that is worth it. One call a cycle is sent, through the execution machine as an order's
errand is. None of them adds exposure beyond what the adapter's own limits say, and a venue whose orders keep failing
gets none until somebody has looked.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from agent.chain.abi import Call
from agent.domain import BlockRef
from agent.errors import RejectedError
from agent.execution.errand import Errand, errand_intent, errand_of
from agent.execution.settlement import Settlement
from agent.execution.submit import Executor
from agent.keeper.alerts import AlertLog
from agent.keeper.errand_rest import is_resting
from agent.keeper.planner import Planner
from agent.ledger.acknowledging import acknowledged_orders
from agent.ledger.orders import by_venue, failed_in_a_row
from agent.ledger.records import IntentRecord, IntentState, Purpose
from agent.ledger.store import VaultLedger
from agent.units import Address, Rounding, to_wad
from agent.venues.claims import ClaimFinder
from agent.venues.delayed_collateral import DelayedCollateralFinder
from agent.venues.registry import venue_protocol


@dataclass(frozen=True, slots=True)
class VenueAct:
    """What was called on which venue, and what became of it."""

    venue: str
    function: str
    settlement: Settlement

    def __str__(self) -> str:
        """Say it in words."""
        state = self.settlement.state
        return f"{self.function} of venue {self.venue}: {self.settlement.detail if state is None else state.value}"


class VenueErrands:
    """Of one vault and one keeper; without an executor nothing is sent."""

    def __init__(
        self, planner: Planner, ledger: VaultLedger, executor: Executor | None, sender: Address, alerts: AlertLog
    ) -> None:
        self._planner = planner
        self._ledger = ledger
        self._executor = executor
        self._sender = sender
        self._alerts = alerts
        self._names = {Address(entry.address): entry.name for entry in planner.deployment.venues}
        self._calls = tuple(
            function.at(Address(entry.address))
            for entry in planner.deployment.venues
            for function in venue_protocol(entry.kind, f"venue {entry.name}").errands
        )
        self._delayed = DelayedCollateralFinder(planner.client, planner.deployment)
        self._selectors = self._delayed.selectors()
        least = to_wad(planner.settings.margin.min_margin_move_usd, Rounding.UP)
        self._claims = ClaimFinder(planner.client, planner.deployment, least)

    def run(self, head: BlockRef) -> VenueAct | None:
        """Do the first errand that is of use now; None where none is."""
        if self._executor is None or not (self._calls or self._selectors or self._claims.calls):
            return None
        if is_resting(self._ledger, self._planner.settings.execution, self._alerts, Purpose.ORDER, head):
            return None
        for call in chain(self._calls, self._delayed.due(head), self._claims.due(head)):
            venue = self._names[call.to]
            if self._is_failing(call.to) or not self._is_of_use(call, head):
                continue
            own, settings = self._ledger.identity, self._planner.settings.execution
            intent = errand_intent((own.chain_id, own.address), call, head, settings.deadline_seconds)
            record = IntentRecord(intent, False, "0x", f"{call.function.name} of venue {venue}")
            try:
                settlement = self._executor.execute(record, head, errand=Errand(call))
            except RejectedError:
                return None  # gas is too dear now; a later cycle asks again
            if settlement.state is IntentState.EXECUTED:
                self._delayed.is_done(call)
            return VenueAct(venue, call.function.name, settlement)
        return None

    def is_wanted(self, record: IntentRecord, head: BlockRef) -> bool:
        """Return whether an errand that a crash or a time-out left open is one of these, and still of use."""
        errand = errand_of(self._ledger.transactions_of(record.intent.intent_id))
        if errand is None or not self._is_known(errand.call, head):
            return False
        return self._is_of_use(errand.call, head)

    def _is_known(self, call: Call, head: BlockRef) -> bool:
        claims = [claim for claim in self._claims.calls if (claim.to, claim.data) == (call.to, call.data)]
        if claims:
            return self._claims.is_worth(claims[0], head)
        known = {(one.to, one.data) for one in self._calls}
        return (call.to, call.data) in known or call.data[:10] in self._selectors.get(call.to, ())

    def _is_of_use(self, call: Call, head: BlockRef) -> bool:
        gas = self._planner.settings.execution.max_gas_units
        return self._planner.client.simulate(self._sender, call, gas, head) is None

    def _is_failing(self, venue: Address) -> bool:
        limit = self._planner.settings.keeper.max_failed_orders_in_row
        orders = by_venue(self._ledger.orders()).get(venue, [])
        return len(failed_in_a_row(orders, acknowledged_orders(self._ledger))) >= limit
