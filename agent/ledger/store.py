"""Writes and reads of one vault's ledger; every write is one commit, on disk before it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, Row, Table, and_, exists, select

from agent.chain.block_id import BlockId
from agent.ledger import rows, schema
from agent.ledger.accounting import Accounts
from agent.ledger.config import LedgerTerms
from agent.ledger.intent_memory import IntentMemory
from agent.ledger.orders import Order, replay
from agent.ledger.records import (
    AccountEventRecord,
    Acknowledgement,
    CashFlowRecord,
    ClosedIntent,
    CycleRecord,
    FillRecord,
    FundingRecord,
    IntentRecord,
    IntentState,
    OptionEventRecord,
    OrderStep,
    Purpose,
    RebalanceRecord,
    Receipt,
    Scan,
    SignedTransaction,
    Subject,
    Trade,
    Transition,
    VaultIdentity,
)
from agent.ledger.retention import Retention
from agent.ledger.trades import trades_of
from agent.ledger.vault_rows import Fence, VaultRows
from agent.ledger.verdicts import counts
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
    schema.order_steps,
    schema.settled_prices,
    schema.account_events,
    schema.option_events,
    schema.scans,
)
"""Tables whose rows count only while their block is on the chain. Cycles do not: they tell what was seen then."""


class VaultLedger(VaultRows):
    """The ledger of one vault. What rests on a block that was replaced is kept, and counts no more."""

    def __init__(self, engine: Engine, identity: VaultIdentity, lease: Fence, terms: LedgerTerms) -> None:
        self._accounts: Accounts | None = None
        self._intents = IntentMemory()
        self._orders: list[Order] | None = None
        self._unsettled: dict[IntentId, Seconds] | None = None
        self._retention = Retention(terms.cycle_retention_days)
        self._settling_seconds = terms.settling_seconds
        super().__init__(engine, identity, lease)

    # --- decided, signed, carried out -----------------------------------------------------------------------------

    def add_intent(self, record: IntentRecord) -> None:
        """Record a decision before anything is signed."""
        with self._commit() as connection:
            is_new = self._insert_decided(connection, record)
            self._insert_steps(connection, _decided(record))
        self._intents.opened(record, is_new)

    def add_signed_intent(self, record: IntentRecord, signed: SignedTransaction, block_id: BlockId) -> None:
        """Record a decision and its signed transaction in one commit, before the transaction is sent."""
        with self._commit() as connection:
            is_new = self._insert_decided(connection, record)
            self._insert_signed(connection, signed)
            self._insert_steps(connection, _decided(record), _signed(signed, block_id))
        self._intents.opened(record, is_new)

    def add_transaction(self, signed: SignedTransaction, block_id: BlockId) -> None:
        """Record another signed transaction of an intent before it is sent."""
        with self._commit() as connection:
            self._insert_signed(connection, signed)
            self._insert_steps(connection, _signed(signed, block_id))

    def add_transition(self, transition: Transition) -> None:
        """Record a step of an intent."""
        self._add_step(transition, None)

    def add_receipt(self, receipt: Receipt, transition: Transition) -> None:
        """Record that a transaction was mined, and what that makes of its intent; a receipt known already is kept."""
        self._add_step(transition, receipt)

    def add_cycle(self, cycle: CycleRecord) -> None:
        """Record a cycle's figures, and the venues' prices for trades that the market has recovered from by now."""
        due = self._due_by(cycle)
        settled = self._settled_values(cycle, due)
        with self._commit() as connection:
            self._insert(connection, schema.cycles, [rows.cycle_values(cycle)])
            self._insert(connection, schema.settled_prices, settled)
            self._retention.prune(connection, self._vault_id, cycle.block_unix)
        if self._unsettled is not None:
            for intent_id in due:
                self._unsettled.pop(intent_id, None)

    def open_intents(self) -> list[IntentRecord]:
        """Return the intents whose outcome is not final, oldest first."""
        self._keep_fresh()
        if self._intents.open is None:
            final = schema.transitions.alias()
            is_closed = exists().where(
                final.c.vault_id == self._vault_id,
                final.c.intent_id == schema.intents.c.intent_id,
                final.c.state.in_(_FINAL_STATES),
                counts(final),
            )
            statement = self._rows_of(schema.intents).where(~is_closed).order_by(schema.intents.c.id)
            found = [rows.intent_record(row, self.identity.address) for row in self._fetch(statement)]
            self._intents.open = {record.intent.intent_id: record for record in found}
        return list(self._intents.open.values())

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
        statement = self._counting_rows(table).where(table.c.intent_id == intent_id).order_by(table.c.id)
        return [IntentState(row.state) for row in self._fetch(statement)]

    def closed_intents(self, limit: int) -> list[ClosedIntent]:
        """Return how the latest rebalances ended, newest first."""
        self._keep_fresh()
        latest = self._intents.latest(limit)
        if latest is None:
            latest = self._load_closed(limit, schema.intents.c.legs != rows.NO_LEGS)
            self._intents.keep_latest(limit, latest)
        return latest

    def closed_errands(self, limit: int, purpose: Purpose) -> list[ClosedIntent]:
        """Return how the latest errands of one purpose ended, newest first."""
        sent, intents = schema.transactions, schema.intents
        is_sent = exists().where(
            sent.c.vault_id == self._vault_id,
            sent.c.intent_id == intents.c.intent_id,
            sent.c.purpose == purpose.value,
        )
        return self._load_closed(limit, and_(intents.c.legs == rows.NO_LEGS, is_sent))

    def _load_closed(self, limit: int, kind: ColumnElement[bool]) -> list[ClosedIntent]:
        steps, intents = schema.transitions, schema.intents
        of_vault = and_(steps.c.vault_id == self._vault_id, intents.c.vault_id == self._vault_id, kind)
        statement = (
            select(steps.c.intent_id, steps.c.state, steps.c.detail, intents.c.deadline)
            .join(intents, intents.c.intent_id == steps.c.intent_id)
            .where(of_vault, steps.c.state.in_(_FINAL_STATES), counts(steps))
            .order_by(steps.c.id.desc())
            .limit(limit)
        )
        return [
            ClosedIntent(IntentId(row.intent_id), IntentState(row.state), Seconds(row.deadline), row.detail)
            for row in self._fetch(statement)
        ]

    def decided_unix(self, intent_id: IntentId) -> Seconds | None:
        """Return when an intent was decided, by the chain's clock; None of one that this ledger does not hold."""
        table = schema.intents
        found = self._fetch(self._rows_of(table).where(table.c.intent_id == intent_id))
        return Seconds(found[0].decided_at_unix) if found else None

    # --- events ---------------------------------------------------------------------------------------------------

    def add_scan(self, scan: Scan) -> None:
        """Record all events of a range of blocks, once each, and how far the chain has been read.

        Raises
        ------
        DataError
            An order takes a step that its state does not allow; nothing was recorded.

        """
        events: list[tuple[Table, list[dict[str, Any]]]] = [
            (schema.rebalances, [rows.rebalance_values(record) for record in scan.rebalances]),
            (schema.fills, [rows.fill_values(record) for record in scan.fills]),
            (schema.cash_flows, [rows.cash_flow_values(record) for record in scan.cash_flows]),
            (schema.funding, [rows.funding_values(record) for record in scan.funding]),
            (schema.order_steps, [rows.order_step_values(step) for step in scan.order_steps]),
            (schema.account_events, [rows.account_event_values(record) for record in scan.account_events]),
            (schema.option_events, [rows.option_event_values(record) for record in scan.option_events]),
        ]
        block_ids = {BlockId(value["block_number"], value["block_hash"]) for _, values in events for value in values}
        with self._commit(is_restorable=True) as connection:
            is_known = self._reinstate(connection, [*block_ids, scan.to])
            for table, values in events:
                is_known |= self._insert(connection, table, values) < len(values)
            if scan.order_steps:
                self._require_orders(connection)
            scanned = {"from_block": scan.from_block, **rows.block_columns(scan.to)}
            self._insert(connection, schema.scans, [scanned])
        if scan.order_steps or is_known:
            self._orders = None
        if is_known:  # some of it is in the accounts already
            self._accounts = None
        elif self._accounts is not None:
            self._accounts = self._accounts.after(scan)

    def last_scan(self) -> BlockId | None:
        """Return the block up to which the chain has been read."""
        return next(iter(self.scans(1)), None)

    def scans(self, limit: int) -> list[BlockId]:
        """Return the latest blocks up to which the chain was read and that count, newest first."""
        table = schema.scans
        statement = self._counting_rows(table)
        newest = statement.order_by(table.c.block_number.desc(), table.c.id.desc()).limit(limit)
        return [BlockId(row.block_number, BlockHash(row.block_hash)) for row in self._fetch(newest)]

    def blocks_above(self, number: int) -> set[BlockId]:
        """Return every block above ``number`` that a counting row rests on."""
        block_ids: set[BlockId] = set()
        for table in _CHAIN_TABLES:
            columns = select(table.c.block_number, table.c.block_hash).distinct()
            of_vault = table.c.vault_id == self._vault_id
            statement = columns.where(of_vault, table.c.block_number > number, counts(table))
            block_ids |= {BlockId(row.block_number, BlockHash(row.block_hash)) for row in self._fetch(statement)}
        return block_ids

    def void(self, block_ids: Iterable[BlockId]) -> None:
        """Declare blocks replaced: what rests on them counts no more."""
        verdicts = [{**rows.block_columns(block_id), "is_canonical": False} for block_id in block_ids]
        with self._commit() as connection:
            self._insert(connection, schema.verdicts, verdicts)
        self._forget()

    @property
    def accounts(self) -> Accounts:
        """The accounts as the events that count add up."""
        self._keep_fresh()
        if self._accounts is None:
            self._accounts = Accounts().booked(
                self.fills(), self.cash_flows(), self.funding(), self.account_events(), self.option_events()
            )
        return self._accounts

    def rebalances(self) -> list[RebalanceRecord]:
        """Return the accepted rebalances that count, in chain order."""
        return self._counting(schema.rebalances, rows.rebalance_record)

    def rebalance_of(self, intent_id: IntentId) -> RebalanceRecord | None:
        """Return the rebalance of one intent that counts, or None."""
        table = schema.rebalances
        statement = self._counting_rows(table).where(table.c.intent_id == intent_id)
        return next((rows.rebalance_record(row) for row in self._fetch(statement)), None)

    def fills(self) -> list[FillRecord]:
        """Return the fills that count, in chain order."""
        return self._counting(schema.fills, rows.fill_record)

    def fills_of(self, intent_id: IntentId) -> list[FillRecord]:
        """Return the fills of one intent that count, in chain order."""
        table = schema.fills
        own = self._counting_rows(table).where(table.c.intent_id == intent_id)
        statement = own.order_by(table.c.block_number, table.c.log_index)
        return [rows.fill_record(row) for row in self._fetch(statement)]

    def trades(self) -> list[Trade]:
        """Return the fills that count with the prices around them, in chain order."""
        vault = self.identity.address
        intents = [rows.intent_record(row, vault) for row in self._fetch(self._rows_of(schema.intents))]
        steps, settled = schema.transitions, schema.settled_prices
        is_executed = and_(steps.c.state == IntentState.EXECUTED.value, steps.c.block_unix.is_not(None))
        executed = self._fetch(self._counting_rows(steps).where(is_executed))
        return trades_of(
            self.fills(),
            intents,
            {IntentId(row.intent_id): Seconds(row.block_unix) for row in executed},
            {
                (IntentId(row.intent_id), Address(row.venue)): (Wad(row.mark_price), Seconds(row.block_unix))
                for row in self._fetch(self._counting_rows(settled).order_by(settled.c.id.desc()))
            },
        )

    def cash_flows(self) -> list[CashFlowRecord]:
        """Return the cash flows that count, in chain order."""
        return self._counting(schema.cash_flows, rows.cash_flow_record)

    def funding(self) -> list[FundingRecord]:
        """Return the funding payments that count, in chain order."""
        return self._counting(schema.funding, rows.funding_record)

    def order_steps(self) -> list[OrderStep]:
        """Return the steps of orders that count, in chain order."""
        return self._counting(schema.order_steps, rows.order_step_record)

    def orders(self) -> list[Order]:
        """Return every order as its steps leave it, oldest first."""
        self._keep_fresh()
        if self._orders is None:
            self._orders = list(replay(self.order_steps()).values())
        return list(self._orders)

    def account_events(self) -> list[AccountEventRecord]:
        """Return what others did to the venue accounts and counts, in chain order."""
        return self._counting(schema.account_events, rows.account_event_record)

    def option_events(self) -> list[OptionEventRecord]:
        """Return what happened to options and counts, in chain order."""
        return self._counting(schema.option_events, rows.option_event_record)

    def has_errand_events(self, transaction_hash: str) -> bool:
        """Return whether anything that counts is recorded of what an errand's transaction led to."""
        return any(
            self._fetch(self._counting_rows(table).where(table.c.transaction_hash == transaction_hash).limit(1))
            for table in (schema.order_steps, schema.option_events)
        )

    def receipts(self) -> list[Receipt]:
        """Return the receipts that count, in the order they were recorded."""
        statement = self._counting_rows(schema.receipts).order_by(schema.receipts.c.id)
        return [rows.receipt_record(row) for row in self._fetch(statement)]

    def cycles(self) -> list[CycleRecord]:
        """Return all cycles, in the order they were recorded."""
        statement = self._rows_of(schema.cycles).order_by(schema.cycles.c.id)
        return [rows.cycle_record(row) for row in self._fetch(statement)]

    def last_cycle(self) -> CycleRecord | None:
        """Return the newest cycle."""
        newest = self._rows_of(schema.cycles).order_by(schema.cycles.c.id.desc()).limit(1)
        return next((rows.cycle_record(row) for row in self._fetch(newest)), None)

    def prices_since(self, from_unix: Seconds) -> list[tuple[Seconds, Wad]]:
        """Return time and oracle price of the cycles from an instant on that count, in the order they were recorded."""
        table = schema.cycles
        statement = self._rows_of(table).where(table.c.block_unix >= from_unix, counts(table)).order_by(table.c.id)
        return [(Seconds(row.block_unix), Wad(row.price)) for row in self._fetch(statement)]

    # --- an operator's word -----------------------------------------------------------------------------------------

    def acknowledge(self, word: Acknowledgement) -> None:
        """Record an operator's word; it needs no lease, since it only adds what a keeper at work then reads."""
        with self._committed(self._writer) as connection:
            self._insert(connection, schema.acknowledgements, [rows.acknowledgement_values(word)])

    def acknowledgements(self, subject: Subject) -> list[Acknowledgement]:
        """Return what operators have said of a subject, oldest first."""
        table = schema.acknowledgements
        statement = self._rows_of(table).where(table.c.subject == subject.value).order_by(table.c.id)
        return [rows.acknowledgement_record(row) for row in self._fetch(statement)]

    # --- parts ----------------------------------------------------------------------------------------------------

    def _insert_decided(self, connection: Connection, record: IntentRecord) -> bool:
        """Add a decision; False where it was known before."""
        return self._insert(connection, schema.intents, [rows.intent_values(record)]) == 1

    def _insert_signed(self, connection: Connection, signed: SignedTransaction) -> None:
        self._insert(connection, schema.transactions, [rows.transaction_values(signed)])

    def _insert_steps(self, connection: Connection, *steps: Transition) -> int:
        return self._insert(connection, schema.transitions, [rows.transition_values(step) for step in steps])

    def _add_step(self, transition: Transition, receipt: Receipt | None) -> None:
        with self._commit() as connection:
            has_reinstated = self._reinstate(connection, [transition.block_id])
            if receipt is not None:
                self._insert(connection, schema.receipts, [rows.receipt_values(receipt)])
            added = self._insert_steps(connection, transition)
        if has_reinstated:
            self._forget()
        elif transition.state.is_final:
            self._intents.ended(transition, is_new=added == 1)
            if transition.state is IntentState.EXECUTED and self._unsettled is not None and transition.block_unix:
                self._unsettled[transition.intent_id] = transition.block_unix

    def _require_orders(self, connection: Connection) -> None:
        """Raise `DataError` when the steps of orders, those just inserted among them, contradict each other."""
        table = schema.order_steps
        statement = self._counting_rows(table).order_by(table.c.block_number, table.c.log_index)
        replay(rows.order_step_record(row) for row in connection.execute(statement))

    def _due_by(self, cycle: CycleRecord) -> list[IntentId]:
        """Return the intents whose trades are settled by a cycle, and had no price noted since."""
        self._keep_fresh()
        if self._unsettled is None:
            self._unsettled = self._load_unsettled()
        latest = cycle.block_unix - self._settling_seconds
        return [intent_id for intent_id, executed_unix in self._unsettled.items() if executed_unix <= latest]

    def _load_unsettled(self) -> dict[IntentId, Seconds]:
        executed, settled = schema.transitions, schema.settled_prices
        is_settled = exists().where(
            settled.c.vault_id == executed.c.vault_id, settled.c.intent_id == executed.c.intent_id, counts(settled)
        )
        is_executed = and_(executed.c.state == IntentState.EXECUTED.value, executed.c.block_unix.is_not(None))
        statement = self._counting_rows(executed).where(is_executed, ~is_settled)
        return {IntentId(row.intent_id): Seconds(row.block_unix) for row in self._fetch(statement)}

    def _settled_values(self, cycle: CycleRecord, intent_ids: Iterable[IntentId]) -> list[dict[str, Any]]:
        at = {**rows.block_columns(cycle.block_id), "block_unix": cycle.block_unix}
        return [
            {**at, "intent_id": intent_id, "venue": venue, "mark_price": price}
            for intent_id in intent_ids
            for traded in [{fill.venue for fill in self.fills_of(intent_id)}]
            for venue, price in cycle.mark_prices
            if venue in traded
        ]

    def _counting_rows(self, table: Table) -> Any:
        return self._rows_of(table).where(counts(table))

    def _counting(self, table: Table, record_of: Callable[[Row[Any]], T]) -> list[T]:
        statement = self._counting_rows(table).order_by(table.c.block_number, table.c.log_index)
        return [record_of(row) for row in self._fetch(statement)]

    def _forget(self) -> None:
        super()._forget()
        self._accounts = self._unsettled = self._orders = None
        self._intents.forget()


def _decided(record: IntentRecord) -> Transition:
    block = record.intent.decided_at_block
    return Transition(record.intent.intent_id, IntentState.DECIDED, BlockId.of(block), block_unix=block.timestamp)


def _signed(signed: SignedTransaction, block_id: BlockId) -> Transition:
    return Transition(signed.intent_id, IntentState.SIGNED, block_id, signed.transaction_hash)
