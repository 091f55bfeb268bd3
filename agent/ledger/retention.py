"""What the ledger gives up, so that it stays bounded while nothing happens: a pruning is recorded, then carried out.

Cycles that did not trade go after the retention, and so do marks of how far the chain was read and verdicts on blocks
that a later verdict has replaced. What was decided, signed, sent, received and booked is kept for ever.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, func, select

from agent.ledger import schema
from agent.units import SECONDS_PER_DAY, Seconds

EXECUTED = "executed"
"""Outcome of a cycle that traded; such cycles are kept."""
_EVERY_CYCLES = 512
"""Cycles between two prunings: a pruning leaves a row of its own, far fewer than it takes away."""
_ROWS_AT_ONCE = 4_096
"""More rows wait for the next pruning, so that no cycle is held up by it."""
_MARKS_KEPT = 1_024
"""Newest marks of how far the chain was read; to go back beyond them reads the chain anew."""


class Retention:
    """Decides when and what to give up for one vault."""

    def __init__(self, days: int) -> None:
        self._seconds = days * SECONDS_PER_DAY
        self._cycles = 0

    def prune(self, connection: Connection, vault_id: int, now: Seconds) -> None:
        """Give up, every so many calls, what the retention does not keep; ``now`` is the chain's time."""
        is_due = self._cycles % _EVERY_CYCLES == 0  # at the first one too, or a keeper that restarts often never would
        self._cycles += 1
        if not is_due:
            return
        cycles, scans, verdicts = schema.cycles, schema.scans, schema.verdicts
        is_old = cycles.c.block_unix < now - self._seconds
        _give_up(connection, vault_id, cycles, is_old & (cycles.c.outcome != EXECUTED))
        marks = select(scans.c.id).where(scans.c.vault_id == vault_id).order_by(scans.c.id.desc())
        oldest_kept = marks.offset(_MARKS_KEPT - 1).limit(1).scalar_subquery()
        _give_up(connection, vault_id, scans, scans.c.id < oldest_kept)
        later = verdicts.alias()
        newest = select(func.max(later.c.id)).where(
            later.c.vault_id == vault_id, later.c.block_hash == verdicts.c.block_hash
        )
        # What the last verdict calls canonical needs none.
        _give_up(connection, vault_id, verdicts, (verdicts.c.id < newest.scalar_subquery()) | verdicts.c.is_canonical)


def _give_up(connection: Connection, vault_id: int, table: Table, condition: ColumnElement[bool]) -> None:
    given_up = and_(table.c.vault_id == vault_id, condition)
    oldest = select(table.c.id).where(given_up).order_by(table.c.id).limit(_ROWS_AT_ONCE).subquery()
    through = connection.execute(select(func.max(oldest.c.id))).scalar_one()
    if through is None:
        return
    pruning = {"vault_id": vault_id, "table_name": table.name, "through_id": through}
    connection.execute(schema.prunings.insert().values(pruning))
    connection.execute(delete(table).where(given_up, table.c.id <= through))
