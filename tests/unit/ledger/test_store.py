"""The ledger only ever grows, survives the process, and forgets what the chain has undone."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import event, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable

from agent.chain.block_id import BlockId
from agent.domain import BlockRef, Intent, Leg
from agent.errors import DataError, FatalError
from agent.ledger import schema
from agent.ledger.database import Database
from agent.ledger.records import (
    AccountEventRecord,
    Acknowledgement,
    CashFlowKind,
    CashFlowRecord,
    CycleRecord,
    FillRecord,
    FundingRecord,
    IntentRecord,
    IntentState,
    LogId,
    OptionEventKind,
    OptionEventRecord,
    OrderState,
    OrderStep,
    Purpose,
    RebalanceRecord,
    Receipt,
    Scan,
    SignedTransaction,
    Subject,
    Transition,
    VaultIdentity,
)
from agent.units import Address, AssetUnits, BlockHash, IntentId, Seconds, Wad, Wei
from agent.venues.protocol import AccountEventKind

VAULT = Address("0x00000000000000000000000000000000000000A1")
VENUE = Address("0x00000000000000000000000000000000000000B2")
KEEPER = Address("0x00000000000000000000000000000000000000C3")
INTENT_ID = IntentId("0x" + "11" * 32)
WIDEST = -(2**255)


def block_id(number: int, fork: int = 0) -> BlockId:
    return BlockId(number, BlockHash(f"0x{number:063x}{fork:x}"))


IDENTITY = VaultIdentity(31_337, VAULT, 1, block_id(1).hash)
BLOCK = BlockRef(7, block_id(7).hash, Seconds(1_700_000_007), Wei(20_000_000_000))
INTENT = IntentRecord(
    Intent(
        INTENT_ID,
        VAULT,
        (Leg(VENUE, AssetUnits(-(2**200)), Wad(WIDEST), Wad(2**256 - 1)), Leg(VENUE, AssetUnits(0), Wad(1), Wad(0))),
        Seconds(1_700_000_247),
        BLOCK,
    ),
    is_urgent=True,
    book_digest="0x" + "22" * 32,
    reason="because",
)
SIGNED = SignedTransaction(
    "0x" + "33" * 32, INTENT_ID, Purpose.REBALANCE, KEEPER, 4, 1_500_000, Wei(41 * 10**18), Wei(10**9), "0x02f8"
)


def at(number: int, index: int = 0) -> LogId:
    return LogId(block_id(number), f"0x{number:064x}", index)


def fill(number: int, index: int, size: int, price: int = 3_000 * 10**18, fee: int = 10**18) -> FillRecord:
    return FillRecord(at(number, index), INTENT_ID, VENUE, Wad(size), Wad(size), Wad(price), Wad(fee))


def scan(to: int, *fills: FillRecord, first: int = 1) -> Scan:
    return Scan(from_block=first, to=block_id(to), fills=fills)


@pytest.fixture
def database(ledger_url: str):
    with Database.open(ledger_url, "vault", "key") as opened:
        yield opened


@pytest.fixture
def ledger(database: Database):
    return database.vault(IDENTITY)


RECORDS = [table.name for table in schema.metadata.sorted_tables if table is not schema.leases]


# --- on disk ------------------------------------------------------------------------------------------------------


def test_open__sqlite__writes_ahead_and_synchronises_every_commit(tmp_path):
    with (
        Database.open(f"sqlite:///{tmp_path}/ledger.sqlite", "vault", "key") as database,
        database.engine.connect() as connection,
    ):
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2
        assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1


def test_commit__of_what_the_chain_tells_again__alone_does_not_wait_for_the_disk(tmp_path):
    synchronised: list[str] = []
    levels = {1: "NORMAL", 2: "FULL"}

    def note(connection):
        synchronised.append(levels[connection.exec_driver_sql("PRAGMA synchronous").scalar_one()])

    with Database.open(f"sqlite:///{tmp_path}/ledger.sqlite", "vault", "key") as database:
        ledger = database.vault(IDENTITY)
        event.listen(database.engine, "commit", note)
        ledger.add_scan(scan(8))
        ledger.add_signed_intent(INTENT, SIGNED, block_id(8))
        ledger.add_scan(scan(9, first=9))
        with database.engine.connect(), database.engine.begin():
            ledger.void([block_id(9)])  # a connection of the pool that has not written yet
    assert synchronised[:4] == ["NORMAL", "FULL", "NORMAL", "FULL"]
    assert set(synchronised[4:]) == {"FULL"}


@pytest.mark.parametrize("table", RECORDS)
def test_every_table__update_or_deletion__is_refused(database, ledger, table):
    whole_ledger(ledger)
    with database.engine.begin() as connection:
        connection.execute(schema.prunings.insert().values(vault_id=1, table_name="cycles", through_id=0))
    key = next(iter(schema.metadata.tables[table].primary_key)).name
    for statement in (f"UPDATE {table} SET {key} = {key}", f"DELETE FROM {table}"):
        with (
            pytest.raises(DBAPIError, match="the ledger is append-only"),
            database.engine.begin() as connection,
        ):
            connection.execute(text(statement))


def test_every_table__postgresql__has_the_same_columns():
    for table in schema.metadata.sorted_tables:
        statement = str(CreateTable(table).compile(dialect=postgresql.dialect()))
        for column in table.columns:
            assert f"\t{column.name} " in statement
        if "id" in table.columns:
            assert "id BIGSERIAL NOT NULL" in statement


def cycle(
    number: int, outcome: str, intent_id: IntentId | None = None, seconds: int | None = None, **values: object
) -> CycleRecord:
    """A cycle at a block, ``seconds`` after the first one's time."""
    return CycleRecord(
        block_id=block_id(number),
        block_unix=Seconds(1_700_000_000 + (number if seconds is None else seconds)),
        price=Wad(3),
        book_delta_low=Wad(WIDEST),
        book_delta_high=Wad(1),
        hedge_size=Wad(2),
        chain_nav_low=Wad(10),
        chain_nav_high=Wad(11),
        ledger_nav_low=Wad(12),
        ledger_nav_high=Wad(13),
        outcome=outcome,
        intent_id=intent_id,
        decision_seconds=0.001,
        reason="because",
        **values,
    )


