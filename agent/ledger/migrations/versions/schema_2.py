"""Schema 2, the first that was released: what its tables were, frozen.

Rows are only ever added: triggers refuse updates and deletions.

What was seen on the chain names its block hash. When a reorganisation replaces a block, a row of ``verdicts`` says so
and every row that names that block counts no more, until a later verdict calls it canonical again. Integers that may
be wider than 63 bits are kept as decimal text.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)

revision = "2"
down_revision = None

_WIDE = String(80)
"""An integer of any width, as decimal text."""

metadata = MetaData()


def _key() -> Column[int]:
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


def _vault() -> Column[int]:
    return Column("vault_id", ForeignKey("vaults.id"), nullable=False, index=True)


def _place() -> tuple[Column[int], Column[str]]:
    return (
        Column("block_number", BigInteger, nullable=False),
        Column("block_hash", String(66), nullable=False, index=True),
    )


# Before alembic kept the version, this table did; a row beyond 2 tells an older program to keep away.
versions = Table("versions", metadata, Column("schema_version", Integer, primary_key=True))

vaults = Table(
    "vaults",
    metadata,
    _key(),
    Column("chain_id", BigInteger, nullable=False),
    Column("address", String(42), nullable=False),
    Column("first_block", BigInteger, nullable=False),
    # Tells one life of a local chain from the next: same addresses, another history.
    Column("first_block_hash", String(66), nullable=False),
    UniqueConstraint("chain_id", "address", "first_block_hash"),
)

intents = Table(
    "intents",
    metadata,
    _key(),
    _vault(),
    Column("intent_id", String(66), nullable=False),
    Column("legs", Text, nullable=False),
    Column("deadline", BigInteger, nullable=False),
    Column("is_urgent", Boolean, nullable=False),
    Column("book_digest", String(66), nullable=False),
    Column("decided_at_number", BigInteger, nullable=False),
    Column("decided_at_hash", String(66), nullable=False),
    Column("decided_at_unix", BigInteger, nullable=False),
    Column("decided_at_base_fee_wei", _WIDE, nullable=False),
    Column("reason", Text, nullable=False),
    UniqueConstraint("vault_id", "intent_id"),
)

transactions = Table(
    "transactions",
    metadata,
    _key(),
    _vault(),
    Column("intent_id", String(66), nullable=False, index=True),
    Column("transaction_hash", String(66), nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("sender", String(42), nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("gas_limit", BigInteger, nullable=False),
    Column("max_fee_wei", _WIDE, nullable=False),
    Column("priority_fee_wei", _WIDE, nullable=False),
    Column("raw", Text, nullable=False),
    UniqueConstraint("vault_id", "transaction_hash"),
)

transitions = Table(
    "transitions",
    metadata,
    _key(),
    _vault(),
    Column("intent_id", String(66), nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("transaction_hash", String(66)),
    *_place(),
    Column("detail", Text, nullable=False),
)

receipts = Table(
    "receipts",
    metadata,
    _key(),
    _vault(),
    Column("transaction_hash", String(66), nullable=False),
    *_place(),
    Column("is_success", Boolean, nullable=False),
    Column("gas_used", BigInteger, nullable=False),
    Column("gas_price_wei", _WIDE, nullable=False),
    UniqueConstraint("vault_id", "transaction_hash", "block_hash"),
)


def _chain_table(name: str, *columns: Column[object]) -> Table:
    """Return a table of one kind of chain event, each held once."""
    return Table(
        name,
        metadata,
        _key(),
        _vault(),
        *_place(),
        Column("transaction_hash", String(66), nullable=False),
        Column("log_index", BigInteger, nullable=False),
        *columns,
        UniqueConstraint("vault_id", "block_hash", "log_index"),
    )


rebalances = _chain_table(
    "rebalances",
    Column("intent_id", String(66), nullable=False, index=True),
    Column("price", _WIDE, nullable=False),
    Column("worst_net_delta_before", _WIDE, nullable=False),
    Column("worst_net_delta_after", _WIDE, nullable=False),
    Column("nav_before", _WIDE, nullable=False),
    Column("nav_after", _WIDE, nullable=False),
)

fills = _chain_table(
    "fills",
    Column("intent_id", String(66), nullable=False, index=True),
    Column("venue", String(42), nullable=False),
    Column("requested_size_delta", _WIDE, nullable=False),
    Column("size_delta", _WIDE, nullable=False),
    Column("execution_price", _WIDE, nullable=False),
    Column("fee", _WIDE, nullable=False),
)

cash_flows = _chain_table(
    "cash_flows",
    Column("kind", String(16), nullable=False),
    # The venue margin moved to or from; NULL where collateral entered or left the vault.
    Column("venue", String(42)),
    # Asset units: into the vault's idle collateral when positive, except margin: into the venue when positive.
    Column("assets", _WIDE, nullable=False),
)

funding = _chain_table(
    "funding",
    Column("venue", String(42), nullable=False),
    # WAD USD: paid by the position when positive.
    Column("paid", _WIDE, nullable=False),
)

scans = Table(
    "scans",
    metadata,
    _key(),
    _vault(),
    Column("from_block", BigInteger, nullable=False),
    *_place(),
)

verdicts = Table(
    "verdicts",
    metadata,
    _key(),
    _vault(),
    *_place(),
    Column("is_canonical", Boolean, nullable=False),
)

cycles = Table(
    "cycles",
    metadata,
    _key(),
    _vault(),
    *_place(),
    Column("block_unix", BigInteger, nullable=False),
    Column("price", _WIDE, nullable=False),
    Column("book_delta_low", _WIDE, nullable=False),
    Column("book_delta_high", _WIDE, nullable=False),
    Column("hedge_size", _WIDE, nullable=False),
    Column("chain_nav_low", _WIDE, nullable=False),
    Column("chain_nav_high", _WIDE, nullable=False),
    Column("ledger_nav_low", _WIDE, nullable=False),
    Column("ledger_nav_high", _WIDE, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("intent_id", String(66)),
    Column("decision_seconds", Float, nullable=False),
    Column("reason", Text, nullable=False),
)

_REFUSE_POSTGRESQL = """
CREATE OR REPLACE FUNCTION evenkeel_append_only() RETURNS trigger AS $$
BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$ LANGUAGE plpgsql
"""


def _ddl(statement: str) -> DDL:
    return DDL(statement)  # type: ignore[no-untyped-call]  # SQLAlchemy leaves its constructor unannotated


def _guard_rows(table: Table) -> None:
    for action in ("UPDATE", "DELETE"):
        name = f"{table.name}_no_{action.lower()}"
        sqlite = _ddl(
            f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {action} ON {table.name} "
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        )
        postgresql = _ddl(
            f"CREATE TRIGGER {name} BEFORE {action} ON {table.name} "
            "FOR EACH ROW EXECUTE FUNCTION evenkeel_append_only()"
        )
        event.listen(table, "after_create", sqlite.execute_if(dialect="sqlite"))
        event.listen(table, "after_create", postgresql.execute_if(dialect="postgresql"))


event.listen(metadata, "before_create", _ddl(_REFUSE_POSTGRESQL).execute_if(dialect="postgresql"))
for _table in metadata.sorted_tables:
    _guard_rows(_table)


def upgrade() -> None:
    """Create the tables and say that they are of version 2."""
    metadata.create_all(op.get_bind(), checkfirst=False)
    op.execute(versions.insert().values(schema_version=2))
