"""A limit order book, taken level by level, with a fee on notional."""

from __future__ import annotations

from dataclasses import dataclass

from agent.checks import require_above, require_ratio
from agent.costs.curves.base import within
from agent.errors import DataError


@dataclass(frozen=True, slots=True)
class BookLevel:
    """Orders at one price: ``size`` in underlying units."""

    price_usd: float
    size: float


@dataclass(frozen=True, slots=True)
class OrderBook:
    """Levels of both sides, best first. Marginal cost is constant within a level and jumps between two."""

    bids: tuple[BookLevel, ...]
    asks: tuple[BookLevel, ...]
    taker_fee_ratio: float

    def __post_init__(self) -> None:
        require_ratio(self.taker_fee_ratio, "taker_fee_ratio")
        for name, levels, sign in (("bids", self.bids, -1.0), ("asks", self.asks, 1.0)):
            for row, level in enumerate(levels):
                require_above(level.price_usd, f"{name} row {row}: price_usd", 0.0)
                require_above(level.size, f"{name} row {row}: size", 0.0)
                if row > 0 and sign * (level.price_usd - levels[row - 1].price_usd) <= 0.0:
                    raise DataError(
                        f"{name} row {row}: price_usd is {level.price_usd} after {levels[row - 1].price_usd}; "
                        "expected each level to be worse than the one before"
                    )
        if self.bids and self.asks and self.bids[0].price_usd >= self.asks[0].price_usd:
            raise DataError(
                f"bids row 0: price_usd is {self.bids[0].price_usd}, not below the best ask "
                f"{self.asks[0].price_usd}; a crossed book is stale or corrupt"
            )

    def capacity(self, *, is_buy: bool) -> float:
        """Return all that is on offer on the other side of the book."""
        return sum(level.size for level in self._levels(is_buy=is_buy))

    def execution_price_usd(self, size_delta: float) -> float:
        """Return the mean price of the levels taken, weighted by what is taken."""
        size = within(self, size_delta)
        left, notional_usd = size, 0.0
        for level in self._levels(is_buy=size_delta > 0.0):
            taken = min(level.size, left)
            notional_usd += taken * level.price_usd
            left -= taken
            if left <= 0.0:
                break
        return notional_usd / size

    def fee_usd(self, size_delta: float) -> float:
        """Return the taker fee on notional."""
        return abs(size_delta) * self.execution_price_usd(size_delta) * self.taker_fee_ratio

    def marginal_cost_usd(self, size_delta: float, *, is_buy: bool) -> float:
        """Return the price of the level that holds the next unit, with the fee; of the last one at capacity."""
        left = abs(size_delta)
        levels = self._levels(is_buy=is_buy)
        if not levels:
            raise DataError(f"the book offers nothing to {'buy' if is_buy else 'sell'}; check its levels")
        for level in levels:
            if left < level.size:
                return self._unit_cost_usd(level, is_buy=is_buy)
            left -= level.size
        return self._unit_cost_usd(levels[-1], is_buy=is_buy)

    def size_at(self, marginal_cost_usd: float, *, is_buy: bool) -> float:
        """Return the size of all levels that cost no more."""
        size = 0.0
        for level in self._levels(is_buy=is_buy):
            if self._unit_cost_usd(level, is_buy=is_buy) > marginal_cost_usd:
                break
            size += level.size
        return size

    def after(self, size_delta: float) -> OrderBook:
        """Return the book without what an order takes out of it."""
        if size_delta == 0.0:
            return self
        left = within(self, size_delta)
        remaining: list[BookLevel] = []
        for level in self._levels(is_buy=size_delta > 0.0):
            kept = level.size - min(level.size, left)
            left -= level.size - kept
            if kept > 0.0:
                remaining.append(BookLevel(level.price_usd, kept))
        bids, asks = (self.bids, tuple(remaining)) if size_delta > 0.0 else (tuple(remaining), self.asks)
        return OrderBook(bids, asks, self.taker_fee_ratio)

    def _levels(self, *, is_buy: bool) -> tuple[BookLevel, ...]:
        return self.asks if is_buy else self.bids

    def _unit_cost_usd(self, level: BookLevel, *, is_buy: bool) -> float:
        return (
            level.price_usd * (1.0 + self.taker_fee_ratio) if is_buy else level.price_usd * (self.taker_fee_ratio - 1.0)
        )
