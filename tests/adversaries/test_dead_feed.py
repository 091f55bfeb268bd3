"""A feed that is silent for forty days, on the real venue: margin comes home, and nobody buys at the old price."""

from __future__ import annotations

import pytest

from agent.units import SECONDS_PER_DAY, WAD
from tests.support.adversary import Adversary, attack_yields_at_most
from tests.support.keeper_world import START_PRICE_USD, KeeperWorld

pytestmark = pytest.mark.chain

SILENCE_SECONDS = 40 * SECONDS_PER_DAY
OWNER = "depositor"


@pytest.fixture
def adversary(keeper_chain: KeeperWorld):
    """The book has expired meanwhile, so the whole hedge is naked as well."""
    with keeper_chain.fresh() as fresh:
        one = Adversary(fresh)
        one.join()
        fresh.step(START_PRICE_USD)
        assert one.hedge() > 50
        one.pass_time(SILENCE_SECONDS)
        yield one


def test_margin__feed_silent__keeper_alone_cannot_trade(adversary):
    """What the wind-down is for: at the oracle's price of forty days ago nobody trades."""
    size = adversary.world.size()
    adversary.close_hedge()
    adversary.rebalance(0, -size / WAD / 2)
    attack_yields_at_most(float(size - adversary.world.size()), 0.0)


def test_margin__feed_silent__comes_home_by_winding_down(adversary):
    """After the governor's delay the keeper closes at the venue's own index; then anyone brings the margin home."""
    vault, venue = adversary.world.vault, adversary.world.venue
    assert adversary.as_governor(vault, "startWindDown()")
    assert adversary.close_hedge()
    bring = "bringMarginHome(address,uint256)"
    assert adversary.attempt(adversary.account, vault, bring, venue, adversary.free_units())
    attack_yields_at_most(adversary.equity_usd()[1], 0.01)


def test_margin__feed_silent__comes_home_to_a_leaver_at_once(adversary):
    """He closes the position and pays for it; what he is not paid is the deviation, the fee and the pool's depth."""
    owner = adversary.accounts[OWNER]
    worth, fee_usd = adversary.nav_usd(), 0.01 * START_PRICE_USD * adversary.world.size() / WAD
    paid = adversary.leave_with_unwind(owner)
    assert paid > 0.0
    attack_yields_at_most(worth - paid, fee_usd)


def test_deposit__feed_silent__is_refused(adversary):
    """The market is 10 % higher by now; whoever knows it would deposit and wait for the feed."""
    gain = adversary.round_trip(10_000_000.0)
    adversary.world.step(START_PRICE_USD * 1.1)
    attack_yields_at_most(gain(), 0.0)
