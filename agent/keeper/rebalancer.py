"""Carries a proposal out: simulate, execute, and compare the guard's mirror with the chain both times."""

from __future__ import annotations

from dataclasses import replace

from agent.domain import BlockRef
from agent.errors import RejectedError
from agent.execution.submit import Executor
from agent.keeper.guard_check import Verdict, execution_mismatch, simulation_mismatch
from agent.keeper.planner import CycleView, Planner, Sight
from agent.keeper.result import CycleResult, Outcome
from agent.ledger.accounting import NavCheck
from agent.ledger.records import IntentRecord, IntentState, Receipt
from agent.ledger.store import VaultLedger
from agent.units import Address, IntentId


class Rebalancer:
    """Carries out what one keeper proposes to one vault."""

    def __init__(self, planner: Planner, ledger: VaultLedger, executor: Executor, sender: Address) -> None:
        self._planner = planner
        self._ledger = ledger
        self._executor = executor
        self._sender = sender

    def carry_out(self, sight: Sight, proposal: Verdict, book_digest: str, nav: NavCheck | None) -> CycleResult:
        """Do what was proposed on a sight, unless the chain would refuse it, and say what became of it.

        Raises
        ------
        DataError, TransientError, FatalError
            As `Executor.execute` does.

        """
        intent = self._planner.intent_of(sight, proposal)
        rejection = self._planner.simulate(intent, self._sender, sight.block)
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
        if rejection is not None:
            return replace(seen, reason=f"{proposal.reason}; simulation refuses: {rejection}")
        record = IntentRecord(intent, proposal.urgent, book_digest, proposal.reason)
        try:
            settlement = self._executor.execute(record, sight.block)
        except RejectedError as refusal:
            return replace(seen, rejection=refusal, reason=f"{proposal.reason}; not sent: {refusal}")
        if settlement.state is None:
            return replace(seen, outcome=Outcome.PENDING, reason=f"{proposal.reason}; {settlement.detail}")
        if settlement.state is not IntentState.EXECUTED or settlement.block is None:
            words = f"{proposal.reason}; {settlement.state.value}: {settlement.detail}"
            return replace(seen, reason=words, receipt=settlement.receipt)
        if not sight.is_whole:
            return replace(seen, outcome=Outcome.EXECUTED, receipt=settlement.receipt)
        return self._executed(seen, settlement.block, settlement.receipt, intent.intent_id)

    def _executed(
        self, seen: CycleResult, block: BlockRef, receipt: Receipt | None, intent_id: IntentId
    ) -> CycleResult:
        """Measure on both sides of the block of execution and let the mirror judge what was measured."""
        fills = tuple(self._ledger.fills_of(intent_id))
        rebalance = self._ledger.rebalance_of(intent_id)
        before = self._planner.reader.state(self._planner.client.parent(block))
        after = self._planner.reader.state(block)
        return replace(
            seen,
            outcome=Outcome.EXECUTED,
            receipt=receipt,
            fills=fills,
            after=after,
            guard_mirror_mismatch=seen.guard_mirror_mismatch or execution_mismatch(before, after, fills, rebalance),
        )
