"""The keeper: start from chain and ledger, decide, carry out, and again. Start-up and recovery are one path.

A cycle reads the head, brings the ledger up to it, goes on with whatever a crash left open, and only then decides anew.
Nothing it needs lives in memory: killed at any instant and started again, it does what it would have done.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from types import TracebackType

from agent.chain.abi import load_abi
from agent.chain.block_id import BlockId
from agent.chain.state import ChainState
from agent.domain import Action, BlockRef, Book, Decision, Measurement, Snapshot
from agent.errors import AgentError, DataError, FatalError, RejectedError, TransientError
from agent.execution.intents import MAX_DECISION_AGE_BLOCKS, book_digest
from agent.execution.signer import Signer, load_signer
from agent.execution.submit import Executor, Settlement, Timer, require_gas_money
from agent.keeper.guard_check import execution_mismatch, simulation_mismatch
from agent.keeper.planner import CycleView, Planner
from agent.ledger.accounting import NavCheck, check_nav
from agent.ledger.database import Database
from agent.ledger.lease import Lease
from agent.ledger.records import CycleRecord, FillRecord, IntentRecord, IntentState, Receipt, VaultIdentity
from agent.ledger.scan import EventScanner
from agent.ledger.store import VaultLedger
from agent.settings import Settings
from agent.units import IntentId, Rounding, Wad, Wei, gwei_to_wei


class Outcome(Enum):
    """What became of a cycle."""

    HELD = "held"
    EXECUTED = "executed"
    REJECTED = "rejected"
    """The chain, the guard or the gas caps said no; nothing was changed."""
    PENDING = "pending"
    """A transaction is on its way; the next cycle goes on with it."""
    SHADOW = "shadow"
    """Decided and simulated by a keeper that sends nothing."""


@dataclass(frozen=True, slots=True)
class CycleResult:
    """Everything a cycle saw and did.

    ``view`` and ``nav`` are of the block decided on, before any trade; ``after`` is the measurement at the block of
    execution. ``resumed`` is what became of an intent that was open when the cycle began.
    """

    block: BlockRef
    outcome: Outcome
    reason: str
    cycle_seconds: float
    view: CycleView | None = None
    nav: NavCheck | None = None
    intent_id: IntentId | None = None
    rejection: RejectedError | None = None
    receipt: Receipt | None = None
    fills: tuple[FillRecord, ...] = ()
    after: ChainState | None = None
    guard_mirror_mismatch: bool = False
    resumed: IntentState | None = None

    @property
    def snapshot(self) -> Snapshot | None:
        """What was decided on; None when nothing could be read."""
        return None if self.view is None else self.view.snapshot

    @property
    def decision(self) -> Decision | None:
        """What was decided."""
        return None if self.view is None else self.view.decision

    @property
    def decision_seconds(self) -> float:
        """Time of the pure decision."""
        return 0.0 if self.view is None else self.view.decision_seconds

    @property
    def measurement_after(self) -> Measurement | None:
        """What the vault measures after the cycle; None when nothing could be read."""
        if self.after is not None:
            return self.after.measurement
        return None if self.view is None else self.view.snapshot.measurement


class Keeper:
    """One process, one key, one vault. Without a signer it is a shadow: it decides, records, and sends nothing."""

    def __init__(
        self, planner: Planner, database: Database, signer: Signer | None, first_block: BlockRef, timer: Timer
    ) -> None:
        settings, deployment = planner.settings, planner.deployment
        self.planner = planner
        self._database = database
        self.address = deployment.role("keeper") if signer is None else signer.address
        self._timer = timer
        self._settings = settings
        self._book_digest = book_digest(planner.book)
        self._asset_decimals = deployment.asset.decimals
        self.ledger: VaultLedger = database.vault(
            VaultIdentity(deployment.chain_id, deployment.contract("HedgeVault"), first_block.number, first_block.hash)
        )
        scanner = EventScanner(planner.client, self.ledger, deployment, planner.head(timer.unix_seconds))
        self._scanner = scanner
        self._executor = (
            None
            if signer is None
            else Executor(planner.client, self.ledger, scanner, signer, settings.execution, timer)
        )

    @classmethod
    def build(
        cls,
        settings: Settings,
        book: Book,
        environment: Mapping[str, str] = os.environ,
        timer: Timer | None = None,
        is_shadow: bool = False,
    ) -> Keeper:
        """Connect, check all that can be checked without sending, and take the lease on the ledger.

        Parameters
        ----------
        settings, book
            What to hedge, where and how.
        environment
            Holds the keeper's key, see `load_signer`.
        timer
            Clocks of the machine, unless a test brings its own.
        is_shadow
            Needs no key and sends nothing; the budget is that of the manifest's keeper.

        Raises
        ------
        DataError
            Wrong chain, missing manifest, no key, a key without role or gas money, a ledger in use: one line each.
        TransientError
            The servers do not answer.

        """
        clock = timer or Timer()
        chain_id = settings.chain.chain_id
        signer = None if is_shadow else load_signer(environment, chain_id)
        with ExitStack() as opened:
            planner = opened.enter_context(Planner.open(settings, book, None if signer is None else signer.address))
            if signer is not None:
                _require_able(planner, signer, planner.head(clock.unix_seconds))
            first_block = planner.client.block(planner.deployment.block)
            vault = planner.deployment.contract("HedgeVault")
            key = "shadow" if signer is None else signer.address
            database = Database.open(settings.ledger.url, f"{chain_id} {vault}", f"{chain_id} {key}")
            opened.enter_context(database)
            keeper = cls(planner, database, signer, first_block, clock)
            opened.pop_all()
        return keeper

    def close(self) -> None:
        """Close connections and ledger, and release the lease."""
        self.planner.close()
        self._database.close()

    def __enter__(self) -> Keeper:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def lease(self) -> Lease:
        """What keeps other keepers away."""
        return self._database.lease

    # --- the loop -------------------------------------------------------------------------------------------------

    def run(
        self,
        on_result: Callable[[CycleResult], None],
        on_trouble: Callable[[AgentError], None],
        cycles: int | None = None,
        interval_seconds: float | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        """Cycle until ``stop`` is set or ``cycles`` are done.

        A cycle whose data cannot be trusted is skipped, unless it is the first: then the start itself is refused.
        Faults of the moment are tried again, each time after twice the wait, and do not count as cycles.

        Raises
        ------
        FatalError
            Nothing may be sent until a person has looked.
        DataError
            The first cycle's data cannot be trusted.

        """
        stopped, retry = stop or threading.Event(), self._settings.keeper
        interval = retry.interval_seconds if interval_seconds is None else interval_seconds
        done, backoff = 0, retry.retry_initial_seconds
        while not stopped.is_set() and (cycles is None or done < cycles):
            pause = interval
            try:
                on_result(self.cycle())
                done, backoff = done + 1, retry.retry_initial_seconds
            except DataError as trouble:
                if done == 0:
                    raise
                done += 1
                on_trouble(trouble)
            except TransientError as trouble:
                on_trouble(trouble)
                pause, backoff = backoff, min(2 * backoff, retry.retry_max_seconds)
            if cycles is None or done < cycles:
                stopped.wait(pause)

    # --- one cycle ------------------------------------------------------------------------------------------------

    def cycle(self) -> CycleResult:
        """Do one cycle.

        Raises
        ------
        DataError, TransientError, FatalError
            See `Keeper.run`. Whatever was sent by then is in the ledger, and the next cycle goes on with it.

        """
        started = time.perf_counter()
        self._database.lease.require_held()
        head = self._see_head()
        resumed = self._resume_open()
        if resumed is not None:
            if resumed.state is None:
                return CycleResult(head, Outcome.PENDING, resumed.detail, time.perf_counter() - started)
            head = self._see_head()
        result = self._decide_and_act(head)
        return replace(
            result,
            resumed=None if resumed is None else resumed.state,
            cycle_seconds=time.perf_counter() - started,
        )

    def _see_head(self) -> BlockRef:
        """Return the head, with the ledger brought up to it."""
        head = self.planner.head(self._timer.unix_seconds)
        self._scanner.scan(head)
        return head

    def _resume_open(self) -> Settlement | None:
        """Go on with open intents, oldest first; stop at one whose outcome is not known yet."""
        settlement: Settlement | None = None
        if self._executor is None:
            return None
        for record in self.ledger.open_intents():
            settlement = self._executor.resume(record, partial(self._is_wanted, record))
            if settlement.state is None:
                break
        return settlement

    def _is_wanted(self, record: IntentRecord) -> bool:
        """Return whether an open intent is of this very book, fresh enough, and the chain would accept it now."""
        if record.book_digest != self._book_digest:
            return False
        head = self.planner.head(self._timer.unix_seconds)
        if head.number - record.intent.decided_at_block.number > MAX_DECISION_AGE_BLOCKS:
            return False
        return self.planner.simulate(record.intent, self.address, head) is None

    def _decide_and_act(self, head: BlockRef) -> CycleResult:
        try:
            view = self.planner.look(head)
        except RejectedError as rejection:
            return CycleResult(head, Outcome.REJECTED, f"cannot be read: {rejection}", 0.0, rejection=rejection)
        if not view.state.is_keeper and self._executor is not None:
            raise FatalError(
                f"key {self.address} was dismissed: it has no KEEPER_ROLE any more; start with "
                "another keeper's key, or have the governor grant the role again"
            )
        nav = check_nav(self.ledger.accounts, view.state, self._asset_decimals)
        if view.decision.action is Action.HOLD:
            result = CycleResult(head, Outcome.HELD, view.decision.reason, 0.0, view, nav)
        else:
            result = self._carry_out(view, nav)
        self.ledger.add_cycle(_cycle_record(result, view, nav))
        return result

    def _carry_out(self, view: CycleView, nav: NavCheck) -> CycleResult:
        """Simulate, then execute, and compare the guard's mirror with the chain both times."""
        intent, decision = self.planner.intent(view), view.decision
        rejection = self.planner.simulate(intent, self.address, view.block)
        seen = CycleResult(
            block=view.block,
            outcome=Outcome.REJECTED,
            reason=decision.reason,
            cycle_seconds=0.0,
            view=view,
            nav=nav,
            intent_id=intent.intent_id,
            rejection=rejection,
            guard_mirror_mismatch=simulation_mismatch(decision, rejection),
        )
        if rejection is not None:
            return replace(seen, reason=f"{decision.reason}; simulation refuses: {rejection}")
        if self._executor is None:
            return replace(seen, outcome=Outcome.SHADOW, reason=f"{decision.reason}; a shadow sends nothing")
        record = IntentRecord(intent, decision.urgent, self._book_digest, decision.reason)
        try:
            settlement = self._executor.execute(record, view.block)
        except RejectedError as refusal:
            return replace(seen, rejection=refusal, reason=f"{decision.reason}; not sent: {refusal}")
        if settlement.state is None:
            return replace(seen, outcome=Outcome.PENDING, reason=f"{decision.reason}; {settlement.detail}")
        if settlement.state is not IntentState.EXECUTED or settlement.block is None:
            words = f"{decision.reason}; {settlement.state.value}: {settlement.detail}"
            return replace(seen, reason=words, receipt=settlement.receipt)
        return self._executed(seen, settlement.block, settlement.receipt, intent.intent_id)

    def _executed(
        self, seen: CycleResult, block: BlockRef, receipt: Receipt | None, intent_id: IntentId
    ) -> CycleResult:
        """Measure on both sides of the block of execution and let the mirror judge what was measured."""
        fills = tuple(self.ledger.fills_of(intent_id))
        rebalance = self.ledger.rebalance_of(intent_id)
        before = self.planner.reader.state(self.planner.client.parent(block))
        after = self.planner.reader.state(block)
        return replace(
            seen,
            outcome=Outcome.EXECUTED,
            receipt=receipt,
            fills=fills,
            after=after,
            guard_mirror_mismatch=seen.guard_mirror_mismatch or execution_mismatch(before, after, fills, rebalance),
        )


