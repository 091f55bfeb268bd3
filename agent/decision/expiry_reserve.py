"""Loss budget that is kept for the end of options: their hedge has to be closed then, all at once.

A book's end is known in advance. What is left of a keeper's loss budget when options expire decides how much of their
hedge it can close; what it cannot close is a naked position until the budget has refilled. So while the worst case is
inside the chain's band, a trade that the policy alone asks for leaves

    kept = |D| S c - refill until the expiry,

with D the delta of the legs that expire next within a refill of the budget, S the price and c what a trade is charged:
the oracle's deviation, fee and impact. A trade that the chain's band forces is not asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.domain import Book, Exposure, Snapshot, TradeCosts
from agent.formatting import delta_text
from agent.guard import budget_left
from agent.risk.exposure import valued_options
from agent.units import BPS, SECONDS_PER_DAY, Seconds, from_wad

_SECONDS_PER_HOUR = 3_600.0


@dataclass(frozen=True, slots=True)
class ExpiryReserve:
    """What the next expiry needs of the loss budget, USD, and why."""

    kept_usd: float
    delta: float
    """Absolute delta of what expires, underlying units."""
    seconds: float
    """Until then."""


def expiry_reserve(snapshot: Snapshot, exposure: Exposure, costs: TradeCosts) -> ExpiryReserve | None:
    """Return what to keep; None where nothing expires before the budget has refilled anyway, or nothing is needed."""
    bounds, book = snapshot.bounds, exposure.book
    if book is None or bounds.loss_refill_bps_per_day <= 0:
        return None
    refill_seconds = SECONDS_PER_DAY * bounds.loss_capacity_bps / bounds.loss_refill_bps_per_day
    next_unix, delta = _next_expiry(book, exposure.at_unix, exposure.spot_usd)
    seconds = next_unix - exposure.at_unix
    if delta == 0.0 or seconds > refill_seconds:
        return None
    own = from_wad(snapshot.measurement.firm_nav) * bounds.keeper_share_bps / BPS / BPS
    refill_usd = bounds.loss_refill_bps_per_day * own * seconds / SECONDS_PER_DAY
    needed_usd = delta * exposure.spot_usd * charge_ratio(snapshot, costs)
    kept_usd = min(needed_usd - refill_usd, bounds.loss_capacity_bps * own)
    return ExpiryReserve(kept_usd, delta, float(seconds)) if kept_usd > 0.0 else None


def charge_ratio(snapshot: Snapshot, costs: TradeCosts) -> float:
    """Return what a trade is charged of the loss budget, of its notional."""
    return snapshot.deviation_bps / BPS + costs.fee_ratio + max(costs.impact_ratio, 0.0)


def held_for_expiry(snapshot: Snapshot, exposure: Exposure, costs: TradeCosts, size: float) -> str | None:
    """Return why a trade of this absolute size is left to keep the reserve, in words; None where it may go."""
    reserve = expiry_reserve(snapshot, exposure, costs)
    if reserve is None:
        return None
    left_usd = from_wad(budget_left(snapshot).loss)
    if left_usd - size * exposure.spot_usd * charge_ratio(snapshot, costs) >= reserve.kept_usd:
        return None
    return (
        f"${reserve.kept_usd:,.0f} of the loss budget of ${left_usd:,.0f} are kept to close the hedge of "
        f"{delta_text(reserve.delta)} that expires in {reserve.seconds / _SECONDS_PER_HOUR:.2g} h"
    )


def _next_expiry(book: Book, at_unix: Seconds, spot_usd: float) -> tuple[int, float]:
    """Return when the next options expire and the absolute delta of all that expire then."""
    alive = [leg.expiry_unix for leg in book.options if leg.expiry_unix > at_unix]
    if not alive:
        return at_unix, 0.0
    first = min(alive)
    legs, greeks = valued_options(book, at_unix, spot_usd)
    expires = np.array([expiry == first for expiry in alive])
    return first, abs(float(np.sum(legs.quantity[expires] * greeks.delta[expires])))
