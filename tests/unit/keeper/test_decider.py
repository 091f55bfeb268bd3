"""By the book where the chain agrees with it, by the chain alone where it does not; what is held back is said."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from agent.decision.decide import decide
from agent.domain import Book
from agent.errors import BookMismatchError, DataError, PolicyRefusedError
from agent.execution.intents import book_digest
from agent.keeper.alerts import AlertEvent, AlertLog
from agent.keeper.decider import Decider
from agent.keeper.planner import CycleView, Sight
from agent.policy.fixed_threshold import FixedThreshold
from tests.support.decision_builders import COSTS, SETTINGS, held, snapshot_of, wad

BOOK = held(1.0)
SIGHT = Sight(snapshot_of(BOOK), SimpleNamespace(is_paused=False))
DECISION = decide(SIGHT.snapshot, BOOK, FixedThreshold(50.0), COSTS, SETTINGS)


class FakePlanner:
    """Notes how it was asked to decide; while ``mismatch`` is set, the chain does not see the book as it is."""

    def __init__(self) -> None:
        self.book = BOOK
        self.mismatch: str | None = None
        self.refusal: str | None = None
        self.asked: list[tuple[str, bool]] = []
        self.mismatch_of: dict[Book, str] = {}

    def disagreement(self, book: Book, sight: Sight) -> str | None:
        return self.mismatch_of.get(book)

    def settling_expiries(self, sight: Sight) -> tuple[()]:
        return ()

    def decide(self, sight: Sight, averages: Any) -> CycleView:
        if self.mismatch is not None:
            raise BookMismatchError(self.mismatch)
        if self.refusal is not None:
            raise PolicyRefusedError(self.refusal)
        return self._view("book", sight)

    def decide_by_band(self, sight: Sight, averages: Any, refusal: str) -> CycleView:
        assert refusal == self.refusal
        return self._view("band", sight)

    def decide_by_chain(self, sight: Sight, mismatch: str) -> CycleView:
        assert mismatch == self.mismatch
        return self._view("chain", sight)

    def _view(self, way: str, sight: Sight) -> CycleView:
        self.asked.append((way, sight.snapshot.measurement.is_reduce_only))
        return CycleView(sight.snapshot, sight.state, replace(DECISION, reason=way), 0.0, COSTS)


class Told(AlertLog):
    """Remembers which alerts stand."""

    def __init__(self) -> None:
        super().__init__()
        self.standing: dict[AlertEvent, str] = {}
        self.once: list[tuple[AlertEvent, str]] = []

    def tell(self, event: AlertEvent, message: str) -> None:
        self.once.append((event, message))

    def raise_alert(self, event: AlertEvent, message: str, now_unix: int) -> None:
        assert now_unix == SIGHT.block.timestamp
        self.standing[event] = message

    def clear(self, event: AlertEvent) -> None:
        self.standing.pop(event, None)


@pytest.fixture
def planner() -> FakePlanner:
    return FakePlanner()


@pytest.fixture
def told() -> Told:
    return Told()


def decider_of(planner: FakePlanner, told: Told, **terms: bool) -> Decider:
    return Decider(planner, None, told, None, **terms)


def test_view__all_agree__is_decided_by_the_book(planner, told):
    assert decider_of(planner, told).view(SIGHT).decision.reason == "book"
    assert planner.asked == [("book", False)]
    assert told.standing == {}


def test_view__never_agreed_with_the_chain__is_refused_and_told(planner, told):
    planner.mismatch = "apart by 3"
    with pytest.raises(BookMismatchError, match="apart by 3"):
        decider_of(planner, told).view(SIGHT)
    assert told.standing == {AlertEvent.BOOK_MISMATCH: "apart by 3"}
    assert planner.asked == []


def test_view__never_agreed_and_told_to_go_by_the_chain__goes_by_it(planner, told):
    planner.mismatch = "apart by 3"
    assert decider_of(planner, told, goes_by_chain=True).view(SIGHT).decision.reason == "chain"


def test_view__agreed_once_and_no_more__goes_by_the_chain_until_it_agrees_again(planner, told):
    decider = decider_of(planner, told)
    decider.view(SIGHT)
    planner.mismatch = "apart by 3"
    assert decider.view(SIGHT).decision.reason == "chain"
    assert AlertEvent.BOOK_MISMATCH in told.standing
    planner.mismatch = None
    assert decider.view(SIGHT).decision.reason == "book"
    assert told.standing == {}


def test_view__policy_refuses__the_band_decides_until_it_answers_again(planner, told):
    decider = decider_of(planner, told)
    planner.refusal = "gas is dear"
    assert decider.view(SIGHT).decision.reason == "band"
    assert told.standing == {AlertEvent.POLICY_REFUSES: "gas is dear"}
    planner.refusal = None
    assert decider.view(SIGHT).decision.reason == "book"
    assert told.standing == {}


def test_view__something_is_held_back__is_said_beside_the_reason(planner, told):
    view = decider_of(planner, told).view(replace(SIGHT, restraint="NAV is 9 bps apart"))
    assert view.decision.reason == "book; NAV is 9 bps apart"


@pytest.mark.parametrize(("is_paused", "reason"), [(False, "an order is open"), (True, "book; an order is open")])
def test_view__keeper_itself_holds_all_back__is_the_reason(planner, told, is_paused, reason):
    snapshot, state = replace(SIGHT.snapshot, paused=True), SimpleNamespace(is_paused=is_paused)
    view = decider_of(planner, told).view(Sight(snapshot, state, restraint="an order is open"))
    assert view.decision.reason == reason


# --- a book that is written anew --------------------------------------------------------------------------------------

ANEW = held(2.0)


class FakeWatch:
    """A book's file: what each look at it finds, the last for ever."""

    def __init__(self, *found: Book | DataError | None) -> None:
        self._found = list(found)

    def poll(self) -> Book | None:
        found = self._found.pop(0) if self._found else None
        if isinstance(found, DataError):
            raise found
        return found


