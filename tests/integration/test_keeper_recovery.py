"""What became of an intent is read from the chain: stuck, dropped, cancelled, expired, reverted, reorganised."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from agent.domain import Book
from agent.errors import TransientError
from agent.execution.intents import MAX_DECISION_AGE_BLOCKS
from agent.keeper.keeper import Keeper
from agent.keeper.result import Outcome
from agent.ledger.records import IntentState, Purpose
from agent.localnet.codec import encode_call
from agent.localnet.evm import Transaction
from agent.units import WAD
from tests.support.fault_proxy import FaultProxy, accept_and_drop, mine_a_block
from tests.support.keeper_world import KeeperWorld

pytestmark = pytest.mark.chain

IMPATIENT = {
    "receipt_timeout_seconds": 0.2,
    "replace_after_blocks": 1,
    "receipt_poll_seconds": 0.01,
    "max_replacements": 2,
}
WITHOUT_BUMPS = {**IMPATIENT, "max_replacements": 0}


@pytest.fixture
def world(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        yield fresh


def left_pending(world: KeeperWorld, **execution: object):
    """Let a keeper send a hedge that nobody mines, and end it."""
    world.rpc("evm_setAutomine", False)
    with world.keeper(**(execution or WITHOUT_BUMPS)) as keeper:
        result = keeper.cycle()
        assert result.outcome is Outcome.PENDING
        return result.intent_id, keeper.ledger.transactions_of(result.intent_id)


def renamed(book: Book) -> Book:
    """The same positions under another name: another book all the same."""
    return replace(book, positions=tuple(replace(leg, label="renamed") for leg in book.positions))


def assert_hedged_once(world: KeeperWorld, keeper: Keeper) -> None:
    assert len(world.events("Rebalanced")) == 1
    assert world.size() > 50 * WAD
    assert sum(fill.size_delta for fill in keeper.ledger.fills()) == world.size()
    assert keeper.ledger.open_intents() == []


def test_cycle__transaction_not_mined__is_bumped_by_policy_and_stays_one_intent(world):
    patient = {**IMPATIENT, "receipt_timeout_seconds": 3.0, "receipt_poll_seconds": 0.1}
    with FaultProxy(world.localnet.rpc_url) as proxy:
        proxy.on("eth_sendRawTransaction", accept_and_drop())
        proxy.on("eth_getTransactionReceipt", mine_a_block(), times=4)
        settings = world.settings(**patient).with_rpc_urls(proxy.url)
        with Keeper.build(settings, world.book(), {}) as keeper:
            intent_id = keeper.cycle().intent_id
            signed = keeper.ledger.transactions_of(intent_id)
    assert len(signed) == 3
    assert {transaction.nonce for transaction in signed} == {signed[0].nonce}
    for cheaper, dearer in pairwise(signed):
        assert dearer.max_fee_wei * 4 >= cheaper.max_fee_wei * 5
        assert dearer.priority_fee_wei * 4 >= cheaper.priority_fee_wei * 5
    world.rpc("eth_sendRawTransaction", signed[-1].raw)
    with world.keeper() as keeper:
        result = keeper.cycle()
        assert result.resumed is IntentState.EXECUTED
        assert result.outcome is Outcome.HELD
        assert keeper.ledger.receipts()[-1].transaction_hash == signed[-1].transaction_hash
        assert_hedged_once(world, keeper)
        assert keeper.ledger.states_of(intent_id)[-1] is IntentState.EXECUTED


def test_cycle__transaction_dropped_by_every_node__is_sent_again_byte_for_byte(world):
    _, signed = left_pending(world)
    world.rpc("anvil_dropAllTransactions")
    world.rpc("evm_setAutomine", True)
    with world.keeper() as keeper:
        result = keeper.cycle()
        assert result.resumed is IntentState.EXECUTED
        assert [receipt.transaction_hash for receipt in keeper.ledger.receipts()] == [signed[0].transaction_hash]
        assert_hedged_once(world, keeper)


def test_cycle__book_changed_while_a_transaction_waits__cancels_it_and_decides_anew(world):
    intent_id, signed = left_pending(world)
    with world.keeper(book=renamed(world.book()), **WITHOUT_BUMPS) as keeper:
        assert keeper.cycle().outcome is Outcome.PENDING
        cancel = keeper.ledger.transactions_of(intent_id)[-1]
        assert (cancel.purpose, cancel.nonce) == (Purpose.CANCEL, signed[0].nonce)
        world.rpc("evm_mine")
        assert world.events("Rebalanced") == []
        world.rpc("evm_setAutomine", True)
        result = keeper.cycle()
        assert result.resumed is IntentState.CANCELLED
        assert result.outcome is Outcome.EXECUTED
        assert result.intent_id != intent_id
        assert_hedged_once(world, keeper)


def test_cycle__cancellation_loses_the_race__the_hedge_counts(world):
    left_pending(world)
    world.rpc("evm_mine")
    with world.keeper(book=renamed(world.book())) as keeper:
        result = keeper.cycle()
        assert result.resumed is IntentState.EXECUTED
        assert_hedged_once(world, keeper)


def test_cycle__deadline_passed_unmined__expires_and_decides_anew(world):
    intent_id, signed = left_pending(world)
    world.rpc("anvil_dropAllTransactions")
    world.rpc("evm_setAutomine", True)
    world.step(3_200.0)
    with world.keeper() as keeper:
        result = keeper.cycle()
        assert result.resumed is IntentState.EXPIRED
        assert result.outcome is Outcome.EXECUTED
        assert result.intent_id != intent_id
        assert keeper.ledger.transactions_of(result.intent_id)[0].nonce == signed[0].nonce
        assert_hedged_once(world, keeper)


@pytest.mark.parametrize("fate", [IntentState.CANCELLED, IntentState.REVERTED])
def test_cycle__block_decided_on_is_replaced__decision_dies_and_is_made_anew(world, fate):
    before = world.rpc("evm_snapshot")
    world.localnet.chain.mine([], world.now() + 1)
    intent_id, signed = left_pending(world)
    world.rpc("evm_revert", before)
    if fate is IntentState.CANCELLED:
        world.rpc("anvil_dropAllTransactions")
    world.localnet.chain.mine([], world.now() + 2)
    world.rpc("evm_setAutomine", True)
    with world.keeper() as keeper:
        [record] = keeper.ledger.open_intents()
        sender, head = world.localnet.manifest.accounts["keeper"], keeper.planner.head()
        assert keeper.planner.simulate(record.intent, sender, head).name == "BlockHashMismatch"
        result = keeper.cycle()
        assert result.resumed is fate
        assert result.outcome is Outcome.EXECUTED
        assert not result.guard_mirror_mismatch
        assert result.intent_id != intent_id
        assert keeper.ledger.transactions_of(intent_id)[-1].nonce == signed[0].nonce
        assert_hedged_once(world, keeper)


def test_cycle__decision_older_than_200_blocks__is_taken_back_and_made_anew(world):
    intent_id, _ = left_pending(world)
    world.rpc("anvil_dropAllTransactions")
    world.rpc("anvil_mine", hex(MAX_DECISION_AGE_BLOCKS + 1), hex(1))
    world.rpc("evm_setAutomine", True)
    with world.keeper() as keeper:
        result = keeper.cycle()
        assert result.resumed is IntentState.CANCELLED
        assert result.outcome is Outcome.EXECUTED
        assert result.intent_id != intent_id
        assert_hedged_once(world, keeper)


def test_cycle__expired_transaction_still_waiting__is_replaced_by_a_better_paid_one(world):
    _, signed = left_pending(world)
    world.rpc("anvil_dropAllTransactions")
    world.step(3_200.0)
    world.rpc("evm_setAutomine", False)
    world.rpc("eth_sendRawTransaction", signed[0].raw)
    with world.keeper(**WITHOUT_BUMPS) as keeper:
        result = keeper.cycle()
        assert result.outcome is Outcome.PENDING
        assert result.resumed is IntentState.EXPIRED
        newer = keeper.ledger.transactions_of(result.intent_id)[0]
        assert newer.nonce == signed[0].nonce
        assert newer.max_fee_wei * 4 >= signed[0].max_fee_wei * 5
        world.rpc("evm_mine")
        assert keeper.cycle().resumed is IntentState.EXECUTED
        assert_hedged_once(world, keeper)


def test_cycle__vault_paused_in_front_of_the_transaction__is_reverted_and_recorded(world):
    intent_id, _ = left_pending(world)
    guardian = world.localnet.manifest.accounts["guardian"]
    first_of_all = Transaction("pause", guardian, world.vault, encode_call("pause()"), 100_000, tip_wei=10**12)
    world.localnet.chain.mine([first_of_all])
    with world.keeper() as keeper:
        result = keeper.cycle()
        assert result.resumed is IntentState.REVERTED
        assert result.outcome is Outcome.HELD
        assert [receipt.is_success for receipt in keeper.ledger.receipts()] == [False]
        assert keeper.ledger.states_of(intent_id)[-1] is IntentState.REVERTED
    assert world.events("Rebalanced") == []


def test_cycle__nonce_taken_by_a_stranger_with_the_key__is_superseded(world):
    left_pending(world)
    world.rpc("anvil_dropAllTransactions")
    keeper_address = world.localnet.manifest.accounts["keeper"]
    world.localnet.chain.mine([Transaction("transfer", keeper_address, keeper_address, "0x", 21_000)])
    world.rpc("evm_setAutomine", True)
    with world.keeper() as keeper:
        result = keeper.cycle()
        assert result.resumed is IntentState.SUPERSEDED
        assert result.outcome is Outcome.EXECUTED
        assert_hedged_once(world, keeper)


def test_cycle__block_of_hedge_replaced__same_bytes_sent_again_and_counted_once(world):
    with world.keeper() as keeper:
        first = keeper.cycle()
        assert first.outcome is Outcome.EXECUTED
        world.rpc("anvil_reorg", 1, [])
        assert world.events("Rebalanced") == []
        result = keeper.cycle()
        assert result.resumed is IntentState.EXECUTED
        receipts = keeper.ledger.receipts()
        assert [receipt.transaction_hash for receipt in receipts] == [first.receipt.transaction_hash]
        assert receipts[0].block_id != first.receipt.block_id
        assert_hedged_once(world, keeper)
        assert result.nav.error_bps <= 1.0
    with world.keeper() as restarted:
        assert restarted.cycle().outcome is Outcome.HELD
        assert_hedged_once(world, restarted)


def test_cycle__ledger_lost_while_transaction_waits__sends_nothing_until_it_is_known(world):
    left_pending(world)
    with world.keeper(ledger="another", **WITHOUT_BUMPS) as keeper:
        with pytest.raises(TransientError, match="a transaction waiting that this ledger does not know"):
            keeper.cycle()
        world.rpc("evm_mine")
        assert keeper.cycle().outcome is Outcome.HELD
        assert_hedged_once(world, keeper)


def test_cycle__transaction_unknown_to_the_ledger_used_intent__counts_as_executed(world):
    """The ledger was restored from a copy made between the decision and the signature."""
    intent_id, signed = left_pending(world)
    world.rpc("evm_mine")
    with world.keeper() as keeper:
        record = keeper.ledger.open_intents()[0]
    with world.keeper(ledger="restored") as keeper:
        keeper.ledger.add_intent(record)
        result = keeper.cycle()
        assert result.resumed is IntentState.EXECUTED
        assert keeper.ledger.transactions_of(intent_id) == []
        assert_hedged_once(world, keeper)
    assert len(signed) == 1
