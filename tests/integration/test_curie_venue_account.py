"""`account()` of the Curie adapter against Curie's own value and mark price, in every state of account and market."""

from __future__ import annotations

import random

import pytest

from agent.units import WAD
from tests.support.curie_market import USDC_UNIT, WALK_KINDS, open_market, random_event, refused_by_venue, whole

pytestmark = pytest.mark.chain

MARGIN_USD = 400_000
ROUNDS = 60
HOUR = 3_600
ACCOUNT = "(int256,int256,int256,int256,uint256,uint256)"
RATIO_UNIT = 10**6


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
def cheap_market(tmp_path_factory):
    """A market whose price, 0.995 USD, lies at a negative tick."""
    with open_market(tmp_path_factory.mktemp("cheap"), start_price_usd=0.995) as market:
        market.deposit(100_000)
        yield market


def account_value(market):
    value_of = ("getAccountValue(address)", market.venue)
    return market.venue_value(market.curie.clearing_house, *value_of, returns="(int256)")


def total_size(market):
    pair = (market.venue, market.curie.base_token)
    size_of = "getTotalPositionSize(address,address)"
    return market.venue_value(market.curie.account_balance, size_of, *pair, returns="(int256)")


def assert_account_is_the_venues(market, mark=None):
    """Size, equity and index to the wei; the mark price so near that the position is worth the same to the wei."""
    size, negative, positive, equity, mark_price, index_price = market.view("account()", returns=ACCOUNT)
    assert (negative, positive) == (0, 0)
    assert size == total_size(market) == market.view("size()", returns="(int256)")[0]
    assert equity == account_value(market)
    assert index_price == market.view("indexPrice()", returns="(uint256)")[0]
    mark = market.view("markPrice()", returns="(uint256)")[0] if mark is None else mark
    if size == 0:
        assert mark_price == index_price
    else:
        assert abs(size) * abs(mark_price - mark) < WAD
        assert abs(size) * mark_price // WAD == abs(size) * mark // WAD


# --- the account --------------------------------------------------------------------------------------------------


# HEDGE-501, HEDGE-503
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_account__random_trades_time_and_moves__equals_the_venues_own_figures(market, seed):
    generator = random.Random(seed)
    price_usd = 3_200.0
    for _ in range(ROUNDS):
        kind = generator.randrange(WALK_KINDS + 1)
        if kind == WALK_KINDS:
            market.send("withdrawMargin(uint256)", generator.randrange(1_000))
        else:
            price_usd = random_event(market, generator, kind, price_usd)
        assert_account_is_the_venues(market)


# HEDGE-501, HEDGE-503
@pytest.mark.parametrize("size", [-100 * WAD, -WAD, WAD + 1, 10**15 + 7, -(10**12), 10**12 - 1, -(10**9), 10, -9])
def test_account__sizes_down_to_dust__position_worth_the_same(market, size):
    market.execute(size)
    assert_account_is_the_venues(market)
    market.step(3_217.0)
    assert_account_is_the_venues(market)


# HEDGE-501, HEDGE-503
@pytest.mark.parametrize("size", [75, -75, 0.5, -0.000002])
def test_account__price_below_one__equals_the_venues_own_figures(cheap_market, size):
    with cheap_market.undone() as market:
        market.execute(whole(size))
        market.pass_time(HOUR)
        assert_account_is_the_venues(market)


# HEDGE-501
def test_account__funding_pending__inside_the_equity(market):
    market.execute(whole(-40))
    market.trade_as(market.accounts["arbitrageur"], whole(150))
    market.pass_time(HOUR)
    before = market.view("account()", returns=ACCOUNT)
    market.pass_time(12 * HOUR)
    after = market.view("account()", returns=ACCOUNT)
    assert market.position().funding_accrued > 500 * WAD
    assert after[3] - before[3] > 500 * WAD
    assert_account_is_the_venues(market)


# HEDGE-501
def test_account__flat_with_profit_owed__inside_the_equity(market):
    market.execute(whole(-40))
    market.step(3_000.0)
    market.execute(whole(40))
    size, _, _, equity, mark_price, index_price = market.view("account()", returns=ACCOUNT)
    assert size == 0
    assert equity > (MARGIN_USD + 7_000) * WAD
    assert mark_price == index_price
    assert_account_is_the_venues(market)


