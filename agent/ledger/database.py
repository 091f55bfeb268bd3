"""Opens a ledger's database: SQLite with a write-ahead log, synchronised on every commit, or PostgreSQL by URL."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from agent.errors import DataError
from agent.ledger import schema
from agent.ledger.lease import FileLease, Lease, PostgresqlLease
from agent.ledger.records import VaultIdentity
from agent.ledger.store import VaultLedger

_BUSY_TIMEOUT_MILLISECONDS = 5_000
"""A reader, such as a report, may hold the file for a moment."""


class Database:
    """An open ledger, held by this process alone."""

    def __init__(self, engine: Engine, lease: Lease) -> None:
        self.engine = engine
        self.lease = lease

    @classmethod
    def open(cls, url: str, vault: str, key: str) -> Database:
        """Open the ledger and take the lease on a vault and a key.

        Parameters
        ----------
        url
            ``sqlite:///path`` or a ``postgresql`` URL; a SQLite file and its directory are made when missing.
        vault, key
            Names of what no other keeper may serve meanwhile.

        Raises
        ------
        DataError
            The URL or its driver is no good, another keeper holds the lease, or the ledger has another schema.

        """
        engine = _engine(url)
        try:
            lease = _lease(engine, [f"vault {vault}", f"key {key}"])
            try:
                _prepare(engine)
            except BaseException:
                lease.release()
                raise
        except SQLAlchemyError as error:
            engine.dispose()
            raise DataError(f"ledger {_shown(engine.url)} cannot be opened: {str(error).splitlines()[0]}") from None
        except BaseException:
            engine.dispose()
            raise
        return cls(engine, lease)

    def vault(self, identity: VaultIdentity) -> VaultLedger:
        """Return the ledger of one vault, begun when it is new."""
        return VaultLedger(self.engine, identity)

    def close(self) -> None:
        """Close the database and release the lease."""
        self.engine.dispose()
        self.lease.release()

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            _sqlite_path(parsed).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed)
    except (ArgumentError, NoSuchModuleError):
        shown = url.rsplit("@", maxsplit=1)[-1]
        raise DataError(f"ledger {shown}: not a database URL; write sqlite:///path/to/file") from None
    except ModuleNotFoundError as error:
        raise DataError(
            f"ledger {_shown(parsed)}: its driver {error.name} is not installed; install it, or write "
            "postgresql+psycopg:// and use the extra 'postgres': pip install 'evenkeel[postgres]'"
        ) from None
    except OSError as error:
        raise DataError(f"ledger {_shown(parsed)}: {error.strerror}: {error.filename}; choose another place") from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: object) -> None:
    """FULL: a commit that has returned survives the loss of power (sqlite.org/pragma.html#pragma_synchronous).

    Transactions are begun by us: Python's driver would end one at every statement that changes the schema.
    """
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={_BUSY_TIMEOUT_MILLISECONDS}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _lease(engine: Engine, names: list[str]) -> Lease:
    if engine.dialect.name == "sqlite":
        return FileLease(_sqlite_path(engine.url))
    return PostgresqlLease(engine, names)


def _sqlite_path(url: URL) -> Path:
    """Return the file of a SQLite URL; a ledger must outlive the process, so memory will not do."""
    if not url.database or url.database == ":memory:":
        raise DataError(f"ledger {url}: names no file; write sqlite:///path/to/ledger.sqlite")
    return Path(url.database)


def _prepare(engine: Engine) -> None:
    """Create what is missing and refuse another schema."""
    schema.metadata.create_all(engine)
    with engine.begin() as connection:
        found = connection.execute(select(schema.versions.c.schema_version)).scalars().all()
        if not found:
            connection.execute(schema.versions.insert().values(schema_version=schema.SCHEMA_VERSION))
        elif list(found) != [schema.SCHEMA_VERSION]:
            raise DataError(
                f"ledger {_shown(engine.url)} has schema {list(found)}, this program writes {schema.SCHEMA_VERSION}; "
                "name another ledger: it is rebuilt from the chain"
            )


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=True)
