"""Dust a stranger sends to the venue account by `depositFor`."""

from __future__ import annotations

import pytest

from agent.localnet import artifacts
from agent.localnet.codec import create_address, encode_constructor
from agent.localnet.evm import Transaction
from agent.units import AssetUnits
from tests.support.adversary import GAS, USDC_UNIT, Adversary, attack_yields, attack_yields_at_most
from tests.support.keeper_world import KeeperWorld

pytestmark = pytest.mark.chain


@pytest.fixture
def adversary(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        yield Adversary(fresh)


def equity_that_blocks_removal(adversary: Adversary) -> float:
    """Equity because of which the governor cannot remove the flat venue, USD; 0 where he can."""
    governor = adversary.accounts["deployer"]
    equity = adversary.equity_usd()[1]
    done = adversary.attempt(governor, adversary.world.vault, "removeVenue(address)", adversary.world.venue)
    return 0.0 if done else equity


def test_remove_venue__a_thousandth_of_weth__is_refused_for_good(adversary):
    adversary.accept_weth()
    assert adversary.send_dust(10**15)
    attack_yields(equity_that_blocks_removal(adversary), 2.24)


def test_remove_venue__after_hedging_and_winding_down__is_refused_too(adversary):
    adversary.accept_weth()
    assert adversary.rebalance(60_000, 1.0)
    assert adversary.send_dust(10**15)
    adversary.world.step(3_200.0)
    nothing = "removeSource(address)"
    book = adversary.world.deployment.contract("DeltaBook")
    governor = adversary.accounts["deployer"]
    for source in adversary.chain.call(book, "sources()", returns="(address[])")[0]:
        assert adversary.attempt(governor, book, nothing, source)
    assert adversary.rebalance(0, -1.0)
    free = adversary.chain.call(adversary.world.venue, "freeCollateral()", returns="(uint256)")[0]
    assert adversary.rebalance(-free / USDC_UNIT, 0)
    attack_yields(equity_that_blocks_removal(adversary), 2.24)


def test_remove_venue__one_wei__is_not_hindered(adversary):
    adversary.accept_weth()
    assert adversary.send_dust(1)
    attack_yields_at_most(equity_that_blocks_removal(adversary), 0.0)


def test_remove_venue__dust_in_dollars__can_be_taken_out_first(adversary):
    adversary.world.localnet.fund_usdc(adversary.account, AssetUnits(5 * USDC_UNIT))
    usdc, vault = adversary.usdc, adversary.curie.vault
    assert adversary.attempt(adversary.account, usdc, "approve(address,uint256)", vault, 5 * USDC_UNIT)
    deposit_for = "depositFor(address,address,uint256)"
    assert adversary.attempt(adversary.account, vault, deposit_for, adversary.world.venue, usdc, 5 * USDC_UNIT)
    assert adversary.rebalance(-5.0, 0)
    attack_yields_at_most(equity_that_blocks_removal(adversary), 0.0)


def test_add_venue__dust_sent_before_it_is_listed__is_not_hindered(adversary):
    """A stranger sends a dollar to the account of a venue that is about to be listed."""
    governor, world = adversary.accounts["deployer"], adversary.world
    new = create_address(governor, adversary.chain.nonce(governor))
    arguments = (world.vault, adversary.curie.clearing_house, adversary.curie.base_token)
    code = encode_constructor(artifacts.project("CurieVenue"), "(address,address,address)", arguments)
    adversary.chain.mine([Transaction("creation of CurieVenue", governor, None, code, GAS)])
    world.localnet.fund_usdc(adversary.account, AssetUnits(USDC_UNIT))
    usdc, vault = adversary.usdc, adversary.curie.vault
    assert adversary.attempt(adversary.account, usdc, "approve(address,uint256)", vault, USDC_UNIT)
    assert adversary.attempt(adversary.account, vault, "depositFor(address,address,uint256)", new, usdc, USDC_UNIT)
    attack_yields_at_most(0.0 if adversary.attempt(governor, world.vault, "addVenue(address)", new) else 1.0, 0.0)
