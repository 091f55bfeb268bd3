"""Instants as people write them, read without guessing a time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime

from agent.errors import DataError
from agent.units import Seconds


def parse_instant(written: str | date | datetime, where: str) -> Seconds:
    """Return the Unix time of an ISO 8601 instant, its fraction of a second cut off; a date alone is midnight UTC.

    Raises
    ------
    DataError : not ISO 8601, or a time of day without a time zone.

    """
    return Seconds(int(parse_moment(written, where)))


def parse_moment(written: str | date | datetime, where: str) -> float:
    """Return the Unix time of an ISO 8601 instant with its fraction of a second; errors as for `parse_instant`."""
    moment = _from_text(written, where) if isinstance(written, str) else written
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    if moment.tzinfo is None:
        raise DataError(f"{where}: {written} has no time zone; write {moment.isoformat()}Z for UTC")
    return moment.timestamp()


def _from_text(written: str, where: str) -> date | datetime:
    try:
        if "T" in written.upper() or " " in written.strip():
            return datetime.fromisoformat(written)
        return date.fromisoformat(written)
    except ValueError:
        raise DataError(
            f"{where}: {written!r} is not a time; write ISO 8601 such as 2024-08-31T08:00:00Z or 2024-08-31"
        ) from None


def iso_utc(unix: Seconds | int) -> str:
    """Return the instant as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(int(unix), tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
