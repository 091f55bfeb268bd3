r"""A venue that prices by its skew: Synthetix Perps V2.

With oracle price P, skew s (long less short interest) and skew scale Z a trade of signed size x executes at

    P (1 + (s + x / 2) / Z),

the mean of the premium before and after. The part of a trade that reduces the skew pays the maker fee, the part that
takes it beyond zero the taker fee, both on the one execution price. With sigma = +-1 the side, q = |x|, r what there is
to reduce, A = P (1 + s / Z) and B = P / (2 Z), the cost is

    (sigma + m) q (A + sigma B q)                          up to r,
    (A + sigma B q) ((sigma + t) q - (t - m) r)            beyond,

continuous, and convex where the maker fee m is at most the taker fee t. A dynamic fee adds to both.

Source: SIP-279 (Perps V2), SIP-80 and SIP-337 (maker and taker parts of an order that flips the skew); ``fillPrice``
and ``_orderFee`` of ``PerpsV2MarketBase``.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.checks import require_above, require_at_least, require_finite, require_ratio
from agent.costs.curves.base import within
from agent.errors import DataError


@dataclass(frozen=True, slots=True)
class SkewPriced:
    """``skew`` and ``skew_scale`` in underlying units; fees are ratios of notional, dynamic fee inside."""

    index_price_usd: float
    skew: float
    skew_scale: float
    maker_fee_ratio: float
    taker_fee_ratio: float
    buy_capacity: float
    sell_capacity: float

    def __post_init__(self) -> None:
        require_above(self.index_price_usd, "index_price_usd", 0.0)
        require_finite(self.skew, "skew")
        require_above(self.skew_scale, "skew_scale", 0.0)
        require_ratio(self.maker_fee_ratio, "maker_fee_ratio")
        require_ratio(self.taker_fee_ratio, "taker_fee_ratio")
        for name in ("buy_capacity", "sell_capacity"):
            require_at_least(getattr(self, name), name, 0.0)
        if self.maker_fee_ratio > self.taker_fee_ratio:
            raise DataError(
                f"maker_fee_ratio is {self.maker_fee_ratio}, above taker_fee_ratio {self.taker_fee_ratio}; "
                "such a cost is not convex and cannot be split exactly"
            )
        if self.skew_scale + self.skew <= self.sell_capacity:
            raise DataError(
                f"sell_capacity is {self.sell_capacity}; expected less than skew_scale + skew "
                f"{self.skew_scale + self.skew}, where the price reaches 0"
            )

    def capacity(self, *, is_buy: bool) -> float:
        """Return what the venue's limit on interest leaves on that side."""
        return self.buy_capacity if is_buy else self.sell_capacity

    def execution_price_usd(self, size_delta: float) -> float:
        """Return P (1 + (s + x / 2) / Z)."""
        within(self, size_delta)
        return self.index_price_usd * (1.0 + (self.skew + 0.5 * size_delta) / self.skew_scale)

    def fee_usd(self, size_delta: float) -> float:
        """Return maker fee on what reduces the skew and taker fee on the rest, at the execution price."""
        size = within(self, size_delta)
        maker = min(self._reducing(is_buy=size_delta > 0.0), size)
        fees = self.maker_fee_ratio * maker + self.taker_fee_ratio * (size - maker)
        return self.execution_price_usd(size_delta) * fees

    def marginal_cost_usd(self, size_delta: float, *, is_buy: bool) -> float:
        """Return the derivative of the cost given above; at a kink, of what comes after it."""
        sign, size = (1.0 if is_buy else -1.0), abs(size_delta)
        reducing, half_slope = self._reducing(is_buy=is_buy), self._half_slope
        price = self._price_usd + 2.0 * sign * half_slope * size
        if size < reducing:
            return (sign + self.maker_fee_ratio) * price
        spared = (self.taker_fee_ratio - self.maker_fee_ratio) * reducing
        return (sign + self.taker_fee_ratio) * price - sign * half_slope * spared

    def size_at(self, marginal_cost_usd: float, *, is_buy: bool) -> float:
        """Solve the marginal cost, linear on each side of zero skew, for the size."""
        sign, capacity = (1.0 if is_buy else -1.0), self.capacity(is_buy=is_buy)
        reducing, half_slope = self._reducing(is_buy=is_buy), self._half_slope
        if reducing > 0.0:
            price = marginal_cost_usd / (sign + self.maker_fee_ratio)
            size = sign * (price - self._price_usd) / (2.0 * half_slope)
            if size < reducing:
                return min(max(size, 0.0), capacity)
        spared = (self.taker_fee_ratio - self.maker_fee_ratio) * reducing
        price = (marginal_cost_usd + sign * half_slope * spared) / (sign + self.taker_fee_ratio)
        return min(max(sign * (price - self._price_usd) / (2.0 * half_slope), reducing), capacity)

    def after(self, size_delta: float) -> SkewPriced:
        """Return the venue with the skew moved by the order."""
        if size_delta == 0.0:
            return self
        within(self, size_delta)
        return SkewPriced(
            index_price_usd=self.index_price_usd,
            skew=self.skew + size_delta,
            skew_scale=self.skew_scale,
            maker_fee_ratio=self.maker_fee_ratio,
            taker_fee_ratio=self.taker_fee_ratio,
            buy_capacity=self.buy_capacity - size_delta,
            sell_capacity=self.sell_capacity + size_delta,
        )

    @property
    def _price_usd(self) -> float:
        """A: price of the first unit."""
        return self.index_price_usd * (1.0 + self.skew / self.skew_scale)

    @property
    def _half_slope(self) -> float:
        """B: how far the average price moves a unit."""
        return 0.5 * self.index_price_usd / self.skew_scale

    def _reducing(self, *, is_buy: bool) -> float:
        """Return r: how much that side can trade until the skew is 0."""
        return max(-self.skew if is_buy else self.skew, 0.0)
