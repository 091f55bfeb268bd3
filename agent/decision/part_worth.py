r"""Whether a part of a forced trade is worth its transaction: one that leaves the worst case outside the chain's band.

A trade that brings the worst case inside is not asked: the chain's band decides it. A part of one takes away risk too,
but costs a whole transaction each time, and where a budget refills by the second there is always a part to trade:

- It must do as much as a trade from the edge of a band. Risk grows with the square of the net delta n, and at the edge
  B of its own band the policy finds a trade to neutral just worth its cost. So a part x is worth it from
  n^2 - (n - x)^2 >= B^2 on, B the narrower of the policy's band and the chain's: no other risk aversion is needed.
- Where waiting makes the part larger, because a budget refills, gas may take at most `GAS_SHARE` of what is traded, or
  the part is as large as the budget gets.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.formatting import delta_text

GAS_SHARE = 0.01
"""Of the notional of a part that waiting would make larger."""
TOO_LITTLE_RISK = "takes away less risk than a trade from the edge of a band"
TOO_MUCH_GAS = f"is more than {GAS_SHARE:.0%} of"
"""Words by which a reader of the reason tells the two apart."""

_FULL = 0.9
"""Part of a budget from which on it counts as full."""


@dataclass(frozen=True, slots=True)
class Refill:
    """A budget of turnover, USD: what it refills by, above 0, and what it holds when it is full."""

    usd_per_hour: float
    capacity_usd: float


@dataclass(frozen=True, slots=True)
class Part:
    """A trade that leaves the worst case outside the chain's band, underlying units and USD."""

    distance: float
    """Absolute net delta before it."""
    size: float
    """Absolute size, toward neutral."""
    band: float
    """The narrower of the chain's band and half of the width of the policy's own."""
    gas_usd: float
    spot_usd: float
    refill: Refill | None
    """The budget that limits it; None where waiting does not help."""


def not_worth(part: Part) -> str | None:
    """Return why a part is left, in words; None where it pays."""
    left = part.distance - part.size
    if part.distance**2 - left**2 < part.band**2:
        sizes = f"{delta_text(part.size)} of {delta_text(part.distance)}"
        return f"{sizes} {TOO_LITTLE_RISK} of {delta_text(part.band)}"
    if part.refill is None:
        return None
    notional_usd = part.size * part.spot_usd
    worth_usd = min(part.gas_usd / GAS_SHARE, _FULL * part.refill.capacity_usd)
    if notional_usd >= worth_usd:
        return None
    hours = (worth_usd - notional_usd) / part.refill.usd_per_hour
    return (
        f"gas of ${part.gas_usd:,.2f} {TOO_MUCH_GAS} the ${notional_usd:,.0f} that the budget allows; "
        f"${worth_usd:,.0f} are there in about {hours:.2g} h"
    )
