"""The Curie adapter against the real Curie: margin, trades, limits, liquidation, paused and closed markets."""

from __future__ import annotations

import pytest

from agent.localnet.codec import encode_call
from agent.units import WAD
from tests.support.curie_market import (
    GAS,
    GRAIN,
    NO_CEILING,
    NO_FLOOR,
    USDC_UNIT,
    open_market,
    refused_by_venue,
    refused_with,
    whole,
)

pytestmark = pytest.mark.chain

MARGIN_USD = 200_000


@pytest.fixture(scope="module")
def market_of_the_module(tmp_path_factory):
    with open_market(tmp_path_factory.mktemp("curie")) as market:
        yield market


def balance(market, account):
    return market.venue_value(market.usdc, "balanceOf(address)", account)


def free(market):
    """Free collateral as the next block will find it."""
    return market.simulate("freeCollateral()", returns="(uint256)")[0]


# --- wiring -------------------------------------------------------------------------------------------------------


def test_venue__fresh__names_its_vault_its_collateral_and_no_orders(empty):
    assert empty.view("vault()", returns="(address)") == (empty.vault,)
    assert empty.view("collateral()", returns="(address)") == (empty.usdc,)
    assert empty.view("pool()", returns="(address)") == (empty.curie.pool,)
    assert empty.view("pending()", returns="(int256,int256)") == (0, 0)
    assert empty.equity() == (0, 0)
    assert free(empty) == 0


@pytest.mark.parametrize(
    ("signature", "arguments"),
    [
        ("depositMargin(uint256)", (1,)),
        ("withdrawMargin(uint256)", (1,)),
        ("execute(int256,uint256)", (-WAD, 0)),
    ],
)
def test_venue__called_by_another_than_its_vault__only_vault(market, signature, arguments):
    attacker = market.accounts["attacker"]
    with refused_with("OnlyVault(address,address)", attacker, market.vault):
        market.send(signature, *arguments, sender=attacker)


def test_settle_reconcile_and_cancel__any_order__unknown(market):
    order = b"\x07" * 32
    assert market.view("openOrder()", returns="(bytes32)") == (bytes(32),)
    with refused_with("UnknownOrder(bytes32)", order):
        market.send("settle(bytes32,bytes)", order, b"", sender=market.accounts["attacker"])
    for signature in ("reconcile(bytes32)", "cancel(bytes32)"):
        with refused_with("UnknownOrder(bytes32)", order):
            market.send(signature, order, sender=market.accounts["attacker"])


# --- margin -------------------------------------------------------------------------------------------------------


def test_deposit_margin__vault_approved__moves_all_of_it_into_the_account(market):
    assert balance(market, market.vault) == balance(market, market.venue) == 0
    assert market.position().margin == MARGIN_USD * WAD
    assert market.equity() == (MARGIN_USD * WAD, MARGIN_USD * WAD)
    assert free(market) == MARGIN_USD * USDC_UNIT


def test_deposit_margin__done__no_allowance_is_left(empty):
    empty.deposit(MARGIN_USD)
    pairs = ((empty.vault, empty.venue), (empty.venue, empty.curie.vault))
    assert [empty.venue_value(empty.usdc, "allowance(address,address)", *pair) for pair in pairs] == [0, 0]


def test_withdraw_margin__flat__all_of_it_back_to_the_vault(market):
    market.send("withdrawMargin(uint256)", MARGIN_USD * USDC_UNIT)
    assert balance(market, market.vault) == MARGIN_USD * USDC_UNIT
    assert market.equity() == (0, 0)


# HEDGE-507
def test_withdraw_margin__position_open__free_collateral_and_not_a_unit_more(market):
    market.execute(whole(-40))
    assets = free(market)
    # 10 % of the debt is held back: 40 base owed at about 3,200.
    assert assets / USDC_UNIT == pytest.approx(MARGIN_USD - 40 * 3_200 * 0.1, rel=5e-3)
    with refused_by_venue("V_NEFC"):
        market.send("withdrawMargin(uint256)", assets + 1)
    market.send("withdrawMargin(uint256)", assets)
    assert balance(market, market.vault) == assets
    assert free(market) <= 1


def test_withdraw_margin__after_trading__everything_leaves_and_nothing_is_left(market):
    market.execute(whole(-40))
    market.step(3_000.0)
    market.execute(whole(40))
    profit_usd = market.equity()[0] / WAD - MARGIN_USD
    assert profit_usd > 7_000, "a short of 40 gained from a fall of 200"
    market.send("withdrawMargin(uint256)", free(market))
    assert market.equity() == (0, 0)
    assert market.position().size == 0


