"""Gas of the means over time that Curie works out in a rebalance: the mark price's, the funding's and the index's.

Each asks the pool, or the price feed, for the price of 15 seconds, 15 or 30 minutes ago, and searches a ring of past
prices for it (`observation_ring`). How much is read hangs on how full the rings are and on when they were written:
after 20 prices a rebalance burns 70,000 units less than the same with full rings.

Before its swap a rebalance asks the pool for one mark price and three times for funding's mean, and the feed three
times; a flat account has no mark price, and the feed is asked once. After it there is funding's mean and some mark
prices, whose number `RebalanceKind` tells; the feed answers them all from its cache.

Source: calls traced in the rebalances of the local chain; Perpetual Protocol Curie, ``AccountBalance._getMarkPrice``
(intervals), ``Exchange._getFundingGrowthGlobalAndTwaps``, ``CachedTwap``; EIP-2929.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.backtest.gas_model import RebalanceKind
from agent.backtest.observation_ring import ObservationRing, Search
from agent.backtest.pool_pace import LOG_TICK, RAMP_SECONDS, parts_of_move
from agent.backtest.price_series import PriceSeries
from agent.units import Seconds

POOL_SLOTS = 500
"""Observations of the local chain's pool."""
FEED_SLOTS = 1_800
"""``CumulativeTwap.MAX_OBSERVATION``."""
_MARK_SECONDS = (15, 1_800, 900)
"""Means of a mark price: the market's, its moving average, and the premium over the index."""
_FUNDING_SECONDS = 900
_OPENED_SECONDS = 900
"""Before the first price: when pool and feed were written last, the pool twice, at its opening and its first maker."""
_COLD_SLOT = 2_000.0
"""What the first read of a storage slot costs over one read again (EIP-2929)."""


@dataclass(frozen=True, slots=True)
class SearchGas:
    """What a search burns for each halving, beside its first reads, and the storage slots of an observation."""

    halving: float
    empty_halving: float
    slots: int


POOL_GAS, FEED_GAS = SearchGas(1_226.0, 499.0, 1), SearchGas(1_086.0, 517.0, 3)
"""Least squares on the gas of the single calls, traced on the local chain."""


@dataclass(slots=True)
class _Reader:
    """Searches of one transaction in one ring: what was read before is warm."""

    ring: ObservationRing
    gas: SearchGas
    warm: set[int] = field(default_factory=set)

    def units(self, now: Seconds, seconds_ago: Sequence[int]) -> float:
        """Return what the searches burn."""
        return sum(self._one(self.ring.search(Seconds(now - ago))) for ago in seconds_ago)

    def _one(self, search: Search) -> float:
        cold = len(search.slots - self.warm)
        self.warm |= search.slots
        gas = self.gas
        halvings = gas.halving * search.halvings + gas.empty_halving * search.empty_halvings
        return halvings + _COLD_SLOT * gas.slots * cold


class MeanGas:
    """The rings of a pool and a feed that follow a path, each price ``lead_seconds`` before its instant."""

    def __init__(self, prices: PriceSeries, lead_seconds: Seconds) -> None:
        opened = Seconds(prices.start_unix - _OPENED_SECONDS)
        self._pool = ObservationRing(POOL_SLOTS, Seconds(opened - 1), opened)
        self._feed = ObservationRing(FEED_SLOTS, opened)
        self._prices, self._lead = prices, lead_seconds
        self._at = self._index_at = _ticks(float(prices.prices_usd[0]))

    def follow(self, step: int) -> None:
        """Write what the venue sees until a step's instant: the price, in parts where it moves too far at once."""
        start, target = self._at, _ticks(float(self._prices.prices_usd[step]))
        room = self._prices.interval_seconds - self._lead
        end_unix = int(self._prices.times_unix[step]) - (self._lead if room > 0 else 0)
        parts = parts_of_move(abs(target - start), room)
        for part in range(1, parts + 1):
            at_unix = Seconds(end_unix - (parts - part) * RAMP_SECONDS)
            if target != self._index_at:
                self._feed.write(at_unix)
            self._move_to(start + (target - start) * part / parts, at_unix)
        self._index_at = target

    def trade(self, price_ratio: float, at_unix: Seconds) -> None:
        """Take in that a trade moved the pool's price by this ratio."""
        self._move_to(self._at + _ticks(price_ratio), at_unix)

    def units(self, kind: RebalanceKind, at_unix: Seconds) -> float:
        """Return what the means of a rebalance burn in the block of this instant; nothing where no trade is made."""
        if not kind.is_trade:
            return 0.0
        pool, feed = _Reader(self._pool, POOL_GAS), _Reader(self._feed, FEED_GAS)
        mark, funding = _MARK_SECONDS, (_FUNDING_SECONDS,)
        before = funding * 2 if kind.is_opening else mark + funding * 3
        units = pool.units(at_unix, before) + feed.units(at_unix, funding * (1 if kind.is_opening else 3))
        pool.ring = self._pool.with_one_more(at_unix)
        return units + pool.units(at_unix, funding + mark * kind.mark_prices + funding * kind.means_of_withdrawal)

    def _move_to(self, ticks: float, at_unix: Seconds) -> None:
        if math.floor(ticks) != math.floor(self._at):
            self._pool.write(at_unix)
        self._at = ticks


def _ticks(price: float) -> float:
    return math.log(price) / LOG_TICK