RECEIPT = Receipt(SIGNED.transaction_hash, block_id(8), True, 1_400_000, Wei(21 * 10**9))
REBALANCED = RebalanceRecord(at(8, 3), INTENT_ID, Wad(3), Wad(4), Wad(2), Wad(2**200), Wad(2**200 - 1))
WORD = Acknowledgement(Subject.NAV, str(WIDEST), Seconds(1), "looked at")
LIQUIDATION = AccountEventRecord(at(8, 4), VENUE, AccountEventKind.LIQUIDATION, Wad(-WIDEST), Wad(WIDEST - 1))

BOUGHT = OptionEventRecord(
    at=at(8, 5),
    venue=VENUE,
    kind=OptionEventKind.TRADED,
    position_id=WIDEST,
    size_delta=Wad(WIDEST),
    cash=Wad(-WIDEST),
    fee=Wad(2**200),
    intent_id=INTENT_ID,
    strike_id=WIDEST - 1,
    is_call=False,
)
SETTLED = OptionEventRecord(at(8, 6), VENUE, OptionEventKind.SETTLED, WIDEST, Wad(-WIDEST), Wad(WIDEST))


def whole_ledger(ledger) -> None:
    """Put at least one row into every table."""
    ledger.add_intent(INTENT)
    ledger.add_transaction(SIGNED, block_id(7))
    ledger.add_receipt(RECEIPT, Transition(INTENT_ID, IntentState.MINED, block_id(8), SIGNED.transaction_hash))
    ledger.add_scan(
        Scan(
            from_block=1,
            to=block_id(8),
            rebalances=(REBALANCED,),
            fills=(fill(8, 2, WIDEST),),
            cash_flows=(CashFlowRecord(at(8, 2), CashFlowKind.MARGIN, VENUE, AssetUnits(5)),),
            funding=(FundingRecord(at(8, 1), VENUE, Wad(-7)),),
            account_events=(LIQUIDATION,),
            option_events=(BOUGHT, SETTLED),
        )
    )
    executed = Transition(INTENT_ID, IntentState.EXECUTED, block_id(8), block_unix=Seconds(1_700_000_008))
    ledger.add_transition(executed)
    ledger.add_cycle(cycle(8, "executed", INTENT_ID))
    ledger.add_cycle(cycle(8, "held", seconds=608, mark_prices=((VENUE, Wad(2**200)),)))
    step = OrderStep(at(8, 4), INTENT_ID, VENUE, "7", OrderState.REQUESTED, Wad(WIDEST), Wad(0))
    ledger.add_scan(Scan(from_block=9, to=block_id(8), order_steps=(step,)))
    ledger.void([block_id(9)])
    ledger.acknowledge(WORD)


