"""How far the price may move before the venue liquidates, as it is told and as the real Curie does it."""

from __future__ import annotations

import pytest

from agent.status.risk import liquidation_distance
from agent.venues.maintenance import maintenance_of
from tests.support.adversary import Adversary
from tests.support.keeper_world import START_PRICE_USD, KeeperWorld

pytestmark = pytest.mark.chain

STEPS = 8
"""Curie refuses trades that move its pool farther at once, and marks at an average over half an hour."""


@pytest.fixture
def adversary(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        yield Adversary(fresh)


def told_distance(world: KeeperWorld) -> float:
    with world.keeper() as keeper:
        head = keeper.planner.head()
        [maintenance] = maintenance_of(keeper.planner.client, world.deployment.venues, head).values()
        assert maintenance == (0.0625, 0)
        [venue] = keeper.planner.reader.state(head).measurement.venues
    distance = liquidation_distance(venue, maintenance)
    assert distance is not None
    return distance


def can_be_liquidated_at(adversary: Adversary, price_usd: float) -> bool:
    """Whether a stranger can liquidate the vault's account once market and index stand there; nothing of it stays."""
    target = (adversary.world.venue, adversary.curie.base_token)
    with adversary.undone():
        for part in (*range(1, STEPS), *[STEPS] * STEPS):
            adversary.world.step(START_PRICE_USD + (price_usd - START_PRICE_USD) * part / STEPS)
        liquidator = adversary.accounts["arbitrageur"]
        adversary.fund(1_000_000, liquidator)
        return adversary.attempt(liquidator, adversary.curie.clearing_house, "liquidate(address,address)", *target)


def test_liquidation_distance__real_account__is_where_curie_liquidates(adversary):
    adversary.hedge()
    assert adversary.lever_up()
    distance = told_distance(adversary.world)
    assert 0.1 < distance < 0.5
    assert not can_be_liquidated_at(adversary, START_PRICE_USD * (1.0 - distance))
    # The lower equity allows for a price 0.5 % off, which at this leverage is a twentieth of the distance.
    assert can_be_liquidated_at(adversary, START_PRICE_USD * (1.0 - 1.08 * distance))
