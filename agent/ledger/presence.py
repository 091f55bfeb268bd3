"""Locks that end with the process that holds them: who finds one free knows that the last holder is gone."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from eth_utils.crypto import keccak
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from agent.errors import FatalError


class Presence(Protocol):
    """A lock of the operating system or of a database session."""

    def take(self) -> bool:
        """Return whether the lock is ours, taking it when it is free."""
        ...

    def require_intact(self) -> None:
        """Raise `FatalError` when the lock, or what it guards, was taken away from under this process."""
        ...

    def release(self) -> None:
        """Let another have it; harmless the second time."""
        ...


class FilePresence:
    """A lock (flock(2)) on a file beside a SQLite ledger, which also notices when either file is removed."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger
        self._lock = ledger.with_name(ledger.name + ".lock")
        self._descriptor: int | None = None
        self._opened: os.stat_result | None = None

    def take(self) -> bool:
        """Lock the file, made when it is missing."""
        if self._descriptor is not None:
            return True
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def require_intact(self) -> None:
        """Check that the files in use are still those that others would open."""
        if self._opened is None:
            self._opened = self._ledger.stat()
        elif not _is_at(self._ledger, self._opened):
            raise FatalError(
                f"ledger {self._ledger} was removed or replaced while this keeper ran; start the keeper again: a new "
                "ledger is rebuilt from the chain"
            )
        if self._descriptor is not None and not _is_at(self._lock, os.fstat(self._descriptor)):
            raise FatalError(f"{self._lock} was removed or replaced while this keeper ran; stop all keepers, start one")

    def release(self) -> None:
        """Close the file; it stays, or two keepers could lock two files of one name."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _is_at(path: Path, opened: os.stat_result) -> bool:
    try:
        return os.path.samestat(opened, path.stat())
    except FileNotFoundError:
        return False


class SessionPresence:
    """Advisory locks on one PostgreSQL database, held by a session of its own."""

    def __init__(self, engine: Engine, names: Sequence[str]) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")  # never idle within a transaction
        self._keys = [_lock_key(name) for name in names]
        self._connection: Connection | None = None

    def take(self) -> bool:
        """Lock all names or none; a session that was lost is begun anew."""
        if self._connection is not None and self._is_alive(self._connection):
            return True
        self.release()
        connection = self._engine.connect()
        try:
            lock = text("SELECT pg_try_advisory_lock(:key)")
            has_all = all(connection.execute(lock, {"key": key}).scalar_one() for key in self._keys)
        except SQLAlchemyError:
            _end(connection)
            raise
        if has_all:
            self._connection = connection
        else:
            _end(connection)
        return has_all

    def require_intact(self) -> None:
        """Nothing can be taken away but the session, which `take` begins anew."""

    def release(self) -> None:
        """End the session, and the locks with it."""
        if self._connection is not None:
            _end(self._connection)
            self._connection = None

    @staticmethod
    def _is_alive(connection: Connection) -> bool:
        try:
            connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return False
        return True


def _end(connection: Connection) -> None:
    connection.invalidate()  # back in the pool, the session would keep its locks
    connection.close()


def _lock_key(name: str) -> int:
    """Return 64 bits of the name's hash, as PostgreSQL's signed integer."""
    return int.from_bytes(keccak(text=f"evenkeel {name}")[:8], "big", signed=True)
