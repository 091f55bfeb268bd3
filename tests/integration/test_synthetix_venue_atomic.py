"""HEDGE-561: the Synthetix adapter that trades at once, at the fee that Synthetix asks for it."""

from __future__ import annotations

import pytest

from agent.localnet.codec import decode
from agent.units import WAD
from tests.support.curie_market import refused_with, whole
from tests.support.synthetix_market import EXECUTION, FILLED, NO_CEILING, NO_FLOOR, open_market

pytestmark = pytest.mark.chain

MARGIN_USD = 100_000
CHEAP = {"takerFee": "0.002", "makerFee": "0.001"}
"""Fees of trades at once that a guard may let through; those of the last live market are 30 %."""


@pytest.fixture(scope="module")
def market_of_the_module():
    with open_market("SynthetixV2AtomicVenue") as market:
        market.fund_stranger()
        market.deposit(MARGIN_USD)
        yield market


@pytest.fixture
def market(market_of_the_module):
    with market_of_the_module.undone() as market:
        market.set_parameters(**CHEAP)
        yield market


def execute(market, size):
    """Trade; returns what the adapter answers and then tells in its event."""
    limit = NO_FLOOR if size < 0 else NO_CEILING
    answered = market.simulate("execute(int256,uint256)", size, limit, returns=EXECUTION)
    market.send("execute(int256,uint256)", size, limit)
    logs = market.chain.rpc.request("eth_getLogs", {"address": market.venue, "fromBlock": "latest"})
    told = decode("(int256,uint256,uint256)", logs[-1]["data"])
    assert answered[:2] == (FILLED, bytes(32))
    return told


# HEDGE-561
@pytest.mark.parametrize(
    ("first", "second"), [(-10, -5), (10, 5), (-10, 4), (10, -4), (-10, 25), (10, -25), (-10, 10), (10, -10)]
)
def test_execute__any_change__filled_at_once_as_synthetix_tells_and_as_quoted(market, first, second):
    market.trade_as_stranger(whole(150))
    market.publish(3_010.0)
    execute(market, whole(first))
    market.pass_time(4 * 3_600)
    market.publish(3_020.0)
    quoted = market.quote(whole(second))
    size, price, fee = execute(market, whole(second))
    told, account = market.venue_trade(), market.account()
    assert (size, price, fee) == (told.size_delta, told.price, told.fee) == (whole(second), *quoted)
    assert account.size == told.size == whole(first) + whole(second)
    assert account.equity == market.remaining_margin()
    assert market.open_order() == bytes(32)
    assert market.view("pending()", returns="(int256,int256)") == (0, 0)


# HEDGE-561
@pytest.mark.parametrize("size", [-10, 10])
def test_execute__limit_one_wei_tighter_than_the_price__refused(market, size):
    price, _ = market.quote(whole(size))
    tighter = price + 1 if size < 0 else price - 1
    with refused_with("LimitPriceViolated(uint256,uint256)", price, tighter):
        market.send("execute(int256,uint256)", whole(size), tighter)
    market.send("execute(int256,uint256)", whole(size), price)
    assert market.account().size == whole(size)


# HEDGE-561
def test_quote__fees_of_the_live_market__tells_thirty_percent(market_of_the_module):
    with market_of_the_module.undone() as market:
        price, fee = market.quote(whole(-10))
        assert fee == pytest.approx(0.3 * 10 * price, rel=1e-12)
        execute(market, whole(-10))
        assert market.account().equity == pytest.approx((MARGIN_USD - 9_000) * WAD, rel=1e-3)


def test_execute__nothing_or_by_a_stranger__refused(market):
    with refused_with("ZeroSize()"):
        market.send("execute(int256,uint256)", 0, 0)
    with refused_with("OnlyVault(address,address)", market.stranger, market.vault):
        market.send("execute(int256,uint256)", WAD, NO_CEILING, sender=market.stranger)


# HEDGE-561
def test_orders__of_any_id__are_unknown(market):
    order = b"\x07" * 32
    with refused_with("UnknownOrder(bytes32)", order):
        market.settle(order, 3_000.0)
    for signature in ("reconcile(bytes32)", "cancel(bytes32)"):
        with refused_with("UnknownOrder(bytes32)", order):
            market.send(signature, order, sender=market.stranger)
    assert market.order(order).status == 0
