"""Legs that expire: what hedged them is unwound over their settlement, and what is left of it afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.decision.decide import decide
from agent.domain import Action, Book, HoldingLeg, OptionLeg, OptionType
from agent.guard import evaluate, worst_net_delta
from agent.policy.fixed_threshold import FixedThreshold
from agent.policy.registry import POLICIES, build_policy
from agent.prediction import predict
from agent.risk.settlement import Settlement
from agent.units import Rounding, Seconds, Wad, from_wad, to_wad
from tests.conformance.test_policies import parameters_of
from tests.support.decision_builders import COSTS, NOW, SETTINGS, VenueState, snapshot_of

WINDOW = 1_800
DEEP, WORTHLESS = 2_000.0, 4_000.0
SIZE = 30.0
POLICY = FixedThreshold(0.5)


def book_of(strike_usd: float, seconds_left: int, quantity: float = -SIZE) -> Book:
    leg = OptionLeg(OptionType.CALL, strike_usd, Seconds(NOW + seconds_left), quantity, 0.7, 0.68, 0.72, "calls")
    return Book("ETH", (leg,))


def settling_snapshot(book: Book, hedge: float, seconds_left: int):
    """What the chain measures inside the window: the delta of a call is anything from 0 to the share still to come."""
    venue = VenueState(size=hedge, equity_usd=60_000.0, free_collateral_usd=20_000.0)
    snapshot = snapshot_of(Book("ETH", ()), venue)
    ends = [0.0, sum(leg.quantity for leg in book.options) * seconds_left / WINDOW]
    low, high = to_wad(min(ends), Rounding.DOWN), to_wad(max(ends), Rounding.UP)
    measurement = replace(snapshot.measurement, book_delta_low=Wad(low - 1), book_delta_high=Wad(high + 1))
    return replace(snapshot, measurement=measurement)


def run(snapshot, book, policy=POLICY, window=WINDOW):
    decision = decide(snapshot, book, policy, COSTS, SETTINGS, Settlement(Seconds(window)))
    if decision.action is Action.REBALANCE:
        after = predict(snapshot, decision.legs, decision.expected_fills)
        timestamp = snapshot.block.timestamp
        before = snapshot.measurement
        evaluate(snapshot.bounds, snapshot.usage, before, decision.expected_fills, after, timestamp)
    return decision


def traded(decision) -> float:
    return from_wad(sum(fill.size_delta for fill in decision.expected_fills))


@pytest.mark.parametrize("seconds_left", [1_500, 900, 300, 30])
def test_decide__sure_exercise_in_its_window__unwinds_as_the_average_is_taken(seconds_left):
    book = book_of(DEEP, seconds_left)
    decision = run(settling_snapshot(book, SIZE, seconds_left), book)
    assert SIZE + traded(decision) == pytest.approx(SIZE * seconds_left / WINDOW, abs=0.6)


def test_decide__window_begins__does_not_trade_half_the_hedge_away():
    """The chain doubts the whole leg; the agent knows that it is exercised."""
    book = book_of(DEEP, WINDOW - 1)
    decision = run(settling_snapshot(book, SIZE, WINDOW - 1), book)
    assert decision.action is Action.HOLD
    assert not decision.urgent


def test_decide__worthless_in_its_window__buys_no_hedge():
    book = book_of(WORTHLESS, 1_200)
    assert run(settling_snapshot(book, 0.0, 1_200), book).action is Action.HOLD


def test_decide__jump_inside_the_window__goes_as_far_as_the_delta_rule_lets_it():
    """Unhedged and suddenly certain: the chain accepts what lessens its own worst case, and no more."""
    book = book_of(DEEP, 1_200)
    snapshot = settling_snapshot(book, 0.0, 1_200)
    decision = run(snapshot, book)
    assert traded(decision) == pytest.approx(20.0 - 0.5, abs=1e-6)
    after = predict(snapshot, decision.legs, decision.expected_fills)
    assert worst_net_delta(after) <= worst_net_delta(snapshot.measurement) - snapshot.bounds.min_improvement


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_decide__all_expired__closes_the_whole_hedge_by_any_policy(name):
    book = book_of(DEEP, 0)
    snapshot = snapshot_of(book, VenueState(size=29.5, equity_usd=60_000.0))
    decision = run(snapshot, book, build_policy(name, parameters_of(name)))
    assert traded(decision) == pytest.approx(-29.5, abs=1e-9)
    assert "nothing is left of the book" in decision.reason
    assert decision.target.target_net_delta == 0.0


@pytest.mark.parametrize("seconds_left", [0, -1, -86_400])
def test_decide__expiry_exactly_at_the_block_or_before__leg_counts_nothing(seconds_left):
    book = book_of(DEEP, seconds_left)
    decision = run(snapshot_of(book, VenueState(size=29.5, equity_usd=60_000.0)), book)
    assert decision.exposure.book_delta == 0.0


def test_decide__a_second_before_expiry_without_a_window__is_an_ordinary_leg():
    book = book_of(DEEP, 1)
    decision = run(snapshot_of(book, VenueState(size=29.5, equity_usd=60_000.0)), book, window=0)
    assert decision.exposure.book_delta == pytest.approx(-SIZE)


def test_decide__one_of_many_expired__hedges_the_rest():
    live = book_of(DEEP, 30 * 86_400, -10.0)
    book = Book("ETH", (*book_of(DEEP, -1).positions, *live.positions))
    decision = run(snapshot_of(book, VenueState(size=38.0, equity_usd=60_000.0)), book)
    assert 38.0 + traded(decision) == pytest.approx(10.0, abs=0.6)


@pytest.mark.parametrize("book", [Book("ETH", ()), Book("ETH", (HoldingLeg(0.0, "coins"),))])
def test_decide__empty_book__unwinds_and_then_holds(book):
    hedged = snapshot_of(book, VenueState(size=-12.0, equity_usd=60_000.0))
    assert traded(run(hedged, book)) == pytest.approx(12.0)
    assert run(snapshot_of(book, VenueState()), book).action is Action.HOLD


def test_decide__small_rest_of_a_dead_hedge__is_closed_all_the_same():
    book = Book("ETH", ())
    decision = run(snapshot_of(book, VenueState(size=0.4, equity_usd=60_000.0)), book)
    assert traded(decision) == pytest.approx(-0.4)
