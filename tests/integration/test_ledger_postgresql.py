"""The ledger on a PostgreSQL that restarts, falls silent, or is reached through a pooler."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

import pytest
from sqlalchemy import text

from agent.chain.block_id import BlockId
from agent.doctor.check import Check, Verdict
from agent.doctor.host import host_checks
from agent.errors import DataError, FatalError, TransientError
from agent.ledger import postgresql as bounded
from agent.ledger.config import USUAL_TERMS, LedgerSettings
from agent.ledger.database import Database
from agent.ledger.records import IntentState, Transition, VaultIdentity
from agent.ledger.scan import EventScanner
from agent.localnet.anvil import free_port
from agent.units import Address, BlockHash, IntentId
from tests.support.poolers import TransactionPooler, pgbouncer, pgbouncer_path
from tests.support.postgresql import PostgresqlServer, url
from tests.support.silent_proxy import SilentProxy
from tests.unit.ledger.test_scan import FIRST_BLOCK, VAULT, VENUE, FakeChain, deployment, leg

IDENTITY = VaultIdentity(31_337, Address("0x00000000000000000000000000000000000000A1"), 1, BlockHash("0x01"))
SENT = Transition(IntentId("0x" + "11" * 32), IntentState.SENT, BlockId(7, BlockHash("0x07")))
BRIEF = USUAL_TERMS.model_copy(update={"lease_seconds": 0.2})
"""A lease that is due to be renewed whenever it is looked at."""


@pytest.fixture
def proxy(postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bounded, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(bounded, "CONNECT_SECONDS", 2)
    way = SilentProxy(postgresql.socket_path)
    yield way
    way.close()


@pytest.fixture
def database(postgresql: PostgresqlServer, proxy: SilentProxy):
    postgresql.fresh_database()
    with Database.open(url("127.0.0.1", proxy.port), "vault", "key", BRIEF) as opened:
        yield opened
        proxy.is_silent = False


def test_require_held__server_falls_silent__fails_and_goes_on_when_it_answers_again(database, proxy):
    epoch = database.lease.epoch
    proxy.is_silent = True
    time.sleep(BRIEF.lease_seconds)
    with pytest.raises(TransientError, match=r"lease cannot be renewed: .*(not answered for 0.5 s|timeout expired)"):
        database.lease.require_held()
    proxy.is_silent = False
    database.lease.require_held()
    assert database.lease.epoch == epoch


def test_write__server_falls_silent__fails_and_is_not_half_there(database, proxy):
    ledger = database.vault(IDENTITY)
    proxy.is_silent = True
    with pytest.raises(TransientError, match=r"cannot be used now: the server has not answered for 0.5 s"):
        ledger.add_transition(SENT)
    proxy.is_silent = False
    assert ledger.states_of(SENT.intent_id) == []
    ledger.add_transition(SENT)
    assert ledger.states_of(SENT.intent_id) == [IntentState.SENT]


def test_require_held__server_restarted__goes_on_with_the_same_lease(postgresql):
    with Database.open(postgresql.fresh_database(), "vault", "key", BRIEF) as database:
        ledger, epoch = database.vault(IDENTITY), database.lease.epoch
        postgresql.stop()
        time.sleep(BRIEF.lease_seconds)
        with pytest.raises(TransientError, match="lease cannot be renewed"):
            database.lease.require_held()
        postgresql.start()
        database.lease.require_held()
        assert database.lease.epoch == epoch
        ledger.add_transition(SENT)
        assert ledger.states_of(SENT.intent_id) == [IntentState.SENT]
        with pytest.raises(DataError, match=r"(vault vault|key key) is in use by another keeper"):
            Database.open(postgresql.database_url, "vault", "key")


def test_require_held__database_made_anew__halts_and_a_new_keeper_starts(postgresql):
    """Was tried again for ever: a keeper that never hedged, until somebody read why and started another."""
    with Database.open(postgresql.fresh_database(), "vault", "key", BRIEF) as database:
        ledger = database.vault(IDENTITY)
        postgresql.fresh_database()
        time.sleep(BRIEF.lease_seconds)
        with suppress(TransientError, FatalError):  # its session was ended with it
            database.lease.require_held()
        words = r'^ledger postgresql\S* refuses: relation "\w+" does not exist; start the keeper again, or name another'
        with pytest.raises(FatalError, match=words):
            database.lease.require_held()
        with pytest.raises(FatalError, match=words):
            ledger.open_intents()
    with Database.open(postgresql.database_url, "vault", "key", BRIEF) as anew:
        assert anew.vault(IDENTITY).open_intents() == []


def test_scan__server_with_older_rows_takes_over__what_they_lack_is_read_again(postgresql):
    """Was lost for good: the keeper went on from the block that it had read, and the fills before were in no ledger."""
    chain, where = FakeChain(), postgresql.fresh_database()
    with Database.open(where, "vault", "key", BRIEF) as database:
        ledger = database.vault(VaultIdentity(31_337, VAULT, FIRST_BLOCK, chain.head().hash))
        scanner = EventScanner(chain, ledger, deployment(), chain.head())
        scanner.scan(chain.grow(leg(5)))
        postgresql.keep_copy()
        for size in (7, -2):
            with suppress(TransientError):  # making the copy ended the sessions
                database.lease.require_held()
            scanner.scan(chain.grow(leg(size)))
        assert [fill.size_delta for fill in ledger.fills()] == [5, 7, -2]
        postgresql.take_over()
        time.sleep(BRIEF.lease_seconds)
        with suppress(TransientError):
            database.lease.require_held()
        scanner.scan(chain.grow())
        assert [fill.size_delta for fill in ledger.fills()] == [5, 7, -2]
        assert ledger.accounts.venues[VENUE].size == 10


def test_write__server_that_follows_another__goes_on_when_it_may_write_again(postgresql):
    """Halted the keeper for good: a server that takes over answers reads before it takes writes."""
    with Database.open(postgresql.fresh_database(), "vault", "key") as database:
        ledger = database.vault(IDENTITY)
        with (
            read_only(postgresql),
            pytest.raises(TransientError, match=r"cannot execute .* in a read-only transaction"),
        ):
            ledger.add_transition(SENT)
        ledger.add_transition(SENT)
        assert ledger.states_of(SENT.intent_id) == [IntentState.SENT]


@contextmanager
def read_only(server: PostgresqlServer) -> Iterator[None]:
    """Let sessions that are open write nothing meanwhile, as on a server that is no primary yet."""

    def switch(way: str) -> None:
        with server.connect() as administrator:
            administrator.execute(f"ALTER SYSTEM SET default_transaction_read_only = {way}")
            administrator.execute("SELECT pg_reload_conf()")
        time.sleep(0.5)

    switch("on")
    try:
        yield
    finally:
        switch("off")


def test_open__server_is_down__is_a_fault_of_the_moment(postgresql):
    """Was bad input, after which systemd starts no keeper again: after a reboot the server may come up later."""
    where = postgresql.fresh_database()
    postgresql.stop()
    try:
        with pytest.raises(TransientError, match=r"cannot be opened: connection .*start the server, or correct"):
            Database.open(where, "vault", "key")
        with pytest.raises(TransientError, match="Connection refused"):
            Database.open(url("127.0.0.1", free_port()), "vault", "key")
    finally:
        postgresql.start()


def test_open__database_that_is_not_there__is_bad_input(postgresql):
    where = postgresql.fresh_database().replace("/ledger?", "/another?")
    with pytest.raises(DataError, match='database "another" does not exist'):
        Database.open(where, "vault", "key")


def test_session__has_every_time_out_and_commits_to_disk(postgresql):
    with Database.open(postgresql.fresh_database(), "vault", "key") as database, database.engine.connect() as session:
        shown = {
            name: session.execute(text(f"SHOW {name}")).scalar_one()
            for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        }
        assert shown == {
            "statement_timeout": "6s",
            "lock_timeout": "3s",
            "idle_in_transaction_session_timeout": "6s",
        }


def test_session__server_that_commits_to_memory__commits_to_disk_all_the_same(postgresql):
    where = postgresql.fresh_database()
    with postgresql.connect() as administrator:
        administrator.execute("ALTER DATABASE ledger SET synchronous_commit = off")
    with Database.open(where, "vault", "key") as database, database.engine.connect() as session:
        assert session.execute(text("SHOW synchronous_commit")).scalar_one() == "on"


@contextmanager
def double(server: PostgresqlServer) -> Iterator[str]:
    pooler = TransactionPooler(server)
    try:
        yield pooler.url
    finally:
        pooler.close()


@contextmanager
def server_itself(server: PostgresqlServer) -> Iterator[str]:
    yield server.database_url


HAS_PGBOUNCER = pgbouncer_path() is not None
LENDS_BY_TRANSACTION = {"double": double} | ({"pgbouncer": partial(pgbouncer, "transaction")} if HAS_PGBOUNCER else {})
KEEPS_SESSIONS = {"server": server_itself} | ({"pgbouncer": partial(pgbouncer, "session")} if HAS_PGBOUNCER else {})


@pytest.mark.parametrize("way", LENDS_BY_TRANSACTION.values(), ids=LENDS_BY_TRANSACTION)
def test_open__pooler_that_lends_sessions_by_transaction__is_refused_in_one_line(postgresql, way):
    postgresql.fresh_database()
    with way(postgresql) as url, pytest.raises(DataError, match="such as PgBouncer with pool_mode = tr") as caught:
        Database.open(url, "vault", "key")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("way", KEEPS_SESSIONS.values(), ids=KEEPS_SESSIONS)
def test_open__way_on_which_a_session_stays_one__is_taken(postgresql, way):
    postgresql.fresh_database()
    with way(postgresql) as url, Database.open(url, "vault", "key") as database:
        database.lease.require_held()


# --- before it is used: evenkeel doctor -------------------------------------------------------------------------------


def settings_of(where: str) -> LedgerSettings:
    return LedgerSettings(**USUAL_TERMS.model_dump(), url=where)


def examined(where: str) -> Check:
    [check] = [check for check in host_checks(settings_of(where), {}) if check.subject == "ledger"]
    return check


def test_doctor__server_that_is_there__is_fit_by_either_name(postgresql):
    where = postgresql.fresh_database()
    assert examined(where).verdict is Verdict.GOOD
    assert examined(where.replace("+psycopg", "")).verdict is Verdict.GOOD


def test_doctor__server_that_is_silent__says_so_and_does_not_wait_for_ever(postgresql, proxy):
    """Hung: its own connection had no time-out."""
    postgresql.fresh_database()
    proxy.is_silent = True
    check = examined(url("127.0.0.1", proxy.port))
    assert check.verdict is Verdict.FAILED
    assert "timeout expired" in check.found


@pytest.mark.parametrize("way", LENDS_BY_TRANSACTION.values(), ids=LENDS_BY_TRANSACTION)
def test_doctor__pooler_that_lends_sessions_by_transaction__is_told(postgresql, way):
    postgresql.fresh_database()
    with way(postgresql) as where:
        check = examined(where)
    assert check.verdict is Verdict.FAILED
    assert "such as PgBouncer with pool_mode = transaction" in check.found


@pytest.mark.parametrize("where", ["postgresql", "postgresql+asyncpg://keeper@127.0.0.1/ledger"])
def test_doctor__url_of_no_ledger__is_told_and_the_disk_is_looked_at(where):
    checks = {check.subject: check for check in host_checks(settings_of(where), {})}
    assert checks["ledger"].verdict is Verdict.FAILED
    assert "sqlite:///path/to/file" in checks["ledger"].found
    assert "MiB free" in checks["disk"].found
