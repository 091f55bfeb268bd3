"""Who holds the venue's pool away from the index for a quarter of an hour moves the mark, and with it one end of NAV.

Whoever enters or leaves meanwhile pays the difference to those who stay; the slippage-bounded forms refuse instead.
"""

from __future__ import annotations

import pytest

from agent.units import WAD
from tests.support.adversary import Adversary, attack_yields_at_most
from tests.support.figures import show_figures
from tests.support.keeper_world import START_PRICE_USD, KeeperWorld

pytestmark = pytest.mark.chain

OWNER = "depositor"
PUSH = 0.09
"""Curie refuses trades that leave the pool farther than 10 % from the index."""
HOLD_SECONDS = 840
"""Until the venue's average of 15 minutes has followed."""
PUSHER_MARGIN_USD = 20_000_000.0


@pytest.fixture
def adversary(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        one = Adversary(fresh)
        one.join()
        fresh.step(START_PRICE_USD)
        assert one.hedge() > 50
        yield one


def push(adversary: Adversary, move: float) -> None:
    adversary.fund(PUSHER_MARGIN_USD)
    adversary.trade_to(START_PRICE_USD * (1 + move), adversary.account)
    adversary.pass_time(HOLD_SECONDS)


def let_go(adversary: Adversary) -> float:
    """Close the pusher's position at the pool's price; what the push has cost him, USD."""
    adversary.close_position(adversary.account)
    return PUSHER_MARGIN_USD - adversary.account_value_usd(adversary.account)


def hedged_usd(adversary: Adversary) -> float:
    return START_PRICE_USD * adversary.world.size() / WAD


def test_exit__pool_pushed_down__takes_no_more_than_the_push(adversary):
    """Who sells then pays: the fall of the mark on the part of the hedge behind the shares he sells."""
    owner = adversary.accounts[OWNER]
    before = adversary.worth_usd(owner)
    push(adversary, -PUSH)
    attack_yields_at_most(before - adversary.worth_usd(owner), PUSH * hedged_usd(adversary))


def test_exit__pool_pushed_down__costs_the_pusher_more_than_he_gains(adversary):
    """He holds half the shares and closes his position where he pushed the pool to; nobody trades against him.

    The push costs what the pool's depth makes it cost, whatever the vault holds: it would pay if others left with a
    hedge of about twice this half's, without naming the least they take.
    """
    owner = adversary.accounts[OWNER]
    assert adversary.deposit(adversary.nav_usd())
    before = adversary.worth_usd()
    push(adversary, -PUSH)
    assert adversary.leave(owner) > 0.0
    cost = let_go(adversary)
    adversary.pass_time(2 * HOLD_SECONDS)
    adversary.world.step(START_PRICE_USD)
    gain = adversary.worth_usd() - before
    show_figures(f"gain {gain:,.2f}, cost of the push {cost:,.2f}")
    attack_yields_at_most(gain - cost, 0.0)


def test_exit__pool_pushed_down__least_assets_named__is_refused(adversary):
    owner = adversary.accounts[OWNER]
    shares = adversary.shares(owner) // 4
    with adversary.undone():
        expected_usd = adversary.redeem(shares, owner)
    assert expected_usd > 0.0
    push(adversary, -PUSH)
    taken_usd = adversary.redeem(shares, owner, least_usd=0.99 * expected_usd)
    attack_yields_at_most(expected_usd - taken_usd if taken_usd else 0.0, 0.0)


def test_deposit__pool_pushed_up__gives_no_more_than_the_push(adversary):
    """Who buys then pays: the rise of the mark on the hedge, as far as his deposit outweighs what is there."""
    owner = adversary.accounts[OWNER]
    push(adversary, PUSH)
    before = adversary.worth_usd(owner)
    adversary.deposit(adversary.nav_usd())
    attack_yields_at_most(adversary.worth_usd(owner) - before, PUSH * hedged_usd(adversary))


def test_deposit__pool_pushed_up__least_shares_named__is_refused(adversary):
    owner = adversary.accounts[OWNER]
    deposit_usd = adversary.nav_usd()
    expected = adversary.preview_deposit(deposit_usd)
    push(adversary, PUSH)
    before = adversary.worth_usd(owner)
    adversary.deposit(deposit_usd, min_shares=expected * 99 // 100)
    attack_yields_at_most(adversary.worth_usd(owner) - before, 0.0)


@pytest.mark.parametrize("move", [-PUSH, PUSH])
def test_shares__traded_by_the_pusher_himself__gain_nothing(adversary, move):
    """In before he pushes, out while he holds it; and in while he holds it, out afterwards."""
    gain = adversary.round_trip(adversary.nav_usd())
    push(adversary, move)
    first = gain()
    again = adversary.round_trip(adversary.nav_usd())
    let_go(adversary)
    adversary.pass_time(2 * HOLD_SECONDS)
    adversary.world.step(START_PRICE_USD)
    attack_yields_at_most(max(first, again()), 0.0)
