"""Mirror of the guard's budgets, integer for integer: what keepers may still trade and lose, and the loss that bounds.

Budgets count what is used and fall back to 0 linearly in time: turnover in USD, losses as parts of NAV, so that what is
left follows NAV up and down. Every number is WAD unless its name says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.domain import Bounds, Budget, Measurement, Usage
from agent.errors import DataError
from agent.rounding import mul_div_down, mul_div_up, share
from agent.units import BPS, SECONDS_PER_DAY, WAD, Seconds, Wad

_BPS_IN_WAD = WAD // BPS


def settled(bounds: Bounds, budget: Budget, share_bps: int, timestamp: Seconds) -> tuple[Wad, Wad]:
    """Return what is still used at ``timestamp``: turnover in USD, loss as a part of NAV.

    The refill is linear in time and rounded down.

    Parameters
    ----------
    bounds, budget
        Bounds in force, and what was used at the budget's last update.
    share_bps
        Part of the refill that this budget gets, 1e-4: all of it for all keepers together.
    timestamp
        Unix seconds.

    Raises
    ------
    DataError
        ``timestamp`` lies before the budget's last update.

    """
    elapsed = timestamp - budget.updated_at
    if elapsed < 0:
        raise DataError(
            f"timestamp {timestamp} lies before the guard's budget of {budget.updated_at}; read both at one block"
        )
    turnover_per_day = share(bounds.turnover_refill_per_day, share_bps)
    loss_per_day = share(bounds.loss_refill_bps_per_day * _BPS_IN_WAD, share_bps)
    turnover_refill = mul_div_down(turnover_per_day, elapsed, SECONDS_PER_DAY)
    loss_refill = mul_div_down(loss_per_day, elapsed, SECONDS_PER_DAY)
    return Wad(max(budget.turnover_used - turnover_refill, 0)), Wad(max(budget.loss_used - loss_refill, 0))


@dataclass(frozen=True, slots=True)
class Available:
    """What a keeper may still trade and lose, USD."""

    turnover: Wad
    loss: Wad


def available(bounds: Bounds, usage: Usage, firm_nav: int, timestamp: Seconds, *, is_urgent: bool) -> Available:
    """Return what a keeper may still trade and lose: the lesser of its own budget and of all keepers'.

    ``firm_nav``, USD, is what the loss budget is a part of; ``is_urgent`` admits the reserve of the turnover bucket.
    Raises as `settled` does.
    """
    unreserved = share(bounds.turnover_capacity, BPS - bounds.urgent_reserve_bps)
    capacity = bounds.turnover_capacity if is_urgent else unreserved
    loss_capacity = bounds.loss_capacity_bps * _BPS_IN_WAD
    all_turnover, all_loss = settled(bounds, usage.all, BPS, timestamp)
    own_bps = bounds.keeper_share_bps
    own_turnover, own_loss = settled(bounds, usage.own, own_bps, timestamp)
    loss = min(max(loss_capacity - all_loss, 0), max(share(loss_capacity, own_bps) - own_loss, 0))
    return Available(
        turnover=Wad(min(max(capacity - all_turnover, 0), max(share(capacity, own_bps) - own_turnover, 0))),
        loss=Wad(mul_div_down(loss, firm_nav, WAD)),
    )


@dataclass(frozen=True, slots=True)
class LossBounds:
    """What the vault can lose in any 24 hours while the bounds stand, USD, rounded up.

    At true prices that lie inside the oracle's range, on the NAV and the positions of this moment. ``keeper_key``: by
    one stolen keeper key (slippage, fees, margin moved, trades on a price that lags). ``all_keeper_keys``: by all of
    them. ``funding``: at the venues' own limit, if nobody steps out of the positions held.
    """

    keeper_key: Wad
    all_keeper_keys: Wad
    funding: Wad

    @property
    def total(self) -> Wad:
        """All keeper keys and funding together."""
        return Wad(self.all_keeper_keys + self.funding)


def loss_of_keys(bounds: Bounds, nav: int) -> tuple[Wad, Wad]:
    """Return the most that one stolen keeper key, and all of them, can lose of ``nav`` in 24 hours, USD, rounded up."""
    all_keys = mul_div_up(nav, bounds.loss_capacity_bps + bounds.loss_refill_bps_per_day, BPS)
    return Wad(mul_div_up(all_keys, bounds.keeper_share_bps, BPS)), Wad(all_keys)


def loss_bounds(bounds: Bounds, measurement: Measurement, max_funding_rates: Sequence[Wad]) -> LossBounds:
    """Return ``RebalanceGuard.lossBounds``: a bucket of capacity C and refill R a day gives at most C + R in 24 hours.

    ``max_funding_rates``: of each venue, ratio of notional per day, in the measurement's order.
    """
    keeper_key, all_keys = loss_of_keys(bounds, measurement.nav)
    rates = zip(measurement.venues, max_funding_rates, strict=True)
    return LossBounds(
        keeper_key=keeper_key,
        all_keeper_keys=all_keys,
        funding=Wad(sum(mul_div_up(venue.notional, rate, WAD) for venue, rate in rates)),
    )
