"""Dust a stranger sends to the venue account by `depositFor` keeps no venue in, and none out."""

from __future__ import annotations

import pytest

from agent.localnet import artifacts
from agent.localnet.codec import create_address, encode_constructor
from agent.localnet.evm import Transaction
from tests.support.adversary import GAS, Adversary, attack_yields_at_most
from tests.support.keeper_world import KeeperWorld

pytestmark = pytest.mark.chain


@pytest.fixture
def adversary(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        yield Adversary(fresh)


def equity_that_blocks_removal(adversary: Adversary) -> float:
    """Equity because of which the governor cannot remove the flat venue, USD; 0 where he can."""
    equity = adversary.equity_usd()[1]
    done = adversary.as_governor(adversary.contract("VenueRegistry"), "removeVenue(address)", adversary.world.venue)
    return 0.0 if done else max(equity, 0.01)


def test_remove_venue__a_thousandth_of_weth__is_not_hindered(adversary):
    adversary.accept_weth()
    assert adversary.send_dust(10**15)
    attack_yields_at_most(equity_that_blocks_removal(adversary), 0.0)


def test_remove_venue__after_hedging_and_winding_down__is_not_hindered(adversary):
    adversary.accept_weth()
    assert adversary.hedge() > 50
    assert adversary.send_dust(10**15)
    assert adversary.as_governor(adversary.world.vault, "startWindDown()")
    adversary.world.step(3_200.0)
    assert adversary.close_hedge()
    bring = "bringMarginHome(address,uint256)"
    free = adversary.free_units()
    assert adversary.attempt(adversary.account, adversary.world.vault, bring, adversary.world.venue, free)
    attack_yields_at_most(equity_that_blocks_removal(adversary), 0.0)


def test_remove_venue__one_wei__is_not_hindered(adversary):
    adversary.accept_weth()
    assert adversary.send_dust(1)
    attack_yields_at_most(equity_that_blocks_removal(adversary), 0.0)


@pytest.mark.parametrize("usd", [5.0, 0.000_001])
def test_remove_venue__dust_in_dollars__comes_home_with_it(adversary, usd):
    idle = adversary.idle_usd()
    assert adversary.send_dollars(usd)
    attack_yields_at_most(equity_that_blocks_removal(adversary), 0.0)
    assert adversary.idle_usd() == pytest.approx(idle + usd, abs=1e-9)


def test_remove_venue__dollars_sent_again_and_again__is_not_hindered(adversary):
    """The venue left is emptied by anyone's hand."""
    assert adversary.send_dollars(5.0)
    blocked = equity_that_blocks_removal(adversary)
    assert adversary.send_dollars(7.0)
    adversary.attempt(adversary.account, adversary.world.vault, "recoverMargin(address)", adversary.world.venue)
    attack_yields_at_most(blocked + adversary.equity_usd()[1], 0.0)


def test_add_venue__dust_sent_before_it_is_listed__is_not_hindered(adversary):
    """A stranger sends a dollar to the account of a venue that is about to be listed."""
    deployer, world = adversary.accounts["deployer"], adversary.world
    new = create_address(deployer, adversary.chain.nonce(deployer))
    arguments = (world.vault, adversary.curie.clearing_house, adversary.curie.base_token)
    code = encode_constructor(artifacts.project("CurieVenue"), "(address,address,address)", arguments)
    adversary.chain.mine([Transaction("creation of CurieVenue", deployer, None, code, GAS)])
    assert adversary.send_dollars(1.0, new)
    done = adversary.as_governor(adversary.contract("VenueRegistry"), "addVenue(address)", new)
    attack_yields_at_most(0.0 if done else 1.0, 0.0)
