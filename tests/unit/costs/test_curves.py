"""Cost of any size on each kind of venue: laws that all obey, and each formula against the venue's own."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.costs.curves.base import ladder, trade_cost_usd
from agent.costs.curves.constant_product import ConstantProduct
from agent.costs.curves.fixed_spread import FixedSpread, InterestImpact
from agent.costs.curves.order_book import BookLevel, OrderBook
from agent.costs.curves.skew_priced import SkewPriced
from agent.costs.quotes import fill_at, ladder_of
from agent.domain import VenueSnapshot
from agent.errors import DataError
from agent.units import WAD, Address, AssetUnits, Wad

POOL = ConstantProduct.of_range(3_000.0, 2_000.0, 4_500.0, 1_194_000.0, 0.001)
SKEW = SkewPriced(3_000.0, 40.0, 10_000.0, 0.0002, 0.0006, 500.0, 500.0)
BOOK = OrderBook(
    bids=(BookLevel(2_999.0, 5.0), BookLevel(2_995.0, 20.0), BookLevel(2_980.0, 100.0)),
    asks=(BookLevel(3_001.0, 4.0), BookLevel(3_004.0, 30.0), BookLevel(3_030.0, 80.0)),
    taker_fee_ratio=0.0005,
)
IMPACT = InterestImpact(-150_000.0, 2e-10, 4e-10, 2.0)
SPREAD = FixedSpread(3_000.0, 0.0003, 0.0006, 400.0, 300.0)
CURVES = {
    "constant product": POOL,
    "skew, reducing by sales": SKEW,
    "skew, reducing by buys": replace(SKEW, skew=-40.0),
    "skew, none": replace(SKEW, skew=0.0),
    "order book": BOOK,
    "fixed spread": SPREAD,
    "fixed spread, imbalanced": replace(SPREAD, impact=IMPACT),
    "fixed spread, imbalanced to the other side": replace(SPREAD, impact=replace(IMPACT, imbalance_usd=2e5)),
    "fixed spread, no rebate": replace(SPREAD, impact=replace(IMPACT, positive_factor=0.0)),
    "fixed spread, linear impact": replace(SPREAD, impact=InterestImpact(-150_000.0, 1e-4, 3e-4, 1.0)),
    "fixed spread, exponent between": replace(SPREAD, impact=InterestImpact(-150_000.0, 1e-8, 3e-8, 1.6)),
}
STEPPED = {"order book", "fixed spread", "fixed spread, linear impact", "fixed spread, no rebate"}
"""Curves with stretches of one marginal cost, whose inverse is the end of the stretch."""
each_curve = pytest.mark.parametrize("name", CURVES)
each_side = pytest.mark.parametrize("is_buy", [True, False], ids=["buy", "sell"])


def signed(size, is_buy):
    return size if is_buy else -size


def sizes_of(curve, is_buy, count=23):
    capacity = curve.capacity(is_buy=is_buy)
    return [capacity * (step + 0.5) / count for step in range(count)]


# --- laws of every curve ------------------------------------------------------------------------------------------


@each_side
@each_curve
def test_curve__marginal_cost__is_the_slope_of_the_cost(name, is_buy):
    curve = CURVES[name]
    for size in sizes_of(curve, is_buy):
        bump = size * 1e-6
        up, down = (trade_cost_usd(curve, signed(size + step, is_buy)) for step in (bump, -bump))
        marginal = curve.marginal_cost_usd(signed(size, is_buy), is_buy=is_buy)
        assert (up - down) / (2.0 * bump) == pytest.approx(marginal, rel=2e-6)


@each_side
@each_curve
def test_curve__marginal_cost__never_falls_and_has_the_sign_of_cash(name, is_buy):
    curve = CURVES[name]
    margins = [curve.marginal_cost_usd(signed(size, is_buy), is_buy=is_buy) for size in [0.0, *sizes_of(curve, is_buy)]]
    assert margins == sorted(margins)
    assert all(math.copysign(1.0, margin) == signed(1.0, is_buy) for margin in margins)


@each_side
@each_curve
def test_curve__size_at__is_the_largest_size_at_that_margin(name, is_buy):
    curve = CURVES[name]
    capacity = curve.capacity(is_buy=is_buy)
    for size in sizes_of(curve, is_buy):
        margin = curve.marginal_cost_usd(signed(size, is_buy), is_buy=is_buy)
        found = curve.size_at(margin + (1e-9 if name in STEPPED else 0.0), is_buy=is_buy)
        assert found >= size * (1.0 - 1e-9)
        if name not in STEPPED:
            assert found == pytest.approx(size, rel=1e-8)
        if found < capacity:
            beyond = curve.marginal_cost_usd(signed(found * (1.0 + 1e-9), is_buy), is_buy=is_buy)
            assert beyond >= margin * (1.0 - 1e-12 if is_buy else 1.0 + 1e-12)
    first = curve.marginal_cost_usd(0.0, is_buy=is_buy)
    assert curve.size_at(first - 1e-6, is_buy=is_buy) == 0.0
    assert curve.size_at(1e9, is_buy=is_buy) == capacity


@each_side
@each_curve
def test_curve__size_at_beyond_any_margin__is_nothing_or_all(name, is_buy):
    curve = CURVES[name]
    assert curve.size_at(-1e12, is_buy=is_buy) == 0.0
    assert curve.size_at(1e12, is_buy=is_buy) == curve.capacity(is_buy=is_buy)


@each_side
@each_curve
def test_curve__after_an_order__continues_where_it_ended(name, is_buy):
    curve = CURVES[name]
    first, second = (curve.capacity(is_buy=is_buy) * part for part in (0.31, 0.27))
    rest = curve.after(signed(first, is_buy))
    assert rest.capacity(is_buy=is_buy) == pytest.approx(curve.capacity(is_buy=is_buy) - first)
    margin = curve.marginal_cost_usd(signed(first + second, is_buy), is_buy=is_buy)
    assert rest.marginal_cost_usd(signed(second, is_buy), is_buy=is_buy) == pytest.approx(margin, rel=2e-6)
    assert curve.after(0.0) == curve


@each_side
@each_curve
def test_curve__after_an_order__pays_what_both_pay_together(name, is_buy):
    """Exactly where one fee ratio holds; an order that flips the skew pays both fees at its one mean price."""
    curve = CURVES[name]
    first, second = (curve.capacity(is_buy=is_buy) * part for part in (0.31, 0.27))
    alone = trade_cost_usd(curve, signed(first, is_buy))
    then = trade_cost_usd(curve.after(signed(first, is_buy)), signed(second, is_buy))
    together = trade_cost_usd(curve, signed(first + second, is_buy))
    assert alone + then == pytest.approx(together, rel=1e-5 if name.startswith("skew, reducing") else 1e-12)


@each_curve
def test_curve__buy_and_sell_back__never_earns(name):
    curve = CURVES[name]
    bought = trade_cost_usd(curve, 10.0)
    assert bought + trade_cost_usd(curve.after(10.0) if name != "order book" else curve, -10.0) > 0.0


@each_side
@each_curve
def test_curve__beyond_capacity_or_nothing__is_refused(name, is_buy):
    curve = CURVES[name]
    for size in (curve.capacity(is_buy=is_buy) * 1.001, 0.0):
        with pytest.raises(DataError, match=r"size_delta is .*the venue takes"):
            curve.execution_price_usd(signed(size, is_buy))
    with pytest.raises(DataError, match="size_delta is nan"):
        curve.execution_price_usd(math.nan)


def snapshot_with(quotes):
    address = Address("0x00000000000000000000000000000000000000A1")
    return VenueSnapshot(address, "venue", Wad(0), Wad(WAD), Wad(WAD), Wad(0), AssetUnits(0), quotes)


@each_side
@each_curve
def test_ladder__quotes_of_a_curve__are_what_the_router_reads(name, is_buy):
    curve = CURVES[name]
    sizes = [0.25 * 2.0**power for power in range(12)]
    read = ladder_of(snapshot_with(ladder(curve, sizes)), is_buy)
    assert [rung.size / WAD for rung in read.rungs] == [s for s in sizes if s <= curve.capacity(is_buy=is_buy)]
    for rung in read.rungs:
        size = rung.size / WAD
        fill = fill_at(read, 0, rung.size)
        assert fill.execution_price / WAD == pytest.approx(curve.execution_price_usd(signed(size, is_buy)), rel=1e-15)
        assert fill.fee / WAD == pytest.approx(curve.fee_usd(signed(size, is_buy)), rel=1e-15)


@pytest.mark.parametrize(("sizes", "row"), [((1.0, 1.0), 1), ((-1.0,), 0), ((1.0, 2.0, math.nan), 2), ((0.0,), 0)])
def test_ladder__sizes_that_do_not_grow__are_refused_by_row(sizes, row):
    with pytest.raises(DataError, match=f"row {row}: size is"):
        ladder(POOL, sizes)


# --- constant product ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "cost_bps"), [(50.0, 33.0), (100.0, 56.0), (200.0, 102.0)])
def test_constant_product__curie_pool__costs_what_was_measured_on_curie(size, cost_bps):
    """4,000 ETH and 12 million USD between 2,000 and 4,500 at 3,000; fee of 10 bps inside."""
    assert POOL.capacity(is_buy=True) == pytest.approx(4_000.0, rel=1e-3)
    received = -trade_cost_usd(POOL, -size) / size
    assert (1.0 - received / 3_000.0) * 1e4 == pytest.approx(cost_bps, abs=1.5)


def test_constant_product__price_moves_along_the_hyperbola():
    after = POOL.after(100.0)
    product = POOL.base_reserve * POOL.quote_reserve_usd
    assert after.base_reserve * after.quote_reserve_usd == pytest.approx(product, rel=1e-14)
    paid = after.quote_reserve_usd - POOL.quote_reserve_usd
    assert paid == pytest.approx(100.0 * POOL.execution_price_usd(100.0), rel=1e-12)


def test_constant_product__whole_range_bought__ends_at_its_top():
    end = POOL.after(POOL.capacity(is_buy=True))
    assert end.quote_reserve_usd / end.base_reserve == pytest.approx(4_500.0, rel=1e-12)
    bottom = POOL.after(-POOL.capacity(is_buy=False))
    assert bottom.quote_reserve_usd / bottom.base_reserve == pytest.approx(2_000.0, rel=1e-12)


# --- skew ---------------------------------------------------------------------------------------------------------


def synthetix_order_fee(index, skew, scale, maker, taker, size):
    """`_orderFee` of PerpsV2MarketBase in exact fractions, branch by branch."""
    price = index * (1 + (skew + Fraction(size) / 2) / scale)
    notional = size * price

    def same_side(a, b):
        return (a >= 0) == (b >= 0)

    if same_side(skew + size, skew):
        return abs(notional) * (taker if same_side(notional, skew) else maker)
    taker_part = abs((skew + size) / Fraction(size))
    return abs(notional) * (taker_part * taker + (1 - taker_part) * maker)


@pytest.mark.parametrize("skew", [-40, 0, 40])
@pytest.mark.parametrize("size", [-300, -40, -39, -1, 1, 39, 40, 300])
def test_skew_priced__fill_price_and_fee__are_synthetix_own(skew, size):
    numbers = [Fraction(3_000), Fraction(skew), Fraction(10_000), Fraction(2, 10_000), Fraction(6, 10_000)]
    curve = replace(SKEW, skew=float(skew))
    price = numbers[0] * (1 + (numbers[1] + Fraction(size) / 2) / numbers[2])
    assert curve.execution_price_usd(float(size)) == pytest.approx(float(price), rel=1e-15)
    assert curve.fee_usd(float(size)) == pytest.approx(float(synthetix_order_fee(*numbers, Fraction(size))), rel=1e-14)


def test_skew_priced__first_unit_against_the_skew__is_better_than_the_index():
    assert -SKEW.marginal_cost_usd(0.0, is_buy=False) > SKEW.index_price_usd
    assert replace(SKEW, skew=-40.0).marginal_cost_usd(0.0, is_buy=True) < SKEW.index_price_usd


def test_skew_priced__margin_jumps_where_the_skew_is_gone():
    below, above = (SKEW.marginal_cost_usd(-size, is_buy=False) for size in (39.999999, 40.000001))
    assert above - below == pytest.approx(3_000.0 * 0.0004, rel=0.01)
    assert SKEW.size_at(0.5 * (below + above), is_buy=False) == 40.0


# --- order book ---------------------------------------------------------------------------------------------------


def test_order_book__sizes_across_levels__pay_each_level():
    assert BOOK.execution_price_usd(10.0) == pytest.approx((4 * 3_001 + 6 * 3_004) / 10)
    assert BOOK.execution_price_usd(-30.0) == pytest.approx((5 * 2_999 + 20 * 2_995 + 5 * 2_980) / 30)
    assert BOOK.fee_usd(10.0) == pytest.approx(0.0005 * (4 * 3_001 + 6 * 3_004))
    assert BOOK.capacity(is_buy=True) == 114.0


def test_order_book__after_a_buy__lacks_what_was_taken():
    after = BOOK.after(10.0)
    assert after.asks == (BookLevel(3_004.0, 24.0), BookLevel(3_030.0, 80.0))
    assert after.bids == BOOK.bids


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"asks": (BookLevel(3_001.0, 1.0), BookLevel(3_001.0, 1.0))}, "asks row 1: price_usd is 3001.0 after 3001.0"),
        ({"bids": (BookLevel(2_999.0, 1.0), BookLevel(2_999.5, 1.0))}, "bids row 1: price_usd is 2999.5"),
        ({"bids": (BookLevel(3_001.0, 1.0),)}, "bids row 0: price_usd is 3001.0, not below the best ask 3001.0"),
        ({"asks": (BookLevel(3_001.0, -1.0),)}, "asks row 0: size is -1.0"),
        ({"asks": (BookLevel(3_001.0, 1.0), BookLevel(math.nan, 1.0))}, "asks row 1: price_usd is nan"),
        ({"bids": (BookLevel(0.0, 1.0),)}, "bids row 0: price_usd is 0.0"),
        ({"taker_fee_ratio": 1.0}, "taker_fee_ratio is 1.0"),
    ],
)
def test_order_book__bad_levels__are_refused_by_side_row_and_number(changes, message):
    with pytest.raises(DataError, match=message):
        replace(BOOK, **changes)


def test_order_book__empty_side__takes_nothing():
    empty = replace(BOOK, asks=())
    assert empty.capacity(is_buy=True) == 0.0
    with pytest.raises(DataError, match="offers nothing to buy"):
        empty.marginal_cost_usd(0.0, is_buy=True)


# --- fixed spread -------------------------------------------------------------------------------------------------


def gmx_impact_usd(initial_long, initial_short, is_long, size, positive, negative, exponent):
    """Price impact as GMX states it, from interest before and after: positive where the trader earns."""
    before = abs(initial_long - initial_short)
    after = abs(initial_long + (size if is_long else 0) - initial_short - (0 if is_long else size))
    is_same_side = (initial_long <= initial_short) == (
        initial_long + (size if is_long else 0) <= initial_short + (0 if is_long else size)
    )
    if is_same_side:
        factor = positive if after < before else negative
        return before**exponent * factor - after**exponent * factor
    return before**exponent * positive - after**exponent * negative


@pytest.mark.parametrize("imbalance", [-150_000.0, 150_000.0])
@pytest.mark.parametrize("size", [-120.0, -50.0, -10.0, 10.0, 50.0, 120.0])
def test_interest_impact__same_side_and_across__is_gmx_own(imbalance, size):
    impact = replace(IMPACT, imbalance_usd=imbalance)
    notional = abs(size) * 3_000.0
    longs, shorts = 1e6 + max(imbalance, 0.0), 1e6 + max(-imbalance, 0.0)
    expected = gmx_impact_usd(longs, shorts, size > 0, notional, 2e-10, 4e-10, 2.0)
    assert -impact.cost_usd(notional, is_buy=size > 0) == pytest.approx(expected, rel=1e-9)
    curve = replace(SPREAD, impact=impact)
    plain = trade_cost_usd(SPREAD, size)
    assert trade_cost_usd(curve, size) - plain == pytest.approx(-expected, abs=1e-6)


def test_fixed_spread__without_impact__costs_spread_and_fee():
    assert SPREAD.execution_price_usd(7.0) == pytest.approx(3_000.9)
    assert SPREAD.execution_price_usd(-7.0) == pytest.approx(2_999.1)
    assert SPREAD.fee_usd(-7.0) == pytest.approx(12.6)


# --- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("curve", "changes", "message"),
    [
        (POOL, {"base_reserve": 0.0}, "base_reserve is 0.0"),
        (POOL, {"quote_reserve_usd": math.inf}, "quote_reserve_usd is inf"),
        (POOL, {"fee_ratio": -0.1}, "fee_ratio is -0.1"),
        (POOL, {"buy_capacity": 1e9}, "expected less than base_reserve"),
        (POOL, {"sell_capacity": -1.0}, "sell_capacity is -1.0"),
        (SKEW, {"skew_scale": 0.0}, "skew_scale is 0.0"),
        (SKEW, {"skew": math.nan}, "skew is nan"),
        (SKEW, {"maker_fee_ratio": 0.001}, "not convex"),
        (SKEW, {"sell_capacity": 20_000.0}, "where the price reaches 0"),
        (SPREAD, {"index_price_usd": -3_000.0}, "index_price_usd is -3000.0"),
        (SPREAD, {"half_spread_ratio": 1.0}, "half_spread_ratio is 1.0"),
        (SPREAD, {"sell_capacity": math.nan}, "sell_capacity is nan"),
        (IMPACT, {"exponent": 0.5}, "exponent is 0.5"),
        (IMPACT, {"negative_factor": 1e-10}, "earn money without end"),
    ],
)
def test_curve__numbers_out_of_domain__are_refused_by_name(curve, changes, message):
    with pytest.raises(DataError, match=message):
        replace(curve, **changes)


@pytest.mark.parametrize(
    ("range_", "message"),
    [((3_000.0, 3_100.0, 4_500.0), "price_usd is 3000.0"), ((3_000.0, 2_000.0, 2_500.0), "high_usd is 2500.0")],
)
def test_constant_product__price_outside_its_range__is_refused(range_, message):
    with pytest.raises(DataError, match=message):
        ConstantProduct.of_range(*range_, 1e6, 0.001)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(CURVES)), st.booleans(), st.floats(0.001, 0.499), st.floats(0.5, 1.0))
def test_curve__any_two_sizes__the_mean_price_is_no_better_for_the_larger(name, is_buy, small, large):
    curve = CURVES[name]
    capacity = curve.capacity(is_buy=is_buy)
    means = [trade_cost_usd(curve, signed(capacity * part, is_buy)) / (capacity * part) for part in (small, large)]
    assert means[1] >= means[0] - 1e-9
