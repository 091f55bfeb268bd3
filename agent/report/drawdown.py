"""How far a P&L fell below what it had reached: how deep, when, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from agent.numerics.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall of a P&L below its own highest so far; ``depth_usd`` is 0 where it never fell."""

    depth_usd: float
    high_unix: int
    """When the high was reached from which it fell deepest."""
    low_unix: int
    recovered_unix: int | None
    """When it was back at that high; None where it was not until the end."""
    longest_seconds: int
    """Longest time below an earlier high, whichever fall that was."""


def below_high(pnl_usd: ArrayLike) -> FloatArray:
    """Return how far a cumulative P&L is from its own highest so far, USD, 0 or negative, shape as given."""
    pnl = np.asarray(pnl_usd, dtype=np.float64)
    return np.asarray(pnl - np.maximum.accumulate(pnl))


def deepest_drawdown(times_unix: Sequence[int], pnl_usd: ArrayLike) -> Drawdown:
    """Measure a cumulative P&L at the marks it was seen at; what happened between them is not known.

    Parameters
    ----------
    times_unix
        Of the marks, at least one, not going back.
    pnl_usd
        Since the first mark, shape (marks,).
    """
    pnl = np.asarray(pnl_usd, dtype=np.float64)
    falls = below_high(pnl)
    low = int(np.argmin(falls))
    high = int(np.flatnonzero(falls[: low + 1] == 0.0)[-1])
    back = np.flatnonzero(pnl[low:] >= pnl[high])
    return Drawdown(
        depth_usd=float(-falls[low]),
        high_unix=times_unix[high],
        low_unix=times_unix[low],
        recovered_unix=times_unix[low + int(back[0])] if back.size else None,
        longest_seconds=_longest(times_unix, falls),
    )


def _longest(times_unix: Sequence[int], falls: FloatArray) -> int:
    """Return the longest time from a high to the mark that is back at it, or to the end where none is."""
    longest, left_unix, is_below = 0, times_unix[0], False
    for unix, fall in zip(times_unix, falls, strict=True):
        if fall < 0.0 or is_below:
            longest = max(longest, unix - left_unix)
        is_below = fall < 0.0
        left_unix = left_unix if is_below else unix
    return longest
