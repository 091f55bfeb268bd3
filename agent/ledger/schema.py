"""Tables of the ledger. Rows are only ever added: triggers refuse updates and deletions.

What was seen on the chain names its block hash. When a reorganisation replaces a block, a row of ``verdicts`` says so
and every row that names that block counts no more, until a later verdict calls it canonical again. Integers that may
be wider than 63 bits are kept as decimal text.
"""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    event,
)

SCHEMA_VERSION = 2
_DIGITS = 80
"""A signed 256-bit integer has at most 78 digits and a sign."""


class WideInteger(TypeDecorator[int]):
    """An integer of any width, kept as decimal text."""

    impl = String(_DIGITS)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        """Write as decimal text."""
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{value!r} is not an integer and cannot enter the ledger")
        return str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's
        """Read back."""
        return None if value is None else int(value)


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
    Column("decided_at_base_fee_wei", WideInteger, nullable=False),
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
    Column("max_fee_wei", WideInteger, nullable=False),
    Column("priority_fee_wei", WideInteger, nullable=False),
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
    Column("gas_price_wei", WideInteger, nullable=False),
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
    Column("price", WideInteger, nullable=False),
    Column("worst_net_delta_before", WideInteger, nullable=False),
    Column("worst_net_delta_after", WideInteger, nullable=False),
    Column("nav_before", WideInteger, nullable=False),
    Column("nav_after", WideInteger, nullable=False),
)

fills = _chain_table(
    "fills",
    Column("intent_id", String(66), nullable=False, index=True),
    Column("venue", String(42), nullable=False),
    Column("requested_size_delta", WideInteger, nullable=False),
    Column("size_delta", WideInteger, nullable=False),
    Column("execution_price", WideInteger, nullable=False),
    Column("fee", WideInteger, nullable=False),
)

cash_flows = _chain_table(
    "cash_flows",
    Column("kind", String(16), nullable=False),
    # The venue margin moved to or from; NULL where collateral entered or left the vault.
    Column("venue", String(42)),
    # Asset units: into the vault's idle collateral when positive, except margin: into the venue when positive.
    Column("assets", WideInteger, nullable=False),
)

funding = _chain_table(
    "funding",
    Column("venue", String(42), nullable=False),
    # WAD USD: paid by the position when positive.
    Column("paid", WideInteger, nullable=False),
)

account_events = _chain_table(
    "account_events",
    Column("venue", String(42), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("size_delta", WideInteger, nullable=False),
    # WAD USD: received by the account when positive.
    Column("cash", WideInteger, nullable=False),
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
    Column("price", WideInteger, nullable=False),
    Column("book_delta_low", WideInteger, nullable=False),
    Column("book_delta_high", WideInteger, nullable=False),
    Column("hedge_size", WideInteger, nullable=False),
    Column("chain_nav_low", WideInteger, nullable=False),
    Column("chain_nav_high", WideInteger, nullable=False),
    Column("ledger_nav_low", WideInteger, nullable=False),
    Column("ledger_nav_high", WideInteger, nullable=False),
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
