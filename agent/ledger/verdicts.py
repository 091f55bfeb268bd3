"""Whether a row counts: the last verdict on its block decides, and where there is none it does."""

from __future__ import annotations

from sqlalchemy import ColumnElement, FromClause, func, select, true

from agent.ledger import schema


def counts(table: FromClause) -> ColumnElement[bool]:
    """Condition that a row rests on a block that was not replaced; no list of blocks, however many there were."""
    verdicts = schema.verdicts.alias()
    newest = (
        select(verdicts.c.is_canonical)
        .where(verdicts.c.vault_id == table.c.vault_id, verdicts.c.block_hash == table.c.block_hash)
        .order_by(verdicts.c.id.desc())
        .limit(1)
    )
    return func.coalesce(newest.scalar_subquery(), true())
