"""The ledger as Parquet: every record to the last digit, of one moment, while a keeper is at work."""

from __future__ import annotations

import polars as pl
import pytest

from agent.chain.block_id import BlockId
from agent.errors import DataError, FatalError
from agent.ledger import schema
from agent.ledger.database import Database
from agent.ledger.export import export
from agent.ledger.reading import reading, vaults_of
from agent.ledger.records import CashFlowKind, CashFlowRecord, FillRecord, LogId, Scan, VaultIdentity
from agent.units import Address, AssetUnits, BlockHash, IntentId, Wad

VAULT = Address("0x00000000000000000000000000000000000000A1")
VENUE = Address("0x00000000000000000000000000000000000000B2")
INTENT_ID = IntentId("0x" + "11" * 32)
WIDEST = -(2**255)


def block_id(number: int) -> BlockId:
    return BlockId(number, BlockHash(f"0x{number:064x}"))


IDENTITY = VaultIdentity(31_337, VAULT, 1, block_id(1).hash)


def fill(number: int) -> FillRecord:
    at = LogId(block_id(number), f"0x{number:064x}", 0)
    return FillRecord(at, INTENT_ID, VENUE, Wad(WIDEST), Wad(WIDEST), Wad(7), Wad(0))


def test_export__ledger_in_use__is_whole_and_says_what_counts(ledger_url, tmp_path):
    with Database.open(ledger_url, "vault", "key") as database:
        ledger = database.vault(IDENTITY)
        flow = CashFlowRecord(LogId(block_id(5), "0x05", 1), CashFlowKind.DEPOSIT, None, AssetUnits(3))
        ledger.add_scan(Scan(1, block_id(5), fills=(fill(5),), cash_flows=(flow,)))
        ledger.add_scan(Scan(6, block_id(6), fills=(fill(6),)))
        ledger.void([block_id(6)])
        written = export(ledger_url, tmp_path / "out" / "deep")
        ledger.add_scan(Scan(7, block_id(7)))  # the keeper goes on
    fills = pl.read_parquet(tmp_path / "out" / "deep" / "fills.parquet")
    assert fills["size_delta"].to_list() == [str(WIDEST)] * 2
    assert fills["counts"].to_list() == [True, False]
    assert fills["block_number"].to_list() == [5, 6]
    flows = pl.read_parquet(tmp_path / "out" / "deep" / "cash_flows.parquet")
    assert (flows["venue"].to_list(), flows["assets"].to_list()) == ([None], ["3"])
    tables = {table.name for table in schema.metadata.sorted_tables} - {"versions", "leases"}
    assert set(written) == tables == {path.stem for path in (tmp_path / "out" / "deep").iterdir()}
    assert (written["fills"], written["intents"], written["vaults"]) == (2, 0, 1)


def test_export__more_rows_than_are_read_at_once__has_them_all(ledger_url, tmp_path, monkeypatch):
    monkeypatch.setattr("agent.ledger.export._ROWS_AT_ONCE", 3)
    with Database.open(ledger_url, "vault", "key") as database:
        database.vault(IDENTITY).add_scan(Scan(1, block_id(20), fills=tuple(fill(number) for number in range(2, 13))))
        assert export(ledger_url, tmp_path)["fills"] == 11
    assert pl.read_parquet(tmp_path / "fills.parquet")["block_number"].to_list() == list(range(2, 13))


def test_export__no_ledger__is_refused_and_none_is_made(tmp_path):
    with pytest.raises(DataError, match="does not exist; name the one that a keeper has written"):
        export(f"sqlite:///{tmp_path}/none.sqlite", tmp_path / "out")
    assert not (tmp_path / "none.sqlite").exists()


def test_reading__file_without_a_ledger__is_refused(tmp_path):
    (tmp_path / "empty.sqlite").touch()
    with pytest.raises(DataError, match="has schema None, this program reads 5; start a keeper on it once"):
        export(f"sqlite:///{tmp_path}/empty.sqlite", tmp_path / "out")


def test_vaults_of__ledger_opened_to_be_read__reads_and_does_not_write(ledger_url):
    with Database.open(ledger_url, "vault", "key") as database:
        database.vault(IDENTITY).add_scan(Scan(1, block_id(5), fills=(fill(5),)))
        with reading(ledger_url) as engine:
            [seen] = vaults_of(engine)
            assert seen.fills() == [fill(5)]
            with pytest.raises(FatalError, match="opened to be read is not written"):
                seen.add_scan(Scan(6, block_id(6)))
