"""What the vault is foreseen to measure after a rebalance."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.domain import Fill, Leg
from agent.errors import DataError
from agent.prediction import predict
from agent.units import Address, AssetUnits
from tests.support.decision_builders import VENUE_ADDRESSES, VenueState, short_calls, snapshot_of, wad

BOOK = short_calls()


def leg(venue=0, margin_usd=0, size="0"):
    return Leg(VENUE_ADDRESSES[venue], AssetUnits(margin_usd * 10**6), wad(size), wad(0))


def fill(venue=0, size="10", price="3010", fee="30"):
    return Fill(venue, wad(size), wad(price), wad(fee))


def test_predict__buy_at_a_premium__equity_pays_premium_and_fee():
    snapshot = snapshot_of(BOOK, VenueState(equity_usd=50_000))
    after = predict(snapshot, (leg(size="10"),), (fill(),))
    venue = after.venues[0]
    assert venue.size_low == venue.size_high == wad(10)
    assert venue.notional == wad(30_000)
    assert venue.equity_low == venue.equity_high == wad(50_000 - 100 - 30)
    assert after.nav == after.firm_nav == wad(500_000 + 50_000 - 130)


def test_predict__sell_at_a_discount__equity_pays_discount_and_fee():
    snapshot = snapshot_of(BOOK, VenueState(size=20, equity_usd=50_000))
    after = predict(snapshot, (), (fill(size="-5", price="2990", fee="15"),))
    assert after.venues[0].notional == wad(45_000)
    assert after.venues[0].equity_low == wad(50_000 - 50 - 15)


def test_predict__margin__moves_between_idle_and_equity_but_not_nav():
    snapshot = snapshot_of(BOOK, VenueState(size=10, equity_usd=20_000))
    for margin in (7_000, -7_000):
        after = predict(snapshot, (leg(margin_usd=margin),), ())
        assert after.venues[0].equity_low == wad(20_000 + margin)
        assert after.nav == snapshot.measurement.nav
        assert after.idle == snapshot.measurement.idle - wad(margin)
        assert after.venues[0].notional == wad(30_000)


@pytest.mark.parametrize(("mark", "index"), [(3_020.0, 2_990.0), (2_990.0, 3_020.0)])
@pytest.mark.parametrize("size", [20.0, -20.0])
@pytest.mark.parametrize("traded", ["10", "-10", "-40", "40", "-50", "50"])
def test_predict__mark_away_from_index__bounds_equity_at_both_prices(mark, index, size, traded):
    """Rebuild the account from cash: equity at P is cash + size P, so cash follows from the lower equity before."""
    low_price = min((mark, index), key=lambda price: size * price)
    snapshot = snapshot_of(BOOK, VenueState(size=size, equity_usd=40_000, mark_usd=mark, index_usd=index))
    after = predict(snapshot, (), (fill(size=traded, price="3005", fee="12"),)).venues[0]
    cash = 40_000 - size * low_price - float(traded) * 3_005 - 12
    expected = sorted(cash + (size + float(traded)) * price for price in (mark, index))
    assert after.equity_low == wad(expected[0])
    assert after.equity_high == wad(expected[1])


def order(size, limit, fee="30"):
    return replace(fill(size=size, price=limit, fee=fee), is_pending=True)


def test_predict__order_to_buy__counts_at_its_limit_and_at_the_best_price():
    state = VenueState(equity_usd=50_000, mark_usd=3_020.0, index_usd=2_990.0)
    after = predict(snapshot_of(BOOK, state), (leg(margin_usd=1_000),), (order("10", "3010"),))
    venue = after.venues[0]
    assert (venue.size_low, venue.size_high, venue.notional) == (0, wad(10), wad(30_000))
    assert venue.equity == wad(51_000)  # nothing is filled yet
    assert venue.equity_low == wad(51_000 - 10 * 20 - 30)  # bought at 3,010 and worth 2,990
    assert venue.equity_high == wad(51_000 + 10 * 30)  # bought at 2,990 and worth 3,020
    assert after.nav == wad(500_000 + 50_000)


def test_predict__order_to_close__is_worth_the_worse_of_position_and_limit():
    state = VenueState(size=20.0, equity_usd=40_000, mark_usd=3_020.0, index_usd=2_990.0)
    venue = predict(snapshot_of(BOOK, state), (), (order("-20", "2985"),)).venues[0]
    assert (venue.size_low, venue.size_high, venue.notional) == (0, wad(20), wad(60_000))
    assert venue.equity_low == wad(40_000 - 20 * 5 - 30)  # sold at 2,985, where the position was worth 2,990
    assert venue.equity_high == wad(40_000 + 20 * 30)  # at 3,020, sold or not


@pytest.mark.parametrize(("mark", "index"), [(3_020.0, 2_990.0), (2_990.0, 3_020.0)])
@pytest.mark.parametrize("size", [20.0, -20.0, 0.0])
@pytest.mark.parametrize("ordered", ["10", "-10", "-40", "40"])
@pytest.mark.parametrize("limit", ["2980", "3005", "3040"])
def test_predict__order_of_any_side__may_fill_or_not_at_either_price(mark, index, size, ordered, limit):
    """From cash: at its limit at worst, at best at the better of limit and prices, or not at all; the fee is paid."""
    low_price = min((mark, index), key=lambda price: size * price)
    snapshot = snapshot_of(BOOK, VenueState(size=size, equity_usd=40_000, mark_usd=mark, index_usd=index))
    venue = predict(snapshot, (), (order(ordered, limit, "12"),)).venues[0]
    cash, change, worst = 40_000 - size * low_price, float(ordered), float(limit)
    best = min(worst, mark, index) if change > 0 else max(worst, mark, index)
    ends = [cash + size * at + bought for at in (mark, index) for bought in (0.0, change * (at - worst))]
    assert venue.equity_low == wad(min(ends) - 12)
    ends = [cash + size * at + bought for at in (mark, index) for bought in (0.0, change * (at - best))]
    assert venue.equity_high == wad(max(ends))


def test_predict__venue_sinks_under_water__nav_counts_it_as_nothing():
    snapshot = snapshot_of(BOOK, VenueState(equity_usd=100))
    after = predict(snapshot, (), (fill(),))
    assert after.venues[0].equity_low == wad(-30)
    assert after.nav == wad(500_000)


def test_predict__more_is_lost_than_there_is__nothing_is_left_and_never_less():
    snapshot = snapshot_of(BOOK, VenueState(equity_usd=100_000), idle_usd=0)
    measured = replace(snapshot.measurement, nav=wad(10), firm_nav=wad(7), idle=wad(5))
    snapshot = replace(snapshot, measurement=measured)
    after = predict(snapshot, (leg(margin_usd=6),), (fill(price="3010"),))
    assert (after.nav, after.firm_nav, after.idle) == (0, 0, 0)


def test_predict__two_venues__each_takes_its_own_leg():
    snapshot = snapshot_of(BOOK, VenueState(equity_usd=10_000), VenueState(size=5, equity_usd=20_000))
    after = predict(snapshot, (leg(1, 1_000, "10"),), (fill(1),))
    assert after.venues[0] is snapshot.measurement.venues[0]
    assert after.venues[1].size_low == wad(15)
    assert after.venues[1].equity_low == wad(20_870)


def test_predict__fraction_of_a_unit__rounds_against_the_vault():
    snapshot = snapshot_of(BOOK, VenueState(equity_usd=10_000))
    after = predict(snapshot, (), (Fill(0, 1, wad(3_000) + 1, 0),)).venues[0]
    assert after.equity_low == wad(10_000) - 1
    assert after.equity_high == wad(10_000)


@pytest.mark.parametrize(("traded", "low", "high"), [("10", 15, 25), ("-10", -5, 5), ("-30", -25, -15)])
def test_predict__order_pending__both_ends_of_the_position_move(traded, low, high):
    """Ten units, and an order of five either way that has not been executed."""
    snapshot = snapshot_of(BOOK, VenueState(size=10, equity_usd=50_000))
    pending = replace(snapshot.measurement.venues[0], size_low=wad(5), size_high=wad(15), notional=wad(45_000))
    snapshot = replace(snapshot, measurement=replace(snapshot.measurement, venues=(pending,)))
    after = predict(snapshot, (), (fill(size=traded, price="3000", fee="0"),)).venues[0]
    assert (after.size_low, after.size_high) == (wad(low), wad(high))
    assert after.notional == wad(3_000 * max(abs(low), abs(high)))
    assert after.equity_low == wad(50_000)


@pytest.mark.parametrize(("ordered", "low", "high"), [("10", 5, 25), ("-10", -5, 15)])
def test_predict__order_beside_one_that_waits__moves_the_end_on_its_side_alone(ordered, low, high):
    snapshot = snapshot_of(BOOK, VenueState(size=10, equity_usd=50_000))
    pending = replace(snapshot.measurement.venues[0], size_low=wad(5), size_high=wad(15), notional=wad(45_000))
    snapshot = replace(snapshot, measurement=replace(snapshot.measurement, venues=(pending,)))
    after = predict(snapshot, (), (order(ordered, "3000", "0"),)).venues[0]
    assert (after.size_low, after.size_high) == (wad(low), wad(high))
    assert after.notional == wad(3_000 * max(abs(low), abs(high)))


def test_predict__unknown_venue__names_it():
    stranger = Leg(Address("0x00000000000000000000000000000000000000C3"), AssetUnits(1), wad(0), wad(0))
    with pytest.raises(DataError, match="0x00000000000000000000000000000000000000C3"):
        predict(snapshot_of(BOOK), (stranger,), ())


@pytest.mark.parametrize(
    ("mark", "index", "low", "high"),
    [
        ("3000", "3000", "2985", "3015"),  # 0.5 % on either side of the index
        ("2970", "3000", "2970", "3015"),  # the mark lies lower still
        ("3030", "3000", "2985", "3030"),
        ("3000", "3020", "2980", "3035.1"),  # the oracle's own range, 2,980 to 3,010, reaches lower
        ("3000", "2970", "2955.15", "3010"),
    ],
)
def test_predict__feed_that_may_lag__values_over_mark_index_and_range(mark, index, low, high):
    """Cash -9,980 and 20 units after 10 are bought at 3,010 for a fee of 30, beside 10 units and a cash of 20,150."""
    snapshot = snapshot_of(BOOK, VenueState(size=10, mark_usd=float(mark), index_usd=float(index)), deviation_bps=50)
    oracle = (wad(2_980), wad(3_010)) if index != "3000" else (wad(2_985), wad(3_015))
    equities = (wad(20_150) + 10 * wad(price) for price in ("3000", low, high))
    names = ("equity", "equity_low", "equity_high")
    measured = replace(
        snapshot.measurement.venues[0],
        price_low=oracle[0],
        price_high=oracle[1],
        **dict(zip(names, equities, strict=True)),
    )
    snapshot = replace(snapshot, measurement=replace(snapshot.measurement, venues=(measured,)))
    after = predict(snapshot, (), (fill(),)).venues[0]
    assert after.equity == wad(-9_980) + 20 * wad(3_000)
    assert after.equity_low == wad(-9_980) + 20 * wad(low)
    assert after.equity_high == wad(-9_980) + 20 * wad(high)


def test_predict__position_turns__worst_and_best_price_change_sides():
    snapshot = snapshot_of(BOOK, VenueState(size=10, equity_usd=50_000), deviation_bps=50)
    after = predict(snapshot, (), (fill(size="-20", price="3000", fee="0"),)).venues[0]
    cash = 50_000 - 10 * 2_985 + 20 * 3_000
    assert (after.equity_low, after.equity_high) == (wad(cash - 10 * 3_015), wad(cash - 10 * 2_985))


def test_predict__silent_venue_in_a_leg__names_it():
    snapshot = snapshot_of(BOOK, VenueState(equity_usd=10_000))
    silent = replace(snapshot.measurement.venues[0], is_silent=True)
    snapshot = replace(snapshot, measurement=replace(snapshot.measurement, venues=(silent,)))
    with pytest.raises(DataError, match="venue 0, which does not answer"):
        predict(snapshot, (leg(margin_usd=1),), ())
