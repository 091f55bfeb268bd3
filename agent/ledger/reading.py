"""A ledger opened to be read, while a keeper may be writing it: no lease is taken, no record changed.

All that can be added is an operator's acknowledgement.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import SQLAlchemyError

from agent.errors import DataError, FatalError
from agent.ledger import schema
from agent.ledger.config import USUAL_TERMS
from agent.ledger.engines import REBUILT, is_damaged, open_engine, said_by, shown, sqlite_path
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
        reason = said_by(error)
        how = f"; {REBUILT}" if is_damaged(reason) else ""
        raise DataError(f"ledger {shown(engine.url)} cannot be read: {reason}{how}") from None
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


def vault_of(engine: Engine, chain_id: int, address: str | None) -> VaultLedger:
    """Return the ledger of one vault of a chain, in its newest life; ``address`` is needed where there are several.

    Raises
    ------
    DataError
        The ledger holds none, or several and none was named.

    """
    found = [ledger for ledger in vaults_of(engine) if ledger.identity.chain_id == chain_id]
    if address is not None:
        found = [ledger for ledger in found if ledger.identity.address.lower() == address.lower()]
    names = sorted({ledger.identity.address for ledger in found})
    if not names:
        wanted = f"chain {chain_id}" if address is None else f"{address} on chain {chain_id}"
        raise DataError(f"the ledger holds no vault {wanted}; name the ledger and network that its keeper runs with")
    if len(names) > 1:
        raise DataError(f"the ledger holds {len(names)} vaults of chain {chain_id}: name one of {', '.join(names)}")
    return found[-1]


class _NoLease:
    """The right to read alone."""

    epoch = 0

    def fence(self, _connection: Connection) -> None:
        """Refuse to write."""
        raise FatalError("a ledger that was opened to be read is not written")
