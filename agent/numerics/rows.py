"""Columns of input: brought to one shape, and a bad row named by row, field and value."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.recycled import uninitialised


@dataclass(frozen=True, slots=True)
class Domain:
    """Closed range a number may lie in, and how to say so."""

    lowest: float
    highest: float
    description: str


PRICE_USD = Domain(1e-100, 1e100, "a price from 1e-100 to 1e100")
TAU_YEARS = Domain(0.0, 1e6, "a time from 0 to 1e6 years")
VOL_ANNUAL = Domain(0.0, 1e6, "a volatility from 0 to 1e6")
RATE_ANNUAL = Domain(-1e6, 1e6, "a rate from -1e6 to 1e6")
NON_NEGATIVE = Domain(0.0, 1e100, "a number from 0 to 1e100")
DISCOUNT_EXPONENT = Domain(-700.0, 700.0, "a product from -700 to 700, so that the discount factor is a number")


def as_floats(name: str, numbers: ArrayLike) -> FloatArray:
    """Return ``numbers`` as a float64 array, or raise `DataError` that names the field.

    Text, booleans, dates and complex numbers are refused even where NumPy would convert them, and so are None and
    masked entries, which it would turn into a number or a NaN.
    """
    if isinstance(numbers, np.ma.MaskedArray) and np.any(numbers.mask):
        raise DataError(f"{name} has masked entries; leave those rows out")
    try:
        array = np.asarray(numbers)
    except ValueError as error:
        raise DataError(f"{name} is not an array ({error}); give rows of one length") from None
    if array.dtype.kind not in "fiu":
        array = _numbers_of(name, array)
    return array.astype(np.float64, copy=False)


def _numbers_of(name: str, array: NDArray[np.generic]) -> FloatArray:
    """Return numbers that came as Python objects (Decimal, Fraction, integers beyond 64 bits), or refuse the array."""
    if array.dtype.kind == "O":
        strange = [entry for entry in array.flat if isinstance(entry, bool | str | bytes) or entry is None]
        if not strange:
            try:
                return array.astype(np.float64)
            except (TypeError, ValueError, OverflowError) as error:
                raise DataError(f"{name} is not numeric ({error}); give numbers only") from None
        raise DataError(f"{name} is not numeric (it holds {strange[0]!r}); give numbers only")
    raise DataError(f"{name} is not numeric (its type is {array.dtype}); give numbers only")


def as_flags(name: str, flags: ArrayLike) -> NDArray[np.bool_]:
    """Return ``flags`` as a boolean array; 1 and -1 are refused because both would read as true."""
    array = np.asarray(flags)
    if array.size == 0:
        return array.astype(np.bool_)
    if array.dtype != np.bool_:
        raise DataError(f"{name} has type {array.dtype}; give booleans (True is a call)")
    return array


def common_shape(fields: dict[str, NDArray[np.generic]]) -> tuple[int, ...]:
    """Return the broadcast shape of all fields, or raise `DataError` that lists their shapes."""
    try:
        return np.broadcast(*fields.values()).shape
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in fields.items())
        raise DataError(f"shapes do not broadcast together: {shapes}") from None


def require_domain(name: str, numbers: FloatArray, domain: Domain, shape: tuple[int, ...]) -> None:
    """Raise `DataError` naming row, field and value of the first number of ``numbers`` outside ``domain``.

    ``shape`` is the broadcast shape of all fields: the row named is a row of the answer.
    """
    good = (numbers >= domain.lowest) & (numbers <= domain.highest)
    if good.all():
        return
    position = int(np.argmin(np.broadcast_to(good, shape)))
    number = float(np.broadcast_to(numbers, shape).reshape(-1)[position])
    raise DataError(f"row {row_label(position, shape)}: {name} is {number}; expected {domain.description}")


def row_label(position: int, shape: tuple[int, ...]) -> str:
    """Name a row of an array of ``shape`` by its index or indices."""
    if len(shape) <= 1:
        return str(position)
    return ", ".join(str(int(index)) for index in np.unravel_index(position, shape))


def checked(**fields: tuple[ArrayLike, Domain]) -> tuple[tuple[int, ...], list[FloatArray]]:
    """Return the broadcast shape of named fields and their arrays, each checked against its domain."""
    arrays = {name: as_floats(name, numbers) for name, (numbers, _) in fields.items()}
    shape = common_shape(dict(arrays))
    for name, (_, domain) in fields.items():
        require_domain(name, arrays[name], domain, shape)
    return shape, list(arrays.values())


def require_discountable(name: str, rates: FloatArray, times: FloatArray, shape: tuple[int, ...]) -> None:
    """Raise `DataError` where e to the power of rate times time would not be a number."""
    require_domain(f"{name} * time", np.multiply(rates, times), DISCOUNT_EXPONENT, shape)


def require_ordered(low_name: str, lows: FloatArray, high_name: str, highs: FloatArray, shape: tuple[int, ...]) -> None:
    """Raise `DataError` naming the first row whose low is not below its high."""
    good = np.broadcast_to(lows < highs, shape)
    if good.all():
        return
    position = int(np.argmin(good))
    low, high = (float(np.broadcast_to(side, shape).reshape(-1)[position]) for side in (lows, highs))
    raise DataError(f"row {row_label(position, shape)}: {low_name} {low} is not below {high_name} {high}")


def as_column(array: NDArray[np.generic], shape: tuple[int, ...]) -> NDArray[np.generic]:
    """Return ``array`` as a contiguous column: of one row if it serves all, else of every row of ``shape``."""
    if array.size == 1:
        return array.reshape(1)
    if array.shape != shape:
        array = np.broadcast_to(array, shape)
    return np.ascontiguousarray(array).reshape(-1)


def output_array(columns: int, shape: tuple[int, ...], out: FloatArray | None) -> FloatArray:
    """Return an array of shape (columns, rows) for results: ``out`` itself where given and fit, else a new one."""
    rows = math.prod(shape)
    if out is None:
        return uninitialised(columns, rows)
    expected = (columns, *shape)
    if out.shape != expected or out.dtype != np.float64 or not (out.flags.c_contiguous and out.flags.writeable):
        raise DataError(
            f"out has shape {out.shape} and type {out.dtype}; "
            f"give a writeable C-contiguous float64 array of shape {expected}"
        )
    return out.reshape(columns, rows)
