"""The keeper is killed with SIGKILL before and after everything it does, started again, and hedges exactly once."""

from __future__ import annotations

import signal

import pytest

from agent.execution.signer import load_signer
from agent.keeper.result import Outcome
from agent.ledger.records import IntentState
from agent.units import WAD
from tests.chaos.forked import Zygote
from tests.support.keeper_world import KeeperWorld

pytestmark = pytest.mark.chain

LEAST_KILL_POINTS = 20
MAX_CYCLES = 6


@pytest.fixture(scope="module")
def zygote(keeper_chain: KeeperWorld):
    with Zygote(keeper_chain) as process:
        yield process


@pytest.fixture(scope="module")
def undisturbed(keeper_chain: KeeperWorld, zygote: Zygote):
    """A run without kill: its operations and the position it ends with."""
    with keeper_chain.fresh() as world:
        run = zygote.keeper()
        assert run["exit"] == 0
        assert run["outcomes"] == [Outcome.EXECUTED.value, Outcome.HELD.value]
        return run["operations"], world.size()


def start_again_and_assert_hedged_once(world: KeeperWorld, size: int | None, where: str) -> None:
    """Start a keeper as ever, let it work until it holds, and compare chain and books."""
    with world.keeper() as keeper:
        results = [keeper.cycle()]
        while results[-1].outcome is not Outcome.HELD and len(results) < MAX_CYCLES:
            results.append(keeper.cycle())
        assert results[-1].outcome is Outcome.HELD, where
        assert max(result.nav.error_bps for result in results if result.nav is not None) <= 1.0, where
        assert not any(result.guard_mirror_mismatch for result in results), where
        assert len(world.events("Rebalanced")) == 1, where
        assert world.size() == size if size is not None else world.size() > 50 * WAD, where
        legs = [leg for leg in world.events("LegExecuted") if leg["requestedSizeDelta"] != 0]
        assert [(leg["filledSizeDelta"], leg["executionPrice"], leg["fee"]) for leg in legs] == [
            (fill.size_delta, fill.execution_price, fill.fee) for fill in keeper.ledger.fills()
        ], where
        [rebalance] = keeper.ledger.rebalances()
        [receipt] = keeper.ledger.receipts()
        assert receipt.is_success, where
        assert receipt.transaction_hash == rebalance.at.transaction_hash, where
        signed = keeper.ledger.transactions_of(rebalance.intent_id)
        assert receipt.transaction_hash in [transaction.transaction_hash for transaction in signed], where
        assert keeper.ledger.states_of(rebalance.intent_id)[-1] is IntentState.EXECUTED, where
        assert keeper.ledger.open_intents() == [], where


def test_keeper__killed_around_every_operation__hedges_exactly_once(keeper_chain, zygote, undisturbed):
    operations, size = undisturbed
    # Before one operation is after the one before it: nothing leaves the process in between.
    points = [(index, False) for index in range(len(operations))] + [(len(operations) - 1, True)]
    assert len(points) >= LEAST_KILL_POINTS
    assert "eth_sendRawTransaction" in operations
    for index, is_after in points:
        where = f"killed {'after' if is_after else 'before'} operation {index}, {operations[index]}"
        with keeper_chain.fresh() as world:
            assert zygote.keeper(index, is_after)["exit"] == -signal.SIGKILL, where
            start_again_and_assert_hedged_once(world, size, where)


def test_keeper__killed_while_transaction_waits__hedges_exactly_once_when_mined(keeper_chain, zygote, undisturbed):
    operations, size = undisturbed
    sent = operations.index("eth_sendRawTransaction")
    for index in range(sent, sent + 4):
        where = f"killed after operation {index} with the transaction waiting"
        with keeper_chain.fresh() as world:
            world.rpc("evm_setAutomine", False)
            assert zygote.keeper(index, True)["exit"] == -signal.SIGKILL, where
            world.rpc("evm_mine")
            world.rpc("evm_setAutomine", True)
            start_again_and_assert_hedged_once(world, size, where)


def test_keeper__killed_and_started_after_the_deadline__hedges_exactly_once(keeper_chain, zygote, undisturbed):
    operations, _ = undisturbed
    sent = operations.index("eth_sendRawTransaction")
    for index, is_after in ((sent - 2, True), (sent - 1, True), (sent, False), (sent, True)):
        where = f"killed {'after' if is_after else 'before'} operation {index}, started past the deadline"
        with keeper_chain.fresh() as world:
            assert zygote.keeper(index, is_after)["exit"] == -signal.SIGKILL, where
            world.step(3_200.0, seconds=300)
            start_again_and_assert_hedged_once(world, None, where)


def test_zygote__uses_the_keeper_of_the_local_chain(keeper_chain):
    assert load_signer({}, 31_337).address == keeper_chain.localnet.manifest.accounts["keeper"]
