"""HEDGE-551 .. HEDGE-558: the Synthetix adapter on the real Synthetix: margin, value, quotes, limits, liquidation."""

from __future__ import annotations

import random

import pytest

from agent.localnet.synthetix.market import issue_susd
from agent.units import WAD
from tests.support.curie_market import refused_with, whole
from tests.support.synthetix_market import (
    CANCELLED,
    FILLED,
    KEEPER_DEPOSIT,
    NO_CEILING,
    NO_FLOOR,
    START_PRICE_USD,
    open_market,
    refused_by_venue,
)

pytestmark = pytest.mark.chain

MARGIN_USD = 100_000
HOUR, DAY = 3_600, 86_400


@pytest.fixture(scope="module")
def market_of_the_module():
    with open_market() as market:
        market.fund_stranger()
        yield market


# --- wiring and custody -------------------------------------------------------------------------------------------


def test_venue__fresh__names_its_vault_its_collateral_and_no_orders(empty):
    assert empty.view("vault()", returns="(address)") == (empty.vault,)
    assert empty.view("collateral()", returns="(address)") == (empty.synthetix.susd,)
    assert empty.view("pending()", returns="(int256,int256)") == (0, 0)
    assert empty.open_order() == bytes(32)
    assert (empty.account().equity, empty.account().size, empty.free()) == (0, 0, 0)


@pytest.mark.parametrize(
    ("signature", "arguments"),
    [
        ("depositMargin(uint256)", (1,)),
        ("withdrawMargin(uint256)", (1,)),
        ("execute(int256,uint256)", (-WAD, 0)),
        ("bracketTrade(bool)", (True,)),
    ],
)
def test_venue__called_by_another_than_its_vault__only_vault(market, signature, arguments):
    with refused_with("OnlyVault(address,address)", market.stranger, market.vault):
        market.send(signature, *arguments, sender=market.stranger)


def test_settle_reconcile_and_cancel__order_that_never_was__unknown(market):
    order = b"\x07" * 32
    with refused_with("UnknownOrder(bytes32)", order):
        market.settle(order, START_PRICE_USD)
    for signature in ("reconcile(bytes32)", "cancel(bytes32)"):
        with refused_with("UnknownOrder(bytes32)", order):
            market.send(signature, order, sender=market.stranger)


def test_receive__ether_from_anybody__is_not_taken(market):
    call = {"from": market.stranger, "to": market.venue, "value": hex(7)}
    with refused_with("EtherNotTaken(address)", market.stranger):
        market.chain.rpc.request("eth_call", call, "latest")


# HEDGE-551
def test_deposit_and_withdrawal__flat__to_the_unit_and_nothing_left(market):
    assert market.account().equity == market.remaining_margin() == MARGIN_USD * WAD
    assert market.free() == MARGIN_USD * WAD
    part = 12_345_678_901_234_567_890
    market.send("withdrawMargin(uint256)", part)
    assert market.balance(market.vault) == part
    assert market.account().equity == MARGIN_USD * WAD - part
    market.send("withdrawMargin(uint256)", market.free())
    assert (market.balance(market.vault), market.account().equity) == (MARGIN_USD * WAD, 0)
    assert market.balance(market.venue) == 0


@pytest.mark.parametrize(
    ("signature", "event"),
    [
        ("depositMargin(uint256)", "MarginDeposited(uint256)"),
        ("withdrawMargin(uint256)", "MarginWithdrawn(uint256)"),
    ],
)
def test_margin__moved__is_told(market, signature, event):
    issue_susd(market.chain, market.synthetix, market.vault, WAD)
    market.send_to(market.synthetix.susd, "approve(address,uint256)", market.venue, WAD, sender=market.vault)
    market.send(signature, WAD)
    assert market.events(event) == ["0x" + WAD.to_bytes(32, "big").hex()]


