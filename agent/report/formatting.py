"""Figures in words: how money, deltas, ratios and times are written wherever a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime

from agent.formatting import compact, figure, usd_text
from agent.units import SECONDS_PER_DAY, Seconds

MINUS = "\N{MINUS SIGN}"
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
_SMALL_USD = 100
_SECONDS_PER_HOUR = 3_600
_LAST_UNIX = 253_402_300_799
"""The last second of the year 9999."""


def signed(number: float, decimals: int, *, plus: bool = False) -> str:
    """Write a number by the rule of `agent.formatting.figure`, with a true minus sign."""
    return figure(number, decimals, plus=plus).replace("-", MINUS)


def narrow(number: float, decimals: int, digits: int = 5) -> str:
    """Write a number for a narrow column by the rule of `agent.formatting.compact`, with a true minus sign."""
    return compact(number, decimals, digits).replace("-", MINUS)


def price(usd: float, decimals: int = 2) -> str:
    """Write a price in dollars, of four significant digits at least."""
    return _dollars(figure(usd, decimals, least_digits=4))


def money(usd: float) -> str:
    """Write a sum of dollars, with cents below 100 and three significant digits of less than ten cents."""
    decimals = 2 if abs(usd) < _SMALL_USD else 0
    return _dollars(figure(usd, decimals, least_digits=2, digits=3))


def sum_of_usd(usd: float, decimals: int = 0) -> str:
    """Write a sum of dollars for a column that says so: it gets more decimals only where it would read as 0."""
    return usd_text(usd, decimals).replace("-", MINUS)


def _dollars(text: str) -> str:
    text = text.replace("-", MINUS)
    return f"{MINUS}${text[1:]}" if text.startswith(MINUS) else f"${text}"


def money_change(usd: float) -> str:
    """Write dollars with the sign of a gain or a loss."""
    text = money(usd)
    return text if text.startswith(MINUS) or usd == 0 else f"+{text}"


def percent(ratio: float, decimals: int = 1) -> str:
    """Write a ratio as a percentage of at least two significant digits, its sign kept on the line of its number."""
    text = figure(100 * ratio, decimals, least_digits=2, digits=2).replace("-", MINUS)
    return f"{text}{NO_BREAK_SPACE}%"


def counted(count: int, singular: str) -> str:
    """Write a count with its noun: ``1 step``, ``2 steps``."""
    return f"{count:,} {noun(count, singular)}"


def noun(count: int, singular: str) -> str:
    """Return the noun as it stands after a count."""
    return singular if count == 1 else f"{singular}s"


def utc_minute(unix: Seconds | int) -> str:
    """Write an instant as date and minute, UTC; a chain's time may lie where no calendar goes."""
    if int(unix) > _LAST_UNIX:
        return "9999-12-31 or later"
    return datetime.fromtimestamp(int(unix), tz=UTC).strftime("%Y-%m-%d %H:%M")


def duration(seconds: float) -> str:
    """Write a span in the largest unit that fits it."""
    for unit_seconds, name in ((SECONDS_PER_DAY, "day"), (_SECONDS_PER_HOUR, "hour"), (60, "minute")):
        if seconds >= unit_seconds:
            count = round(seconds / unit_seconds, 1)
            return f"{count:g} {name}{'' if count == 1 else 's'}"
    return f"{seconds:.1f} seconds"
