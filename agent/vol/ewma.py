"""Exponentially weighted volatility: the forecast of a desk that has no time for a model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.signal import lfilter

from agent.checks import require_between, require_positive
from agent.numerics.arrays import FloatArray
from agent.numerics.series import as_returns, require_one_series

RISKMETRICS_DAILY_DECAY = 0.94
"""J.P. Morgan/Reuters, "RiskMetrics technical document", 4th edition (1996), section 5.3.2.2."""


@dataclass(frozen=True, slots=True)
class EwmaPath:
    """Variance of each bar as known before it, and of the bar to come; per bar, not annual."""

    variance_per_bar: FloatArray
    """Shape (n,): entry t uses returns before t only."""
    next_variance_per_bar: float
    """Forecast for every bar to come: EWMA has a flat term structure."""

    def next_vol_annual(self, bars_per_year: float) -> float:
        """Return the forecast as an annual volatility."""
        return math.sqrt(self.next_variance_per_bar * require_positive(bars_per_year, "bars_per_year"))


def ewma_path(log_returns: ArrayLike, decay: float, initial_variance_per_bar: float) -> EwmaPath:
    """Run v_{t+1} = decay v_t + (1 - decay) r_t^2 over ``log_returns``.

    Parameters
    ----------
    log_returns
        Log returns as ratios, shape (n,), n >= 1.
    decay
        Weight of the past, between 0 and 1; see `decay_of_half_life`.
    initial_variance_per_bar
        v_0, variance of one bar. It fades like decay^t; pass what was known before the first return.

    Raises
    ------
    DataError
        Naming row, field and value of a return that is not finite, or a parameter out of range.

    Source: RiskMetrics technical document (1996), eq. 5.3.
    """
    require_between(decay, "decay", 0.0, 1.0)
    require_positive(initial_variance_per_bar, "initial_variance_per_bar")
    returns = require_one_series("log_returns", as_returns("log_returns", log_returns, 1))
    shocks = (1.0 - decay) * returns * returns
    later, _ = lfilter([1.0], [1.0, -decay], shocks, zi=[decay * initial_variance_per_bar])
    path = np.concatenate(([initial_variance_per_bar], later))
    return EwmaPath(path[:-1], float(path[-1]))


def decay_of_half_life(half_life_bars: float) -> float:
    """Return the decay after whose ``half_life_bars`` a shock has half its weight: 2^(-1/half life)."""
    return float(0.5 ** (1.0 / require_positive(half_life_bars, "half_life_bars")))
