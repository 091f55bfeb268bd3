"""The closed form of a virtual market maker against the quotes of real Curie contracts."""

from __future__ import annotations

import random

import pytest

from agent.costs.curves.constant_product import ConstantProduct
from agent.costs.quotes import Ladder, Rung, price_range
from agent.domain import LADDER_RUNGS
from agent.units import WAD
from tests.support.curie_market import open_market, whole

pytestmark = pytest.mark.chain

FEE_RATIO = 0.001
"""Curie's exchange fee on the local chain."""


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    with open_market(tmp_path_factory.mktemp("curie")) as market:
        market.deposit(20_000_000)
        yield market


def curve_of(market):
    liquidity = market.venue_value(market.curie.pool, "liquidity()", returns="(uint128)") / WAD
    price_usd = market.localnet.market_price_usd()
    root = price_usd**0.5
    capacities = (market.capacity(is_long) / WAD for is_long in (True, False))
    return ConstantProduct(liquidity / root, liquidity * root, FEE_RATIO, *capacities)


@pytest.mark.parametrize("size", [0.01, -0.01, 1, -1, 53, -53, 200, -200])
def test_constant_product__curie_quotes__are_its_price_and_fee(market, size):
    price, fee = market.quote(whole(size))
    curve = curve_of(market)
    assert curve.execution_price_usd(size) == pytest.approx(price / WAD, rel=1e-12)
    assert curve.fee_usd(size) == pytest.approx(fee / WAD, rel=1e-12)


def _ladders(market):
    """Both sides as the keeper reads them: the largest size and its halves."""
    sizes = [(80 * WAD) >> halvings for halvings in reversed(range(LADDER_RUNGS))]
    return {
        is_buy: Ladder(is_buy, tuple(Rung(size, *market.quote(size if is_buy else -size)) for size in sizes))
        for is_buy in (True, False)
    }


def _any_sizes(count):
    rng = random.Random(20260801)
    return [round(80 * WAD * 10.0 ** rng.uniform(-9.0, 0.0)) for _ in range(count)]


@pytest.mark.parametrize("is_buy", [True, False])
def test_price_range__any_size__holds_the_quote(market, is_buy):
    ladder = _ladders(market)[is_buy]
    for size in _any_sizes(60):
        low, high = price_range(ladder, size)
        price, _ = market.quote(size if is_buy else -size)
        assert low <= price <= high, size
        assert high - low <= 2e-4 * price + 3 * WAD * WAD // size


def test_price_range__small_sales_done__fill_above_the_smallest_rung(market):
    ladder = _ladders(market)[False]
    sizes = [size for size in _any_sizes(60) if 10**12 < size < ladder.rungs[0].size][:8]
    rung_price = ladder.rungs[0].execution_price
    for size in sizes:
        with market.undone() as traded:
            done = traded.execute(-size)
        low, high = price_range(ladder, size)
        assert rung_price < done.price, "a forecast at the rung's price is too low"
        assert low <= done.price <= high


def test_constant_product__after_a_trade__is_the_curve_of_the_pool_then(market):
    with market.undone() as traded:
        expected = curve_of(traded).after(30.0)
        traded.execute(whole(30))
        found = curve_of(traded)
    assert found.base_reserve == pytest.approx(expected.base_reserve, rel=1e-12)
    assert found.quote_reserve_usd == pytest.approx(expected.quote_reserve_usd, rel=1e-12)
