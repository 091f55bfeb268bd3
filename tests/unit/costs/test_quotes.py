"""The quote ladder as a price curve."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.costs.quotes import (
    Ladder,
    Rung,
    adverse_fills,
    fill_at,
    highest_price,
    ladder_after,
    ladder_of,
    price_range,
    quoted_ratios,
    size_within,
    worst_quoted_price,
)
from agent.domain import QuotePoint
from agent.errors import DataError
from agent.units import WAD
from tests.support.decision_builders import LADDER_SIZES, VenueState, short_calls, snapshot_of, wad

BUYS = Ladder(True, (Rung(wad(1), wad(3_000), wad(3)), Rung(wad(3), wad(3_010), wad(10))))
SELLS = Ladder(False, (Rung(wad(1), wad(3_000), wad(3)), Rung(wad(3), wad(2_990), wad(10))))


def venue():
    return snapshot_of(short_calls()).venues[0]


def test_ladder_of__both_sides__are_told_apart_by_sign():
    buys, sells = ladder_of(venue(), True), ladder_of(venue(), False)
    assert [rung.size for rung in buys.rungs] == [rung.size for rung in sells.rungs] == [wad(s) for s in LADDER_SIZES]
    assert all(rung.execution_price > wad(3_000) for rung in buys.rungs)
    assert all(rung.execution_price < wad(3_000) for rung in sells.rungs)
    assert buys.capacity == wad(200)


def test_ladder_of__no_quotes__has_no_capacity():
    assert ladder_of(replace(venue(), quotes=()), True).capacity == 0


@pytest.mark.parametrize(
    ("quotes", "message"),
    [
        ((QuotePoint(wad(2), wad(1), wad(0)), QuotePoint(wad(1), wad(1), wad(0))), "growing sizes"),
        ((QuotePoint(wad(1), wad(1), wad(0)), QuotePoint(wad(1), wad(1), wad(0))), "growing sizes"),
        ((QuotePoint(wad(1), wad(0), wad(0)),), "positive price"),
        ((QuotePoint(wad(1), wad(1), wad(-1)),), "no negative fee"),
    ],
)
def test_ladder_of__malformed_quotes__are_refused_with_the_venue(quotes, message):
    with pytest.raises(DataError, match=f"venue 0 quotes .*{message}"):
        ladder_of(replace(venue(), quotes=quotes), True)


@pytest.mark.parametrize(
    ("ladder", "size", "expected"),
    [
        (BUYS, "0.5", ("0.5", "3000", "1.5")),
        (BUYS, "1", ("1", "3000", "3")),
        (BUYS, "2", ("2", "3005", "6.5")),
        (BUYS, "3", ("3", "3010", "10")),
        (SELLS, "2", ("-2", "2995", "6.5")),
        (SELLS, "3", ("-3", "2990", "10")),
    ],
)
def test_fill_at__sizes_along_the_ladder__interpolates(ladder, size, expected):
    fill = fill_at(ladder, 7, wad(size))
    assert fill.venue_index == 7
    assert (fill.size_delta, fill.execution_price, fill.fee) == tuple(wad(number) for number in expected)


def test_fill_at__inexact_price__rounds_against_the_trader():
    rungs = (Rung(3, 100, 1), Rung(6, 101, 2))
    buy = fill_at(Ladder(True, rungs), 0, 4)
    assert (buy.execution_price, buy.fee) == (101, 2)
    sell = fill_at(Ladder(False, (Rung(3, 101, 1), Rung(6, 100, 2))), 0, 4)
    assert (sell.execution_price, sell.fee) == (100, 2)
    assert fill_at(Ladder(True, rungs), 0, 1).fee == 1


@pytest.mark.parametrize("size", [0, -1])
def test_fill_at__no_size__is_refused(size):
    with pytest.raises(DataError, match="positive"):
        fill_at(BUYS, 0, size)


def test_fill_at__beyond_the_ladder__is_refused():
    with pytest.raises(DataError, match="beyond the quoted"):
        fill_at(BUYS, 0, wad(3) + 1)


@pytest.mark.parametrize("ladder", [BUYS, SELLS], ids=["buys", "sells"])
def test_ladder_after__part_taken__charges_the_rest_what_is_left_of_the_whole(ladder):
    """Three units cost 3 x 3,010 and 10 in fees, two of them 2 x 3,005 and 6.5."""
    rest = ladder_after(ladder, wad(2))
    assert rest.rungs[-1] == Rung(wad(1), wad(3_020 if ladder.is_buy else 2_980), wad("3.5"))
    assert rest.rungs[0] == Rung(1, wad(3_015 if ladder.is_buy else 2_985), 4)
    whole, first = fill_at(ladder, 0, wad(3)), fill_at(ladder, 0, wad(2))
    then = fill_at(rest, 0, wad(1))
    assert then.size_delta * then.execution_price == (
        whole.size_delta * whole.execution_price - first.size_delta * first.execution_price
    )
    half = ladder_after(ladder, wad("0.5"))
    assert [rung.size for rung in half.rungs] == [1, wad("0.5"), wad("2.5")]
    assert half.rungs[0].execution_price == half.rungs[1].execution_price == wad(3_000)
    assert half.rungs[2].execution_price == wad(3_012 if ladder.is_buy else 2_988)


def test_ladder_after__inexact_price__rounds_against_the_trader():
    rungs = (Rung(3, 100, 1), Rung(6, 101, 2))
    assert ladder_after(Ladder(True, rungs), 1).rungs[-1].execution_price == 102
    assert ladder_after(Ladder(False, (Rung(3, 101, 1), Rung(6, 100, 2))), 1).rungs[-1].execution_price == 99


def test_ladder_after__nothing_or_all_taken__is_whole_or_empty():
    assert ladder_after(BUYS, 0) is BUYS
    assert ladder_after(BUYS, wad(3)).capacity == ladder_after(BUYS, wad(4)).capacity == 0


def test_worst_quoted_price__between_rungs__is_the_next_rungs():
    assert worst_quoted_price(BUYS, wad("0.5")) == wad(3_000)
    assert worst_quoted_price(BUYS, wad("1.5")) == wad(3_010)
    assert worst_quoted_price(SELLS, wad("1.5")) == wad(2_990)


@pytest.mark.parametrize(
    ("ladder", "limit", "expected"),
    [
        (BUYS, "2999", "0"),
        (BUYS, "3000", "1"),
        (BUYS, "3005", "2"),
        (BUYS, "3010", "3"),
        (BUYS, "9999", "3"),
        (SELLS, "3001", "0"),
        (SELLS, "2995", "2"),
        (SELLS, "2990", "3"),
    ],
)
def test_size_within__price_limit__is_the_largest_size_no_worse(ladder, limit, expected):
    assert size_within(ladder, wad(limit)) == wad(expected)


def test_size_within__inexact_size__never_breaks_the_limit():
    limit = wad("3003.333333333333333331")
    size = size_within(BUYS, limit)
    assert fill_at(BUYS, 0, size).execution_price <= limit < fill_at(BUYS, 0, size + 10).execution_price


@pytest.mark.parametrize(
    ("ladder", "mark", "oracle", "impact"),
    [
        (BUYS, "3000", "3000", 5 / 3000),
        (BUYS, "2990", "3000", 15 / 3000),
        (BUYS, "3000", "2990", 15 / 2990),
        (SELLS, "3000", "3000", 5 / 3000),
        (SELLS, "3000", "3020", 25 / 3020),
        (SELLS, "2980", "2985", 0.0),
    ],
)
def test_quoted_ratios__impact__is_against_the_worse_of_mark_and_oracle(ladder, mark, oracle, impact):
    fee_ratio, impact_ratio = quoted_ratios(ladder, wad(2), wad(mark), wad(oracle))
    assert impact_ratio == pytest.approx(impact, rel=1e-12)
    assert fee_ratio == pytest.approx(6.5 / (2 * float(oracle)), rel=1e-12)


def test_ladder__venue_state__has_the_depth_it_says():
    state = VenueState(depth_usd=9_000_000.0)
    rung = ladder_of(snapshot_of(short_calls(), state).venues[0], True).rungs[-1]
    assert rung.execution_price == wad("3200")


@given(
    is_buy=st.booleans(),
    base=st.integers(10**21, 10**24),
    price_usd=st.integers(1, 10**6),
    largest=st.integers(10**9, 10**20),
    rungs=st.integers(1, 9),
    share=st.integers(1, 10**6),
)
def test_price_range__constant_product__holds_its_price(is_buy, base, price_usd, largest, rungs, share):
    """Curves that bend one way, as those of pools do: the price of any size is exactly known."""

    def price(size):
        notional = Fraction(base * price_usd * size, base - size if is_buy else base + size)
        return notional * WAD / size  # exact: bounds are rounded outward

    sizes = sorted({largest >> halvings for halvings in range(rungs) if largest >> halvings})
    rounded = math.ceil if is_buy else math.floor
    ladder = Ladder(is_buy, tuple(Rung(size, rounded(price(size)), 0) for size in sizes))
    size = max(largest * share // 10**6, 1)
    low, high = price_range(ladder, size)
    assert low <= high
    if len(sizes) > 1 or size == largest:
        assert low <= price(size) <= high


def test_highest_price__sales__is_above_the_smallest_rung():
    ladder = Ladder(False, (Rung(10 * WAD, 3_000 * WAD, 30 * WAD), Rung(20 * WAD, 2_990 * WAD, 60 * WAD)))
    assert 3_019 * WAD < highest_price(ladder) <= 3_020 * WAD + 1
    assert highest_price(replace(ladder, rungs=ladder.rungs[:1])) == 3_000 * WAD


@pytest.mark.parametrize(("is_buy", "step"), [(False, -10), (True, 10)])
def test_adverse_fills__curve_that_bends__are_no_better_than_expected(is_buy, step):
    prices = [3_000 + step * number**2 for number in range(3)]
    ladder = Ladder(is_buy, tuple(Rung((1 << n) * WAD, price * WAD, WAD << n) for n, price in enumerate(prices)))
    expected = fill_at(ladder, 0, 3 * WAD)
    (worst,) = adverse_fills((ladder,), (expected,))
    assert (worst.execution_price > expected.execution_price) is is_buy
    assert worst.size_delta == expected.size_delta
    assert worst.fee >= expected.fee
    (exact,) = adverse_fills((ladder,), (fill_at(ladder, 0, 4 * WAD),))
    assert abs(exact.execution_price - prices[2] * WAD) <= 10
