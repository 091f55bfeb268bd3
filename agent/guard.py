"""Mirror of ``contracts/libraries/GuardRules.sol``, integer for integer.

`evaluate` repeats the chain's rules in the chain's order with the chain's rounding; both run the vectors of
``tests/vectors/guard``. What is measured rounds up, what is allowed rounds down. Every number is WAD unless its name
says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from agent.budgets import Available, available, settled
from agent.domain import Bounds, Budget, Fill, Measurement, Snapshot, Usage, VenueMeasurement
from agent.errors import RejectedError
from agent.order_ends import ORDER_BESIDE_ORDER, ORDER_NOT_COUNTED, OrderEnds, with_order
from agent.result_track import advance, is_tripped
from agent.rounding import mul_div_down, mul_div_up, share
from agent.units import BPS, WAD, Seconds, Wad


class GuardError(StrEnum):
    """Errors of ``IRebalanceGuard.check``, by their Solidity names, in the order in which the rules are judged."""

    COOLDOWN_ACTIVE = "CooldownActive"
    VENUE_NOT_ANSWERING = "VenueNotAnswering"
    SIZE_DELTA_EXCEEDED = "SizeDeltaExceeded"
    SLIPPAGE_EXCEEDED = "SlippageExceeded"
    FEE_EXCEEDED = "FeeExceeded"
    ORDER_BESIDE_ORDER = ORDER_BESIDE_ORDER
    ORDER_NOT_COUNTED = ORDER_NOT_COUNTED
    NOTIONAL_EXCEEDED = "NotionalExceeded"
    TURNOVER_EXCEEDED = "TurnoverExceeded"
    POSITION_NOT_SHRINKING = "PositionNotShrinking"
    NET_DELTA_EXCEEDED = "NetDeltaExceeded"
    NOTIONAL_TOO_SMALL = "NotionalTooSmall"
    GROSS_NOTIONAL_EXCEEDED = "GrossNotionalExceeded"
    VENUE_CAP_EXCEEDED = "VenueCapExceeded"
    VENUE_LEVERAGE_EXCEEDED = "VenueLeverageExceeded"
    LEVERAGE_EXCEEDED = "LeverageExceeded"
    IDLE_BELOW_FLOOR = "IdleBelowFloor"
    NAV_LOSS_EXCEEDED = "NavLossExceeded"
    LOSS_BUDGET_EXCEEDED = "LossBudgetExceeded"


UINT256_MAX = 2**256 - 1
"""What the chain reports for a leverage that has no finite value."""
MAX_BAND_NAV_BPS = 2_500
"""Most of NAV that the band may be worth, whatever the governor sets."""
RELIEF_FLOOR_BPS = 7_500
"""A position cut because of its leverage keeps at least this part of the leverage allowed."""


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

    The venue's judged price moved by ``max_slippage_bps`` against the vault, rounded toward that price.
    """
    if size_delta > 0:
        return Wad(mul_div_down(price, BPS + max_slippage_bps, BPS))
    return Wad(mul_div_up(price, BPS - max_slippage_bps, BPS))


def fill_notional(size_delta: int, execution_price: int) -> Wad:
    """Return traded notional, USD, rounded up."""
    return Wad(mul_div_up(abs(size_delta), execution_price, WAD))


def judged_notional(fill: Fill, price: int) -> Wad:
    """Return the notional that a fill is counted at, USD: an order at what it may come to, a sale above its floor."""
    return fill_notional(fill.size_delta, max(fill.execution_price, price) if fill.is_pending else fill.execution_price)


def fee_limit(bounds: Bounds, notional: int) -> int:
    """Return the highest fee that a judged notional may cost, USD."""
    return share(notional, bounds.max_fee_bps)


def leverage(notional: int, equity: int) -> int:
    """Return ``notional`` over ``equity`` as a WAD ratio rounded up; the largest uint256 when no equity backs it."""
    if notional == 0:
        return 0
    return mul_div_up(notional, WAD, equity) if equity > 0 else UINT256_MAX


