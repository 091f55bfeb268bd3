"""The adapter of Hyperliquid on a node whose system contracts and precompiles are the double's code."""

from __future__ import annotations

import pytest

from agent.localnet.codec import encode_call
from agent.localnet.rpc import RpcError
from agent.units import WAD
from tests.support.hyperevm_market import LATE_SECONDS, PRECOMPILES, SETTLE_SECONDS, open_market
from tests.support.synthetix_market import EXPIRED, FILLED, PENDING

pytestmark = pytest.mark.chain

USD = 10**6
HOME_FEE = WAD // 10
"""Stays in spot, for what HyperCore may take of a transfer home."""
CANARY_FEES = 2 * 20 * WAD * 45 // 100_000
NOTHING_TO_MOVE = encode_call("NothingToMove()")[:10]
BUY_LIMIT, SELL_LIMIT = 2_040 * WAD, 1_960 * WAD


@pytest.fixture(scope="module")
def chain():
    with open_market() as market:
        market.deposit(10_000)
        for _ in range(2):
            market.advance()
        market.fly_canary()
        yield market


@pytest.fixture
def market(chain):
    snapshot = chain.chain.rpc.request("evm_snapshot")
    yield chain
    chain.chain.rpc.request("evm_revert", snapshot)


# HEDGE-591
def test_hedge__in_order_fill_close_home__every_dollar_is_told(market):
    equity = 10_000 * WAD - CANARY_FEES
    assert market.account().equity == equity
    order_id = market.ask(2 * WAD, BUY_LIMIT)
    assert market.order(order_id).status == PENDING
    market.step()
    assert market.order(order_id).status == FILLED
    assert market.account().size == 2 * WAD
    assert market.account().equity == equity - 4_000 * WAD * 45 // 100_000
    order_id = market.ask(-2 * WAD, SELL_LIMIT)
    market.step()
    assert market.order(order_id).status == FILLED
    equity -= 2 * 4_000 * WAD * 45 // 100_000
    assert market.account().equity == equity
    market.as_keeper("recall(uint256)", 2**256 - 1)
    for _ in range(2):
        market.advance()
        assert market.account().equity == equity
    assert market.free() * 10**12 == equity - HOME_FEE
    with pytest.raises(RpcError) as refused:
        market.as_stranger("advance()")
    assert NOTHING_TO_MOVE in str(refused.value.data)
    market.as_vault("withdrawMargin(uint256)", market.free())
    assert market.account().equity == HOME_FEE


# HEDGE-585
def test_order__refused_without_a_word__expires_and_makes_room(market):
    market.core("setRefusing(uint24,bool)", 1, True)
    order_id = market.ask(2 * WAD, BUY_LIMIT)
    market.step(after=2 * SETTLE_SECONDS - 1)
    assert market.order(order_id).status == PENDING
    assert market.account().pending_positive == 2 * WAD
    market.step(after=1)
    assert market.order(order_id).status == EXPIRED
    assert market.account().pending_positive == 0
    market.core("setRefusing(uint24,bool)", 1, False)
    market.ask(2 * WAD, BUY_LIMIT)
    market.step()
    assert market.account().size == 2 * WAD


# HEDGE-586
def test_order__of_the_same_block__is_pending_there_and_filled_in_a_later_one(market):
    market.with_step_in_one_block(2 * WAD, BUY_LIMIT)
    account = market.account()
    assert (account.size, account.pending_positive) == (0, 2 * WAD)
    market.step()
    account = market.account()
    assert (account.size, account.pending_positive) == (2 * WAD, 0)


# HEDGE-594
def test_bridge__dry__counts_until_late_and_once_when_it_pays(market):
    equity = market.account().equity
    market.as_keeper("recall(uint256)", 4_000 * USD)
    market.advance()
    market.core("setBridgeDry(bool)", True)
    market.advance()
    assert market.account().equity == equity
    market.step(after=LATE_SECONDS)
    assert market.account().equity == equity - 4_000 * WAD
    market.core("setBridgeDry(bool)", False)
    market.step()
    assert market.account().equity == equity
    assert market.free() == 4_000 * USD


# HEDGE-596
@pytest.mark.parametrize("precompile", [PRECOMPILES[index] for index in (0x1, 0x6, 0x7, 0xF, 0x13)])
def test_read__burns_all_gas__is_named(market, precompile):
    market.core("setFault(address,(bool,bool,bytes))", precompile, (True, True, b""))
    with pytest.raises(RpcError) as refused:
        market.account()
    assert encode_call("CoreReadFailed(address)", precompile)[2:] in str(refused.value.data)
