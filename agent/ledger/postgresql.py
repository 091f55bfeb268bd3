"""Connections to PostgreSQL that end by themselves when the server, or what stands between, falls silent.

The server's own time-outs end what waits for a lock or has been left open by a process that was stopped. They cannot
help when answers get lost on the way while the line stays up, so each wait for an answer also ends on our side.
"""

from __future__ import annotations

from typing import Any, TypeVar

from agent.extras import extra

with extra("postgres", "A ledger on PostgreSQL"):
    import psycopg
    from psycopg.abc import PQGen

T = TypeVar("T")

CONNECT_SECONDS = 5
ANSWER_SECONDS = 8.0
"""Longest wait for an answer; more than the server gives a statement, so that its reason is heard where it has one."""
STATEMENT_SECONDS = 6
LOCK_SECONDS = 3
"""Longest wait for a row that another keeper has locked."""
IDLE_IN_TRANSACTION_SECONDS = 6
"""A process stopped inside a transaction holds its locks no longer: the server ends the session, nothing is written."""
_KEEPALIVE: dict[str, int] = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""Seconds, and milliseconds for the last: a peer that has vanished is noticed without a question (libpq, 34.1.2)."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that is closed when an answer does not come in time."""

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait as psycopg does, `ANSWER_SECONDS` unless told otherwise."""
        seconds = ANSWER_SECONDS if timeout is None else timeout
        try:
            return super().wait(gen, interval=interval, timeout=seconds)
        except psycopg.errors._WaitTimeout:
            self.close()
            raise psycopg.OperationalError(f"the server has not answered for {seconds:g} s") from None


def connect(_dialect: object, _record: object, arguments: list[Any], parameters: dict[str, Any]) -> BoundedConnection:
    """Connect for SQLAlchemy; what the URL says goes before our own."""
    return BoundedConnection.connect(*arguments, **{"connect_timeout": CONNECT_SECONDS, **_KEEPALIVE, **parameters})


def configure(connection: Any, _record: object) -> None:
    """Set what a session keeps: time-outs, and that a commit has returned only when it survives a crash."""
    settings = {
        "statement_timeout": f"{STATEMENT_SECONDS}s",
        "lock_timeout": f"{LOCK_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_SECONDS}s",
    }
    for name, value in settings.items():
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.commit()
