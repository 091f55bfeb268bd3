"""Quotes of the Curie adapter against the trades that follow, to the wei, and where quotes end."""

from __future__ import annotations

import random

import pytest

from agent.localnet.codec import encode_call
from agent.localnet.curie.pool_math import TICK_SPACING, tick_on_grid
from agent.localnet.evm import Transaction
from agent.units import WAD
from tests.support.curie_market import GAS, NO_CEILING, NO_FLOOR, open_market, refused_by_venue, refused_with, whole

pytestmark = pytest.mark.chain

MARGIN_USD = 20_000_000
WORD_BOUNDARY_USD = 1.0001 ** (256 * TICK_SPACING * 5)
"""Price, 2,164 USD, at which one word of the pool's tick bitmap ends and a swap takes an extra step."""


@pytest.fixture(scope="module")
def market_of_the_module(tmp_path_factory):
    with open_market(tmp_path_factory.mktemp("curie")) as market:
        market.deposit(MARGIN_USD)
        yield market


@pytest.fixture
def market(market_of_the_module):
    with market_of_the_module.undone() as market:
        yield market


@pytest.fixture(scope="module")
def narrow_market(tmp_path_factory):
    """Liquidity from 3 % below to 3 % above the start, nothing beyond."""
    directory = tmp_path_factory.mktemp("narrow")
    with open_market(directory, maker_low_ratio=0.97, maker_high_ratio=1.03) as market:
        market.deposit(MARGIN_USD)
        yield market


@pytest.fixture(scope="module")
def cheap_market(tmp_path_factory):
    """A market whose price, 0.995 USD, lies at a negative tick."""
    with open_market(tmp_path_factory.mktemp("cheap"), start_price_usd=0.995) as market:
        market.deposit(100_000)
        yield market


def add_liquidity(market, low_usd, high_usd, base):
    """Have the maker add a second range, whose ends are ticks with liquidity."""
    low, high = tick_on_grid(low_usd), tick_on_grid(high_usd)
    order = (market.curie.base_token, base, base * 4_000, low, high, 0, 0, False, 2**256 - 1)
    signature = "addLiquidity((address,uint256,uint256,int24,int24,uint256,uint256,bool,uint256))"
    maker = market.accounts["liquidity_maker"]
    work = Transaction("liquidity", maker, market.curie.clearing_house, encode_call(signature, order), GAS)
    market.chain.mine([work])


def assert_quote_is_the_trade(market, size):
    price, fee = market.quote(size)
    execution = market.execute(size)
    assert (execution.size_delta, execution.price, execution.fee) == (size, price, fee)


# --- exactness ----------------------------------------------------------------------------------------------------


# HEDGE-505
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_quote__random_sizes_and_prices__the_trade_to_the_wei(market, seed):
    generator = random.Random(seed)
    price_usd = 3_200.0
    for number in range(25):
        if number % 5 == 4:
            price_usd *= generator.uniform(0.9, 1.1)
            market.step(price_usd)
        magnitude = 10 ** generator.uniform(-6, 2)
        size = int(generator.choice((-1, 1)) * magnitude * WAD) + generator.randrange(1_000)
        assert_quote_is_the_trade(market, size)


@pytest.mark.parametrize("size", [1, 2, 7, 1_000, 10**9, WAD - 1])
def test_quote__odd_and_tiny_purchases_and_sales__the_trade_to_the_wei(market, size):
    assert_quote_is_the_trade(market, size)
    assert_quote_is_the_trade(market, -size)


@pytest.mark.parametrize("size", [-60, 60, -200, 200])
def test_quote__across_the_end_of_a_bitmap_word__the_trade_to_the_wei(market, size):
    start_usd = WORD_BOUNDARY_USD * (1.001 if size < 0 else 0.999)
    market.step(start_usd)
    assert_quote_is_the_trade(market, whole(size))
    assert (market.localnet.market_price_usd() < WORD_BOUNDARY_USD) == (size < 0), "the trade crossed it"


# HEDGE-505
@pytest.mark.parametrize("size", [-60, 60, -300, 300])
def test_quote__across_ticks_with_liquidity__the_trade_to_the_wei(market, size):
    add_liquidity(market, 3_180.0, 3_220.0, whole(200))
    add_liquidity(market, 3_150.0, 3_250.0, whole(77))
    assert_quote_is_the_trade(market, whole(size))
    assert_quote_is_the_trade(market, whole(-size))
    assert_quote_is_the_trade(market, whole(-size))


@pytest.mark.parametrize("size", [-75, 0.5, -0.5, 30, 150])
def test_quote__price_below_one__the_trade_to_the_wei(cheap_market, size):
    with cheap_market.undone() as market:
        assert_quote_is_the_trade(market, whole(size))
        assert (market.localnet.market_price_usd() > 1.0) == (size == 150), "the largest goes through tick 0"