def test_ledger__closed_and_opened_again__holds_every_record_to_the_last_digit(ledger_url):
    with Database.open(ledger_url, "vault", "key") as database:
        whole_ledger(database.vault(IDENTITY))
    with Database.open(ledger_url, "vault", "key") as database:
        ledger = database.vault(IDENTITY)
        assert ledger.transactions_of(INTENT_ID) == [SIGNED]
        assert ledger.transactions_at(KEEPER, 4) == [SIGNED]
        assert ledger.transactions_at(KEEPER, 5) == []
        assert ledger.fills() == [fill(8, 2, WIDEST)]
        assert ledger.option_events() == [BOUGHT, SETTLED]
        assert ledger.fills_of(INTENT_ID) == ledger.fills()
        assert ledger.funding() == [FundingRecord(at(8, 1), VENUE, Wad(-7))]
        assert ledger.account_events() == [LIQUIDATION]
        assert ledger.rebalances() == [REBALANCED]
        assert ledger.receipts() == [RECEIPT]
        assert ledger.cash_flows() == [CashFlowRecord(at(8, 2), CashFlowKind.MARGIN, VENUE, AssetUnits(5))]
        assert ledger.cycles()[0] == cycle(8, "executed", INTENT_ID)
        assert ledger.last_cycle() == cycle(8, "held", seconds=608)
        assert ledger.acknowledgements(Subject.NAV) == [WORD]
        [order] = ledger.orders()
        assert (order.intent_id, order.venue, order.order_id, order.state, order.filled_size_delta) == (
            INTENT_ID, VENUE, "7", OrderState.REQUESTED, 0
        )  # fmt: skip
        assert order.requested_size_delta == WIDEST
        assert ledger.last_scan() == block_id(8)
        assert ledger.open_intents() == []


def test_open_intents__intent_recorded__comes_back_as_it_was(ledger):
    ledger.add_intent(INTENT)
    assert ledger.open_intents() == [INTENT]


def test_write__not_an_integer__never_enters_the_ledger(ledger):
    with pytest.raises(FatalError, match="is not an integer and cannot enter the ledger"):
        ledger.add_scan(scan(3, fill(2, 0, 1.5)))
    assert ledger.fills() == []
    assert ledger.last_scan() is None


def test_database__two_vaults__keep_apart(database, ledger):
    other = database.vault(replace(IDENTITY, first_block_hash=block_id(1, fork=1).hash))
    whole_ledger(ledger)
    assert other.fills() == []
    assert other.open_intents() == []
    assert other.last_scan() is None
    other.add_intent(INTENT)
    assert len(other.open_intents()) == 1
    assert ledger.open_intents() == []


# --- opening ------------------------------------------------------------------------------------------------------


def test_open__held_by_another_keeper__is_refused_until_released(ledger_url):
    with Database.open(ledger_url, "vault", "key"), pytest.raises(DataError, match="in use by another keeper"):
        Database.open(ledger_url, "vault", "key")
    Database.open(ledger_url, "vault", "key").close()


def test_require_held__lock_file_removed__is_fatal(tmp_path):
    with Database.open(f"sqlite:///{tmp_path}/ledger.sqlite", "vault", "key") as database:
        database.lease.require_held()
        (tmp_path / "ledger.sqlite.lock").unlink()
        with pytest.raises(FatalError, match="was removed or replaced while this keeper ran"):
            database.lease.require_held()


def test_open__another_schema__is_refused_with_the_way_out(ledger_url):
    with Database.open(ledger_url, "vault", "key") as database, database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '99'"))
    with pytest.raises(DataError, match="has schema 99, this program writes 5; install a version that knows it"):
        Database.open(ledger_url, "vault", "key")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("sqlite:///:memory:", "names no file; write sqlite:///path/to/ledger.sqlite"),
        ("sqlite://", "names no file"),
        ("nonsense", "not a database URL"),
        ("sqlite:////proc/nowhere/ledger.sqlite", "choose another place"),
        ("postgresql+pg8000://keeper:secret@127.0.0.1/x", "no ledger is kept by postgresql.pg8000; write sqlite"),
    ],
)
def test_open__bad_url__is_refused_in_one_line_without_its_password(bad, message):
    with pytest.raises(DataError, match=message) as caught:
        Database.open(bad, "vault", "key")
    assert "secret" not in str(caught.value)


# --- states -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", list(IntentState))
def test_open_intents__state_recorded__is_open_until_it_is_final(ledger, state):
    ledger.add_intent(INTENT)
    ledger.add_transition(Transition(INTENT_ID, state, block_id(8)))
    open_states = {IntentState.DECIDED, IntentState.SIGNED, IntentState.SENT, IntentState.MINED}
    assert bool(ledger.open_intents()) is (state in open_states)