def following(planner: FakePlanner, told: Told, *found: Book | DataError | None) -> Decider:
    return Decider(planner, None, told, FakeWatch(*found))


def test_view__book_written_anew_and_seen_by_the_chain__is_in_force_at_once(planner, told):
    decider = following(planner, told, ANEW)
    before = decider.book_digest
    decider.view(SIGHT)
    assert planner.book is ANEW
    assert decider.book_digest == book_digest(ANEW) != before
    assert told.once == [(AlertEvent.BOOK_RELOADED, "1 positions are in force")]


def test_view__chain_does_not_see_the_new_book_yet__old_one_stands_until_it_does(planner, told):
    decider, planner.mismatch_of = following(planner, told, ANEW), {ANEW: "apart by 1"}
    for _ in range(2):
        decider.view(SIGHT)
        assert planner.book is BOOK
    words = "as written anew: apart by 1; the book as it was stands until then"
    assert told.standing == {AlertEvent.BOOK_RELOAD_REFUSED: words}
    planner.mismatch_of = {}
    decider.view(SIGHT)
    assert planner.book is ANEW
    assert told.standing == {}


def test_view__new_book_cannot_be_read__old_one_stands_and_what_waited_is_dropped(planner, told):
    decider, planner.mismatch_of = following(planner, told, ANEW, DataError("line 3")), {ANEW: "apart by 1"}
    for _ in range(2):
        decider.view(SIGHT)
    planner.mismatch_of = {}
    decider.view(SIGHT)
    assert planner.book is BOOK
    assert told.standing == {AlertEvent.BOOK_RELOAD_REFUSED: "line 3; the book as it was stands"}
    assert told.once == []


@pytest.mark.parametrize("trouble", [DataError("line 3"), ANEW])
def test_view__refused_book_is_written_back__alert_is_over(planner, told, trouble):
    decider, planner.mismatch_of = following(planner, told, trouble, held(1.0)), {ANEW: "apart by 1"}
    decider.view(SIGHT)
    assert set(told.standing) == {AlertEvent.BOOK_RELOAD_REFUSED}
    decider.view(SIGHT)
    assert planner.book is BOOK
    assert told.standing == {}


def test_view__book_written_as_it_was__is_no_news(planner, told):
    following(planner, told, held(1.0)).view(SIGHT)
    assert planner.book is BOOK
    assert told.once == []


# --- averages while options settle ------------------------------------------------------------------------------------

WINDOW = 1_800


class Settling(FakePlanner):
    """A planner whose options of some expiries settle now; notes the averages that it is shown."""

    def __init__(self, *expiries: int) -> None:
        super().__init__()
        self.expiries = expiries
        self.averages: Any = None

    def settling_expiries(self, sight: Sight) -> tuple[int, ...]:
        return self.expiries

    def decide(self, sight: Sight, averages: Any) -> CycleView:
        self.averages = averages
        return super().decide(sight, averages)


def averages_of(planner: Settling, told: Told, prices: list[tuple[int, int]]) -> Any:
    """The averages with these prices noted, of which those since the first window's begin are asked for."""
    sight = replace(SIGHT, state=SimpleNamespace(is_paused=False, settlement_window_seconds=WINDOW))
    asked: list[int] = []

    def prices_since(unix: int) -> list[tuple[int, int]]:
        asked.append(unix)
        return prices

    Decider(planner, SimpleNamespace(prices_since=prices_since), told, None).view(sight)
    assert asked == ([planner.expiries[0] - WINDOW] if planner.expiries else [])
    return planner.averages


def test_view__nothing_settles__asks_the_ledger_for_no_prices(told):
    assert averages_of(Settling(), told, []) == {}


def test_view__options_settle__each_expiry_has_the_average_since_its_window_began(told):
    """One window began 900 s ago, the other 300; 2,000 stood until 600 s ago, 2,600 until 300 s ago, then 3,200."""
    now = SIGHT.block.timestamp
    expiries = (now + WINDOW - 900, now + WINDOW - 300)
    noted = [(now - 900, wad(2_000)), (now - 600, wad(2_600)), (now - 300, wad(3_200))]
    averages = averages_of(Settling(*expiries), told, noted)
    assert averages == pytest.approx({expiries[0]: 2_600.0, expiries[1]: 3_200.0})


def test_view__window_begins_at_this_very_moment__has_no_average_yet(told):
    assert averages_of(Settling(SIGHT.block.timestamp + WINDOW), told, []) == {}
