"""How much of the variance was there to be removed, and how much was before gas: why a hedge removes too little."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agent.backtest.vault_day import Step
from agent.numerics.arrays import FloatArray
from agent.report.effectiveness import hourly_changes
from agent.units import Seconds, from_wad


class FreeHedge:
    """Collects what one replay's book alone did, what its deltas would have made good, and the hedge before gas."""

    def __init__(self, interval_seconds: Seconds) -> None:
        self._interval = interval_seconds
        self._prices_usd: list[float] = []
        self._deltas: list[float] = []
        self._alone_usd: list[float] = []
        self._before_gas_usd: list[float] = []

    def __call__(self, step: Step) -> None:
        """Take in one step."""
        self._prices_usd.append(from_wad(step.snapshot.measurement.price))
        self._deltas.append(step.decision.exposure.book_delta)
        self._alone_usd.append(step.pnl_unhedged_usd)
        self._before_gas_usd.append(step.pnl_hedged_usd + step.gas_usd)

    def variances(self) -> FloatArray:
        """Return the variances of hourly changes, USD^2, shape (3,).

        Of the book alone, with -delta held from look to look free of charge, and with its hedge before gas.
        """
        gains = -np.asarray(self._deltas[:-1]) * np.diff(self._prices_usd)
        alone, before_gas = np.asarray(self._alone_usd), np.asarray(self._before_gas_usd)
        free = alone + np.concatenate(([0.0], np.cumsum(gains)))
        changes = [hourly_changes(pnl_usd, self._interval) for pnl_usd in (alone, free, before_gas)]
        return np.array([float(np.var(own)) if own.size else 0.0 for own in changes])


def removable(watched: Sequence[FreeHedge]) -> tuple[float, float] | None:
    """Return the shares of all replays' variance that a free hedge at every look removes, and the hedge before gas.

    About the first is the most that can be reached. None where the book alone has no variance.
    """
    alone, free, before_gas = np.sum([own.variances() for own in watched], axis=0)
    return (1.0 - free / alone, 1.0 - before_gas / alone) if alone > 0.0 else None
