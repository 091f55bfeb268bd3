"""Compares the guard's mirror with the chain: before a rebalance by simulation, after it by measurement."""

from __future__ import annotations

from collections.abc import Sequence

from agent.chain.state import ChainState
from agent.domain import Decision, Fill
from agent.errors import RejectedError
from agent.guard import GuardError, evaluate
from agent.ledger.records import FillRecord
from agent.units import Address


def simulation_mismatch(decision: Decision, rejection: RejectedError | None) -> bool:
    """Return whether the chain's verdict on the very legs differs from the one the mirror foresaw.

    The mirror claims to foresee the guard's own errors alone; others come from oracle, vault or venue.
    """
    verdict = rejection.name if rejection is not None and rejection.name in set(GuardError) else None
    return verdict != decision.guard_error


def execution_mismatch(before: ChainState, after: ChainState, fills: Sequence[FillRecord]) -> bool:
    """Return whether the mirror, fed with what was measured, refuses what the chain accepted or books another usage.

    ``before`` is read at the parent of the block of execution and ``after`` at that block. Where the oracle's price
    moved in between, the guard judged a state that no block shows, and there is nothing to compare.
    """
    if before.measurement.price != after.measurement.price:
        return False
    index_of: dict[Address, int] = {venue.address: index for index, venue in enumerate(before.venues)}
    measured = [Fill(index_of[fill.venue], fill.size_delta, fill.execution_price, fill.fee) for fill in fills]
    timestamp = after.block.timestamp
    try:
        usage = evaluate(before.bounds, before.usage, before.measurement, measured, after.measurement, timestamp)
    except RejectedError:
        return True
    return usage != after.usage
