"""Instants as people and venues write them, read without guessing a time zone or a unit."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from agent.errors import DataError
from agent.units import Seconds

EARLIEST_UNIX, LATEST_UNIX = 946_684_800, 4_102_444_800
"""2000-01-01 and 2100-01-01 UTC. Of two units of `UNITS_PER_SECOND`, at most one puts a count between them."""
UNITS_PER_SECOND = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EXAMPLE = "2024-08-31T08:00:00Z"


def parse_instant(written: str | date | datetime, where: str) -> Seconds:
    """Return the Unix time of an ISO 8601 instant, its fraction of a second cut off; a date alone is midnight UTC.

    Raises
    ------
    DataError : not ISO 8601, a time of day without a time zone, or before 2000 or after 2099.

    """
    return Seconds(int(parse_moment(written, where)))


def parse_utc(written: str, where: str) -> datetime:
    """Return the same instant as a date and time of UTC; errors as for `parse_instant`."""
    return datetime.fromtimestamp(parse_instant(written, where), tz=UTC)


def parse_moment(written: str | date | datetime, where: str) -> float:
    """Return the Unix time of an ISO 8601 instant with its fraction of a second; errors as for `parse_instant`."""
    moment = _from_text(written, where) if isinstance(written, str) else written
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    if moment.tzinfo is None:
        raise DataError(f"{where}: {written} has no time zone; write {moment.isoformat()}Z for UTC")
    unix = (moment - _EPOCH) / timedelta(seconds=1)
    if not is_plausible(unix):
        raise DataError(f"{where}: {written} is not between 2000 and 2100{_scale_hint(unix)}; mend it")
    return unix


def unix_of_count(count: float, unit: str, where: str) -> float:
    """Return the Unix time of a count of ``unit`` (a key of `UNITS_PER_SECOND`) since 1970.

    Raises
    ------
    DataError : the count puts the instant before 2000 or after 2099; the message names the unit that would not.

    """
    unix = count / UNITS_PER_SECOND[unit]
    if not is_plausible(unix):
        raise DataError(f"{where} is {count:.19g}{unit_hint(count)}; write {unit} since 1970")
    return unix


def unit_hint(count: float) -> str:
    """Return the unit that a count since 1970 looks like, as words to put behind it."""
    for unit, per_second in UNITS_PER_SECOND.items():
        if is_plausible(count / per_second):
            return f", which looks like {unit} since 1970"
    return ", which is no time between 2000 and 2100 in any unit"


def is_plausible(unix: float) -> bool:
    """Return whether an instant is one that a market could have: from 2000 to 2099."""
    return EARLIEST_UNIX <= unix < LATEST_UNIX


def _scale_hint(unix: float) -> str:
    """Return which mistake of unit would have made an instant out of a plausible one."""
    for factor in (10**3, 10**6, 10**9):
        if is_plausible(unix * factor):
            return f", as when a count is read in a unit {factor:,} times too short"
        if is_plausible(unix / factor):
            return f", as when a count is read in a unit {factor:,} times too long"
    return ""


def _from_text(written: str, where: str) -> date | datetime:
    try:
        if "T" in written.upper() or " " in written.strip():
            return datetime.fromisoformat(written)
        return date.fromisoformat(written)
    except ValueError:
        raise DataError(
            f"{where}: {written!r:.60} is not a time{_count_hint(written)}; write ISO 8601 such as {EXAMPLE} or "
            "2024-08-31"
        ) from None


def _count_hint(written: str) -> str:
    plain = written.strip()
    return unit_hint(int(plain)) if plain.isascii() and plain.isdecimal() and len(plain) < 25 else ""
