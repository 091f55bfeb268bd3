"""What a cycle does at the vault's venue of options: settles what has expired, and trades what is planned.

One transaction at a time, each settled before anything else is planned: the perp is decided on the chain that follows.
Where the worst case is outside the chain's band, or urgent, the delta comes first and no option is traded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.chain.ahead import Ahead
from agent.decision.option_view import OptionView
from agent.domain import Action, BlockRef
from agent.errors import DataError, RejectedError, TransientError
from agent.execution.settlement import Settlement
from agent.execution.submit import Executor
from agent.guard import band_now, worst_net_delta
from agent.keeper.alerts import AlertEvent, AlertLog
from agent.keeper.errand_rest import is_resting
from agent.keeper.option_keeper import OptionKeeper
from agent.keeper.option_plan import plan_option_trade
from agent.keeper.planner import CycleView, Planner, Sight
from agent.ledger.records import IntentRecord, IntentState, Purpose
from agent.ledger.store import VaultLedger
from agent.option_venue import HeldOption
from agent.settings.options import DEFAULT_MAX_GAS_UNITS
from agent.units import Address


@dataclass(frozen=True, slots=True)
class OptionAct:
    """What was done, or why not; ``settlement`` is None where nothing was sent, ``view`` where nothing was planned."""

    words: str
    settlement: Settlement | None = None
    view: OptionView | None = None

    @property
    def is_executed(self) -> bool:
        """Whether the chain has changed."""
        return self.settlement is not None and self.settlement.state is IntentState.EXECUTED

    @property
    def is_pending(self) -> bool:
        """Whether the chain has not answered yet."""
        return self.settlement is not None and self.settlement.state is None


@dataclass(frozen=True, slots=True)
class SettledOptions:
    """What was done about options that have expired, and what there is to see since."""

    acts: tuple[OptionAct, ...]
    head: BlockRef
    seen: Ahead[Sight]

    @property
    def waits(self) -> str | None:
        """What the chain has not answered yet."""
        last = self.acts[-1] if self.acts else None
        return None if last is None or last.settlement is None or not last.is_pending else last.words


class OptionTending:
    """Of one vault and one keeper; without an executor it only says what would be traded."""

    def __init__(
        self, planner: Planner, ledger: VaultLedger, executor: Executor | None, sender: Address, alerts: AlertLog
    ) -> None:
        self._planner = planner
        self._ledger = ledger
        self._alerts = alerts
        self._keeper: OptionKeeper | None = None
        entry, settings = planner.deployment.option_venue, planner.settings
        self._venue = None if entry is None else Address(entry.address)
        if self._venue is not None and executor is not None:
            most = DEFAULT_MAX_GAS_UNITS if settings.options is None else settings.options.max_gas_units
            self._keeper = OptionKeeper(planner.client, ledger, executor, sender, self._venue, settings.execution, most)

    def settle_all(
        self, head: BlockRef, seen: Ahead[Sight], look: Callable[[], tuple[BlockRef, Ahead[Sight]]]
    ) -> SettledOptions:
        """Settle what has expired, one by one, each time with a new look; stop where the chain does not answer."""
        acts: list[OptionAct] = []
        tried: set[int] = set()
        while self._keeper is not None and not self._is_resting(head):
            due = [option for option in self._expired(head, seen) if option.position_id not in tried]
            if not due:
                break
            tried.add(due[0].position_id)
            act = self._settle(self._keeper, due[0], head)
            acts.append(act)
            if act.is_pending:
                break
            if act.is_executed:
                head, seen = look()
        return SettledOptions(tuple(acts), head, seen)

    def trade(self, view: CycleView) -> OptionAct | None:
        """Plan on a view and carry it out; None where the vault has no venue of options.

        Raises
        ------
        TransientError
            It is unknown whether the trade was sent; the next cycle goes on with it.

        """
        if self._venue is None:
            return None
        if self._comes_second(view):
            return OptionAct("options wait: the delta comes first")
        if self._keeper is not None and self._is_resting(view.block):
            return OptionAct("options wait: the last trades of them reverted")
        planned = plan_option_trade(self._planner, view)
        if planned is None or not planned.has_orders:
            self._alerts.clear(AlertEvent.OPTION_ERRANDS_REVERT)  # no trade is left that may revert
        return None if planned is None else self._carry_out(planned, view.block)

    def _comes_second(self, view: CycleView) -> bool:
        """Return whether the perp has to be traded before anything else."""
        decision, snapshot = view.decision, view.snapshot
        is_outside = worst_net_delta(snapshot.measurement) > band_now(snapshot)
        return decision.action is Action.REBALANCE and (decision.urgent or is_outside)

    def _carry_out(self, planned: OptionView, block: BlockRef) -> OptionAct:
        words = f"options: {planned.reason}"
        if planned.hedge is None or not planned.has_orders:
            return OptionAct(words, view=planned)
        if planned.refusal is not None:
            return OptionAct(f"{words}; simulation refuses: {planned.refusal}", view=planned)
        if self._keeper is None:
            return OptionAct(f"{words}; a shadow sends nothing", view=planned)
        try:
            settlement = self._keeper.trade(planned.hedge, block, block)
        except (RejectedError, DataError) as refusal:
            return OptionAct(f"{words}; not sent: {refusal}", view=planned)
        return OptionAct(f"{words}{_outcome(settlement)}", settlement, planned)

    def is_wanted(self, record: IntentRecord, head: BlockRef) -> bool:
        """Return whether an errand that a crash or a time-out left open would still be taken."""
        return self._keeper is not None and self._keeper.is_wanted(record, head)

    def _settle(self, keeper: OptionKeeper, option: HeldOption, head: BlockRef) -> OptionAct:
        try:
            settlement = keeper.settle(option, head)
        except (RejectedError, DataError) as refusal:
            return OptionAct(f"{option.name} has expired; not settled: {refusal}")
        return OptionAct(f"settle {option.name}, which has expired{_outcome(settlement)}", settlement)

    def _expired(self, head: BlockRef, seen: Ahead[Sight]) -> list[HeldOption]:
        """Return what is held beyond its expiry; nothing where that cannot be read now."""
        try:
            state = seen.result().state
        except RejectedError:
            state = self._planner.see_accounts(head).state
        except (DataError, TransientError):
            return []
        return [option for venue in state.venues for option in venue.options or () if option.expiry <= head.timestamp]

    def _is_resting(self, head: BlockRef) -> bool:
        return is_resting(self._ledger, self._planner.settings.execution, self._alerts, Purpose.OPTION, head)


def _outcome(settlement: Settlement | None) -> str:
    if settlement is None:
        return ""
    if settlement.state is None:
        return f"; {settlement.detail}"
    return f"; {settlement.state.value}{f': {settlement.detail}' if settlement.detail else ''}"
