"""Synthetix Perps V2 on the local chain: the package's contracts, the live market's parameters, both prices."""

from __future__ import annotations

import pytest

from agent.errors import DataError
from agent.localnet import artifacts
from agent.localnet.codec import encode_call
from agent.localnet.deployer import Deployer
from agent.localnet.evm import Transaction
from agent.localnet.price_feed import feed_answer, publish
from agent.localnet.synthetix import package
from agent.localnet.synthetix.contracts import (
    MARKET_KEY,
    PYTH_FEE_WEI,
    PYTH_FEED_ID,
    deploy,
    key,
    live_parameters,
)
from agent.localnet.synthetix.market import issue_susd, pyth_update
from agent.units import WAD, Seconds
from benchmarks.evm import local_chain

pytestmark = pytest.mark.chain

PRICE_USD = 3_000.0
PARAMETERS = "((" + ",".join(["uint256"] * 16 + ["bytes32"] + ["uint256"] * 5) + "))"


@pytest.fixture(scope="module")
def deployed():
    with local_chain() as evm:
        deployer = Deployer(evm.chain, evm.account)
        code = artifacts.project("RoundAggregatorDouble")
        aggregator = deployer.create("aggregator", code, "(uint8,int256)", 8, feed_answer(PRICE_USD))
        yield evm, deploy(evm.chain, deployer, aggregator), aggregator


def test_deploy__market__is_set_as_the_live_one_was(deployed):
    evm, synthetix, _ = deployed
    found = evm.call(synthetix.market_settings, "parameters(bytes32)", key(MARKET_KEY), returns=PARAMETERS)[0]
    assert found == live_parameters()
    taker_offchain, max_age, divergence = found[4], found[15], found[17]
    assert (taker_offchain, max_age, divergence) == (WAD * 6 // 10_000, 30, WAD // 10)
    assert evm.call(synthetix.market, "marketKey()", returns="(bytes32)") == (key(MARKET_KEY),)


def test_deploy__price_on_chain__is_the_aggregators(deployed):
    evm, synthetix, aggregator = deployed
    for price_usd in (PRICE_USD, 3_100.0):
        evm.chain.mine([publish(evm.account, aggregator, feed_answer(price_usd))])
        price = evm.call(synthetix.market, "assetPrice()", returns="(uint256,bool)")
        assert price == (round(price_usd) * WAD, False)


def test_issue_susd__to_a_trader__can_be_margin(deployed):
    evm, synthetix, _ = deployed
    issue_susd(evm.chain, synthetix, evm.account, 500 * WAD)
    evm.send(synthetix.market, encode_call("transferMargin(int256)", 200 * WAD))
    held = evm.call(synthetix.susd, "balanceOf(address)", evm.account, returns="(uint256)")
    margin = evm.call(synthetix.market, "remainingMargin(address)", evm.account, returns="(uint256,bool)")
    assert (held, margin) == ((300 * WAD,), (200 * WAD, False))


def test_pyth_update__newer_and_older__the_newer_one_stands(deployed):
    evm, synthetix, _ = deployed
    now = evm.chain.head().timestamp
    for price_usd, at in ((3_010.0, now), (3_020.0, now - 1)):
        update = encode_call("updatePriceFeeds(bytes[])", [pyth_update(feed_answer(price_usd), Seconds(at))])
        call = {"from": evm.account, "to": synthetix.pyth, "data": update, "value": hex(PYTH_FEE_WEI)}
        evm.chain.rpc.request("eth_sendTransaction", call)
    evm.chain.mine([Transaction("next", evm.account, evm.account, "0x", 21_000)])
    returns = "((int64,uint64,int32,uint256))"
    assert evm.call(synthetix.pyth, "getPriceUnsafe(bytes32)", PYTH_FEED_ID, returns=returns)[0] == (
        feed_answer(3_010.0),
        0,
        -8,
        now,
    )


def test_creation_code__library_not_given__is_refused():
    with pytest.raises(DataError, match="needs a library"):
        package.creation_code("PerpsV2MarketDelayedExecution", {})
