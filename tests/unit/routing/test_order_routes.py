"""Routes over venues that fill later: what the guard is shown of them, and what they may not be asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.costs.quotes import ladders_of
from agent.domain import OrderGas, OrderTerms
from agent.errors import RejectedError
from agent.guard import fee_limit, judged_notional
from agent.order_ends import order_at_worst
from agent.routing import RouteCosts, Router, plan_margin, plan_route
from agent.routing.top_up import plan_cut, plan_top_up
from agent.units import AssetUnits, Wad, from_asset_units, from_wad
from tests.support.decision_builders import (
    BOUNDS,
    MARGIN,
    ROUTING,
    SPOT_USD,
    VENUE_ADDRESSES,
    VenueState,
    short_calls,
    snapshot_of,
    wad,
    with_bounds,
)

BOOK = short_calls()
TERMS = OrderTerms(fee_rate=wad("0.0006"), fixed_fee=wad(4), sale_rise=wad("0.02"), size_step=Wad(1))
LATER = VenueState(fee_ratio=0.0006, order_terms=TERMS)
AT_ONCE = VenueState(fee_ratio=0.0008)


def least_notional_usd(max_fee_bps: int) -> float:
    """Where the fixed part and the rate together are just the highest fee allowed, for a purchase at its limit."""
    return 4.0 / (max_fee_bps / 1e4 - 0.0006)


# --- what the guard is shown --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, -2])
def test_order_at_worst__either_side__costs_rate_and_fixed_part(size):
    limit = wad(3_010) if size > 0 else wad(2_990)
    order = order_at_worst(0, wad(size), limit, wad(3_000), TERMS)
    price = 3_010 if size > 0 else 3_060  # a sale may fill 2 % above the quote
    assert order.fee == wad(f"{2 * price * 0.0006 + 4:.6f}")
    assert (order.size_delta, order.execution_price, order.is_pending) == (wad(size), limit, True)


def test_order_at_worst__sale_with_a_limit_above_its_rise__is_charged_on_it():
    order = order_at_worst(0, wad(-1), wad(3_100), wad(3_000), TERMS)
    assert order.fee == wad("5.86")


def test_order_at_worst__odd_amounts__round_against_the_vault():
    terms = OrderTerms(fee_rate=Wad(1), fixed_fee=Wad(0), sale_rise=Wad(0), size_step=Wad(1))
    assert order_at_worst(0, Wad(1), Wad(1), Wad(1), terms).fee == 1


# The venue keeps no more than whole lots of what it is asked for, and the guard wants to see all of that pending.
@pytest.mark.parametrize(("size", "whole"), [("20.00007", "20"), ("-20.00007", "-20"), ("0.00019", "0.0001")])
def test_route__venue_trades_in_lots__asks_for_whole_ones(size, whole):
    lots = replace(LATER, order_terms=replace(TERMS, size_step=wad("0.0001")))
    route = plan_route(snapshot_of(BOOK, lots), wad(size), ROUTING)
    assert [leg.size_delta for leg in route.legs] == [wad(whole)]
    assert [fill.size_delta for fill in route.fills] == [wad(whole)]


@pytest.mark.parametrize(
    ("held", "size", "opened"), [(10, 20, 20), (0, -20, 20), (-5, 20, 15), (-5, 5, 0), (-30, 20, 0), (30, -20, 0)]
)
def test_route__cash_alone_opens__is_brought_for_what_opens(held, size, opened):
    """With 2,000,000 USD of equity, all of it in the position, an order was refused for want of cash for ever."""
    cash_poor = replace(LATER, size=float(held), equity_usd=2_000_000.0)
    snapshot = snapshot_of(BOOK, cash_poor)
    assert all(leg.margin_delta <= 0 for leg in plan_route(snapshot, wad(size), ROUTING).legs)
    [venue] = snapshot.venues
    (leg,) = plan_route(replace(snapshot, venues=(replace(venue, opens_from_cash=True),)), wad(size), ROUTING).legs
    needed_usd = opened * SPOT_USD / from_wad(MARGIN.target_leverage)
    assert from_asset_units(leg.margin_delta, 6) == pytest.approx(needed_usd, rel=0.01)


def test_route__less_than_a_lot__trades_nothing():
    lots = replace(LATER, order_terms=replace(TERMS, size_step=wad("0.0001")))
    route = plan_route(snapshot_of(BOOK, lots), wad("0.00009"), ROUTING)
    assert (route.fills, [leg for leg in route.legs if leg.size_delta]) == ((), [])


def test_route__venue_that_fills_later__guard_sees_it_pending_at_its_limit():
    snapshot = snapshot_of(BOOK, LATER)
    route = plan_route(snapshot, wad(20), ROUTING)
    (leg,), (fill,) = route.legs, route.fills
    assert route.shown is not None
    (shown,) = route.shown.fills
    assert shown.is_pending
    assert shown.execution_price == leg.limit_price > fill.execution_price
    assert shown.fee > fill.fee + TERMS.fixed_fee
    before, pending, filled = snapshot.measurement.venues[0], route.shown.after.venues[0], route.after.venues[0]
    assert (pending.size_low, pending.size_high) == (before.size_low, before.size_low + wad(20))
    assert filled.size_low == filled.size_high == pending.size_high
    assert route.shown.after.nav == snapshot.measurement.nav > route.after.nav
    assert pending.equity_low < filled.equity_low


def test_route__venue_that_fills_at_once__shows_the_fill_itself():
    assert plan_route(snapshot_of(BOOK, AT_ONCE), wad(20), ROUTING).shown is None


def test_judge__order_below_its_least_notional__is_refused_for_its_fixed_fee():
    snapshot, at_once = snapshot_of(BOOK, LATER), snapshot_of(BOOK, AT_ONCE)
    with pytest.raises(RejectedError, match="FeeExceeded"):
        plan_route(snapshot, wad(1), ROUTING).judge(snapshot)
    plan_route(at_once, wad(1), ROUTING).judge(at_once)


def test_judge__loss_budget_between_fill_and_worst_case__is_refused():
    """20 ETH fill for some 50 USD of fee and impact; the guard counts 10 bps of limit more."""
    snapshot = snapshot_of(BOOK, LATER)
    route = plan_route(snapshot, wad(20), ROUTING)
    counted = route.shown.fills[0].fee + 20 * (route.legs[0].limit_price - snapshot.measurement.price)
    expected = snapshot.measurement.nav - route.after.nav
    budget_bps = int((counted + expected) / 2 * 10_000 // snapshot.measurement.nav)
    assert expected < snapshot.measurement.nav * budget_bps // 10_000 < counted
    short = with_bounds(snapshot, loss_capacity_bps=budget_bps)
    with pytest.raises(RejectedError, match="LossBudgetExceeded"):
        route.judge(short)


# --- where a trade goes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share_of_least", [0.5, 0.9])
def test_route__share_too_small_for_the_fixed_fee__goes_to_the_venue_at_once(share_of_least):
    size = wad(f"{share_of_least * least_notional_usd(15) / SPOT_USD:.6f}")
    route = plan_route(snapshot_of(BOOK, LATER, AT_ONCE), size, ROUTING)
    assert [leg.venue for leg in route.legs] == [VENUE_ADDRESSES[1]]


def test_route__split_over_both__no_order_is_dearer_than_the_guard_admits():
    snapshot = snapshot_of(BOOK, replace(LATER, depth_usd=4e6), replace(AT_ONCE, depth_usd=4e6))
    for size in (3, 6, 12, 30):
        route = plan_route(snapshot, wad(size), ROUTING)
        fills = route.fills if route.shown is None else route.shown.fills
        for fill in fills:
            limit = fee_limit(BOUNDS, judged_notional(fill, snapshot.measurement.price))
            assert not fill.is_pending or fill.fee <= limit
        route.judge(snapshot)


def test_route__fixed_fee_and_a_second_leg__have_to_be_earned_by_the_split():
    """Both venues are alike but for the rate: 10 ETH save 2 bps, 6 USD, at the one that takes 4 USD beside."""
    venues = (replace(LATER, depth_usd=1e12), replace(AT_ONCE, depth_usd=1e12))
    saved = plan_route(snapshot_of(BOOK, *venues), wad(10), ROUTING, RouteCosts(0.0, 1.0))
    assert [leg.venue for leg in saved.legs] == [VENUE_ADDRESSES[0]]
    dearer = (replace(venues[0], order_terms=replace(TERMS, fixed_fee=wad(7))), venues[1])
    kept = plan_route(snapshot_of(BOOK, *dearer), wad(10), ROUTING, RouteCosts(0.0, 1.0))
    assert [leg.venue for leg in kept.legs] == [VENUE_ADDRESSES[1]]


@pytest.mark.parametrize(("held", "usd_a_gas", "venue"), [(0, 1e-6, 0), (0, 2e-6, 1), (-5, 1e-6, 1), (-10, 1e-6, 0)])
def test_route__execution_paid_by_gas__has_to_be_earned_and_not_the_most_it_may_cost(held, usd_a_gas, venue):
    """10 ETH save 2 bps, 6 USD, at the venue whose orders take 5 million gas, 6 to close, and 12 to go past 0."""
    gas = OrderGas(5 * 10**6, 6 * 10**6, 12 * 10**6)
    terms = replace(TERMS, fixed_fee=wad(7))
    later = replace(LATER, depth_usd=1e12, size=held, order_terms=terms, order_gas=gas, equity_usd=20_000.0)
    if held == -10:
        later = replace(later, fee_ratio=0.0005)
    venues = later, replace(AT_ONCE, depth_usd=1e12)
    snapshot = with_bounds(snapshot_of(BOOK, *venues), max_fee_bps=30)
    router = Router.of(
        snapshot, True, ROUTING, RouteCosts(gas_unit_usd=usd_a_gas), ladders_of(snapshot.venues, is_buy=True)
    )
    router = replace(router, closing=None)
    assert [leg.venue for leg in router.route(wad(10)).legs if leg.size_delta] == [VENUE_ADDRESSES[venue]]


# --- margin -------------------------------------------------------------------------------------------------------


def idle_margin(snapshot):
    """The same snapshot with far more margin on its first venue than it needs."""
    venue = replace(snapshot.venues[0], free_collateral=AssetUnits(60_000 * 10**6))
    return replace(snapshot, venues=(venue, *snapshot.venues[1:]))


@pytest.mark.parametrize(("state", "comes_home"), [(LATER, False), (AT_ONCE, True)])
def test_route__margin_beyond_need__comes_home_beside_a_trade_but_no_order(state, comes_home):
    rich = replace(state, size=10.0, equity_usd=100_000.0)
    route = plan_route(idle_margin(snapshot_of(BOOK, rich)), wad(-2), ROUTING)
    assert (route.legs[0].margin_delta < 0) is comes_home


def with_open_order(snapshot, size=5):
    """The same snapshot with a purchase open on its first venue."""
    measured = snapshot.measurement.venues[0]
    venue = replace(measured, size_high=Wad(measured.size_high + wad(size)))
    others = snapshot.measurement.venues[1:]
    return replace(snapshot, measurement=replace(snapshot.measurement, venues=(venue, *others)))


def test_route__order_open__goes_elsewhere_however_dear_that_is():
    snapshot = with_open_order(snapshot_of(BOOK, LATER, replace(AT_ONCE, fee_ratio=0.0014)))
    assert [leg.venue for leg in plan_route(snapshot, wad(3), ROUTING).legs] == [VENUE_ADDRESSES[1]]


def test_margin__order_open_on_a_strained_account__none_moves_there():
    strained = snapshot_of(BOOK, replace(LATER, size=10.0, equity_usd=9_000.0))
    assert plan_margin(strained, ROUTING).legs
    assert plan_top_up(strained, ROUTING).legs
    assert not plan_margin(with_open_order(strained), ROUTING).legs
    assert not plan_top_up(with_open_order(strained), ROUTING).legs


def test_cut__on_a_venue_that_fills_later__is_shown_as_the_order_that_it_is():
    snapshot = snapshot_of(BOOK, replace(LATER, size=30.0, equity_usd=15_000.0))
    route = plan_cut(snapshot, plan_top_up(snapshot, ROUTING), 0, wad(8), ROUTING)
    assert route.shown is not None
    assert route.shown.fills[0].execution_price == route.legs[0].limit_price
    assert route.shown.after.venues[0].size_high == wad(30)
    assert route.after.venues[0].size_high == wad(22)


# --- closing before opening ---------------------------------------------------------------------------------------


def test_route__positions_can_give_up_the_size__no_opposite_one_is_opened():
    """The second venue sells for less, and the first holds what is to be sold."""
    long, cheaper = replace(AT_ONCE, size=20.0, equity_usd=60_000.0), replace(AT_ONCE, fee_ratio=0.0)
    snapshot = snapshot_of(BOOK, long, cheaper)
    closed = plan_route(snapshot, wad(-15), ROUTING)
    assert [(fill.venue_index, fill.size_delta) for fill in closed.fills] == [(0, wad(-15))]


@pytest.mark.parametrize("sold", [20.000001, 25, 45])
@pytest.mark.parametrize("costs", [RouteCosts(), RouteCosts(leg_gas_usd=40.0)])
def test_route__more_than_positions_give_up__all_are_closed_first(sold, costs):
    """A wei beyond what the long can give up left 11 of it standing, beside a short of 11 at the cheaper venue."""
    long, cheaper = replace(AT_ONCE, size=20.0, equity_usd=60_000.0), replace(AT_ONCE, fee_ratio=0.0005)
    fills = plan_route(snapshot_of(BOOK, long, cheaper), wad(-sold), ROUTING, costs).fills
    assert fills[0].size_delta <= wad(-20)
    assert sum(fill.size_delta for fill in fills) == wad(-sold)


def test_route__little_more_than_positions_give_up__opens_no_leg_that_gas_eats():
    long, cheaper = replace(AT_ONCE, size=20.0, equity_usd=60_000.0), replace(AT_ONCE, fee_ratio=0.0005)
    fills = plan_route(snapshot_of(BOOK, long, cheaper), wad(-20.5), ROUTING, RouteCosts(leg_gas_usd=40.0)).fills
    assert [(fill.venue_index, fill.size_delta) for fill in fills] == [(0, wad(-20.5))]


def test_route__two_longs__the_cheaper_one_is_closed_first():
    costly = replace(AT_ONCE, size=20.0, equity_usd=60_000.0, depth_usd=1e12)
    cheap = replace(costly, fee_ratio=0.0002, size=5.0)
    fills = plan_route(snapshot_of(BOOK, costly, cheap), wad(-8), ROUTING).fills
    assert {fill.venue_index: fill.size_delta for fill in fills} == {0: wad(-3), 1: wad(-5)}
