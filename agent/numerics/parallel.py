"""Spread the rows of one call over the cores, where there are enough of them to pay for the threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from agent.numerics.compiled import thread_count

_CHUNK_ROWS = 32_768
"""Half a millisecond of Greeks: long against handing out a chunk, short against the whole."""
_MIN_CHUNKS = 2


def count_over_rows(kernel: Callable[[int, int], int], rows: int, chunk_rows: int = _CHUNK_ROWS) -> int:
    """Run ``kernel(first, last)`` over all rows, ``chunk_rows`` at a time, and return the sum of its answers.

    The kernel must release the interpreter lock. Threads live only as long as the call, so that forking stays safe;
    their number is Numba's (``NUMBA_NUM_THREADS``, else the cores this process may use).
    """
    starts = range(0, rows, chunk_rows)
    workers = min(thread_count(), len(starts))
    if len(starts) < _MIN_CHUNKS or workers == 1:
        return kernel(0, rows)
    with ThreadPoolExecutor(workers) as pool:
        return sum(pool.map(lambda start: kernel(start, min(start + chunk_rows, rows)), starts))
