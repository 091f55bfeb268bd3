"""Cycles of a keeper at a venue that a test orders about between them."""

from __future__ import annotations

from typing import Protocol

from agent.keeper.keeper import Keeper
from agent.keeper.result import CycleResult


class OrderedVenue(Protocol):
    """A world whose venue does what it was sent once the keeper has."""

    def cycle(self, keeper: Keeper) -> CycleResult:
        """Have the keeper do a cycle, and the venue its part."""
        ...


def cycles(world: OrderedVenue, keeper: Keeper, count: int) -> list[CycleResult]:
    """Do cycles in none of which the guard's mirror and the chain disagree."""
    results = [world.cycle(keeper) for _ in range(count)]
    assert not any(result.guard_mirror_mismatch for result in results)
    return results


def net_delta(result: CycleResult) -> float:
    """Return the net delta that a cycle decided on, underlying units."""
    assert result.view is not None
    return result.view.decision.exposure.net_delta
