"""Orders and funding of a venue that fills later, as the scanner books them from the events of adapter and market."""

from __future__ import annotations

import pytest

from agent.chain.abi import load_abi
from agent.errors import DataError
from agent.ledger.database import Database
from agent.ledger.records import OrderState, VaultIdentity
from agent.ledger.scan import EventScanner
from agent.units import WAD, BlockHash
from agent.venues.synthetix import SYNTHETIX
from tests.unit.ledger.test_scan import CLEARING_HOUSE, FIRST_BLOCK, VAULT, VENUE, FakeChain, deployment, emitted, leg

ORDER = b"\x07" * 32
PRICE = 3_000 * WAD
PENDING, FILLED, CANCELLED, PARTLY = 1, 2, 3, 5
ENTRIES = {0: 0, 1: 5 * WAD, 2: 7 * WAD}
"""The market's funding sequence, USD per underlying."""


class Market(FakeChain):
    """A chain whose market answers with entries of its funding sequence, and which keeps receipts."""

    def read(self, calls, block):
        return [
            (ENTRIES[int(call.data[10:], 16)],)
            if call.function.name == "fundingSequence"
            else (CLEARING_HOUSE.lower(),)
            for call in calls
        ]

    def receipts(self, hashes):
        logs = {log.transaction_hash: log for _, found in self.blocks for log in found}
        return [
            {
                "logs": [
                    {
                        "address": log.emitter,
                        "topics": log.topics,
                        "data": log.data,
                        "blockNumber": hex(log.block_number),
                        "blockHash": log.block_hash,
                        "transactionHash": log.transaction_hash,
                        "logIndex": hex(log.log_index),
                    }
                    for _, found in self.blocks
                    for log in found
                    if log.transaction_hash == wanted
                ]
            }
            if wanted in logs
            else None
            for wanted in hashes
        ]


@pytest.fixture
def chain():
    return Market()


@pytest.fixture
def ledger(tmp_path):
    identity = VaultIdentity(31_337, VAULT, FIRST_BLOCK, BlockHash("0x" + "ab" * 32))
    with Database.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}", "vault", "key") as database:
        yield database.vault(identity)


def scanner_of(chain, ledger):
    return EventScanner(chain, ledger, deployment("synthetix"), chain.head())


def requested(size, order_id=ORDER):
    event = load_abi("IPerpVenue").event("OrderRequested")
    return emitted(event, VENUE, orderId=order_id, sizeDelta=size, limitPrice=PRICE, maxFee=WAD, expiresAt=31)


def updated(status, filled, price=PRICE, fee=0, order_id=ORDER):
    event = load_abi("IPerpVenue").event("OrderUpdated")
    fields = {"status": status, "filledSizeDelta": filled, "executionPrice": price, "fee": fee}
    return emitted(event, VENUE, orderId=order_id, **fields)


def modified(size, index, account=VENUE):
    rest = {"id": 1, "margin": 0, "tradeSize": 0, "lastPrice": PRICE, "fee": 0, "skew": 0}
    return emitted(SYNTHETIX.funding.event, CLEARING_HOUSE, account=account, size=size, fundingIndex=index, **rest)


def asked(size):
    """What a rebalance that leaves an order tells: the vault says 0 of it."""
    return requested(size), leg(0, margin=9, price=0, fee=0, requested=size)


def test_order__asked_for_and_filled_later__steps_and_one_fill(chain, ledger):
    scanner = scanner_of(chain, ledger)
    scanner.scan(chain.grow(*asked(-5 * WAD)))
    (order,) = ledger.orders()
    assert (order.state, order.pending_size_delta, order.intent_id) == (
        OrderState.REQUESTED,
        -5 * WAD,
        "0x" + "11" * 32,
    )
    assert ledger.accounts.venues[VENUE].size == 0
    scanner.scan(chain.grow(updated(FILLED, -5 * WAD, PRICE - WAD, 3 * WAD)))
    (order,) = ledger.orders()
    assert (order.state, order.pending_size_delta) == (OrderState.EXECUTED, 0)
    account = ledger.accounts.venues[VENUE]
    assert (account.size, account.traded, account.fees) == (-5 * WAD, -5 * WAD * (PRICE - WAD), 3 * WAD)


def test_order__filled_in_two_parts__each_is_what_the_whole_grew_by(chain, ledger):
    scanner = scanner_of(chain, ledger)
    scanner.scan(chain.grow(*asked(4 * WAD)))
    scanner.scan(chain.grow(updated(PARTLY, WAD, 3_000 * WAD, WAD)))
    scanner.scan(chain.grow(updated(FILLED, 4 * WAD, 3_003 * WAD, 5 * WAD)))
    account = ledger.accounts.venues[VENUE]
    assert (account.size, account.traded, account.fees) == (4 * WAD, 4 * WAD * 3_003 * WAD, 5 * WAD)
    assert [fill.size_delta for fill in ledger.fills()] == [0, WAD, 3 * WAD]