# HEDGE-501
def test_account__under_water__negative_and_the_venues(market):
    market.send("withdrawMargin(uint256)", (MARGIN_USD - 20_000) * USDC_UNIT)
    market.execute(whole(-50))
    market.step(4_000.0)
    assert market.view("account()", returns=ACCOUNT)[3] < 0
    assert_account_is_the_venues(market)


# HEDGE-501
def test_account__liquidated_in_part_and_in_full__the_venues(market):
    market.send("withdrawMargin(uint256)", (MARGIN_USD - 20_000) * USDC_UNIT)
    market.execute(whole(-50))
    for price_usd in (3_250.0, 3_350.0, 3_450.0):
        market.step(price_usd)
    pair = (market.venue, market.curie.base_token)
    for _ in range(2):
        liquidator = market.accounts["arbitrageur"]
        market.send_to(market.curie.clearing_house, "liquidate(address,address)", *pair, sender=liquidator)
        assert_account_is_the_venues(market)
        market.step(3_600.0)


# HEDGE-501, HEDGE-507
@pytest.mark.parametrize("size", [-40, 40, 0])
def test_account__market_paused_then_closed_then_quit__the_venues_and_leaves_in_full(market, size):
    if size:
        market.execute(whole(size))
        market.pass_time(HOUR)
    market.as_owner(market.curie.base_token, "pause()")
    market.pass_time(HOUR)
    assert_account_is_the_venues(market)
    assert_free_collateral_is_all_that_leaves(market)
    market.as_owner(market.curie.base_token, "close(uint256)", 3_100 * WAD)
    assert_account_is_the_venues(market, mark=3_100 * WAD)
    assert_free_collateral_is_all_that_leaves(market)
    if size:
        quit_market = ("quitMarket(address,address)", market.venue, market.curie.base_token)
        market.send_to(market.curie.clearing_house, *quit_market, sender=market.accounts["attacker"])
    assert_account_is_the_venues(market)
    free = market.simulate("freeCollateral()", returns="(uint256)")[0]
    assert free * (WAD // USDC_UNIT) == account_value(market)
    market.send("withdrawMargin(uint256)", free)
    assert account_value(market) == 0


def assert_free_collateral_is_all_that_leaves(market):
    """One unit more is refused, all of it leaves; undone afterwards."""
    with market.undone():
        free = market.simulate("freeCollateral()", returns="(uint256)")[0]
        assert free > MARGIN_USD // 2 * USDC_UNIT
        with refused_by_venue("V_NEFC"):
            market.send("withdrawMargin(uint256)", free + 1)
        market.send("withdrawMargin(uint256)", free)
        held = market.venue_value(market.usdc, "balanceOf(address)", market.vault)
        assert held == free


# --- the highest funding rate -------------------------------------------------------------------------------------


# HEDGE-506
@pytest.mark.parametrize("ratio", [0, 1, 1_000, 100_000, RATIO_UNIT])
def test_max_funding_rate__set_by_the_venues_owner__followed_at_once(market, ratio):
    market.as_owner(market.curie.clearing_house_config, "setMaxFundingRate(uint24)", ratio)
    assert market.view("maxFundingRate()", returns="(uint256)") == (ratio * WAD // RATIO_UNIT,)


# HEDGE-506
@pytest.mark.parametrize("pushes", [150, -150])
def test_max_funding_rate__premium_beyond_it__a_day_costs_no_more(market, pushes):
    market.execute(whole(-1))
    market.trade_as(market.accounts["arbitrageur"], whole(pushes))
    market.pass_time(HOUR)
    market.as_owner(market.curie.clearing_house_config, "setMaxFundingRate(uint24)", 1_000)
    limit = market.view("maxFundingRate()", returns="(uint256)")[0]
    assert abs(market.view("fundingRate()", returns="(int256)")[0]) <= limit
    market.step(3_200.0)  # settles at the old premium what came before
    market.trade_as(market.accounts["arbitrageur"], whole(pushes))
    market.pass_time(HOUR)
    before = market.position().funding_accrued
    market.pass_time(24 * HOUR)
    earned = abs(market.position().funding_accrued - before)
    day_at_the_limit = limit * market.index_price() // WAD
    assert 0.99 * day_at_the_limit <= earned <= day_at_the_limit
