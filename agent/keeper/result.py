"""What a cycle of the keeper saw and did."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from agent.chain.state import ChainState
from agent.domain import BlockRef, Decision, Measurement, Snapshot
from agent.errors import RejectedError
from agent.keeper.option_tending import OptionAct
from agent.keeper.order_plan import OrderCare
from agent.keeper.planner import CycleView
from agent.keeper.venue_errands import VenueAct
from agent.ledger.accounting import NavCheck
from agent.ledger.records import FillRecord, IntentState, Receipt
from agent.units import IntentId


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
    execution. ``resumed`` is what became of an intent that was open when the cycle began, ``margin_first`` of the
    margin that an account needed before anything else, ``orders`` and ``errand`` what was done at venues before that,
    ``options`` what was done about options between the two, or why nothing; ``before_options`` is what was seen before
    they were traded, where they were.
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
    margin_first: CycleResult | None = None
    orders: tuple[OrderCare, ...] = ()
    errand: VenueAct | None = None
    has_open_orders: bool = False
    options: tuple[OptionAct, ...] = ()
    before_options: ChainState | None = None

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