# Orders that no rebalance asked for, as a leaver's, share the intent that the vault names them by.
@pytest.mark.parametrize("pages", [1, 2])
def test_orders__of_one_intent__each_is_booked_with_its_own_price_and_fee(chain, ledger, pages):
    scanner, second = scanner_of(chain, ledger), b"\x08" * 32
    chain.grow(requested(-WAD))
    head = chain.grow(updated(FILLED, -WAD, PRICE, 2 * WAD))
    if pages == 2:
        scanner.scan(head)
    chain.grow(requested(-2 * WAD, second))
    scanner.scan(chain.grow(updated(FILLED, -2 * WAD, PRICE + WAD, 3 * WAD, second)))
    account = ledger.accounts.venues[VENUE]
    assert (account.size, account.fees) == (-3 * WAD, 5 * WAD)
    assert account.traded == -WAD * PRICE - 2 * WAD * (PRICE + WAD)


# 1 ETH asked for at $3,000, bought at a price a third lower: $3,000 came to 1.5 ETH.
def test_order__set_by_its_notional__is_whole_at_the_size_that_it_came_to(chain, ledger):
    scanner = EventScanner(chain, ledger, deployment("gmx"), chain.head())
    scanner.scan(chain.grow(*asked(WAD)))
    scanner.scan(chain.grow(updated(PARTLY, WAD * 6 // 5, 2_500 * WAD)))
    assert [order.pending_size_delta for order in ledger.orders()] == [1]
    scanner.scan(chain.grow(updated(FILLED, WAD * 3 // 2, 2_000 * WAD, 2 * WAD)))
    (order,) = ledger.orders()
    assert (order.state, order.filled_size_delta) == (OrderState.EXECUTED, WAD)
    account = ledger.accounts.venues[VENUE]
    assert (account.size, account.traded, account.fees) == (WAD * 3 // 2, 3_000 * WAD * WAD, 2 * WAD)


@pytest.mark.parametrize(("kind", "status", "filled"), [("gmx", FILLED, -WAD), ("synthetix", FILLED, WAD * 3 // 2)])
def test_order__filled_beyond_what_its_venue_may__is_refused(chain, ledger, kind, status, filled):
    scanner = EventScanner(chain, ledger, deployment(kind), chain.head())
    scanner.scan(chain.grow(*asked(WAD)))
    with pytest.raises(DataError, match="filled of 1000000000000000000 requested"):
        scanner.scan(chain.grow(updated(status, filled)))


def test_order__set_by_its_notional__cancelled_keeps_what_has_filled(chain, ledger):
    scanner = EventScanner(chain, ledger, deployment("gmx"), chain.head())
    scanner.scan(chain.grow(*asked(-2 * WAD)))
    scanner.scan(chain.grow(updated(CANCELLED, -WAD)))
    (order,) = ledger.orders()
    assert (order.state, order.filled_size_delta) == (OrderState.CANCELLED, -WAD)
    assert ledger.accounts.venues[VENUE].size == -WAD


def test_order__cancelled_with_its_deposit_lost__is_a_fee_alone(chain, ledger):
    scanner = scanner_of(chain, ledger)
    scanner.scan(chain.grow(*asked(WAD)))
    scanner.scan(chain.grow(updated(CANCELLED, 0, 0, 4 * WAD)))
    account = ledger.accounts.venues[VENUE]
    assert (account.size, account.traded, account.fees) == (0, 0, 4 * WAD)
    assert ledger.orders()[0].state is OrderState.CANCELLED


def test_order__asked_for_and_filled_in_one_page__is_booked_as_in_two(chain, ledger):
    chain.grow(*asked(WAD))
    chain.grow(updated(FILLED, WAD, PRICE, WAD))
    scanner_of(chain, ledger).scan(chain.grow())
    assert ledger.orders()[0].state is OrderState.EXECUTED
    assert ledger.accounts.venues[VENUE].size == WAD


def test_order__read_again_after_a_reorganisation__counts_once(chain, ledger):
    scanner = scanner_of(chain, ledger)
    scanner.scan(chain.grow(*asked(WAD)))
    scanner.scan(chain.grow(updated(FILLED, WAD, PRICE, WAD)))
    chain.cut(1)
    scanner.scan(chain.grow(updated(CANCELLED, 0, 0, 0)))
    assert ledger.orders()[0].state is OrderState.CANCELLED
    assert ledger.accounts.venues[VENUE].size == 0


# A short of 2 over entries 0 -> 5 -> 7 USD per underlying: it pays 10, then 4.
@pytest.mark.parametrize("restarts", [False, True])
def test_funding__two_events_of_an_account__is_its_size_times_the_entries(chain, ledger, restarts):
    scanner = scanner_of(chain, ledger)
    scanner.scan(chain.grow(modified(-2 * WAD, 0)))
    scanner.scan(chain.grow(modified(9 * WAD, 1, account=VAULT)))
    scanner.scan(chain.grow(modified(-2 * WAD, 1)))
    if restarts:
        scanner = scanner_of(chain, ledger)
    scanner.scan(chain.grow(modified(0, 2)))
    assert [payment.paid for payment in ledger.funding()] == [0, 10 * WAD, 4 * WAD]


def test_funding__event_before_replaced__is_counted_from_the_one_that_is_left(chain, ledger):
    scanner = scanner_of(chain, ledger)
    scanner.scan(chain.grow(modified(-2 * WAD, 0)))
    scanner.scan(chain.grow(modified(-4 * WAD, 1)))
    chain.cut(1)
    chain.grow()
    scanner.scan(chain.grow(modified(0, 2)))
    assert [payment.paid for payment in ledger.funding()] == [0, 14 * WAD]
