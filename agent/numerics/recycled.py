"""Memory for large answers, taken over from the last one that nobody holds any more.

The system clears every page it gives, which costs half as much time as valuing the rows that go there. So one block of
a dropped answer is kept, and the next answer of about its size is written into it.
"""

from __future__ import annotations

import weakref
from collections import deque

import numpy as np

from agent.numerics.arrays import FloatArray

_LEAST_BYTES, _MOST_BYTES = 4 << 20, 256 << 20
"""Smaller blocks the allocator keeps by itself; larger ones are not withheld from other uses."""
_LEAST_USE = 0.5
"""Share of a kept block the next answer must fill."""
_spare: deque[FloatArray] = deque(maxlen=1)


def uninitialised(columns: int, rows: int) -> FloatArray:
    """Return an array of shape (columns, rows) with whatever numbers lie there.

    Its block is kept for the next answer once the array and every view of it are gone, never before.
    """
    size = columns * rows
    if not _LEAST_BYTES <= size * np.dtype(np.float64).itemsize <= _MOST_BYTES:
        return np.empty((columns, rows))
    block = _block(size)
    # Views hold the array made here, not the block: NumPy follows a chain of views only as far as it is of arrays, and
    # here a memoryview lies between the two. So the array lives as long as any view, and its end is the end of all.
    lease = np.frombuffer(block.data, dtype=np.float64, count=size)
    weakref.finalize(lease, _spare.append, block).atexit = False
    return lease.reshape(columns, rows)


def _block(size: int) -> FloatArray:
    try:
        block = _spare.pop()
    except IndexError:
        return np.empty(size)
    return block if _LEAST_USE * block.size <= size <= block.size else np.empty(size)
