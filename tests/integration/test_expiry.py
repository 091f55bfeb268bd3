"""Legs that expire while the keeper is down, at work, or waiting for a transaction: their hedge is unwound."""

from __future__ import annotations

import json

import pytest

from agent.keeper.keeper import Keeper
from agent.keeper.result import Outcome
from agent.units import WAD
from tests.integration.test_keeper_commands import evenkeel
from tests.support.adversary import Adversary
from tests.support.keeper_world import BOOK, START_PRICE_USD, KeeperWorld

pytestmark = pytest.mark.chain

EXPIRY_UNIX = 1_725_062_400
"""2024-08-31 00:00 UTC, of the book's only leg."""
EMPTY_BOOK = '[book]\nunderlying = "ETH"\n'
WINDOW = 1_800
MOMENTS = (2_400, 1_500, 1_200, 900, 600, 300)
SURE_RATIO = 1.06
BAND = 3.6
"""Of the policy, about; underlying units."""


@pytest.fixture
def world(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        yield fresh
    fresh.book_path.write_text(BOOK, encoding="utf-8")


def expire(world: KeeperWorld, seconds_after: int, price_usd: float = START_PRICE_USD) -> None:
    """Move the market to so many seconds after the expiry."""
    world.step(price_usd, EXPIRY_UNIX + seconds_after - world.now())


@pytest.mark.parametrize("seconds_after", [0, 5_000])
def test_restart__leg_expired_while_down__hedge_is_unwound(world, seconds_after):
    with world.keeper() as keeper:
        assert keeper.cycle().outcome is Outcome.EXECUTED
    assert world.size() > 50 * WAD
    expire(world, seconds_after)
    finished = evenkeel(world, "run", "--book", str(world.book_path), "--cycles", "1", "--json")
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout)["outcome"] == "executed"
    assert world.size() == 0


def test_restart__expired_leg_removed_from_the_file__hedge_is_unwound(world):
    with world.keeper() as keeper:
        keeper.cycle()
    expire(world, 60)
    world.book_path.write_text(EMPTY_BOOK, encoding="utf-8")
    decided = evenkeel(world, "decide", "--book", str(world.book_path))
    assert "nothing is left of the book, so its hedge has no reason" in decided.stdout
    finished = evenkeel(world, "run", "--book", str(world.book_path), "--cycles", "1")
    assert finished.returncode == 0, finished.stderr
    assert world.size() == 0


def test_keeper__leg_expires_in_flight__hedge_is_unwound_and_stays_so(world):
    with world.keeper() as keeper:
        keeper.cycle()
        expire(world, -60)
        keeper.cycle()
        assert world.size() != 0
        expire(world, 12)
        assert keeper.cycle().outcome is Outcome.EXECUTED
        assert world.size() == 0
        expire(world, 600)
        assert keeper.cycle().outcome is Outcome.HELD


def test_keeper__expiry_crossed_by_a_pending_transaction__ends_unhedged(world):
    """Decided with the leg alive, mined after it: whatever the vault made of it, the next cycle unwinds."""
    expire(world, -30, START_PRICE_USD * 1.02)
    with world.keeper(receipt_timeout_seconds=0.2) as keeper:
        world.rpc("evm_setAutomine", False)
        assert keeper.cycle().outcome is Outcome.PENDING
        world.rpc("evm_setNextBlockTimestamp", EXPIRY_UNIX + 5)
        world.rpc("evm_mine")
        world.rpc("evm_setAutomine", True)
        results = [keeper.cycle()]
        while results[-1].outcome is not Outcome.HELD:
            world.localnet.chain.mine([], world.now() + 12)
            results.append(keeper.cycle())
            assert len(results) < 6
    assert world.size() == 0


def test_keeper__legs_settle_on_an_average__unwinds_along_the_window(world):
    """Sure to be exercised: the hedge follows the part of the window still to come, and the chain accepts each step."""
    adversary = Adversary(world)
    option_book = world.deployment.contract("OptionBook")
    world.book_path.write_text(BOOK.replace("quantity = -100", "quantity = -50"), encoding="utf-8")
    assert adversary.as_governor(option_book, "setSettlementWindow(uint256)", WINDOW)
    assert adversary.as_governor(option_book, "setQuantity(uint256,int256)", 1, -50 * WAD)
    with world.keeper() as keeper:
        for ratio in (1.0, 1.03, SURE_RATIO):
            world.step(START_PRICE_USD * ratio, 86_400)
            keeper.cycle()
        held = {seconds_left: unwound(world, keeper, seconds_left) for seconds_left in (*MOMENTS, -300)}
    assert [held[seconds_left] for seconds_left in MOMENTS] == pytest.approx(
        [50 * min(seconds_left / WINDOW, 1.0) for seconds_left in MOMENTS], abs=BAND
    )
    assert held[-300] == 0.0


def unwound(world: KeeperWorld, keeper: Keeper, seconds_left: int) -> float:
    """What is held after a cycle so long before the expiry."""
    expire(world, -seconds_left, START_PRICE_USD * SURE_RATIO)
    assert not keeper.cycle().guard_mirror_mismatch
    return world.size() / WAD
