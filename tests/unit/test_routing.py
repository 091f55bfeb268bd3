"""From a size to legs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from decision_builders import (
    BOUNDS,
    BUDGET,
    MARGIN,
    NOW,
    ROUTING,
    SPOT_USD,
    VENUE_ADDRESSES,
    VenueState,
    short_calls,
    snapshot_of,
    wad,
    with_bounds,
)

from agent.domain import QuotePoint
from agent.errors import DataError
from agent.guard import fill_notional, leverage, limit_price
from agent.risk.quotes import fill_at, ladder_of, worst_quoted_price
from agent.routing import plan_route, size_cap
from agent.units import Wad

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
    assert "size and price" in cap.reason


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


def test_size_cap__notional_over_two_venues__leaves_room_for_the_rounding_of_both_fills():
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
    budget = replace(BUDGET, turnover_available=wad(3_000), updated_at=NOW)
    assert size_cap(snapshot_of(BOOK, budget=budget), True, ROUTING).size < wad(1)
    refilled = replace(budget, updated_at=NOW - 864)
    cap = size_cap(snapshot_of(BOOK, budget=refilled), True, ROUTING)
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
