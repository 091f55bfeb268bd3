"""The closed form of a virtual market maker against the quotes of real Curie contracts."""

from __future__ import annotations

import pytest

from agent.costs.curves.constant_product import ConstantProduct
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


def test_constant_product__after_a_trade__is_the_curve_of_the_pool_then(market):
    with market.undone() as traded:
        expected = curve_of(traded).after(30.0)
        traded.execute(whole(30))
        found = curve_of(traded)
    assert found.base_reserve == pytest.approx(expected.base_reserve, rel=1e-12)
    assert found.quote_reserve_usd == pytest.approx(expected.quote_reserve_usd, rel=1e-12)
