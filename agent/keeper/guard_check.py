"""Compares the guard's mirror with the chain: before a rebalance by simulation, after it by measurement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from agent.chain.state import ChainState
from agent.domain import Fill, Leg
from agent.errors import RejectedError
from agent.guard import GuardError, evaluate
from agent.ledger.records import FillRecord, RebalanceRecord
from agent.units import Address, Wad


class Verdict(Protocol):
    """What was proposed, and how the mirror foresaw the guard's judgement of it."""

    @property
    def legs(self) -> tuple[Leg, ...]:
        """What the vault is asked to do."""

    @property
    def urgent(self) -> bool:
        """Whether it may cost the urgent fees."""

    @property
    def guard_error(self) -> str | None:
        """Name of the guard's error foreseen."""

    @property
    def reason(self) -> str:
        """Why, in words."""


def simulation_mismatch(decision: Verdict, rejection: RejectedError | None) -> bool:
    """Return whether the chain's verdict on the very legs differs from the one the mirror foresaw.

    The mirror claims to foresee the guard's own errors alone; others come from oracle, vault or venue.
    """
    verdict = rejection.name if rejection is not None and rejection.name in set(GuardError) else None
    return verdict != decision.guard_error


def execution_mismatch(
    before: ChainState, after: ChainState, fills: Sequence[FillRecord], rebalance: RebalanceRecord | None
) -> bool:
    """Return whether the mirror, fed with what was measured, refuses what the chain accepted or books another usage.

    ``before`` is read at the parent of the block of execution and ``after`` at that block; ``rebalance`` is the vault's
    own event, for the time between the two blocks moves NAV by itself. Where the oracle's price moved, or NAV after
    the rebalance is not the block's, the guard judged a state that no block shows, and there is nothing to compare; nor
    is there where a leg left an order that waits, whose limit the vault's events do not tell.
    """
    if rebalance is None or rebalance.nav_after != after.measurement.nav:
        return False
    if any(fill.size_delta == 0 for fill in fills):
        return False
    if before.measurement.price != after.measurement.price:
        return False
    young = after.measurement.nav - after.measurement.firm_nav
    judged = replace(before.measurement, nav=rebalance.nav_before, firm_nav=Wad(max(rebalance.nav_before - young, 0)))
    index_of: dict[Address, int] = {venue.address: index for index, venue in enumerate(before.venues)}
    measured = [Fill(index_of[fill.venue], fill.size_delta, fill.execution_price, fill.fee) for fill in fills]
    timestamp = after.block.timestamp
    try:
        usage = evaluate(before.bounds, before.usage, judged, measured, after.measurement, timestamp)
    except RejectedError:
        return True
    return usage != after.usage
