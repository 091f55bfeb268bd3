"""Limits of legs: the worst price planned with, and the worst one that a leg may have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.costs.quotes import Ladder, worst_quoted_price
from agent.domain import Fill, Snapshot
from agent.guard import limit_price
from agent.routing.foreseen import as_shown
from agent.units import Wad


def planned_limit(snapshot: Snapshot, is_buy: bool, tolerance_bps: int) -> Wad:
    """Return the worst quoted price planned with: the guard's limit less the tolerance, or half of a tight limit."""
    slippage_bps = snapshot.bounds.max_slippage_bps
    planned_bps = slippage_bps - min(tolerance_bps, slippage_bps // 2)
    return limit_price(snapshot.measurement.price, 1 if is_buy else -1, planned_bps)


def leg_limit(snapshot: Snapshot, ladder: Ladder, fill: Fill, tolerance_bps: int) -> Wad:
    """Return the worst quoted price moved by the tolerance, never looser than the guard's own limit."""
    quoted = worst_quoted_price(ladder, abs(fill.size_delta))
    own = limit_price(quoted, fill.size_delta, tolerance_bps)
    guard = limit_price(snapshot.measurement.price, fill.size_delta, snapshot.bounds.max_slippage_bps)
    return min(own, guard) if ladder.is_buy else max(own, guard)


def shown_at_limits(
    snapshot: Snapshot,
    fills: tuple[Fill, ...],
    ladders: Sequence[Ladder] | Mapping[int, Ladder],
    tolerance_bps: int,
) -> tuple[Fill, ...]:
    """Return fills as the guard is shown them, with the limits that legs are given; ladders by venue."""
    if all(snapshot.venues[fill.venue_index].order_terms is None for fill in fills):
        return fills
    quoted = {fill.venue_index: ladders[fill.venue_index] for fill in fills}
    limits = {fill.venue_index: leg_limit(snapshot, quoted[fill.venue_index], fill, tolerance_bps) for fill in fills}
    return as_shown(snapshot, fills, limits, quoted)
