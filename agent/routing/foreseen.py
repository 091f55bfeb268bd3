"""What legs are expected to do, and what the vault shows its guard of them.

Both are the same where venues fill at once. An order that fills later is shown at its worst: at its limit and its
highest fee, and pending in what is measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.costs.quotes import Ladder, price_range
from agent.domain import Fill, Leg, Measurement, Snapshot
from agent.guard import evaluate
from agent.order_ends import order_at_worst
from agent.prediction import predict
from agent.units import Wad


@dataclass(frozen=True, slots=True)
class Shown:
    """Fills as the guard is shown them, and what the vault measures right after the rebalance."""

    fills: tuple[Fill, ...]
    after: Measurement


@dataclass(frozen=True, slots=True)
class Route:
    """Legs, what they are expected to do, and what the vault would measure once all of it has filled.

    ``shown``: what the guard is shown instead, where a leg leaves an order.
    """

    legs: tuple[Leg, ...]
    fills: tuple[Fill, ...]
    after: Measurement
    shown: Shown | None = None

    def judge(self, snapshot: Snapshot) -> None:
        """Put it before the guard's mirror at the snapshot's time; raises its `RejectedError`.

        Later blocks only have more budget.
        """
        shown = self.shown or Shown(self.fills, self.after)
        timestamp = snapshot.block.timestamp
        evaluate(snapshot.bounds, snapshot.usage, snapshot.measurement, shown.fills, shown.after, timestamp)


def as_shown(
    snapshot: Snapshot, fills: Sequence[Fill], limits: Mapping[int, Wad], ladders: Mapping[int, Ladder]
) -> tuple[Fill, ...]:
    """Return fills with orders at their worst, given limit and ladder by venue."""
    return tuple(_as_shown(snapshot, fill, limits, ladders) for fill in fills)


def foresee(snapshot: Snapshot, legs: Sequence[Leg], fills: tuple[Fill, ...], shown: tuple[Fill, ...]) -> Route:
    """Return the route of legs, given their fills as expected and as the guard is shown them."""
    after = predict(snapshot, legs, fills)
    return Route(tuple(legs), fills, after, None if shown == fills else Shown(shown, predict(snapshot, legs, shown)))


def has_open_order(snapshot: Snapshot, index: int) -> bool:
    """Return whether a venue that fills later has an order open, beside which it takes neither trade nor margin."""
    measured = snapshot.measurement.venues[index]
    return snapshot.venues[index].order_terms is not None and measured.size_low != measured.size_high


def _as_shown(snapshot: Snapshot, fill: Fill, limits: Mapping[int, Wad], ladders: Mapping[int, Ladder]) -> Fill:
    index = fill.venue_index
    terms = snapshot.venues[index].order_terms
    if terms is None:
        return fill
    _, highest_quote = price_range(ladders[index], abs(fill.size_delta))
    return order_at_worst(fill.venue_index, fill.size_delta, limits[index], highest_quote, terms)
