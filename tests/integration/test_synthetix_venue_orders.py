"""HEDGE-552 .. HEDGE-560: delayed orders of the Synthetix adapter on the real Synthetix, from request to end."""

from __future__ import annotations

import pytest

from agent.domain import OrderTerms
from agent.localnet.codec import decode, encode_call
from agent.localnet.price_feed import feed_answer
from agent.localnet.synthetix.contracts import PYTH_FEE_WEI
from agent.localnet.synthetix.market import pyth_update, settle_data
from agent.order_ends import order_at_worst
from agent.units import WAD, Seconds, Wad
from tests.support.curie_market import refused_with, whole
from tests.support.synthetix_market import (
    CANCELLED,
    FILLED,
    FROZEN,
    KEEPER_DEPOSIT,
    MAX_AGE,
    PENDING,
    START_PRICE_USD,
    open_market,
    refused_by_venue,
    value_range,
)

pytestmark = pytest.mark.chain

MARGIN_USD = 100_000
WINDOW = range(2, MAX_AGE)
"""Seconds after the request in which Synthetix executes."""
TERMS = "(uint256,uint256,uint256,uint256)"


@pytest.fixture(scope="module")
def market_of_the_module():
    with open_market() as market:
        market.fund_stranger()
        market.deposit(MARGIN_USD)
        yield market


@pytest.fixture
def market(market_of_the_module):
    with market_of_the_module.undone() as market:
        yield market


def samples(market):
    return market.chain.call(market.vault, "sampleCount()", returns="(uint256)")[0]


# --- the request --------------------------------------------------------------------------------------------------


# HEDGE-553
@pytest.mark.parametrize("size", [-10, 10])
def test_execute__taken__is_pending_with_its_deposit_inside_the_equity(market, size):
    limit = 2_990 * WAD if size < 0 else 3_010 * WAD
    order_id = market.ask(whole(size), limit)
    account, order = market.account(), market.order(order_id)
    assert account.equity == MARGIN_USD * WAD == market.remaining_margin() + KEEPER_DEPOSIT
    assert market.position().margin == MARGIN_USD * WAD
    assert market.view("equity()", returns="(int256,int256)") == (account.equity, account.equity)
    assert (account.size, account.pending_negative, account.pending_positive) == (0, *sorted((whole(size), 0)))
    assert (account.pending_floor, account.pending_ceiling) == ((limit, 0) if size < 0 else (0, limit))
    assert account.pending_fee == order.max_fee
    assert (order.status, order.size_delta, order.filled, order.limit_price) == (PENDING, whole(size), 0, limit)
    assert (order.requested_at, order.expires_at) == (market.now(), market.now() + MAX_AGE + 1)
    highest = 3_010 if size > 0 else 3_000 * (1 - 0.000_005) * 1.1  # 10 % is what Synthetix lets Pyth be away
    (told,) = market.events("OrderRequested(bytes32,int256,uint256,uint256,uint256)")
    assert decode("(int256,uint256,uint256,uint256)", told) == (whole(size), limit, order.max_fee, order.expires_at)
    assert order.max_fee == pytest.approx(KEEPER_DEPOSIT + 10 * highest * 0.0006 * WAD, rel=1e-12)


