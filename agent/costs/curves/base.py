"""What a cost curve is, and a curve as the quotes that a venue would give.

A curve knows one venue at one moment. ``size_delta`` is signed, long positive. The cost of a trade is what leaves the
account, ``size_delta x execution price + fee``: positive for a buy, negative (income) for a sale. Marginal cost is its
derivative in the absolute size; it never falls as the size grows, so that the cost is convex and splits are exact.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from agent.checks import require_above, require_finite
from agent.domain import QuotePoint
from agent.errors import DataError
from agent.units import Rounding, to_wad


class CostCurve(Protocol):
    """One venue's price of size."""

    def capacity(self, *, is_buy: bool) -> float:
        """Return the largest size that side takes, underlying units, at least 0."""
        ...

    def execution_price_usd(self, size_delta: float) -> float:
        """Return the average price without fee of a size within capacity."""
        ...

    def fee_usd(self, size_delta: float) -> float:
        """Return the fee of a size within capacity."""
        ...

    def marginal_cost_usd(self, size_delta: float, *, is_buy: bool) -> float:
        """Return the cost of the next unit after ``size_delta``, fee inside, income negative."""
        ...

    def size_at(self, marginal_cost_usd: float, *, is_buy: bool) -> float:
        """Return the largest absolute size none of whose units costs more than ``marginal_cost_usd``.

        The inverse of `marginal_cost_usd`: 0 where even the first unit costs more, the capacity where none does.
        """
        ...

    def after(self, size_delta: float) -> CostCurve:
        """Return the curve that an order leaves behind, such as one that is pending."""
        ...


def trade_cost_usd(curve: CostCurve, size_delta: float) -> float:
    """Return what leaves the account for a trade: ``size_delta x execution price + fee``; 0 for no trade."""
    if size_delta == 0.0:
        return 0.0
    return size_delta * curve.execution_price_usd(size_delta) + curve.fee_usd(size_delta)


def ladder(curve: CostCurve, sizes: Iterable[float]) -> tuple[QuotePoint, ...]:
    """Return the quotes a venue with this curve gives, on both sides, for absolute sizes given smallest first.

    Sizes beyond a side's capacity are left out, as a venue would refuse them. Prices round against the trader, fees up.

    Raises
    ------
    DataError
        A size that is not a positive number or does not grow, naming its row.

    """
    magnitudes = list(sizes)
    previous = 0.0
    for row, size in enumerate(magnitudes):
        require_above(size, f"row {row}: size", previous)
        previous = size
    points: list[QuotePoint] = []
    for sign in (1.0, -1.0):
        capacity, against = curve.capacity(is_buy=sign > 0.0), Rounding.UP if sign > 0.0 else Rounding.DOWN
        for size in magnitudes:
            if size <= capacity:
                price, fee = curve.execution_price_usd(sign * size), curve.fee_usd(sign * size)
                wads = to_wad(sign * size, Rounding.DOWN), to_wad(price, against), to_wad(fee, Rounding.UP)
                points.append(QuotePoint(*wads))
    return tuple(points)


def within(curve: CostCurve, size_delta: float) -> float:
    """Return the absolute size or raise `DataError` where a side does not take it."""
    size = abs(require_finite(size_delta, "size_delta"))
    is_buy = size_delta > 0.0
    capacity = curve.capacity(is_buy=is_buy)
    if not 0.0 < size <= capacity:
        side = "buys" if is_buy else "sells"
        raise DataError(f"size_delta is {size_delta}; the venue takes {side} of more than 0 and at most {capacity}")
    return size
