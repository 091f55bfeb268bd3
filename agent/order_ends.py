"""What comes of orders that are yet to fill, as ``contracts/libraries/GuardRules.sol`` has it, integer for integer.

Every number is WAD unless its name says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.domain import Fill, Measurement, OrderTerms, VenueMeasurement
from agent.errors import RejectedError
from agent.rounding import mul_div_down, mul_div_up
from agent.units import WAD, Wad

ORDER_BESIDE_ORDER = "OrderBesideOrder"
ORDER_NOT_COUNTED = "OrderNotCounted"


@dataclass(frozen=True, slots=True)
class OrderEnds:
    """What comes of a rebalance that asked for orders: all of them filled at their worst, and none of them.

    ``cost`` is what limits and fees may take against the price, USD. Without orders both ends are what was measured.
    """

    filled: Measurement
    unfilled: Measurement
    cost: int = 0
    has_orders: bool = False


def order_at_worst(venue_index: int, size_delta: Wad, limit: Wad, quoted_price: Wad, terms: OrderTerms) -> Fill:
    """Return an order as the guard counts it: whole, at its limit and its highest fee.

    The fee is charged on the limit of a purchase; of a sale on its limit or on the highest price that it may fill at.
    """
    is_sale = size_delta < 0
    price = max(limit, quoted_price + mul_div_down(quoted_price, terms.sale_rise, WAD)) if is_sale else limit
    notional = mul_div_up(abs(size_delta), price, WAD)
    fee = Wad(mul_div_up(notional, terms.fee_rate, WAD) + terms.fixed_fee)
    return Fill(venue_index, size_delta, limit, fee, is_pending=True)


def with_order(
    ends: OrderEnds, before: Measurement, fills: Sequence[Fill], order: Fill, after: Measurement
) -> OrderEnds:
    """Add an order to the two ends; raise where another trade stands beside it, or the measurement does not show it."""
    index = order.venue_index
    old, current = before.venues[index], after.venues[index]
    if old.size_low != old.size_high or sum(fill.venue_index == index for fill in fills) != 1:
        raise RejectedError(ORDER_BESIDE_ORDER, {"venueIndex": index})
    size = old.size_low + order.size_delta
    if current.size_low > min(old.size_low, size) or current.size_high < max(old.size_low, size):
        raise RejectedError(
            ORDER_NOT_COUNTED,
            {"venueIndex": index, "sizeLow": current.size_low, "sizeHigh": current.size_high},
        )
    slippage = order.execution_price - old.price if order.size_delta > 0 else old.price - order.execution_price
    cost = order.fee + mul_div_up(abs(order.size_delta), max(slippage, 0), WAD)
    filled = _outcome(ends.filled, index, old, size, current.equity - cost, current.equity_low)
    equity_low = old.equity_low + current.equity - old.equity  # nothing but margin has moved where nothing filled
    return OrderEnds(
        filled=replace(filled, nav=Wad(max(filled.nav - cost, 0)), firm_nav=Wad(max(filled.firm_nav - cost, 0))),
        unfilled=_outcome(ends.unfilled, index, old, old.size_low, current.equity, equity_low),
        cost=ends.cost + cost,
        has_orders=True,
    )


def _outcome(
    measurement: Measurement, index: int, old: VenueMeasurement, size: int, equity: int, equity_low: int
) -> Measurement:
    venue = replace(
        measurement.venues[index],
        size_low=Wad(size),
        size_high=Wad(size),
        notional=Wad(mul_div_up(abs(size), old.price, WAD)),
        equity=Wad(equity),
        equity_low=Wad(equity_low),
    )
    return replace(measurement, venues=(*measurement.venues[:index], venue, *measurement.venues[index + 1 :]))
