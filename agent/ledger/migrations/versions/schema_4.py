"""Schema 4: what an operator has looked at and answers for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "4"
down_revision = "3"

_BIG_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add what is new; every row stays as it is."""
    op.create_table(
        "acknowledgements",
        sa.Column("id", _BIG_KEY, primary_key=True, autoincrement=True),
        sa.Column("vault_id", _BIG_KEY, sa.ForeignKey("vaults.id"), nullable=False, index=True),
        sa.Column("subject", sa.String(16), nullable=False),
        sa.Column("reference", sa.String(160), nullable=False),
        sa.Column("at_unix", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    refusal = (
        "FOR EACH ROW EXECUTE FUNCTION evenkeel_append_only()"
        if op.get_bind().dialect.name == "postgresql"
        else "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
    )
    for action in ("UPDATE", "DELETE"):
        op.execute(f"CREATE TRIGGER acknowledgements_no_{action.lower()} BEFORE {action} ON acknowledgements {refusal}")
    op.execute("INSERT INTO versions (schema_version) VALUES (4)")
