r"""Funding that a trade is expected to pay while it stands, where the rate may drift with what is traded.

A venue's rate r (of notional, per day) may change by s0 a day as its market stands and by s1 more for each unit bought.
Over a horizon H a position h pays P h (r H + s0 H^2 / 2) at price P. After a trade of q it is h + q and the drift
s0 + s1 q, so that the trade is charged with P (r H + (s0 + s1 h) H^2 / 2) a unit, and with P s1 H^2 / 2 for each unit
of each unit. Buys pay a positive rate, sales receive it.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.domain import VenueSnapshot
from agent.units import WAD


@dataclass(frozen=True, slots=True)
class Carry:
    """``per_unit``: WAD USD a unit. ``slope``: what each unit adds to the carry of all of them, WAD USD."""

    per_unit: int
    slope: int = 0

    def cost(self, size: int) -> int:
        """Return the carry of an absolute size, WAD^2 USD."""
        return size * self.per_unit + self.slope * size**2 // WAD


def expected_carry(venue: VenueSnapshot, price: int, horizon_days: int, *, is_buy: bool) -> Carry:
    """Return the carry of one side of a venue at a price and horizon, both WAD; rounded down."""
    sign = 1 if is_buy else -1
    per_rate = sign * horizon_days * price
    if venue.funding_speed is None:
        return Carry(venue.funding_rate_per_day * per_rate // WAD**2)
    per_day, per_unit = venue.funding_speed.per_day, venue.funding_speed.per_unit
    drift = per_day + per_unit * venue.size // WAD
    mean_rate = venue.funding_rate_per_day + drift * horizon_days // (2 * WAD)
    slope = per_unit * horizon_days**2 * price // (2 * WAD**3)
    return Carry(mean_rate * per_rate // WAD**2, slope)
