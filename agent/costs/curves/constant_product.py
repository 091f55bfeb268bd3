"""A virtual automated market maker: Perpetual Protocol's Curie, and any pool of constant product.

With virtual reserves X (base) and Y (quote), a purchase of q pays Y q / (X - q) and a sale receives Y q / (X + q).
Curie takes its fee f of the gross quote: a buyer pays the notional over (1 - f), a seller receives it times (1 - f).

Source: Uniswap v3 whitepaper, section 2 (virtual reserves of a price range, X = L / sqrt(P), Y = L sqrt(P)); fee as in
Curie's ``OrderBook.replaySwap`` (`@perp/curie-contract` 2.8.4).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from agent.checks import require_above, require_at_least, require_ratio
from agent.costs.curves.base import within
from agent.errors import DataError


@dataclass(frozen=True, slots=True)
class ConstantProduct:
    """Reserves are virtual; ``buy_capacity`` and ``sell_capacity`` end where the range's liquidity does."""

    base_reserve: float
    quote_reserve_usd: float
    fee_ratio: float
    buy_capacity: float
    sell_capacity: float

    def __post_init__(self) -> None:
        require_above(self.base_reserve, "base_reserve", 0.0)
        require_above(self.quote_reserve_usd, "quote_reserve_usd", 0.0)
        require_ratio(self.fee_ratio, "fee_ratio")
        for name in ("buy_capacity", "sell_capacity"):
            require_at_least(getattr(self, name), name, 0.0)
        if self.buy_capacity >= self.base_reserve:
            raise DataError(f"buy_capacity is {self.buy_capacity}; expected less than base_reserve {self.base_reserve}")

    @classmethod
    def of_range(
        cls, price_usd: float, low_usd: float, high_usd: float, liquidity: float, fee_ratio: float
    ) -> ConstantProduct:
        """Return the curve of one range of liquidity L around the price; beyond its ends nothing is sold or bought."""
        require_above(low_usd, "low_usd", 0.0)
        require_at_least(price_usd, "price_usd", low_usd)
        require_at_least(high_usd, "high_usd", price_usd)
        require_above(liquidity, "liquidity", 0.0)
        root, root_low, root_high = math.sqrt(price_usd), math.sqrt(low_usd), math.sqrt(high_usd)
        return cls(
            base_reserve=liquidity / root,
            quote_reserve_usd=liquidity * root,
            fee_ratio=fee_ratio,
            buy_capacity=liquidity * (1.0 / root - 1.0 / root_high),
            sell_capacity=liquidity * (1.0 / root_low - 1.0 / root),
        )

    def capacity(self, *, is_buy: bool) -> float:
        """Return what the range holds on that side."""
        return self.buy_capacity if is_buy else self.sell_capacity

    def execution_price_usd(self, size_delta: float) -> float:
        """Return Y / (X - size_delta), either side."""
        within(self, size_delta)
        return self.quote_reserve_usd / (self.base_reserve - size_delta)

    def fee_usd(self, size_delta: float) -> float:
        """Return the fee on the gross quote."""
        notional_usd = abs(size_delta) * self.execution_price_usd(size_delta)
        return notional_usd * self.fee_ratio / (1.0 - self.fee_ratio if size_delta > 0.0 else 1.0)

    def marginal_cost_usd(self, size_delta: float, *, is_buy: bool) -> float:
        """Return X Y / (X - size_delta)^2 with the fee on top, or less the fee and negative for sales."""
        price = self.base_reserve * self.quote_reserve_usd / (self.base_reserve - size_delta) ** 2
        return price / (1.0 - self.fee_ratio) if is_buy else -price * (1.0 - self.fee_ratio)

    def size_at(self, marginal_cost_usd: float, *, is_buy: bool) -> float:
        """Solve the marginal cost for the size."""
        product, kept = self.base_reserve * self.quote_reserve_usd, 1.0 - self.fee_ratio
        if is_buy:
            if marginal_cost_usd <= 0.0:
                return 0.0
            size = self.base_reserve - math.sqrt(product / (marginal_cost_usd * kept))
        elif marginal_cost_usd >= 0.0:
            return self.sell_capacity
        else:
            size = math.sqrt(product * kept / -marginal_cost_usd) - self.base_reserve
        return min(max(size, 0.0), self.capacity(is_buy=is_buy))

    def after(self, size_delta: float) -> ConstantProduct:
        """Return the pool with reserves moved along X Y = constant; fees stay outside of it."""
        if size_delta == 0.0:
            return self
        within(self, size_delta)
        base = self.base_reserve - size_delta
        return ConstantProduct(
            base_reserve=base,
            quote_reserve_usd=self.base_reserve * self.quote_reserve_usd / base,
            fee_ratio=self.fee_ratio,
            buy_capacity=self.buy_capacity - size_delta,
            sell_capacity=self.sell_capacity + size_delta,
        )
