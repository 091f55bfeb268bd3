"""Rows of one vault: each write is one fenced commit; rows on replaced blocks are told apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, Insert, Row, Table, event, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from agent.chain.block_id import BlockId
from agent.errors import FatalError, TransientError
from agent.ledger import engines, rows, schema
from agent.ledger.engines import is_full, is_passing, refused, restorable, shown, writing
from agent.ledger.records import VaultIdentity
from agent.units import BlockHash

_ROWS_AT_ONCE = 1_000
"""Rows handed over together, so that the wait for the database's answer stays far below its time-out."""
_UNKNOWN = -1
"""Epoch of what was worked out when that is not known to hold any more."""


@cache
def _insertion(dialect_name: str, table: Table) -> Insert:
    """Return the statement that adds rows and leaves alone those that are there; made once, for it costs as it runs."""
    dialect = postgresql if dialect_name == "postgresql" else sqlite
    statement: Insert = dialect.insert(table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
    return statement


class Fence(Protocol):
    """The right to write."""

    @property
    def epoch(self) -> int:
        """Changes whenever somebody else may have written meanwhile; 0 while the right is not ours."""
        ...

    def fence(self, connection: Connection) -> None:
        """Raise within a transaction when the right is not ours."""
        ...


class VaultRows:
    """Reads, writes and the verdicts on blocks, of one vault, under one lease."""

    def __init__(self, engine: Engine, identity: VaultIdentity, lease: Fence) -> None:
        self.identity = identity
        self._engine = engine
        self._writer = writing(engine)
        self._restorer = restorable(engine)
        self._lease = lease
        self._epoch = lease.epoch
        self._void: set[BlockHash] = set()
        self._edition = 0
        event.listen(engine, "invalidate", self._lost_touch)
        self._vault_id = self._find_or_add_vault()
        self._forget()

    def require_lease(self) -> None:
        """Raise `TransientError` unless this keeper may still write, and so may send what it has written."""
        with self._committed(self._engine) as connection:
            self._lease.fence(connection)

    @property
    def edition(self) -> int:
        """Changes whenever rows may be others than those written or read before: what rests on them is read anew."""
        self._keep_fresh()
        return self._edition

    # --- for the ledger -------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        """Drop what was worked out from rows: another keeper may have written since, or blocks have changed."""
        self._edition += 1
        self._void = self._load_void()

    def _lost_touch(self, *_: object) -> None:
        """Take note that a connection was lost: the server that answers next may be another one, with older rows."""
        self._epoch = _UNKNOWN

    def _reinstate(self, connection: Connection, block_ids: Sequence[BlockId]) -> bool:
        """Call blocks canonical again that were declared replaced; True when there were any."""
        again = [block_id for block_id in set(block_ids) if block_id.hash in self._void]
        verdicts = [{**rows.block_columns(block_id), "is_canonical": True} for block_id in again]
        self._insert(connection, schema.verdicts, verdicts)
        self._void -= {block_id.hash for block_id in again}
        return bool(again)

    def _insert(self, connection: Connection, table: Table, values: Sequence[Mapping[str, Any]]) -> int:
        """Add rows and return how many; one that is there already by its unique key stays as it is."""
        if not values:
            return 0
        counted, added = _insertion(self._engine.dialect.name, table), 0
        for first in range(0, len(values), _ROWS_AT_ONCE):
            part = [{"vault_id": self._vault_id, **row} for row in values[first : first + _ROWS_AT_ONCE]]
            added += connection.execute(counted, part).rowcount
        return added

    def _rows_of(self, table: Table) -> Any:
        return select(table).where(table.c.vault_id == self._vault_id)

    def _fetch(self, statement: Any) -> Sequence[Row[Any]]:
        with self._committed(self._engine) as connection:
            return connection.execute(statement).all()

    @contextmanager
    def _commit(self, *, is_restorable: bool = False) -> Iterator[Connection]:
        """Write, in a transaction that checks in itself that no other keeper has taken over.

        ``is_restorable``: nothing but what the chain tells again, and how far it was read.
        """
        with self._committed(self._restorer if is_restorable else self._writer) as connection:
            self._lease.fence(connection)
            yield connection

    @contextmanager
    def _committed(self, engine: Engine) -> Iterator[Connection]:
        self._keep_fresh()
        is_done = False
        try:
            with engine.begin() as connection:
                yield connection
            is_done = True
        except DBAPIError as error:
            reason = str(error.orig).splitlines()[0]
            if is_passing(self._engine, error, reason):
                raise TransientError(self._passing(reason)) from error
            raise FatalError(refused(self._engine, reason)) from error
        except SQLAlchemyError as error:
            raise FatalError(f"the ledger refuses: {error}") from error
        finally:
            if not is_done:
                self._epoch = _UNKNOWN

    def _keep_fresh(self) -> None:
        """Forget what was worked out before another keeper held the lease, a write failed or a connection was lost."""
        current = self._lease.epoch
        if current in {self._epoch, 0}:
            return
        self._epoch = current
        self._forget()

    # --- parts ----------------------------------------------------------------------------------------------------

    def _passing(self, reason: str) -> str:
        """Say what keeps the ledger from being used now, where, and how to mend it."""
        where = shown(self._engine.url)
        if is_full(reason):
            return f"ledger {where}: {reason}; make room: nothing was lost, and nothing is sent until it can be written"
        if "is locked" in reason:
            seconds = engines.BUSY_TIMEOUT_SECONDS
            return f"ledger {where} was locked by another process for {seconds:g} s; close what has it open"
        return f"ledger {where} cannot be used now: {reason}"

    def _find_or_add_vault(self) -> int:
        table, identity = schema.vaults, self.identity
        key = {
            "chain_id": identity.chain_id,
            "address": identity.address,
            "first_block_hash": identity.first_block_hash,
        }
        statement = select(table.c.id).where(*(table.c[name] == value for name, value in key.items()))
        found = self._fetch(statement)
        if not found:
            with self._commit() as connection:
                connection.execute(table.insert().values(first_block=identity.first_block, **key))
            found = self._fetch(statement)
        return int(found[0].id)

    def _load_void(self) -> set[BlockHash]:
        latest: dict[str, bool] = {}
        for row in self._fetch(self._rows_of(schema.verdicts).order_by(schema.verdicts.c.id)):
            latest[row.block_hash] = row.is_canonical
        return {BlockHash(block_hash) for block_hash, is_canonical in latest.items() if not is_canonical}
