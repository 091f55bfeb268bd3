"""Open orders of venues that fill later, in words and for machines."""

from __future__ import annotations

from typing import Any

from agent.chain.orders import VenueOrder
from agent.report.formatting import duration, money, price, signed
from agent.units import Seconds, from_wad


def order_document(order: VenueOrder, now_unix: Seconds) -> dict[str, Any]:
    """Return an order for machines; its worst fee is of the whole order."""
    return {
        "order_id": order.order_id,
        "status": order.status.words,
        "size_delta": from_wad(order.size_delta),
        "filled_size_delta": from_wad(order.filled_size_delta),
        "limit_price_usd": from_wad(order.limit_price),
        "fee_usd": from_wad(order.fee),
        "worst_fee_usd": from_wad(order.max_fee),
        "requested_at_unix": order.requested_at,
        "expires_at_unix": order.expires_at,
        "age_seconds": now_unix - order.requested_at,
    }


def order_line(told: dict[str, Any]) -> str:
    """Return what `order_document` tells as one line."""
    left = told["expires_at_unix"] - told["requested_at_unix"] - told["age_seconds"]
    expiry = f"expires in {duration(left)}" if left > 0 else f"expired {duration(-left)} ago"
    verb = "buy" if told["size_delta"] > 0.0 else "sell"
    age = f"{duration(told['age_seconds'])} old"
    filled = f", {signed(abs(told['filled_size_delta']), 4)} of it filled" if told["filled_size_delta"] else ""
    return (
        f"order {told['order_id'][:10]} {told['status']}: {verb} {signed(abs(told['size_delta']), 4)}{filled}, limit "
        f"{price(told['limit_price_usd'])}, fee at most {money(told['worst_fee_usd'])}, {age}, {expiry}"
    )
