"""Checks of single numbers; every one takes the number, its name, then its limits, and returns the number.

All raise `DataError` that names the quantity, its value and what was expected.
"""

from __future__ import annotations

import math
from numbers import Integral

from agent.errors import DataError


def require_finite(number: float, name: str) -> float:
    """Return a finite number."""
    if not math.isfinite(number):
        raise DataError(f"{name} is {number}; expected a finite number")
    return number


def require_positive(number: float, name: str) -> float:
    """Return a finite number above 0."""
    if not math.isfinite(number) or number <= 0.0:
        raise DataError(f"{name} is {number}; expected a finite number > 0")
    return float(number)


def require_above(number: float, name: str, floor: float) -> float:
    """Return a finite number above ``floor``."""
    if require_finite(number, name) <= floor:
        raise DataError(f"{name} is {number}; expected a number above {floor}")
    return number


def require_at_least(number: float, name: str, floor: float) -> float:
    """Return a finite number of at least ``floor``."""
    if require_finite(number, name) < floor:
        raise DataError(f"{name} is {number}; expected a number of at least {floor}")
    return number


def require_between(number: float, name: str, low: float, high: float) -> float:
    """Return a number strictly between ``low`` and ``high``."""
    if not low < number < high:
        raise DataError(f"{name} is {number}; expected a number between {low:g} and {high:g}, both excluded")
    return float(number)


def require_ratio(number: float, name: str) -> float:
    """Return a ratio from 0 to below 1."""
    if not 0.0 <= require_finite(number, name) < 1.0:
        raise DataError(f"{name} is {number}; expected a ratio from 0 to below 1")
    return number


def require_whole(number: int, name: str, minimum: int) -> int:
    """Return a whole number of at least ``minimum``; True and False are no numbers."""
    if isinstance(number, bool) or not isinstance(number, Integral) or number < minimum:
        raise DataError(f"{name} is {number!r}; expected a whole number >= {minimum}")
    return int(number)


def require_positive_fields(record: object, *names: str) -> None:
    """Check that each named field of a record is a finite number above 0."""
    for name in names:
        number = require_finite(getattr(record, name), name)
        if number <= 0.0:
            raise DataError(f"{name} is {number}; expected a positive number")
