"""A ledger as Parquet files, one a table, for those who analyse it: no lease is taken and nothing is changed."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Boolean, Connection, Engine, Float, Integer, RowMapping, Table, select
from sqlalchemy.types import TypeEngine

from agent.extras import extra
from agent.ledger import schema
from agent.ledger.reading import reading
from agent.ledger.verdicts import counts

with extra("files", "Writing Parquet"):
    import pyarrow as pa
    import pyarrow.parquet as pq

COUNTS = "counts"
"""Added to what was seen on the chain: false where a reorganisation has replaced the row's block."""
_NOT_RECORDS = (schema.versions, schema.leases)
_BLOCKLESS = (schema.verdicts, schema.cycles)
"""Tables that name a block and count whatever becomes of it."""
_ROWS_AT_ONCE = 20_000


def export(url: str, directory: Path) -> dict[str, int]:
    """Write every table to ``directory`` and return how many rows each has; all are of one moment.

    Integers of more than 63 bits, such as WAD amounts, are written as decimal text, so that no digit is lost.

    Raises
    ------
    DataError
        There is no ledger, or it is of another schema.

    """
    directory.mkdir(parents=True, exist_ok=True)
    tables = [table for table in schema.metadata.sorted_tables if table not in _NOT_RECORDS]
    with reading(url) as engine, _at_one_moment(engine).begin() as connection:
        return {table.name: _write(connection, table, directory / f"{table.name}.parquet") for table in tables}


def _at_one_moment(engine: Engine) -> Engine:
    """Return the engine whose transactions see one state; SQLite's always do."""
    return engine if engine.dialect.name == "sqlite" else engine.execution_options(isolation_level="REPEATABLE READ")


def _write(connection: Connection, table: Table, path: Path) -> int:
    """Write one table, a part of it at a time; the file has its name only when it is whole."""
    has_verdicts = "block_hash" in table.c and table not in _BLOCKLESS
    fields = [pa.field(column.name, _arrow_type(column.type)) for column in table.columns]
    statement: Any = select(table)
    if has_verdicts:
        fields.append(pa.field(COUNTS, pa.bool_()))
        statement = select(table, counts(table).label(COUNTS))
    arrow, part, written = pa.schema(fields), path.with_suffix(".part"), 0
    wide = {column.name for column in table.columns if isinstance(column.type, schema.WideInteger)}
    streamed = connection.execution_options(yield_per=_ROWS_AT_ONCE)
    with pq.ParquetWriter(part, arrow) as writer:
        for rows in streamed.execute(statement.order_by(*table.primary_key)).mappings().partitions():
            writer.write_table(pa.Table.from_pylist([_plain(row, wide) for row in rows], schema=arrow))
            written += len(rows)
    part.replace(path)
    return written


def _arrow_type(kind: TypeEngine[Any]) -> Any:
    if isinstance(kind, BigInteger | Integer):
        return pa.int64()
    if isinstance(kind, Boolean):
        return pa.bool_()
    return pa.float64() if isinstance(kind, Float) else pa.string()


def _plain(row: RowMapping, wide: Collection[str]) -> dict[str, Any]:
    return {name: str(row[name]) if name in wide and row[name] is not None else row[name] for name in row}
