"""Schema 5: options held as a hedge, bought, sold and settled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "5"
down_revision = "4"

_BIG_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_WIDE = sa.String(80)


def upgrade() -> None:
    """Add what is new; every row stays as it is."""
    op.create_table(
        "option_events",
        sa.Column("id", _BIG_KEY, primary_key=True, autoincrement=True),
        sa.Column("vault_id", _BIG_KEY, sa.ForeignKey("vaults.id"), nullable=False, index=True),
        sa.Column("block_number", sa.BigInteger, nullable=False),
        sa.Column("block_hash", sa.String(66), nullable=False, index=True),
        sa.Column("transaction_hash", sa.String(66), nullable=False),
        sa.Column("log_index", sa.BigInteger, nullable=False),
        sa.Column("venue", sa.String(42), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("position_id", _WIDE, nullable=False),
        sa.Column("size_delta", _WIDE, nullable=False),
        sa.Column("cash", _WIDE, nullable=False),
        sa.Column("fee", _WIDE, nullable=False),
        sa.Column("intent_id", sa.String(66), index=True),
        sa.Column("strike_id", _WIDE),
        sa.Column("is_call", sa.Boolean),
        sa.UniqueConstraint("vault_id", "block_hash", "log_index"),
    )
    refusal = (
        "FOR EACH ROW EXECUTE FUNCTION evenkeel_append_only()"
        if op.get_bind().dialect.name == "postgresql"
        else "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
    )
    for action in ("UPDATE", "DELETE"):
        op.execute(f"CREATE TRIGGER option_events_no_{action.lower()} BEFORE {action} ON option_events {refusal}")
    op.execute("INSERT INTO versions (schema_version) VALUES (5)")
