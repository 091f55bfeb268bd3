"""Numbers and times as people read them: one rule for how many digits a figure shows, wherever one is written."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import SupportsInt

_DELTA_DECIMALS = 4
_MOST_DIGITS = 9
"""Of a number with decimals: beyond, decimals are noise."""
_MOST_DECIMALS, _HIGHEST_PLAIN_EXPONENT = 9, 14
"""Numbers that need more decimals, or are larger, are written as 1.234e-10."""

_LEAST_COMPACT_EXPONENT = -3


def figure(number: float, decimals: int, *, least_digits: int = 3, digits: int = 4, plus: bool = False) -> str:
    """Write a number with the digits that its size asks for.

    Parameters
    ----------
    number
        Any number; one that is none is written "n/a".
    decimals
        Usual for the figure, kept while they show at least ``least_digits`` significant digits.
    least_digits, digits
        A smaller number than that gets ``digits`` significant ones, without zeros at the end beyond ``decimals``.
    plus
        Write the sign of a positive number too.

    Returns
    -------
    Text with thousands separators: a number that is not 0 never reads as 0, and 0 never has a sign.
    """
    if math.isnan(number):
        return "n/a"
    sign = "-" if number < 0.0 else "+" if plus and number > 0.0 else ""
    size = abs(number)
    if math.isinf(size):
        return f"{sign}infinite"
    if size == 0.0:
        return f"{0.0:.{decimals}f}"
    exponent = math.floor(math.log10(size))
    shown = exponent + 1 + decimals
    needed = digits - 1 - exponent
    if (shown < least_digits and needed > _MOST_DECIMALS) or exponent > _HIGHEST_PLAIN_EXPONENT:
        return sign + _scientific(size, digits)
    if shown < least_digits:
        return sign + _without_zeros(f"{size:,.{max(needed, decimals)}f}", decimals)
    return f"{sign}{size:,.{min(decimals, max(_MOST_DIGITS - 1 - exponent, 0))}f}"


def delta_text(underlying: float) -> str:
    """Write a size in the underlying."""
    return figure(underlying, _DELTA_DECIMALS)


def signed_delta(underlying: float) -> str:
    """Write a delta in the underlying, with its sign."""
    return figure(underlying, _DELTA_DECIMALS, plus=True)


def usd_text(usd: float, decimals: int = 0) -> str:
    """Write a sum of dollars: with more decimals only where it would read as 0."""
    return figure(usd, decimals, least_digits=1, digits=2)


def compact(number: float, decimals: int, digits: int = 5) -> str:
    """Write a number for a narrow column: at most ``digits`` digits, at least two, and below 0.001 as 3.6e-5."""
    if not math.isfinite(number) or number == 0.0:
        return figure(number, decimals)
    exponent = math.floor(math.log10(abs(number)))
    if exponent < min(_LEAST_COMPACT_EXPONENT, 1 - decimals) or exponent > _HIGHEST_PLAIN_EXPONENT:
        # A wide exponent leaves room for one digit.
        return ("-" if number < 0.0 else "") + _scientific(abs(number), 2 if -10 < exponent < 0 else 1)
    shown = max(min(decimals, max(digits - 1 - exponent, 0)), 1 - exponent)
    return _without_zeros(f"{number:,.{shown}f}", decimals) if shown > decimals else f"{number:,.{shown}f}"


def _scientific(size: float, digits: int) -> str:
    mantissa, exponent = f"{size:.{digits - 1}e}".split("e")
    return f"{_without_zeros(mantissa, 0)}e{int(exponent)}"


def _without_zeros(text: str, decimals: int) -> str:
    """Return text without zeros at its end beyond the decimals."""
    whole, point, part = text.partition(".")
    part = part.rstrip("0").ljust(decimals, "0")
    return f"{whole}{point}{part}" if part else whole


def iso_utc(unix: SupportsInt) -> str:
    """Return the instant as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(int(unix), tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
