"""Carries a proposal out: simulate, execute, and compare the guard's mirror with the chain both times."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial

from agent.chain.orders import read_orders
from agent.domain import BlockRef, Intent
from agent.errors import RejectedError, TransientError
from agent.execution.revert_breaker import REVERTS_IN_ROW, require_no_revert_loop
from agent.execution.submit import Executor, Terms
from agent.execution.survey import Survey
from agent.guard import worst_net_delta
from agent.keeper.alerts import AlertEvent, AlertLog
from agent.keeper.ether_watch import EtherWatch
from agent.keeper.guard_check import Verdict, execution_mismatch, simulation_mismatch
from agent.keeper.margin_ahead import margin_ahead
from agent.keeper.planner import CycleView, Planner, Sight
from agent.keeper.result import CycleResult, Outcome
from agent.ledger.accounting import NavCheck
from agent.ledger.records import IntentRecord, IntentState, Receipt, VenuePrices
from agent.ledger.store import VaultLedger
from agent.units import Address, Wei
from agent.venues.registry import venue_protocol


class Rebalancer:
    """Carries out what one keeper proposes to one vault; without an executor it only says what would be sent."""

    def __init__(
        self,
        planner: Planner,
        ledger: VaultLedger,
        executor: Executor | None,
        sender: Address,
        alerts: AlertLog,
    ) -> None:
        self._planner = planner
        self._ledger = ledger
        self._executor = executor
        self._sender = sender
        self._alerts = alerts
        self._ether = EtherWatch(planner.deployment, alerts)
        self._waits_for_margin = frozenset(
            name
            for entry in planner.deployment.venues
            for name in venue_protocol(entry.kind, f"venue {entry.name}").waits_for_margin
        )

    def carry_out(self, sight: Sight, proposal: Verdict, book_digest: str, nav: NavCheck | None) -> CycleResult:
        """Do what was proposed on a sight, unless the chain would refuse it, and say what became of it.

        Where a venue takes the trade only once its margin has arrived, the margin goes ahead.

        Raises
        ------
        DataError, TransientError, FatalError
            As `Executor.execute` does.

        """
        intent = self._planner.intent_of(sight, proposal)
        record = IntentRecord(intent, proposal.urgent, book_digest, proposal.reason, mark_prices(sight))
        survey = None
        if self._executor is not None and proposal.guard_error is None:
            survey = self._executor.survey(intent, sight.block, is_urgent=self._is_urgent(record, sight, sight.block))
        rejection = self._rejection(intent, sight.block, survey)
        ahead = None if rejection is None else margin_ahead(proposal, rejection, self._waits_for_margin)
        if ahead is not None:
            return self.carry_out(sight, ahead, book_digest, nav)
        seen = CycleResult(
            block=sight.block,
            outcome=Outcome.REJECTED,
            reason=proposal.reason,
            cycle_seconds=0.0,
            view=sight if isinstance(sight, CycleView) else None,
            nav=nav,
            intent_id=intent.intent_id,
            rejection=rejection,
            guard_mirror_mismatch=simulation_mismatch(proposal, rejection),
        )
        lacking = self._ether.look(proposal.legs, rejection, sight.block.timestamp)
        if rejection is not None:
            words = f"simulation refuses: {rejection}" + (f"; {lacking}" if lacking else "")
            return replace(seen, reason=f"{proposal.reason}; {words}")
        if self._executor is None:
            return replace(seen, outcome=Outcome.SHADOW, reason=f"{proposal.reason}; a shadow sends nothing")
        return self._send(self._executor, sight, record, seen, survey)

    def end_rest(self, head: BlockRef) -> None:
        """End the alert of reverts in a row where nothing is to be traded and the rest after them is over."""
        if AlertEvent.REVERTS_IN_A_ROW not in self._alerts.up:
            return
        with suppress(RejectedError):
            require_no_revert_loop(self._ledger, self._planner.settings.execution, head)
            self._alerts.clear(AlertEvent.REVERTS_IN_A_ROW)

    def _rejection(self, intent: Intent, block: BlockRef, survey: Survey | None) -> RejectedError | None:
        """Return how the chain would refuse an intent; what a survey found it to carry out is not asked for again."""
        if survey is not None and not self._planner.asks_for_ether(intent) and survey.is_carried():
            return None
        return self._planner.simulate(intent, self._sender, block)

    def _send(
        self, executor: Executor, sight: Sight, record: IntentRecord, seen: CycleResult, survey: Survey | None
    ) -> CycleResult:
        """Execute what the simulation let pass."""
        worth = self._planner.gas_worth(sight) if isinstance(sight, CycleView) else None
        try:
            settlement = executor.execute(record, sight.block, self.terms(record, worth, sight), survey)
        except RejectedError as refusal:
            if refusal.name == REVERTS_IN_ROW:
                self._alerts.raise_alert(AlertEvent.REVERTS_IN_A_ROW, str(refusal), sight.block.timestamp)
            return replace(seen, rejection=refusal, reason=f"{seen.reason}; not sent: {refusal}")
        if settlement.state is None:
            return replace(seen, outcome=Outcome.PENDING, reason=f"{seen.reason}; {settlement.detail}")
        if settlement.state is not IntentState.EXECUTED or settlement.block is None:
            words = f"{seen.reason}; {settlement.state.value}: {settlement.detail}"
            return replace(seen, reason=words, receipt=settlement.receipt)
        self._alerts.clear(AlertEvent.REVERTS_IN_A_ROW)
        if not sight.is_whole:
            return replace(seen, outcome=Outcome.EXECUTED, receipt=settlement.receipt)
        return self._executed(seen, settlement.block, settlement.receipt, record.intent)

    def terms(self, record: IntentRecord, worth_wei: Wei | None = None, sight: Sight | None = None) -> Terms:
        """Return how dear and how urgent an intent may be, judged anew at each bid; ``sight`` is known already."""
        return Terms(partial(self._is_urgent, record, sight), worth_wei)

    def _is_urgent(self, record: IntentRecord, sight: Sight | None, head: BlockRef) -> bool:
        """Return whether a hedge is urgent as the vault stands now; as it was decided where that cannot be read."""
        try:
            is_known = sight is not None and sight.is_whole and sight.block == head
            state = sight.state if is_known and sight is not None else self._planner.reader.state(head)
        except (RejectedError, TransientError):
            return record.is_urgent
        return worst_net_delta(state.measurement) >= state.bounds.urgent_delta

    def _executed(self, seen: CycleResult, block: BlockRef, receipt: Receipt | None, intent: Intent) -> CycleResult:
        """Measure on both sides of the block of execution, as far as servers tell, and let the mirror judge it."""
        fills, legs = tuple(self._ledger.fills_of(intent.intent_id)), intent.legs
        rebalance = self._ledger.rebalance_of(intent.intent_id)
        done = replace(seen, outcome=Outcome.EXECUTED, receipt=receipt, fills=fills)
        try:
            with self._planner.client.within(self._planner.settings.keeper.cycle_deadline_seconds):
                before = self._planner.reader.state(self._planner.client.parent(block))
                after = self._planner.reader.state(block)
                asked = [(venue.address, venue.open_order) for venue in after.venues if venue.open_order is not None]
                orders = read_orders(self._planner.client, asked, block)
        except (RejectedError, TransientError) as trouble:
            return replace(done, reason=f"{done.reason}; what it led to cannot be read now: {trouble}")
        mismatch = seen.guard_mirror_mismatch or execution_mismatch(before, after, fills, rebalance, orders, legs)
        return replace(done, after=after, guard_mirror_mismatch=mismatch)


def mark_prices(sight: Sight) -> VenuePrices:
    """Return each venue's own price as it was seen."""
    return tuple((venue.address, venue.mark_price) for venue in sight.snapshot.venues)
