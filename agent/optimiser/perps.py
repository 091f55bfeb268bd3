"""Perps as instruments: a venue's quote ladder as a convex cost that is never better than what the venue quotes.

Between rungs a venue's average price runs linearly in size (`agent.costs.quotes`), so its cost is a parabola that lies
below its chord as long as prices get no better with size. Prices that do are taken as no better than the rung before,
and slopes that fall as no lower than the slope before: both only raise the planned cost.

A trade's worth is the lowest of mark, index and oracle price for a buy, the highest for a sale: a premium against the
trade is a cost; one in its favour is not counted, because it may stand until the hedge is unwound. The guard measures
equity at the lower of mark and index, so that what a plan counts as cost is no less than what the guard calls a loss.
"""

from __future__ import annotations

from agent.checks import require_finite
from agent.costs.quotes import Ladder, Rung, ladder_of, size_within
from agent.domain import Bounds, VenueSnapshot
from agent.errors import DataError
from agent.optimiser.factors import ONE_UNDERLYING
from agent.optimiser.instruments import CostStep, Instrument
from agent.units import BPS, WAD, Wad, from_wad

_ROUNDING_PARTS = 10**12
"""Sizes become floats: one part in so many is kept from a limit, which the chain checks to the last digit."""


def perp_instrument(
    venue: VenueSnapshot,
    oracle_price: Wad,
    bounds: Bounds | None,
    horizon_days: float,
    target_leverage: float,
) -> Instrument:
    """Build the perp of a venue.

    Parameters
    ----------
    venue
        As read at the snapshot's block.
    oracle_price
        The vault's own price.
    bounds
        The guard's: quotes beyond its slippage or fee limit are left out. None takes all.
    horizon_days
        Until the next rebalance; funding runs for so long.
    target_leverage
        At which margin stands behind a position: what a unit ties up is its notional over this.

    Raises
    ------
    DataError
        Malformed quotes, ask below bid, or a number out of its domain.

    """
    if not require_finite(target_leverage, "target_leverage") > 0.0:
        raise DataError(f"target_leverage is {target_leverage}; expected a positive number")
    if not require_finite(horizon_days, "horizon_days") > 0.0:
        raise DataError(f"horizon_days is {horizon_days}; expected a positive number")
    if oracle_price <= 0:
        raise DataError(f"oracle_price is {oracle_price}; expected a positive price")
    asks, bids = ladder_of(venue, is_buy=True), ladder_of(venue, is_buy=False)
    if asks.rungs and bids.rungs and asks.rungs[0].execution_price < bids.rungs[0].execution_price:
        raise DataError(
            f"venue {venue.name}: ask is {from_wad(asks.rungs[0].execution_price)}, below bid "
            f"{from_wad(bids.rungs[0].execution_price)}; drop the crossed quotes"
        )
    highest = max([oracle_price, *(rung.execution_price for rung in (*asks.rungs, *bids.rungs))])
    oracle_usd, notional_usd = from_wad(oracle_price), from_wad(highest)
    margin_usd = notional_usd / target_leverage
    prices = (venue.mark_price, venue.index_price, oracle_price)
    return Instrument(
        name=f"perp {venue.name}",
        venue=venue.name,
        factors=ONE_UNDERLYING,
        fair_usd=oracle_usd,
        notional_usd=notional_usd,
        buys=_steps(asks, min(prices), _allowed(asks, oracle_price, bounds)),
        sells=_steps(bids, max(prices), _allowed(bids, oracle_price, bounds)),
        position=from_wad(venue.size),
        carry_usd_per_unit=from_wad(venue.funding_rate_per_day) * horizon_days * oracle_usd,
        margin_long_usd=margin_usd,
        margin_short_usd=margin_usd,
        counted_delta=1.0,
        is_on_chain=True,
    )


def _allowed(ladder: Ladder, oracle_price: Wad, bounds: Bounds | None) -> int:
    """Return the largest size quoted inside the guard's slippage and fee limits, less more than a float rounds."""
    size = ladder.capacity if bounds is None else _inside_limits(ladder, oracle_price, bounds)
    return size - size // _ROUNDING_PARTS


def _inside_limits(ladder: Ladder, oracle_price: Wad, bounds: Bounds) -> int:
    change = bounds.max_slippage_bps if ladder.is_buy else -bounds.max_slippage_bps
    limit = oracle_price * (BPS + change) // BPS if ladder.is_buy else -(-oracle_price * (BPS + change) // BPS)
    size = size_within(ladder, Wad(limit))
    for rung in ladder.rungs:
        if rung.fee * BPS * WAD > rung.size * rung.execution_price * bounds.max_fee_bps:
            return min(size, _size_before(ladder, rung))
    return size


def _size_before(ladder: Ladder, rung: Rung) -> int:
    at = ladder.rungs.index(rung)
    return ladder.rungs[at - 1].size if at else 0


def _steps(ladder: Ladder, worth: Wad, allowed: int) -> tuple[CostStep, ...]:
    """Return the chords between rungs as steps of rising marginal cost, up to the allowed size."""
    sign = 1 if ladder.is_buy else -1
    steps: list[CostStep] = []
    size = spent = fees = 0
    worst_by, fee_slope, slope = 0, 0.0, 0.0
    for rung in ladder.rungs:
        width = min(rung.size, allowed) - size
        if width <= 0:
            break
        worst_by = max(worst_by, sign * (rung.execution_price - worth))
        impact = from_wad(worst_by * rung.size - spent) / (rung.size - size)
        fee_slope = (rung.fee - fees) / (rung.size - size)
        slope = max(slope, impact + fee_slope)
        fee = min(max(fee_slope, 0.0), slope)
        steps.append(CostStep(from_wad(width), fee, slope - fee))
        size, spent, fees = rung.size, worst_by * rung.size, rung.fee
    return tuple(steps)