def venue_leverage(venue: VenueMeasurement) -> int:
    """Return notional over lowest equity of one venue, WAD ratio."""
    return leverage(venue.notional, venue.equity_low)


def gross_notional(measurement: Measurement) -> Wad:
    """Return the notional of all venues together, not netted, USD."""
    return Wad(sum(venue.notional for venue in measurement.venues))


def effective_band(bounds: Bounds, firm_nav: int, price: int) -> Wad:
    """Return the band in force: the governed one, as far as it is worth at most a quarter of NAV; 0 without a price."""
    if price == 0:
        return Wad(0)
    return Wad(min(bounds.band, mul_div_down(share(firm_nav, MAX_BAND_NAV_BPS), WAD, price)))


# --- what a snapshot leaves -----------------------------------------------------------------------------------------


def is_urgent(snapshot: Snapshot) -> bool:
    """Return whether the worst case waives the cooldown and opens the reserve."""
    return worst_net_delta(snapshot.measurement) >= snapshot.bounds.urgent_delta


def budget_left(snapshot: Snapshot) -> Available:
    """Return what the keeper may trade and lose now, USD; raises as `agent.budgets.settled` does."""
    firm_nav, timestamp = snapshot.measurement.firm_nav, snapshot.block.timestamp
    return available(snapshot.bounds, snapshot.usage, firm_nav, timestamp, is_urgent=is_urgent(snapshot))


def band_now(snapshot: Snapshot) -> Wad:
    """Return the band in force, underlying units."""
    measurement = snapshot.measurement
    return effective_band(snapshot.bounds, measurement.firm_nav, measurement.price)


def shrinking_alone(snapshot: Snapshot) -> tuple[bool, ...]:
    """Return of each venue whether its position may only shrink: closing, reduce-only, or the breaker has tripped."""
    measured, bounds = snapshot.measurement, snapshot.bounds
    all_of_them = measured.is_reduce_only or is_tripped(
        snapshot.usage.track, measured, bounds.max_drawdown_bps, snapshot.block.timestamp
    )
    return tuple(all_of_them or venue.is_closing for venue in measured.venues)


# --- the rules ----------------------------------------------------------------------------------------------------


def evaluate(
    bounds: Bounds, usage: Usage, before: Measurement, fills: Sequence[Fill], after: Measurement, timestamp: Seconds
) -> Usage:
    """Judge a rebalance as ``GuardRules.evaluate`` would and return the usage it would store.

    Parameters
    ----------
    bounds, usage
        In force when the rebalance starts.
    before, after
        The vault's measurement on both sides of the execution.
    fills
        What each trading leg did; empty when only margin moved: then the rules on caps, leverage, idle and losses judge
        alone.
    timestamp
        Of the block, Unix seconds.

    Raises
    ------
    RejectedError
        The first rule broken, with the Solidity error's name and its arguments by parameter name.
    DataError
        ``timestamp`` lies before a budget's last update.

    Notes
    -----
    Python's integers are unbounded: numbers whose products leave 256 bits, and budgets that leave their slot, panic on
    chain and are accepted or rejected here by value alone.

    """
    case = _Case(bounds, usage, before, tuple(fills), after, timestamp)
    notional = case.judge_trade() if fills else 0
    case.require_under_caps()
    case.require_leverage()
    case.require_idle()
    loss = case.judge_loss()
    return Usage(
        all=case.spent(usage.all, BPS, notional, loss),
        own=case.spent(usage.own, bounds.keeper_share_bps, notional, loss),
        track=advance(usage.track, before, after, timestamp),
    )


def require_leverage(bounds: Bounds, before: Measurement, after: Measurement) -> None:
    """Raise where a leverage lies above its bound, unless the rebalance raised neither it nor the position."""
    for index, (old, new) in enumerate(zip(before.venues, after.venues, strict=True)):
        ratio = venue_leverage(new)
        if ratio <= bounds.max_venue_leverage:
            continue
        if ratio > venue_leverage(old) or new.notional > old.notional:
            raise RejectedError(
                GuardError.VENUE_LEVERAGE_EXCEEDED,
                {"venueIndex": index, "leverage": ratio, "maxLeverage": bounds.max_venue_leverage},
            )
    gross, gross_before = gross_notional(after), gross_notional(before)
    total = leverage(gross, min(before.firm_nav, after.firm_nav))
    if total > bounds.max_leverage and (gross > gross_before or total > leverage(gross_before, before.firm_nav)):
        raise RejectedError(GuardError.LEVERAGE_EXCEEDED, {"leverage": total, "maxLeverage": bounds.max_leverage})


