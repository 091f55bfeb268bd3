"""Writes and reads of one vault's ledger; every write is one commit, on disk before it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row, Table, and_, exists, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from agent.chain.block_id import BlockId
from agent.errors import FatalError, TransientError
from agent.ledger import rows, schema
from agent.ledger.accounting import Accounts
from agent.ledger.records import (
    AccountEventRecord,
    CashFlowRecord,
    CycleRecord,
    FillRecord,
    FundingRecord,
    IntentRecord,
    IntentState,
    RebalanceRecord,
    Receipt,
    Scan,
    SignedTransaction,
    Transition,
    VaultIdentity,
)
from agent.units import Address, BlockHash, IntentId, Seconds, Wad

T = TypeVar("T")

_FINAL_STATES = tuple(state.value for state in IntentState if state.is_final)
_CHAIN_TABLES = (
    schema.transitions,
    schema.receipts,
    schema.rebalances,
    schema.fills,
    schema.cash_flows,
    schema.funding,
    schema.account_events,
    schema.scans,
    schema.cycles,
)
"""Tables whose rows name a block."""


class VaultLedger:
    """The ledger of one vault. What rests on a block that was replaced is kept, and counts no more."""

    def __init__(self, engine: Engine, identity: VaultIdentity) -> None:
        self._engine = engine
        self.identity = identity
        self._vault_id = self._find_or_add_vault()
        self._void = self._load_void()
        self._accounts: Accounts | None = None

    # --- decided, signed, carried out -----------------------------------------------------------------------------

    def add_intent(self, record: IntentRecord) -> None:
        """Record a decision before anything is signed."""
        block_id = BlockId.of(record.intent.decided_at_block)
        decided = Transition(record.intent.intent_id, IntentState.DECIDED, block_id)
        with self._commit() as connection:
            self._insert(connection, schema.intents, [rows.intent_values(record)])
            self._insert(connection, schema.transitions, [rows.transition_values(decided)])

    def add_transaction(self, signed: SignedTransaction, block_id: BlockId) -> None:
        """Record a signed transaction before it is sent."""
        transition = Transition(signed.intent_id, IntentState.SIGNED, block_id, signed.transaction_hash)
        with self._commit() as connection:
            self._insert(connection, schema.transactions, [rows.transaction_values(signed)])
            self._insert(connection, schema.transitions, [rows.transition_values(transition)])

    def add_transition(self, transition: Transition) -> None:
        """Record a step of an intent."""
        with self._commit() as connection:
            self._reinstate(connection, [transition.block_id])
            self._insert(connection, schema.transitions, [rows.transition_values(transition)])

    def add_receipt(self, receipt: Receipt, transition: Transition) -> None:
        """Record that a transaction was mined, and what that makes of its intent; a receipt known already is kept."""
        with self._commit() as connection:
            self._reinstate(connection, [receipt.block_id])
            self._insert(connection, schema.receipts, [rows.receipt_values(receipt)])
            self._insert(connection, schema.transitions, [rows.transition_values(transition)])

    def add_cycle(self, cycle: CycleRecord) -> None:
        """Record a cycle's figures."""
        with self._commit() as connection:
            self._insert(connection, schema.cycles, [rows.cycle_values(cycle)])

    def open_intents(self) -> list[IntentRecord]:
        """Return the intents whose outcome is not final, oldest first."""
        final = schema.transitions.alias()
        is_closed = exists().where(
            final.c.vault_id == self._vault_id,
            final.c.intent_id == schema.intents.c.intent_id,
            final.c.state.in_(_FINAL_STATES),
            final.c.block_hash.not_in(self._void),
        )
        statement = self._rows_of(schema.intents).where(~is_closed).order_by(schema.intents.c.id)
        vault = self.identity.address
        return [rows.intent_record(row, vault) for row in self._fetch(statement)]

    def transactions_of(self, intent_id: IntentId) -> list[SignedTransaction]:
        """Return the signed transactions of an intent, oldest first."""
        table = schema.transactions
        statement = self._rows_of(table).where(table.c.intent_id == intent_id).order_by(table.c.id)
        return [rows.transaction_record(row) for row in self._fetch(statement)]

    def transactions_at(self, sender: Address, nonce: int) -> list[SignedTransaction]:
        """Return all signed transactions of ``sender`` with one nonce, oldest first."""
        table = schema.transactions
        at_nonce = and_(table.c.sender == sender, table.c.nonce == nonce)
        return [rows.transaction_record(row) for row in self._fetch(self._rows_of(table).where(at_nonce))]

    def states_of(self, intent_id: IntentId) -> list[IntentState]:
        """Return the steps of an intent that count, in the order they were recorded."""
        table = schema.transitions
        statement = self._rows_of(table).where(table.c.intent_id == intent_id).order_by(table.c.id)
        return [IntentState(row.state) for row in self._fetch(statement) if row.block_hash not in self._void]

    # --- events ---------------------------------------------------------------------------------------------------

    def add_scan(self, scan: Scan) -> None:
        """Record all events of a range of blocks, once each, and how far the chain has been read."""
        events: list[tuple[Table, list[dict[str, Any]]]] = [
            (schema.rebalances, [rows.rebalance_values(record) for record in scan.rebalances]),
            (schema.fills, [rows.fill_values(record) for record in scan.fills]),
            (schema.cash_flows, [rows.cash_flow_values(record) for record in scan.cash_flows]),
            (schema.funding, [rows.funding_values(record) for record in scan.funding]),
            (schema.account_events, [rows.account_event_values(record) for record in scan.account_events]),
        ]
        block_ids = {BlockId(value["block_number"], value["block_hash"]) for _, values in events for value in values}
        with self._commit() as connection:
            has_reinstated = self._reinstate(connection, [*block_ids, scan.to])
            for table, values in events:
                self._insert(connection, table, values)
            scanned = {"from_block": scan.from_block, **rows.block_columns(scan.to)}
            self._insert(connection, schema.scans, [scanned])
        if has_reinstated:
            self._accounts = None
        elif self._accounts is not None:
            self._accounts = self._accounts.after(scan)

    def last_scan(self) -> BlockId | None:
        """Return the block up to which the chain has been read."""
        return next(iter(self.scans(1)), None)

    def scans(self, limit: int) -> list[BlockId]:
        """Return the latest blocks up to which the chain was read and that count, newest first."""
        table = schema.scans
        statement = self._rows_of(table).where(table.c.block_hash.not_in(self._void))
        newest = statement.order_by(table.c.block_number.desc(), table.c.id.desc()).limit(limit)
        return [BlockId(row.block_number, BlockHash(row.block_hash)) for row in self._fetch(newest)]

    def blocks_above(self, number: int) -> set[BlockId]:
        """Return every block above ``number`` that a counting row rests on."""
        block_ids: set[BlockId] = set()
        for table in _CHAIN_TABLES:
            columns = select(table.c.block_number, table.c.block_hash).distinct()
            statement = columns.where(table.c.vault_id == self._vault_id, table.c.block_number > number)
            block_ids |= {BlockId(row.block_number, BlockHash(row.block_hash)) for row in self._fetch(statement)}
        return {block_id for block_id in block_ids if block_id.hash not in self._void}

    def void(self, block_ids: Iterable[BlockId]) -> None:
        """Declare blocks replaced: what rests on them counts no more."""
        verdicts = [{**rows.block_columns(block_id), "is_canonical": False} for block_id in block_ids]
        with self._commit() as connection:
            self._insert(connection, schema.verdicts, verdicts)
        self._void |= {BlockHash(verdict["block_hash"]) for verdict in verdicts}
        self._accounts = None

    @property
    def accounts(self) -> Accounts:
        """The accounts as the events that count add up."""
        if self._accounts is None:
            self._accounts = Accounts().booked(self.fills(), self.cash_flows(), self.funding(), self.account_events())
        return self._accounts

    def rebalances(self) -> list[RebalanceRecord]:
        """Return the accepted rebalances that count, in chain order."""
        return self._counting(schema.rebalances, rows.rebalance_record)

    def rebalance_of(self, intent_id: IntentId) -> RebalanceRecord | None:
        """Return the rebalance of one intent that counts, or None."""
        return next((record for record in self.rebalances() if record.intent_id == intent_id), None)

    def fills(self) -> list[FillRecord]:
        """Return the fills that count, in chain order."""
        return self._counting(schema.fills, rows.fill_record)

    def fills_of(self, intent_id: IntentId) -> list[FillRecord]:
        """Return the fills of one intent that count, in chain order."""
        table = schema.fills
        statement = self._rows_of(table).where(table.c.intent_id == intent_id).order_by(table.c.log_index)
        return [rows.fill_record(row) for row in self._fetch(statement) if row.block_hash not in self._void]

    def cash_flows(self) -> list[CashFlowRecord]:
        """Return the cash flows that count, in chain order."""
        return self._counting(schema.cash_flows, rows.cash_flow_record)

    def funding(self) -> list[FundingRecord]:
        """Return the funding payments that count, in chain order."""
        return self._counting(schema.funding, rows.funding_record)

    def account_events(self) -> list[AccountEventRecord]:
        """Return what others did to the venue accounts and counts, in chain order."""
        return self._counting(schema.account_events, rows.account_event_record)

    def receipts(self) -> list[Receipt]:
        """Return the receipts that count, in the order they were recorded."""
        statement = self._rows_of(schema.receipts).order_by(schema.receipts.c.id)
        return [rows.receipt_record(row) for row in self._fetch(statement) if row.block_hash not in self._void]

    def cycles(self) -> list[CycleRecord]:
        """Return all cycles, in the order they were recorded."""
        statement = self._rows_of(schema.cycles).order_by(schema.cycles.c.id)
        return [rows.cycle_record(row) for row in self._fetch(statement)]

    def prices_since(self, from_unix: Seconds) -> list[tuple[Seconds, Wad]]:
        """Return time and oracle price of the cycles from an instant on that count, in the order they were recorded."""
        table = schema.cycles
        statement = self._rows_of(table).where(table.c.block_unix >= from_unix).order_by(table.c.id)
        counting = [row for row in self._fetch(statement) if row.block_hash not in self._void]
        return [(Seconds(row.block_unix), Wad(row.price)) for row in counting]

    # --- parts ----------------------------------------------------------------------------------------------------

    def _counting(self, table: Table, record_of: Callable[[Row[Any]], T]) -> list[T]:
        statement = self._rows_of(table).order_by(table.c.block_number, table.c.log_index)
        return [record_of(row) for row in self._fetch(statement) if row.block_hash not in self._void]

    def _find_or_add_vault(self) -> int:
        table, identity = schema.vaults, self.identity
        key = {
            "chain_id": identity.chain_id,
            "address": identity.address,
            "first_block_hash": identity.first_block_hash,
        }
        statement = select(table.c.id).where(*(table.c[name] == value for name, value in key.items()))
        with self._commit() as connection:
            found = connection.execute(statement).scalar_one_or_none()
            if found is None:
                connection.execute(table.insert().values(first_block=identity.first_block, **key))
                found = connection.execute(statement).scalar_one()
        return int(found)

    def _load_void(self) -> set[BlockHash]:
        latest: dict[str, bool] = {}
        for row in self._fetch(self._rows_of(schema.verdicts).order_by(schema.verdicts.c.id)):
            latest[row.block_hash] = row.is_canonical
        return {BlockHash(block_hash) for block_hash, is_canonical in latest.items() if not is_canonical}

    def _reinstate(self, connection: Connection, block_ids: Sequence[BlockId]) -> bool:
        """Call blocks canonical again that were declared replaced; True when there were any."""
        again = [block_id for block_id in set(block_ids) if block_id.hash in self._void]
        verdicts = [{**rows.block_columns(block_id), "is_canonical": True} for block_id in again]
        self._insert(connection, schema.verdicts, verdicts)
        self._void -= {block_id.hash for block_id in again}
        return bool(again)

    def _insert(self, connection: Connection, table: Table, values: Sequence[Mapping[str, Any]]) -> None:
        """Add rows; one that is there already by its unique key stays as it is."""
        if not values:
            return
        dialect = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        statement = dialect.insert(table).on_conflict_do_nothing()
        connection.execute(statement, [{"vault_id": self._vault_id, **row} for row in values])

    def _rows_of(self, table: Table) -> Any:
        return select(table).where(table.c.vault_id == self._vault_id)

    def _fetch(self, statement: Any) -> Sequence[Row[Any]]:
        with self._commit() as connection:
            return connection.execute(statement).all()

    @contextmanager
    def _commit(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except OperationalError as error:
            raise TransientError(f"the ledger cannot be used now: {error.orig}") from error
        except SQLAlchemyError as error:
            raise FatalError(f"the ledger refuses: {error}") from error
