"""Closing the hedge by hand: as much as the guard's mirror accepts, and what stands in the way where it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.decision.flatten import plan_flatten
from agent.guard import evaluate
from agent.prediction import predict
from agent.units import WAD, Wad
from tests.support.decision_builders import (
    NOW,
    ROUTING,
    VENUE_ADDRESSES,
    VenueState,
    held,
    snapshot_of,
    usage_of,
    wad,
    with_bounds,
)

LONG = VenueState(size=30.0, equity_usd=50_000.0)
SHORT = VenueState(size=-20.0, equity_usd=50_000.0)
NO_BOOK = held(0.0)


def plan(snapshot):
    step = plan_flatten(snapshot, ROUTING)
    if step.legs:
        after = predict(snapshot, step.legs, step.expected_fills)
        timestamp = snapshot.block.timestamp
        evaluate(snapshot.bounds, snapshot.usage, snapshot.measurement, step.expected_fills, after, timestamp)
    return step


def closed(step):
    return sum(fill.size_delta for fill in step.expected_fills)


def test_plan_flatten__nothing_open__is_done():
    step = plan(snapshot_of(NO_BOOK))
    assert (step.is_done, step.legs, step.remaining) == (True, (), 0)
    assert step.reason == "no position is open"


@pytest.mark.parametrize("venue", [LONG, SHORT])
def test_plan_flatten__book_gone__closes_to_the_last_wei(venue):
    step = plan(snapshot_of(NO_BOOK, venue))
    assert closed(step) == -wad(venue.size)
    assert (step.remaining, step.is_done) == (0, False)


def test_plan_flatten__book_still_there__closes_as_far_as_the_delta_rule_goes():
    step = plan(snapshot_of(held(-30.0), LONG))
    assert closed(step) == -2 * WAD  # the band
    again = plan_flatten(snapshot_of(held(-30.0), replace(LONG, size=28.0)), ROUTING)
    assert again.legs == ()
    assert again.refusal.name == "NetDeltaExceeded"
    assert "the book still needs this hedge" in again.reason


def test_plan_flatten__venue_closing__goes_whole_whatever_the_book():
    step = plan(snapshot_of(held(-30.0), replace(LONG, is_closing=True)))
    assert closed(step) == -30 * WAD


def test_plan_flatten__two_venues__largest_first():
    first = plan(snapshot_of(NO_BOOK, replace(LONG, size=20.0), replace(LONG, size=25.0)))
    assert [leg.venue for leg in first.legs] == [VENUE_ADDRESSES[1]]
    assert first.remaining == 20 * WAD


def test_plan_flatten__positions_that_offset__go_down_in_turns():
    """The worst case never grows beyond what it was: each side gives way as far as the other lets it."""
    sizes, steps = [-20.0, 25.0], 0
    while any(sizes):
        step = plan(snapshot_of(NO_BOOK, *(replace(LONG, size=size) for size in sizes)))
        (fill,) = step.expected_fills
        sizes[fill.venue_index] += fill.size_delta / WAD
        steps += 1
        assert steps < 20
    assert steps > 2


def test_plan_flatten__beyond_one_rebalance__takes_what_it_may():
    step = plan(with_bounds(snapshot_of(NO_BOOK, LONG), max_size_delta=wad(8)))
    assert (closed(step), step.remaining) == (-8 * WAD, 22 * WAD)


def test_plan_flatten__notional_bound__takes_as_much_as_the_mirror_accepts():
    step = plan(with_bounds(snapshot_of(NO_BOOK, LONG), max_notional=wad(30_000)))
    assert closed(step) == pytest.approx(-10 * WAD, rel=1e-6)
    assert step.remaining == 30 * WAD + closed(step)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"paused": True}, "the vault is paused"),
        ({"usage": usage_of(last_trade_at=NOW - 1)}, "CooldownActive"),
        ({"usage": usage_of(loss_used=wad("0.03"), updated_at=NOW), "deviation_bps": 50}, "LossBudgetExceeded"),
    ],
)
def test_plan_flatten__not_now__says_why(changes, words):
    snapshot = with_bounds(snapshot_of(NO_BOOK, LONG, **changes), urgent_delta=wad(100))
    step = plan(snapshot)
    assert (step.legs, step.remaining) == ((), 30 * WAD)
    assert words in step.reason


def test_plan_flatten__silent_venue__is_left_and_told():
    snapshot = snapshot_of(NO_BOOK, LONG)
    (known,) = snapshot.measurement.venues
    nothing = {"equity": Wad(0), "equity_low": Wad(0), "equity_high": Wad(0), "is_silent": True, "size_low": Wad(0)}
    measurement = replace(snapshot.measurement, venues=(replace(known, **nothing),))
    step = plan(replace(snapshot, measurement=measurement))
    assert step.legs == ()
    assert step.reason == "no venue with a position answers and quotes"


@pytest.mark.parametrize(("used", "low", "high"), [("0", 30.0, 30.0), ("0.0297", 7.5, 10.0), ("0.0298", 0.0, 0.0)])
def test_plan_flatten__loss_budget_nearly_spent__closes_a_quarter_at_least(used, low, high):
    """30 at 50 bps and fees are charged $585; 3 bps of $550,000 pay for $165 of it, and 2 bps for no quarter."""
    snapshot = snapshot_of(NO_BOOK, LONG, deviation_bps=50, usage=usage_of(loss_used=wad(used), updated_at=NOW))
    step = plan(with_bounds(snapshot, urgent_delta=wad(100)))
    assert wad(low) <= -closed(step) <= wad(high)
    assert step.remaining == 30 * WAD + closed(step)
    assert (step.refusal is None) is bool(step.legs)


def test_plan_flatten__venue_quotes_nothing__is_left_and_told():
    snapshot = snapshot_of(NO_BOOK, LONG)
    (venue,) = snapshot.venues
    step = plan(replace(snapshot, venues=(replace(venue, quotes=()),)))
    assert (step.legs, step.refusal, step.remaining) == ((), None, 30 * WAD)
    assert step.reason == "no venue with a position answers and quotes"


def test_plan_flatten__last_wei_of_a_position__is_closed_too():
    snapshot = snapshot_of(NO_BOOK, replace(LONG, size="0.000000000000000001"))
    assert closed(plan_flatten(snapshot, ROUTING)) == -1


def test_plan_flatten__largest_cannot_be_closed__takes_the_next():
    """The larger one's venue quotes nothing."""
    snapshot = snapshot_of(NO_BOOK, LONG, replace(LONG, size=20.0))
    larger, smaller = snapshot.venues
    step = plan(replace(snapshot, venues=(replace(larger, quotes=()), smaller)))
    assert (closed(step), step.remaining, step.refusal) == (-20 * WAD, 30 * WAD, None)
    assert step.reason == "close 20.0000 of 50.0000 by hand"


