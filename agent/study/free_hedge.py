"""What a hedge back to neutral at every look would remove if trading were free: about the most that can be reached."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agent.backtest.vault_day import Step
from agent.numerics.arrays import FloatArray
from agent.report.effectiveness import hourly_changes
from agent.units import Seconds, from_wad


class FreeHedge:
    """Collects what one replay's book alone did, and what its deltas would have made good."""

    def __init__(self, interval_seconds: Seconds) -> None:
        self._interval = interval_seconds
        self._prices_usd: list[float] = []
        self._deltas: list[float] = []
        self._pnl_usd: list[float] = []

    def __call__(self, step: Step) -> None:
        """Take in one step."""
        self._prices_usd.append(from_wad(step.snapshot.measurement.price))
        self._deltas.append(step.decision.exposure.book_delta)
        self._pnl_usd.append(step.pnl_unhedged_usd)

    def variances(self) -> tuple[float, float]:
        """Return the variance of hourly changes, USD^2, of the book alone and with -delta held from look to look."""
        alone: FloatArray = np.asarray(self._pnl_usd)
        gains = -np.asarray(self._deltas[:-1]) * np.diff(self._prices_usd)
        hedged = alone + np.concatenate(([0.0], np.cumsum(gains)))
        changes = [hourly_changes(pnl_usd, self._interval) for pnl_usd in (alone, hedged)]
        unhedged, left = (float(np.var(own)) if own.size else 0.0 for own in changes)
        return unhedged, left


def most_removable(watched: Sequence[FreeHedge]) -> float | None:
    """Return the share of the variance of all replays together that was there to be removed; None without any."""
    alone, hedged = (sum(parts) for parts in zip(*(own.variances() for own in watched), strict=True))
    return 1.0 - hedged / alone if alone > 0.0 else None
