"""Opens the database of a ledger: SQLite with a write-ahead log, or PostgreSQL by URL.

A commit that has returned survives the loss of power. SQLite alone is let off that where the chain can tell again what
was written: such a commit is on disk with the next one that must be, which is before anything more is sent.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from agent.errors import DataError

BUSY_TIMEOUT_SECONDS = 5.0
"""A reader, such as a report, may hold the file for a moment."""
_FULL = ("is full", "No space left", "disk I/O error")
"""What SQLite and PostgreSQL say when there is no room."""
_DAMAGED = ("disk image is malformed", "is not a database", "no such table", "no such column")
"""What SQLite says of a file that it cannot make sense of, or that has lost what a ledger consists of."""
REBUILT = "move the file away: the keeper makes a new one from the chain"
REACHED = "correct [ledger] url, or make its place writable for this user"
_AWAY = (
    "Connection refused",
    "No such file or directory",
    "resolve host",
    "translate host name",
    "unreachable",
    "No route to host",
    "timeout expired",
    "has not answered",
    "reset by peer",
    "closed the connection",
    "closed unexpectedly",
    "the database system is",
    "due to administrator command",
    "too many clients",
    "remaining connection slots",
    "in a read-only transaction",
)
"""What libpq and PostgreSQL say while a server starts, stops, is full up, follows another, or is not reached."""
_WRITES = "evenkeel_writes"
_IS_RESTORABLE = "evenkeel_is_restorable"
_SYNCHRONOUS = "evenkeel_synchronous"
_FULL_SYNC, _NORMAL_SYNC = "FULL", "NORMAL"
"""FULL waits for the disk at each commit, NORMAL loses the last ones with the power, never one of the middle or a part
(sqlite.org/pragma.html#pragma_synchronous)."""
_POSTGRESQL_DRIVERS = ("postgresql", "postgresql+psycopg")


def open_engine(url: str) -> Engine:
    """Return an engine for ``url``; nothing is connected yet, but the directory of a SQLite file is made.

    Raises
    ------
    DataError
        The URL is none of a ledger's, its driver is missing, or its directory cannot be made.

    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DataError(f"ledger {url.rsplit('@', maxsplit=1)[-1]}: not a database URL; {_HOW}") from None
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
    if parsed.drivername not in _POSTGRESQL_DRIVERS:
        raise DataError(f"ledger {shown(parsed)}: no ledger is kept by {parsed.drivername}; {_HOW}")
    return _postgresql(parsed.set(drivername="postgresql+psycopg"))


_HOW = "write sqlite:///path/to/file or postgresql+psycopg://"


def shown(url: URL) -> str:
    """Return a URL without its password."""
    return url.render_as_string(hide_password=True)


def said_by(error: Exception) -> str:
    """Return what the database itself says, without the statement and the parameters that SQLAlchemy adds."""
    return str(getattr(error, "orig", None) or error).splitlines()[0]


def rebuilt(engine: Engine) -> str:
    """Say how a ledger that is none any more is made anew."""
    return REBUILT if engine.dialect.name == "sqlite" else "name another ledger: it is rebuilt from the chain"


def is_full(reason: str) -> bool:
    """Return whether a database says that there is no room to write."""
    return any(words in reason for words in _FULL)


def is_damaged(reason: str) -> bool:
    """Return whether a ledger's file is none, or broken."""
    return any(words in reason for words in _DAMAGED)


def refused(engine: Engine, reason: str) -> str:
    """Say that a ledger is not what this version has made of it, for instance because its tables are gone."""
    return f"ledger {shown(engine.url)} refuses: {reason}; start the keeper again, or name another ledger"


def is_passing(engine: Engine, error: DBAPIError, reason: str) -> bool:
    """Return whether what a database says may be over later; else its file or its tables are not a ledger's."""
    if is_damaged(reason):
        return False
    return isinstance(error, OperationalError) or error.connection_invalidated or is_away(engine, reason)


def is_away(engine: Engine, reason: str) -> bool:
    """Return whether a server of a ledger cannot be reached or written for the moment; a file never is away."""
    return engine.dialect.name != "sqlite" and any(words in reason for words in _AWAY)


def sqlite_path(url: URL) -> Path:
    """Return the file of a SQLite URL; a ledger must outlive the process, so memory will not do."""
    if not url.database or url.database == ":memory:":
        raise DataError(f"ledger {url}: names no file; write sqlite:///path/to/ledger.sqlite")
    return Path(url.database)


def writing(engine: Engine) -> Engine:
    """Return the engine as used to write: SQLite then takes its lock at the start, where waiting for it is safe."""
    return engine.execution_options(**{_WRITES: True})


def restorable(engine: Engine) -> Engine:
    """Return an engine as used to write what the chain tells again: SQLite does not wait for the disk."""
    return engine.execution_options(**{_WRITES: True, _IS_RESTORABLE: True})


# --- SQLite -------------------------------------------------------------------------------------------------------


def _sqlite(url: URL) -> Engine:
    directory = sqlite_path(url).parent
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"ledger {shown(url)}: {error.strerror}: {error.filename}; choose another place") from None
    engine = create_engine(url)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: object) -> None:
    """Transactions are begun by us: Python's driver would end one at every statement that changes the schema."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={int(BUSY_TIMEOUT_SECONDS * 1_000)}",  # first: changing the journal needs the lock
        "journal_mode=WAL",
        f"synchronous={_FULL_SYNC}",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get(_WRITES, False):
        connection.exec_driver_sql("BEGIN")
        return
    wanted = _NORMAL_SYNC if options.get(_IS_RESTORABLE, False) else _FULL_SYNC
    if connection.info.get(_SYNCHRONOUS, _FULL_SYNC) != wanted:
        connection.exec_driver_sql(f"PRAGMA synchronous={wanted}")
        connection.info[_SYNCHRONOUS] = wanted
    connection.exec_driver_sql("BEGIN IMMEDIATE")


# --- PostgreSQL ---------------------------------------------------------------------------------------------------


def _postgresql(url: URL) -> Engine:
    from agent.ledger import postgresql  # noqa: PLC0415 - its driver is an extra

    engine = create_engine(url)
    event.listen(engine, "do_connect", postgresql.connect)
    event.listen(engine, "connect", postgresql.configure)
    return engine
