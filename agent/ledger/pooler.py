"""Tells whether a pooler gives every transaction another session: locks and time-outs of a session would mean nothing.

A pooler announces a process of its own to the client, so that the server's differs. Whether it then keeps one server
session for one client session shows when others ask in between: none of them may get the session that we had.
"""

from __future__ import annotations

from contextlib import ExitStack

from sqlalchemy import Connection, Engine, text

from agent.errors import DataError
from agent.ledger.engines import shown

_OTHERS = 4
"""Sessions that ask in between, each within a transaction, so that each takes another of the pooler's."""


def require_own_session(engine: Engine) -> None:
    """Raise `DataError` when the URL leads to a pooler in transaction mode."""
    with ExitStack() as opened:
        own = opened.enter_context(engine.connect())
        before = _server_process(own)
        own.commit()
        driver = own.connection.driver_connection
        if driver is None or driver.info.backend_pid == before:
            return
        for _ in range(_OTHERS):
            if _server_process(opened.enter_context(engine.connect())) == before:
                raise DataError(_refusal(engine))
        if _server_process(own) != before:
            raise DataError(_refusal(engine))


def _server_process(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def _refusal(engine: Engine) -> str:
    return (
        f"ledger {shown(engine.url)}: a pooler stands between that gives every transaction another session, such as "
        "PgBouncer with pool_mode = transaction; name the server itself, or set pool_mode = session"
    )