# HEDGE-560
def test_execute__highest_fee__is_rounded_up_twice(market):
    size, limit, rate = WAD + 1, 3_010 * WAD + 1, 6 * WAD // 10_000
    notional = -(-size * limit // WAD)
    assert market.order(market.ask(size, limit)).max_fee == -(-notional * rate // WAD) + KEEPER_DEPOSIT


# HEDGE-560
@pytest.mark.parametrize("size", [-7 * WAD - 3, WAD // 3, 10 * WAD])
@pytest.mark.parametrize("limit_ratio", [0.9, 0.999, 1.001, 1.2])
def test_order_terms__before_it_is_asked_for__foretell_its_highest_fee_to_the_wei(market, size, limit_ratio):
    limit = int(START_PRICE_USD * limit_ratio * WAD) + 1
    if (size > 0) is not (limit_ratio > 1):
        limit = int(START_PRICE_USD * (2 - limit_ratio) * WAD) + 1
    terms = OrderTerms(*map(Wad, market.view("orderTerms()", returns=TERMS)))
    quoted, _ = market.quote(size)
    foreseen = order_at_worst(0, Wad(size), Wad(limit), Wad(quoted), terms)
    assert market.order(market.ask(size, limit)).max_fee == foreseen.fee


def test_order_terms__synthetix_sets_them_anew__are_the_new_ones(market):
    market.set_parameters(takerFeeOffchainDelayedOrder="0.001", offchainPriceDivergence="0.05")
    settings = market.synthetix.market_settings
    market.as_owner(settings, "setMinKeeperFee(uint256)", 9 * WAD)
    assert market.view("orderTerms()", returns=TERMS) == (WAD // 1000, 9 * WAD, WAD // 20, 1)


# HEDGE-552
def test_execute__order_open__no_second_one(market):
    order_id = market.ask(whole(-10))
    with refused_with("OrderStillOpen(bytes32)", order_id):
        market.ask(whole(5))
    assert market.account().pending_negative == whole(-10)


# HEDGE-552
def test_execute__open_order_is_done_at_the_venue__makes_room(market):
    first = market.ask(whole(-10))
    market.execute_elsewhere(START_PRICE_USD)
    assert market.open_order() == bytes(32)
    second = market.ask(whole(5))
    assert second != first
    assert market.order(first).status == FILLED
    assert market.account().pending_positive == whole(5)


# --- the execution ------------------------------------------------------------------------------------------------


LIVES = [(-10, -5), (10, 5), (-10, 4), (10, -4), (-10, 25), (10, -25), (-10, 10), (10, -10)]
"""Sizes that open, then add, reduce, flip and close, on both sides."""


def with_position(market, size):
    """Open a position in a skewed market, and let funding and price move."""
    market.trade_as_stranger(whole(150))
    market.trade(whole(size))
    market.pass_time(4 * 3_600)
    market.publish(3_020.0)


# HEDGE-552, HEDGE-553
@pytest.mark.parametrize(("first", "second"), LIVES)
def test_settle__any_change__price_and_fee_as_synthetix_tells_and_no_deposit(market, first, second):
    with_position(market, first)
    order_id = market.ask(whole(second))
    before, drawn = market.account(), samples(market)
    market.settle(order_id, 3_031.7)
    order, told, account = market.order(order_id), market.venue_trade(), market.account()
    assert (order.status, order.filled) == (FILLED, told.size_delta) == (FILLED, whole(second))
    assert (order.price, order.fee) == (told.price, told.fee)
    assert account.size == before.size + whole(second) == told.size
    assert account.equity == market.remaining_margin()
    assert (account.pending_negative, account.pending_positive, account.pending_fee) == (0, 0, 0)
    assert market.balance(market.stranger) == 0, "no keeper's reward"
    assert samples(market) == drawn + 1


# HEDGE-552, HEDGE-553
@pytest.mark.parametrize(("first", "second"), LIVES)
def test_execution_elsewhere__any_change__is_seen_untold_and_reconciled_once(market, first, second):
    with_position(market, first)
    order_id = market.ask(whole(second))
    margin, last_price, held = market.position().margin, market.position().entry_price, market.account().size
    market.execute_elsewhere(3_031.7)
    order, told = market.order(order_id), market.venue_trade()
    assert (order.status, order.filled) == (FILLED, whole(second))
    assert market.account().equity == market.remaining_margin()
    assert market.balance(market.stranger) == KEEPER_DEPOSIT
    if told.size:
        assert (order.price, order.fee) == (told.price, told.fee + KEEPER_DEPOSIT)
    else:  # Synthetix keeps nothing of it: the two add up to what the account has changed by
        charged = order.fee - KEEPER_DEPOSIT
        assert charged == pytest.approx(10 * order.price * 0.0006, rel=1e-9)
        changed = held * (order.price - last_price) // WAD - order.fee
        assert abs(margin + changed - told.margin) <= 20
        assert order.price == pytest.approx(told.price, rel=0.0007)
        assert order.price > told.price if held > 0 else order.price < told.price
    for _ in range(2):
        market.send("reconcile(bytes32)", order_id, sender=market.stranger)
        assert market.order(order_id) == order


# HEDGE-552
def test_settle__returned_value__same_as_the_order_and_the_event(market):
    order_id = market.ask(whole(-10))
    at = market.now() + 5
    market.chain.rpc.request("evm_setNextBlockTimestamp", at)
    market.chain.rpc.request("evm_mine")
    data = market.update(START_PRICE_USD, at)
    call = {"from": market.stranger, "to": market.venue, "value": hex(PYTH_FEE_WEI), "gas": hex(10**7)}
    returned = market.call_with(call, "settle(bytes32,bytes)", order_id, data)
    market.settle(order_id, START_PRICE_USD, at + 1, at)
    order = market.order(order_id)
    assert returned == (order.status, order_id, order.filled, order.price, order.fee)
    assert market.last_order_update() == (order_id, order.status, order.filled, order.price, order.fee)


# HEDGE-559
@pytest.mark.parametrize("sent", [PYTH_FEE_WEI, PYTH_FEE_WEI + 12_345])
def test_settle__ether_sent__pays_pyth_and_all_the_rest_comes_back(market, sent):
    order_id = market.ask(whole(-10))
    rpc = market.chain.rpc
    at = market.now() + 5
    market.impersonate("0x00000000000000000000000000000000000000AA")
    sender = "0x00000000000000000000000000000000000000AA"
    before = int(rpc.request("eth_getBalance", sender, "latest"), 16)
    market.settle(order_id, START_PRICE_USD, at, sender=sender, value=sent)
    receipt = rpc.request("eth_getBlockReceipts", "latest")[0]
    burnt = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
    assert before - int(rpc.request("eth_getBalance", sender, "latest"), 16) - burnt == PYTH_FEE_WEI
    assert int(rpc.request("eth_getBalance", market.venue, "latest"), 16) == 0


# HEDGE-559
def test_settle__too_little_ether__refused(market):
    order_id = market.ask(whole(-10))
    with refused_by_venue("Not enough eth for paying the fee"):
        market.settle(order_id, START_PRICE_USD, value=0)


# HEDGE-559
@pytest.mark.parametrize(
    ("published_after", "settled_after", "reason"),
    [
        (0, 5, "price not updated"),
        (1, 5, "executability not reached"),
        (MAX_AGE, MAX_AGE, "order too old, use cancel"),
    ],
)
def test_settle__price_outside_the_window__refused_and_order_stays(market, published_after, settled_after, reason):
    order_id = market.ask(whole(-10))
    asked_at = market.now()
    with refused_by_venue(reason):
        market.settle(order_id, START_PRICE_USD, asked_at + settled_after, asked_at + published_after)
    assert market.open_order() == order_id


# HEDGE-559
@pytest.mark.parametrize("after", [WINDOW[0], WINDOW[-1]])
def test_settle__first_and_last_second_of_the_window__executed(market, after):
    order_id = market.ask(whole(-10))
    market.settle(order_id, START_PRICE_USD, market.now() + after)
    assert market.order(order_id).status == FILLED


# HEDGE-559
def test_settle__pyth_far_from_the_price_on_chain__refused(market):
    order_id = market.ask(whole(-10))
    with refused_by_venue("price divergence too high"):
        market.settle(order_id, START_PRICE_USD * 1.11)
    market.settle(order_id, START_PRICE_USD * 1.09)


# HEDGE-559
def test_settle__no_update_and_one_that_is_newer_already__executed_at_what_pyth_has(market):
    order_id = market.ask(whole(-10))
    asked_at = market.now()
    answer = feed_answer(3_003.0)
    update = ("updatePriceFeeds(bytes[])", [pyth_update(answer, Seconds(asked_at + 3))])
    market.send_to(market.synthetix.pyth, *update, sender=market.keeper, at=asked_at + 4, value=PYTH_FEE_WEI)
    market.send("settle(bytes32,bytes)", order_id, settle_data([]), sender=market.stranger, at=asked_at + 6)
    assert market.order(order_id).price == pytest.approx(3_003.0 * WAD, rel=1e-5)


# HEDGE-138
def test_settle_reconcile_and_cancel__vault_inside_a_call__refused(market):
    order_id = market.ask(whole(-10))
    market.send_to(market.vault, "setEntered(bool)", True, sender=market.keeper)
    with refused_with("VaultEntered()"):
        market.settle(order_id, START_PRICE_USD)
    for signature in ("reconcile(bytes32)", "cancel(bytes32)"):
        with refused_with("VaultEntered()"):
            market.send(signature, order_id, sender=market.keeper)


# HEDGE-138
@pytest.mark.parametrize("question", ["account()", "size()", "reconcile(bytes32)", "settle(bytes32,bytes)"])
def test_settle__oracle_calls_in_from_the_middle__gets_no_price_and_moves_nothing(market, question):
    order_id = market.ask(whole(-10))
    at = market.now() + 5
    arguments = {"reconcile(bytes32)": (order_id,), "settle(bytes32,bytes)": (order_id, settle_data([]))}
    asked = bytes.fromhex(encode_call(question, *arguments.get(question, ()))[2:])
    terms = (market.venue, asked, (feed_answer(START_PRICE_USD), 0, -8, at))
    oracle = market.curious_oracle
    market.send_to(oracle, "ask(address,bytes,(int64,uint64,int32,uint256))", *terms, sender=market.keeper)
    market.as_owner(market.synthetix.perps_exchange_rate, "setOffchainOracle(address)", oracle)
    market.settle(order_id, START_PRICE_USD, at, value=0)
    counts = [market.chain.call(oracle, f"{name}Count()", returns="(uint256)")[0] for name in ("answer", "refusal")]
    assert counts == ([1, 0] if question == "size()" else [0, 1])
    assert market.order(order_id).status == FILLED


# HEDGE-560
@pytest.mark.parametrize("size", [-40, 40])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_interval__any_fill_inside_the_terms__holds_it(market, size, elsewhere):
    market.trade(whole(-15))
    limit = 2_985 * WAD if size < 0 else 3_015 * WAD
    order_id = market.ask(whole(size), limit)
    low, high = value_range(market.account())
    assert low < market.account().equity < high
    for price_usd in (2_985.5, 2_990.0, 3_000.0, 3_007.0, 3_014.5):
        with market.undone():
            (market.execute_elsewhere if elsewhere else lambda price: market.settle(order_id, price))(price_usd)
            filled_low, filled_high = value_range(market.account())
            assert low <= filled_low <= filled_high <= high
    with market.undone():
        market.send("cancel(bytes32)", order_id, sender=market.stranger, at=market.order(order_id).expires_at)
        assert low <= value_range(market.account())[0]


# --- the end without an execution ---------------------------------------------------------------------------------


# HEDGE-555
def test_cancel__within_the_window__nobody_can(market):
    order_id = market.ask(whole(-10))
    expires_at = market.order(order_id).expires_at
    keeper = market.chain.call(market.vault, "keeper()", returns="(address)")[0]
    market.impersonate(keeper)
    for at in (market.now() + 1, expires_at - 1):
        with refused_with("CancelTooEarly(uint256,uint256)", at, expires_at):
            market.send("cancel(bytes32)", order_id, sender=keeper, at=at)
    with market.undone():
        market.send("cancel(bytes32)", order_id, sender=keeper, at=expires_at)
        assert market.order(order_id).status == CANCELLED


# HEDGE-555
def test_cancel__by_a_stranger_before_the_expiry__refused(market):
    order_id = market.ask(whole(-10))
    expires_at = market.order(order_id).expires_at
    at = expires_at - 1
    with refused_with("NotYetCancellable(address,uint256,uint256)", market.stranger, at, expires_at):
        market.send("cancel(bytes32)", order_id, sender=market.stranger, at=at)


# HEDGE-553, HEDGE-555
def test_cancel__expired__by_anyone_and_the_deposit_is_back(market):
    market.trade(whole(-10))
    before = market.account().equity
    order_id = market.ask(whole(10))
    market.send("cancel(bytes32)", order_id, sender=market.stranger, at=market.order(order_id).expires_at)
    order = market.order(order_id)
    assert (order.status, order.filled, order.price, order.fee) == (CANCELLED, 0, 0, 0)
    assert market.account().equity == market.remaining_margin() == pytest.approx(before, abs=WAD // 10**3)
    assert market.open_order() == bytes(32)
    assert market.balance(market.stranger) == 0
    with refused_with("OrderNotOpen(bytes32,uint8)", order_id, CANCELLED):
        market.send("cancel(bytes32)", order_id, sender=market.stranger)


# HEDGE-553, HEDGE-555
def test_cancel_elsewhere__expired__is_seen_untold_and_the_deposit_is_gone(market):
    order_id = market.ask(whole(-10))
    market.cancel_elsewhere()
    order = market.order(order_id)
    assert (order.status, order.filled, order.fee) == (CANCELLED, 0, KEEPER_DEPOSIT)
    assert market.account().equity == market.remaining_margin() == MARGIN_USD * WAD - KEEPER_DEPOSIT
    assert market.balance(market.stranger) == KEEPER_DEPOSIT
    drawn = samples(market)
    market.send("reconcile(bytes32)", order_id, sender=market.stranger)
    assert market.order(order_id) == order
    assert samples(market) == drawn, "nothing was filled"
    assert market.trade(whole(-3)).status == FILLED


# HEDGE-555
def test_order__stale__is_frozen_until_it_is_cancelled(market):
    order_id = market.ask(whole(-10))
    market.pass_time(MAX_AGE - 1)
    assert market.order(order_id).status == PENDING
    market.pass_time(1)
    assert market.order(order_id).status == FROZEN
    assert market.account().pending_negative == whole(-10), "as long as Synthetix has it"
    with refused_by_venue("order too old, use cancel"):
        market.settle(order_id, START_PRICE_USD)
    with refused_with("OrderStillOpen(bytes32)", order_id):
        market.ask(whole(5))
    market.send("cancel(bytes32)", order_id, sender=market.stranger, at=market.now() + 3)
    assert market.trade(whole(5)).status == FILLED


# HEDGE-555
def test_cancel__market_suspended__waits_here_and_works_at_the_venue(market):
    order_id = market.ask(whole(-10))
    status, owner = market.synthetix.system_status, market.accounts["deployer"]
    futures = b"Futures".ljust(32, b"\0")
    market.as_owner(status, "updateAccessControl(bytes32,address,bool,bool)", futures, owner, True, True)
    market.as_owner(status, "suspendFuturesMarket(bytes32,uint256)", b"sETHPERP".ljust(32, b"\0"), 1)
    with refused_by_venue("Market suspended"):
        market.send("cancel(bytes32)", order_id, sender=market.stranger, at=market.order(order_id).expires_at)
    market.cancel_elsewhere()
    assert market.order(order_id).status == CANCELLED
    assert market.account().equity == market.remaining_margin()
