"""An operator answers for what a keeper stopped at: for that alone, once, and beside a keeper at work."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from agent.errors import DataError, FatalError
from agent.ledger.acknowledging import acknowledged_orders, find, is_correction_due
from agent.ledger.database import Database
from agent.ledger.reading import reading, vault_of
from agent.ledger.records import AccountEventRecord, Acknowledgement, LogId, OrderState, Scan, Subject
from agent.units import WAD, Address, Seconds, Wad
from agent.venues.protocol import AccountEventKind
from tests.support.pending_venue import VENUE, PendingVenue
from tests.unit.ledger.test_trades import IDENTITY, block_id, cycle

LIMIT_BPS = 5.0
REASON = "looked at"


@pytest.fixture
def url(tmp_path) -> str:
    return f"sqlite:///{tmp_path}/ledger.sqlite"


@pytest.fixture
def database(url):
    with Database.open(url, "vault", "key") as opened:
        yield opened


@pytest.fixture
def ledger(database):
    return database.vault(IDENTITY)


def acknowledge(ledger, subject: Subject) -> None:
    for reference in find(ledger, subject, LIMIT_BPS).references:
        ledger.acknowledge(Acknowledgement(subject, reference, Seconds(7), REASON))


def nav_cycle(number: int, ledger_usd: int, chain_usd: int):
    low, chain = Wad(ledger_usd * WAD), Wad(chain_usd * WAD)
    seen = cycle(number, 3_000 * WAD)
    return replace(seen, ledger_nav_low=low, ledger_nav_high=low, chain_nav_low=chain, chain_nav_high=chain)


@pytest.mark.parametrize("subject", Subject)
def test_find__nothing_has_stopped_the_keeper__is_refused(ledger, subject):
    with pytest.raises(DataError, match=f"nothing to acknowledge of {subject.value}: "):
        find(ledger, subject, LIMIT_BPS)


def test_find__nav_apart__is_answered_for_once_until_it_is_corrected(ledger):
    ledger.add_cycle(nav_cycle(10, 100_000, 100_000))
    ledger.add_cycle(nav_cycle(11, 100_500, 100_000))
    words = find(ledger, Subject.NAV, LIMIT_BPS).words
    apart = "the ledger's NAV is $500.00 more than the chain's $100,000.00, 50.00 bps where"
    assert words == f"at block 11 {apart} {LIMIT_BPS:g} are allowed"
    acknowledge(ledger, Subject.NAV)
    assert is_correction_due(ledger)
    with pytest.raises(DataError, match="nothing to acknowledge of nav"):
        find(ledger, Subject.NAV, LIMIT_BPS)
    correct(ledger, 12)
    assert not is_correction_due(ledger)
    ledger.add_cycle(nav_cycle(13, 100_300, 100_000))
    acknowledge(ledger, Subject.NAV)
    assert is_correction_due(ledger)


def test_find__ledger_has_less__says_less(ledger):
    ledger.add_cycle(nav_cycle(11, 99_500, 100_000))
    assert "NAV is $500.00 less than the chain's $100,000.00" in find(ledger, Subject.NAV, LIMIT_BPS).words


def test_is_correction_due__its_block_was_replaced__is_due_again(ledger):
    ledger.add_cycle(nav_cycle(11, 100_500, 100_000))
    acknowledge(ledger, Subject.NAV)
    correct(ledger, 12)
    ledger.void([block_id(12)])
    assert is_correction_due(ledger)


@pytest.mark.parametrize("kind", [kind for kind in AccountEventKind if kind is not AccountEventKind.CORRECTION])
def test_is_correction_due__something_else_befell_an_account__is_still_due(ledger, kind):
    ledger.add_cycle(nav_cycle(11, 100_500, 100_000))
    acknowledge(ledger, Subject.NAV)
    correct(ledger, 12, kind)
    assert is_correction_due(ledger)


def correct(ledger, number: int, kind=AccountEventKind.CORRECTION) -> None:
    """Enter a correction of two venues at one block."""
    events = tuple(
        AccountEventRecord(LogId(block_id(number), "0x00", index), VENUE, kind, Wad(0), Wad(1)) for index in (1, 2)
    )
    ledger.add_scan(Scan(number, block_id(number), account_events=events))


def test_find__nav_apart_by_no_more_than_the_limit__is_refused(ledger):
    ledger.add_cycle(nav_cycle(11, 100_050, 100_000))
    with pytest.raises(DataError, match="nothing to acknowledge of nav"):
        find(ledger, Subject.NAV, LIMIT_BPS)


def test_find__failed_orders__covers_the_newest_and_all_before_it(ledger):
    venue = PendingVenue()
    for order_id in ("1", "2"):
        venue.mine((order_id, OrderState.REQUESTED, 100, 0))
        venue.mine((order_id, OrderState.EXPIRED, 100, 0))
    ledger.add_scan(venue.scan())
    assert find(ledger, Subject.ORDERS, LIMIT_BPS).words == f"failed orders: 2 on venue {VENUE}, expired"
    acknowledge(ledger, Subject.ORDERS)
    assert acknowledged_orders(ledger) == {f"{VENUE} 2"}
    with pytest.raises(DataError, match="nothing to acknowledge of orders"):
        find(ledger, Subject.ORDERS, LIMIT_BPS)


def test_acknowledge__beside_a_keeper_at_work__is_read_by_it(ledger, url):
    with reading(url) as engine:
        other = vault_of(engine, IDENTITY.chain_id, None)
        word = Acknowledgement(Subject.NAV, str(-(2**200)), Seconds(1_700_000_000), REASON)
        other.acknowledge(word)
        with pytest.raises(FatalError, match="opened to be read"):
            other.add_cycle(cycle(10, 3_000 * WAD))
    assert ledger.acknowledgements(Subject.NAV) == [word]
    assert ledger.acknowledgements(Subject.REVERTS) == []


@pytest.mark.parametrize("statement", ["UPDATE acknowledgements SET reason = ''", "DELETE FROM acknowledgements"])
def test_acknowledgements__are_never_taken_back(ledger, tmp_path, statement):
    ledger.acknowledge(Acknowledgement(Subject.NAV, "1", Seconds(1), REASON))
    connection = sqlite3.connect(tmp_path / "ledger.sqlite")
    with pytest.raises(sqlite3.DatabaseError, match="append-only"):
        connection.execute(statement)
    connection.close()


def test_vault_of__several_or_none__asks_for_one(database, ledger, url):
    other = Address("0x00000000000000000000000000000000000000F9")
    database.vault(replace(IDENTITY, address=other))
    with reading(url) as engine:
        with pytest.raises(DataError, match="holds 2 vaults of chain 31337: name one of 0x"):
            vault_of(engine, IDENTITY.chain_id, None)
        assert vault_of(engine, IDENTITY.chain_id, other.lower()).identity.address == other
        with pytest.raises(DataError, match="holds no vault chain 1; name the ledger"):
            vault_of(engine, 1, None)
    assert ledger.identity == IDENTITY
