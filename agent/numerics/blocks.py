"""Rows are valued in blocks whose inputs and outputs are columns of one small array.

The array stays in the first-level cache, and with every column at a fixed distance in it no two can overlap, so that
the compiler may turn the loop over its rows into vector instructions.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from agent.numerics.arrays import FloatArray
from agent.numerics.compiled import inlined

Index: TypeAlias = int | np.uint64

BLOCK = 256
"""Rows of a block: the 19 columns of the Greeks fill 38 KB."""
COLUMN = "Array(float64, 1, 'C', readonly=True)"
FLAG_COLUMN = "Array(boolean, 1, 'C', readonly=True)"


@inlined
def gather(column: FloatArray, work: FloatArray, offset: int, first: Index, rows: Index) -> None:
    """Copy rows of an input into a column of the block; an input of one row serves all.

    Unsigned indices keep Numba from wrapping negative ones, which would turn the copy into a gather.
    """
    if column.size == 1:
        for j in range(rows):
            work[np.uint64(offset) + j] = column[0]
    else:
        for j in range(rows):
            work[np.uint64(offset) + j] = column[first + j]


@inlined
def gather_signs(is_call: NDArray[np.bool_], work: FloatArray, offset: int, first: Index, rows: Index) -> None:
    """Copy the rights of the rows into the block: +1 a call, -1 a put."""
    step = np.uint64(0 if is_call.size == 1 else 1)
    for j in range(rows):
        work[np.uint64(offset) + j] = 1.0 if is_call[(first + j) * step] else -1.0
