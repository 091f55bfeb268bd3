"""From a size to legs."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from agent.costs.quotes import fill_at, ladder_of, ladders_of, worst_quoted_price
from agent.domain import QuotePoint
from agent.errors import DataError
from agent.guard import fill_notional, leverage, limit_price
from agent.routing import LEG_SIZE, RouteCosts, Router, plan_route, size_cap
from agent.units import Wad
from tests.support.decision_builders import (
    BOUNDS,
    MARGIN,
    NOW,
    ROUTING,
    SPOT_USD,
    VENUE_ADDRESSES,
    VenueState,
    short_calls,
    snapshot_of,
    usage_of,
    wad,
    with_bounds,
)

BOOK = short_calls()
FUNDED = VenueState(size=10, equity_usd=15_000, free_collateral_usd=12_000)


def usd(assets):
    return assets / 10**6


# --- the cap ------------------------------------------------------------------------------------------------------


def test_size_cap__nothing_tight__is_the_guards_size():
    cap = size_cap(
        with_bounds(
            snapshot_of(BOOK), max_notional=wad(10**9), max_slippage_bps=200, turnover_refill_per_day=wad(10**9)
        ),
        True,
        ROUTING,
    )
    assert cap.size == wad(100)
    assert cap.reason == LEG_SIZE


@pytest.mark.parametrize("is_buy", [True, False])
def test_size_cap__price_limit__ends_where_quotes_reach_it(is_buy):
    exact = replace(ROUTING, limit_tolerance_bps=0)
    snapshot = with_bounds(snapshot_of(BOOK), max_slippage_bps=60)
    size = size_cap(snapshot, is_buy, exact).size
    ladder = ladder_of(snapshot.venues[0], is_buy)
    limit = limit_price(snapshot.measurement.price, 1 if is_buy else -1, 60)
    price = fill_at(ladder, 0, size).execution_price
    assert abs(price - limit) <= 10**6
    assert price <= limit if is_buy else price >= limit
    assert size == pytest.approx(wad(40), rel=1e-6)


@pytest.mark.parametrize(("slippage_bps", "planned_bps"), [(60, 50), (12, 6)])
def test_size_cap__price_limit__keeps_the_tolerance_or_half_of_a_tight_limit(slippage_bps, planned_bps):
    snapshot = with_bounds(snapshot_of(BOOK), max_slippage_bps=slippage_bps)
    size = size_cap(snapshot, True, ROUTING).size
    price = fill_at(ladder_of(snapshot.venues[0], True), 0, size).execution_price
    assert price == pytest.approx(limit_price(snapshot.measurement.price, 1, planned_bps), rel=1e-15)


@pytest.mark.parametrize("is_buy", [True, False])
def test_size_cap__notional__no_capped_fill_exceeds_it(is_buy):
    snapshot = with_bounds(snapshot_of(BOOK, VenueState(mark_usd=3_010.0)), max_notional=wad("3333.33"))
    cap = size_cap(snapshot, is_buy, ROUTING)
    fill = fill_at(ladder_of(snapshot.venues[0], is_buy), 0, cap.size)
    assert fill_notional(fill.size_delta, fill.execution_price) <= wad("3333.33")
    assert cap.size > wad("1.09")
    assert "notional" in cap.reason


def test_size_cap__notional_over_two_venues__leaves_room_for_rounding_of_both_fills():
    snapshot = snapshot_of(BOOK, VenueState(), VenueState())
    odd = QuotePoint(Wad(-(10**16 + 7)), Wad(wad(3000) + 13), wad("0.03"))
    snapshot = replace(snapshot, venues=tuple(replace(venue, quotes=(odd,)) for venue in snapshot.venues))
    for step in range(20):
        tight = with_bounds(snapshot, max_notional=wad(45) + step)
        fills = plan_route(tight, -size_cap(tight, False, ROUTING).size, ROUTING).fills
        assert len(fills) == 2
        notional = sum(fill_notional(fill.size_delta, fill.execution_price) for fill in fills)
        assert wad("44.99") < notional <= wad(45) + step


def test_size_cap__turnover_left__counts_the_refill_so_far():
    used = usage_of(turnover_used=wad(997_000), updated_at=NOW)
    assert size_cap(snapshot_of(BOOK, usage=used), True, ROUTING).size < wad(1)
    refilled = usage_of(turnover_used=wad(997_000), updated_at=NOW - 864)
    cap = size_cap(snapshot_of(BOOK, usage=refilled), True, ROUTING)
    assert cap.size == pytest.approx(wad(13_000) / (SPOT_USD * 1.014), rel=1e-9)
    assert "turnover" in cap.reason


def test_size_cap__no_quotes__is_nothing():
    assert size_cap(snapshot_of(BOOK, VenueState(max_quote=0.0)), True, ROUTING).size == 0


# --- the split ----------------------------------------------------------------------------------------------------


def test_plan_route__one_cheap_venue__takes_it_all():
    route = plan_route(snapshot_of(BOOK, FUNDED, replace(FUNDED, fee_ratio=0.004)), wad(1), ROUTING)
    assert [(fill.venue_index, fill.size_delta) for fill in route.fills] == [(0, wad(1))]
    assert [leg.venue for leg in route.legs] == [VENUE_ADDRESSES[0]]


@pytest.mark.parametrize("sign", [1, -1])
def test_plan_route__two_like_venues__split_a_large_trade_and_pay_less(sign):
    snapshot = snapshot_of(BOOK, FUNDED, FUNDED)
    route = plan_route(snapshot, sign * wad(50), ROUTING)
    assert [fill.size_delta for fill in route.fills] == [sign * wad(25), sign * wad(25)]
    alone = fill_at(ladder_of(snapshot.venues[0], sign > 0), 0, wad(50))
    paid = sum(fill.size_delta * fill.execution_price for fill in route.fills)
    assert paid < alone.size_delta * alone.execution_price


def test_plan_route__venue_at_its_price_limit__rest_goes_to_the_next():
    near = replace(FUNDED, mark_usd=3_040.0, fee_ratio=0.0)
    snapshot = snapshot_of(BOOK, near, FUNDED)
    route = plan_route(snapshot, wad(60), ROUTING)
    sizes = {fill.venue_index: fill.size_delta for fill in route.fills}
    assert sum(sizes.values()) == wad(60)
    limit = limit_price(snapshot.measurement.price, 1, BOUNDS.max_slippage_bps)
    assert all(fill.execution_price <= limit for fill in route.fills)


def test_plan_route__beyond_what_venues_take__is_refused():
    with pytest.raises(DataError, match="size_cap"):
        plan_route(snapshot_of(BOOK), wad(101), ROUTING)


# --- the limit price ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", [1, -1])
def test_plan_route__limit_price__is_the_worst_quote_plus_tolerance(sign):
    snapshot = snapshot_of(BOOK, FUNDED)
    leg = plan_route(snapshot, sign * wad(3), ROUTING).legs[0]
    quoted = worst_quoted_price(ladder_of(snapshot.venues[0], sign > 0), wad(3))
    assert leg.limit_price == limit_price(quoted, sign, ROUTING.limit_tolerance_bps)
    assert leg.limit_price > quoted if sign > 0 else leg.limit_price < quoted


@pytest.mark.parametrize("sign", [1, -1])
def test_plan_route__limit_price__is_never_looser_than_the_guards(sign):
    snapshot = snapshot_of(BOOK, FUNDED)
    loose = replace(ROUTING, limit_tolerance_bps=500)
    leg = plan_route(snapshot, sign * wad(3), loose).legs[0]
    assert leg.limit_price == limit_price(snapshot.measurement.price, sign, BOUNDS.max_slippage_bps)


# --- margin -------------------------------------------------------------------------------------------------------


def test_plan_route__first_trade__deposits_to_the_target_after_costs():
    route = plan_route(snapshot_of(BOOK), wad(50), ROUTING)
    venue = route.after.venues[0]
    assert leverage(venue.notional, venue.equity_low) == pytest.approx(wad(2), rel=1e-9)
    assert leverage(venue.notional, venue.equity_low) <= wad(2)
    assert route.legs[0].size_delta == wad(50)


def test_plan_route__leverage_between_watermarks__moves_no_margin():
    route = plan_route(snapshot_of(BOOK, FUNDED), wad(1), ROUTING)
    assert route.legs[0].margin_delta == 0


def test_plan_route__position_closed__withdraws_what_is_free():
    route = plan_route(snapshot_of(BOOK, FUNDED), wad(-10), ROUTING)
    lost = wad(15_000) - (route.after.venues[0].equity_low - route.legs[0].margin_delta * 10**12)
    assert usd(-route.legs[0].margin_delta) == pytest.approx(12_000 - lost / 1e18, abs=1e-5)


def test_plan_route__trade_adds_notional__counts_it_as_tied_up():
    rich = VenueState(size=1, equity_usd=30_000, free_collateral_usd=10_000)
    route = plan_route(snapshot_of(BOOK, rich), wad(2), ROUTING)
    assert 3_980 < usd(-route.legs[0].margin_delta) < 4_000


def test_plan_route__idle_spent_on_the_first_venue__second_gets_what_is_left():
    snapshot = snapshot_of(BOOK, VenueState(), VenueState(), idle_usd=50_000)
    route = plan_route(snapshot, wad(50), ROUTING)
    first, second = (usd(leg.margin_delta) for leg in route.legs)
    assert first == pytest.approx(37_800, rel=0.01)
    assert first + second == pytest.approx(50_000)


def test_plan_route__margin_alone__tops_up_a_venue_above_the_high_watermark():
    strained = VenueState(size=10, equity_usd=9_000)
    route = plan_route(snapshot_of(BOOK, strained), 0, ROUTING)
    assert [(leg.size_delta, leg.limit_price) for leg in route.legs] == [(0, 0)]
    assert usd(route.legs[0].margin_delta) == 6_000
    assert route.fills == ()


def test_plan_route__margin_alone__leaves_a_rich_venue_while_the_reserve_is_whole():
    rich = VenueState(size=1, equity_usd=30_000, free_collateral_usd=25_000)
    assert plan_route(snapshot_of(BOOK, rich), 0, ROUTING).legs == ()


def test_plan_route__margin_alone__mends_the_reserve_from_a_rich_venue():
    rich = VenueState(size=1, equity_usd=30_000, free_collateral_usd=25_000)
    route = plan_route(snapshot_of(BOOK, rich, idle_usd=1_000), 0, ROUTING)
    assert usd(route.legs[0].margin_delta) == pytest.approx(-2_100)


def test_plan_route__dust__is_not_moved():
    strained = VenueState(size=10, equity_usd=9_999)
    dusty = replace(ROUTING, margin=replace(MARGIN, min_margin_delta=6_000 * 10**6))
    assert plan_route(snapshot_of(BOOK, strained), 0, dusty).legs == ()
    assert len(plan_route(snapshot_of(BOOK, strained), 0, ROUTING).legs) == 1


def test_plan_route__untouched_venue_above_high__gets_its_own_leg():
    strained = VenueState(size=-10, equity_usd=9_000, fee_ratio=0.01)
    route = plan_route(snapshot_of(BOOK, FUNDED, strained), wad(1), ROUTING)
    assert [(leg.venue, leg.size_delta) for leg in route.legs] == [
        (VENUE_ADDRESSES[0], wad(1)),
        (VENUE_ADDRESSES[1], 0),
    ]


@pytest.mark.parametrize("bad", [-1, 10_000])
def test_routing_settings__tolerance_out_of_domain__is_refused(bad):
    with pytest.raises(DataError, match="limit_tolerance_bps"):
        replace(ROUTING, limit_tolerance_bps=bad)


# --- what quotes do not say ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("rate", [0.002, -0.002])
def test_plan_route__funding__goes_where_the_position_earns_it(sign, rate):
    snapshot = snapshot_of(BOOK, replace(FUNDED, funding_per_day=rate), FUNDED)
    plain = plan_route(snapshot, sign * wad(50), ROUTING)
    assert plain.fills[0].size_delta == plain.fills[1].size_delta
    carried = plan_route(snapshot, sign * wad(50), ROUTING, RouteCosts(funding_horizon_days=0.5))
    first, second = (abs(fill.size_delta) for fill in carried.fills)
    assert (first > second) == (sign * rate < 0)
    assert first + second == wad(50)


def test_plan_route__funding_over_a_longer_horizon__moves_more():
    snapshot = snapshot_of(BOOK, replace(FUNDED, funding_per_day=0.002), FUNDED)
    sizes = [
        sum(
            fill.size_delta
            for fill in plan_route(snapshot, wad(30), ROUTING, RouteCosts(funding_horizon_days=days)).fills
            if fill.venue_index == 0
        )
        for days in (0.0, 0.1, 0.5, 5.0)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 0


@pytest.mark.parametrize(("leg_gas_usd", "legs"), [(0.0, 2), (50.0, 2), (70.0, 1), (1e6, 1)])
def test_plan_route__gas_of_a_leg__must_be_earned_by_the_split(leg_gas_usd, legs):
    """Two like venues of depth D save q^2 P^2 / (2 D) on a trade of q."""
    snapshot = snapshot_of(BOOK, replace(FUNDED, depth_usd=2e8), replace(FUNDED, depth_usd=2e8))
    saved_usd = 50.0**2 * SPOT_USD**2 / (2.0 * 2e8)
    assert 50.0 < saved_usd < 70.0
    route = plan_route(snapshot, wad(50), ROUTING, RouteCosts(leg_gas_usd=leg_gas_usd))
    assert len(route.fills) == legs
    assert sum(fill.size_delta for fill in route.fills) == wad(50)


def test_plan_route__dear_gas_but_no_venue_takes_it_all__keeps_the_legs_it_needs():
    small = replace(FUNDED, max_quote=25.0)
    route = plan_route(snapshot_of(BOOK, small, small), wad(50), ROUTING, RouteCosts(leg_gas_usd=1e6))
    assert [fill.size_delta for fill in route.fills] == [wad(25), wad(25)]


def test_plan_route__pending_orders__use_up_liquidity_and_capacity():
    snapshot = snapshot_of(BOOK, FUNDED, FUNDED)
    first = snapshot.measurement.venues[0]
    waiting = replace(first, size_high=Wad(first.size_high + wad(30)))
    pending = replace(
        snapshot, measurement=replace(snapshot.measurement, venues=(waiting, snapshot.measurement.venues[1]))
    )
    sizes = {fill.venue_index: fill.size_delta for fill in plan_route(pending, wad(50), ROUTING).fills}
    assert sizes[0] == pytest.approx(wad(10), rel=0.05)
    sales = {fill.venue_index: fill.size_delta for fill in plan_route(pending, -wad(50), ROUTING).fills}
    assert sales == {0: -wad(25), 1: -wad(25)}
    alone = snapshot_of(BOOK, replace(FUNDED, max_quote=25.0))
    waiting = replace(alone.measurement.venues[0], size_high=Wad(wad(30)))
    full = replace(alone, measurement=replace(alone.measurement, venues=(waiting,)))
    assert size_cap(full, True, ROUTING).size == wad(5)


def test_size_cap__pending_order_and_price_limit__no_size_whose_price_breaks_it():
    """A mean price that grows linearly reaches the limit 2 p sooner where p is pending."""
    limited = with_bounds(snapshot_of(BOOK, FUNDED), max_slippage_bps=60)
    free = size_cap(limited, True, ROUTING).size
    measured = limited.measurement.venues[0]
    waiting = replace(measured, size_high=Wad(measured.size_high + wad(10)))
    pending = replace(limited, measurement=replace(limited.measurement, venues=(waiting,)))
    cap = size_cap(pending, True, ROUTING).size
    assert cap == pytest.approx(free - wad(20), rel=1e-6)
    leg = plan_route(pending, cap, ROUTING).legs[0]
    assert leg.limit_price <= limit_price(limited.measurement.price, 1, 60)


@pytest.mark.parametrize(("rates", "kept"), [((0.001, 0.0), 1), ((0.0, 0.001), 0)])
def test_plan_route__one_leg_is_all_that_gas_allows__keeps_venue_with_better_funding(rates, kept):
    snapshot = snapshot_of(BOOK, *(replace(FUNDED, depth_usd=1e9, funding_per_day=rate) for rate in rates))
    route = plan_route(snapshot, wad(50), ROUTING, RouteCosts(funding_horizon_days=0.002, leg_gas_usd=1e4))
    assert [fill.venue_index for fill in route.fills] == [kept]


@pytest.mark.parametrize("field", ["funding_horizon_days", "leg_gas_usd"])
@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_route_costs__out_of_domain__are_refused_by_name(field, bad):
    with pytest.raises(DataError, match=f"{field} is"):
        RouteCosts(**{field: bad})


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("leg_gas_usd", [0.0, 250.0])
def test_router__impact__is_the_slope_of_the_quotes_without_the_gas_of_a_plain_trade(sign, leg_gas_usd):
    """Price P (1 + q P / D) and a fee f on notional: f P + (1 + sign f) P^2 / D q a unit, fees interpolated."""
    snapshot = snapshot_of(BOOK, FUNDED)
    ladders = ladders_of(snapshot.venues, sign > 0)
    router = Router.of(snapshot, sign > 0, ROUTING, RouteCosts(leg_gas_usd=leg_gas_usd), ladders)
    found = router.impact(wad(30))
    assert found.temporary_usd_per_unit == pytest.approx((1.0 + sign * 0.001) * SPOT_USD**2 / 2e7, rel=1e-3)
    assert found.spread_usd == pytest.approx(0.001 * SPOT_USD, rel=1e-2)
