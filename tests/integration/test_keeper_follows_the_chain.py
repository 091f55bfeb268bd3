"""What governors and guardians change on the chain takes effect in a running keeper at its next cycle."""

from __future__ import annotations

from dataclasses import astuple, replace

import pytest

from agent.errors import FatalError
from agent.keeper.keeper import Keeper
from agent.keeper.result import Outcome
from agent.units import WAD, Wad
from tests.support.keeper_world import KeeperWorld

pytestmark = pytest.mark.chain

BOUNDS = f"({','.join([*['uint128'] * 9, *['uint64'] * 2, *['uint16'] * 9, 'uint32'])})"
LIMITS = "(uint32,uint32,uint32,uint32,uint16,uint16,uint16,uint16,uint128,uint128)"


@pytest.fixture
def world(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        yield fresh


@pytest.fixture
def keeper(world: KeeperWorld):
    with world.keeper() as running:
        assert running.cycle().outcome is Outcome.EXECUTED
        yield running


def test_keeper__bounds_tightened_between_cycles__next_decision_obeys(world: KeeperWorld, keeper: Keeper):
    world.step(3_215.0)
    assert keeper.cycle().outcome is Outcome.HELD
    before = keeper.cycle()
    bounds = before.snapshot.bounds
    tighter = replace(bounds, band=Wad(WAD // 2), max_size_delta=Wad(2 * WAD))
    guard = world.deployment.contract("RebalanceGuard")
    world.send("guardian", guard, f"tightenBounds({BOUNDS})", astuple(tighter))
    result = keeper.cycle()
    assert result.snapshot.bounds == tighter
    assert abs(result.fills[0].size_delta) <= 2 * WAD
    assert result.outcome is Outcome.EXECUTED


def test_keeper__price_limits_tightened_between_cycles__next_cycle_is_refused(world: KeeperWorld, keeper: Keeper):
    oracle = world.deployment.contract("PriceOracle")
    returns = f"({LIMITS})"
    limits = list(world.localnet.chain.call(oracle, "priceLimits()", returns=returns)[0])
    limits[-1] = 3_100 * WAD
    world.send("guardian", oracle, f"tightenPriceLimits({LIMITS})", tuple(limits))
    result = keeper.cycle()
    assert result.outcome is Outcome.REJECTED
    assert result.reason.startswith("cannot be read: ")


def test_keeper__venue_closed_between_cycles__only_shrinks(world: KeeperWorld, keeper: Keeper):
    world.send("guardian", world.deployment.contract("VenueRegistry"), "closeVenue(address)", world.venue)
    world.step(3_500.0)
    size = world.size()
    result = keeper.cycle()
    assert result.snapshot.measurement.venues[0].is_closing
    assert all(leg.size_delta <= 0 for leg in result.decision.legs)
    assert world.size() <= size


def test_keeper__dismissed_between_cycles__ends_in_one_clear_line(world: KeeperWorld, keeper: Keeper):
    key = world.localnet.manifest.accounts["keeper"]
    world.send("guardian", world.deployment.contract("VaultAccess"), "dismissKeeper(address)", key)
    with pytest.raises(FatalError, match=f"key {key} was dismissed: it has no KEEPER_ROLE any more") as ended:
        keeper.cycle()
    assert "\n" not in str(ended.value)
