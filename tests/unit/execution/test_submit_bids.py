"""What the executor bids while a transaction waits, and how it takes a nonce back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.errors import DataError, RejectedError
from agent.execution.submit import Terms
from agent.ledger.records import IntentState, Purpose
from agent.units import Seconds, Wei
from tests.support.scripted_execution import SETTINGS, START, FakeTime, block, executor_of, passing_blocks, record


def test_execute__never_mined__bumps_by_policy_and_then_leaves_it_open(executor, chain, ledger, clock):
    chain.mines = False
    passing_blocks(chain, clock)
    settlement = executor.execute(record(), block(10))
    assert settlement.state is None
    assert clock.now == SETTINGS.receipt_timeout_seconds
    signed = ledger.transactions_of(record().intent.intent_id)
    assert [one.nonce for one in signed] == [4, 4, 4, 4]
    assert [one.max_fee_wei for one in signed] == [41 * 10**9, 51_250_000_000, 64_062_500_000, 80_078_125_000]
    assert len(ledger.open_intents()) == 1


def test_execute__no_block_passes__is_not_bumped_however_long_it_takes(executor, chain, ledger, clock):
    chain.mines = False
    assert executor.execute(record(), block(10)).state is None
    assert len(ledger.transactions_of(record().intent.intent_id)) == 1


def test_execute__base_fee_leaves_the_bid_behind__is_bumped_at_the_next_block(chain, ledger, clock):
    chain.mines = False
    patient = executor_of(chain, ledger, clock, replace_after_blocks=50)

    def dearer() -> None:
        chain.number, chain.base_fee = 11, 42 * 10**9

    clock.then[3.0] = dearer
    patient.execute(record(), block(10))
    first, second = ledger.transactions_of(record().intent.intent_id)
    assert first.max_fee_wei == 41 * 10**9
    assert second.max_fee_wei >= 43 * 10**9


def test_execute__grows_urgent_while_it_waits__next_bid_has_the_urgent_cap(chain, ledger, clock):
    chain.mines, chain.base_fee = False, 60 * 10**9
    passing_blocks(chain, clock)
    terms = Terms(lambda head: head.number > 11)
    executor_of(chain, ledger, clock, max_replacements=1).execute(record(), chain.head(0), terms)
    first, second = ledger.transactions_of(record().intent.intent_id)
    assert first.max_fee_wei <= 100 * 10**9
    assert second.max_fee_wei > 100 * 10**9
    assert second.priority_fee_wei == 3 * 10**9


def test_execute__dearer_than_the_hedge_is_worth__is_refused_unless_it_is_urgent(chain, ledger, clock):
    worth = Wei(20 * 10**9)
    with pytest.raises(RejectedError, match="GasPriceExceeded"):
        executor_of(chain, ledger, clock).execute(record(), chain.head(0), Terms(lambda _: False, worth))
    assert chain.sent == []
    settlement = executor_of(chain, ledger, clock).execute(record(), chain.head(0), Terms(lambda _: True, worth))
    assert settlement.state is IntentState.EXECUTED


def test_execute__others_pay_less_for_a_place__so_does_the_keeper(chain, ledger, clock):
    chain.tip = Wei(3 * 10**8)
    executor_of(chain, ledger, clock, tip_percentile=50.0).execute(record(), block(10))
    [signed] = ledger.transactions_of(record().intent.intent_id)
    assert signed.priority_fee_wei == 3 * 10**8


def test_execute__first_bid_mined_after_a_bump__counts(executor, chain, ledger, clock):
    chain.mines = False
    passing_blocks(chain, clock)
    clock.then[4.0] = lambda: chain.mine(chain.sent[0])
    settlement = executor.execute(record(), block(10))
    assert settlement.state is IntentState.EXECUTED
    signed = ledger.transactions_of(record().intent.intent_id)
    assert len(signed) == 2
    assert settlement.receipt.transaction_hash == signed[0].transaction_hash


def test_execute__bump_above_the_cap__waits_on_with_what_there_is(executor, chain, ledger):
    chain.mines, clock = False, FakeTime()
    passing_blocks(chain, clock)
    assert executor_of(chain, ledger, clock, max_fee_gwei=22).execute(record(), block(10)).state is None
    assert len(ledger.transactions_of(record().intent.intent_id)) == 1


def test_resume__unwanted__takes_the_nonce_and_is_cancelled(executor, chain, ledger):
    chain.mines = False
    executor.execute(record(), block(10))
    chain.mines = True
    settlement = executor.resume(record(), lambda: False)
    assert settlement.state is IntentState.CANCELLED
    cancel = ledger.transactions_of(record().intent.intent_id)[-1]
    assert (cancel.purpose, cancel.nonce, cancel.gas_limit) == (Purpose.CANCEL, 4, 31_500)  # a transfer, and half of it
    assert cancel.priority_fee_wei >= 3 * 10**9, "what frees a nonce pays as what is urgent does"
    assert cancel.max_fee_wei * 4 >= ledger.transactions_of(record().intent.intent_id)[-2].max_fee_wei * 5


def test_resume__cancellation_under_way__is_not_turned_back_into_a_rebalance(executor, chain, ledger):
    chain.mines = False
    executor.execute(record(), block(10))
    executor.resume(record(), lambda: False)
    chain.mines = True
    assert executor.resume(record(), lambda: True).state is IntentState.CANCELLED


def test_execute__expired_rival_with_the_same_nonce_waits__outbids_it(executor, chain, ledger):
    chain.mines = False
    executor_of(chain, ledger, FakeTime(), max_replacements=0).execute(record(1), block(10))
    chain.number = 241
    assert executor.resume(record(1), lambda: True).state is IntentState.EXPIRED
    chain.waiting, chain.mines = 5, True
    later = replace(record(2), intent=replace(record(2).intent, deadline=Seconds(START + 500)))
    assert executor.execute(later, block(241)).state is IntentState.EXECUTED
    highest = max(one.max_fee_wei for one in ledger.transactions_of(record(1).intent.intent_id))
    [outbid] = ledger.transactions_of(later.intent.intent_id)
    assert outbid.max_fee_wei * 4 >= highest * 5


def test_resume__unwanted_where_a_transfer_takes_more_gas__cancellation_has_it(executor, chain, ledger):
    """Arbitrum charges for data in gas: 21,000 would be refused."""
    chain.mines = False
    executor.execute(record(), block(10))
    chain.mines, chain.transfer_gas = True, 95_000
    assert executor.resume(record(), lambda: False).state is IntentState.CANCELLED
    assert ledger.transactions_of(record().intent.intent_id)[-1].gas_limit == 142_500


def test_resume__bid_at_its_cap_and_unwanted__cancellation_has_a_cap_of_its_own(chain, ledger, clock):
    chain.mines, chain.base_fee = False, 98 * 10**9
    executor = executor_of(chain, ledger, clock, urgent_max_fee_gwei=100, max_replacements=0)
    executor.execute(record(), chain.head(0))
    chain.mines = True
    assert executor.resume(record(), lambda: False).state is IntentState.CANCELLED
    stuck, cancel = ledger.transactions_of(record().intent.intent_id)
    assert stuck.max_fee_wei >= 99 * 10**9
    assert stuck.max_fee_wei * 1.125 <= cancel.max_fee_wei <= 200 * 10**9


@pytest.mark.parametrize(("seconds", "bids"), [(1, 1), (2, 2), (3, 2), (4, 3), (6, 4), (8, 4)])
def test_execute__a_block_a_second__bids_again_after_every_two(chain, ledger, clock, seconds, bids):
    """The first bid and three more; a block passes each second, and a bid has two."""
    chain.mines = False
    passing_blocks(chain, clock)
    executor_of(chain, ledger, clock, receipt_timeout_seconds=seconds).execute(record(), block(10))
    assert len(ledger.transactions_of(record().intent.intent_id)) == bids


@pytest.mark.parametrize(("base_fee_gwei", "bids"), [(41, 1), (42, 2)])
def test_execute__base_fee_reaches_the_bid__is_left_behind_only_beyond_it(chain, ledger, clock, base_fee_gwei, bids):
    chain.mines = False

    def dearer() -> None:
        chain.number, chain.base_fee = 11, base_fee_gwei * 10**9

    clock.then[3.0] = dearer
    executor_of(chain, ledger, clock, replace_after_blocks=50).execute(record(), block(10))
    assert len(ledger.transactions_of(record().intent.intent_id)) == bids


@pytest.mark.parametrize(("missing", "is_sent"), [(0, True), (1, False)])
def test_execute__gas_money__is_that_of_the_gas_limit_at_the_bid(chain, ledger, clock, missing, is_sent):
    """1,500,000 of gas at 41 gwei."""
    chain.balance = 1_500_000 * 41 * 10**9 - missing
    if is_sent:
        executor_of(chain, ledger, clock).execute(record(), block(10))
    else:
        with pytest.raises(DataError, match="send it gas money"):
            executor_of(chain, ledger, clock).execute(record(), block(10))
    assert len(chain.sent) == int(is_sent)
