"""Sees every cycle of a keeper: log, metrics, alerts, heartbeat. The loop calls it and knows nothing of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version

import structlog
from prometheus_client import CollectorRegistry

from agent.chain.client import ChainClient
from agent.domain import BlockRef
from agent.errors import AgentError, VenuesSilentError
from agent.keeper.alerts import AlertEvent
from agent.keeper.keeper import Keeper
from agent.keeper.result import CycleResult, Outcome
from agent.ledger.records import IntentRecord, IntentState
from agent.observability.alerts import AlertName
from agent.observability.board import AlertBoard
from agent.observability.figures import figures_of_view
from agent.observability.heartbeat import Heartbeat
from agent.observability.log import name_cycle
from agent.observability.metrics import KeeperMetrics, VaultMetrics
from agent.observability.pager import Pager
from agent.observability.rules import BLIND_ALERTS, VAULT_ALERTS, OutsideTimer, blind_alerts, vault_alerts
from agent.observability.server import Condition
from agent.status.reading import rebalance_cost
from agent.units import Address, Seconds, wei_to_gwei
from agent.venues.maintenance import Maintenance, maintenance_of

GAS_MONEY_SECONDS = 300
"""Gas money, and what venues liquidate at, are read so often, by chain time, and after each transaction."""
_LOG = structlog.stdlib.get_logger(__name__)
_CYCLE_ALERTS = (AlertName.INTENT_STUCK, AlertName.ENDPOINT_FAILING, AlertName.KEY_USED_ELSEWHERE)


@dataclass(frozen=True, slots=True)
class OpenIntent:
    """The oldest intent that has not ended."""

    record: IntentRecord
    state: str
    age_seconds: int


class KeeperObserver:
    """Observes one keeper. ``run_id`` tells one run from the next in the log."""

    def __init__(
        self,
        keeper: Keeper,
        registry: CollectorRegistry,
        pager: Pager | None,
        heartbeat: Heartbeat,
        run_id: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keeper = keeper
        self._settings = keeper.planner.settings
        self._client: ChainClient = keeper.planner.client
        self._address: Address = keeper.address
        self._vault_address: Address = keeper.ledger.identity.address
        self._pager = pager
        self._heartbeat = heartbeat
        self._run_id = run_id
        self._clock = clock
        self._board = AlertBoard(pager)
        self._vault = VaultMetrics(
            registry, [*(name.value for name in AlertName), *(event.value for event in AlertEvent)]
        )
        self._own = KeeperMetrics(registry)
        self._outside = OutsideTimer()
        self._rebalances_left: int | None = None
        self._gas_read_at: Seconds | None = None
        self._maintenance: dict[Address, Maintenance] = {}
        self._failing_since: float | None = None
        self._last_words = "no cycle has ended yet"
        self._is_ready = False
        self._number = 0
        self._next_cycle()

    # --- what the loop calls --------------------------------------------------------------------------------------

    def on_result(self, result: CycleResult) -> None:
        """Take in a cycle that ended."""
        self._heartbeat.beat()
        self._own.cycles.labels(result.outcome.value).inc()
        self._own.cycle.observe(result.cycle_seconds)
        is_blind = result.view is None and result.outcome is Outcome.REJECTED
        if is_blind:
            self._board.show(dict(blind_alerts(result.rejection)), BLIND_ALERTS)
        self._count_failing(result.reason if is_blind else None)
        if result.view is not None:
            self._own.decision.observe(result.decision_seconds)
            self._own.last_decision.set(time.time())
            self._show_vault(result)
        self._count_reverts(result)
        self._show_cycle(result)
        # Last, so that whoever is told that the keeper is ready reads this cycle's figures.
        self._set_ready(result.reason if is_blind else None)
        self._log(result)
        self._next_cycle()

    def on_trouble(self, trouble: AgentError) -> None:
        """Take in a cycle that failed and is tried again."""
        self._heartbeat.beat()
        self._own.failures.labels(type(trouble).__name__).inc()
        _LOG.info("cycle_failed", kind=type(trouble).__name__, reason=_one_line(trouble))
        if isinstance(trouble, VenuesSilentError):
            self._board.raise_alert(AlertName.VENUE_SILENT, _one_line(trouble))
        self._count_failing(_one_line(trouble))
        self._set_ready(_one_line(trouble))
        self._show_endpoints()
        self._next_cycle()

    def health(self) -> Condition:
        """Return whether the loop turns."""
        late = self._heartbeat.seconds_late
        return Condition(late == 0.0, "the loop turns" if late == 0.0 else f"the cycle is {late:.0f} s late")

    def readiness(self) -> Condition:
        """Return whether the last cycle ended well."""
        return Condition(self._is_ready, self._last_words)

    # --- parts ----------------------------------------------------------------------------------------------------

    def _next_cycle(self) -> None:
        self._number += 1
        name_cycle(f"{self._run_id}-{self._number}")

    def _set_ready(self, why_not: str | None) -> None:
        self._is_ready, self._last_words = why_not is None, why_not or "the last cycle ended well"

    def _count_failing(self, why: str | None) -> None:
        """Count the time of cycles that fail in a row; ``why`` None ends it."""
        if why is None:
            self._failing_since = None
            self._board.show({}, [AlertName.CYCLES_FAILING])
            return
        now = self._clock()
        self._failing_since = now if self._failing_since is None else self._failing_since
        lasted = now - self._failing_since
        if lasted >= self._settings.observability.max_failing_seconds:
            self._board.raise_alert(AlertName.CYCLES_FAILING, f"no cycle has ended well for {lasted:.0f} s: {why}")
        self._show_alerts()

    def _count_reverts(self, result: CycleResult) -> None:
        has_reverted = result.resumed is IntentState.REVERTED or (
            result.receipt is not None and not result.receipt.is_success
        )
        self._own.reverts.inc(has_reverted)

    def _show_vault(self, result: CycleResult) -> None:
        view = result.view
        if view is None:
            return
        self._read_gas_money(view.block, result.receipt is not None)
        figures = figures_of_view(view, self._address, self._rebalances_left, self._maintenance)
        outside = self._outside.seconds(figures)
        self._vault.show(figures, outside)
        self._board.show(dict(vault_alerts(figures, outside, self._settings.observability)), VAULT_ALERTS)
        expiries = [position.expiry_unix for position in self._keeper.planner.book.positions]
        ahead = [expiry - view.block.timestamp for expiry in expiries if expiry and expiry > view.block.timestamp]
        self._own.next_expiry.set(min(ahead, default=float("nan")))

    def _read_gas_money(self, block: BlockRef, has_paid: bool) -> None:
        is_due = self._gas_read_at is None or block.timestamp - self._gas_read_at >= GAS_MONEY_SECONDS
        if not is_due and not has_paid:
            return
        try:
            balance = self._client.balance_at(self._address, block)
        except AgentError as failure:
            _LOG.info("gas_money_not_read", reason=_one_line(failure))
            return
        self._gas_read_at = block.timestamp
        self._maintenance = maintenance_of(self._client, self._keeper.planner.deployment.venues, block)
        self._rebalances_left = balance // rebalance_cost(self._settings, self._client, self._vault_address, block)

    def _show_cycle(self, result: CycleResult) -> None:
        if result.nav is not None:
            self._own.nav_error.set(result.nav.error_bps)
        epoch = getattr(self._keeper.lease, "epoch", None)
        if isinstance(epoch, int):
            self._own.lease_epoch.set(epoch)
        self._board.show(dict(self._cycle_alerts(result)), _CYCLE_ALERTS)
        if result.outcome in (Outcome.EXECUTED, Outcome.REJECTED) and result.view is not None:
            mirror = {AlertName.GUARD_MIRROR_DISAGREES: mirror_words(result)}
            active = mirror if result.guard_mirror_mismatch else {}
            self._own.mismatches.inc(bool(active))
            self._board.show(active, [AlertName.GUARD_MIRROR_DISAGREES])
        self._show_alerts()

    def _cycle_alerts(self, result: CycleResult) -> Iterator[tuple[AlertName, str]]:
        opened = self._open_intent(result.block)
        if opened is not None and opened.age_seconds > 2 * self._settings.execution.deadline_seconds:
            yield AlertName.INTENT_STUCK, self._stuck_words(opened, result.block)
        if tripped := self._show_endpoints():
            yield AlertName.ENDPOINT_FAILING, f"out of use: {', '.join(tripped)}"
        latest = self._keeper.ledger.closed_intents(1)
        is_taken = bool(latest) and latest[0].state is IntentState.SUPERSEDED
        if is_taken or result.resumed is IntentState.SUPERSEDED:
            words = f"key {self._address} sends what this keeper does not"
            yield AlertName.KEY_USED_ELSEWHERE, f"{words}: it took the nonce of a transaction on its way"

    def _open_intent(self, block: BlockRef) -> OpenIntent | None:
        """Show the oldest open intent, and return it."""
        opened = self._keeper.ledger.open_intents()
        if not opened:
            self._own.show_intent(None, 0)
            return None
        intent = opened[0].intent
        states = self._keeper.ledger.states_of(intent.intent_id)
        age = max(block.timestamp - intent.decided_at_block.timestamp, 0)
        found = OpenIntent(opened[0], states[-1].value if states else "recorded", age)
        self._own.show_intent(found.state, age)
        return found

    def _stuck_words(self, opened: OpenIntent, block: BlockRef) -> str:
        """Say which intent waits, for what, and what its transaction bids against the base fee."""
        record, limit = opened.record, self._settings.execution.deadline_seconds
        words = (
            f"intent {record.intent.intent_id} has been {opened.state} for {opened.age_seconds} s, and should have "
            f"ended after {limit:g}: {record.reason}; nothing else is sent meanwhile"
        )
        signed = self._keeper.ledger.transactions_of(record.intent.intent_id)
        if not signed:
            return words
        last = signed[-1]
        bid, base_fee = (f"{wei_to_gwei(wei):.4g} gwei" for wei in (last.max_fee_wei, block.base_fee_wei))
        return (
            f"{words}; transaction {last.transaction_hash}, nonce {last.nonce} of key {last.sender}, pays up to {bid} "
            f"where the base fee is {base_fee}: evenkeel doctor, and where it pays too little raise [execution] "
            "urgent_max_fee_gwei and restart"
        )

    def _show_endpoints(self) -> list[str]:
        """Show how endpoints behave, and return those out of use, each with its newest fault."""
        endpoints = self._client.health()
        self._own.show_endpoints(endpoints)
        return [
            f"{endpoint.name} ({endpoint.last_fault.removeprefix(endpoint.name).strip()})"
            for endpoint in endpoints
            if endpoint.is_open
        ]

    def _show_alerts(self) -> None:
        up = [*(name.value for name in self._board.up), *(event.value for event in self._keeper.alerts.up)]
        self._vault.show_alerts(up, 0 if self._pager is None else self._pager.undelivered_count)

    def _log(self, result: CycleResult) -> None:
        _LOG.info(
            "cycle_done",
            outcome=result.outcome.value,
            block=result.block.number,
            reason=result.reason,
            intent_id=result.intent_id,
            cycle_ms=round(1_000 * result.cycle_seconds, 1),
        )


def mirror_words(result: CycleResult) -> str:
    """Say what the guard's mirror foresaw of a rebalance and what the chain answered."""
    refused = result.rejection if result.outcome is Outcome.REJECTED else None
    foreseen = None if result.decision is None else result.decision.guard_error
    if result.outcome is Outcome.EXECUTED:
        differ = "fed with what was measured, would have refused what the chain took, or left other budgets"
    else:
        differ = (
            f"foresaw {foreseen or 'that the chain takes it'}, and the chain answers {refused or 'that it takes it'}"
        )
    return (
        f"of intent {result.intent_id}, decided at block {result.block.number}, the guard's mirror {differ}: keeper "
        f"{version('evenkeel')} and contracts may be of different versions; keep the ledger and report it; "
        f"{result.reason}"
    )


def _one_line(failure: BaseException) -> str:
    return " ".join(str(failure).split())
