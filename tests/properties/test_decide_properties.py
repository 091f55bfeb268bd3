"""What holds of every decision, whatever the book, the venues and the bounds."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from agent.decision.decide import decide
from agent.domain import Action, Book, HoldingLeg, OptionLeg, OptionType
from agent.guard import band_now, evaluate, leverage, limit_price, net_delta_interval, worst_net_delta
from agent.policy.fixed_threshold import FixedThreshold
from agent.policy.whalley_wilmott import WhalleyWilmott
from agent.prediction import predict
from agent.routing import SlicingParameters
from agent.routing.margin import idle_funds, watermarks
from agent.units import AssetUnits, Seconds, Wad
from tests.support.decision_builders import (
    BOUNDS,
    COSTS,
    MARGIN,
    NOW,
    ROUTING,
    SETTINGS,
    SPOT_USD,
    VenueState,
    snapshot_of,
    usage_of,
    wad,
)

MANY = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

ASSET_UNIT = 10**12
"""Smallest collateral step, WAD USD."""


def number(low, high):
    return st.floats(low, high, allow_nan=False, allow_infinity=False).map(lambda x: round(x, 6))


def whole_wad(low, high):
    return number(low, high).map(wad)


@st.composite
def option_legs(draw, index):
    iv = draw(number(0.2, 2.0))
    spread = draw(number(0.0, 0.15))
    return OptionLeg(
        draw(st.sampled_from(OptionType)),
        draw(number(1_500.0, 6_000.0)),
        Seconds(NOW + draw(st.integers(-10, 60 * 86_400))),
        draw(number(-60.0, 60.0)),
        iv,
        iv - spread,
        iv + spread,
        f"leg {index}",
    )


@st.composite
def books(draw):
    options = tuple(draw(option_legs(index)) for index in range(draw(st.integers(0, 3))))
    holdings = tuple(HoldingLeg(draw(number(-40.0, 40.0)), "held") for _ in range(draw(st.integers(0, 1))))
    return Book("ETH", (*options, *holdings))


@st.composite
def venue_states(draw):
    size = draw(number(-60.0, 60.0))
    ratio = draw(number(0.7, 6.0))
    equity = draw(st.sampled_from([abs(size) * SPOT_USD / ratio, 0.0, 5_000.0, -10.0]))
    return VenueState(
        size=size,
        equity_usd=round(equity, 6),
        free_collateral_usd=round(max(equity, 0.0) * draw(number(0.0, 1.0)), 6),
        mark_usd=draw(number(2_960.0, 3_040.0)),
        index_usd=draw(number(2_980.0, 3_020.0)),
        depth_usd=draw(number(5e6, 1e8)),
        fee_ratio=draw(number(0.0, 0.0016)),
        funding_per_day=draw(number(-0.01, 0.01)),
        cap_usd=draw(st.sampled_from([1e15, 1e15, 40_000.0])),
        is_closing=draw(st.sampled_from([False, False, False, True])),
    )


@st.composite
def guard_bounds(draw):
    return replace(
        BOUNDS,
        band=draw(whole_wad(0.05, 5.0)),
        min_improvement=draw(whole_wad(0.0, 2.0)),
        urgent_delta=draw(whole_wad(5.0, 20.0)),
        max_size_delta=draw(whole_wad(0.5, 150.0)),
        min_notional=draw(st.sampled_from([0, wad(500), wad(5_000)])),
        max_notional=draw(whole_wad(5_000.0, 500_000.0)),
        max_gross_notional=draw(whole_wad(10_000.0, 500_000.0)),
        max_venue_leverage=draw(whole_wad(0.5, 10.0)),
        max_leverage=draw(whole_wad(0.1, 5.0)),
        max_slippage_bps=draw(st.integers(5, 200)),
        max_nav_loss_bps=draw(st.integers(1, 200)),
        loss_capacity_bps=draw(st.integers(1, 300)),
        idle_floor_bps=draw(st.sampled_from([0, 500, 3_000])),
        urgent_reserve_bps=draw(st.sampled_from([0, 2_500])),
        keeper_share_bps=draw(st.sampled_from([10_000, 6_667])),
    )


@st.composite
def cases(draw):
    usage = usage_of(
        turnover_used=draw(whole_wad(0.0, 1_000_000.0)),
        loss_used=draw(whole_wad(0.0, 0.03)),
        updated_at=NOW - draw(st.integers(0, 7_200)),
        last_trade_at=draw(st.sampled_from([0, NOW - 30, NOW - 600, NOW - 86_400])),
    )
    book = draw(books())
    states = draw(st.lists(venue_states(), min_size=1, max_size=2))
    snapshot = snapshot_of(
        book,
        *states,
        idle_usd=draw(number(0.0, 600_000.0)),
        bounds=draw(guard_bounds()),
        usage=usage,
        deviation_bps=draw(st.sampled_from([0, 50])),
    )
    if draw(st.sampled_from([False, False, False, True])):
        snapshot = replace(snapshot, measurement=replace(snapshot.measurement, is_reduce_only=True))
    policy = draw(
        st.one_of(
            st.builds(WhalleyWilmott, number(0.001, 1.0), st.just(30.0), st.just(0.7)),
            st.builds(FixedThreshold, number(0.0, 4.0)),
        )
    )
    return snapshot, book, policy


def decided(case):
    snapshot, book, policy = case
    decision = decide(snapshot, book, policy, COSTS, SETTINGS)
    event(f"{decision.action.value}, trades: {bool(decision.expected_fills)}, error: {decision.guard_error}")
    return snapshot, decision, predict(snapshot, decision.legs, decision.expected_fills)


@MANY
@given(cases())
def test_decide__any_case__is_accepted_by_the_mirror_or_holds(case):
    snapshot, decision, after = decided(case)
    if decision.action is Action.HOLD:
        assert decision.legs == decision.expected_fills == ()
        return
    assert decision.legs
    assert decision.guard_error is None
    fills = decision.expected_fills
    evaluate(snapshot.bounds, snapshot.usage, snapshot.measurement, fills, after, snapshot.block.timestamp)


@MANY
@given(cases())
def test_decide__any_case__never_enlarges_the_worst_case(case):
    snapshot, _, after = decided(case)
    assert worst_net_delta(after) <= worst_net_delta(snapshot.measurement)


@MANY
@given(cases())
def test_decide__any_trade__lands_inside_the_chains_band_unless_a_bound_stops_it(case):
    snapshot, decision, after = decided(case)
    if not decision.expected_fills:
        return
    traded = sum(fill.size_delta for fill in decision.expected_fills) / 1e18
    is_whole = abs(decision.exposure.net_delta + traded - decision.target.target_net_delta) < 1e-9
    low, high = net_delta_interval(snapshot.measurement)
    fits = high - low < 2 * band_now(snapshot)
    if is_whole and fits:
        assert worst_net_delta(after) <= band_now(snapshot)
    if not is_whole:
        assert "limited by" in decision.reason or "reduced to avoid" in decision.reason


@MANY
@given(cases())
def test_decide__any_case__target_lies_in_the_band_and_trades_go_toward_it(case):
    _, decision, _ = decided(case)
    target = decision.target
    assert target.band_low <= target.target_net_delta <= target.band_high
    asked = case[2].target(decision.exposure, decision.costs)
    if "the chain's band" in decision.reason:
        assert target.target_net_delta != asked.target_net_delta
    elif "nothing is left of the book" in decision.reason:
        assert abs(target.target_net_delta) < 1e-9
    else:
        assert abs(target.target_net_delta - asked.target_net_delta) < 1e-9
        assert asked.band_low <= target.target_net_delta <= asked.band_high
    wanted = target.target_net_delta - decision.exposure.net_delta
    for fill in decision.expected_fills:
        assert fill.size_delta * wanted > 0
    assert abs(sum(fill.size_delta for fill in decision.expected_fills)) / 1e18 <= abs(wanted) + 1e-9


@MANY
@given(cases())
def test_decide__any_trade__limit_is_no_looser_than_the_guards_and_admits_the_quote(case):
    snapshot, decision, _ = decided(case)
    trading = [leg for leg in decision.legs if leg.size_delta != 0]
    for leg, fill in zip(trading, decision.expected_fills, strict=True):
        guard = limit_price(snapshot.measurement.price, leg.size_delta, snapshot.bounds.max_slippage_bps)
        assert leg.size_delta == fill.size_delta
        if leg.size_delta > 0:
            assert fill.execution_price <= leg.limit_price <= guard
        else:
            assert fill.execution_price >= leg.limit_price >= guard


@MANY
@given(cases())
def test_decide__any_margin_move__is_paid_from_idle_and_ends_between_the_watermarks(case):
    snapshot, decision, after = decided(case)
    limits = watermarks(MARGIN, snapshot.bounds.max_venue_leverage)
    floor_bps, decimals = snapshot.bounds.idle_floor_bps, snapshot.asset_decimals
    funds = idle_funds(MARGIN, snapshot.measurement, snapshot.idle_assets, floor_bps, decimals)
    deposits = sum(max(leg.margin_delta, 0) for leg in decision.legs)
    assert deposits <= funds.above_floor
    addresses = [venue.address for venue in snapshot.venues]
    inside, drawn_inside = (limits.target + 3 * limits.high) // 4, False
    for leg in decision.legs:
        venue, old = (measured.venues[addresses.index(leg.venue)] for measured in (after, snapshot.measurement))
        ratio = leverage(venue.notional, venue.equity_low)
        assert ratio <= max(snapshot.bounds.max_venue_leverage, leverage(old.notional, old.equity_low))
        if leg.margin_delta > 0:
            needed = venue.notional * 10**18 // limits.target
            assert venue.equity_low <= needed + ASSET_UNIT
            drawn_inside |= venue.equity_low * inside <= (venue.notional + 3 * ASSET_UNIT) * 10**18
        if leg.margin_delta < 0:
            assert ratio <= limits.target
            assert -leg.margin_delta <= snapshot.venues[addresses.index(leg.venue)].free_collateral
    if deposits > funds.spare:
        assert drawn_inside


@MANY
@given(cases(), st.floats(0.0, 5_000.0))
def test_decide__dearer_gas__never_narrows_the_policys_band(case, extra_usd):
    snapshot, book, policy = case
    cheap = decide(snapshot, book, policy, COSTS, SETTINGS)
    dear_inputs = replace(COSTS, data_fee_wei=int(extra_usd / COSTS.eth_price_usd * 1e18))
    dear = decide(snapshot, book, policy, dear_inputs, SETTINGS)
    assert dear.costs.gas_usd >= cheap.costs.gas_usd
    before, after = policy.target(cheap.exposure, cheap.costs), policy.target(dear.exposure, dear.costs)
    assert after.band_high >= before.band_high - 1e-12 * abs(before.band_high)


def test_decide__reserve__is_kept_while_leverage_allows():
    book = Book("ETH", (HoldingLeg(37.0, "held"),))
    snapshot = snapshot_of(book, VenueState(depth_usd=1e8), idle_usd=60_000.0)
    decision = decide(snapshot, book, FixedThreshold(0.5), COSTS, SETTINGS)
    idle_after = snapshot.idle_assets - sum(leg.margin_delta for leg in decision.legs)
    assert idle_after == AssetUnits(6_000 * 10**6)
    tight = replace(ROUTING, margin=replace(MARGIN, high_leverage=Wad(wad("2.05"))))
    drawn = decide(snapshot, book, FixedThreshold(0.5), COSTS, replace(SETTINGS, routing=tight))
    assert snapshot.idle_assets - sum(leg.margin_delta for leg in drawn.legs) < AssetUnits(6_000 * 10**6)


SLICED = replace(SETTINGS, slicing=SlicingParameters(600.0, 8, 0.7, 1e-5))


def traded(decision):
    return sum(fill.size_delta for fill in decision.expected_fills)


@MANY
@given(cases(), st.booleans())
def test_decide__any_case_with_slicing__trades_a_part_and_delays_no_forbidden_risk(case, is_wide):
    snapshot, book, policy = case
    if is_wide:
        bounds = replace(snapshot.bounds, band=wad(60), urgent_delta=wad(90), max_slippage_bps=200)
        snapshot = replace(snapshot, bounds=bounds, usage=usage_of(last_trade_at=0))
    whole = decide(snapshot, book, policy, COSTS, SETTINGS)
    sliced = decide(snapshot, book, policy, COSTS, SLICED)
    event(f"slice: {'slice 1' in sliced.reason}, waits: {'recover' in sliced.reason}")
    if sliced.urgent or worst_net_delta(snapshot.measurement) > band_now(snapshot):
        assert sliced == whole
    assert abs(traded(sliced)) <= abs(traded(whole)) or "reduced to avoid" in whole.reason
    assert traded(sliced) * traded(whole) >= 0
    if sliced.legs:
        after = predict(snapshot, sliced.legs, sliced.expected_fills)
        evaluate(
            snapshot.bounds,
            snapshot.usage,
            snapshot.measurement,
            sliced.expected_fills,
            after,
            snapshot.block.timestamp,
        )
