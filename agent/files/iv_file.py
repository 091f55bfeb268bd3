"""Paths of implied volatility from CSV: a time and its levels a row."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from agent.errors import DataError
from agent.files.book_kinds import MAX_IV_ANNUAL
from agent.files.entry import Entry, shown
from agent.files.tables import csv_entries
from agent.vol.iv_move import ANY_TENOR_DAYS
from agent.vol.iv_path import IvPath

_TENOR = re.compile(r"iv_([1-9][0-9]*)d")
"""The level at the money so many days ahead."""
_MOST_SKEW = 5.0


def load_iv_path(path: Path) -> IvPath:
    """Read a file with ``time`` (ISO 8601) and levels a year (0.65 is 65 %), in order.

    Levels are ``iv`` alone, which moves all options in parallel; or ``iv_7d``, ``iv_30d`` and so on, at the money so
    many days ahead. Beside either ``skew`` may stand: volatility a unit of ``ln(strike / price)``.

    Raises
    ------
    DataError : unreadable file, a missing or unknown column, no row, a level that is not above 0 or above 500 %, a skew
        beyond 5, or times that do not increase.

    """
    columns, entries = csv_entries(path)
    tenors = _tenors(path, columns)
    if not entries:
        raise DataError(f"{path}: no level of IV below the header; write a time and an iv a row")
    names, has_skew = list(tenors.values()), "skew" in columns
    times: list[int] = []
    for entry in entries:
        time = entry.instant("time")
        if times and time <= times[-1]:
            raise DataError(f"{entry.where}: time is not after that of the row before; sort the rows by time, one each")
        times.append(time)
    levels = np.array([[_level(entry, name) for name in names] for entry in entries])
    only = names == ["iv"]
    return IvPath(
        np.array(times, dtype=np.int64),
        levels[:, 0] if only else levels,
        _rule(path, tenors, has_skew=has_skew),
        ANY_TENOR_DAYS if only else tuple(tenors),
        np.array([_skew(entry) for entry in entries]) if has_skew else None,
    )


def _tenors(path: Path, columns: tuple[str, ...]) -> dict[float, str]:
    """Return the columns of levels by their days, shortest first."""
    found = {float(match[1]): name for name in columns if (match := _TENOR.fullmatch(name)) is not None}
    names = {"iv"} if "iv" in columns else set(found.values())
    if not names or set(columns) - {"skew"} != {"time"} | names:
        told = shown(", ".join(columns)) if columns else "none"
        raise DataError(
            f"{path}: the columns are {told}; write time and iv, or time and levels by days such as iv_7d and iv_30d; "
            "skew may stand beside them"
        )
    return {ANY_TENOR_DAYS[0]: "iv"} if "iv" in names else dict(sorted(found.items()))


def _level(entry: Entry, name: str) -> float:
    level = entry.positive(name)
    if level > MAX_IV_ANNUAL:
        raise DataError(f"{entry.where}: {name} is {level:g}, above {MAX_IV_ANNUAL:g}; write 0.65 for 65 %, not 65")
    return level


def _skew(entry: Entry) -> float:
    skew = entry.number("skew")
    if abs(skew) > _MOST_SKEW:
        raise DataError(
            f"{entry.where}: skew is {skew:g}, beyond {_MOST_SKEW:g}; write the change of IV a unit of ln(strike / "
            "price), -0.2 where a strike 10 % higher has 2 points less"
        )
    return skew


def _rule(path: Path, tenors: dict[float, str], *, has_skew: bool) -> str:
    days = ", ".join(f"{own:g}" for own in tenors)
    levels = "the level" if "iv" in tenors.values() else f"the levels at the money at {days} days"
    return f"{path.name}, {levels}{' and the skew' if has_skew else ''} last told at each step"