# HEDGE-557
def test_withdraw_margin__position_open__what_is_free_and_hardly_more(market):
    market.trade(whole(-300))
    free = market.free()
    assert 0 < free < MARGIN_USD * WAD
    with refused_by_venue("Max leverage exceeded"):
        market.send("withdrawMargin(uint256)", free + WAD)
    market.send("withdrawMargin(uint256)", free)
    assert market.balance(market.vault) == free


# HEDGE-557
def test_margin__order_open__neither_in_nor_out_and_nothing_free(market):
    order_id = market.ask(whole(-10))
    assert market.free() == 0
    issue_susd(market.chain, market.synthetix, market.vault, WAD)
    market.send_to(market.synthetix.susd, "approve(address,uint256)", market.venue, WAD, sender=market.vault)
    for signature in ("depositMargin(uint256)", "withdrawMargin(uint256)"):
        with refused_with("OrderStillOpen(bytes32)", order_id):
            market.send(signature, WAD)
    market.settle(order_id, START_PRICE_USD)
    market.send("depositMargin(uint256)", WAD)
    assert market.account().equity == market.remaining_margin()


# --- value --------------------------------------------------------------------------------------------------------


# HEDGE-551
def test_account__random_walk__is_what_synthetix_says_to_the_wei(market):
    generator = random.Random(20_240_801)
    for _ in range(60):
        match generator.randrange(5):
            case 0:
                market.trade(whole(generator.uniform(-40, 40) or 1.0))
            case 1 if market.account().size:
                market.trade(-market.account().size)
            case 2:
                market.publish(market.price_usd() * generator.uniform(0.99, 1.01))
            case 3:
                market.trade_as_stranger(whole(generator.uniform(-200, 200)))
            case _:
                market.pass_time(generator.choice((1, 60, 6 * HOUR)))
        held, account, position = market.venue_position(), market.account(), market.position()
        assert account.equity == market.remaining_margin() > 0
        assert account.size == held[4] == position.size == market.view("size()", returns="(int256)")[0]
        assert account.equity == position.margin + position.unrealised_pnl + position.funding_accrued
        assert market.view("equity()", returns="(int256,int256)") == (account.equity, account.equity)
        price = market.venue_view("assetPrice()", returns="(uint256,bool)")[0]
        assert (account.mark_price, account.index_price) == (price, price)
        assert position.entry_price == held[3]


# HEDGE-551
def test_account__funding_of_a_day__is_inside_and_has_its_sign(market):
    market.trade(whole(-200))
    before = market.account().equity
    market.pass_time(DAY)
    rate = market.view("fundingRate()", returns="(int256)")[0]
    assert rate < 0, "shorts pay while the skew is short"
    assert rate == market.venue_view("currentFundingRate()", returns="(int256)")[0]
    paid = before - market.account().equity
    assert paid == -market.position().funding_accrued > 0
    # The rate grows from 0: half of it on the notional of 600,000 is what the day cost.
    assert paid == pytest.approx(-rate * 600_000 / 2, rel=1e-3)
    assert market.account().equity == market.remaining_margin()


# HEDGE-551
def test_account__under_water__says_by_how_much(market):
    market.trade(whole(-600))
    market.publish(3_400.0)
    account = market.account()
    assert market.remaining_margin() == 0
    assert account.equity == pytest.approx((MARGIN_USD - 600 * 400) * WAD, rel=0.02)
    expected = market.position()
    assert account.equity == expected.margin + expected.unrealised_pnl + expected.funding_accrued
    assert market.free() == 0


# HEDGE-551
def test_account__rate_stale__is_told_and_nothing_is_free(market):
    market.trade(whole(-10))
    market.trade_as_stranger(whole(10))  # without a skew the rate stays where it is, next to nothing
    before = market.account()
    market.pass_time(400 * DAY)
    assert market.venue_view("assetPrice()", returns="(uint256,bool)")[1], "Synthetix calls it invalid"
    account = market.account()
    assert (account.size, account.mark_price) == (before.size, before.mark_price)
    assert account.equity == market.remaining_margin()
    assert market.free() == 0
    for side in (True, False):
        assert market.view("capacity(bool)", side, returns="(uint256)") == (0,)
    with refused_with("SizeBeyondLiquidity(int256)", WAD):
        market.quote(WAD)


