r"""Where a trade should land that a hard limit forces, before the policy itself would trade.

Under a hard limit B on the net delta, narrower than the policy's own band, the net delta diffuses between trades with
variance rate v. A trade at B that lands at l costs F + c (B - l), F fixed and c per unit, and buys an expected time
(B^2 - l^2) / v until B or -B is reached again (exit time of a Brownian motion). Trading cost per time,

    v (F + c (B - l)) / (B^2 - l^2),

is least where c l^2 - 2 (F + c B) l + c B^2 = 0. With f = F / c the root inside the limit is

    l = f + B - sqrt(f (f + 2 B)),

which v has left. F = 0 gives l = B: push back as little as possible. c = 0 gives l = 0: if each trade costs the same,
trade to neutral. Risk between trades, (B^2 + l^2) / 6 on average, would draw the landing further in: the formula is the
farthest out that is worth considering, and it needs no risk aversion, so every policy can share it.

Source: exit time of a Brownian motion, e.g. A. N. Borodin and P. Salminen, "Handbook of Brownian Motion" (2002), 1.3;
the cost per cycle is the renewal-reward argument of (s, S) inventory control.
"""

from __future__ import annotations

import math


def landing_under_limit(limit: float, fixed_cost_usd: float, cost_usd_per_unit: float) -> float:
    """Return the distance from neutral, underlying units, at which a trade forced at ``limit`` should land.

    Parameters
    ----------
    limit
        Largest distance from neutral that is allowed, underlying units, at least 0.
    fixed_cost_usd
        Cost of a trade whatever its size, at least 0.
    cost_usd_per_unit
        Cost per underlying unit traded, at least 0.

    Returns
    -------
    Between 0 and ``limit``.

    """
    if cost_usd_per_unit <= 0.0:
        return 0.0
    fixed_in_units = fixed_cost_usd / cost_usd_per_unit
    root = math.sqrt(fixed_in_units * (fixed_in_units + 2.0 * limit))
    # The difference of two nearly equal numbers where fixed costs rule: multiply out instead.
    return limit * limit / (fixed_in_units + limit + root) if limit > 0.0 else 0.0
