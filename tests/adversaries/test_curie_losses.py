"""Losses on the real venue that no budget counts: debt filled with margin, and funding the hedge may not flee."""

from __future__ import annotations

import pytest

from agent.units import SECONDS_PER_DAY, WAD, AssetUnits
from tests.support.adversary import USDC_UNIT, Adversary, attack_yields, attack_yields_at_most
from tests.support.keeper_world import START_PRICE_USD, KeeperWorld

pytestmark = pytest.mark.chain

DAILY_FIGURE_USD = 3_994.0
"""`maxDailyExecutionLoss` under config/localnet.toml."""


@pytest.fixture
def adversary(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        one = Adversary(fresh)
        assert one.hedge() > 50
        yield one


def sink(adversary: Adversary) -> float:
    """Take margin out to the guard's bound and let the market fall until the account is under water; its debt, USD."""
    low, _ = adversary.equity_usd()
    notional = adversary.world.size() / WAD * START_PRICE_USD
    assert adversary.rebalance(notional / 3.98 - low, 0)
    for ratio in (0.93, 0.87, 0.81, 0.76, 0.738):
        adversary.world.step(START_PRICE_USD * ratio)
    return -adversary.equity_usd()[1]


def liquidate(adversary: Adversary) -> None:
    liquidator = adversary.accounts["arbitrageur"]
    adversary.fund(1_000_000, liquidator)
    adversary.world.localnet.fund_usdc(adversary.curie.insurance_fund, AssetUnits(1_000_000 * USDC_UNIT))
    target = (adversary.world.venue, adversary.curie.base_token)
    for _ in range(12):
        adversary.attempt(liquidator, adversary.curie.clearing_house, "liquidate(address,address)", *target)


def fill_with_margin(adversary: Adversary) -> float:
    """Move margin in, 1 % of NAV at most at a time, as long as NAV falls by it; what was lost, USD."""
    before = adversary.nav_usd()
    for _ in range(12):
        nav = adversary.nav_usd()
        adversary.rebalance(nav * 0.0099, 0)
        if adversary.nav_usd() > nav - 1:
            break
    return before - adversary.nav_usd()


def test_margin__debt_that_dust_keeps_alive__is_filled_uncounted(adversary):
    adversary.accept_weth()
    assert adversary.send_dust(1)
    sink(adversary)
    liquidate(adversary)
    assert adversary.world.size() == 0
    adversary.attempt(adversary.account, adversary.curie.vault, "settleBadDebt(address)", adversary.world.venue)
    attack_yields(fill_with_margin(adversary), 4_950.0)


def test_margin__debt_without_dust__is_settled_by_the_venue(adversary):
    """What the dust is for."""
    sink(adversary)
    liquidate(adversary)
    attack_yields_at_most(fill_with_margin(adversary), 1.0)


@pytest.mark.parametrize(("ratio", "expected_usd"), [(1.09, 15_222.0), (1.03, 5_066.0)])
def test_funding__pool_held_above_the_index__drains_the_hedge(adversary, ratio, expected_usd):
    before = adversary.nav_usd()
    adversary.fund(5_000_000, adversary.accounts["arbitrageur"])
    adversary.trade_to(START_PRICE_USD * ratio)
    adversary.pass_time(300)  # no cooldown runs any more
    adversary.publish(START_PRICE_USD)
    size = adversary.world.size() / WAD
    for part in (1.0, 0.5, 0.25, 0.1):
        if adversary.rebalance(0, -size * part):  # what the delta rule forbids
            break
    for _ in range(24):
        adversary.pass_time(SECONDS_PER_DAY // 24)
    attack_yields(before - adversary.nav_usd(), expected_usd)
