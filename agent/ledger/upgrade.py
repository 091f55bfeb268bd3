"""Brings a ledger to this version's schema, in place and in one transaction, and refuses one that is newer."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from agent.errors import DataError
from agent.ledger import schema
from agent.ledger.engines import rebuilt, shown, writing
from agent.ledger.presence import Presence

_FIRST = 2
"""Schema of the first release, which kept its number in ``versions`` alone."""
_MIGRATIONS = Path(__file__).with_name("migrations")
_UPGRADE_LOCK = 0x6576656E6B65656C
"""One upgrade at a time; "evenkeel" in ASCII."""


def schema_version(connection: Connection) -> int | None:
    """Return the schema's number; None when there is no ledger yet."""
    tables = set(inspect(connection).get_table_names())
    if "alembic_version" in tables:
        statement = "SELECT version_num FROM alembic_version"
    elif "versions" in tables:
        statement = "SELECT schema_version FROM versions"
    else:
        return None
    found = connection.execute(text(statement)).scalars().all()
    if strange := [str(number) for number in found if not str(number).isdecimal()]:
        raise DataError(
            f"ledger {shown(connection.engine.url)} has schema {strange[0]:.40}, which is another program's; name a "
            "database of the keeper's own"
        )
    return max((int(number) for number in found), default=None)


def upgrade(engine: Engine, presence: Presence) -> None:
    """Create what is missing and bring what is older up to date; nothing changes when anything fails.

    Raises
    ------
    DataError
        The ledger's schema is newer, or older than any that was released, or another keeper is at work on it; or it is
        this version's, and tables are gone.

    """
    with writing(engine).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)").bindparams(key=_UPGRADE_LOCK))
        version = schema_version(connection)
        if version == schema.SCHEMA_VERSION:
            if lost := loss(connection):
                raise DataError(f"ledger {shown(engine.url)} {lost}; {rebuilt(engine)}")
            return
        if version is not None and not _FIRST <= version < schema.SCHEMA_VERSION:
            raise DataError(unfit(engine, version))
        if not presence.take():
            raise DataError(f"ledger {shown(engine.url)} is in use by another keeper; stop it, to bring it up to date")
        _migrate(connection, version)


def loss(connection: Connection) -> str:
    """Name the tables that a ledger of this version's schema has lost; nothing when it is whole."""
    lost = sorted(schema.metadata.tables.keys() - set(inspect(connection).get_table_names()))
    return f"has lost its tables {', '.join(lost)}" if lost else ""


def unfit(engine: Engine, version: int | None) -> str:
    """Say that a ledger's schema is not this program's."""
    return (
        f"ledger {shown(engine.url)} has schema {version}, this program writes {schema.SCHEMA_VERSION}; install a "
        "version that knows it, or name another ledger: it is rebuilt from the chain"
    )


def _migrate(connection: Connection, version: int | None) -> None:
    from alembic import command  # noqa: PLC0415 - takes longer to load than all else here, and is seldom needed
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    if version == _FIRST:
        command.stamp(config, str(_FIRST))
    command.upgrade(config, str(schema.SCHEMA_VERSION))
