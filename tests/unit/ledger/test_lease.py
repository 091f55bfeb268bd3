"""A lease is renewed, lost and taken again, and what was worked out before it was lost is not believed any more."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import OperationalError

from agent.chain.block_id import BlockId
from agent.errors import DataError, FatalError, TransientError
from agent.ledger import lease as lease_module
from agent.ledger import schema
from agent.ledger.config import USUAL_TERMS
from agent.ledger.database import Database
from agent.ledger.lease import Lease, LeaseHeldError
from agent.ledger.records import FillRecord, LogId, Scan, VaultIdentity
from agent.observability.heartbeat import ServiceManager, StartStandby
from agent.units import Address, BlockHash, IntentId, Wad

VENUE = Address("0x00000000000000000000000000000000000000B2")
IDENTITY = VaultIdentity(31_337, Address("0x00000000000000000000000000000000000000A1"), 1, BlockHash("0x01"))
LONG = USUAL_TERMS.model_copy(update={"lease_seconds": 300.0})
BRIEF = USUAL_TERMS.model_copy(update={"lease_seconds": 0.2, "standby_poll_seconds": 0.01})


@pytest.fixture
def first(ledger_url: str):
    with Database.open(ledger_url, "vault", "key", LONG) as database:
        yield database


def let_it_lapse(database: Database) -> None:
    """Make it long ago that the lease was renewed, as if its holder had been stopped since."""
    with database.engine.begin() as connection:
        connection.execute(update(schema.leases).values(renewed_at=schema.leases.c.renewed_at - 1_000.0))


def scan(number: int) -> Scan:
    """One fill, as large as the number of its block."""
    block_id, size = BlockId(number, BlockHash(f"0x{number:02x}")), Wad(number)
    at = LogId(block_id, f"0x{number:02x}", 0)
    return Scan(number, block_id, fills=(FillRecord(at, IntentId("0x11"), VENUE, size, size, Wad(1), Wad(0)),))


def test_lease__taken_by_another__every_write_and_every_broadcast_is_refused(ledger_url, first):
    ledger = first.vault(IDENTITY)
    let_it_lapse(first)
    with Database.open(ledger_url, "vault", "other key", LONG) as second:
        assert second.lease.epoch > 0
        for refused in (lambda: ledger.add_scan(scan(3)), ledger.require_lease, first.lease.require_held):
            with pytest.raises(LeaseHeldError, match=r"another keeper( \(pid \d+ on .*, epoch 2\)| has taken over)"):
                refused()
        assert second.vault(IDENTITY).fills() == []


def test_require_held__lost_and_free_again__goes_on_with_what_the_other_wrote(ledger_url, first):
    ledger = first.vault(IDENTITY)
    ledger.add_scan(scan(3))
    assert ledger.accounts.venues[VENUE].size == 3
    let_it_lapse(first)
    with Database.open(ledger_url, "vault", "key", LONG) as second:
        second.vault(IDENTITY).add_scan(scan(4))
        second.vault(IDENTITY).void([BlockId(3, BlockHash("0x03"))])
    first.lease.require_held()
    assert ledger.accounts.venues[VENUE].size == 4
    ledger.add_scan(scan(4))  # read once more: this process does not know how far the other came
    ledger.add_scan(scan(5))
    assert ledger.accounts.venues[VENUE].size == 9
    assert len(ledger.fills()) == 2


def test_open__name_that_another_holds__is_refused_and_leaves_the_other_name_free(ledger_url, first):
    with pytest.raises(DataError, match=r"vault vault is in use by another keeper \(pid \d+ on .*, epoch 1\); stop it"):
        Database.open(ledger_url, "vault", "other key", LONG)
    Database.open(ledger_url, "other vault", "other key", LONG).close()


def test_lease__held_by_a_keeper_that_does_nothing__is_renewed(ledger_url):
    with Database.open(ledger_url, "vault", "key", BRIEF) as database, database.engine.connect() as connection:
        newest = select(func.min(schema.leases.c.renewed_at))
        began = connection.execute(newest).scalar_one()
        connection.rollback()
        gives_up = time.monotonic() + 60
        while connection.execute(newest).scalar_one() <= began + 2 * BRIEF.lease_seconds:
            connection.rollback()
            assert time.monotonic() < gives_up, "nobody renews it"
        database.lease.require_held()


def test_release__keeper_closed__next_one_starts_at_once(ledger_url):
    for epoch in (1, 2, 3):
        with Database.open(ledger_url, "vault", "key", LONG) as database:
            assert database.lease.epoch == 2 * epoch


def test_epoch__lease_not_held__is_0(first):
    assert first.lease.epoch == 2
    first.lease.release()
    assert first.lease.epoch == 0


def test_require_held__time_to_renew_it__stays_the_same_lease(first):
    held = first.lease._held
    first.lease._held = replace(held, renewed_at=held.renewed_at - 1_000.0)
    first.lease.require_held()
    assert first.lease.epoch == 2
    assert first.lease._held.renewed_at >= held.renewed_at


def test_open__rows_locked_by_a_stopped_holder__is_stood_by_for_and_else_refused(tmp_path, monkeypatch):
    """What the database says of a lock it could not get ends the wait of nobody who stands by."""
    url, acquire, refused = f"sqlite:///{tmp_path}/ledger.sqlite", Lease.acquire, []

    def locked_at_first(lease: Lease) -> None:
        if not refused:
            refused.append(lease)
            raise OperationalError("SELECT", {}, Exception("canceling statement due to lock timeout"))
        acquire(lease)

    monkeypatch.setattr(Lease, "acquire", locked_at_first)
    with pytest.raises(DataError, match="cannot be opened: canceling statement due to lock timeout"):
        Database.open(url, "vault", "key", BRIEF)
    refused.clear()
    told: list[str] = []
    with Database.open(url, "vault", "key", BRIEF, StartStandby(ServiceManager({}), told.append)) as database:
        assert database.lease.epoch == 2
    assert len(refused) == 1
    assert told == ["canceling statement due to lock timeout"]


def test_release__machine_started_a_moment_ago__next_keeper_starts_at_once(tmp_path, monkeypatch):
    """A file's clock begins with the machine: 0 may lie within a lease of now."""
    monkeypatch.setattr(lease_module, "_now", lambda _: 5.0)
    for epoch in (1, 2):
        with Database.open(f"sqlite:///{tmp_path}/ledger.sqlite", "vault", "key", LONG) as database:
            assert database.lease.epoch == 2 * epoch