def _require_able(planner: Planner, signer: Signer, head: BlockRef) -> None:
    """Raise `DataError` when the key may not rebalance, or cannot pay for it."""
    access = planner.deployment.contract("VaultAccess")
    try:
        planner.client.read([load_abi("VaultAccess").function("requireKeeper").at(access, signer.address)], head)
    except RejectedError as rejection:
        raise DataError(
            f"key {signer.address} is no keeper of the vault ({rejection}); use the keeper's key, or have the governor "
            f"grant it KEEPER_ROLE, which waits {planner.deployment.governor_delay_seconds} s"
        ) from None
    _, _, balance = planner.client.account(signer.address)
    settings = planner.settings
    tip = gwei_to_wei(settings.execution.priority_fee_gwei, Rounding.UP)
    require_gas_money(signer.address, balance, Wei(settings.costs.rebalance_gas_units * (head.base_fee_wei + tip)))


def _cycle_record(result: CycleResult, view: CycleView, nav: NavCheck) -> CycleRecord:
    measured = view.snapshot.measurement
    return CycleRecord(
        block_id=BlockId.of(view.block),
        block_unix=view.block.timestamp,
        price=measured.price,
        book_delta_low=measured.book_delta_low,
        book_delta_high=measured.book_delta_high,
        hedge_size=Wad(sum(venue.size for venue in view.snapshot.venues)),
        chain_nav_low=nav.chain_low,
        chain_nav_high=nav.chain_high,
        ledger_nav_low=nav.ledger_low,
        ledger_nav_high=nav.ledger_high,
        outcome=result.outcome.value,
        intent_id=result.intent_id,
        decision_seconds=view.decision_seconds,
        reason=result.reason,
    )
