"""Mirror of ``contracts/libraries/GuardRules.sol``, integer for integer, and the measurement it would judge.

`evaluate` repeats the chain's rules in the chain's order with the chain's rounding; both run the vectors of
``tests/vectors/guard``. `predict` foresees what the vault would measure after a rebalance, rounded against the vault.
Every number is WAD unless its name says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from agent.domain import Bounds, Budget, Fill, Leg, Measurement, Snapshot, VenueMeasurement, VenueSnapshot
from agent.errors import DataError, RejectedError
from agent.units import BPS, SECONDS_PER_DAY, WAD, Seconds, Wad, asset_units_to_wad


class GuardError(StrEnum):
    """Errors of ``IRebalanceGuard.check``, by their Solidity names, in the order in which the rules are judged."""

    COOLDOWN_ACTIVE = "CooldownActive"
    SIZE_DELTA_EXCEEDED = "SizeDeltaExceeded"
    SLIPPAGE_EXCEEDED = "SlippageExceeded"
    FEE_EXCEEDED = "FeeExceeded"
    NOTIONAL_EXCEEDED = "NotionalExceeded"
    TURNOVER_EXCEEDED = "TurnoverExceeded"
    NET_DELTA_EXCEEDED = "NetDeltaExceeded"
    VENUE_LEVERAGE_EXCEEDED = "VenueLeverageExceeded"
    LEVERAGE_EXCEEDED = "LeverageExceeded"
    NAV_LOSS_EXCEEDED = "NavLossExceeded"


UINT256_MAX = 2**256 - 1
"""What the chain reports for a leverage that has no finite value."""


def mul_div_down(x: int, y: int, denominator: int) -> int:
    """Return ``x * y / denominator`` rounded toward minus infinity (toward 0 for the chain's unsigned numbers)."""
    return x * y // denominator


def mul_div_up(x: int, y: int, denominator: int) -> int:
    """Return ``x * y / denominator`` rounded toward plus infinity."""
    return -(-x * y // denominator)


# --- what is judged -----------------------------------------------------------------------------------------------


def net_delta_interval(measurement: Measurement) -> tuple[Wad, Wad]:
    """Return the interval that is certain to hold book delta plus hedge, pending orders at their worst case."""
    hedge_low = sum(venue.size_low for venue in measurement.venues)
    hedge_high = sum(venue.size_high for venue in measurement.venues)
    return Wad(measurement.book_delta_low + hedge_low), Wad(measurement.book_delta_high + hedge_high)


def worst_net_delta(measurement: Measurement) -> Wad:
    """Return W, the largest absolute net delta the interval admits, underlying units."""
    low, high = net_delta_interval(measurement)
    return Wad(max(abs(low), abs(high)))


def limit_price(price: Wad, size_delta: int, max_slippage_bps: int) -> Wad:
    """Return the worst execution price the guard accepts: a ceiling for buys, a floor for sells.

    The oracle price moved by ``max_slippage_bps`` against the vault, rounded toward the oracle price.
    """
    if size_delta > 0:
        return Wad(mul_div_down(price, BPS + max_slippage_bps, BPS))
    return Wad(mul_div_up(price, BPS - max_slippage_bps, BPS))


def fill_notional(size_delta: int, execution_price: int) -> Wad:
    """Return traded notional, USD, rounded up."""
    return Wad(mul_div_up(abs(size_delta), execution_price, WAD))


def turnover_available(bounds: Bounds, budget: Budget, timestamp: Seconds) -> Wad:
    """Return the content of the turnover bucket at ``timestamp``, USD.

    Formula: min(capacity, available + refill per day x elapsed / 86,400), the refill rounded down.

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
    refill = mul_div_down(bounds.turnover_refill_per_day, elapsed, SECONDS_PER_DAY)
    return Wad(min(bounds.turnover_capacity, budget.turnover_available + refill))


def max_daily_execution_loss(bounds: Bounds) -> Wad:
    """Return the most that the keeper's key can lose against the oracle price in 24 hours, USD, rounded up.

    Formula: (capacity + refill of a day) x (s / (1 - s) + f), s the slippage and f the fee allowed. Notional is counted
    at the execution price: a sale at the floor loses s / (1 - s) of what it uses up. ``maxDailyExecutionLoss``.
    """
    turnover = bounds.turnover_capacity + bounds.turnover_refill_per_day
    slippage_loss = mul_div_up(turnover, bounds.max_slippage_bps, BPS - bounds.max_slippage_bps)
    return Wad(slippage_loss + mul_div_up(turnover, bounds.max_fee_bps, BPS))


def leverage(notional: int, equity: int) -> int:
    """Return ``notional`` over ``equity`` as a WAD ratio rounded up; the largest uint256 when no equity backs it."""
    if notional == 0:
        return 0
    return mul_div_up(notional, WAD, equity) if equity > 0 else UINT256_MAX


# --- the rules ----------------------------------------------------------------------------------------------------


def evaluate(
    bounds: Bounds, budget: Budget, before: Measurement, fills: Sequence[Fill], after: Measurement, timestamp: Seconds
) -> Budget:
    """Judge a rebalance as ``GuardRules.evaluate`` would and return the budget it would store.

    Parameters
    ----------
    bounds, budget
        In force when the rebalance starts.
    before, after
        The vault's measurement on both sides of the execution.
    fills
        What each trading leg did; empty when only margin moved, which only the leverage and loss rules judge.
    timestamp
        Of the block, Unix seconds.

    Raises
    ------
    RejectedError
        The first rule broken, with the Solidity error's name and its arguments by parameter name.

    Notes
    -----
    Python's integers are unbounded: numbers whose products leave 256 bits panic on chain and are accepted or rejected
    here by value alone.

    """
    new_budget = budget
    if fills:
        _require_cooled_down(bounds, budget, before, timestamp)
        notional = _traded_notional(bounds, before.price, fills)
        new_budget = _spend_turnover(bounds, budget, notional, timestamp)
        _require_less_exposure(bounds, before, after)
    _require_leverage(bounds, after)
    _require_small_loss(bounds, before, after)
    return new_budget


def _require_cooled_down(bounds: Bounds, budget: Budget, before: Measurement, timestamp: Seconds) -> None:
    ready_at = budget.last_trade_at + bounds.cooldown_seconds
    if budget.last_trade_at == 0 or timestamp >= ready_at or worst_net_delta(before) >= bounds.urgent_delta:
        return
    raise RejectedError(GuardError.COOLDOWN_ACTIVE, {"timestamp": timestamp, "readyAt": ready_at})


def _traded_notional(bounds: Bounds, price: Wad, fills: Sequence[Fill]) -> int:
    """Judge size, price and fee of each fill in order, then their notional together."""
    total = 0
    for fill in fills:
        size = abs(fill.size_delta)
        if size > bounds.max_size_delta:
            raise RejectedError(
                GuardError.SIZE_DELTA_EXCEEDED, {"sizeDelta": size, "maxSizeDelta": bounds.max_size_delta}
            )
        limit = limit_price(price, fill.size_delta, bounds.max_slippage_bps)
        is_worse = fill.execution_price > limit if fill.size_delta > 0 else fill.execution_price < limit
        if is_worse:
            raise RejectedError(
                GuardError.SLIPPAGE_EXCEEDED, {"executionPrice": fill.execution_price, "limitPrice": limit}
            )
        notional = fill_notional(fill.size_delta, fill.execution_price)
        max_fee = mul_div_down(notional, bounds.max_fee_bps, BPS)
        if fill.fee > max_fee:
            raise RejectedError(GuardError.FEE_EXCEEDED, {"fee": fill.fee, "maxFee": max_fee})
        total += notional
    if total > bounds.max_notional:
        raise RejectedError(GuardError.NOTIONAL_EXCEEDED, {"notional": total, "maxNotional": bounds.max_notional})
    return total


def _spend_turnover(bounds: Bounds, budget: Budget, notional: int, timestamp: Seconds) -> Budget:
    available = turnover_available(bounds, budget, timestamp)
    if notional > available:
        raise RejectedError(GuardError.TURNOVER_EXCEEDED, {"notional": notional, "turnoverAvailable": available})
    return Budget(Wad(available - notional), timestamp, timestamp)


def _require_less_exposure(bounds: Bounds, before: Measurement, after: Measurement) -> None:
    allowed = max(bounds.band, worst_net_delta(before) - bounds.min_improvement)
    worst = worst_net_delta(after)
    if worst > allowed:
        raise RejectedError(GuardError.NET_DELTA_EXCEEDED, {"worstNetDelta": worst, "maxAbsDelta": allowed})


def _require_leverage(bounds: Bounds, after: Measurement) -> None:
    total = 0
    for index, venue in enumerate(after.venues):
        ratio = leverage(venue.notional, venue.equity_low)
        if ratio > bounds.max_venue_leverage:
            raise RejectedError(
                GuardError.VENUE_LEVERAGE_EXCEEDED,
                {"venueIndex": index, "leverage": ratio, "maxLeverage": bounds.max_venue_leverage},
            )
        total += venue.notional
    ratio = leverage(total, after.nav_low)
    if ratio > bounds.max_leverage:
        raise RejectedError(GuardError.LEVERAGE_EXCEEDED, {"leverage": ratio, "maxLeverage": bounds.max_leverage})


def _require_small_loss(bounds: Bounds, before: Measurement, after: Measurement) -> None:
    max_loss = mul_div_down(before.nav_low, bounds.max_nav_loss_bps, BPS)
    loss = max(before.nav_low - after.nav_low, 0)
    if loss > max_loss:
        raise RejectedError(GuardError.NAV_LOSS_EXCEEDED, {"loss": loss, "maxLoss": max_loss})


# --- what would be measured ---------------------------------------------------------------------------------------


def predict(snapshot: Snapshot, legs: Sequence[Leg], fills: Sequence[Fill]) -> Measurement:
    """Foresee what the vault would measure after ``legs`` executed as ``fills``.

    Oracle price, book delta, mark and index prices are taken as unchanged: a venue's mark is averaged over time, so a
    trade does not move it within its own block. Equity at a price P grows by margin - fee + size_delta (P - execution
    price) + size (P - price of the old equity); the lower equity is the least of its values at mark and at index,
    rounded down, the higher one the greatest, rounded up.

    Raises
    ------
    DataError
        A leg names a venue the snapshot does not hold.

    """
    margin = _margin_by_venue(snapshot, legs)
    before = snapshot.measurement
    after: list[VenueMeasurement] = []
    low_change = high_change = 0
    for index, (measured, venue) in enumerate(zip(before.venues, snapshot.venues, strict=True)):
        venue_fills = [fill for fill in fills if fill.venue_index == index]
        if margin[index] == 0 and not venue_fills:
            after.append(measured)
            continue
        new = _after_venue(before.price, measured, venue, margin[index], venue_fills)
        low_change += max(new.equity_low, 0) - max(measured.equity_low, 0)
        high_change += max(new.equity_high, 0) - max(measured.equity_high, 0)
        after.append(new)
    moved = sum(margin)
    return Measurement(
        price=before.price,
        book_delta_low=before.book_delta_low,
        book_delta_high=before.book_delta_high,
        nav_low=Wad(max(before.nav_low + low_change - moved, 0)),
        nav_high=Wad(max(before.nav_high + high_change - moved, 0)),
        venues=tuple(after),
    )


def _margin_by_venue(snapshot: Snapshot, legs: Sequence[Leg]) -> list[int]:
    if not legs:
        return [0] * len(snapshot.venues)
    indices = {venue.address: index for index, venue in enumerate(snapshot.venues)}
    margin = [0] * len(snapshot.venues)
    for leg in legs:
        if leg.venue not in indices:
            raise DataError(f"leg names venue {leg.venue}, which the vault has not registered")
        margin[indices[leg.venue]] += asset_units_to_wad(leg.margin_delta, snapshot.asset_decimals)
    return margin


def _after_venue(
    price: Wad, before: VenueMeasurement, venue: VenueSnapshot, margin: int, fills: Sequence[Fill]
) -> VenueMeasurement:
    size_delta = fee = paid = 0
    for fill in fills:
        size_delta += fill.size_delta
        fee += fill.fee
        paid += fill.size_delta * fill.execution_price
    size_low, size_high = before.size_low + size_delta, before.size_high + size_delta
    # Worth of the position at mark and at index, less its worth where the old equity is, less what is paid.
    low_price, high_price = venue.mark_price, venue.index_price
    if venue.size * (venue.mark_price - venue.index_price) > 0:
        low_price, high_price = high_price, low_price
    at_mark, at_index = ((venue.size + size_delta) * at for at in (venue.mark_price, venue.index_price))
    low_change = min(at_mark, at_index) - venue.size * low_price - paid
    high_change = max(at_mark, at_index) - venue.size * high_price - paid
    return VenueMeasurement(
        size_low=Wad(size_low),
        size_high=Wad(size_high),
        notional=fill_notional(max(abs(size_low), abs(size_high)), price),
        equity_low=Wad(before.equity_low + margin - fee + low_change // WAD),
        equity_high=Wad(before.equity_high + margin - fee - (-high_change // WAD)),
    )
