"""A member who sees an update of the index before the vault does, or who moves the venue's pool, trades shares.

Deposits are priced over the feed's deviation above the index, exits as far below it: a round trip gains what an update
exceeds twice the deviation by.
"""

from __future__ import annotations

import pytest

from agent.units import BPS, SECONDS_PER_DAY, WAD
from tests.support.adversary import Adversary, attack_yields_at_most
from tests.support.keeper_world import START_PRICE_USD, KeeperWorld

pytestmark = pytest.mark.chain

DEPOSIT_USD = 10_000_000.0
OWNER = "depositor"


@pytest.fixture
def stranger(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        one = Adversary(fresh)
        assert one.hedge() > 50
        yield one


@pytest.fixture
def member(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        one = Adversary(fresh)
        one.join()
        step(one, 0.0)
        assert one.hedge() > 50
        yield one


def step(adversary: Adversary, move: float) -> None:
    adversary.world.step(START_PRICE_USD * (1 + move))


def deviation(adversary: Adversary) -> float:
    """The oracle's, as deployed."""
    return adversary.world.settings().oracle.deviation_bps / BPS


def test_deposit__by_a_stranger__gets_no_shares(stranger):
    gain = stranger.round_trip(DEPOSIT_USD)
    step(stranger, 0.03)
    attack_yields_at_most(gain(), 0.0)


def test_shares__sent_to_a_stranger__stay_with_the_member(stranger):
    """The way round the gate: a member's shares, sold."""
    owner = stranger.accounts[OWNER]
    stranger.attempt(owner, stranger.world.vault, "transfer(address,uint256)", stranger.account, 10**12)
    attack_yields_at_most(stranger.worth_usd(), 0.0)


@pytest.mark.parametrize("move", [0.005, 0.01])
def test_deposit__before_an_update__gains_nothing(member, move):
    gain = member.round_trip(DEPOSIT_USD)
    step(member, move)
    attack_yields_at_most(gain(), 0.0)


def test_deposit__before_a_jump_of_twice_the_deviation__gains_nothing(member):
    gain = member.round_trip(DEPOSIT_USD)
    step(member, 2 * deviation(member))
    attack_yields_at_most(gain(), 0.0)


def test_deposit__before_a_jump_of_three_percent__gains_the_excess(member):
    """Nobody knows of a jump beyond twice the deviation: what exceeds it is the hedge's gain on that part."""
    excess_usd = (0.03 - 2 * deviation(member)) * START_PRICE_USD * member.world.size() / WAD
    gain = member.round_trip(DEPOSIT_USD)
    step(member, 0.03)
    attack_yields_at_most(gain(), excess_usd)


def test_deposit__locked_for_a_day__holds_on_after_a_jump(member):
    """Where shares are locked the excess is not his to take: he holds on, and here the price comes back."""
    assert member.as_governor(member.world.vault, "setShareLock(uint256)", SECONDS_PER_DAY)
    step(member, 0.0)
    gain = member.round_trip(DEPOSIT_USD)
    step(member, 0.03)
    paid_at_once = member.leave()
    member.pass_time(SECONDS_PER_DAY)
    step(member, 0.0)
    attack_yields_at_most(max(paid_at_once, gain()), 0.0)


def test_deposit__of_nineteen_navs__is_not_a_strangers(stranger):
    """The book loses $10,000 on its delta; the hedge earns it back for the owner, less the deviation on it."""
    owner = stranger.accounts[OWNER]
    before = stranger.worth_usd(owner)
    size = stranger.world.size() / WAD
    stranger.deposit(19 * stranger.nav_usd())
    step(stranger, 10_000 / size / START_PRICE_USD)
    of_the_width = 10_000 * deviation(stranger)
    funding = stranger.loss_bounds().funding * 300 / SECONDS_PER_DAY
    attack_yields_at_most(10_000 - (stranger.worth_usd(owner) - before), of_the_width + funding)


def test_exit__before_a_falling_update__leaves_no_loss_to_others(member):
    """A holder of half the shares leaves and is back after the update; the figure is what others bear of his part."""
    owner = member.accounts[OWNER]
    member.deposit(member.nav_usd())
    before = member.worth_usd(owner)
    size = member.world.size() / WAD
    taken = member.leave()
    step(member, -0.005)
    if taken:
        member.deposit(taken)
    fair = 0.005 * START_PRICE_USD * size / 2
    attack_yields_at_most(before - member.worth_usd(owner) - fair, 0.0)


def test_deposit__pool_has_moved_already__gains_nothing(member):
    """All of the market has moved and everybody sees it: Curie's mark is a median and waits for the index."""
    member.trade_to(START_PRICE_USD * 1.005)
    gain = member.round_trip(DEPOSIT_USD)
    step(member, 0.005)
    attack_yields_at_most(gain(), 0.0)


def test_deposit__update_and_own_arbitrage_in_seconds__gains_nothing(member):
    """Nobody else need move the pool: the mark follows 16 seconds after the member has bought it up himself."""
    gain = member.round_trip(DEPOSIT_USD)
    member.publish(START_PRICE_USD * 1.005)
    member.trade_to(START_PRICE_USD * 1.005)
    member.pass_time(16)
    attack_yields_at_most(gain(), 0.0)
