"""What the programme plans for the vault, the guard's mirror accepts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.costs.quotes import fill_at, ladder_of
from agent.errors import DataError, RejectedError
from agent.guard import evaluate, worst_net_delta
from agent.optimiser.factors import book_factors
from agent.optimiser.leg_selection import Gas
from agent.optimiser.limits import guard_limits, venue_limits
from agent.optimiser.perps import perp_instrument
from agent.policy.multi_instrument import MultiInstrument
from agent.prediction import predict
from agent.units import Rounding, from_wad, to_wad
from tests.support.decision_builders import (
    BOUNDS,
    NOW,
    SPOT_USD,
    USAGE,
    VenueState,
    short_calls,
    snapshot_of,
    usage_of,
    wad,
)

POLICY = MultiInstrument(0.01, 0.25, 0.6, 0.8, -0.3)
SAFE = {"venue 0": 0.0, "venue 1": 0.02}


def plan_and_fills(snapshot, book):
    """A plan for the snapshot, and its trades as the venues would fill them."""
    oracle, hedge = snapshot.measurement.price, sum(from_wad(venue.size) for venue in snapshot.venues)
    factors = book_factors(book, from_wad(oracle), snapshot.block.timestamp, hedge)
    instruments = [perp_instrument(venue, oracle, snapshot.bounds, 0.25, 2.0) for venue in snapshot.venues]
    limits = venue_limits(snapshot, 0.0, SAFE, 1.0)
    plan = POLICY.plan(factors, instruments, limits, SPOT_USD, guard_limits(snapshot), Gas(4.0, 2.0))
    fills = []
    for trade in plan.trades:
        index = [venue.name for venue in snapshot.venues].index(trade.venue)
        ladder = ladder_of(snapshot.venues[index], trade.size > 0.0)
        fills.append(fill_at(ladder, index, to_wad(abs(trade.size), Rounding.DOWN)))
    return plan, fills


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    quantity=st.floats(20.0, 200.0).map(lambda size: round(size, 2)),
    sizes=st.tuples(*[st.floats(-30.0, 60.0).map(lambda size: round(size, 3))] * 2),
    equities=st.tuples(*[st.floats(40_000.0, 300_000.0).map(lambda usd: round(usd, 1))] * 2),
    premiums=st.tuples(*[st.floats(-0.004, 0.004).map(lambda ratio: round(ratio, 5))] * 2),
    notional=st.floats(3_000.0, 400_000.0).map(lambda usd: round(usd, 1)),
    nav_loss_bps=st.integers(1, 100),
    loss_bps=st.integers(1, 100),
    iv_spread=st.floats(0.0, 0.05).map(lambda vol: round(vol, 4)),
)
@example(
    quantity=173.9,
    sizes=(-13.869, -19.418),
    equities=(122_927.7, 146_534.9),
    premiums=(0.00175, 0.00126),
    notional=367_970.8,
    nav_loss_bps=66,
    loss_bps=100,
    iv_spread=0.0,
)
def test_plan__any_snapshot__is_accepted_by_the_guards_mirror(
    quantity, sizes, equities, premiums, notional, nav_loss_bps, loss_bps, iv_spread
):
    states = [
        VenueState(size, equity, mark_usd=round(SPOT_USD * (1.0 + premium), 2), fee_ratio=0.0005 + 0.0003 * index)
        for index, (size, equity, premium) in enumerate(zip(sizes, equities, premiums, strict=True))
    ]
    bounds = replace(BOUNDS, max_notional=wad(notional), max_nav_loss_bps=nav_loss_bps, loss_capacity_bps=loss_bps)
    book = short_calls(quantity, iv_spread=iv_spread)
    snapshot = snapshot_of(book, *states, bounds=bounds, deviation_bps=20)
    try:
        plan, fills = plan_and_fills(snapshot, book)
    except RejectedError:
        return
    if not plan.trades:
        return
    after = predict(snapshot, (), fills)
    evaluate(bounds, USAGE, snapshot.measurement, fills, after, snapshot.block.timestamp)
    lost_usd = from_wad(snapshot.measurement.nav - after.nav)
    assert lost_usd <= plan.costs.fee_usd + plan.costs.impact_usd + 1e-6


def test_plan__book_far_outside_the_band__trades_and_leaves_a_smaller_worst_case():
    book = short_calls(100.0)
    snapshot = snapshot_of(book, VenueState(equity_usd=100_000.0), VenueState(equity_usd=100_000.0))
    plan, fills = plan_and_fills(snapshot, book)
    after = predict(snapshot, (), fills)
    assert sum(trade.size for trade in plan.trades) > 40.0
    assert worst_net_delta(after) < worst_net_delta(snapshot.measurement)


def test_guard_limits__snapshot__says_what_the_chain_holds():
    snapshot = snapshot_of(short_calls(10.0), VenueState(3.0, 50_000.0), VenueState(-1.0, 70_000.0), deviation_bps=50)
    spent = usage_of(turnover_used=wad(876_544), loss_used=wad("0.029"), updated_at=NOW)
    tight = replace(BOUNDS, max_gross_notional=wad(700_000))
    found = guard_limits(replace(snapshot, usage=spent, bounds=tight))
    measured = snapshot.measurement
    assert found.net_delta_low == pytest.approx(from_wad(measured.book_delta_low) + 2.0)
    assert found.net_delta_high == pytest.approx(from_wad(measured.book_delta_high) + 2.0)
    assert (found.band, found.min_improvement, found.max_size) == (2.0, 0.5, 100.0)
    assert (found.max_notional_usd, found.turnover_usd, found.max_leverage) == (400_000.0, 123_456.0, 2.0)
    assert found.nav_usd == from_wad(measured.firm_nav) == pytest.approx(620_060.0)
    assert found.max_nav_loss_usd == pytest.approx(6_200.6)
    assert (found.max_gross_notional_usd, found.loss_left_usd) == (700_000.0, pytest.approx(620.06))
    assert found.lag_ratio == pytest.approx(0.005)


def test_venue_limits__snapshot__adds_each_venues_share_of_what_may_be_deposited():
    snapshot = snapshot_of(short_calls(10.0), VenueState(3.0, 50_000.0), VenueState(-1.0, 70_000.0))
    first, second = venue_limits(snapshot, 10_000.0, SAFE, 0.5)
    assert (first.name, first.equity_usd, second.equity_usd) == ("venue 0", 55_000.0, 75_000.0)
    assert (second.max_leverage, second.failures_per_year, second.loss_given_failure_ratio) == (5.0, 0.02, 0.5)


def test_venue_limits__venue_whose_safety_is_not_said__is_refused():
    snapshot = snapshot_of(short_calls(10.0), VenueState(), VenueState())
    with pytest.raises(DataError, match="failures_per_year of venue 1 is missing"):
        venue_limits(snapshot, 0.0, {"venue 0": 0.0}, 1.0)
