r"""A venue that trades at its oracle's price with a spread, a fee and, where it balances its interest, a price impact.

GMX v2 pays traders who bring long and short interest closer and charges those who drive them apart. With D the
imbalance in USD (long less short), a trade of u USD that widens it from |D| costs f_n ((|D| + u)^e - |D|^e); one that
narrows it earns f_p (|D|^e - (|D| - u)^e), and beyond balance pays f_n (u - |D|)^e on the rest. Sizes are valued at the
index price. Venues cap what they pay to traders; such a cap is not known here, so read ``positive_factor`` as 0 where
the venue's impact pool is empty.

Source: GMX v2 ``PositionPricingUtils`` and ``PricingUtils`` (price impact for the same side and across sides).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from agent.checks import require_above, require_at_least, require_finite, require_ratio
from agent.costs.curves.base import within
from agent.errors import DataError


@dataclass(frozen=True, slots=True)
class InterestImpact:
    """Price impact by imbalance of interest; factors per USD to the power of ``exponent``, USD."""

    imbalance_usd: float
    positive_factor: float
    negative_factor: float
    exponent: float

    def __post_init__(self) -> None:
        require_finite(self.imbalance_usd, "imbalance_usd")
        require_at_least(self.positive_factor, "positive_factor", 0.0)
        require_at_least(self.exponent, "exponent", 1.0)
        if require_finite(self.negative_factor, "negative_factor") < self.positive_factor:
            raise DataError(
                f"negative_factor is {self.negative_factor}, below positive_factor {self.positive_factor}; trading to "
                "and fro would earn money without end"
            )

    def narrowing_usd(self, *, is_buy: bool) -> float:
        """Return how much that side can trade until interest is balanced."""
        return max(-self.imbalance_usd if is_buy else self.imbalance_usd, 0.0)

    def cost_usd(self, notional_usd: float, *, is_buy: bool) -> float:
        """Return what a trade pays, or earns where negative."""
        width, power = abs(self.imbalance_usd), self.exponent
        narrowing = self.narrowing_usd(is_buy=is_buy)
        if narrowing == 0.0:
            return self.negative_factor * (math.pow(width + notional_usd, power) - math.pow(width, power))
        narrowed = min(notional_usd, narrowing)
        earned = self.positive_factor * (math.pow(width, power) - math.pow(width - narrowed, power))
        return self.negative_factor * math.pow(notional_usd - narrowed, power) - earned

    def marginal_ratio(self, notional_usd: float, *, is_buy: bool) -> float:
        """Return the derivative of the cost in notional."""
        narrowing, power = self.narrowing_usd(is_buy=is_buy), self.exponent
        if notional_usd < narrowing:
            return -self.positive_factor * power * math.pow(narrowing - notional_usd, power - 1.0)
        start = 0.0 if narrowing > 0.0 else abs(self.imbalance_usd)
        return self.negative_factor * power * math.pow(start + notional_usd - narrowing, power - 1.0)

    def notional_at(self, marginal_ratio: float, *, is_buy: bool) -> float:
        """Return the largest notional none of which costs more at the margin; infinite where none ever does."""
        narrowing = self.narrowing_usd(is_buy=is_buy)
        if narrowing > 0.0:
            if self.marginal_ratio(0.0, is_buy=is_buy) > marginal_ratio:
                return 0.0
            if marginal_ratio < 0.0 and self.exponent > 1.0:
                return narrowing - self._distance(-marginal_ratio, self.positive_factor)
        start = 0.0 if narrowing > 0.0 else abs(self.imbalance_usd)
        reached = self._distance(marginal_ratio, self.negative_factor) if marginal_ratio >= 0.0 else 0.0
        return narrowing + max(reached - start, 0.0)

    def _distance(self, ratio: float, factor: float) -> float:
        """Return the imbalance at which ``factor x exponent x imbalance^(exponent - 1)`` reaches ``ratio`` >= 0."""
        if factor == 0.0:
            return math.inf
        steepness = ratio / (factor * self.exponent)
        if self.exponent == 1.0:
            return math.inf if steepness >= 1.0 else 0.0
        return math.pow(steepness, 1.0 / (self.exponent - 1.0))


@dataclass(frozen=True, slots=True)
class FixedSpread:
    """Execution at the index price moved by ``half_spread_ratio`` against the trader; fee on index notional."""

    index_price_usd: float
    half_spread_ratio: float
    fee_ratio: float
    buy_capacity: float
    sell_capacity: float
    impact: InterestImpact | None = None

    def __post_init__(self) -> None:
        require_above(self.index_price_usd, "index_price_usd", 0.0)
        require_ratio(self.half_spread_ratio, "half_spread_ratio")
        require_ratio(self.fee_ratio, "fee_ratio")
        for name in ("buy_capacity", "sell_capacity"):
            require_at_least(getattr(self, name), name, 0.0)

    def capacity(self, *, is_buy: bool) -> float:
        """Return what the venue's limit on interest leaves on that side."""
        return self.buy_capacity if is_buy else self.sell_capacity

    def execution_price_usd(self, size_delta: float) -> float:
        """Return the index price with spread and impact."""
        size, sign = within(self, size_delta), math.copysign(1.0, size_delta)
        plain = self.index_price_usd * (1.0 + sign * self.half_spread_ratio)
        if self.impact is None:
            return plain
        return plain + sign * self.impact.cost_usd(size * self.index_price_usd, is_buy=sign > 0.0) / size

    def fee_usd(self, size_delta: float) -> float:
        """Return the fee on notional at the index price."""
        return within(self, size_delta) * self.index_price_usd * self.fee_ratio

    def marginal_cost_usd(self, size_delta: float, *, is_buy: bool) -> float:
        """Return the cost of the next unit."""
        if self.impact is None:
            return self._plain_cost_usd(is_buy=is_buy)
        ratio = self.impact.marginal_ratio(abs(size_delta) * self.index_price_usd, is_buy=is_buy)
        return self._plain_cost_usd(is_buy=is_buy) + self.index_price_usd * ratio

    def size_at(self, marginal_cost_usd: float, *, is_buy: bool) -> float:
        """Solve the marginal cost for the size; without impact all or nothing."""
        capacity, excess_usd = self.capacity(is_buy=is_buy), marginal_cost_usd - self._plain_cost_usd(is_buy=is_buy)
        if self.impact is None:
            return capacity if excess_usd >= 0.0 else 0.0
        notional_usd = self.impact.notional_at(excess_usd / self.index_price_usd, is_buy=is_buy)
        return min(notional_usd / self.index_price_usd, capacity)

    def after(self, size_delta: float) -> FixedSpread:
        """Return the venue with interest moved by the order."""
        if size_delta == 0.0:
            return self
        within(self, size_delta)
        impact = self.impact
        if impact is not None:
            impact = replace(impact, imbalance_usd=impact.imbalance_usd + size_delta * self.index_price_usd)
        return FixedSpread(
            index_price_usd=self.index_price_usd,
            half_spread_ratio=self.half_spread_ratio,
            fee_ratio=self.fee_ratio,
            buy_capacity=self.buy_capacity - size_delta,
            sell_capacity=self.sell_capacity + size_delta,
            impact=impact,
        )

    def _plain_cost_usd(self, *, is_buy: bool) -> float:
        """Return the cost of a unit without impact."""
        return self.index_price_usd * ((1.0 if is_buy else -1.0) + self.half_spread_ratio + self.fee_ratio)