def test_intents__read_between_the_writes__are_what_a_fresh_look_finds(database, ledger):
    for number in range(5):
        intent_id = IntentId(f"0x{number:064x}")
        intent = replace(INTENT.intent, intent_id=intent_id, deadline=Seconds(1_700_000_247 + number))
        signed = replace(SIGNED, intent_id=intent_id, transaction_hash=f"0x{number + 100:064x}")
        state = IntentState.REVERTED if number % 2 else IntentState.EXECUTED
        ended = Transition(intent_id, state, block_id(8), detail=f"as {intent_id}")
        steps = (
            partial(ledger.add_signed_intent, replace(INTENT, intent=intent), signed, block_id(7)),
            partial(ledger.add_transition, ended),
        )
        for step in steps:
            step()
            fresh = database.vault(IDENTITY)
            assert ledger.open_intents() == fresh.open_intents()
            assert ledger.closed_intents(3) == fresh.closed_intents(3)
    assert [one.deadline for one in ledger.closed_intents(3)] == [1_700_000_251, 1_700_000_250, 1_700_000_249]
    ledger.void([block_id(8)])
    assert ledger.closed_intents(3) == []


def test_add_intent__over_already_and_recorded_again__stays_over(database, ledger):
    """Looked at in between, so that what is open is remembered."""
    ledger.add_intent(INTENT)
    assert ledger.open_intents() == [INTENT]
    ledger.add_transition(Transition(INTENT_ID, IntentState.EXECUTED, block_id(8)))
    assert ledger.open_intents() == []
    ledger.add_intent(INTENT)
    assert ledger.open_intents() == database.vault(IDENTITY).open_intents() == []


def test_void__block_of_the_outcome_replaced__opens_the_intent_again(ledger):
    ledger.add_intent(INTENT)
    ledger.add_transition(Transition(INTENT_ID, IntentState.EXECUTED, block_id(8)))
    ledger.void([block_id(8)])
    assert ledger.open_intents() == [INTENT]
    assert ledger.states_of(INTENT_ID) == [IntentState.DECIDED]
    ledger.add_transition(Transition(INTENT_ID, IntentState.EXECUTED, block_id(8, fork=1)))
    assert ledger.open_intents() == []


def test_void__events_of_a_replaced_block__count_no_more_also_after_a_restart(ledger_url):
    with Database.open(ledger_url, "vault", "key") as database:
        ledger = database.vault(IDENTITY)
        ledger.add_scan(scan(3, fill(2, 0, 5)))
        ledger.add_scan(scan(6, fill(6, 0, 7), first=4))
        assert ledger.accounts.venues[VENUE].size == 12
        ledger.void([block_id(6)])
        assert ledger.accounts.venues[VENUE].size == 5
        assert ledger.last_scan() == block_id(3)
    with Database.open(ledger_url, "vault", "key") as database:
        ledger = database.vault(IDENTITY)
        assert [one.size_delta for one in ledger.fills()] == [5]
        assert ledger.accounts.venues[VENUE].size == 5


def test_add_scan__replaced_block_comes_back__counts_once_again(ledger):
    ledger.add_scan(scan(3, fill(2, 0, 5)))
    ledger.void([block_id(2), block_id(3)])
    assert ledger.fills() == []
    ledger.add_scan(scan(3, fill(2, 0, 5)))
    assert [one.size_delta for one in ledger.fills()] == [5]
    assert ledger.accounts.venues[VENUE].size == 5
    assert ledger.last_scan() == block_id(3)


def test_add_receipt__block_of_a_failure_comes_back__closes_the_intent_again(ledger):
    ledger.add_intent(INTENT)
    receipt = Receipt(SIGNED.transaction_hash, block_id(8), False, 21_000, Wei(1))
    reverted = Transition(INTENT_ID, IntentState.REVERTED, block_id(8))
    ledger.add_receipt(receipt, reverted)
    ledger.void([block_id(8)])
    assert ledger.open_intents() == [INTENT]
    ledger.add_receipt(receipt, reverted)
    assert ledger.open_intents() == []
    assert ledger.receipts() == [receipt]


def test_blocks_above__places_of_counting_rows__are_all_found(ledger):
    whole_ledger(ledger)
    assert ledger.blocks_above(7) == {block_id(8)}
    assert ledger.blocks_above(6) == {block_id(7), block_id(8)}
    ledger.void([block_id(8)])
    assert ledger.blocks_above(7) == set()
