"""How the guard's budgets refill, as the turnover that they let one keeper trade."""

from __future__ import annotations

from agent.decision.part_worth import Refill
from agent.domain import Snapshot
from agent.errors import RejectedError
from agent.guard import is_urgent
from agent.units import BPS, from_wad

_HOURS_PER_DAY = 24.0


def turnover_refill(snapshot: Snapshot) -> Refill | None:
    """Return how a keeper's turnover refills; None where it does not."""
    bounds = snapshot.bounds
    share = bounds.keeper_share_bps / BPS
    usable = 1.0 if is_urgent(snapshot) else 1.0 - bounds.urgent_reserve_bps / BPS
    per_hour = from_wad(bounds.turnover_refill_per_day) * share / _HOURS_PER_DAY
    return Refill(per_hour, from_wad(bounds.turnover_capacity) * share * usable) if per_hour > 0.0 else None


def loss_refill(snapshot: Snapshot, refusal: RejectedError, size: int) -> Refill | None:
    """Return how a keeper's loss budget refills, by what the refused ``size`` would have been charged.

    The charge is close to a straight line in the size. None where the budget does not refill, or charges nothing.
    """
    bounds, loss = snapshot.bounds, refusal.arguments.get("loss")
    notional_usd = from_wad(size) * from_wad(snapshot.measurement.price)
    if not isinstance(loss, int) or loss <= 0 or notional_usd <= 0.0 or bounds.loss_refill_bps_per_day <= 0:
        return None
    of_nav = from_wad(snapshot.measurement.firm_nav) * bounds.keeper_share_bps / BPS / BPS
    turnover_per_loss = notional_usd / from_wad(loss)
    per_day, capacity = bounds.loss_refill_bps_per_day, bounds.loss_capacity_bps
    return Refill(per_day * of_nav * turnover_per_loss / _HOURS_PER_DAY, capacity * of_nav * turnover_per_loss)
