"""A session on PostgreSQL ends by itself: what each side waits for, shortest inside, and what a URL may change."""

from __future__ import annotations

from typing import Any

import pytest

psycopg = pytest.importorskip("psycopg")

from agent.ledger import postgresql  # noqa: E402 - its driver is an extra


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """What was asked of the driver."""
    seen: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    monkeypatch.setattr(
        postgresql.BoundedConnection, "connect", lambda *arguments, **how: seen.append((arguments, how))
    )
    return seen


def test_connect__server__is_given_five_seconds_and_a_peer_that_vanished_eleven(asked):
    postgresql.connect(None, None, ["dbname=ledger"], {"host": "db"})
    [(arguments, how)] = asked
    assert arguments == ("dbname=ledger",)
    assert (how["connect_timeout"], how["host"], how["keepalives"]) == (5, "db", 1)
    assert (how["keepalives_idle"], how["keepalives_interval"], how["keepalives_count"]) == (5, 2, 3)
    assert how["tcp_user_timeout"] == 10_000


def test_connect__url_says_otherwise__goes_before_our_own(asked):
    postgresql.connect(None, None, [], {"connect_timeout": 1, "keepalives_idle": 9})
    assert (asked[0][1]["connect_timeout"], asked[0][1]["keepalives_idle"]) == (1, 9)


def test_waits__each_within_the_next__so_that_the_reason_is_heard():
    """A lock is given up before the statement, and the statement before we stop to wait for its answer."""
    assert 0 < postgresql.LOCK_SECONDS < postgresql.STATEMENT_SECONDS < postgresql.ANSWER_SECONDS
    assert postgresql.IDLE_IN_TRANSACTION_SECONDS < postgresql.ANSWER_SECONDS


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A connection whose waits are noted, and end as ``ends`` says."""
    made = object.__new__(postgresql.BoundedConnection)
    made_notes: dict[str, Any] = {"waits": [], "ends": None, "closed": 0}

    def wait(self: Any, gen: Any, interval: float, timeout: float) -> str:
        made_notes["waits"].append((gen, interval, timeout))
        if made_notes["ends"] is not None:
            raise made_notes["ends"]
        return "answer"

    monkeypatch.setattr(psycopg.Connection, "wait", wait)
    monkeypatch.setattr(
        postgresql.BoundedConnection, "close", lambda _: made_notes.update(closed=made_notes["closed"] + 1)
    )
    return made, made_notes


def test_wait__answer__is_waited_for_eight_seconds_unless_told_otherwise(connection):
    made, notes = connection
    assert made.wait("question") == "answer"
    made.wait("question", 0.5, 2.0)
    assert notes["waits"] == [("question", 0.1, 8.0), ("question", 0.5, 2.0)]
    assert notes["closed"] == 0


def test_wait__no_answer__closes_the_connection_and_says_after_how_long(connection):
    made, notes = connection
    notes["ends"] = psycopg.errors._WaitTimeout()
    with pytest.raises(psycopg.OperationalError, match=r"the server has not answered for 2\.5 s"):
        made.wait("question", timeout=2.5)
    assert notes["closed"] == 1


def test_wait__server_says_why__is_passed_on_and_the_connection_stays(connection):
    made, notes = connection
    notes["ends"] = psycopg.errors.LockNotAvailable("locked")
    with pytest.raises(psycopg.errors.LockNotAvailable):
        made.wait("question")
    assert notes["closed"] == 0
