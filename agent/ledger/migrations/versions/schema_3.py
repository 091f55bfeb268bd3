"""Schema 3: leases with epochs, acts of others, orders that outlive a transaction, prices around a trade, pruning."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"

_PRUNED = ("cycles", "scans", "verdicts")
"""Tables whose rows may be given up."""
_NEW_RECORDS = ("account_events", "order_steps", "settled_prices", "prunings")
_BIG_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_WIDE = sa.String(80)


def upgrade() -> None:
    """Add what is new and let go of what a pruning has given up; every row stays as it is."""
    op.add_column("intents", sa.Column("arrival_prices", sa.Text))
    op.add_column("transitions", sa.Column("block_unix", sa.BigInteger))
    _record_table(
        "account_events",
        *_block(),
        sa.Column("transaction_hash", sa.String(66), nullable=False),
        sa.Column("log_index", sa.BigInteger, nullable=False),
        sa.Column("venue", sa.String(42), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("size_delta", _WIDE, nullable=False),
        sa.Column("cash", _WIDE, nullable=False),
        sa.UniqueConstraint("vault_id", "block_hash", "log_index"),
    )
    _record_table(
        "order_steps",
        *_block(),
        sa.Column("transaction_hash", sa.String(66), nullable=False),
        sa.Column("log_index", sa.BigInteger, nullable=False),
        sa.Column("intent_id", sa.String(66), nullable=False, index=True),
        sa.Column("venue", sa.String(42), nullable=False),
        sa.Column("order_id", sa.String(80), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("requested_size_delta", _WIDE, nullable=False),
        sa.Column("filled_size_delta", _WIDE, nullable=False),
        sa.UniqueConstraint("vault_id", "block_hash", "log_index"),
    )
    _record_table(
        "settled_prices",
        *_block(),
        sa.Column("block_unix", sa.BigInteger, nullable=False),
        sa.Column("intent_id", sa.String(66), nullable=False, index=True),
        sa.Column("venue", sa.String(42), nullable=False),
        sa.Column("mark_price", _WIDE, nullable=False),
        sa.UniqueConstraint("vault_id", "intent_id", "venue", "block_hash"),
    )
    _record_table(
        "prunings",
        sa.Column("table_name", sa.String(16), nullable=False),
        sa.Column("through_id", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(160), primary_key=True),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("holder", sa.String(160), nullable=False),
        sa.Column("renewed_at", sa.Float, nullable=False),
        sa.Column("lease_seconds", sa.Float, nullable=False),
        sa.Column("is_locked", sa.Boolean, nullable=False),
    )
    _guard()
    op.execute("INSERT INTO versions (schema_version) VALUES (3)")


def _record_table(name: str, *columns: sa.schema.SchemaItem) -> None:
    key = sa.Column("id", _BIG_KEY, primary_key=True, autoincrement=True)
    vault = sa.Column("vault_id", _BIG_KEY, sa.ForeignKey("vaults.id"), nullable=False, index=True)
    op.create_table(name, key, vault, *columns)


def _block() -> tuple[sa.Column[int], sa.Column[str]]:
    return (
        sa.Column("block_number", sa.BigInteger, nullable=False),
        sa.Column("block_hash", sa.String(66), nullable=False, index=True),
    )


def _guard() -> None:
    """Refuse updates and deletions of the new records, and deletions of what no pruning covers."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    if is_postgresql:
        op.execute(
            "CREATE FUNCTION evenkeel_prunable() RETURNS trigger AS $$ BEGIN "
            "IF NOT EXISTS (SELECT 1 FROM prunings WHERE vault_id = OLD.vault_id AND table_name = TG_TABLE_NAME "
            "AND through_id >= OLD.id) THEN RAISE EXCEPTION 'the ledger is append-only'; END IF; "
            "RETURN OLD; END $$ LANGUAGE plpgsql"
        )
    for table in _NEW_RECORDS:
        for action in ("UPDATE", "DELETE"):
            refusal = (
                "FOR EACH ROW EXECUTE FUNCTION evenkeel_append_only()"
                if is_postgresql
                else "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
            )
            op.execute(f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} {refusal}")
    for table in _PRUNED:
        op.execute(f"DROP TRIGGER {table}_no_delete" + (f" ON {table}" if is_postgresql else ""))
        covered = (
            "FOR EACH ROW EXECUTE FUNCTION evenkeel_prunable()"
            if is_postgresql
            else f"WHEN NOT EXISTS (SELECT 1 FROM prunings WHERE vault_id = OLD.vault_id "  # noqa: S608 - names of ours
            f"AND table_name = '{table}' AND through_id >= OLD.id) "
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        )
        op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {covered}")
