r"""Whether a part of a trade is worth its transaction, where bounds do not let the whole through.

A trade that brings the worst case inside the chain's band is not asked. A part of one takes away risk too, but costs a
whole transaction each time, and where a budget refills by the second there is always a part to trade:

- It must do as much as a trade from the edge of a band. Risk grows with the square of the net delta n, and at the edge
  B of its own band the policy finds a trade to neutral just worth its cost. So a part x is worth it from
  n^2 - (n - x)^2 >= B^2 on, B the narrower of the policy's band and the chain's: no other risk aversion is needed.
- Where waiting makes the part larger, because a budget refills, gas may take at most `GAS_SHARE` of what is traded, or
  the part is as large as the budget gets.

Inside the chain's band the policy asks for the whole, and has weighed its cost: of a part only the second is asked.
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
    """A budget as the turnover that it allows, USD: what it refills by, above 0, and what it holds when it is full."""

    usd_per_hour: float
    capacity_usd: float


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a trade, underlying units and USD."""

    size: float
    """Absolute size, toward neutral."""
    whole: float
    """What is wanted."""
    gas_usd: float
    spot_usd: float
    refill: Refill | None
    """The budget that limits it; None where waiting does not help."""


def less_than_an_edge(part: Part, distance: float, band: float) -> str | None:
    """Return why a part that stays outside the chain's band takes away too little risk, in words; None where it pays.

    ``distance``: absolute net delta before it. ``band``: the narrower of the chain's band and half of the width of the
    policy's own.
    """
    left = distance - part.size
    if distance**2 - left**2 >= band**2:
        return None
    return f"{delta_text(part.size)} of {delta_text(distance)} {TOO_LITTLE_RISK} of {delta_text(band)}"


def too_early(part: Part) -> str | None:
    """Return why a part waits for its budget, in words; None where waiting does not pay."""
    if part.refill is None:
        return None
    notional_usd = part.size * part.spot_usd
    worth_usd = min(part.gas_usd / GAS_SHARE, _FULL * part.refill.capacity_usd, part.whole * part.spot_usd)
    if notional_usd >= worth_usd:
        return None
    hours = (worth_usd - notional_usd) / part.refill.usd_per_hour
    return (
        f"gas of ${part.gas_usd:,.2f} {TOO_MUCH_GAS} the ${notional_usd:,.0f} that the budget allows; "
        f"${worth_usd:,.0f} are there in about {hours:.2g} h"
    )