def test_write__fails_after_a_block_was_reinstated__still_takes_it_for_replaced(ledger_url, first, monkeypatch):
    ledger = first.vault(IDENTITY)
    ledger.add_scan(scan(3))
    ledger.void([BlockId(3, BlockHash("0x03"))])
    with monkeypatch.context() as patched:
        patched.setattr(type(ledger), "_insert", lambda *_: (_ for _ in ()).throw(TransientError("no room")))
        with pytest.raises(TransientError, match="no room"):
            ledger.add_scan(scan(3))
    assert ledger.fills() == []
    ledger.add_scan(scan(3))
    assert len(ledger.fills()) == 1


def test_require_held__lock_file_removed__is_fatal(tmp_path):
    with Database.open(f"sqlite:///{tmp_path}/ledger.sqlite", "vault", "key") as database:
        (tmp_path / "ledger.sqlite.lock").unlink()
        with pytest.raises(FatalError, match="was removed or replaced while this keeper ran"):
            database.lease.require_held()


def test_require_held__database_does_not_answer__is_of_the_moment_and_in_one_line(first, monkeypatch):
    def fails(_: Lease) -> bool:
        raise OperationalError("SELECT 1", {}, Exception("connection lost\nsee the log"))

    monkeypatch.setattr(Lease, "_renew", fails)
    with pytest.raises(TransientError, match=r"^the ledger's lease cannot be renewed: connection lost$"):
        first.lease.require_held()


def test_require_held__another_has_it_now__is_not_ours_whatever_was_renewed(ledger_url, first):
    """Lost within a quarter of the lease, in which it is not renewed: the rows tell all the same."""
    let_it_lapse(first)
    with Database.open(ledger_url, "vault", "key", LONG) as second:
        with pytest.raises(LeaseHeldError, match="in use by another keeper"):
            first.lease.require_held()
        assert (first.lease.epoch, second.lease.epoch) == (0, 4)


def test_fence__name_is_gone__says_which(first):
    with first.engine.begin() as connection:
        connection.execute(delete(schema.leases).where(schema.leases.c.name == "key key"))
    with first.engine.begin() as connection, pytest.raises(LeaseHeldError, match="the lease of key key is gone"):
        first.lease.fence(connection)
    assert first.lease.epoch == 0


@pytest.mark.parametrize(("age", "is_free"), [(299.0, False), (301.0, True), (-1.0, True)])
def test_acquire__holder_that_shows_no_lock__is_waited_for_as_long_as_its_lease(tmp_path, monkeypatch, age, is_free):
    """A lease of 300 s, taken at 10,000 by a keeper of whom no lock is known; a clock gone back has begun anew."""
    now = [10_000.0]
    monkeypatch.setattr(lease_module, "_now", lambda _: now[0])
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    with Database.open(url, "vault", "key", LONG) as database:
        with database.engine.begin() as connection:
            connection.execute(update(schema.leases).values(is_locked=False))
        database.lease._presence.release()
        now[0] += age
        if is_free:
            Database.open(url, "vault", "key", LONG).close()
            return
        with pytest.raises(DataError, match="is in use by another keeper"):
            Database.open(url, "vault", "key", LONG)
