"""Slices of quotes, the limits' records, and perps out of venue snapshots."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.costs.quotes import fill_at, ladder_of
from agent.domain import QuotePoint, VenueSnapshot
from agent.errors import DataError
from agent.guard import limit_price
from agent.optimiser.factors import Factors
from agent.optimiser.instruments import tabulate
from agent.optimiser.perps import perp_instrument
from agent.units import Address, AssetUnits, from_wad
from tests.support.decision_builders import BOUNDS, VenueState, quotes_of, wad
from tests.support.optimiser_builders import SPOT_USD, limits, option, perp, steps, venue

# --- slices -------------------------------------------------------------------------------------------------------


def test_tabulate__flat_position__has_a_slice_a_step_and_side():
    table = tabulate([perp(), option()], math.inf)
    assert table.instrument.tolist() == [0] * 6 + [1, 1]
    assert table.sign.tolist() == [1.0] * 3 + [-1.0] * 3 + [1.0, -1.0]
    assert table.start.tolist() == [0.0, 20.0, 80.0, 0.0, 20.0, 80.0, 0.0, 0.0]
    assert not table.closes.any()


@pytest.mark.parametrize(("position", "side"), [(-30.0, 1.0), (30.0, -1.0)])
def test_tabulate__position_held__is_cut_where_it_passes_through_nothing(position, side):
    table = tabulate([perp(position=position)], math.inf)
    own = table.sign == side
    assert table.width[own].tolist() == [20.0, 10.0, 50.0, 200.0]
    assert table.closes[own].tolist() == [True, True, False, False]
    assert not table.closes[~own].any()


def test_tabulate__position_changes__add_up_to_the_positions_own():
    table = tabulate([perp(position=-30.0)], math.inf)
    buys = table.sign > 0.0
    assert table.width[buys] @ table.short_change[buys] == -30.0
    assert table.width[buys] @ table.long_change[buys] == 250.0


def test_tabulate__largest_size__cuts_on_chain_quotes_alone():
    table = tabulate([perp(), option(size=500.0)], 50.0)
    assert table.width[(table.instrument == 0) & (table.sign > 0)].tolist() == [20.0, 30.0]
    assert table.width[table.instrument == 1].tolist() == [500.0, 500.0]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (option(fair_usd=0.0), "fair_usd is 0.0; expected a positive number"),
        (option(notional_usd=math.nan), "notional_usd is nan"),
        (option(position=math.inf), "position is inf"),
        (option(lot=-1.0), "lot is -1.0"),
        (option(factors=Factors(0.5, math.nan, 1.0, 0.0, 0.0)), "gamma is nan"),
        (option(buys=steps((math.inf, 1.0))), "buys: size is inf.*nothing bounds it"),
        (option(buys=steps((0.0, 1.0))), "buys: size is 0.0"),
        (option(sells=steps((1.0, 1.0), fee=-0.1)), "sells: fee_usd_per_unit is -0.1"),
        (option(sells=steps((1.0, math.nan))), "sells: impact_usd_per_unit is nan"),
        (option(buys=steps((1.0, 2.0), (1.0, 1.0))), "buys: .* after 3.0; expected no less"),
        (option(buys=steps((1.0, -5.0), fee=9.0)), "ask lies 1.0 USD below bid"),
        (option(buys=steps((1.0, 1.0), fee=0.0), sells=steps((1.0, -1.0), fee=0.0)), "buying and selling back is free"),
    ],
)
def test_tabulate__bad_number__is_refused_by_row_field_and_value(bad, message):
    with pytest.raises(DataError, match=rf"^row 1 \(call\): .*{message}"):
        tabulate([perp(), bad], math.inf)


def test_tabulate__nothing_or_one_name_twice__is_refused():
    with pytest.raises(DataError, match="no instruments"):
        tabulate([], math.inf)
    with pytest.raises(DataError, match="row 1: name is perp a, as in row 0"):
        tabulate([perp(), perp()], math.inf)


def test_tabulate__lot_of_the_vaults_perp__is_refused():
    with pytest.raises(DataError, match=r"lot is 1\.0"):
        tabulate([perp(lot=1.0)], math.inf)


# --- limits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "bad"), [("band", -1.0), ("nav_usd", math.nan), ("net_delta_low", math.inf), ("turnover_usd", -0.5)]
)
def test_guard_limits__number_out_of_domain__is_refused_by_name(field, bad):
    with pytest.raises(DataError, match=f"{field} is {bad}"):
        limits(**{field: bad})


def test_guard_limits__interval_upside_down__is_refused():
    with pytest.raises(DataError, match=r"net_delta_low is 3\.0, above net_delta_high 1\.0"):
        limits(net_delta_low=3.0, net_delta_high=1.0)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(low=st.floats(-50.0, 50.0), width=st.floats(0.0, 8.0), band=st.floats(0.0, 10.0), change=st.floats(-80.0, 80.0))
def test_reach__any_change__is_inside_exactly_where_the_guards_rule_holds(low, width, band, change):
    guard = limits(net_delta_low=low, net_delta_high=low + width, band=band)
    worst_after = max(abs(low + change), abs(low + width + change))
    allowed = max(band, guard.worst_net_delta - guard.min_improvement)
    least, most = guard.reach
    margin = min(change - least, most - change)
    if abs(margin) > 1e-9:
        assert (margin > 0.0) == (worst_after < allowed)


@pytest.mark.parametrize(
    ("field", "bad"),
    [("equity_usd", math.nan), ("max_leverage", -1.0), ("free_margin_usd", math.nan), ("failures_per_year", -0.1),
     ("failures_per_year", math.inf), ("loss_given_failure_ratio", 1.5)],
)  # fmt: skip
def test_venue_limits__number_out_of_domain__is_refused_by_name(field, bad):
    with pytest.raises(DataError, match=f"{field} of a is {bad}"):
        venue(**{field: bad})


# --- perps --------------------------------------------------------------------------------------------------------


def snapshot(quotes, mark_usd=SPOT_USD, size=0.0, funding_per_day=0.0):
    return VenueSnapshot(
        Address("0x" + "00" * 20),
        "a",
        wad(size),
        wad(mark_usd),
        wad(mark_usd),
        wad(funding_per_day),
        AssetUnits(0),
        quotes,
    )


def planned_usd(built_steps, size):
    cost, left = 0.0, size
    for step in built_steps:
        taken = min(left, step.size)
        cost += taken * (step.fee_usd_per_unit + step.impact_usd_per_unit)
        left -= taken
    return cost


def ladder(prices, fees, sizes=(0.5, 2.0, 7.0, 30.0)):
    sells = [
        QuotePoint(wad(-size), wad(2.0 * SPOT_USD - price), wad(fee))
        for size, price, fee in zip(sizes, prices, fees, strict=True)
    ]
    buys = [QuotePoint(wad(size), wad(price), wad(fee)) for size, price, fee in zip(sizes, prices, fees, strict=True)]
    return (*sells, *buys)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    prices=st.tuples(*[st.floats(3_000.0, 3_060.0).map(lambda price: round(price, 3))] * 4),
    fees=st.tuples(*[st.floats(0.0, 50.0).map(lambda fee: round(fee, 3))] * 4),
    mark=st.floats(2_980.0, 3_020.0).map(lambda price: round(price, 2)),
    share=st.floats(0.001, 1.0),
)
@example(prices=(3_000.93, 3_000.0, 3_000.0, 3_000.0), fees=(0.0, 1.86, 0.0, 0.0), mark=2_980.0, share=0.04)
def test_perp_instrument__any_ladder__never_plans_a_better_price_than_quoted(prices, fees, mark, share):
    read = snapshot(ladder(prices, fees), mark)
    built = perp_instrument(read, wad(SPOT_USD), None, 1.0, 2.0)
    for is_buy, built_steps in ((True, built.buys), (False, built.sells)):
        quoted = ladder_of(read, is_buy)
        size = max(int(quoted.capacity * share), 1)
        fill = fill_at(quoted, 0, size)
        worth = min(mark, SPOT_USD) if is_buy else max(mark, SPOT_USD)
        paid = (from_wad(fill.execution_price) - worth) * (1.0 if is_buy else -1.0) * from_wad(size) + from_wad(
            fill.fee
        )
        assert planned_usd(built_steps, from_wad(size)) >= paid - 1e-9 * max(1.0, abs(paid))
    tabulate([replace(built, buys=built.buys, sells=())], math.inf)


def test_perp_instrument__convex_ladder__meets_the_quoted_cost_at_every_rung():
    state = VenueState(size=-4.0, funding_per_day=2e-4)
    read = snapshot(quotes_of(state), size=-4.0, funding_per_day=2e-4)
    built = perp_instrument(read, wad(SPOT_USD), None, 0.5, 2.0)
    for rung in ladder_of(read, is_buy=True).rungs:
        size = from_wad(rung.size)
        paid = (from_wad(rung.execution_price) - SPOT_USD) * size + from_wad(rung.fee)
        assert planned_usd(built.buys, size) == pytest.approx(paid, rel=1e-9)
    assert built.carry_usd_per_unit == pytest.approx(2e-4 * 0.5 * SPOT_USD)
    assert built.position == -4.0
    assert built.margin_short_usd == built.notional_usd / 2.0


def test_perp_instrument__price_better_than_its_worth__is_not_counted_as_income():
    quotes = (QuotePoint(wad(-2), wad(3_020), wad(0)), QuotePoint(wad(2), wad(3_030), wad(0)))
    sold_above_the_oracle = perp_instrument(snapshot(quotes, 3_005.0), wad(SPOT_USD), None, 1.0, 2.0).sells
    assert sold_above_the_oracle == ((pytest.approx(2.0), 0.0, 0.0),)


def test_perp_instrument__guards_price_limit__leaves_out_what_lies_beyond():
    read = snapshot(quotes_of(VenueState(depth_usd=4_000_000.0)))
    tight = replace(BOUNDS, max_slippage_bps=50)
    built = perp_instrument(read, wad(SPOT_USD), tight, 1.0, 2.0)
    size = sum(step.size for step in built.buys)
    assert 0.0 < size < 200.0
    limit = limit_price(wad(SPOT_USD), 1, 50)
    at_limit = fill_at(ladder_of(read, is_buy=True), 0, int(size * 1e18))
    assert at_limit.execution_price == pytest.approx(limit, rel=1e-6)


def test_perp_instrument__fee_above_the_guards__is_not_offered():
    read = snapshot(quotes_of(VenueState(fee_ratio=0.01)))
    assert perp_instrument(read, wad(SPOT_USD), BOUNDS, 1.0, 2.0).buys == ()


def test_perp_instrument__ask_below_bid__is_refused():
    crossed = (QuotePoint(wad(-1), wad(3_010), wad(1)), QuotePoint(wad(1), wad(3_000), wad(1)))
    with pytest.raises(DataError, match=r"venue a: ask is 3000\.0, below bid 3010\.0"):
        perp_instrument(snapshot(crossed), wad(SPOT_USD), None, 1.0, 2.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((wad(0), None, 1.0, 2.0), "oracle_price is 0"), ((wad(3_000), None, 0.0, 2.0), "horizon_days is 0.0"),
     ((wad(3_000), None, 1.0, np.nan), "target_leverage is nan")],
)  # fmt: skip
def test_perp_instrument__number_out_of_domain__is_refused_by_name(arguments, message):
    with pytest.raises(DataError, match=message):
        perp_instrument(snapshot(quotes_of(VenueState())), *arguments)
