"""What every adapter does (`VenueConformance.sol`, `OrderConformance.sol`), of both Synthetix adapters on the real one.

Synthetix fills orders whole and freezes none by itself, so that what the suites say of parts is of no order here.
"""

from __future__ import annotations

import pytest

from agent.localnet.rpc import RpcError
from agent.units import WAD
from tests.support.curie_market import refused_with, whole
from tests.support.synthetix_market import (
    NO_CEILING,
    NO_FLOOR,
    PENDING,
    START_PRICE_USD,
    open_market,
    value_range,
)

pytestmark = pytest.mark.chain

MARGIN_USD = 10_000
VENUE_GAS = 900_000
"""What `VenueRegistry` gives a venue to answer in."""
SIZE_AND_MARK = ("size()", "(int256)"), ("markPrice()", "(uint256)")
OF_AN_ORDER = ("reconcile(bytes32)", "cancel(bytes32)")
DELAYED, ATOMIC = "SynthetixV2Venue", "SynthetixV2AtomicVenue"


@pytest.fixture(scope="module", params=[DELAYED, ATOMIC])
def market_of_the_module(request):
    with open_market(request.param) as market:
        market.set_parameters(takerFee="0.002", makerFee="0.001")
        market.name = request.param
        yield market


def execute(market, size):
    limit = NO_FLOOR if size < 0 else NO_CEILING
    market.send("execute(int256,uint256)", size, limit)


def trade(market, size):
    execute(market, size)
    order_id = market.open_order()
    if any(order_id):
        market.settle(order_id, market.price_usd())


def test_fresh__is_flat_without_equity_or_orders(empty):
    account = empty.account()
    assert value_range(account) == (0, 0)
    assert (account.size, empty.open_order(), empty.free()) == (0, bytes(32), 0)


def test_deposit__is_equity_to_the_unit(market):
    assert market.account().equity == market.position().margin == MARGIN_USD * WAD
    assert market.balance(market.vault) == 0


def test_withdrawal__brings_exactly_what_was_asked_for(market):
    market.send("withdrawMargin(uint256)", 4_000 * WAD)
    assert market.balance(market.vault) == 4_000 * WAD
    assert market.account().equity == 6_000 * WAD


def test_free_collateral__of_a_flat_account__comes_home_whole(market):
    assert market.free() == MARGIN_USD * WAD
    market.send("withdrawMargin(uint256)", market.free())
    assert market.account().equity == 0


def test_withdrawal__of_more_than_there_is__reverts(market):
    with pytest.raises(RpcError):
        market.send("withdrawMargin(uint256)", MARGIN_USD * WAD + 1)


def test_what_the_vault_does__is_the_vaults_alone(market):
    calls = (
        ("depositMargin(uint256)", 1),
        ("withdrawMargin(uint256)", 1),
        ("execute(int256,uint256)", WAD, NO_CEILING),
        ("bracketTrade(bool)", True),
    )
    for call in calls:
        with refused_with("OnlyVault(address,address)", market.stranger, market.vault):
            market.send(*call, sender=market.stranger)
    market.send("bracketTrade(bool)", True)


def test_purchase_and_sale__have_their_signs(market):
    trade(market, whole(2))
    assert market.account().size == whole(2)
    trade(market, whole(-5))
    assert market.account().size == market.position().size == whole(-3)


@pytest.mark.parametrize("size", [2, -2])
def test_equity__follows_the_price_by_size_from_the_mark(market, size):
    trade(market, whole(size))
    before = market.account()
    market.publish(START_PRICE_USD * 1.05)
    after = market.account()
    funding = market.position().funding_accrued
    assert abs(after.equity - before.equity - size * (after.mark_price - before.mark_price) - funding) <= WAD // 10**6


def test_equity__holds_the_account_at_its_mark(market):
    trade(market, whole(2))
    low, high = market.view("equity()", returns="(int256,int256)")
    assert low <= market.account().equity <= high


def test_close__leaves_nothing_and_gains_nothing(market):
    trade(market, whole(2))
    trade(market, whole(-2))
    low, high = value_range(market.account())
    assert market.account().size == 0
    assert low == high <= MARGIN_USD * WAD


def test_limit_that_cannot_be_met__fills_nothing(market):
    with pytest.raises(RpcError):
        market.send("execute(int256,uint256)", whole(2), 1_500 * WAD)
    assert market.account().size == 0


def test_quote__is_the_trade_that_follows(market):
    price, fee = market.quote(whole(2))
    trade(market, whole(2))
    account = market.account()
    paid = MARGIN_USD * WAD - account.equity + 2 * account.mark_price
    assert abs(paid - 2 * price - fee) <= 2


