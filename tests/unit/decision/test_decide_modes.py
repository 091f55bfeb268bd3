"""Modes of the vault and its budgets: a decision proposes what the chain takes, or says which rule it met."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.decision.decide import decide
from agent.domain import Action, Track
from agent.errors import RejectedError
from agent.guard import band_now, evaluate, worst_net_delta
from agent.policy.fixed_threshold import FixedThreshold
from agent.prediction import predict
from agent.routing import Route
from agent.units import Wad
from tests.support.decision_builders import (
    COSTS,
    NOW,
    SETTINGS,
    TRACK,
    USAGE,
    VENUE_ADDRESSES,
    VenueState,
    held,
    snapshot_of,
    usage_of,
    wad,
    with_bounds,
)

LONG = VenueState(size=30.0, equity_usd=50_000.0, free_collateral_usd=30_000.0)
FLAT = VenueState()
PERIOD = NOW // 28_800


def run(snapshot, book, threshold=0.5):
    decision = decide(snapshot, book, FixedThreshold(threshold), COSTS, SETTINGS)
    if decision.action is Action.REBALANCE:
        after = predict(snapshot, decision.legs, decision.expected_fills)
        evaluate(
            snapshot.bounds,
            snapshot.usage,
            snapshot.measurement,
            decision.expected_fills,
            after,
            snapshot.block.timestamp,
        )
    return decision


def traded(decision):
    return {fill.venue_index: fill.size_delta for fill in decision.expected_fills}


def reduce_only(snapshot):
    return replace(snapshot, measurement=replace(snapshot.measurement, is_reduce_only=True))


def tripped(snapshot):
    """A result that fell from a high of $60,000 to nothing: 10 % of NAV is less."""
    return replace(
        snapshot, usage=replace(USAGE, track=Track(wad(0), wad(0), wad(0), PERIOD, wad(0), (6_000_000, 0, 0, 0)))
    )


@pytest.mark.parametrize("mode", [reduce_only, tripped])
def test_decide__only_reductions_allowed__shrinks_and_never_grows(mode):
    over, under = held(-20.0), held(-40.0)
    assert traded(run(mode(snapshot_of(over, LONG)), over)) == {0: pytest.approx(-wad(10), rel=1e-6)}
    growing = run(mode(snapshot_of(under, LONG)), under)
    assert growing.expected_fills == ()
    assert "leaves too little to trade" in growing.reason


def test_decide__reduce_only_and_book_on_the_other_side__stops_at_zero():
    book = held(40.0)
    decision = run(reduce_only(snapshot_of(book, LONG)), book)
    assert traded(decision) == {0: -wad(30)}


def test_decide__closing_venue__grows_the_others_alone():
    book = held(-40.0)
    decision = run(snapshot_of(book, replace(LONG, is_closing=True), FLAT), book)
    assert list(traded(decision)) == [1]


def test_decide__silent_venue__trades_on_the_others_and_leaves_it_alone():
    book = held(-60.0)
    snapshot = snapshot_of(book, LONG, replace(FLAT, equity_usd=100_000.0))
    known, other = snapshot.measurement.venues
    silent = replace(known, is_silent=True, size_low=Wad(0), equity=Wad(0), equity_low=Wad(0), equity_high=Wad(0))
    measurement = replace(snapshot.measurement, venues=(silent, other))
    quiet = replace(snapshot.venues[0], quotes=(), mark_price=Wad(0), index_price=Wad(0))
    snapshot = replace(snapshot, measurement=measurement, venues=(quiet, snapshot.venues[1]))
    decision = run(snapshot, book)
    assert list(traded(decision)) == [1]
    assert [leg.venue for leg in decision.legs] == [VENUE_ADDRESSES[1]]
    assert decision.exposure.hedge_size == 15.0


def test_decide__below_the_guards_least_notional__holds_inside_the_band():
    book = held(-31.0)
    calm = snapshot_of(book, LONG)
    assert run(calm, book).action is Action.REBALANCE
    choosy = with_bounds(calm, min_notional=wad(3_100))
    decision = run(choosy, book)
    assert (decision.action, decision.guard_error) == (Action.HOLD, None)


def test_decide__small_trade_into_the_band__goes_below_the_least_notional():
    book = held(-32.1)
    decision = run(with_bounds(snapshot_of(book, LONG), min_notional=wad(50_000)), book, threshold=50.0)
    assert decision.action is Action.REBALANCE
    assert decision.expected_fills[0].size_delta < wad(3)


def test_decide__loss_budget_nearly_used__trades_what_it_bears():
    book = held(-60.0)
    full = snapshot_of(book, LONG, deviation_bps=50)
    used = wad("0.03") - wad(200) * 10**18 // full.measurement.firm_nav
    decision = run(replace(full, usage=usage_of(loss_used=used, updated_at=NOW)), book)
    assert "reduced to avoid LossBudgetExceeded" in decision.reason
    (size,) = traded(decision).values()
    # 0.5 % of lag, 0.1 % of fee and the price impact, of about $3,000 a unit
    assert wad(6) < size < wad(200) // (3_000 * 6 // 1_000)


def test_decide__calm_trade__leaves_the_urgent_reserve():
    book = held(-35.0)
    snapshot = with_bounds(snapshot_of(book, LONG), turnover_refill_per_day=0, urgent_reserve_bps=2_500)
    spent = replace(snapshot, usage=usage_of(turnover_used=wad(750_000)))
    assert run(spent, book).action is Action.HOLD
    urgent = run(replace(spent, bounds=replace(spent.bounds, urgent_delta=wad(5))), book)
    assert urgent.action is Action.REBALANCE


def test_decide__band_worth_more_than_a_quarter_of_nav__is_the_quarter():
    book = held(-2.0)
    snapshot = snapshot_of(book, idle_usd=12_000.0)
    assert band_now(snapshot) == wad(1)
    decision = run(snapshot, book, threshold=50.0)
    after = predict(snapshot, decision.legs, decision.expected_fills)
    assert worst_net_delta(after) < wad(1)


def test_decide__gross_notional_reached__goes_as_far_as_it_allows():
    book = held(-60.0)
    decision = run(with_bounds(snapshot_of(book, LONG), max_gross_notional=wad(120_000)), book)
    assert sum(traded(decision).values()) == pytest.approx(wad(10), rel=1e-3)


def test_decide__paused__moves_margin_in_but_not_home():
    strained, rich = (
        replace(LONG, equity_usd=20_000.0),
        replace(LONG, equity_usd=95_000.0, free_collateral_usd=80_000.0),
    )
    book = held(-30.0)
    (leg,) = run(snapshot_of(book, strained, paused=True), book).legs
    assert leg.margin_delta > 0
    low_idle = {"idle_usd": 5_000.0}
    assert run(snapshot_of(book, rich, **low_idle), book).legs
    assert run(snapshot_of(book, rich, paused=True, **low_idle), book).action is Action.HOLD


def test_decide__urgency__is_reckoned_from_the_band_in_force():
    snapshot = snapshot_of(held(-1.5), idle_usd=12_000.0)
    assert TRACK.price == 0
    assert run(snapshot, held(-1.5)).exposure.urgency_ratio == pytest.approx(0.5 / 9.0)


@pytest.mark.parametrize(
    ("usage", "book_size", "error"),
    [(USAGE, -30.0, "IdleBelowFloor"), (usage_of(last_trade_at=NOW - 60), -35.0, "CooldownActive")],
)
def test_decide__margin_alone_is_refused_too__says_so_and_names_the_first_error(monkeypatch, usage, book_size, error):
    def refuses(route, snapshot):
        raise RejectedError("CooldownActive" if route.fills else "IdleBelowFloor")

    monkeypatch.setattr(Route, "judge", refuses)
    book = held(book_size)
    snapshot = snapshot_of(book, replace(LONG, equity_usd=20_000.0), usage=usage)
    decision = decide(snapshot, book, FixedThreshold(0.5), COSTS, SETTINGS)
    assert (decision.action, decision.guard_error, decision.legs) == (Action.HOLD, error, ())
    assert decision.reason.endswith("; the guard would refuse a margin move: IdleBelowFloor()")


def test_decide__paused__margin_comes_home_from_a_venue_without_a_position():
    empty = replace(FLAT, equity_usd=95_000.0, free_collateral_usd=95_000.0)
    for is_paused in (True, False):
        (leg,) = run(snapshot_of(held(0.0), empty, idle_usd=5_000.0, paused=is_paused), held(0.0)).legs
        assert leg.margin_delta < 0
    waiting = snapshot_of(held(0.0), empty, idle_usd=5_000.0, paused=True)
    (measured,) = waiting.measurement.venues
    waits = replace(measured, size_high=wad(1))
    waiting = replace(waiting, measurement=replace(waiting.measurement, venues=(waits,)))
    assert run(waiting, held(0.0)).action is Action.HOLD
