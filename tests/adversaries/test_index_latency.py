"""Whoever sees an update of the index before the vault does trades shares at the old price."""

from __future__ import annotations

import pytest

from agent.units import WAD
from tests.support.adversary import Adversary, attack_yields
from tests.support.keeper_world import START_PRICE_USD, KeeperWorld

pytestmark = pytest.mark.chain

STRANGER_USD = 10_000_000.0
OWNER = "depositor"


@pytest.fixture
def adversary(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        one = Adversary(fresh)
        assert one.hedge() > 50
        yield one


def step(adversary: Adversary, move: float) -> None:
    adversary.world.step(START_PRICE_USD * (1 + move))


@pytest.mark.parametrize(("move", "expected_usd"), [(0.005, 798.0), (0.01, 1_617.0), (0.03, 4_871.0)])
def test_deposit__before_an_update__takes_the_hedges_gain(adversary, move, expected_usd):
    paid = STRANGER_USD if adversary.deposit(STRANGER_USD) else 0.0
    step(adversary, move)
    attack_yields(adversary.leave() - paid, expected_usd)


def test_deposit__of_nineteen_navs__leaves_the_owner_a_twentieth(adversary):
    """The book loses $10,000 on its delta; the hedge that should earn it back is another's by then."""
    owner = adversary.accounts[OWNER]
    before = adversary.worth_usd(owner)
    size = adversary.world.size() / WAD
    adversary.deposit(19 * adversary.nav_usd())
    step(adversary, 10_000 / size / START_PRICE_USD)
    attack_yields(10_000 - (adversary.worth_usd(owner) - before), 9_498.0)


def test_exit__before_a_falling_update__leaves_the_loss_to_others(adversary):
    """A holder of half the shares leaves and is back after the update; the figure is what others bear of his part."""
    owner = adversary.accounts[OWNER]
    adversary.deposit(adversary.nav_usd())
    before, nav = adversary.worth_usd(owner), adversary.nav_usd()
    taken = adversary.leave()
    step(adversary, -0.005)
    lost = nav - taken - adversary.nav_usd()
    if taken:
        adversary.deposit(taken)
    attack_yields(before - adversary.worth_usd(owner) - lost / 2, 313.0)


def test_deposit__pool_has_moved_already__takes_the_hedges_gain(adversary):
    """All of the market has moved and everybody sees it: Curie's mark is a median and waits for the index."""
    adversary.trade_to(START_PRICE_USD * 1.005)
    paid = STRANGER_USD if adversary.deposit(STRANGER_USD) else 0.0
    step(adversary, 0.005)
    attack_yields(adversary.leave() - paid, 782.0)


def test_deposit__update_and_own_arbitrage_in_seconds__takes_most_of_it(adversary):
    """Nobody else need move the pool: the mark follows 16 seconds after the stranger has bought it up himself."""
    paid = STRANGER_USD if adversary.deposit(STRANGER_USD) else 0.0
    adversary.publish(START_PRICE_USD * 1.005)
    adversary.trade_to(START_PRICE_USD * 1.005)
    adversary.pass_time(16)
    attack_yields(adversary.leave() - paid, 798.0)


def push_pool(adversary: Adversary, ratio: float) -> None:
    """Hold the pool away from the index until the venue's 15-minute average has followed it."""
    adversary.fund(10_000_000, adversary.accounts["arbitrageur"])
    adversary.trade_to(START_PRICE_USD * ratio)
    adversary.pass_time(840)


def test_exit__pool_pushed_down_for_a_quarter_of_an_hour__is_paid_less(adversary):
    """The lower price prices exits, and a stranger lowers it: what the owner leaves behind falls to who stays."""
    owner = adversary.accounts[OWNER]
    before = adversary.worth_usd(owner)
    push_pool(adversary, 0.91)
    attack_yields(before - adversary.worth_usd(owner), 14_440.0)


def test_deposit__pool_pushed_up_for_a_quarter_of_an_hour__buys_less(adversary):
    """The higher price prices deposits: what a newcomer pays too much falls to who is there."""
    owner = adversary.accounts[OWNER]
    push_pool(adversary, 1.09)
    before = adversary.worth_usd(owner)
    adversary.deposit(400_000.0)
    attack_yields(adversary.worth_usd(owner) - before, 7_125.0)
