"""Tables of the ledger, as the newest migration leaves them.

Rows are only ever added: triggers refuse updates, and deletions of what no row of ``prunings`` has given up. The one
exception is ``leases``, which records nothing: it says which keeper may write.

What was seen on the chain names its block hash. When a reorganisation replaces a block, a row of ``verdicts`` says so
and every row that names that block counts no more, until a later verdict calls it canonical again. Integers that may
be wider than 63 bits are kept as decimal text.
"""

from __future__ import annotations

from sqlalchemy import (
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
)

SCHEMA_VERSION = 5
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
    # JSON: the venues' mark prices at the block decided on; NULL in rows that older versions wrote.
    Column("arrival_prices", Text),
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
    # Time of the block; NULL in rows that older versions wrote.
    Column("block_unix", BigInteger),
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

order_steps = _chain_table(
    "order_steps",
    Column("intent_id", String(66), nullable=False, index=True),
    Column("venue", String(42), nullable=False),
    Column("order_id", String(80), nullable=False),
    Column("state", String(16), nullable=False),
    Column("requested_size_delta", WideInteger, nullable=False),
    # Of the whole order so far.
    Column("filled_size_delta", WideInteger, nullable=False),
)

option_events = _chain_table(
    "option_events",
    Column("venue", String(42), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("position_id", WideInteger, nullable=False),
    Column("size_delta", WideInteger, nullable=False),
    # WAD USD: received by the venue's account when positive, the fee inside.
    Column("cash", WideInteger, nullable=False),
    Column("fee", WideInteger, nullable=False),
    # Of trades alone.
    Column("intent_id", String(66), index=True),
    Column("strike_id", WideInteger),
    Column("is_call", Boolean),
)

settled_prices = Table(
    "settled_prices",
    metadata,
    _key(),
    _vault(),
    *_place(),
    Column("block_unix", BigInteger, nullable=False),
    Column("intent_id", String(66), nullable=False, index=True),
    Column("venue", String(42), nullable=False),
    Column("mark_price", WideInteger, nullable=False),
    UniqueConstraint("vault_id", "intent_id", "venue", "block_hash"),
)

prunings = Table(
    "prunings",
    metadata,
    _key(),
    _vault(),
    Column("table_name", String(16), nullable=False),
    # Rows of that table up to this id may be deleted.
    Column("through_id", BigInteger, nullable=False),
)

# Written by an operator beside the keeper at work, under no lease.
acknowledgements = Table(
    "acknowledgements",
    metadata,
    _key(),
    _vault(),
    Column("subject", String(16), nullable=False),
    # What exactly was looked at; see `agent.ledger.records.Acknowledgement`.
    Column("reference", String(160), nullable=False),
    # Of the operator's clock.
    Column("at_unix", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(160), primary_key=True),
    # Grows with every holder.
    Column("epoch", BigInteger, nullable=False),
    Column("holder", String(160), nullable=False),
    # Seconds of the database's clock; of a clock that starts with the machine where the database is a file.
    Column("renewed_at", Float, nullable=False),
    Column("lease_seconds", Float, nullable=False),
    # The holder also keeps a lock that ends with its process.
    Column("is_locked", Boolean, nullable=False),
)