@pytest.mark.parametrize("size", [-33, 33])
def test_quote__fee_discount_of_the_account__in_the_quote(market, size):
    _, full_fee = market.quote(whole(size))
    owner, registry = market.accounts["deployer"], market.curie.market_registry
    market.as_owner(registry, "setFeeManager(address,bool)", owner, True)
    market.as_owner(registry, "setFeeDiscountRatio(address,uint24)", market.venue, 400_000)
    _, fee = market.quote(whole(size))
    assert fee == pytest.approx(full_fee * 0.6, rel=1e-3)
    assert_quote_is_the_trade(market, whole(size))


@pytest.mark.parametrize("fee_ratio", [0, 1, 20_000])
def test_quote__other_exchange_fee__the_trade_to_the_wei(market, fee_ratio):
    market.as_owner(market.curie.market_registry, "setFeeRatio(address,uint24)", market.curie.base_token, fee_ratio)
    for size in (-33.3, 44.4):
        assert_quote_is_the_trade(market, whole(size))


def test_quote__both_sides__cost_more_the_larger_they_are(market):
    sales = [market.quote(whole(-size))[0] for size in (1, 10, 100)]
    purchases = [market.quote(whole(size))[0] for size in (1, 10, 100)]
    assert sales == sorted(sales, reverse=True)
    assert purchases == sorted(purchases)
    assert sales[0] < 3_200 * WAD < purchases[0]


# --- where quotes end ---------------------------------------------------------------------------------------------


def test_quote__size_of_zero__refused(market):
    with refused_with("ZeroSize()"):
        market.quote(0)


@pytest.mark.parametrize("size", [-(2**255), -(2**128), 2**128, 2**255 - 1, 2**128 - 1, 1 - 2**128])
def test_quote__more_than_any_pool_holds__beyond_range(market, size):
    with refused_with("SizeBeyondLiquidity(int256)", size):
        market.quote(size)


# HEDGE-505
@pytest.mark.parametrize(
    ("is_long", "index_usd", "reason"),
    [
        (True, 3_200.0, "EX_OPB"),  # 10 % above the index
        (False, 3_200.0, "EX_OPLAS"),  # 1,000 ticks below where the pool stood, 9.5 %
        (False, 3_300.0, "EX_OPB"),
        (True, 3_300.0, "EX_OPLAS"),
    ],
)
def test_capacity__limits_of_venue__quoted_traded_and_hardly_more_refused_by_both(market, is_long, index_usd, reason):
    market.publish(index_usd)
    market.pass_time(60)
    sign = 1 if is_long else -1
    capacity = market.capacity(is_long)
    assert capacity > 500 * WAD
    beyond = capacity + capacity // 10**4
    with refused_with("SizeBeyondLiquidity(int256)", sign * beyond):
        market.quote(sign * beyond)
    with refused_by_venue(reason):
        market.send("execute(int256,uint256)", sign * beyond, NO_CEILING if is_long else NO_FLOOR)
    assert_quote_is_the_trade(market, sign * capacity)


@pytest.mark.parametrize("is_long", [True, False])
def test_capacity__trading_halted_by_the_venue__none(market, is_long):
    set_ticks = "setMaxTickCrossedWithinBlock(address,uint24)"
    market.as_owner(market.curie.exchange, set_ticks, market.curie.base_token, 0)
    size = whole(1 if is_long else -1)
    assert market.capacity(is_long) == 0
    with refused_with("SizeBeyondLiquidity(int256)", size):
        market.quote(size)
    with refused_by_venue("EX_MIP"):
        market.send("execute(int256,uint256)", size, NO_CEILING if is_long else NO_FLOOR)


@pytest.mark.parametrize("is_long", [True, False])
def test_capacity__pool_beyond_limit_already__none_on_that_side_and_exact_on_other(market, is_long):
    market.publish(3_200.0 * (0.85 if is_long else 1.15))
    away = whole(1 if is_long else -1)
    assert market.capacity(is_long) == 0
    with refused_with("SizeBeyondLiquidity(int256)", away):
        market.quote(away)
    with refused_by_venue("EX_OPB"):
        market.send("execute(int256,uint256)", away, NO_CEILING if is_long else NO_FLOOR)
    assert market.capacity(not is_long) > 500 * WAD
    assert_quote_is_the_trade(market, -10 * away)


@pytest.mark.parametrize("is_long", [True, False])
def test_capacity__liquidity_ends_before_the_limit__all_there_is_and_no_more(narrow_market, is_long):
    with narrow_market.undone() as market:
        sign = 1 if is_long else -1
        capacity = market.capacity(is_long)
        assert 100 * WAD < capacity < 700 * WAD
        with refused_with("SizeBeyondLiquidity(int256)", sign * (capacity + WAD)):
            market.quote(sign * (capacity + WAD))
        assert_quote_is_the_trade(market, sign * (capacity - WAD))
