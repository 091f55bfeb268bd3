"""One keeper a vault and a key may write: a lease that is renewed, and an epoch that fences whoever has lost it.

Each name has a row with an epoch. Who takes the lease raises the epoch, and every transaction of the ledger checks in
itself that the epoch is still its own, with the row locked. So a keeper that was stopped and goes on after another took
over can write nothing, and since nothing is broadcast that is not in the ledger before, it can send nothing that its
successor does not know.

A lease is taken from a holder that has not renewed it in time, or at once from one whose process has ended, which its
`Presence` shows.
"""

from __future__ import annotations

import contextlib
import os
import platform
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, extract, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from agent.errors import FatalError, TransientError
from agent.ledger import schema
from agent.ledger.engines import is_passing, refused, said_by, writing
from agent.ledger.presence import Presence

_leases = schema.leases
_RENEWALS_A_LEASE = 4
"""So that a lease survives two renewals that fail."""


class LeaseHeldError(TransientError):
    """Another keeper holds the lease: try again later, or not at all."""


@dataclass(frozen=True, slots=True)
class _Held:
    epochs: dict[str, int]
    renewed_at: float
    """By this process's own clock."""


class Lease:
    """The right to write, held until it is released, the process ends, or it was not renewed and another took it."""

    def __init__(self, engine: Engine, names: Sequence[str], lease_seconds: float, presence: Presence) -> None:
        self._engine = writing(engine)
        self._reader = engine
        self._names = sorted(names)
        self._seconds = lease_seconds
        self._presence = presence
        self._holder = f"pid {os.getpid()} on {platform.node()}"
        self._held: _Held | None = None
        self._mutex = threading.RLock()
        self._shared_rows = self._rows().with_for_update(read=True)
        self._stopped = threading.Event()
        self._renewing: threading.Thread | None = None

    @property
    def epoch(self) -> int:
        """Sum of the names' epochs: it changes when the lease is taken, by whomever; 0 while it is not ours."""
        return 0 if self._held is None else sum(self._held.epochs.values())

    def acquire(self) -> None:
        """Take the lease and keep it renewed.

        Raises
        ------
        LeaseHeldError
            Another keeper is alive and holds it.

        """
        with self._mutex:
            is_present = self._presence.take()
            self._presence.require_intact()
            with self._engine.begin() as connection:
                self._held = self._take(connection, is_present)
            if self._renewing is None:
                self._renewing = threading.Thread(target=self._keep_renewed, name="ledger lease", daemon=True)
                self._renewing.start()

    def require_held(self) -> None:
        """Check that the lease is ours, and take it again when it was lost and is free.

        Raises
        ------
        LeaseHeldError
            Another keeper has it now.
        TransientError
            The database does not answer.
        FatalError
            The ledger's files were removed or replaced, or its tables.

        """
        self._presence.require_intact()
        try:
            self._renew()
            if not self._is_ours():
                self.acquire()
        except SQLAlchemyError as error:
            reason = said_by(error)
            if isinstance(error, DBAPIError) and not is_passing(self._reader, error, reason):
                raise FatalError(refused(self._reader, reason)) from None
            raise TransientError(f"the ledger's lease cannot be renewed: {reason}") from None

    def fence(self, connection: Connection) -> None:
        """Raise `LeaseHeldError` within a transaction when the lease is not ours; no other can take it meanwhile."""
        self._presence.require_intact()
        held = self._held
        if held is None:
            raise LeaseHeldError("another keeper has taken over the ledger's lease")
        rows = connection.execute(self._shared_rows).all()
        found = {row.name: row for row in rows}
        for name, epoch in held.epochs.items():
            if name not in found or found[name].epoch != epoch:
                self._held = None
                self._presence.release()
                raise LeaseHeldError(_words(found[name]) if name in found else f"the lease of {name} is gone")

    def release(self) -> None:
        """Let another keeper have it; harmless the second time."""
        self._stopped.set()
        if self._renewing is not None:
            self._renewing.join()
            self._renewing = None
        with self._mutex:
            held, self._held = self._held, None
            if held is not None:
                with contextlib.suppress(SQLAlchemyError), self._engine.begin() as connection:
                    self._update(connection, held, lease_seconds=0.0, is_locked=False)
            self._presence.release()

    # --- parts ----------------------------------------------------------------------------------------------------

    def _rows(self) -> Any:
        return select(_leases).where(_leases.c.name.in_(self._names)).order_by(_leases.c.name)

    def _take(self, connection: Connection, is_present: bool) -> _Held:
        dialect = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        unheld = {"epoch": 0, "holder": "", "renewed_at": 0.0, "lease_seconds": 0.0, "is_locked": False}
        missing = dialect.insert(_leases).on_conflict_do_nothing()
        connection.execute(missing, [{"name": name, **unheld} for name in self._names])
        rows = connection.execute(self._rows().with_for_update()).all()
        now = _now(connection)
        for row in rows:
            is_gone = is_present and row.is_locked
            is_fresh = 0.0 <= now - row.renewed_at < row.lease_seconds  # a clock that went back has begun anew
            if is_fresh and not is_gone:
                raise LeaseHeldError(_words(row))
        held = _Held({row.name: row.epoch + 1 for row in rows}, time.monotonic())
        for row in rows:
            taken = {
                "epoch": row.epoch + 1,
                "holder": self._holder,
                "renewed_at": now,
                "lease_seconds": self._seconds,
                "is_locked": is_present,
            }
            connection.execute(_leases.update().where(_leases.c.name == row.name).values(taken))
        return held

    def _renew(self) -> None:
        """Renew the lease unless that was done just now, or find that it is not ours any more."""
        with self._mutex:
            held = self._held
            if held is None or time.monotonic() - held.renewed_at < self._seconds / _RENEWALS_A_LEASE:
                return
            is_present = self._presence.take()
            with self._engine.begin() as connection:
                if not self._update(connection, held, renewed_at=_now(connection), is_locked=is_present):
                    connection.rollback()
                    self._held = None
                    self._presence.release()
                    return
            self._held = _Held(held.epochs, time.monotonic())

    def _is_ours(self) -> bool:
        try:
            with self._reader.begin() as connection:
                self.fence(connection)
        except LeaseHeldError:
            return False
        return True

    @staticmethod
    def _update(connection: Connection, held: _Held, **values: object) -> bool:
        """Change the rows of our epochs; False when one of them is another's."""
        changed = 0
        for name, epoch in held.epochs.items():
            ours = _leases.update().where(_leases.c.name == name, _leases.c.epoch == epoch)
            changed += connection.execute(ours.values(values)).rowcount
        return changed == len(held.epochs)

    def _keep_renewed(self) -> None:
        """Renew until released; what fails is found by the keeper itself, at its next step."""
        while not self._stopped.wait(self._seconds / _RENEWALS_A_LEASE):
            with contextlib.suppress(SQLAlchemyError, OSError):
                self._renew()


def _now(connection: Connection) -> float:
    """Return seconds of one clock for all keepers: the server's; for a file the machine's, which nobody can set."""
    if connection.dialect.name == "sqlite":
        return time.monotonic()
    return float(connection.execute(select(extract("epoch", func.clock_timestamp()))).scalar_one())


def _words(row: Row[Any]) -> str:
    return f"{row.name} is in use by another keeper ({row.holder}, epoch {row.epoch})"