# --- quotes and capacity ------------------------------------------------------------------------------------------


# HEDGE-554
@pytest.mark.parametrize("skew", [0, 400, -400])
@pytest.mark.parametrize("size", [0.001, -0.001, 30, -30, 500, -500])
def test_quote__skewed_market__is_the_trade_that_follows(market, skew, size):
    market.deposit(1_000_000)
    if skew:
        market.trade_as_stranger(whole(skew))
    price, fee = market.quote(whole(size))
    order = market.trade(whole(size))
    assert (order.price, order.fee) == (price, fee)
    told = market.venue_trade()
    assert (told.price, told.fee, told.size_delta) == (price, fee, whole(size))


# HEDGE-554
def test_quote__one_side__grows_dearer_by_the_skew(market):
    prices = [market.quote(whole(size))[0] for size in (1, 10, 100, 1_000)]
    assert prices == sorted(prices)
    for size, price in zip((1, 10, 100, 1_000), prices, strict=True):
        assert price == 3_000 * WAD + 3_000 * WAD * size // 2 // 1_000_000


# HEDGE-552, HEDGE-554
@pytest.mark.parametrize("size", [10, -10])
def test_quote_and_order__dynamic_fee_after_a_jump__hold_it(market, size):
    """A jump of 1 % above a threshold of 25 bps makes every trade dearer for a while (SIP-184)."""
    settings = market.synthetix.system_settings
    for setter, number in (("Threshold", WAD // 400), ("WeightDecay", WAD * 9 // 10), ("Rounds", 6)):
        market.as_owner(settings, f"setExchangeDynamicFee{setter}(uint256)", number)
    market.as_owner(settings, "setExchangeMaxDynamicFee(uint256)", WAD * 150 // 10_000)
    market.publish(START_PRICE_USD * 1.01)
    price, fee = market.quote(whole(size))
    assert fee == pytest.approx(10 * price * (0.0006 + 0.0075), rel=1e-9)
    order_id = market.ask(whole(size), price * 1_002 // 1_000 if size > 0 else price * 998 // 1_000)
    most = market.order(order_id).max_fee
    assert fee + KEEPER_DEPOSIT < most < 1.11 * (fee + KEEPER_DEPOSIT)
    market.settle(order_id, market.price_usd())
    assert market.order(order_id).fee == fee
    market.publish(START_PRICE_USD * 1.03)
    with refused_with("SizeBeyondLiquidity(int256)", whole(size)):
        market.quote(whole(size))
    with refused_by_venue("Price too volatile"):
        market.ask(whole(size))


# HEDGE-554
def test_capacity__either_side__is_the_largest_that_synthetix_takes(market):
    market.deposit(100_000_000)
    market.trade_as_stranger(whole(300))
    market.trade(whole(-200))
    long, short = (market.view("capacity(bool)", side, returns="(uint256)")[0] for side in (True, False))
    assert (long, short) == (whole(22_300 - 300 + 200), whole(22_300 - 200))
    for size in (long, -short):
        market.quote(size)
        beyond = size + (1 if size > 0 else -1)
        with refused_with("SizeBeyondLiquidity(int256)", beyond):
            market.quote(beyond)
        with market.undone():
            market.ask(size)
        with refused_by_venue("Max market size exceeded"):
            market.ask(beyond)


# HEDGE-554
@pytest.mark.parametrize("suspended", ["market", "off-chain market", "synth", "system"])
def test_capacity__suspended__is_none_while_the_account_is_told(market, suspended):
    market.trade(whole(-10))
    before = market.account()
    status, owner = market.synthetix.system_status, market.accounts["deployer"]
    calls = {
        "market": ("suspendFuturesMarket(bytes32,uint256)", b"sETHPERP".ljust(32, b"\0"), 1),
        "off-chain market": ("suspendFuturesMarket(bytes32,uint256)", b"ocETHPERP".ljust(32, b"\0"), 1),
        "synth": ("suspendSynth(bytes32,uint256)", b"sETH".ljust(32, b"\0"), 1),
        "system": ("suspendSystem(uint256)", 1),
    }
    access = "updateAccessControl(bytes32,address,bool,bool)"
    for section in (b"Futures", b"Synth", b"System"):
        market.as_owner(status, access, section.ljust(32, b"\0"), owner, True, True)
    market.as_owner(status, *calls[suspended])
    assert market.view("capacity(bool)", True, returns="(uint256)") == (0,)
    with refused_with("SizeBeyondLiquidity(int256)", WAD):
        market.quote(WAD)
    assert market.account().equity == pytest.approx(before.equity, rel=1e-6)
    assert market.account().size == before.size
    if suspended != "off-chain market":
        assert market.free() == 0


# HEDGE-558
def test_max_funding_rate__largest_skew_for_a_day__is_not_exceeded(market):
    market.fund_stranger(500_000_000)
    market.trade_as_stranger(whole(22_300))
    limit = market.view("maxFundingRate()", returns="(uint256)")[0]
    market.pass_time(DAY - 10)
    rate = market.view("fundingRate()", returns="(int256)")[0]
    assert 0.99 * limit < rate <= limit
    assert limit == market.venue_view("currentFundingVelocity()", returns="(int256)")[0]
    assert market.view("maxFundingRate()", returns="(uint256)")[0] == limit + rate, "and goes on from there"


# HEDGE-558
def test_max_funding_rate__skew_beyond_a_lowered_limit__counts_with_the_skew(market):
    market.trade_as_stranger(whole(300))
    market.set_parameters(maxMarketValue="100")
    rate = market.venue_view("currentFundingRate()", returns="(int256)")[0]
    assert market.view("maxFundingRate()", returns="(uint256)")[0] == rate + 9 * WAD * 300 // 1_000_000
    assert market.view("capacity(bool)", True, returns="(uint256)") == (0,)


# HEDGE-558
def test_max_funding_rate__limit_beyond_the_skew_scale__is_the_whole_speed(market):
    market.set_parameters(maxMarketValue="2000000")
    assert market.view("maxFundingRate()", returns="(uint256)")[0] == 9 * WAD


# HEDGE-558
def test_max_funding_rate__speed_that_does_not_divide__is_rounded_up(market):
    market.set_parameters(maxMarketValue="333.333333333333333333")
    assert market.view("maxFundingRate()", returns="(uint256)")[0] == 3 * WAD // 1_000


@pytest.mark.parametrize("skew", [300, -300])
def test_funding_speed__skew_of_strangers__is_what_the_rate_moves_by_in_a_day(market, skew):
    market.trade_as_stranger(whole(skew))
    per_day, per_unit = market.view("fundingSpeed()", returns="(int256,int256)")
    before = market.view("fundingRate()", returns="(int256)")[0]
    market.pass_time(DAY)
    assert market.view("fundingRate()", returns="(int256)")[0] - before == pytest.approx(per_day, rel=1e-3)
    market.trade_as_stranger(whole(100))
    assert market.view("fundingSpeed()", returns="(int256,int256)") == (per_day + 100 * per_unit, per_unit)


def test_funding_speed__skew_beyond_the_scale__is_the_whole_speed(market):
    market.set_parameters(skewScale="200")
    market.trade_as_stranger(whole(300))
    assert market.view("fundingSpeed()", returns="(int256,int256)")[0] == 9 * WAD


# --- limits -------------------------------------------------------------------------------------------------------


def test_execute_and_quote__size_of_zero__refused(market):
    for act in (market.ask, market.quote):
        with refused_with("ZeroSize()"):
            act(0)


# HEDGE-552
@pytest.mark.parametrize("size", [-10, 10])
def test_execute__limit_at_the_price_of_now__taken_and_one_wei_tighter__refused(market, size):
    price, _ = market.quote(whole(size))
    tighter = price + 1 if size < 0 else price - 1
    with refused_with("LimitPriceViolated(uint256,uint256)", price, tighter):
        market.ask(whole(size), tighter)
    order_id = market.ask(whole(size), price)
    worse = START_PRICE_USD - 0.01 if size < 0 else START_PRICE_USD + 0.01
    with refused_by_venue("Price impact exceeded"):
        market.settle(order_id, worse)
    assert market.account().size == 0
    market.settle(order_id, START_PRICE_USD)
    assert market.order(order_id).price == price


def test_execute__limit_beyond_what_synthetix_keeps__is_cut_and_not_wrapped(market):
    order_id = market.ask(whole(1), 2**255)
    assert market.order(order_id).limit_price == NO_CEILING
    assert market.venue_order()[2] == NO_CEILING


def test_execute__more_than_the_margin_carries__synthetix_refuses(market):
    with refused_by_venue("Max leverage exceeded"):
        market.ask(whole(-2_000))


# --- liquidation --------------------------------------------------------------------------------------------------


# HEDGE-556
def test_liquidation__flagged__holds_nothing_from_then_on(market):
    market.trade(whole(-600))
    market.publish(3_155.0)
    assert 0 < market.account().equity < 10_000 * WAD
    market.flag()
    account = market.account()
    assert (account.size, account.equity, market.free()) == (0, 0, 0)
    assert market.view("equity()", returns="(int256,int256)") == (0, 0)
    assert market.view("capacity(bool)", True, returns="(uint256)") == (0,)
    assert market.position().size == market.view("size()", returns="(int256)")[0] == 0
    with refused_by_venue("Position flagged"):
        market.ask(whole(600))
    market.as_owner(market.synthetix.futures_market_manager, "addEndorsedAddresses(address[])", [market.stranger])
    force = ("forceLiquidatePosition(address)", market.venue)
    market.send_to(market.synthetix.market, *force, sender=market.stranger)
    assert (market.account().equity, market.remaining_margin()) == (0, 0)


# HEDGE-556
def test_liquidation__over__the_account_works_again(market):
    market.trade(whole(-500))
    market.publish(3_195.0)
    market.liquidate()
    assert market.account().equity == market.account().size == 0
    market.deposit(MARGIN_USD)
    assert market.trade(whole(-5)).status == FILLED
    assert market.account().equity == market.remaining_margin()


# HEDGE-556
def test_liquidation__close_is_pending__is_dropped_and_opens_nothing(market):
    market.trade(whole(-500))
    order_id = market.ask(whole(500))
    market.publish(3_195.0)
    market.liquidate()
    order = market.order(order_id)
    assert (order.status, order.filled, order.fee) == (CANCELLED, 0, KEEPER_DEPOSIT)
    assert market.open_order() == bytes(32)
    with refused_with("OrderNotOpen(bytes32,uint8)", order_id, CANCELLED):
        market.settle(order_id, 3_195.0)
    assert market.send("reconcile(bytes32)", order_id, sender=market.stranger)
    assert (market.account().size, market.account().equity) == (0, 0)
    assert market.order(order_id) == order


# HEDGE-556
def test_liquidation__filled_before_anybody_looked__order_is_called_cancelled(market):
    order_id = market.ask(whole(-500))
    market.execute_elsewhere(START_PRICE_USD)
    assert market.order(order_id).status == FILLED
    market.publish(3_195.0)
    market.liquidate()
    assert (market.order(order_id).status, market.account().size) == (CANCELLED, 0)
    assert market.account().pending_negative == 0
    assert market.account().pending_floor == NO_FLOOR
