"""Funding of Curie's virtual market while its pool follows an index, by the venue's own averages.

The rate a day is the difference of two averages over 15 minutes, over the index: the pool's, whose oracle averages
whole ticks and rounds down twice, less the index's, which is arithmetic. A pool that agrees with its index so pays
longs about a basis point a day; a trade that moves the pool pays as long as nobody trades it back.

Source: Perpetual Protocol Curie, ``Exchange._getFundingGrowthGlobalAndTwaps`` and ``ClearingHouseConfig`` (interval of
15 minutes, 10 % a day at most); Uniswap v3 ``OracleLibrary.consult`` for the rounding.
"""

from __future__ import annotations

import math

import numpy as np

from agent.backtest.pool_pace import LOG_TICK
from agent.numerics.arrays import FloatArray
from agent.units import Rounding, Seconds, Wad, to_wad

TWAP_SECONDS = 900
MOST_A_DAY = 0.1


class PoolFunding:
    """Rates of a pool that is traded to each price of a path ``lead_seconds`` before that price's instant.

    Before the first price the pool stood at it.
    """

    def __init__(self, prices_usd: FloatArray, interval_seconds: Seconds, lead_seconds: Seconds) -> None:
        self._prices_usd = [float(price) for price in prices_usd]
        self._ticks = [math.floor(tick) for tick in np.log(prices_usd) / LOG_TICK]
        self._interval, self._lead = interval_seconds, min(lead_seconds, interval_seconds)
        self._moved = [0.0] * len(self._ticks)

    def moved(self, step: int, price_ratio: float) -> None:
        """Take in that a trade at a step's instant moved the pool by this ratio, until it follows the next price."""
        self._moved[step] += math.log(price_ratio) / LOG_TICK

    def rate_per_day(self, step: int) -> Wad:
        """Return the rate over the time from the step before: by the averages when the pool is about to move."""
        if step == 0:
            return Wad(0)
        ticks = index = left = 0.0
        left, at = float(TWAP_SECONDS), step - 1
        while left > 0.0:
            seconds = min(left, float(self._interval)) if at > 0 else left
            after_trade = min(seconds, float(self._interval - self._lead))
            moved = math.floor(self._ticks[at] + self._moved[at]) - self._ticks[at]
            ticks += self._ticks[at] * seconds + moved * after_trade
            index += self._prices_usd[at] * seconds
            left, at = left - seconds, max(at - 1, 0)
        mark_usd = math.exp(LOG_TICK * math.floor(ticks / TWAP_SECONDS))
        ratio = mark_usd / (index / TWAP_SECONDS) - 1.0
        return to_wad(min(max(ratio, -MOST_A_DAY), MOST_A_DAY), Rounding.UP)
