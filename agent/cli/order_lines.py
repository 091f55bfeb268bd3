"""Open orders as ``evenkeel decide`` shows them: each with what the keeper will do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.chain.orders import read_orders
from agent.keeper.order_plan import OrderCare, is_fill_wanted, plan_care
from agent.keeper.planner import CycleView, Planner
from agent.report.orders import order_document, order_line
from agent.venues.registry import venue_protocol


def open_cares(planner: Planner, view: CycleView) -> list[OrderCare]:
    """Return the orders that are open at a view's block, and what each needs; raises as `read_orders` does."""
    keys = [(venue.address, venue.open_order) for venue in view.state.venues if venue.open_order is not None]
    kinds = {entry.address: entry.kind for entry in planner.deployment.venues}
    has_prices = planner.settings.keeper.price_service_url is not None
    return [
        plan_care(
            order,
            view.block.timestamp,
            is_fill_wanted=is_fill_wanted(view.snapshot, order),
            can_settle=has_prices and venue_protocol(kinds[order.venue], order.venue).settlement is not None,
        )
        for order in read_orders(planner.client, keys, view.block)
    ]


def care_documents(view: CycleView, cares: Sequence[OrderCare]) -> list[dict[str, Any]]:
    """Return orders for machines."""
    return [
        {"venue": _name(view, care), **order_document(care.order, view.block.timestamp)}
        | {"keeper_will": care.act.value, "why": care.reason}
        for care in cares
    ]


def care_lines(view: CycleView, cares: Sequence[OrderCare]) -> list[str]:
    """Return orders for people, a line each."""
    return [
        f"On {_name(view, care)}, {order_line(order_document(care.order, view.block.timestamp))}; the keeper will "
        f"{care.act.value}: {care.reason}"
        for care in cares
    ]


def _name(view: CycleView, care: OrderCare) -> str:
    return next(venue.name for venue in view.snapshot.venues if venue.address == care.order.venue)
