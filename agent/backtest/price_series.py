"""A price path at regular instants, frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from agent.numerics.arrays import FloatArray
from agent.units import SECONDS_PER_YEAR, Seconds

UnixArray: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class PriceSeries:
    """Prices in USD at strictly increasing, evenly spaced Unix times, and where they come from."""

    symbol: str
    times_unix: UnixArray
    prices_usd: FloatArray
    interval_seconds: Seconds
    source: str
    sha256: str | None
    """Of the file the prices were read from; None for a generated path."""

    def __post_init__(self) -> None:
        if self.times_unix.shape != self.prices_usd.shape:
            raise ValueError(f"{self.times_unix.shape} times for {self.prices_usd.shape} prices")
        self.times_unix.setflags(write=False)
        self.prices_usd.setflags(write=False)

    def __len__(self) -> int:
        return len(self.times_unix)

    @property
    def start_unix(self) -> Seconds:
        """First instant."""
        return Seconds(int(self.times_unix[0]))

    @property
    def end_unix(self) -> Seconds:
        """Last instant."""
        return Seconds(int(self.times_unix[-1]))


def realised_vol_annual(prices: PriceSeries) -> float:
    """Return the close-to-close volatility of log returns, ACT/365, mean not subtracted.

    ``sqrt(sum(r_i^2) / n * year / interval)``.

    Source: Andersen, Bollerslev (1998), "Answering the skeptics", for the zero-mean estimator at high frequency.
    """
    returns = np.diff(np.log(prices.prices_usd))
    return float(np.sqrt(np.mean(returns**2) * SECONDS_PER_YEAR / prices.interval_seconds))
