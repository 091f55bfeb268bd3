"""One cycle, in its order: the lease, the ledger, what is open, margin, and only then a decision."""

from __future__ import annotations

import itertools
import time
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from agent.chain.block_id import BlockId
from agent.decision.decide import decide
from agent.domain import Action, BlockRef
from agent.errors import DataError, FatalError, RejectedError, TransientError
from agent.execution.settlement import Settlement, Timer
from agent.keeper.alerts import AlertEvent
from agent.keeper.keeper import Keeper
from agent.keeper.option_tending import OptionAct, SettledOptions
from agent.keeper.order_keeper import Tended
from agent.keeper.order_plan import closes_only
from agent.keeper.planner import CycleView, Sight
from agent.keeper.result import CycleResult, Outcome
from agent.keeper.venue_errands import VenueAct
from agent.ledger.accounting import NavCheck
from agent.ledger.records import IntentState, Receipt
from agent.policy.fixed_threshold import FixedThreshold
from agent.units import Address, BlockHash, Seconds, Wei
from tests.support.decision_builders import COSTS, SETTINGS, held, snapshot_of, wad

BOOK = held(6.0)
SNAPSHOT = snapshot_of(BOOK)
DECISION = replace(decide(SNAPSHOT, BOOK, FixedThreshold(50.0), COSTS, SETTINGS), reason="because")
NAV = NavCheck(wad(1), wad(2), wad(3), wad(4))


def block(number: int) -> BlockRef:
    return BlockRef(number, BlockHash(f"0x{number:064x}"), Seconds(1_000 + number), Wei(1))


def result_of(outcome: Outcome, at: int = 5, receipt_at: int | None = None) -> CycleResult:
    receipt = None if receipt_at is None else Receipt("0x", BlockId.of(block(receipt_at)), True, 1, Wei(1))
    return CycleResult(block(at), outcome, outcome.value, 0.0, receipt=receipt)


