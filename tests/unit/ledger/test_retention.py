"""What the ledger gives up and what it keeps, and that the number of replaced blocks does not matter."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from agent.chain.block_id import BlockId
from agent.ledger import retention, schema
from agent.ledger.config import USUAL_TERMS
from agent.ledger.database import Database
from agent.ledger.records import CycleRecord, FillRecord, IntentState, LogId, Scan, Transition, VaultIdentity
from agent.units import SECONDS_PER_DAY, Address, BlockHash, IntentId, Seconds, Wad

VAULT = Address("0x00000000000000000000000000000000000000A1")
VENUE = Address("0x00000000000000000000000000000000000000B2")
INTENT_ID = IntentId("0x" + "11" * 32)
MORE_THAN_VARIABLES = 66_000
"""PostgreSQL takes 65,535 variables a statement, SQLite 32,766."""
TERMS = USUAL_TERMS.model_copy(update={"cycle_retention_days": 2})


def block_id(number: int, fork: int = 0) -> BlockId:
    return BlockId(number, BlockHash(f"0x{number:063x}{fork:x}"))


IDENTITY = VaultIdentity(31_337, VAULT, 1, block_id(1).hash)


@pytest.fixture
def database(ledger_url):
    with Database.open(ledger_url, "vault", "key", TERMS) as opened:
        yield opened


@pytest.fixture
def ledger(database, monkeypatch):
    monkeypatch.setattr(retention, "_EVERY_CYCLES", 1)
    return database.vault(IDENTITY)


def cycle(day: int, outcome: str = "held") -> CycleRecord:
    nothing = [Wad(0)] * 8
    unix = Seconds(1_700_000_000 + day * SECONDS_PER_DAY)
    return CycleRecord(block_id(day), unix, *nothing, outcome, None, 0.0, "because")


def count(database, table) -> int:
    with database.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_cycles__older_than_the_retention__go_unless_they_traded(ledger):
    for day in range(1, 7):
        ledger.add_cycle(cycle(day, "executed" if day == 2 else "held"))
    assert [(one.block_id.number, one.outcome) for one in ledger.cycles()] == [
        (2, "executed"),
        (4, "held"),
        (5, "held"),
        (6, "held"),
    ]


def test_cycles__within_the_retention__cannot_be_deleted(database, ledger):
    for day in range(1, 7):
        ledger.add_cycle(cycle(day))
    with pytest.raises(DBAPIError, match="the ledger is append-only"), database.engine.begin() as connection:
        connection.execute(text("DELETE FROM cycles"))
    assert len(ledger.cycles()) == 3


def test_cycles__many_that_are_old__go_a_part_at_a_time(database, ledger, monkeypatch):
    monkeypatch.setattr(retention, "_ROWS_AT_ONCE", 3)
    monkeypatch.setattr(retention, "_EVERY_CYCLES", 100)
    for _ in range(8):
        ledger.add_cycle(cycle(1))
    monkeypatch.setattr(retention, "_EVERY_CYCLES", 1)
    seen = []
    for day in range(10, 14):
        ledger.add_cycle(cycle(day))
        seen.append(sum(one.block_id.number == 1 for one in ledger.cycles()))
    assert seen == [5, 2, 0, 0]


def test_add_cycle__restarted_before_every_pruning__prunes_all_the_same(database):
    for day in (1, 2, 9):
        database.vault(IDENTITY).add_cycle(cycle(day))
    assert [one.block_id.number for one in database.vault(IDENTITY).cycles()] == [9]


def test_scan_marks__many__only_the_newest_are_kept(database, ledger, monkeypatch):
    monkeypatch.setattr(retention, "_MARKS_KEPT", 4)
    for number in range(2, 12):
        ledger.add_scan(Scan(number, block_id(number)))
    ledger.add_cycle(cycle(1))
    assert [mark.number for mark in ledger.scans(100)] == [11, 10, 9, 8]


def test_verdicts__heads_that_flap__do_not_accrue(database, ledger):
    fill = FillRecord(LogId(block_id(5), "0x05", 0), INTENT_ID, VENUE, Wad(1), Wad(1), Wad(2), Wad(0))
    scan = Scan(1, block_id(5), fills=(fill,))
    for number in range(20):
        ledger.add_scan(scan)
        ledger.void([block_id(5)])
        ledger.add_cycle(cycle(number))
    assert count(database, schema.verdicts) == 1
    assert ledger.fills() == []
    ledger.add_scan(scan)
    ledger.add_cycle(cycle(30))
    assert count(database, schema.verdicts) == 0
    assert database.vault(IDENTITY).fills() == [fill]


def test_ledger__more_replaced_blocks_than_a_statement_takes__works(database, ledger):
    ledger.add_transition(Transition(INTENT_ID, IntentState.EXECUTED, block_id(8)))
    ledger.add_scan(Scan(1, block_id(8)))
    ledger.void([block_id(number, fork=1) for number in range(10, 10 + MORE_THAN_VARIABLES)])
    again = database.vault(IDENTITY)
    assert again.open_intents() == []
    assert again.last_scan() == block_id(8)
    assert again.blocks_above(1) == {block_id(8)}
    assert again.states_of(INTENT_ID) == [IntentState.EXECUTED]
