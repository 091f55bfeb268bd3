"""The cheapest split over curves in closed form."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from agent.costs.curves.constant_product import ConstantProduct
from agent.costs.curves.fixed_spread import FixedSpread
from agent.costs.curves.order_book import BookLevel, OrderBook
from agent.costs.curves.skew_priced import SkewPriced
from agent.errors import DataError
from agent.routing.split import EXACT_OFFERS, Offer, funding_carry_usd, split_trade
from tests.support.venue_offers import SPOT_USD, any_split, cost_of, offers, room, subsets

MANY = settings(max_examples=120, deadline=None, derandomize=True)
POOL = Offer("pool", ConstantProduct.of_range(SPOT_USD, 2_000.0, 4_500.0, 1_194_000.0, 0.001))
SKEW = Offer("skew", SkewPriced(SPOT_USD, 0.0, 100_000.0, 0.0002, 0.0006, 500.0, 500.0))
SPREAD = Offer("spread", FixedSpread(SPOT_USD, 0.0002, 0.0008, 40.0, 40.0))
BOOK = Offer(
    "book",
    OrderBook(
        (BookLevel(2_999.0, 10.0), BookLevel(2_995.0, 50.0)), (BookLevel(3_001.0, 10.0), BookLevel(3_005.0, 50.0)), 3e-4
    ),
)
ALL = [POOL, SKEW, SPREAD, BOOK]


def rounding(split):
    """What float sums of thousands of USD may differ by."""
    return 1e-9 * max(abs(split.cost_usd), 1.0)


# --- the best there is --------------------------------------------------------------------------------------------


@MANY
@given(st.data())
def test_split_trade__any_other_split__costs_no_less(data):
    venues = data.draw(offers())
    is_buy = data.draw(st.booleans())
    size = sum(room(offer, is_buy) for offer in venues) * data.draw(st.floats(0.01, 0.99))
    split = split_trade(venues, math.copysign(size, 1.0 if is_buy else -1.0))
    assert sum(split.sizes) == pytest.approx(math.copysign(size, 1.0 if is_buy else -1.0), rel=1e-12)
    assert split.cost_usd == pytest.approx(cost_of(venues, split.sizes), abs=rounding(split))
    for _ in range(10):
        other = any_split(data.draw, venues, size, is_buy)
        assert cost_of(venues, other) >= split.cost_usd - rounding(split)


@pytest.mark.parametrize("size", [3.0, 60.0, 150.0, -3.0, -60.0, -150.0])
def test_split_trade__general_optimiser__finds_nothing_cheaper(size):
    """SLSQP on the smooth venues, from the split of equal parts."""
    venues, sign = [POOL, SKEW, replace(POOL, curve=POOL.curve.after(-20.0))], math.copysign(1.0, size)
    split = split_trade(venues, size)
    start = np.full(3, abs(size) / 3.0)

    def shifted_cost(shares):
        return cost_of(venues, [float(sign * max(share, 0.0)) for share in shares]) - SPOT_USD * size

    found = minimize(
        shifted_cost,
        start,
        method="SLSQP",
        bounds=[(0.0, None)] * 3,
        constraints={"type": "eq", "fun": lambda shares: shares.sum() - abs(size)},
        options={"ftol": 1e-14, "maxiter": 300},
    )
    assert split.cost_usd - SPOT_USD * size == pytest.approx(found.fun, rel=1e-6)
    assert np.abs(split.sizes) == pytest.approx(np.abs(found.x), abs=2e-3 * abs(size))


@pytest.mark.parametrize("size", [5.0, 40.0, 200.0, -5.0, -40.0, -200.0])
def test_split_trade__venues_in_use__stand_at_one_marginal_cost(size):
    split = split_trade(ALL, size)
    is_buy = size > 0
    for offer, share in zip(ALL, split.sizes, strict=True):
        margin = offer.curve.marginal_cost_usd(share, is_buy=is_buy)
        if share == 0.0:
            assert margin >= split.marginal_cost_usd - 1e-9
        elif offer in (POOL, SKEW):
            assert margin == pytest.approx(split.marginal_cost_usd, rel=1e-12)
        else:
            just_below = offer.curve.marginal_cost_usd(share * (1 - 1e-9), is_buy=is_buy)
            assert just_below <= split.marginal_cost_usd + 1e-9


@MANY
@given(st.data())
def test_split_trade__with_gas__is_the_best_of_every_set_of_venues(data):
    venues = data.draw(offers())
    is_buy = data.draw(st.booleans())
    sign = 1.0 if is_buy else -1.0
    size = sum(room(offer, is_buy) for offer in venues) * data.draw(st.floats(0.01, 0.9))
    gas = data.draw(st.floats(0.01, 200.0))
    split = split_trade(venues, sign * size, gas)
    best = math.inf
    for chosen in subsets(venues):
        if sum(room(venues[index], is_buy) for index in chosen) >= size:
            part = split_trade([venues[index] for index in chosen], sign * size)
            best = min(best, part.cost_usd + gas * sum(1 for share in part.sizes if share != 0.0))
    assert split.cost_usd == pytest.approx(best, abs=rounding(split))
    assert split.cost_usd == pytest.approx(cost_of(venues, split.sizes, gas), abs=rounding(split))


def test_split_trade__dear_gas__leaves_one_leg_and_free_gas_uses_all():
    free, dear = (split_trade(ALL, 100.0, gas) for gas in (0.0, 1e5))
    assert sum(1 for size in free.sizes if size) == 4
    assert sum(1 for size in dear.sizes if size) == 1
    assert dear.cost_usd == min(
        cost_of(ALL, [100.0 if index == chosen else 0.0 for index in range(4)], 1e5) for chosen in (0, 1)
    )


def test_split_trade__more_venues_than_are_enumerated__drops_those_that_do_not_pay():
    venues = [replace(POOL, name=f"pool {index}") for index in range(EXACT_OFFERS + 4)]
    free, dear = (split_trade(venues, 60.0, gas) for gas in (0.0, 5.0))
    legs = sum(1 for size in dear.sizes if size)
    assert sum(1 for size in free.sizes if size) == len(venues)
    by_count = [split_trade(venues[:count], 60.0).cost_usd + 5.0 * count for count in range(1, len(venues) + 1)]
    assert legs == 1 + by_count.index(min(by_count))
    assert dear.cost_usd == pytest.approx(min(by_count), abs=1e-6)


# --- limits and signs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offer", ALL, ids=lambda offer: offer.name)
@pytest.mark.parametrize("size", [2.0, -2.0])
def test_split_trade__one_venue__trades_it_all_there(offer, size):
    split = split_trade([offer], size, 7.0)
    assert split.sizes == (size,)
    assert split.cost_usd == pytest.approx(cost_of([offer], [size], 7.0), rel=1e-15)


@pytest.mark.parametrize("size", [50.0, -50.0])
def test_split_trade__like_venues__share_alike(size):
    split = split_trade([POOL, POOL], size)
    assert split.sizes == pytest.approx((size / 2, size / 2), rel=1e-9)


def test_split_trade__buys_cost_and_sales_earn():
    assert split_trade(ALL, 10.0).cost_usd > 30_000.0
    assert -30_000.0 < split_trade(ALL, -10.0).cost_usd < 0.0


@pytest.mark.parametrize(("carry", "favoured"), [(2.0, 1), (-2.0, 0)])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_split_trade__longs_pay_funding__buys_avoid_it_and_sales_seek_it(carry, favoured, sign):
    split = split_trade([replace(POOL, long_carry_usd=carry), POOL], sign * 50.0)
    more = favoured if sign > 0 else 1 - favoured
    assert abs(split.sizes[more]) > abs(split.sizes[1 - more])
    assert sum(split.sizes) == pytest.approx(sign * 50.0)


def test_funding_carry_usd__rate_horizon_and_price__multiply():
    assert funding_carry_usd(0.001, 0.5, 3_000.0) == 1.5
    assert funding_carry_usd(-0.001, 0.5, 3_000.0) == -1.5
    with pytest.raises(DataError, match="horizon_days is -1"):
        funding_carry_usd(0.001, -1.0, 3_000.0)


def test_split_trade__pending_order__takes_the_best_of_its_venue_first():
    split = split_trade([replace(POOL, pending=30.0), POOL], 50.0)
    assert split.sizes == pytest.approx((10.0, 40.0), rel=1e-9)
    back = split_trade([replace(POOL, pending=-30.0), POOL], 50.0)
    assert back.sizes == pytest.approx((40.0, 10.0), rel=1e-9)


def test_split_trade__largest_size__is_kept_and_the_rest_goes_elsewhere():
    split = split_trade([replace(SKEW, largest_size=12.0), POOL], 80.0)
    assert split.sizes == (12.0, 68.0)


def test_split_trade__all_that_there_is__is_taken_everywhere():
    room_in_all = sum(offer.curve.capacity(is_buy=True) for offer in ALL)
    split = split_trade(ALL, room_in_all)
    assert split.sizes == pytest.approx([offer.curve.capacity(is_buy=True) for offer in ALL], rel=1e-12)


@pytest.mark.parametrize(
    ("venues", "size", "gas", "message"),
    [
        (ALL, 1e9, 0.0, "size_delta is 1000000000.0; the venues take at most"),
        ([], 1.0, 0.0, "the venues take at most 0"),
        (ALL, 0.0, 0.0, "absolute size_delta is 0.0"),
        (ALL, math.nan, 0.0, "size_delta is nan"),
        (ALL, 1.0, -1.0, "leg_gas_usd is -1.0"),
    ],
)
def test_split_trade__impossible__is_refused_with_the_number(venues, size, gas, message):
    with pytest.raises(DataError, match=message):
        split_trade(venues, size, gas)


@pytest.mark.parametrize(
    "changes", [{"long_carry_usd": math.nan}, {"pending": math.inf}, {"largest_size": -1.0}, {"largest_size": math.nan}]
)
def test_offer__bad_number__is_refused_with_venue_and_field(changes):
    (field,) = changes
    with pytest.raises(DataError, match=f"{field} of pool is"):
        replace(POOL, **changes)


@MANY
@given(st.data())
def test_split_trade__more_to_trade__costs_more_at_the_margin(data):
    venues = data.draw(offers())
    room_in_all = sum(room(offer, True) for offer in venues)
    small, large = sorted(room_in_all * data.draw(st.floats(0.01, 0.99)) for _ in range(2))
    assume(large > small * (1.0 + 1e-6))
    first, second = split_trade(venues, small), split_trade(venues, large)
    assert second.marginal_cost_usd >= first.marginal_cost_usd - 1e-9
    mean = (second.cost_usd - first.cost_usd) / (large - small)
    assert first.marginal_cost_usd - 1e-4 <= mean <= second.marginal_cost_usd + 1e-4
