"""A ledger opened to be read, while a keeper may be writing it: no lease is taken and nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import SQLAlchemyError

from agent.errors import DataError, FatalError
from agent.ledger import schema
from agent.ledger.config import USUAL_TERMS
from agent.ledger.engines import open_engine, shown, sqlite_path
from agent.ledger.records import VaultIdentity
from agent.ledger.store import VaultLedger
from agent.ledger.upgrade import schema_version, unfit
from agent.units import Address, BlockHash


@contextmanager
def reading(url: str) -> Iterator[Engine]:
    """Open a ledger that is there and of this version's schema.

    Raises
    ------
    DataError
        There is no ledger, it is of another schema, or it cannot be read.

    """
    engine = open_engine(url)
    try:
        if engine.dialect.name == "sqlite" and not sqlite_path(engine.url).exists():
            raise DataError(f"ledger {shown(engine.url)} does not exist; name the one that a keeper has written")
        with engine.begin() as connection:
            version = schema_version(connection)
        if version is None or version < schema.SCHEMA_VERSION:
            raise DataError(
                f"ledger {shown(engine.url)} has schema {version}, this program reads {schema.SCHEMA_VERSION}; "
                "start a keeper on it once, which brings it up to date"
            )
        if version > schema.SCHEMA_VERSION:
            raise DataError(unfit(engine, version))
        yield engine
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise DataError(f"ledger {shown(engine.url)} cannot be read: {reason}") from None
    finally:
        engine.dispose()


def vaults_of(engine: Engine) -> list[VaultLedger]:
    """Return the ledgers of all vaults, oldest first."""
    with engine.begin() as connection:
        found = connection.execute(select(schema.vaults).order_by(schema.vaults.c.id)).all()
    return [
        VaultLedger(
            engine,
            VaultIdentity(row.chain_id, Address(row.address), row.first_block, BlockHash(row.first_block_hash)),
            _NoLease(),
            USUAL_TERMS,
        )
        for row in found
    ]


class _NoLease:
    """The right to read alone."""

    epoch = 0

    def fence(self, _connection: Connection) -> None:
        """Refuse to write."""
        raise FatalError("a ledger that was opened to be read is not written")