# HEDGE-507
def test_free_collateral__venue_vault_paused__nothing_can_be_withdrawn(market):
    market.as_owner(market.curie.vault, "pause()")
    assert free(market) == 0
    market.as_owner(market.curie.vault, "unpause()")
    assert free(market) == MARGIN_USD * USDC_UNIT


# HEDGE-507
def test_free_collateral__venue_holds_less_than_it_owes__no_more_than_it_holds(market):
    held = balance(market, market.curie.vault)
    market.chain.rpc.request("anvil_impersonateAccount", market.curie.vault)
    market.chain.rpc.request("anvil_setBalance", market.curie.vault, hex(1_000 * WAD))
    left = 7 * USDC_UNIT
    spend = ("transfer(address,uint256)", market.accounts["attacker"], held - left)
    market.send_to(market.usdc, *spend, sender=market.curie.vault)
    assert free(market) == left
    market.send("withdrawMargin(uint256)", left)
    assert balance(market, market.vault) == left


# --- trades -------------------------------------------------------------------------------------------------------


# HEDGE-504
@pytest.mark.parametrize(
    "sizes",
    [
        (-10,),  # open short
        (10,),  # open long
        (-10, -5),  # increase
        (-10, 3),  # reduce a short
        (10, -3.5),  # reduce a long
        (-10, 25),  # flip short to long
        (10, -25),  # flip long to short
        (-10, 10),  # close a short
        (10, -10),  # close a long
        (-0.000001, 0.000001),  # dust in and out
    ],
)
def test_execute__any_change_of_position__filled_as_asked_and_as_the_venue_booked_it(market, sizes):
    total = 0
    for size in map(whole, sizes):
        execution = market.execute(size)
        total += size
        venue_size, venue_notional, venue_fee = market.venue_fill()
        assert execution.size_delta == venue_size == size
        assert execution.fee == venue_fee
        sold_at, bought_at = venue_notional * WAD // abs(size), -(venue_notional * WAD // abs(size))
        assert execution.price == (sold_at if size < 0 else bought_at), "rounded against the vault"
        assert market.position().size == total
    assert execution.fee == pytest.approx(
        abs(venue_notional) / 1_000 if size < 0 else abs(venue_notional) / 999, rel=1e-9
    )


def test_execute__returned_value__same_as_the_event(market):
    returned = market.simulate(
        "execute(int256,uint256)", whole(-10), NO_FLOOR, returns="(uint8,bytes32,int256,uint256,uint256)"
    )
    execution = market.execute(whole(-10))
    filled = 2
    assert returned == (filled, bytes(32), execution.size_delta, execution.price, execution.fee)


# HEDGE-504
@pytest.mark.parametrize("size", [-10, 10])
def test_execute__funding_owed_meanwhile__fee_and_price_contain_none_of_it(market, size):
    market.execute(whole(size))
    market.trade_as(market.accounts["arbitrageur"], whole(100))
    for _ in range(8):
        market.pass_time(3_600)
    assert abs(market.position().funding_accrued) > WAD
    execution = market.execute(whole(size))
    _, notional, fee = market.venue_fill()
    assert execution.fee == fee
    assert execution.price == pytest.approx(abs(notional) * WAD / abs(whole(size)), rel=1e-15)


# HEDGE-504
@pytest.mark.parametrize("size", [-10, 10])
def test_execute__limit_at_the_price__filled_and_one_wei_tighter__refused(market, size):
    price, _ = market.quote(whole(size))
    tighter = price + 1 if size < 0 else price - 1
    with refused_with("LimitPriceViolated(uint256,uint256)", price, tighter):
        market.send("execute(int256,uint256)", whole(size), tighter)
    assert market.execute(whole(size), limit_price=price).price == price


def test_execute__refused_by_the_limit__nothing_happened(market):
    data = encode_call("execute(int256,uint256)", whole(-10), NO_CEILING)
    sent = {"from": market.vault, "to": market.venue, "data": data, "gas": hex(GAS)}
    market.chain.rpc.request("evm_setAutomine", False)
    market.chain.rpc.request("eth_sendTransaction", sent)
    market.chain.rpc.request("evm_mine")
    market.chain.rpc.request("evm_setAutomine", True)
    (receipt,) = market.chain.rpc.request("eth_getBlockReceipts", "latest")
    assert receipt["status"] == "0x0"
    assert market.position().size == 0
    assert market.equity() == (MARGIN_USD * WAD, MARGIN_USD * WAD)


def test_execute__size_of_zero__refused(market):
    with refused_with("ZeroSize()"):
        market.send("execute(int256,uint256)", 0, 0)


