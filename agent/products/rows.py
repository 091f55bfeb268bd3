"""Checks on rows of input: a bad one is named by row, field and value."""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.errors import DataError
from agent.products.greeks import FloatArray


class Domain(Enum):
    """Where a field of a row may lie; every domain is finite."""

    POSITIVE = "a finite number > 0"
    NON_NEGATIVE = "a finite number >= 0"
    FINITE = "a finite number"


def as_floats(name: str, numbers: ArrayLike) -> FloatArray:
    """Return ``numbers`` as a float64 array, or raise `DataError` that names the field."""
    try:
        return np.asarray(numbers, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} is not numeric ({error}); give numbers only") from None


def as_flags(name: str, flags: ArrayLike) -> NDArray[np.bool_]:
    """Return ``flags`` as a boolean array; 1 and -1 are refused because both would read as true."""
    array = np.asarray(flags)
    if array.dtype != np.bool_:
        raise DataError(f"{name} has type {array.dtype}; give booleans (True is a call)")
    return array


def require_domain(name: str, numbers: FloatArray, domain: Domain, shape: tuple[int, ...]) -> None:
    """Raise `DataError` naming row, field and value of the first number of ``numbers`` outside ``domain``.

    ``shape`` is the broadcast shape of all fields: the row named is a row of the answer.
    """
    good = np.isfinite(numbers)
    if domain is Domain.POSITIVE:
        good &= numbers > 0.0
    elif domain is Domain.NON_NEGATIVE:
        good &= numbers >= 0.0
    if good.all():
        return
    row = int(np.argmin(np.broadcast_to(good, shape)))
    number = float(np.broadcast_to(numbers, shape).reshape(-1)[row])
    raise DataError(f"row {row}: {name} is {number}; expected {domain.value}")


def common_shape(**fields: NDArray[np.generic]) -> tuple[int, ...]:
    """Return the broadcast shape of all fields, or raise `DataError` that lists their shapes."""
    try:
        return np.broadcast_shapes(*(array.shape for array in fields.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in fields.items())
        raise DataError(f"shapes do not broadcast together: {shapes}") from None
