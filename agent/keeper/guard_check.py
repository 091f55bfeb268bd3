"""Compares the guard's mirror with the chain: before a rebalance by simulation, after it by measurement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from agent.chain.orders import VenueOrder
from agent.chain.state import ChainState
from agent.domain import Fill, Leg
from agent.errors import RejectedError
from agent.guard import GuardError, evaluate, limit_price, worst_net_delta
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
    before: ChainState,
    after: ChainState,
    fills: Sequence[FillRecord],
    rebalance: RebalanceRecord | None,
    orders: Sequence[VenueOrder] = (),
    legs: Sequence[Leg] = (),
) -> bool:
    """Return whether the mirror, fed with what was measured, refuses what the chain accepted or books another usage.

    ``before`` is read at the parent of the block of execution and ``after`` at that block; ``rebalance`` is the vault's
    own event, for the time between the two blocks moves NAV by itself. Where the oracle's price moved, or NAV after
    the rebalance is not the block's, or the worst case before it was another, the guard judged a state that no block
    shows, and there is nothing to compare.
    ``orders``: those that were open in the block of execution; a leg that left one was judged by what it asked for, its
    own limit (``legs``; the venue may keep a tighter one) and the order's highest fee. Where such an order is not among
    them, nothing is compared either.
    """
    if rebalance is None or rebalance.nav_after != after.measurement.nav:
        return False
    if before.measurement.price != after.measurement.price:
        return False
    young = after.measurement.nav - after.measurement.firm_nav
    judged = replace(
        before.measurement,
        book_delta_low=after.measurement.book_delta_low,  # a rebalance leaves the book alone, and time does not
        book_delta_high=after.measurement.book_delta_high,
        nav=rebalance.nav_before,
        firm_nav=Wad(max(rebalance.nav_before - young, 0)),
    )
    if worst_net_delta(judged) != rebalance.worst_net_delta_before:
        return False
    index_of: dict[Address, int] = {venue.address: index for index, venue in enumerate(before.venues)}
    asked = {order.venue: order for order in orders}
    limits = {leg.venue: _tightest(leg, before, index_of[leg.venue]) for leg in legs if leg.size_delta}
    measured = [_judged(fill, index_of[fill.venue], asked.get(fill.venue), limits.get(fill.venue)) for fill in fills]
    if None in measured:
        return False
    timestamp = after.block.timestamp
    try:
        usage = evaluate(
            before.bounds, before.usage, judged, [fill for fill in measured if fill], after.measurement, timestamp
        )
    except RejectedError:
        return True
    return usage != after.usage


def _tightest(leg: Leg, before: ChainState, index: int) -> Wad:
    """Return the limit that the vault gave to a leg's order: its own, or the guard's where that is tighter."""
    price = before.measurement.venues[index].price
    guards = limit_price(price, leg.size_delta, before.bounds.max_slippage_bps)
    return min(leg.limit_price, guards) if leg.size_delta > 0 else max(leg.limit_price, guards)


def _judged(fill: FillRecord, index: int, order: VenueOrder | None, limit: Wad | None) -> Fill | None:
    """Return what the guard was shown of a leg; None where it left an order that is not known."""
    if fill.size_delta != 0:
        return Fill(index, fill.size_delta, fill.execution_price, fill.fee)
    if order is None:
        return None
    size_delta, price = (order.size_delta, order.limit_price) if limit is None else (fill.requested_size_delta, limit)
    return Fill(index, size_delta, price, order.max_fee, is_pending=True)