class World:
    """All that a keeper works with: answers as a test sets them, and notes in which order it is asked."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.heads = [5, 6, 7]
        self.resumed: list[Settlement] = []
        self.tended: list[Tended] = []
        self.refusals: dict[str, str] = {}
        self.errands: list[Settlement] = []
        self.refusal: RejectedError | None = None
        self.is_keeper = True
        self.settled: OptionAct | None = None
        self.traded: OptionAct | None = None
        self.margin: Any = None
        self.margin_result = result_of(Outcome.EXECUTED)
        self.decision = DECISION
        self.cycles: list[Any] = []
        self.alerts: list[tuple[AlertEvent, str]] = []

    # --- planner, scanner, lease ---

    def head(self, _: Any) -> BlockRef:
        return block(self.heads.pop(0) if len(self.heads) > 1 else self.heads[0])

    def scan(self, to: BlockRef) -> None:
        self.steps.append(f"scan {to.number}")

    def require_held(self) -> None:
        self.steps.append("lease")

    def see(self, head: BlockRef) -> Sight:
        if self.refusal is not None:
            raise self.refusal
        return self._sight(head)

    def see_accounts(self, head: BlockRef) -> Sight:
        self.steps.append(f"accounts {head.number}")
        return self._sight(head)

    def _sight(self, head: BlockRef) -> Sight:
        """What is read beside the scan: in which order, threads decide."""
        return Sight(replace(SNAPSHOT, block=head), SimpleNamespace(is_keeper=self.is_keeper))

    def margin_first(self, sight: Sight) -> Any:
        return self.margin

    # --- executor, rebalancer, decider, what holds back, ledger ---

    def resume(self, record: Any, is_wanted: Any, terms: Any) -> Settlement:
        self.steps.append(f"resume {record}")
        return self.resumed[int(record)]

    def open_intents(self) -> list[str]:
        return [str(index) for index in range(len(self.resumed))]

    def terms(self, record: Any) -> None:
        return None

    def carry_out(self, sight: Sight, proposal: Any, digest: str, nav: Any) -> CycleResult:
        assert digest == "0xb00c"
        if proposal is self.margin:
            self.steps.append("margin")
            return self.margin_result
        assert (proposal, nav) == (self.decision, NAV)
        self.steps.append("trade")
        return replace(result_of(Outcome.EXECUTED, sight.block.number), view=sight)

    def end_rest(self, head: BlockRef) -> None:
        self.rested_at = head.number

    has_open = False

    def tend_all(self, head: BlockRef, seen: Any, look: Any) -> Tended:
        if not self.tended:
            return Tended((), head, seen)
        self.steps.append(f"tend {head.number}")
        return self.tended.pop() if self.tended[-1].waits is not None else Tended(self.tended.pop().cares, *look())

    def run(self, head: BlockRef) -> VenueAct | None:
        if self.errands:
            self.steps.append(f"errand {head.number}")
            return VenueAct("perp", "advance", self.errands.pop())
        return None

    is_booked = False

    def book(self, state: Any, tell: Any) -> None:
        self.is_booked = True

    def settle_all(self, head: BlockRef, seen: Any, look: Any) -> SettledOptions:
        if self.settled is None:
            return SettledOptions((), head, seen)
        self.steps.append(f"settle {head.number}")
        return SettledOptions((self.settled,), *((head, seen) if self.settled.is_pending else look()))

    def trade(self, view: CycleView) -> OptionAct | None:
        if self.traded is not None:
            self.steps.append(f"options {view.block.number}")
        return self.traded

    def look(self, sight: Sight) -> tuple[NavCheck, Sight]:
        assert self.is_booked, "what no event tells belongs to the NAV that is compared"
        return NAV, sight

    def restrain(self, sight: Sight, refusals: dict[str, str]) -> Sight:
        return sight

    def view(self, sight: Sight) -> CycleView:
        return CycleView(sight.snapshot, sight.state, self.decision, 0.5, COSTS)

    def add_cycle(self, record: Any) -> None:
        self.cycles.append(record)

    # --- alerts ---

    def raise_alert(self, event: AlertEvent, message: str, now_unix: Seconds) -> None:
        self.alerts.append((event, message))

    def clear(self, event: AlertEvent) -> None:
        self.alerts.append((event, "over"))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def keeper(world: World) -> Keeper:
    made = object.__new__(Keeper)
    made.address = Address("0x00000000000000000000000000000000000000A1")
    made.is_shadow, made._timer = False, Timer()
    made._settings = SimpleNamespace(keeper=SimpleNamespace(cycle_deadline_seconds=9.0))
    made.planner = made._scanner = made._executor = made._rebalancer = made._decider = made.alerts = world
    made._nav = made._untold = made._orders = made._order_keeper = made._errands = made._options = world
    made.ledger, made._database = world, SimpleNamespace(lease=world)
    world.accounts, world.book_digest, world.client = None, "0xb00c", SimpleNamespace(within=lambda _: nullcontext())
    return made


def test_cycle__order_was_tended__decides_at_a_new_head(keeper, world):
    world.tended = [Tended(("settled",), block(5), None)]
    result = keeper.cycle()
    assert world.steps == ["lease", "scan 5", "tend 5", "scan 6", "trade"]
    assert (result.orders, result.block.number) == (("settled",), 6)


def test_cycle__errand_is_on_its_way__nothing_else_is_done(keeper, world):
    world.tended = [Tended(("settled",), block(5), None, "waits to be mined")]
    result = keeper.cycle()
    assert world.steps == ["lease", "scan 5", "tend 5"]
    assert (result.outcome, result.reason, result.orders) == (Outcome.PENDING, "waits to be mined", ("settled",))


def test_cycle__venue_was_moved_on__decides_at_a_new_head(keeper, world):
    world.errands = [Settlement(IntentState.EXECUTED, block(5), None)]
    result = keeper.cycle()
    assert world.steps == ["lease", "scan 5", "errand 5", "scan 6", "trade"]
    assert (str(result.errand), result.block.number) == ("advance of venue perp: executed", 6)


def test_cycle__what_moves_a_venue_on_is_on_its_way__nothing_else_is_done(keeper, world):
    world.errands = [Settlement(None, None, None, "not mined yet")]
    result = keeper.cycle()
    assert world.steps == ["lease", "scan 5", "errand 5"]
    assert (result.outcome, result.reason) == (Outcome.PENDING, "advance of venue perp: not mined yet")


def test_cycle__nothing_open__is_read_decided_and_carried_out_in_order(keeper, world):
    result = keeper.cycle()
    assert world.steps == ["lease", "scan 5", "trade"]
    assert (result.outcome, result.resumed, result.margin_first) == (Outcome.EXECUTED, None, None)
    assert world.alerts == [(AlertEvent.MARGIN_STRAINED, "over"), (AlertEvent.MARGIN_TOPPED_UP, "over")]


def test_cycle__lease_lost__reads_nothing(keeper, world, monkeypatch):
    def lost() -> None:
        raise TransientError("another keeper has taken over")

    monkeypatch.setattr(world, "require_held", lost)
    with pytest.raises(TransientError, match="taken over"):
        keeper.cycle()
    assert world.steps == []


def test_cycle__decided_to_hold__is_recorded_with_what_was_seen(keeper, world):
    world.decision = replace(DECISION, action=Action.HOLD, legs=(), expected_fills=())
    result = keeper.cycle()
    assert (result.outcome, result.reason, result.block.number) == (Outcome.HELD, "because", 5)
    assert world.rested_at == 5
    [cycle] = world.cycles
    assert (cycle.outcome, cycle.block_id, cycle.block_unix) == ("held", BlockId.of(block(5)), 1_005)
    assert (cycle.ledger_nav_low, cycle.ledger_nav_high, cycle.chain_nav_low, cycle.chain_nav_high) == (
        wad(1), wad(2), wad(3), wad(4)
    )  # fmt: skip
    assert (cycle.book_delta_low, cycle.book_delta_high, cycle.hedge_size) == (wad(6), wad(6), 0)
    assert (cycle.price, cycle.decision_seconds) == (wad(3_000), 0.5)
    assert "trade" not in world.steps


def test_cycle__open_intent_waits__nothing_else_is_done(keeper, world):
    world.resumed = [Settlement(None, detail="it waits"), Settlement(IntentState.EXECUTED)]
    result = keeper.cycle()
    assert (result.outcome, result.reason) == (Outcome.PENDING, "it waits")
    assert world.steps == ["lease", "scan 5", "resume 0"]


def test_cycle__open_intents_are_over__goes_on_at_a_new_head(keeper, world):
    world.resumed = [Settlement(IntentState.EXPIRED), Settlement(IntentState.EXECUTED)]
    result = keeper.cycle()
    assert world.steps == ["lease", "scan 5", "resume 0", "resume 1", "scan 6", "trade"]
    assert result.resumed is IntentState.EXECUTED


def test_cycle__shadow__resumes_nothing_and_needs_no_role(keeper, world):
    keeper._executor, keeper.is_shadow, world.is_keeper = None, True, False
    world.resumed = [Settlement(None)]
    keeper.cycle()
    assert "resume 0" not in world.steps


def test_cycle__key_was_dismissed__is_fatal(keeper, world):
    world.is_keeper = False
    with pytest.raises(FatalError, match=f"key {keeper.address} was dismissed"):
        keeper.cycle()


def test_cycle__vault_cannot_be_read__is_rejected_with_the_reason(keeper, world):
    world.refusal = RejectedError("PriceStale")
    result = keeper.cycle()
    assert (result.outcome, result.reason, result.rejection) == (
        Outcome.REJECTED, "cannot be read: PriceStale()", world.refusal
    )  # fmt: skip
    assert world.cycles == []


# --- margin first -----------------------------------------------------------------------------------------------------


def margin(*, is_enough: bool = True, has_legs: bool = True) -> Any:
    return SimpleNamespace(legs=("leg",) if has_legs else (), is_enough=is_enough, reason="no margin is left")


def test_cycle__margin_moved_in_this_block__decides_and_waits_for_the_next(keeper, world):
    world.margin, world.margin_result = margin(), result_of(Outcome.EXECUTED, receipt_at=6)
    result = keeper.cycle()
    assert world.steps == ["lease", "scan 5", "margin", "scan 6"]
    assert result.outcome is Outcome.HELD
    assert result.reason == "because; waits for the block after the one in which margin moved"
    assert result.margin_first is world.margin_result
    assert world.alerts == [(AlertEvent.MARGIN_TOPPED_UP, "executed")]


def test_cycle__margin_moved_in_an_earlier_block__trades_on(keeper, world):
    world.margin, world.margin_result = margin(), result_of(Outcome.EXECUTED, receipt_at=5)
    assert keeper.cycle().outcome is Outcome.EXECUTED
    assert world.steps[-1] == "trade"


def test_cycle__margin_is_on_its_way__nothing_else_is_done(keeper, world):
    world.margin, world.margin_result = margin(), result_of(Outcome.PENDING)
    result = keeper.cycle()
    assert (result.outcome, result.reason, result.margin_first) == (Outcome.PENDING, "pending", world.margin_result)
    assert world.steps[-1] == "margin"
    assert world.alerts == [(AlertEvent.MARGIN_STRAINED, "pending")]


@pytest.mark.parametrize(
    ("wanted", "outcome", "alert"),
    [
        (margin(is_enough=False), Outcome.EXECUTED, (AlertEvent.MARGIN_STRAINED, "executed")),
        (margin(), Outcome.REJECTED, (AlertEvent.MARGIN_STRAINED, "rejected")),
        (margin(has_legs=False), Outcome.EXECUTED, (AlertEvent.MARGIN_STRAINED, "no margin is left")),
    ],
)
def test_cycle__margin_does_not_suffice__is_told_and_the_cycle_goes_on(keeper, world, wanted, outcome, alert):
    world.margin, world.margin_result = wanted, result_of(outcome)
    result = keeper.cycle()
    assert world.alerts == [alert]
    assert ("margin" in world.steps) is bool(wanted.legs)
    assert result.outcome is Outcome.EXECUTED


@pytest.mark.parametrize("seconds", [9.0, 33.0])
def test_cycle__reads__have_the_configured_time(keeper, world, seconds):
    asked: list[float] = []
    world.client = SimpleNamespace(within=lambda given: asked.append(given) or nullcontext())
    keeper._settings = SimpleNamespace(keeper=SimpleNamespace(cycle_deadline_seconds=seconds))
    keeper.cycle()
    assert asked == [seconds]


def test_cycle__takes_its_time__says_how_long(keeper, world, monkeypatch):
    """By a clock that moves a second at each look: one at the start, one at the end."""
    ticks = itertools.count(100.0)
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks))
    assert keeper.cycle().cycle_seconds == 1.0
    world.resumed = [Settlement(None, detail="it waits")]
    assert keeper.cycle().cycle_seconds == 1.0


def test_cycle__vault_cannot_be_read_and_margin_is_moved__is_read_anew_behind_it(keeper, world):
    """What could not be read before may be there after the deposit."""
    world.refusal, world.margin = RejectedError("PriceStale"), margin()
    world.margin_result = result_of(Outcome.EXECUTED, receipt_at=5)
    result = keeper.cycle()
    assert world.steps == ["lease", "scan 5", "accounts 5", "margin", "scan 6", "accounts 6"]
    assert (result.outcome, result.block.number, result.margin_first) == (Outcome.REJECTED, 6, world.margin_result)


def test_cycle__margin_was_refused__decides_on_what_was_seen(keeper, world):
    world.margin, world.margin_result = margin(), result_of(Outcome.REJECTED)
    result = keeper.cycle()
    assert world.steps == ["lease", "scan 5", "margin", "trade"]
    assert (result.block.number, result.margin_first) == (5, world.margin_result)


# --- flatten by hand --------------------------------------------------------------------------------------------------


def step_of(*legs: str) -> Any:
    return SimpleNamespace(legs=legs, reason="close it")


@pytest.fixture
def flattening(keeper: Keeper, world: World, monkeypatch: pytest.MonkeyPatch) -> Keeper:
    """A keeper that is asked to close; ``world.step`` is the next step."""
    world.step = step_of("leg")

    def carry_out(sight: Sight, step: Any, digest: str, nav: Any) -> CycleResult:
        assert (step, digest, nav) == (world.step, "0xb00c", None)
        world.steps.append(f"close at {sight.block.number}")
        return result_of(Outcome.EXECUTED, sight.block.number)

    monkeypatch.setattr(world, "carry_out", carry_out)
    monkeypatch.setattr(world, "flatten", lambda sight: world.step, raising=False)
    return keeper


def test_flatten_step__position_open__is_closed_at_the_head(flattening, world):
    step, result = flattening.flatten_step()
    assert world.steps == ["lease", "scan 5", "close at 5"]
    assert (step, result.outcome) == (world.step, Outcome.EXECUTED)


def test_flatten_step__errand_of_a_venue_is_due__is_left_to_the_keeper(flattening, world):
    """It may open a position."""
    world.errands = [Settlement(IntentState.EXECUTED, block(5), None)]
    flattening.flatten_step()
    assert (world.steps, world.wants) == (["lease", "scan 5", "close at 5"], closes_only)


def test_flatten_step__nothing_to_close__sends_nothing(flattening, world):
    world.step = step_of()
    assert flattening.flatten_step() == (world.step, None)
    assert world.steps == ["lease", "scan 5"]


def test_flatten_step__open_intent_waits__sends_nothing_beside_it(flattening, world):
    world.resumed = [Settlement(None, detail="it waits")]
    step, result = flattening.flatten_step()
    assert world.steps == ["lease", "scan 5", "resume 0"]
    assert (step, result.outcome, result.reason, result.block.number) == (world.step, Outcome.PENDING, "it waits", 5)


def test_flatten_step__open_intent_is_over__is_closed_at_a_new_head(flattening, world):
    world.resumed = [Settlement(IntentState.EXECUTED)]
    assert flattening.flatten_step()[1].outcome is Outcome.EXECUTED
    assert world.steps == ["lease", "scan 5", "resume 0", "scan 6", "close at 6"]


def test_flatten_step__vault_cannot_be_read__says_so_and_sends_nothing(flattening, world):
    world.refusal = RejectedError("PriceStale")
    with pytest.raises(DataError, match=r"the vault cannot be read, so nothing can be traded: PriceStale\(\); try"):
        flattening.flatten_step()
    assert world.steps == ["lease", "scan 5", "accounts 5"]


def test_flatten_step__lease_lost__reads_nothing(flattening, world, monkeypatch):
    def lost() -> None:
        raise TransientError("another keeper has taken over")

    monkeypatch.setattr(world, "require_held", lost)
    with pytest.raises(TransientError, match="taken over"):
        flattening.flatten_step()
    assert world.steps == []


# --- options ------------------------------------------------------------------------------------------------------


def act(state: IntentState | None, *, is_sent: bool = True) -> OptionAct:
    return OptionAct("options: words", Settlement(state) if is_sent else None)


# HEDGE-639
def test_cycle__options_traded__perp_is_decided_at_a_new_head(keeper, world):
    world.traded = act(IntentState.EXECUTED)
    result = keeper.cycle()
    assert world.steps == ["lease", "scan 5", "options 5", "scan 6", "trade"]
    assert (result.block.number, result.outcome, result.options) == (6, Outcome.EXECUTED, (world.traded,))


# HEDGE-639
@pytest.mark.parametrize("traded", [act(IntentState.REVERTED), act(None, is_sent=False)])
def test_cycle__options_not_traded__perp_is_decided_on_what_was_seen(keeper, world, traded):
    world.traded = traded
    result = keeper.cycle()
    assert world.steps == ["lease", "scan 5", "options 5", "trade"]
    assert (result.block.number, result.options) == (5, (traded,))


# HEDGE-639
def test_cycle__trade_of_options_on_its_way__nothing_else_is_done(keeper, world):
    world.traded = act(None)
    result = keeper.cycle()
    assert world.steps == ["lease", "scan 5", "options 5"]
    assert (result.outcome, result.reason) == (Outcome.PENDING, "options: words")


# HEDGE-639
def test_cycle__options_traded_and_then_blind__is_rejected_with_what_was_done(keeper, world):
    world.traded = act(IntentState.EXECUTED)
    see, asked = world.see, []

    def see_once(head):
        asked.append(head)
        if len(asked) > 1:
            raise RejectedError("StalePrice", {})
        return see(head)

    world.see = see_once
    result = keeper.cycle()
    assert (result.outcome, result.options) == (Outcome.REJECTED, (world.traded,))


# HEDGE-639
def test_cycle__option_settled__is_decided_at_a_new_head(keeper, world):
    world.settled = act(IntentState.EXECUTED)
    result = keeper.cycle()
    assert world.steps == ["lease", "scan 5", "settle 5", "scan 6", "trade"]
    assert result.options == (world.settled,)


# HEDGE-639
def test_cycle__settlement_on_its_way__nothing_else_is_done(keeper, world):
    world.settled = act(None)
    result = keeper.cycle()
    assert world.steps == ["lease", "scan 5", "settle 5"]
    assert (result.outcome, result.options) == (Outcome.PENDING, (world.settled,))


@pytest.mark.parametrize("waits", ["order", "errand", "settlement"])
def test_cycle__something_is_on_its_way__all_that_was_done_before_is_told(keeper, world, monkeypatch, waits):
    monkeypatch.setattr(world, "has_open", True)
    world.resumed = [Settlement(IntentState.REVERTED)]
    world.tended = [Tended(("settled",), block(6), None, "waits to be mined" if waits == "order" else None)]
    world.errands = [Settlement(None if waits == "errand" else IntentState.EXECUTED, block(6), None, "not mined yet")]
    world.settled = act(None)
    result = keeper.cycle()
    assert (result.outcome, "trade" in world.steps) == (Outcome.PENDING, False)
    assert (result.resumed, result.orders, result.has_open_orders) == (IntentState.REVERTED, ("settled",), True)
    assert (result.errand is not None, bool(result.options)) == (waits != "order", waits == "settlement")