def with_order(snapshot, low, high):
    """The first venue's position may still become anything from ``low`` to ``high``."""
    first, *others = snapshot.measurement.venues
    ordered = replace(first, size_low=wad(low), size_high=wad(high))
    return replace(snapshot, measurement=replace(snapshot.measurement, venues=(ordered, *others)))


def test_plan_flatten__order_open_on_no_position__is_not_done():
    """Said that nothing was open, status 0; then the order filled."""
    step = plan(with_order(snapshot_of(NO_BOOK, replace(LONG, size=0.0)), 0.0, 12.0))
    assert (step.is_done, step.legs, step.remaining) == (False, (), 12 * WAD)
    assert step.waits_for_order
    assert "an order is open on" in step.reason


def test_plan_flatten__order_open_on_a_position__closes_the_others_meanwhile():
    alone = plan(with_order(snapshot_of(NO_BOOK, LONG), 0.0, 30.0))
    assert (alone.legs, alone.waits_for_order, alone.remaining) == ((), True, 30 * WAD)
    both = plan(with_order(snapshot_of(NO_BOOK, LONG, replace(LONG, size=5.0)), 30.0, 32.0))
    assert (closed(both), both.remaining) == (-5 * WAD, 32 * WAD)


def test_plan_flatten__only_venue_is_left_out_for_its_order__is_waited_for():
    """The vault was said to be paused, and the order left to itself."""
    snapshot = replace(with_order(snapshot_of(NO_BOOK, LONG), 0.0, 30.0), paused=True)
    step = plan_flatten(snapshot, ROUTING, "order 0x01 is requested")
    assert (step.legs, step.waits_for_order, step.reason) == ((), True, "order 0x01 is requested")


def test_plan_flatten__venue_left_out_for_failing_orders__waits_for_nothing():
    snapshot = snapshot_of(NO_BOOK, LONG)
    (venue,) = snapshot.venues
    for seen in (replace(snapshot, paused=True), replace(snapshot, venues=(replace(venue, quotes=()),))):
        step = plan_flatten(seen, ROUTING, "the last 3 orders were cancelled")
        assert (step.legs, step.waits_for_order, step.reason) == ((), False, "the last 3 orders were cancelled")
