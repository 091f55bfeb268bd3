"""A feed that is silent for forty days, on the real venue: what is still open, and what no role can bring back."""

from __future__ import annotations

import pytest

from agent.units import SECONDS_PER_DAY, WAD
from tests.support.adversary import USDC_UNIT, Adversary, attack_yields
from tests.support.keeper_world import START_PRICE_USD, KeeperWorld

pytestmark = pytest.mark.chain

SILENCE_SECONDS = 40 * SECONDS_PER_DAY


@pytest.fixture
def adversary(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        one = Adversary(fresh)
        assert one.hedge() > 50
        one.pass_time(SILENCE_SECONDS)
        yield one


def test_margin__feed_silent__is_out_of_every_roles_reach(adversary):
    """The book has expired meanwhile, so the whole hedge is naked as well."""
    size = adversary.world.size() / WAD
    (free,) = adversary.chain.call(adversary.world.venue, "freeCollateral()", returns="(uint256)")
    assert free > 0, "the venue itself would pay"
    adversary.rebalance(0, -size)
    adversary.rebalance(-free / USDC_UNIT, 0)
    adversary.rebalance(-free / USDC_UNIT / 2, -size / 2)
    governor = adversary.accounts["deployer"]
    adversary.attempt(governor, adversary.world.vault, "removeVenue(address)", adversary.world.venue)
    attack_yields(adversary.equity_usd()[0], 84_425.0)


def test_deposit__feed_silent__is_sold_at_the_old_price(adversary):
    """The market is 10 % higher by now; whoever knows it deposits and waits for the feed."""
    stranger_usd = 10_000_000.0
    paid = stranger_usd if adversary.deposit(stranger_usd) else 0.0
    adversary.world.step(START_PRICE_USD * 1.1)
    attack_yields(adversary.leave() - paid, 15_629.0)
