"""How much of the book's risk the hedge took away."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from agent.report.formatting import MINUS, NO_BREAK_SPACE, duration, percent
from agent.risk.effectiveness import FEWEST_CHANGES, variance_reduction
from agent.units import Seconds

FloatArray: TypeAlias = NDArray[np.float64]

SECONDS_PER_HOUR = 3_600
WORTH_A_PERCENTAGE = -1.0
"""Below it the hedge has more than doubled the variance, and a percentage tells nothing more."""
_NOTHING = 5e-4
"""Less is not told from rounding: it would be shown as 0.0 %."""
_FLAT_USD = 0.01
"""A book whose P&L changes by less is flat: the ratio of two variances would be one of rounding."""


def largest_swing(pnl_usd: FloatArray, interval_seconds: Seconds | int) -> float:
    """Return the largest change of a cumulative P&L within any hour, or within a step where that is longer, USD."""
    stride = hourly_stride(interval_seconds)
    windows = np.lib.stride_tricks.sliding_window_view(pnl_usd, min(stride + 1, len(pnl_usd)))
    return float(np.max(windows.max(axis=1) - windows.min(axis=1)))


def hourly_stride(interval_seconds: Seconds | int) -> int:
    """Return the number of steps that make an hour, at least one."""
    return max(round(SECONDS_PER_HOUR / interval_seconds), 1)


def hourly_changes(pnl_usd: FloatArray, interval_seconds: Seconds | int) -> FloatArray:
    """Return the differences of a cumulative P&L sampled once an hour, or once a step where that is longer, USD.

    A last part is left out, so that all changes cover the same time.
    """
    return np.diff(pnl_usd[:: hourly_stride(interval_seconds)])


def hedge_effectiveness(
    pnl_hedged_usd: FloatArray, pnl_unhedged_usd: FloatArray, interval_seconds: Seconds | int
) -> float | None:
    """Return the share of the variance of hourly changes that the hedge removed, see `agent.risk.effectiveness`.

    None when there are fewer than two changes, or when the book's own are all the same to the cent: there is nothing to
    compare with.
    """
    unhedged = hourly_changes(pnl_unhedged_usd, interval_seconds)
    if len(unhedged) < FEWEST_CHANGES or np.ptp(unhedged) < _FLAT_USD:
        return None
    return variance_reduction(hourly_changes(pnl_hedged_usd, interval_seconds), unhedged)


def is_nothing(effectiveness: float) -> bool:
    """Tell whether a share is too small to be told from rounding."""
    return abs(effectiveness) < _NOTHING


def variance_name(interval_seconds: Seconds | int) -> str:
    """Name the variance that is compared: of an hour's changes, or of a step's where that is longer."""
    if interval_seconds <= SECONDS_PER_HOUR:
        return "hourly variance"
    return f"variance over {duration(interval_seconds)}"


def removed_share(effectiveness: float) -> str:
    """Write a share of the variance as a percentage; of next to nothing it says no more than that it doubled."""
    return f"{MINUS}100{NO_BREAK_SPACE}% or worse" if effectiveness < WORTH_A_PERCENTAGE else percent(effectiveness)


def verdict(effectiveness: float | None, interval_seconds: Seconds | int) -> str:
    """Say what the hedge did to the variance, as the end of a sentence that begins with the hedge."""
    name = variance_name(interval_seconds)
    if effectiveness is None:
        return f"had too little to remove: the {name} of the book alone is none, or was seen too briefly"
    if is_nothing(effectiveness):
        return f"left the {name} as it was"
    if effectiveness < 0.0:
        if effectiveness < WORTH_A_PERCENTAGE:
            return f"more than doubled the {name}: costs and errors outweigh the book's own moves"
        return f"added {percent(-effectiveness)} to the {name}"
    return f"removed {percent(effectiveness)} of the {name}"