class _Case:
    """One rebalance under judgement; each rule is one method."""

    def __init__(
        self,
        bounds: Bounds,
        usage: Usage,
        before: Measurement,
        fills: tuple[Fill, ...],
        after: Measurement,
        timestamp: Seconds,
    ) -> None:
        self.bounds, self.usage, self.timestamp = bounds, usage, timestamp
        self.before, self.fills, self.after = before, fills, after
        self.firm_nav = min(before.firm_nav, after.firm_nav)
        self.worst_before, self.worst_after = worst_net_delta(before), worst_net_delta(after)
        self.band = effective_band(bounds, self.firm_nav, before.price)
        self.is_urgent = bool(fills) and self.worst_before >= bounds.urgent_delta
        self.ends = OrderEnds(after, after)
        self.is_closing_only = self._is_closing_only()
        self.is_tripped = bool(fills) and is_tripped(usage.track, before, bounds.max_drawdown_bps, timestamp)

    @property
    def pairs(self) -> list[tuple[VenueMeasurement, VenueMeasurement]]:
        """Each venue before and after."""
        return list(zip(self.before.venues, self.after.venues, strict=True))

    @property
    def lag(self) -> int:
        """What the fills can have lost at a true price inside the range, beside what they lost at the price judged."""
        total = 0
        for fill in self.fills:
            venue = self.before.venues[fill.venue_index]
            width = venue.price - venue.price_low if fill.size_delta > 0 else venue.price_high - venue.price
            total += fill_notional(fill.size_delta, width)
        return total

    def judge_trade(self) -> int:
        """Judge what only a trade is judged by, and return its notional."""
        self._require_cooled_down()
        notional = self._judge_fills()
        self.worst_filled = worst_net_delta(self.ends.filled)
        if not self.is_closing_only:
            self._require_turnover(notional)
        self._require_shrinking()
        self._require_less_exposure()
        self._require_worthwhile(notional)
        self._require_gross()
        return notional

    def _is_closing_only(self) -> bool:
        """Return whether positions only moved toward 0, by each fill: what was rationed when it was opened."""
        if not all(_is_shrunk(old, new) for old, new in self.pairs):
            return False
        sizes = [self.before.venues[fill.venue_index].size_low for fill in self.fills]
        return not any(
            fill.size_delta and (fill.size_delta > 0) == (size >= 0)
            for fill, size in zip(self.fills, sizes, strict=True)
        )

    def _require_turnover(self, notional: int) -> None:
        left = available(self.bounds, self.usage, self.firm_nav, self.timestamp, is_urgent=self.is_urgent).turnover
        if notional > left:
            raise RejectedError(GuardError.TURNOVER_EXCEEDED, {"notional": notional, "turnoverAvailable": left})

    def _require_cooled_down(self) -> None:
        last_trade_at = self.usage.own.last_trade_at
        ready_at = last_trade_at + self.bounds.cooldown_seconds
        if last_trade_at == 0 or self.is_urgent or self.timestamp >= ready_at:
            return
        raise RejectedError(GuardError.COOLDOWN_ACTIVE, {"timestamp": self.timestamp, "readyAt": ready_at})

    def _judge_fills(self) -> int:
        """Judge size, price and fee of each fill in order, then their notional together."""
        bounds, total = self.bounds, 0
        for fill in self.fills:
            if self.after.venues[fill.venue_index].is_silent:
                raise RejectedError(GuardError.VENUE_NOT_ANSWERING, {"venueIndex": fill.venue_index})
            size = abs(fill.size_delta)
            if size > bounds.max_size_delta:
                raise RejectedError(
                    GuardError.SIZE_DELTA_EXCEEDED, {"sizeDelta": size, "maxSizeDelta": bounds.max_size_delta}
                )
            price = self.before.venues[fill.venue_index].price
            limit = limit_price(price, fill.size_delta, bounds.max_slippage_bps)
            is_worse = fill.execution_price > limit if fill.size_delta > 0 else fill.execution_price < limit
            if is_worse:
                raise RejectedError(
                    GuardError.SLIPPAGE_EXCEEDED, {"executionPrice": fill.execution_price, "limitPrice": limit}
                )
            notional = judged_notional(fill, price)
            max_fee = fee_limit(bounds, notional)
            if fill.fee > max_fee:
                raise RejectedError(GuardError.FEE_EXCEEDED, {"fee": fill.fee, "maxFee": max_fee})
            total += notional
            if fill.is_pending:
                self.ends = with_order(self.ends, self.before, self.fills, fill, self.after)
        if total > bounds.max_notional:
            raise RejectedError(GuardError.NOTIONAL_EXCEEDED, {"notional": total, "maxNotional": bounds.max_notional})
        return total

    def _require_shrinking(self) -> None:
        """Raise where only reductions are allowed and a position does not move toward 0, or moves past it."""
        for index, (old, new) in enumerate(self.pairs):
            if not (self.is_tripped or old.is_closing or self.before.is_reduce_only):
                continue
            if not _is_shrunk(old, new):
                raise RejectedError(
                    GuardError.POSITION_NOT_SHRINKING,
                    {"venueIndex": index, "sizeLow": new.size_low, "sizeHigh": new.size_high},
                )

    def _require_less_exposure(self) -> None:
        """Raise where the worst case grows beyond the band, but for what was closed where margin is at stake.

        An order has to improve the worst case by what it does once filled, and may leave it as it was until then.
        """
        allowed = max(self.band, self.worst_before - self.bounds.min_improvement)
        waiting = max(self.band, self.worst_before) if self.ends.has_orders else allowed
        relief = sum(
            max(largest_size(old) - largest_size(new), 0)
            for old, new in zip(self.before.venues, self.ends.filled.venues, strict=True)
            if self.is_tripped or old.is_closing or (self._is_deleveraged(old, new) and self._is_short_of_margin())
        )
        is_inside = self.worst_filled <= allowed and self.worst_after <= waiting
        if relief and not is_inside:
            allowed = max(allowed, self.worst_before + relief)
            waiting = max(waiting, allowed)
        for worst, limit in ((self.worst_filled, allowed), (self.worst_after, waiting)):
            if worst > limit:
                raise RejectedError(GuardError.NET_DELTA_EXCEEDED, {"worstNetDelta": worst, "maxAbsDelta": limit})

    def _is_short_of_margin(self) -> bool:
        """Return whether what the vault has, but for the idle floor, or its venues may hold would not do."""
        margin = min(
            share(self.firm_nav, BPS - self.bounds.idle_floor_bps), sum(venue.cap for venue in self.before.venues)
        )
        return leverage(gross_notional(self.before), margin) > self.bounds.max_venue_leverage

    def _is_deleveraged(self, old: VenueMeasurement, new: VenueMeasurement) -> bool:
        """Return whether margin was at stake and no more was cut than what brings the leverage inside."""
        limit = self.bounds.max_venue_leverage
        return venue_leverage(old) > limit and venue_leverage(new) >= share(limit, RELIEF_FLOOR_BPS)

    def _require_worthwhile(self, notional: int) -> None:
        """Raise for a trade too small to matter: it would still start the cooldown, for nothing."""
        enters_band = self.worst_before > self.band and self.worst_filled <= self.band
        closes = any(
            largest_size(self.before.venues[fill.venue_index]) != 0
            and largest_size(self.ends.filled.venues[fill.venue_index]) == 0
            for fill in self.fills
        )
        if notional < self.bounds.min_notional and not enters_band and not closes:
            raise RejectedError(
                GuardError.NOTIONAL_TOO_SMALL, {"notional": notional, "minNotional": self.bounds.min_notional}
            )

    def _require_gross(self) -> None:
        gross, limit = gross_notional(self.after), self.bounds.max_gross_notional
        if gross > limit and gross > gross_notional(self.before):
            raise RejectedError(GuardError.GROSS_NOTIONAL_EXCEEDED, {"grossNotional": gross, "maxGrossNotional": limit})

    def require_leverage(self) -> None:
        """Judge each end as a rebalance of its own; and what fills may not meet what does not."""
        require_leverage(self.bounds, self.before, self.ends.unfilled)
        if not self.ends.has_orders:
            return
        require_leverage(self.bounds, self.before, self.ends.filled)
        gross = gross_notional(self.after)
        ratio = leverage(gross, min(self.before.firm_nav, self.ends.filled.firm_nav))
        if ratio > self.bounds.max_leverage and gross > gross_notional(self.before):
            raise RejectedError(
                GuardError.LEVERAGE_EXCEEDED, {"leverage": ratio, "maxLeverage": self.bounds.max_leverage}
            )

    def require_under_caps(self) -> None:
        """Raise where margin leads above a venue's cap; profits may."""
        for index, (old, new) in enumerate(self.pairs):
            equity = max(new.equity, 0)
            if equity > new.cap and equity > max(old.equity, 0):
                raise RejectedError(
                    GuardError.VENUE_CAP_EXCEEDED, {"venueIndex": index, "equity": equity, "cap": new.cap}
                )

    def require_idle(self) -> None:
        """Raise where margin moves leave less idle than exits are promised."""
        floor, idle = share(self.firm_nav, self.bounds.idle_floor_bps), self.after.idle
        # What the queue waits for can hide all that there is: so what moved counts as well as what is left free.
        is_lowered = idle < self.before.idle or _in_vault(self.after) < _in_vault(self.before)
        if is_lowered and idle < floor:
            raise RejectedError(GuardError.IDLE_BELOW_FLOOR, {"idle": idle, "floor": floor})

    def judge_loss(self) -> int:
        """Return what the rebalance may have cost at any price inside the range."""
        nav, nav_after = self.before.nav + self.ends.cost, self.after.nav
        fall, max_fall = max(nav - nav_after, 0), share(self.before.nav, self.bounds.max_nav_loss_bps)
        if fall > max_fall:
            raise RejectedError(GuardError.NAV_LOSS_EXCEEDED, {"loss": fall, "maxLoss": max_fall})
        loss = max(nav + self.lag - nav_after, 0)
        left = available(self.bounds, self.usage, self.firm_nav, self.timestamp, is_urgent=self.is_urgent).loss
        if loss > left:
            raise RejectedError(GuardError.LOSS_BUDGET_EXCEEDED, {"loss": loss, "lossAvailable": left})
        return loss

    def spent(self, budget: Budget, share_bps: int, notional: int, loss: int) -> Budget:
        """Return a budget with this rebalance booked; a loss as the part of NAV that it is, rounded up."""
        turnover_used, loss_used = settled(self.bounds, budget, share_bps, self.timestamp)
        if loss:
            loss_used = Wad(loss_used + mul_div_up(loss, WAD, self.firm_nav))
        turnover = 0 if self.is_closing_only else notional
        last_trade_at = self.timestamp if notional else budget.last_trade_at
        return Budget(Wad(turnover_used + turnover), loss_used, self.timestamp, last_trade_at)


def _is_shrunk(old: VenueMeasurement, new: VenueMeasurement) -> bool:
    """Return whether a position moved toward 0 and not past it, or not at all."""
    return new.size_low >= min(0, old.size_low) and new.size_high <= max(0, old.size_high)


def _in_vault(measurement: Measurement) -> int:
    """Return the collateral in the vault, asked back or not, USD."""
    return max(measurement.nav - sum(max(venue.equity, 0) for venue in measurement.venues), 0)


def largest_size(venue: VenueMeasurement) -> Wad:
    """Return the largest absolute size that pending orders can leave, underlying units."""
    return Wad(max(abs(venue.size_low), abs(venue.size_high)))
