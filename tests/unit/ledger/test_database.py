"""A ledger that cannot be opened leaves nothing behind: no lock, no connection, and one line that says why."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from agent.errors import DataError, TransientError
from agent.ledger import database as database_module
from agent.ledger.config import USUAL_TERMS
from agent.ledger.database import Database
from agent.ledger.lease import Lease, LeaseHeldError
from agent.ledger.presence import FilePresence


@pytest.fixture
def url(tmp_path) -> str:
    return f"sqlite:///{tmp_path}/ledger.sqlite"


@pytest.fixture
def released(monkeypatch) -> list[str]:
    """What was given back, in order."""
    seen: list[str] = []
    release, dispose = FilePresence.release, Engine.dispose
    monkeypatch.setattr(FilePresence, "release", lambda self: (seen.append("lock"), release(self))[1])
    monkeypatch.setattr(Engine, "dispose", lambda self, close=True: (seen.append("engine"), dispose(self, close))[1])
    return seen


@pytest.mark.parametrize(
    ("trouble", "raised", "words"),
    [
        (
            OperationalError("SELECT", {}, Exception("odd\nSELECT 1")),
            DataError,
            "opened: odd; correct",
        ),
        (OperationalError("SELECT", {}, Exception("database is full")), TransientError, "is full; make room: it is tr"),
        (OperationalError("SELECT", {}, Exception("No space left")), TransientError, "No space left; make room"),
        (OperationalError("SELECT", {}, Exception("disk I/O error")), TransientError, "disk I/O error; make room"),
        (DataError("a newer schema"), DataError, "^a newer schema$"),
        (KeyboardInterrupt(), KeyboardInterrupt, "^$"),
    ],
)
def test_open__schema_cannot_be_brought_up__gives_all_back_and_says_why(
    url, released, monkeypatch, trouble, raised, words
):
    def fails(*_: object) -> None:
        raise trouble

    with monkeypatch.context() as patched:
        patched.setattr(database_module, "upgrade", fails)
        with pytest.raises(raised, match=words):
            Database.open(url, "vault", "key")
    assert released == ["lock", "engine"]
    Database.open(url, "vault", "key").close()


def test_open__lease_is_held__gives_the_lock_back(url, released, monkeypatch):
    def held(_: Lease) -> None:
        raise LeaseHeldError("vault is in use by another keeper")

    monkeypatch.setattr(Lease, "acquire", held)
    with pytest.raises(DataError, match="in use by another keeper; stop it first, have `evenkeel run --standby` wait"):
        Database.open(url, "vault", "key")
    assert released == ["lock", "engine"]


class Standby:
    """Stands by for so many looks, then gives up."""

    def __init__(self, looks: int) -> None:
        self.seconds: list[float] = []
        self.reasons: set[str] = set()
        self._looks = looks

    def wait(self, seconds: float, why: str) -> bool:
        self.seconds.append(seconds)
        self.reasons.add(why)
        return len(self.seconds) > self._looks


@pytest.mark.parametrize("looks", [0, 3])
def test_open__stands_by_until_it_is_stopped__is_refused_then(url, monkeypatch, looks):
    def held(_: Lease) -> None:
        raise LeaseHeldError("vault is in use by another keeper")

    monkeypatch.setattr(Lease, "acquire", held)
    standby = Standby(looks)
    with pytest.raises(DataError, match="in use by another keeper"):
        Database.open(url, "vault", "key", USUAL_TERMS, standby)
    assert standby.seconds == [USUAL_TERMS.standby_poll_seconds] * (looks + 1)
    assert standby.reasons == {"vault is in use by another keeper"}


def test_open__postgresql__asks_for_a_session_of_its_own_before_anything_else(monkeypatch):
    asked: list[str] = []

    def refuses(engine: Engine) -> None:
        asked.append(engine.dialect.name)
        raise DataError("a pooler")

    monkeypatch.setattr(database_module, "require_own_session", refuses)
    with pytest.raises(DataError, match="a pooler"):
        Database.open("postgresql://anne:hunter2@nowhere/ledger", "vault", "key")
    assert asked == ["postgresql"]


def test_close__ledger__gives_lease_and_connections_back(url, released):
    with Database.open(url, "vault", "key") as database:
        assert database.lease.epoch == 2
    assert database.lease.epoch == 0
    assert released == ["lock", "engine"]
