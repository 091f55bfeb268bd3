"""Paths of implied volatility from CSV: a time and a level a row."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agent.errors import DataError
from agent.files.book_kinds import MAX_IV_ANNUAL
from agent.files.entry import shown
from agent.files.tables import csv_entries
from agent.vol.iv_path import IvPath

_COLUMNS = ("time", "iv")


def load_iv_path(path: Path) -> IvPath:
    """Read a file with the columns ``time`` (ISO 8601) and ``iv`` (a year, 0.65 is 65 %).

    Raises
    ------
    DataError : unreadable file, a missing or unknown column, no row, a level that is not above 0 or above 500 %, or
        times that do not increase.

    """
    columns, entries = csv_entries(path)
    if sorted(columns) != sorted(_COLUMNS):
        found = shown(", ".join(columns)) if columns else "none"
        raise DataError(f"{path}: the columns are {found}; write {' and '.join(_COLUMNS)}")
    if not entries:
        raise DataError(f"{path}: no level of IV below the header; write a time and an iv a row")
    times: list[int] = []
    levels: list[float] = []
    for entry in entries:
        time, level = entry.instant("time"), entry.positive("iv")
        if level > MAX_IV_ANNUAL:
            raise DataError(f"{entry.where}: iv is {level:g}, above {MAX_IV_ANNUAL:g}; write 0.65 for 65 %, not 65")
        if times and time <= times[-1]:
            raise DataError(f"{entry.where}: time is not after that of the row before; sort the rows by time, one each")
        times.append(time)
        levels.append(level)
    return IvPath(np.array(times, dtype=np.int64), np.array(levels), f"{path.name}, the level last told at each step")
