"""A lock that ends with its process: on a file beside the ledger, or in a session of the database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from agent.errors import FatalError
from agent.ledger.presence import FilePresence, SessionPresence, _lock_key


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    file = tmp_path / "ledger.sqlite"
    file.touch()
    return file


def test_file__first_to_take_it__has_it_until_it_lets_go(ledger):
    first, second = FilePresence(ledger), FilePresence(ledger)
    assert [first.take(), first.take(), second.take()] == [True, True, False]
    first.release()
    first.release()
    assert second.take()
    assert not first.take()
    second.release()


def test_file__lock__lies_beside_the_ledger_for_its_owner_alone_and_stays(ledger):
    presence = FilePresence(ledger)
    presence.take()
    lock = ledger.with_name("ledger.sqlite.lock")
    assert lock.stat().st_mode & 0o777 == 0o600
    presence.release()
    assert lock.exists()


def replaced(file: Path) -> None:
    """Put another file of the same content in its place."""
    other = file.with_name("other")
    other.write_bytes(file.read_bytes())
    other.replace(file)


@pytest.mark.parametrize("name", ["ledger.sqlite", "ledger.sqlite.lock"])
@pytest.mark.parametrize("change", [Path.unlink, replaced], ids=["removed", "replaced"])
def test_file__ledger_or_lock_taken_away__is_fatal(ledger, name, change):
    presence = FilePresence(ledger)
    presence.take()
    presence.require_intact()
    presence.require_intact()
    change(ledger.with_name(name))
    with pytest.raises(FatalError, match="was removed or replaced while this keeper ran"):
        presence.require_intact()
    presence.release()


def test_file__lock_not_ours__only_the_ledger_counts(ledger):
    presence = FilePresence(ledger)
    presence.require_intact()
    replaced(ledger)
    with pytest.raises(FatalError, match=f"ledger {ledger} was removed or replaced"):
        presence.require_intact()


# --- a session --------------------------------------------------------------------------------------------------------


class Database:
    """Locks by key, held by sessions that are open; ``is_lost`` ends the answers of those there are."""

    def __init__(self) -> None:
        self.held: dict[int, Session] = {}
        self.sessions: list[Session] = []
        self.options: dict[str, Any] = {}
        self.refuses: Callable[[str], bool] = lambda _: False

    def execution_options(self, **options: Any) -> Database:
        self.options = options
        return self

    def connect(self) -> Session:
        self.sessions.append(Session(self))
        return self.sessions[-1]


class Session:
    def __init__(self, database: Database) -> None:
        self._database = database
        self.is_lost = False
        self.ends: list[str] = []

    def execute(self, statement: Any, parameters: dict[str, int] | None = None) -> Any:
        if self.is_lost or self._database.refuses(str(statement)):
            raise OperationalError(str(statement), {}, Exception("lost"))
        if parameters is None:
            return None
        assert str(statement) == "SELECT pg_try_advisory_lock(:key)"
        holder = self._database.held.setdefault(parameters["key"], self)
        return SimpleNamespace(scalar_one=lambda: holder is self)

    def invalidate(self) -> None:
        """Cut the session, which ends its locks; in the pool it would keep them."""
        self.ends.append("cut")
        self._database.held = {key: one for key, one in self._database.held.items() if one is not self}

    def close(self) -> None:
        self.ends.append("closed")


@pytest.fixture
def database() -> Database:
    return Database()


def presence_of(database: Database, *names: str) -> SessionPresence:
    return SessionPresence(database, names or ("vault a", "key b"))


def test_session__names__are_all_locked_in_one_session_outside_any_transaction(database):
    presence = presence_of(database)
    assert presence.take()
    assert database.options == {"isolation_level": "AUTOCOMMIT"}
    assert set(database.held) == {_lock_key("vault a"), _lock_key("key b")}
    assert presence.take()
    assert len(database.sessions) == 1
    assert presence.require_intact() is None


@pytest.mark.parametrize("taken", ["vault a", "key b"])
def test_session__another_has_one_of_the_names__gives_back_all_it_took(database, taken):
    other, presence = presence_of(database, taken), presence_of(database)
    assert other.take()
    assert not presence.take()
    assert list(database.held) == [_lock_key(taken)]
    assert database.sessions[-1].ends == ["cut", "closed"]
    other.release()
    assert presence.take()


def test_session__lost__is_begun_anew_with_its_locks(database):
    presence = presence_of(database)
    presence.take()
    first = database.sessions[0]
    first.is_lost = True
    assert presence.take()
    assert first.ends == ["cut", "closed"]
    assert {id(holder) for holder in database.held.values()} == {id(database.sessions[1])}


def test_session__lost_while_it_locks__is_told_and_leaves_nothing(database):
    presence = presence_of(database)
    database.refuses = lambda statement: "lock" in statement
    with pytest.raises(OperationalError):
        presence.take()
    assert database.sessions[0].ends == ["cut", "closed"]
    database.refuses = lambda _: False
    assert presence.take()


def test_session__released__ends_once_and_lets_others_have_it(database):
    presence = presence_of(database)
    presence.release()
    presence.take()
    presence.release()
    presence.release()
    assert database.sessions[0].ends == ["cut", "closed"]
    assert database.held == {}


def test_lock_key__names__are_told_apart_in_64_signed_bits():
    keys = {_lock_key(f"vault {number}") for number in range(500)}
    assert len(keys) == 500
    assert min(keys) < 0 < max(keys)
    assert all(-(2**63) <= key < 2**63 for key in keys)
    assert max(abs(key) for key in keys) > 2**61
