r"""Whether a part of a forced trade is worth its transaction: one that leaves the worst case outside the chain's band.

A trade that brings the worst case inside is not asked: the chain's band decides it. A part of one takes away risk too,
but costs a whole transaction each time, and where a budget refills by the second there is always a part to trade:

- It must do as much as a trade from the edge of a band. Risk grows with the square of the net delta n, and at the edge
  B of its own band the policy finds a trade to neutral just worth its cost. So a part x is worth it from
  n^2 - (n - x)^2 >= B^2 on, B the narrower of the policy's band and the chain's: no other risk aversion is needed.
- Where waiting makes the part larger, because a budget refills, gas may take at most `GAS_SHARE` of what is traded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from agent.formatting import delta_text

GAS_SHARE = 0.01
"""Of the notional of a part that waiting would make larger."""


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
    refill_usd_per_hour: float | None
    """What the budget that limits it refills by, notional; None where none that refills does."""


def not_worth(part: Part) -> str | None:
    """Return why a part is left, in words; None where it pays."""
    left = part.distance - part.size
    if part.distance**2 - left**2 < part.band**2:
        return (
            f"{delta_text(part.size)} of {delta_text(part.distance)} takes away less risk than a "
            f"trade from the edge of a band of {delta_text(part.band)}"
        )
    notional_usd, worth_usd = part.size * part.spot_usd, part.gas_usd / GAS_SHARE
    if part.refill_usd_per_hour is None or notional_usd >= worth_usd:
        return None
    hours = (worth_usd - notional_usd) / part.refill_usd_per_hour if part.refill_usd_per_hour > 0.0 else math.inf
    when = f"in about {hours:.2g} h" if math.isfinite(hours) else "when the budget is raised"
    return (
        f"gas of ${part.gas_usd:,.2f} is more than {GAS_SHARE:.0%} of the ${notional_usd:,.0f} that the budget allows; "
        f"${worth_usd:,.0f} are there {when}"
    )
