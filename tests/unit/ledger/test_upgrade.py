"""A ledger of the first release is brought up to date in place, and one of a later release is left alone."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event, text

from agent.chain.block_id import BlockId
from agent.errors import DataError
from agent.ledger import schema, upgrade
from agent.ledger.database import Database
from agent.ledger.engines import open_engine
from agent.ledger.records import IntentState, VaultIdentity
from agent.units import Address, BlockHash, IntentId

VAULT = Address("0x00000000000000000000000000000000000000A1")
VENUE = Address("0x00000000000000000000000000000000000000B2")
INTENT_ID = IntentId("0x" + "11" * 32)
IDENTITY = VaultIdentity(31_337, VAULT, 1, BlockHash(f"0x{1:063x}0"))


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request, tmp_path: Path, repository: Path) -> str:
    """URL of a ledger that the first release has written."""
    script = (repository / "tests" / "vectors" / "ledger" / f"schema_2.{request.param}.sql").read_text()
    if request.param == "sqlite":
        connection = sqlite3.connect(tmp_path / "ledger.sqlite")
        connection.executescript(script)
        connection.close()
        return f"sqlite:///{tmp_path}/ledger.sqlite"
    url = request.getfixturevalue("postgresql").fresh_database()
    with request.getfixturevalue("postgresql").connect("ledger") as connection:
        connection.execute(script)
    return url


def test_open__ledger_of_the_first_release__keeps_every_record(old):
    with Database.open(old, "vault", "key") as database:
        ledger = database.vault(IDENTITY)
        assert ledger.states_of(INTENT_ID) == [
            IntentState.DECIDED,
            IntentState.SIGNED,
            IntentState.MINED,
            IntentState.EXECUTED,
        ]
        assert ledger.open_intents() == []
        assert [fill.size_delta for fill in ledger.fills()] == [-(2**255)]
        assert [one.gas_used for one in ledger.receipts()] == [1_400_000]
        assert [one.outcome for one in ledger.cycles()] == ["executed"]
        assert ledger.last_scan() == BlockId(8, BlockHash(f"0x{8:063x}0"))
        [trade] = ledger.trades()
        assert (trade.arrival_price, trade.executed_unix, trade.settled_price) == (None, None, None)
        with database.engine.connect() as connection:
            assert (
                connection.execute(text("SELECT max(schema_version) FROM versions")).scalar_one()
                == schema.SCHEMA_VERSION
            )


def test_open__ledger_brought_up_to_date__has_the_tables_that_the_program_uses(old):
    with Database.open(old, "vault", "key") as database, database.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), schema.metadata)
        assert found == []


def test_open__new_ledger__has_the_tables_that_the_program_uses(tmp_path):
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    with Database.open(url, "vault", "key") as database, database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []


def test_open__upgrade_fails_half_way__leaves_the_ledger_as_it_was(old, monkeypatch):
    real = upgrade.writing

    def failing(engine):
        def refuse(_conn, _cursor, statement, *_):
            if statement.startswith("INSERT INTO versions"):
                raise RuntimeError("stopped")

        writer = real(engine)
        event.listen(writer, "before_cursor_execute", refuse)
        return writer

    with monkeypatch.context() as patched:
        patched.setattr(upgrade, "writing", failing)
        with pytest.raises(RuntimeError, match="stopped"):
            Database.open(old, "vault", "key")
    engine = open_engine(old)
    with engine.connect() as connection:
        assert upgrade.schema_version(connection) == 2
        assert "leases" not in engine.dialect.get_table_names(connection)
    engine.dispose()
    Database.open(old, "vault", "key").close()


@pytest.mark.parametrize("version", ["6", "99"])
def test_open__ledger_of_a_later_release__is_refused_in_one_line_and_untouched(old, version):
    with Database.open(old, "vault", "key") as database, database.engine.begin() as connection:
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{version}'"))
    with pytest.raises(DataError, match=f"has schema {version}, this program writes 5; install a version") as caught:
        Database.open(old, "vault", "key")
    assert "\n" not in str(caught.value)
    engine = open_engine(old)
    with engine.connect() as connection:
        assert upgrade.schema_version(connection) == int(version)
    engine.dispose()


def test_open__older_than_the_first_release__is_refused(old):
    engine = open_engine(old)
    with engine.begin() as connection:
        for action in ("update", "delete"):
            on = "" if engine.dialect.name == "sqlite" else " ON versions"
            connection.execute(text(f"DROP TRIGGER versions_no_{action}{on}"))
        connection.execute(text("UPDATE versions SET schema_version = 1"))
    engine.dispose()
    with pytest.raises(DataError, match="has schema 1, this program writes 5"):
        Database.open(old, "vault", "key")


def test_open__other_program_has_the_old_ledger_in_use__is_refused(old, monkeypatch):
    monkeypatch.setattr("agent.ledger.presence.FilePresence.take", lambda _: False)
    monkeypatch.setattr("agent.ledger.presence.SessionPresence.take", lambda _: False)
    with pytest.raises(DataError, match="is in use by another keeper; stop it, to bring it up to date"):
        Database.open(old, "vault", "key")


def test_upgrade__lock__is_the_same_number_in_every_version():
    """Two versions of the program that start at once on one server must wait for each other."""
    number = upgrade._UPGRADE_LOCK
    assert number.to_bytes(8, "big") == b"evenkeel"


def test_schema_version__is_that_of_the_newest_migration():
    config = Config()
    config.set_main_option("script_location", str(Path(upgrade.__file__).with_name("migrations")))
    assert ScriptDirectory.from_config(config).get_heads() == [str(schema.SCHEMA_VERSION)]