def test_execute__more_than_the_margin_carries__venue_refuses(market):
    with refused_by_venue("CH_NEFCI"):
        market.send("execute(int256,uint256)", whole(-700), NO_FLOOR)


def test_execute__gas__within_what_the_keeper_reckons_with(market):
    gas = [
        market.send("execute(int256,uint256)", whole(size), NO_FLOOR if size < 0 else NO_CEILING)
        for size in (-10, -5, 3, 12)
    ]
    assert max(gas) < 1_200_000, gas


def test_position__opened_at_two_prices__average_entry_and_pnl_at_mark(market):
    first, second = market.execute(whole(-10)), market.execute(whole(-30))
    received = 10 * first.price + 30 * second.price - first.fee - second.fee
    position = market.position()
    assert position.entry_price == pytest.approx(received / 40, rel=1e-12)
    expected_pnl = 40 * (position.entry_price - market.mark_price())
    assert position.unrealised_pnl == pytest.approx(expected_pnl, abs=WAD // 10**6)


# --- liquidation, paused and closed markets -----------------------------------------------------------------------


def test_liquidation__price_against_a_thin_account__readable_before_and_after(empty):
    empty.deposit(20_000)
    empty.execute(whole(-50))
    for price_usd in (3_250.0, 3_350.0, 3_450.0):
        empty.step(price_usd)
    low, high = empty.equity()
    assert 0 < low <= high < 10_000 * WAD
    liquidator = empty.accounts["arbitrageur"]
    liquidate = "liquidate(address,address)"
    empty.send_to(empty.curie.clearing_house, liquidate, empty.venue, empty.curie.base_token, sender=liquidator)
    assert whole(-50) < empty.position().size <= 0
    after_low, after_high = empty.equity()
    assert after_low < low, "the penalty is in the equity"
    position = empty.position()
    total = position.margin + position.unrealised_pnl + position.funding_accrued
    assert after_low <= total < after_high + GRAIN


def test_liquidation__account_below_zero__equity_is_negative_and_readable(empty):
    empty.deposit(20_000)
    empty.execute(whole(-50))
    empty.step(4_000.0)
    low, high = empty.equity()
    assert low <= high < 0
    assert free(empty) == 0


def test_market_paused__position_open__nav_readable_and_no_quotes(market):
    market.execute(whole(-40))
    before_low, _ = market.equity()
    market.as_owner(market.curie.base_token, "pause()")
    low, high = market.equity()
    assert low == high, "one price is left"
    assert low == pytest.approx(before_low, rel=1e-3)
    paused_at = market.venue_value(market.curie.base_token, "getPausedIndexPrice()")
    assert market.view("markPrice()", returns="(uint256)") == market.view("indexPrice()", returns="(uint256)")
    assert market.view("markPrice()", returns="(uint256)") == (paused_at,)
    assert market.view("fundingRate()", returns="(int256)") == (0,)
    assert market.capacity(is_long=True) == market.capacity(is_long=False) == 0
    for size in (whole(-1), whole(1)):
        with refused_with("SizeBeyondLiquidity(int256)", size):
            market.quote(size)
        with refused_by_venue("CH_MNO"):
            market.send("execute(int256,uint256)", size, NO_FLOOR if size < 0 else NO_CEILING)


def test_market_paused__index_moves_on__valued_at_the_price_of_the_pause(market):
    market.execute(whole(-40))
    market.as_owner(market.curie.base_token, "pause()")
    paused_at = market.venue_value(market.curie.base_token, "getPausedIndexPrice()")
    before = market.equity()
    market.publish(3_700.0)
    assert market.view("markPrice()", returns="(uint256)") == (paused_at,)
    assert market.view("indexPrice()", returns="(uint256)") == (paused_at,)
    assert market.equity() == before


def test_market_closed__anyone_quits_it__value_at_the_closing_price_leaves_in_full(market):
    market.execute(whole(-40))
    market.as_owner(market.curie.base_token, "pause()")
    market.as_owner(market.curie.base_token, "close(uint256)", 3_000 * WAD)
    assert market.view("markPrice()", returns="(uint256)") == (3_000 * WAD,)
    low, high = market.equity()
    assert low == high
    assert low / WAD == pytest.approx(MARGIN_USD + 40 * 195, rel=2e-3)
    quit_market = ("quitMarket(address,address)", market.venue, market.curie.base_token)
    market.send_to(market.curie.clearing_house, *quit_market, sender=market.accounts["attacker"])
    assert market.position().size == 0
    assert market.equity() == pytest.approx((low, high), abs=GRAIN)
    market.send("withdrawMargin(uint256)", free(market))
    assert market.equity() == (0, 0)