def test_capacity_and_funding__answer_within_their_limits(market):
    for is_long in (True, False):
        assert market.view("capacity(bool)", is_long, returns="(uint256)")[0] > whole(2)
    rate = market.view("fundingRate()", returns="(int256)")[0]
    assert abs(rate) <= market.view("maxFundingRate()", returns="(uint256)")[0]


def test_account__with_a_position_and_an_order__takes_less_gas_than_it_is_given(market):
    trade(market, whole(2))
    execute(market, whole(-2))
    assert market.gas_of("account()") < VENUE_GAS // 2


def test_liquidation__is_seen_at_once(market):
    trade(market, whole(100))
    market.publish(START_PRICE_USD * 0.905)
    market.liquidate()
    assert (market.account().size, value_range(market.account())) == (0, (0, 0))


def test_pending__is_what_the_account_says_and_once(market):
    execute(market, whole(2))
    account = market.account()
    assert market.view("pending()", returns="(int256,int256)") == (account.pending_negative, account.pending_positive)
    assert account.size + account.pending_positive == whole(2)


def test_order__where_it_fills_later__is_pending_and_nothing_else(market):
    order_id = market.ask(whole(2), 3_030 * WAD)
    account = market.account()
    if market.name == ATOMIC:
        assert (order_id, account.size) == (bytes(32), whole(2))
        return
    order = market.order(order_id)
    assert (account.size, account.pending_positive, account.equity) == (0, whole(2), MARGIN_USD * WAD)
    assert value_range(account)[0] < account.equity
    assert (order.status, order.max_fee) == (PENDING, account.pending_fee)
    assert order.expires_at > market.now()


def test_trades__to_one_side__add_up_and_a_partly_closed_one_keeps_the_rest(market):
    trade(market, whole(1))
    trade(market, whole(2))
    assert market.account().size == whole(3)
    before = market.account().equity
    trade(market, whole(-1))
    account = market.account()
    assert (account.size, market.position().size) == (whole(2), whole(2))
    assert account.equity <= before + WAD // 100  # the skew gives back what it took of the size


def test_margin__moved_beside_a_position__is_all_that_the_equity_moves_by(market):
    trade(market, whole(2))
    before = market.account().equity
    market.deposit(1_000)
    market.send("withdrawMargin(uint256)", 500 * WAD)
    accrued = market.position().funding_accrued
    assert abs(market.account().equity - before - 500 * WAD - accrued) <= WAD // 10**6


def test_views__are_of_one_account(market):
    trade(market, whole(2))
    account, position = market.account(), market.position()
    (size,), (mark,) = (market.view(view, returns=kind) for view, kind in SIZE_AND_MARK)
    assert (size, mark) == (account.size, account.mark_price)
    assert (position.size, position.entry_price > 0) == (account.size, True)


def test_bracket__of_a_trade__changes_nothing_by_itself(market):
    trade(market, whole(2))
    size = market.account().size
    for is_beginning in (True, False):
        market.send("bracketTrade(bool)", is_beginning)
        assert market.account().size == size


def test_quote__of_nothing_or_beyond_the_capacity__is_an_error(market):
    with refused_with("ZeroSize()"):
        market.quote(0)
    for is_long, sign in ((True, 1), (False, -1)):
        beyond = sign * (market.view("capacity(bool)", is_long, returns="(uint256)")[0] + WAD)
        with refused_with("SizeBeyondLiquidity(int256)", beyond):
            market.quote(beyond)


def test_order__reconciled_or_over__stays_as_it_is(market):
    order_id = market.ask(whole(2), 3_030 * WAD)
    if market.name == ATOMIC:
        assert (order_id, market.open_order()) == (bytes(32), bytes(32))
        return
    asked = market.order(order_id)
    market.send("reconcile(bytes32)", order_id, sender=market.stranger)
    assert (market.order(order_id), market.open_order()) == (asked, order_id)
    market.settle(order_id, market.price_usd())
    ended = market.order(order_id)
    for call in (("settle(bytes32,bytes)", order_id, b""), ("cancel(bytes32)", order_id)):
        with refused_with("OrderNotOpen(bytes32,uint8)", order_id, ended.status):
            market.send(*call)
    assert market.order(order_id) == ended


def test_order__unknown__is_refused(market):
    unknown = bytes([7]) * 32
    for call in (
        ("settle(bytes32,bytes)", unknown, b""),
        ("reconcile(bytes32)", unknown),
        ("cancel(bytes32)", unknown),
    ):
        with refused_with("UnknownOrder(bytes32)", unknown):
            market.send(*call)
