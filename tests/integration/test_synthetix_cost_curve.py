"""The closed form of a skew-priced venue, and the keeper's ladder, against the quotes of real Synthetix contracts."""

from __future__ import annotations

import random

import pytest

from agent.costs.curves.skew_priced import SkewPriced
from agent.costs.quotes import Ladder, Rung, price_range
from agent.domain import LADDER_RUNGS
from agent.units import WAD
from tests.support.curie_market import whole
from tests.support.synthetix_market import open_market

pytestmark = pytest.mark.chain

MAKER_FEE_RATIO, TAKER_FEE_RATIO, SKEW_SCALE = 0.000_001, 0.0006, 1_000_000.0
"""Of the live market's off-chain orders."""
PREMIUM_UNITS = 4
"""Synthetix counts premiums in 1e-18 of the price: what its rounding may come to, in prices over 1e18."""


@pytest.fixture(scope="module", params=[0, 150, -150])
def market(request):
    with open_market() as market:
        market.deposit(5_000_000)
        market.fund_stranger()
        if request.param:
            market.trade_as_stranger(whole(request.param))
        yield market


def curve_of(market):
    skew = market.venue_view("marketSkew()", returns="(int128)")[0] / WAD
    buys, sells = (market.view("capacity(bool)", side, returns="(uint256)")[0] / WAD for side in (True, False))
    return SkewPriced(market.price_usd(), skew, SKEW_SCALE, MAKER_FEE_RATIO, TAKER_FEE_RATIO, buys, sells)


# HEDGE-554
@pytest.mark.parametrize("size", [0.01, -0.01, 1, -1, 149, -149, 151, -151, 2_000, -2_000])
def test_skew_priced__synthetix_quotes__are_its_price_and_fee(market, size):
    price, fee = market.quote(whole(size))
    curve = curve_of(market)
    assert curve.execution_price_usd(size) == pytest.approx(price / WAD, rel=1e-12)
    assert curve.fee_usd(size) == pytest.approx(fee / WAD, rel=1e-9, abs=1e-12)


# HEDGE-554
@pytest.mark.parametrize("size", [40, -40, 200, -200])
def test_skew_priced__after_an_order__is_the_curve_of_the_market_then(market, size):
    with market.undone() as traded:
        expected = curve_of(traded).after(size)
        assert traded.trade(whole(size)).filled == whole(size)
        found = curve_of(traded)
    assert found.skew == pytest.approx(expected.skew, abs=1e-12)
    # The adapter's own position can be given up beside what the market's limit leaves.
    assert found.buy_capacity == pytest.approx(expected.buy_capacity)
    assert found.sell_capacity == pytest.approx(expected.sell_capacity)


# HEDGE-554
@pytest.mark.parametrize("is_buy", [True, False])
def test_price_range__any_size__holds_the_quote(market, is_buy):
    sizes = [(80 * WAD) >> halvings for halvings in reversed(range(LADDER_RUNGS))]
    ladder = Ladder(is_buy, tuple(Rung(size, *market.quote(size if is_buy else -size)) for size in sizes))
    rng = random.Random(20260801)
    for size in (round(80 * WAD * 10.0 ** rng.uniform(-9.0, 0.0)) for _ in range(60)):
        low, high = price_range(ladder, size)
        price, _ = market.quote(size if is_buy else -size)
        rounding = PREMIUM_UNITS * price // WAD
        assert low - rounding <= price <= high + rounding, size
