"""One keeper a vault and a key: whoever holds the lease may write, and it ends with the process, however that ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from eth_utils.crypto import keccak
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from agent.errors import DataError, FatalError


class Lease(Protocol):
    """Held until released, or until the process ends."""

    def require_held(self) -> None:
        """Raise `FatalError` when the lease was lost: another keeper may be at work."""
        ...

    def release(self) -> None:
        """Let another keeper have it; harmless the second time."""
        ...


class FileLease:
    """A lock (flock(2)) on a file beside a SQLite ledger."""

    def __init__(self, ledger: Path) -> None:
        self._path = ledger.with_name(ledger.name + ".lock")
        self._descriptor: int | None = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 32).decode("ascii", errors="replace").strip() or "unknown"
            os.close(self._descriptor)
            raise DataError(
                f"ledger {ledger} is in use by another keeper (pid {holder}); stop it, or name another ledger in "
                "[ledger] url"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode("ascii"))

    def require_held(self) -> None:
        """Check that the file locked is still the file others would lock."""
        if self._descriptor is None or not self._path.exists() or not self._is_same_file(self._descriptor):
            raise FatalError(f"{self._path} was removed or replaced while this keeper ran; stop all keepers, start one")

    def _is_same_file(self, descriptor: int) -> bool:
        return os.path.samestat(os.fstat(descriptor), self._path.stat())

    def release(self) -> None:
        """Close the file; it stays, or two keepers could lock two files of one name."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class PostgresqlLease:
    """Advisory locks on one database, held by a connection of its own."""

    def __init__(self, engine: Engine, names: Sequence[str]) -> None:
        self._connection: Connection = engine.connect()
        for name in names:
            statement = text("SELECT pg_try_advisory_lock(:key)").bindparams(key=_lock_key(name))
            if not self._connection.execute(statement).scalar_one():
                self._connection.invalidate()
                self._connection.close()
                shown = engine.url.render_as_string(hide_password=True)
                raise DataError(f"{name} is in use by another keeper on ledger {shown}; stop it first")
        self._connection.commit()

    def require_held(self) -> None:
        """Check that the session that holds the locks is alive."""
        try:
            self._connection.execute(text("SELECT 1"))
            self._connection.commit()
        except SQLAlchemyError as error:
            raise FatalError(f"the connection that holds the ledger's lease is gone: {error}") from None

    def release(self) -> None:
        """End the session, and the locks with it."""
        self._connection.invalidate()
        self._connection.close()


def _lock_key(name: str) -> int:
    """Return 64 bits of the name's hash, as PostgreSQL's signed integer."""
    return int.from_bytes(keccak(text=f"evenkeel {name}")[:8], "big", signed=True)
