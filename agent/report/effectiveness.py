"""How much of the book's risk the hedge took away."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from agent.risk.effectiveness import FEWEST_CHANGES, variance_reduction
from agent.units import Seconds

FloatArray: TypeAlias = NDArray[np.float64]

SECONDS_PER_HOUR = 3_600


def hourly_stride(interval_seconds: Seconds | int) -> int:
    """Return the number of steps that make an hour, at least one."""
    return max(round(SECONDS_PER_HOUR / interval_seconds), 1)


def hourly_changes(pnl_usd: FloatArray, interval_seconds: Seconds | int) -> FloatArray:
    """Return the differences of a cumulative P&L sampled once an hour, USD.

    A last part-hour is left out, so that all changes cover the same time.
    """
    return np.diff(pnl_usd[:: hourly_stride(interval_seconds)])


def hedge_effectiveness(
    pnl_hedged_usd: FloatArray, pnl_unhedged_usd: FloatArray, interval_seconds: Seconds | int
) -> float | None:
    """Return the share of the variance of hourly changes that the hedge removed, see `agent.risk.effectiveness`.

    None when there are fewer than two hours, or when the unhedged P&L does not vary: there is nothing to compare with.
    """
    unhedged = hourly_changes(pnl_unhedged_usd, interval_seconds)
    if len(unhedged) < FEWEST_CHANGES or np.var(unhedged) == 0:
        return None
    return variance_reduction(hourly_changes(pnl_hedged_usd, interval_seconds), unhedged)
