"""An open ledger: of the schema this version knows, under a lease, and closed together with it."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from agent.errors import DataError, TransientError
from agent.ledger.config import USUAL_TERMS, LedgerTerms
from agent.ledger.engines import (
    REACHED,
    REBUILT,
    is_away,
    is_damaged,
    is_full,
    open_engine,
    said_by,
    shown,
    sqlite_path,
)
from agent.ledger.lease import Lease, LeaseHeldError
from agent.ledger.pooler import require_own_session
from agent.ledger.presence import FilePresence, Presence, SessionPresence
from agent.ledger.records import VaultIdentity
from agent.ledger.store import VaultLedger
from agent.ledger.upgrade import upgrade


class Standby(Protocol):
    """How a keeper waits for a lease that another one holds."""

    def wait(self, seconds: float, why: str) -> bool:
        """Wait until the lease is to be asked for again; return whether to give up instead."""
        ...


class Database:
    """An open ledger, written by this process alone."""

    def __init__(self, engine: Engine, lease: Lease, terms: LedgerTerms) -> None:
        self.engine = engine
        self.lease = lease
        self._terms = terms

    @classmethod
    def open(
        cls,
        url: str,
        vault: str,
        key: str,
        terms: LedgerTerms = USUAL_TERMS,
        standby: Standby | None = None,
    ) -> Database:
        """Open the ledger, bring its schema up to date and take the lease on a vault and a key.

        Parameters
        ----------
        url
            ``sqlite:///path`` or a ``postgresql`` URL; a SQLite file and its directory are made when missing.
        vault, key
            Names of what no other keeper may serve meanwhile.
        terms
            How long a lease and how long records last.
        standby
            Waits for a lease that another keeper holds; None refuses at once.

        Raises
        ------
        DataError
            The URL or its driver is no good, another keeper holds the lease, the ledger has a newer schema, or a pooler
            stands between that gives every transaction another session.
        TransientError
            There is no room to write, or the server cannot be reached.

        """
        engine = open_engine(url)
        names = [f"vault {vault}", f"key {key}"]
        is_file = engine.dialect.name == "sqlite"
        presence: Presence = FilePresence(sqlite_path(engine.url)) if is_file else SessionPresence(engine, names)
        lease = Lease(engine, names, terms.lease_seconds, presence)
        try:
            if not is_file:
                require_own_session(engine)
            upgrade(engine, presence)
            _acquire(lease, engine, terms, standby)
        except SQLAlchemyError as error:
            presence.release()
            engine.dispose()
            reason = said_by(error)
            words = f"ledger {shown(engine.url)} cannot be opened: {reason}"
            if is_full(reason):
                raise TransientError(f"{words}; make room: it is tried again") from None
            if is_away(engine, reason):
                raise TransientError(f"{words}; start the server, or correct the URL") from None
            raise DataError(f"{words}; {REBUILT if is_damaged(reason) else REACHED}") from None
        except BaseException:
            presence.release()
            engine.dispose()
            raise
        return cls(engine, lease, terms)

    def vault(self, identity: VaultIdentity) -> VaultLedger:
        """Return the ledger of one vault, begun when it is new."""
        return VaultLedger(self.engine, identity, self.lease, self._terms)

    def close(self) -> None:
        """Release the lease and close the database."""
        self.lease.release()
        self.engine.dispose()

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _acquire(lease: Lease, engine: Engine, terms: LedgerTerms, standby: Standby | None) -> None:
    """Take the lease, waiting for it when asked to."""
    while True:
        try:
            lease.acquire()
        except (LeaseHeldError, OperationalError) as trouble:  # such as rows that a stopped holder has locked
            why = said_by(trouble)
            if standby is None or standby.wait(terms.standby_poll_seconds, why):
                if isinstance(trouble, OperationalError):
                    raise
                where = shown(engine.url)
                raise DataError(
                    f"ledger {where}: {trouble}; stop it first, have `evenkeel run --standby` wait for it, or name "
                    "another ledger"
                ) from None
        else:
            return
