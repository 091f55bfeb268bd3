"""Delayed orders of a vault on the real Synthetix, in the hands of who executes them and of who trades around them."""

from __future__ import annotations

import pytest

from agent.localnet.price_feed import feed_answer
from agent.localnet.rpc import RpcError
from agent.localnet.synthetix.contracts import PYTH_FEE_WEI
from agent.localnet.synthetix.market import pyth_update
from agent.units import WAD, Seconds
from tests.support.adversary import attack_yields_at_most
from tests.support.curie_market import whole
from tests.support.synthetix_market import KEEPER_DEPOSIT, NO_CEILING, NO_FLOOR, START_PRICE_USD
from tests.support.synthetix_vault import open_vault

pytestmark = pytest.mark.chain

DEPOSIT_USD, MARGIN_USD = 200_000, 60_000
HEDGE = -50
SLIPPAGE_RATIO = 0.005
"""The guard's bound on price: 50 bps."""


@pytest.fixture(scope="module")
def vault_of_the_module():
    with open_vault() as vault:
        vault.fund_stranger()
        vault.join(DEPOSIT_USD)
        vault.pass_time(3_600)
        vault.publish(START_PRICE_USD)
        yield vault


@pytest.fixture
def vault(vault_of_the_module):
    with vault_of_the_module.undone() as vault:
        yield vault


def executed(vault, attempts):
    """Try prices of Pyth's, in this order, until one executes the order."""
    order_id = vault.open_order()
    for price_usd in attempts:
        try:
            vault.execute_elsewhere(price_usd, vault.now() + 2)
        except RpcError:
            continue
        return vault.order(order_id)
    raise AssertionError("no price executed the order")


def test_executor__picks_the_worst_price_of_the_window__takes_what_the_limit_leaves(vault):
    vault.rebalance(MARGIN_USD * WAD, whole(HEDGE))
    before = vault.measure().nav
    executed(vault, (2_900.0, 2_980.0, 2_984.0, 2_985.2))
    lost_usd = (before - vault.measure().nav) / WAD
    assert lost_usd > 50 * START_PRICE_USD * SLIPPAGE_RATIO * 0.9, "the worst was to be had"
    fees_usd = 50 * START_PRICE_USD * 0.0006 + KEEPER_DEPOSIT / WAD
    attack_yields_at_most(lost_usd, 50 * START_PRICE_USD * SLIPPAGE_RATIO + fees_usd)


def test_executor__elsewhere_each_time__takes_one_deposit_an_order(vault):
    sizes = (HEDGE, 5, -5)
    for count, size in enumerate(sizes):
        vault.pass_time(600)
        vault.publish(START_PRICE_USD)
        vault.write_book(whole(-(HEDGE + (5 if count == 1 else 0))))
        vault.rebalance(MARGIN_USD * WAD if count == 0 else 0, whole(size))
        executed(vault, (START_PRICE_USD,))
    attack_yields_at_most(vault.balance(vault.stranger) / WAD, len(sizes) * KEEPER_DEPOSIT / WAD)


def strangers_margin_usd(vault):
    return vault.venue_view("remainingMargin(address)", vault.stranger, returns="(uint256,bool)")[0] / WAD


def strangers_order(vault, size):
    """Trade for the stranger by a delayed order, the cheap way."""
    limit = NO_FLOOR if size < 0 else NO_CEILING
    market = vault.synthetix.market
    vault.send_to(market, "submitOffchainDelayedOrder(int256,uint256)", size, limit, sender=vault.stranger)
    at = vault.now() + 2
    update = pyth_update(feed_answer(START_PRICE_USD), Seconds(at))
    execute = ("executeOffchainDelayedOrder(address,bytes[])", vault.stranger, [update])
    vault.send_to(market, *execute, sender=vault.stranger, at=at, value=PYTH_FEE_WEI)


def test_sandwich__skew_pushed_before_and_back_after__costs_more_than_it_takes(vault):
    before_usd = strangers_margin_usd(vault)
    vault.rebalance(MARGIN_USD * WAD, whole(HEDGE))
    strangers_order(vault, whole(-2_000))
    executed(vault, (START_PRICE_USD,))
    strangers_order(vault, whole(2_000))
    gained_usd = strangers_margin_usd(vault) + vault.balance(vault.stranger) / WAD - before_usd
    attack_yields_at_most(gained_usd, 0.0)
