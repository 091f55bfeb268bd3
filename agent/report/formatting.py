"""Figures in words: how money, deltas, ratios and times are written wherever a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime

from agent.units import SECONDS_PER_DAY, Seconds

MINUS = "\N{MINUS SIGN}"
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
_SMALL_USD = 100
_SECONDS_PER_HOUR = 3_600


def signed(number: float, decimals: int) -> str:
    """Write a number with thousands separators and a true minus sign; never "-0"."""
    text = f"{abs(number):,.{decimals}f}"
    negative = number < 0 and any(digit in "123456789" for digit in text)
    return f"{MINUS if negative else ''}{text}"


def money(usd: float) -> str:
    """Write dollars, with cents below 100."""
    text = signed(usd, 2 if abs(usd) < _SMALL_USD else 0)
    return f"{MINUS}${text[1:]}" if text.startswith(MINUS) else f"${text}"


def money_change(usd: float) -> str:
    """Write dollars with the sign of a gain or a loss."""
    text = money(usd)
    return text if text.startswith(MINUS) or usd == 0 else f"+{text}"


def percent(ratio: float, decimals: int = 1) -> str:
    """Write a ratio as a percentage, its sign kept on the line of its number."""
    return f"{signed(100 * ratio, decimals)}{NO_BREAK_SPACE}%"


def utc_minute(unix: Seconds | int) -> str:
    """Write an instant as date and minute, UTC."""
    return datetime.fromtimestamp(int(unix), tz=UTC).strftime("%Y-%m-%d %H:%M")


def duration(seconds: float) -> str:
    """Write a span in the largest unit that fits it."""
    for unit_seconds, name in ((SECONDS_PER_DAY, "day"), (_SECONDS_PER_HOUR, "hour"), (60, "minute")):
        if seconds >= unit_seconds:
            count = round(seconds / unit_seconds, 1)
            return f"{count:g} {name}{'' if count == 1 else 's'}"
    return f"{seconds:.1f} seconds"
