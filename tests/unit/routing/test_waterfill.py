"""Spreading a size over quoted ladders, in integers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.costs.curves.base import ladder, trade_cost_usd
from agent.costs.curves.constant_product import ConstantProduct
from agent.costs.quotes import Ladder, Rung, ladder_of
from agent.domain import VenueSnapshot
from agent.errors import DataError
from agent.routing.split import Offer, split_trade
from agent.routing.waterfill import MarginalCurve, Waterfill, marginal_curve
from agent.units import WAD, Address, AssetUnits, Wad
from tests.support.venue_offers import SPOT_USD, pools, skews

MANY = settings(max_examples=150, deadline=None, derandomize=True)
LADDER_SIZES = [80.0 / 2**halvings for halvings in reversed(range(9))]
"""As `SnapshotReader` asks for them."""
NO_LIMIT = 10**30


def quoted(curve, is_buy):
    address = Address("0x00000000000000000000000000000000000000A1")
    quotes = ladder(curve, LADDER_SIZES)
    venue = VenueSnapshot(address, "venue", Wad(0), Wad(WAD), Wad(WAD), Wad(0), AssetUnits(0), quotes)
    return ladder_of(venue, is_buy)


def spread_over(ladders, size, carries=None):
    carries = carries or [0] * len(ladders)
    curves = [marginal_curve(steps, carry, NO_LIMIT) for steps, carry in zip(ladders, carries, strict=True)]
    return list(Waterfill(curves).shares(size).sizes)


def steps(*rungs, is_buy=True):
    return Ladder(is_buy, tuple(Rung(*(int(number * WAD) for number in rung)) for rung in rungs))


@st.composite
def marginal_curves(draw):
    count = draw(st.integers(1, 6))
    costs = sorted(draw(st.lists(st.integers(-50, 50), min_size=count + 1, max_size=count + 1)))
    widths = draw(st.lists(st.integers(0, 1_000), min_size=count, max_size=count))
    sizes = [sum(widths[:position]) for position in range(count + 1)]
    return MarginalCurve(tuple(costs), tuple(sizes))


@MANY
@given(st.lists(marginal_curves(), min_size=1, max_size=5), st.floats(0.0, 1.0))
def test_waterfill__any_curves__adds_up_and_stands_at_one_cost(curves, part):
    size = int(sum(curve.sizes[-1] for curve in curves) * part)
    found = Waterfill(curves).shares(size)
    shares = found.sizes
    assert sum(shares) == size
    for curve, share in zip(curves, shares, strict=True):
        assert 0 <= share <= curve.sizes[-1]
    # A share lies between what is traded just below the cost and just above it, to the rounding of whole sizes.
    unit = len(curves)
    for curve, share in zip(curves, shares, strict=True):
        assert curve.most_at(found.cost - 1) - unit <= share <= curve.most_at(found.cost + 1) + unit


@pytest.mark.parametrize("is_buy", [True, False], ids=["buy", "sell"])
@MANY
@given(data=st.data())
def test_waterfill__ladders_of_smooth_curves__costs_as_the_exact_split(is_buy, data):
    """Nine quotes a side lose less than a hundredth of a basis point, or a hundredth of what the impact costs."""
    curves = data.draw(st.lists(st.one_of(pools(), skews()), min_size=1, max_size=4))
    sign = 1.0 if is_buy else -1.0
    size = data.draw(st.floats(0.5, 75.0)) * len(curves)
    exact = split_trade([Offer("venue", curve, largest_size=80.0) for curve in curves], sign * size)
    shares = spread_over([quoted(curve, is_buy) for curve in curves], int(size * WAD))
    costs = [
        trade_cost_usd(curve, sign * share / WAD) for curve, share in zip(curves, shares, strict=True) if share > 0
    ]
    lost_usd = math.fsum(costs) - exact.cost_usd
    impact_usd = exact.cost_usd - min(curve.marginal_cost_usd(0.0, is_buy=is_buy) for curve in curves) * size
    assert -1e-6 <= lost_usd <= 1e-6 * SPOT_USD * size + 0.01 * impact_usd


def test_waterfill__between_rungs__shares_alike_and_not_rung_by_rung():
    pool = ConstantProduct.of_range(SPOT_USD, 2_000.0, 4_500.0, 1_194_000.0, 0.001)
    shares = spread_over([quoted(pool, True)] * 2, 56 * WAD)
    assert shares == [28 * WAD, 28 * WAD]


def test_waterfill__flat_venues_alike__earlier_comes_first():
    flat = steps((10.0, 3_000.0, 0.0))
    assert spread_over([flat, flat], 12 * WAD) == [10 * WAD, 2 * WAD]


@pytest.mark.parametrize(("carries", "expected"), [([1, 0], [0, 4]), ([0, 1], [4, 0]), ([-1, 0], [4, 0])])
def test_waterfill__funding_carry__orders_venues_of_one_price(carries, expected):
    flat = steps((10.0, 3_000.0, 0.0))
    shares = spread_over([flat, flat], 4 * WAD, [carry * WAD for carry in carries])
    assert shares == [share * WAD for share in expected]


def test_marginal_curve__steps_that_get_cheaper__are_joined():
    """A minimum fee of 6 USD: 1 unit costs 3,006, 2 units 6,006, so every unit of two costs 3,003."""
    curve = marginal_curve(steps((1.0, 3_000.0, 6.0), (2.0, 3_000.0, 6.0)), 0, NO_LIMIT)
    assert curve.costs == (3_003 * WAD, 3_003 * WAD)
    assert curve.sizes == (0, 2 * WAD)


@pytest.mark.parametrize("is_buy", [True, False], ids=["buy", "sell"])
def test_marginal_curve__smooth_venue__follows_its_margin(is_buy):
    pool = ConstantProduct.of_range(SPOT_USD, 2_000.0, 4_500.0, 1_194_000.0, 0.001)
    curve = marginal_curve(quoted(pool, is_buy), 0, NO_LIMIT)
    for cost, size in zip(curve.costs, curve.sizes, strict=True):
        exact = pool.marginal_cost_usd((1 if is_buy else -1) * size / WAD, is_buy=is_buy)
        assert cost / WAD == pytest.approx(exact, abs=0.02)


def test_marginal_curve__room__ends_it():
    curve = marginal_curve(steps((1.0, 3_000.0, 0.0), (9.0, 3_010.0, 0.0)), 0, 3 * WAD)
    assert curve.sizes == (0, WAD, 3 * WAD)
    assert curve.costs == tuple(sorted(curve.costs))


def test_marginal_curve__no_quotes__has_no_size():
    assert marginal_curve(Ladder(True, ()), 0, NO_LIMIT).sizes[-1] == 0


def test_waterfill__asked_again__answers_as_a_new_one():
    pool = ConstantProduct.of_range(SPOT_USD, 2_000.0, 4_500.0, 1_194_000.0, 0.001)
    curves = [marginal_curve(quoted(pool, True), carry * WAD, NO_LIMIT) for carry in (0, 1, 2)]
    used = Waterfill(curves)
    sizes = [int(size * WAD) for size in (100.0, 3.0, 240.0, 50.5, 3.0)]
    assert [used.shares(size) for size in sizes] == [Waterfill(curves).shares(size) for size in sizes]


def test_waterfill__more_than_there_is__is_refused_with_the_excess():
    with pytest.raises(DataError, match=f"size {3 * WAD} exceeds what the venues take by {WAD}"):
        spread_over([steps((2.0, 3_000.0, 0.0))], 3 * WAD)
