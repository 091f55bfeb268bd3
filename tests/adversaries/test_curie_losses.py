"""Losses on the real venue: debt that margin would fill is charged to the keeper, and funding can be stepped out of."""

from __future__ import annotations

import pytest

from agent.units import BPS, SECONDS_PER_DAY
from tests.support.adversary import Adversary, attack_yields_at_most
from tests.support.keeper_world import START_PRICE_USD, KeeperWorld

pytestmark = pytest.mark.chain

HOUR = SECONDS_PER_DAY // 24
DAYS = 2


@pytest.fixture
def adversary(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        one = Adversary(fresh)
        assert one.hedge() > 50
        yield one


def sink(adversary: Adversary) -> None:
    """Take margin out to the guard's bound and let the market fall until the account is under water."""
    assert adversary.lever_up()
    for ratio in (0.93, 0.87, 0.81, 0.76, 0.72):
        adversary.world.step(START_PRICE_USD * ratio)
    assert adversary.equity_usd()[1] < 0


def fill_with_margin(adversary: Adversary) -> float:
    """Move margin in, as much at a time as one rebalance may lose, as long as NAV falls by it; what was lost, USD."""
    before = adversary.nav_usd()
    for part in (0.0099, 0.005, 0.0025, 0.001):
        for _ in range(12):
            nav = adversary.nav_usd()
            adversary.rebalance(nav * part, 0)
            if adversary.nav_usd() > nav - 1:
                break
    return before - adversary.nav_usd()


def test_margin__debt_that_dust_keeps_alive__is_charged_to_the_keeper(adversary):
    """Curie writes no debt off while the account holds other collateral, of which a wei is enough."""
    adversary.accept_weth()
    assert adversary.send_dust(1)
    sink(adversary)
    adversary.liquidate()
    assert adversary.world.size() == 0
    adversary.attempt(adversary.account, adversary.curie.vault, "settleBadDebt(address)", adversary.world.venue)
    limit = adversary.loss_bounds().keeper_key
    lost = fill_with_margin(adversary)
    assert lost > 0.0, "the attack itself"
    for _ in range(4):  # a day in which the budget is refilled
        adversary.pass_time(SECONDS_PER_DAY // 4)
        adversary.publish(START_PRICE_USD * 0.72)
        lost += fill_with_margin(adversary)
    attack_yields_at_most(lost, limit)


def test_margin__debt_without_dust__is_settled_by_the_venue(adversary):
    """What the dust is for."""
    sink(adversary)
    adversary.liquidate()
    attack_yields_at_most(fill_with_margin(adversary), 1.0)


def push_up(adversary: Adversary, move: float) -> None:
    adversary.fund(5_000_000, adversary.accounts["arbitrageur"])
    adversary.trade_to(START_PRICE_USD * (1 + move))
    adversary.pass_time(300)  # no cooldown runs any more
    adversary.publish(START_PRICE_USD)


def pass_hour(adversary: Adversary) -> None:
    """Hold index and pool where they are; anyone has the guard look at the result."""
    adversary.pass_time(HOUR)
    adversary.publish(START_PRICE_USD)
    adversary.attempt(adversary.account, adversary.contract("RebalanceGuard"), "recordResult()")


@pytest.mark.parametrize("move", [0.09, 0.03])
def test_funding__pool_held_above_the_index__guardian_closes_the_venue(adversary, move):
    """He closes it after an hour: the keeper may then step out, against the delta rule."""
    bounds = adversary.loss_bounds()
    push_up(adversary, move)
    before = adversary.nav_usd()
    assert not adversary.close_hedge(), "the delta rule holds while the book is there"
    pass_hour(adversary)
    lost = before - adversary.nav_usd()
    assert adversary.as_guardian(adversary.contract("VenueRegistry"), "closeVenue(address)", adversary.world.venue)
    assert adversary.close_hedge()
    for _ in range(24):
        pass_hour(adversary)
    assert adversary.world.size() == 0
    attack_yields_at_most(max(lost, before - adversary.nav_usd()), bounds.funding / 24)


def test_funding__pool_held_above_the_index__breaker_lets_the_keeper_out(adversary):
    """Nobody but the keeper does anything: he may step out once `max_drawdown_bps` of NAV are gone in a day."""
    bounds = adversary.loss_bounds()
    push_up(adversary, 0.09)
    before = adversary.nav_usd()
    lost = 0.0
    while not adversary.close_hedge() and lost < before:
        pass_hour(adversary)
        lost = before - adversary.nav_usd()
    attack_yields_at_most(lost, drawdown(adversary) * before + bounds.funding / 24)


def test_funding__pool_held_a_little_above_the_index__stays_below_the_breaker(adversary):
    """A slower drain trips no breaker: at most `max_drawdown_bps` of NAV a day, until the guardian closes the venue."""
    push_up(adversary, 0.03)
    before = adversary.nav_usd()
    for _ in range(24 * DAYS):
        pass_hour(adversary)
    attack_yields_at_most(before - adversary.nav_usd(), drawdown(adversary) * before * DAYS)


def drawdown(adversary: Adversary) -> float:
    return adversary.world.settings().bounds.max_drawdown_bps / BPS
