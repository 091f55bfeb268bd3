"""A SQLite ledger on a full disk, taken away, or held by another process: one line, and nothing lost."""

from __future__ import annotations

import resource
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event, text

from agent.chain.block_id import BlockId
from agent.doctor.check import Verdict
from agent.doctor.host import host_checks
from agent.errors import DataError, FatalError, TransientError
from agent.ledger import engines
from agent.ledger.config import USUAL_TERMS, LedgerSettings
from agent.ledger.database import Database
from agent.ledger.reading import reading
from agent.ledger.records import IntentState, Transition, VaultIdentity
from agent.units import Address, BlockHash, IntentId

IDENTITY = VaultIdentity(31_337, Address("0x00000000000000000000000000000000000000A1"), 1, BlockHash("0x01"))
INTENT_ID = IntentId("0x" + "11" * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def database(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_SECONDS", 0.05)
    with Database.open(f"sqlite:///{path}", "vault", "key") as opened:
        yield opened


@pytest.fixture
def ledger(database: Database):
    return database.vault(IDENTITY)


def sent(detail: str) -> Transition:
    return Transition(INTENT_ID, IntentState.SENT, BlockId(7, BlockHash("0x07")), detail=detail)


def test_write__disk_full__is_one_line_and_loses_nothing(database, ledger, path):
    def limit(connection, _record, _proxy):
        connection.execute(f"PRAGMA max_page_count = {pages}")

    ledger.add_transition(sent("before"))
    with database.engine.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
    event.listen(database.engine, "checkout", limit)
    with pytest.raises(TransientError, match=f"{path}: .*is full; make room: nothing was lost") as caught:
        ledger.add_transition(sent("x" * 1_000_000))
    assert "\n" not in str(caught.value)
    assert ledger.states_of(INTENT_ID) == [IntentState.SENT]
    pages = 1_000_000
    ledger.add_transition(sent("x" * 1_000_000))
    assert ledger.states_of(INTENT_ID) == [IntentState.SENT] * 2


def test_open__disk_full__is_a_fault_of_the_moment(path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        with pytest.raises(TransientError, match=f"{path} cannot be opened: .*; make room: it is tried again"):
            Database.open(f"sqlite:///{path}", "vault", "key")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    with Database.open(f"sqlite:///{path}", "vault", "key") as opened:
        assert opened.vault(IDENTITY).open_intents() == []


def test_write__ledger_deleted_while_running__is_noticed_before_anything_is_sent(database, ledger, path):
    database.lease.require_held()
    for part in path.parent.glob("ledger.sqlite*"):
        part.unlink()
    for attempt in (database.lease.require_held, ledger.require_lease, lambda: ledger.add_transition(sent(""))):
        with pytest.raises(FatalError, match=f"ledger {path} was removed or replaced while this keeper ran; start"):
            attempt()


def test_write__ledger_replaced_by_a_copy__is_noticed(database, ledger, path):
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)
    with pytest.raises(FatalError, match="was removed or replaced"):
        ledger.add_transition(sent(""))


def test_write__locked_by_another_process__waits_then_says_so_and_goes_on(ledger, path):
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TransientError, match=rf"{path} was locked by another process for 0.05 s; close what has it"):
        ledger.add_transition(sent(""))
    other.execute("ROLLBACK")
    other.close()
    ledger.add_transition(sent(""))
    assert ledger.states_of(INTENT_ID) == [IntentState.SENT]


def test_open__locked_by_another_process__is_refused_in_one_line(path, monkeypatch):
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_SECONDS", 0.05)
    Database.open(f"sqlite:///{path}", "vault", "key").close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DataError, match=f"{path} cannot be opened: database is locked"):
        Database.open(f"sqlite:///{path}", "vault", "key")
    other.close()


def test_open__file_of_another_kind__is_refused_in_one_line(path):
    path.write_bytes(b"not a database, but long enough to be taken for one" * 100)
    with pytest.raises(DataError, match=f"{path} cannot be opened: file is not a database; move the file"):
        Database.open(f"sqlite:///{path}", "vault", "key")
    with pytest.raises(DataError, match="cannot be read: file is not a database; move the file"):
        reading(f"sqlite:///{path}").__enter__()


def test_open__database_of_another_program__is_refused_in_one_line(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE alembic_version (version_num); INSERT INTO alembic_version VALUES ('ae1')"
        )
    with pytest.raises(DataError, match="has schema ae1, which is another program's; name a database"):
        Database.open(f"sqlite:///{path}", "vault", "key")


@pytest.mark.parametrize("table", ["vaults", "fills", "cycles"])
def test_open__table_is_gone__says_what_helps(path, database, table):
    """Was told to start the keeper again, which did not help; the doctor found nothing."""
    database.close()
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"DROP TABLE {table}")
    words, mend = f"{path} has lost its tables {table}", "move the file away: the keeper makes a new one from the chain"
    with pytest.raises(DataError, match=f"{words}; {mend}"):
        Database.open(f"sqlite:///{path}", "vault", "key")
    settings = LedgerSettings(**USUAL_TERMS.model_dump(), url=f"sqlite:///{path}")
    [check] = [check for check in host_checks(settings, {}) if check.subject == "ledger"]
    assert (check.verdict, check.found, check.mend) == (Verdict.FAILED, f"sqlite:///{words}", mend)


def test_require_held__tables_are_gone__halts_and_says_so(database, ledger, path):
    """Was tried again for ever."""
    with sqlite3.connect(path) as other:
        other.execute("DROP TABLE leases")
    words = "refuses: no such table: leases; start the keeper again, or name another ledger"
    with pytest.raises(FatalError, match=words):
        database.lease.require_held()
    with pytest.raises(FatalError, match=words):
        ledger.add_transition(sent("after"))
