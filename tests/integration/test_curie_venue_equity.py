"""Equity, funding and prices of the Curie adapter, compared with Curie's own getters after trades, time and moves."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest

from agent.units import SECONDS_PER_DAY, WAD
from tests.support.curie_market import GRAIN, WALK_KINDS, open_market, random_event, whole

pytestmark = pytest.mark.chain

MARGIN_USD = 400_000
ROUNDS = 60
HOUR = 3_600


@pytest.fixture(scope="module")
def market_of_the_module(tmp_path_factory):
    with open_market(tmp_path_factory.mktemp("curie")) as market:
        market.deposit(MARGIN_USD)
        yield market


@pytest.fixture
def market(market_of_the_module):
    with market_of_the_module.undone() as market:
        yield market


def parts_of_the_account(market):
    """Collateral, owed PnL, funding and open notional of the account, each from the venue's contract that keeps it."""
    curie, venue = market.curie, market.venue
    balance = market.venue_value(curie.vault, "getBalance(address)", venue, returns="(int256)")
    owed = market.venue_value(
        curie.account_balance, "getPnlAndPendingFee(address)", venue, returns="(int256,int256,uint256)"
    )
    pair = (venue, curie.base_token)
    funding = market.venue_value(curie.exchange, "getPendingFundingPayment(address,address)", *pair, returns="(int256)")
    balance_sheet = "getTotalPositionSize(address,address)", "getTotalOpenNotional(address,address)"
    size, notional = (market.venue_value(curie.account_balance, of, *pair, returns="(int256)") for of in balance_sheet)
    return balance * GRAIN + owed - funding, size, notional


def assert_equity_is_the_venues(market):
    """Low and high are Curie's own account value and the account valued at the index, whichever is which."""
    cash, size, notional = parts_of_the_account(market)
    mark, index = market.mark_price(), market.index_price()
    account_value = market.venue_value(
        market.curie.clearing_house, "getAccountValue(address)", market.venue, returns="(int256)"
    )
    assert 0 <= cash + notional + size * mark // WAD - account_value <= GRAIN, "our reading of the account is Curie's"
    at_index = cash + notional + size * index // WAD
    at_index = Fraction(account_value) + Fraction(size * (index - mark), WAD)
    low, high = market.equity()
    assert low == min(account_value, math.floor(at_index))
    assert high == max(account_value, math.ceil(at_index))
    assert 0 <= cash + notional + size * index // WAD - math.floor(at_index) <= GRAIN + 1
    position = market.position()
    assert position.size == size
    assert position.margin + position.unrealised_pnl + position.funding_accrued == pytest.approx(
        account_value, abs=GRAIN + 1
    )


# --- the differential test ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
def test_equity__random_trades_time_and_moves__equals_the_venues_own_figures(market, seed):
    generator = random.Random(seed)
    price_usd = 3_200.0
    for _ in range(ROUNDS):
        price_usd = random_event(market, generator, generator.randrange(WALK_KINDS), price_usd)
        assert_equity_is_the_venues(market)


@pytest.mark.parametrize("size", [-40, 40])
def test_equity__index_moved_alone__bounds_lie_size_times_the_difference_apart(market, size):
    market.execute(whole(size))
    market.publish(3_300.0)
    mark, index = market.mark_price(), market.index_price()
    assert index - mark > 50 * WAD, "without a trade the mark hardly moves"
    low, high = market.equity()
    assert high - low == pytest.approx(40 * (index - mark), abs=2)
    account_value = market.venue_value(
        market.curie.clearing_house, "getAccountValue(address)", market.venue, returns="(int256)"
    )
    assert account_value == (high if size < 0 else low)


def test_equity__no_position__index_does_not_matter(market):
    market.publish(3_500.0)
    assert market.equity() == (MARGIN_USD * WAD, MARGIN_USD * WAD)


# --- funding ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("own_size", "pushes"), [(-40, 150), (-40, -150), (40, 150), (40, -150)])
def test_funding__pool_held_away_from_index__long_pays_premium_and_short_receives_it(market, own_size, pushes):
    market.execute(whole(own_size))
    market.step(3_200.0)
    market.trade_as(market.accounts["arbitrageur"], whole(pushes))
    market.pass_time(HOUR)  # from here on the averages stand at the new premium
    rate = market.view("fundingRate()", returns="(int256)")[0]
    assert (rate > 0) == (pushes > 0), "a pool above the index makes longs pay"
    assert abs(rate) / WAD > 0.005
    before, settled = market.position(), market.equity()
    market.pass_time(12 * HOUR)
    after = market.position()
    earned = after.funding_accrued - before.funding_accrued
    owed = -own_size * rate / WAD * 0.5 * market.index_price()  # of half a day
    assert earned == pytest.approx(owed, rel=1e-3)
    assert after.margin == before.margin, "nothing is settled yet"
    change = market.equity()[0] - settled[0]
    assert change == pytest.approx(earned, rel=5e-2), "the equity has it at once"
    market.execute(whole(own_size / 40))
    final = market.position()
    assert final.funding_accrued == 0
    assert final.margin - after.margin == pytest.approx(after.funding_accrued, rel=1e-3), "settled into the margin"


@pytest.mark.parametrize(("pushes", "held_at"), [(150, 0.001), (-150, -0.001)])
def test_funding_rate__premium_beyond_the_venues_maximum__held_at_it(market, pushes, held_at):
    market.trade_as(market.accounts["arbitrageur"], whole(pushes))
    market.pass_time(HOUR)
    market.as_owner(market.curie.clearing_house_config, "setMaxFundingRate(uint24)", 1_000)
    assert market.view("fundingRate()", returns="(int256)")[0] / WAD == pytest.approx(held_at, rel=1e-9)


def test_funding_rate__pool_at_the_index__about_zero(market):
    assert abs(market.view("fundingRate()", returns="(int256)")[0]) / WAD < 2e-4


def test_funding__whole_day_at_the_rate__share_of_the_notional_the_rate_says(market):
    market.execute(whole(-1))
    market.trade_as(market.accounts["arbitrageur"], whole(100))
    market.pass_time(HOUR)
    rate = market.view("fundingRate()", returns="(int256)")[0]
    before = market.position().funding_accrued
    market.pass_time(SECONDS_PER_DAY)
    assert market.position().funding_accrued - before == pytest.approx(rate * market.index_price() / WAD, rel=1e-3)


# --- prices -------------------------------------------------------------------------------------------------------


def test_prices__market_open__venues_own_mark_and_index(market):
    market.publish(3_250.0)
    assert market.view("markPrice()", returns="(uint256)") == (market.mark_price(),)
    assert market.view("indexPrice()", returns="(uint256)") == (3_250 * WAD,)
