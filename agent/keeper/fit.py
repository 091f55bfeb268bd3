"""Bounds on the chain against a book, as a cycle sees both."""

from __future__ import annotations

from agent.decision.bounds_fit import Circumstances, misfits
from agent.domain import Book
from agent.keeper.planner import CycleView
from agent.settings import Settings
from agent.units import from_wad


def view_misfits(settings: Settings, book: Book, view: CycleView) -> tuple[str, ...]:
    """Return in what way the bounds on the chain do not fit a book, for a vault that holds anything."""
    snapshot = view.snapshot
    return misfits(
        book,
        snapshot.bounds,
        Circumstances(
            at_unix=view.block.timestamp,
            price_usd=from_wad(snapshot.measurement.price),
            nav_usd=from_wad(snapshot.measurement.nav),
            deviation_bps=snapshot.deviation_bps,
            idle_reserve_bps=settings.margin.idle_reserve_bps,
            gas_usd=view.decision.costs.gas_usd,
        ),
    )
