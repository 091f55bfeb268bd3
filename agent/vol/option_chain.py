"""A chain of coin-settled options at one instant, as quoted; `agent.vol.chain_values` says what follows from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.numerics.arrays import FloatArray
from agent.units import SECONDS_PER_YEAR


@dataclass(frozen=True, slots=True)
class OptionChain:
    """Quotes of one underlying in coin, one row an option: arrays of shape (rows,), NaN for a quote that is absent."""

    underlying: str
    now_unix: float
    instrument_name: tuple[str, ...]
    is_call: NDArray[np.bool_]
    strike_usd: FloatArray
    expiry_unix: NDArray[np.int64]
    forward_usd: FloatArray
    """Price of the underlying for the row's expiry."""
    bid_coin: FloatArray
    ask_coin: FloatArray
    mark_coin: FloatArray
    rate_annual: FloatArray
    """At which prices are discounted; 0 on Deribit."""
    open_interest: FloatArray
    """Contracts of one coin; NaN where the file does not say."""
    quoted_mark_vol_annual: FloatArray
    """The venue's own implied vol of its mark; NaN where the file does not say."""
    index_usd: float | None

    @property
    def tau_years(self) -> FloatArray:
        """Time to expiry, ACT/365."""
        return np.asarray((self.expiry_unix - self.now_unix) / SECONDS_PER_YEAR)
