"""The price gaps down by a quarter and Curie liquidates the hedge: what the vault measures, pays and sells then."""

from __future__ import annotations

import pytest

from agent.units import BPS, WAD
from tests.support.adversary import Adversary, attack_yields_at_most
from tests.support.keeper_world import START_PRICE_USD, KeeperWorld

pytestmark = pytest.mark.chain

OWNER = "depositor"
DEPOSIT_USD = 1_000_000.0
GAP = (0.93, 0.87, 0.81, 0.75)
"""The market follows in steps: Curie refuses trades that move it farther at once."""
LOWEST_USD = START_PRICE_USD * GAP[-1]


@pytest.fixture
def adversary(keeper_chain: KeeperWorld):
    """As much leverage as the guard allows, and the gap."""
    with keeper_chain.fresh() as fresh:
        one = Adversary(fresh)
        one.join()
        fresh.step(START_PRICE_USD)
        assert one.hedge() > 50
        assert one.lever_up()
        for ratio in GAP:
            fresh.step(START_PRICE_USD * ratio)
        yield one


def test_equity__gap_and_liquidation__is_the_venues_own(adversary):
    """The figure is how far the vault's ends lie from Curie's account value on the wrong side."""
    worst = 0.0
    for is_liquidated in (False, True):
        if is_liquidated:
            size = adversary.world.size()
            adversary.liquidate()
            assert abs(adversary.world.size()) < abs(size), "a real liquidation"
        low, high = adversary.equity_usd()
        truth = adversary.account_value_usd(adversary.world.venue)
        worst = max(worst, low - truth, truth - high)
    attack_yields_at_most(worst, 0.000_002)


def test_exit__gap_and_liquidation__is_paid_its_part(adversary):
    """A holder leaves with a quarter of his shares before the liquidation and another one after it."""
    owner = adversary.accounts[OWNER]
    quarter = adversary.shares(owner) // 4
    underpaid = 0.0
    for part in (4, 3):
        low, _ = adversary.equity_usd()
        fair = (adversary.idle_usd() + max(low, 0.0)) / part
        width = 0.01 * LOWEST_USD * abs(adversary.world.size()) / WAD / part
        paid = adversary.redeem(quarter, owner)
        assert paid <= fair + 1.0
        underpaid = max(underpaid, fair - paid - width)
        adversary.liquidate()
    attack_yields_at_most(underpaid, 1.0)


def test_deposit__gap_and_liquidation__takes_no_part_of_the_hole(adversary):
    """In while hardly any equity is left, out after a rebound of twice the deviation."""
    gain = adversary.round_trip(DEPOSIT_USD)
    deviation = adversary.world.settings().oracle.deviation_bps / BPS
    adversary.world.step(LOWEST_USD * (1 + 2 * deviation))
    attack_yields_at_most(gain(), 0.0)


def test_deposit__before_the_liquidation__bears_its_part_of_the_cost(adversary):
    gain = adversary.round_trip(DEPOSIT_USD)
    adversary.liquidate()
    attack_yields_at_most(gain(), 0.0)


def test_deposit__account_under_water__is_refused(adversary):
    adversary.world.step(START_PRICE_USD * 0.72)
    assert adversary.equity_usd()[1] < 0
    gain = adversary.round_trip(DEPOSIT_USD)
    assert adversary.shares() == 0
    adversary.world.step(START_PRICE_USD)
    attack_yields_at_most(gain(), 0.0)


def test_hedge__liquidated__is_built_again(adversary):
    """The figure is the net delta beyond the band afterwards, USD."""
    adversary.liquidate()
    assert adversary.world.size() == 0
    adversary.world.step(LOWEST_USD)
    adversary.hedge()
    band = float(adversary.world.settings().bounds.band_underlying)
    attack_yields_at_most(max(abs(adversary.net_delta()) - band, 0.0) * LOWEST_USD, 0.0)
