// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IRebalanceGuard} from "../interfaces/IRebalanceGuard.sol";
import {Bounds, Budget, Fill, Measurement, Track, VenueMeasurement} from "../types/Rebalance.sol";
import {ResultTrack} from "./ResultTrack.sol";

/// @notice What a rebalance is judged against beside the bounds, and what it leaves behind.
/// @param all What all keepers together have used.
/// @param own What the keeper at work has used.
/// @param track Result of the hedge.
struct Usage {
    Budget all;
    Budget own;
    Track track;
}

/// @title Rebalance rules, a pure function
/// @notice `agent/guard.py` mirrors this file integer for integer; both run the vectors of tests/vectors/guard. A change
///         here is a change there and a vector.
/// @dev Products stay inside 256 bits: sizes are at most 1e36, prices 1e30 and USD 1e48 in what a venue may answer
///      (`VenueValuation`) and an oracle may say; beyond, they panic, which refuses as well.
///      Rounding: what is measured (notional, leverage, losses) rounds up, what is allowed (limits, refill) rounds down, a
///      floor on a sale rounds up; so a rounding never admits what exact arithmetic would refuse.
library GuardRules {
    using SafeCast for uint256;

    uint256 internal constant WAD = 1e18;
    uint256 internal constant BPS = 10_000;
    uint256 internal constant BPS_IN_WAD = 1e14;

    /// @dev Most of NAV that the band may be worth, whatever the governor sets.
    uint256 internal constant MAX_BAND_NAV_BPS = 2500;

    /// @dev A position cut because of its leverage keeps at least this part of the leverage allowed.
    uint256 internal constant RELIEF_FLOOR_BPS = 7500;

    /// @dev One rebalance under judgement: what comes in, then what the rules find. Where it asked for orders that are yet to
    ///      fill, `afterTrade` holds every outcome at once, and `filled` and `unfilled` the two ends: all of what it asked for
    ///      filled at its limit and highest fee (`orderCost`), and none of it.
    struct Case {
        Bounds bounds;
        Usage usage;
        Measurement beforeTrade;
        Fill[] fills;
        Measurement afterTrade;
        uint256 timestamp;
        uint256 firmNav;
        uint256 band;
        uint256 worstBefore;
        uint256 worstAfter;
        uint256 worstFilled;
        uint256 notional;
        uint256 turnover;
        uint256 lag;
        uint256 turnoverAvailable;
        uint256 lossAvailable;
        bool isUrgent;
        bool isTripped;
        bool hasOrders;
        uint256 orderCost;
        Measurement filled;
        Measurement unfilled;
    }

    // --- what is judged -------------------------------------------------------------------------------------------

    /// @notice W: the largest absolute net delta the book's interval and the hedge's pending orders admit.
    function worstNetDelta(Measurement memory measurement) internal pure returns (uint256) {
        (int256 low, int256 high) = _netDelta(measurement);
        return Math.max(SignedMath.abs(low), SignedMath.abs(high));
    }

    /// @notice W once all that a rebalance asked for has filled; what was pending before it, at its worst.
    function worstOnceFilled(Measurement memory beforeTrade, Fill[] memory fills, Measurement memory afterTrade)
        internal
        pure
        returns (uint256)
    {
        (int256 low, int256 high) = _netDelta(afterTrade);
        for (uint256 i = 0; i < fills.length; ++i) {
            if (!fills[i].isPending) continue;
            uint256 index = fills[i].venueIndex;
            int256 size = beforeTrade.venues[index].sizeLow + fills[i].sizeDelta;
            low += size - afterTrade.venues[index].sizeLow;
            high += size - afterTrade.venues[index].sizeHigh;
        }
        return Math.max(SignedMath.abs(low), SignedMath.abs(high));
    }

    /// @notice Worst execution price accepted: a ceiling for buys, rounded down; a floor for sells, rounded up.
    function limitPrice(uint256 price, int256 sizeDelta, uint256 maxSlippageBps) internal pure returns (uint256) {
        if (sizeDelta > 0) return price * (BPS + maxSlippageBps) / BPS;
        return Math.ceilDiv(price * (BPS - maxSlippageBps), BPS);
    }

    /// @notice Absolute size times price, rounded up.
    function notionalUp(uint256 size, uint256 price) internal pure returns (uint256) {
        return Math.ceilDiv(size * price, WAD);
    }

    /// @notice Notional over equity as a WAD ratio, rounded up; the largest uint256 when no equity backs a position.
    function leverageUp(uint256 notional, uint256 equity) internal pure returns (uint256) {
        if (notional == 0) return 0;
        if (equity == 0) return type(uint256).max;
        return Math.ceilDiv(notional * WAD, equity);
    }

    /// @notice Equity as far as it is worth something: an account under water backs nothing and owes its own holder nothing.
    function floorAtZero(int256 equity) internal pure returns (uint256) {
        return equity > 0 ? uint256(equity) : 0;
    }

    /// @notice The part `bps` of `amount`, rounded down.
    function share(uint256 amount, uint256 bps) internal pure returns (uint256) {
        return amount * bps / BPS;
    }

    /// @notice The band in force: the governed one, as far as it is worth at most a quarter of NAV. 0 without a price.
    function effectiveBand(Bounds memory bounds, uint256 firmNav, uint256 price) internal pure returns (uint256) {
        if (price == 0) return 0;
        return Math.min(bounds.band, share(firmNav, MAX_BAND_NAV_BPS) * WAD / price);
    }

    // --- budgets --------------------------------------------------------------------------------------------------

    /// @notice What is left used at `timestamp`: the refill is linear in time and rounded down.
    /// @param shareBps Part of the refill that this budget gets.
    /// @return turnoverUsed USD.
    /// @return lossUsed Part of NAV, WAD.
    function settled(Bounds memory bounds, Budget memory budget, uint256 shareBps, uint256 timestamp)
        internal
        pure
        returns (uint256 turnoverUsed, uint256 lossUsed)
    {
        uint256 elapsed = timestamp - budget.updatedAt;
        uint256 turnoverPerDay = share(bounds.turnoverRefillPerDay, shareBps);
        uint256 lossPerDay = share(bounds.lossRefillBpsPerDay * BPS_IN_WAD, shareBps);
        turnoverUsed = Math.saturatingSub(budget.turnoverUsed, turnoverPerDay * elapsed / 1 days);
        lossUsed = Math.saturatingSub(budget.lossUsed, lossPerDay * elapsed / 1 days);
    }

    /// @notice What a keeper may still trade and lose at `timestamp`, USD: the lesser of its own budget and of all keepers'.
    /// @param firmNav What the loss budget is a part of, USD.
    /// @param isUrgent Admits the reserve.
    function available(Bounds memory bounds, Usage memory usage, uint256 firmNav, bool isUrgent, uint256 timestamp)
        internal
        pure
        returns (uint256 turnover, uint256 loss)
    {
        uint256 capacity =
            isUrgent ? bounds.turnoverCapacity : share(bounds.turnoverCapacity, BPS - bounds.urgentReserveBps);
        uint256 lossCapacity = bounds.lossCapacityBps * BPS_IN_WAD;
        uint256 keeperShare = bounds.keeperShareBps;
        (uint256 allTurnover, uint256 allLoss) = settled(bounds, usage.all, BPS, timestamp);
        (uint256 ownTurnover, uint256 ownLoss) = settled(bounds, usage.own, keeperShare, timestamp);
        turnover = Math.min(
            Math.saturatingSub(capacity, allTurnover), Math.saturatingSub(share(capacity, keeperShare), ownTurnover)
        );
        loss = Math.min(
            Math.saturatingSub(lossCapacity, allLoss), Math.saturatingSub(share(lossCapacity, keeperShare), ownLoss)
        );
        loss = loss * firmNav / WAD;
    }

    // --- the rules ------------------------------------------------------------------------------------------------

    /// @notice Judges a rebalance and returns what it leaves behind.
    /// @dev Reverts with the first rule broken, in the order `IRebalanceGuard` declares its errors. Without fills only
    ///      margin moved: the rules on leverage, idle and losses judge alone.
    function evaluate(
        Bounds memory bounds,
        Usage memory usage,
        Measurement memory beforeTrade,
        Fill[] memory fills,
        Measurement memory afterTrade,
        uint256 timestamp
    ) internal pure returns (Usage memory next) {
        Case memory c;
        c.bounds = bounds;
        c.usage = usage;
        c.beforeTrade = beforeTrade;
        c.fills = fills;
        c.afterTrade = afterTrade;
        c.timestamp = timestamp;
        c.firmNav = Math.min(beforeTrade.firmNav, afterTrade.firmNav);
        if (fills.length != 0) {
            c.worstBefore = worstNetDelta(beforeTrade);
            c.isUrgent = c.worstBefore >= bounds.urgentDelta;
        }
        (c.turnoverAvailable, c.lossAvailable) = available(bounds, usage, c.firmNav, c.isUrgent, timestamp);
        if (fills.length != 0) _judgeTrade(c);
        _requireUnderCaps(c);
        if (c.hasOrders) _requireLeverageOfOrders(c);
        else requireLeverage(bounds, beforeTrade, afterTrade);
        _requireIdle(c);
        uint256 loss = _judgeLoss(c);
        next.all = _spend(c, usage.all, BPS, loss);
        next.own = _spend(c, usage.own, bounds.keeperShareBps, loss);
        next.track = ResultTrack.advance(usage.track, beforeTrade, afterTrade, timestamp);
    }

    /// @notice A leverage above its bound is accepted only where the rebalance did not raise it, nor the position.
    function requireLeverage(Bounds memory bounds, Measurement memory beforeTrade, Measurement memory afterTrade)
        internal
        pure
    {
        for (uint256 i = 0; i < afterTrade.venues.length; ++i) {
            uint256 leverage = venueLeverage(afterTrade.venues[i]);
            if (leverage <= bounds.maxVenueLeverage) continue;
            bool isEased = leverage <= venueLeverage(beforeTrade.venues[i])
                && afterTrade.venues[i].notional <= beforeTrade.venues[i].notional;
            if (!isEased) revert IRebalanceGuard.VenueLeverageExceeded(i, leverage, bounds.maxVenueLeverage);
        }
        uint256 gross = grossNotional(afterTrade);
        uint256 total = leverageUp(gross, Math.min(beforeTrade.firmNav, afterTrade.firmNav));
        if (total <= bounds.maxLeverage) return;
        uint256 grossBefore = grossNotional(beforeTrade);
        if (gross > grossBefore || total > leverageUp(grossBefore, beforeTrade.firmNav)) {
            revert IRebalanceGuard.LeverageExceeded(total, bounds.maxLeverage);
        }
    }

    /// @notice Notional over lowest equity of one venue.
    function venueLeverage(VenueMeasurement memory venue) internal pure returns (uint256) {
        return leverageUp(venue.notional, floorAtZero(venue.equityLow));
    }

    /// @notice Notional of all venues together, not netted.
    function grossNotional(Measurement memory measurement) internal pure returns (uint256 total) {
        for (uint256 i = 0; i < measurement.venues.length; ++i) {
            total += measurement.venues[i].notional;
        }
    }

    function _netDelta(Measurement memory measurement) private pure returns (int256 low, int256 high) {
        (low, high) = (measurement.bookDeltaLow, measurement.bookDeltaHigh);
        for (uint256 i = 0; i < measurement.venues.length; ++i) {
            low += measurement.venues[i].sizeLow;
            high += measurement.venues[i].sizeHigh;
        }
    }

    // --- one rule each --------------------------------------------------------------------------------------------

    /// @dev What only a trade is judged by.
    function _judgeTrade(Case memory c) private pure {
        c.worstAfter = worstNetDelta(c.afterTrade);
        c.filled = c.afterTrade;
        c.band = effectiveBand(c.bounds, c.firmNav, c.beforeTrade.price);
        c.isTripped = ResultTrack.isTripped(c.usage.track, c.beforeTrade, c.bounds.maxDrawdownBps, c.timestamp);
        _requireCooledDown(c);
        _judgeFills(c);
        c.worstFilled = worstOnceFilled(c.beforeTrade, c.fills, c.afterTrade);
        _requireTurnover(c);
        _requireShrinking(c);
        _requireLessExposure(c);
        _requireWorthwhile(c);
        _requireGross(c);
    }

    /// @dev What only closes positions was rationed when they were opened: it neither waits for turnover nor uses any up.
    function _requireTurnover(Case memory c) private pure {
        if (_isClosingOnly(c)) return;
        if (c.notional > c.turnoverAvailable) {
            revert IRebalanceGuard.TurnoverExceeded(c.notional, c.turnoverAvailable);
        }
        c.turnover = c.notional;
    }

    function _isClosingOnly(Case memory c) private pure returns (bool) {
        for (uint256 i = 0; i < c.afterTrade.venues.length; ++i) {
            if (!_isShrunk(c.beforeTrade.venues[i], c.afterTrade.venues[i])) return false;
        }
        for (uint256 i = 0; i < c.fills.length; ++i) {
            // Every fill, not their sum: buying and selling back closes nothing.
            int256 size = c.beforeTrade.venues[c.fills[i].venueIndex].sizeLow;
            if (c.fills[i].sizeDelta != 0 && (c.fills[i].sizeDelta > 0) == (size >= 0)) return false;
        }
        return true;
    }

    /// @dev A position that moved toward 0 and not past it, or not at all.
    function _isShrunk(VenueMeasurement memory old, VenueMeasurement memory current) private pure returns (bool) {
        return current.sizeLow >= SignedMath.min(0, old.sizeLow) && current.sizeHigh <= SignedMath.max(0, old.sizeHigh);
    }

    function _requireCooledDown(Case memory c) private pure {
        uint256 lastTradeAt = c.usage.own.lastTradeAt;
        if (lastTradeAt == 0 || c.isUrgent) return;
        uint256 readyAt = lastTradeAt + c.bounds.cooldownSeconds;
        if (c.timestamp < readyAt) revert IRebalanceGuard.CooldownActive(c.timestamp, readyAt);
    }

    /// @dev Judges size, price and fee of each fill in order, then their notional together. `lag` is what the fills can have
    ///      lost at a true price inside the range, beside what they lost at `price`.
    function _judgeFills(Case memory c) private pure {
        Bounds memory bounds = c.bounds;
        for (uint256 i = 0; i < c.fills.length; ++i) {
            Fill memory fill = c.fills[i];
            VenueMeasurement memory venue = c.beforeTrade.venues[fill.venueIndex];
            // What a trade did on a venue that does not answer, before it or from it on, cannot be judged.
            if (c.afterTrade.venues[fill.venueIndex].isSilent) {
                revert IRebalanceGuard.VenueNotAnswering(fill.venueIndex);
            }
            uint256 size = SignedMath.abs(fill.sizeDelta);
            if (size > bounds.maxSizeDelta) revert IRebalanceGuard.SizeDeltaExceeded(size, bounds.maxSizeDelta);
            uint256 limit = limitPrice(venue.price, fill.sizeDelta, bounds.maxSlippageBps);
            if (fill.sizeDelta > 0 ? fill.executionPrice > limit : fill.executionPrice < limit) {
                revert IRebalanceGuard.SlippageExceeded(fill.executionPrice, limit);
            }
            // An order is counted at what it may come to: a sale above its floor.
            uint256 price = fill.isPending ? Math.max(fill.executionPrice, venue.price) : fill.executionPrice;
            uint256 notional = notionalUp(size, price);
            uint256 maxFee = share(notional, bounds.maxFeeBps);
            if (fill.fee > maxFee) revert IRebalanceGuard.FeeExceeded(fill.fee, maxFee);
            c.notional += notional;
            c.lag += notionalUp(size, fill.sizeDelta > 0 ? venue.price - venue.priceLow : venue.priceHigh - venue.price);
            if (fill.isPending) _foresee(c, fill, i);
        }
        if (c.notional > bounds.maxNotional) revert IRebalanceGuard.NotionalExceeded(c.notional, bounds.maxNotional);
    }

    /// @dev Adds an order to the two ends. No two orders on one venue, nor a trade beside one: their worst cases would add up.
    function _foresee(Case memory c, Fill memory fill, uint256 position) private pure {
        uint256 index = fill.venueIndex;
        VenueMeasurement memory old = c.beforeTrade.venues[index];
        VenueMeasurement memory current = c.afterTrade.venues[index];
        for (uint256 i = 0; i < c.fills.length; ++i) {
            bool isBeside = i != position && c.fills[i].venueIndex == index;
            if (isBeside || old.sizeLow != old.sizeHigh) revert IRebalanceGuard.OrderBesideOrder(index);
        }
        int256 size = old.sizeLow + fill.sizeDelta;
        bool isCounted = current.sizeLow <= SignedMath.min(old.sizeLow, size)
            && current.sizeHigh >= SignedMath.max(old.sizeLow, size);
        if (!isCounted) revert IRebalanceGuard.OrderNotCounted(index, current.sizeLow, current.sizeHigh);
        if (!c.hasOrders) {
            c.hasOrders = true;
            (c.filled, c.unfilled) = (_copy(c.afterTrade), _copy(c.afterTrade));
        }
        uint256 cost = fill.fee + _slippageUp(fill, old.price);
        _setOutcome(c.filled.venues[index], size, current.equity - int256(cost), current.equityLow, old.price);
        // Nothing but margin has moved where nothing filled.
        int256 moved = current.equity - old.equity;
        _setOutcome(c.unfilled.venues[index], old.sizeLow, current.equity, old.equityLow + moved, old.price);
        c.orderCost += cost;
        c.filled.nav = Math.saturatingSub(c.filled.nav, cost);
        c.filled.firmNav = Math.saturatingSub(c.filled.firmNav, cost);
    }

    /// @dev What a fill costs against `price`, USD, rounded up; 0 where it is no worse.
    function _slippageUp(Fill memory fill, uint256 price) private pure returns (uint256) {
        uint256 size = SignedMath.abs(fill.sizeDelta);
        return notionalUp(
            size,
            fill.sizeDelta > 0
                ? Math.saturatingSub(fill.executionPrice, price)
                : Math.saturatingSub(price, fill.executionPrice)
        );
    }

    function _setOutcome(VenueMeasurement memory venue, int256 size, int256 equity, int256 equityLow, uint256 price)
        private
        pure
    {
        (venue.sizeLow, venue.sizeHigh, venue.equity, venue.equityLow) = (size, size, equity, equityLow);
        venue.notional = notionalUp(SignedMath.abs(size), price);
    }

    function _copy(Measurement memory m) private pure returns (Measurement memory) {
        return abi.decode(abi.encode(m), (Measurement));
    }

    /// @dev Each end is judged as a rebalance of its own, so that a cut that waits is as good as one that is done; and what
    ///      fills may not meet what does not.
    function _requireLeverageOfOrders(Case memory c) private pure {
        requireLeverage(c.bounds, c.beforeTrade, c.unfilled);
        requireLeverage(c.bounds, c.beforeTrade, c.filled);
        uint256 gross = grossNotional(c.afterTrade);
        uint256 leverage = leverageUp(gross, Math.min(c.beforeTrade.firmNav, c.filled.firmNav));
        if (leverage > c.bounds.maxLeverage && gross > grossNotional(c.beforeTrade)) {
            revert IRebalanceGuard.LeverageExceeded(leverage, c.bounds.maxLeverage);
        }
    }

    /// @dev Where only reductions are allowed, a position moves toward 0 and not past it.
    function _requireShrinking(Case memory c) private pure {
        for (uint256 i = 0; i < c.afterTrade.venues.length; ++i) {
            VenueMeasurement memory old = c.beforeTrade.venues[i];
            if (!c.isTripped && !old.isClosing && !c.beforeTrade.isReduceOnly) continue;
            VenueMeasurement memory current = c.afterTrade.venues[i];
            if (!_isShrunk(old, current)) {
                revert IRebalanceGuard.PositionNotShrinking(i, current.sizeLow, current.sizeHigh);
            }
        }
    }

    /// @dev The delta rule: no keeper, honest or not, enlarges the worst-case exposure beyond the band. What was closed where
    ///      margin or the venue is at stake may pass through it. An order has to improve W by what it does once filled, and
    ///      may leave it as it was until then.
    function _requireLessExposure(Case memory c) private pure {
        uint256 allowed = Math.max(c.band, Math.saturatingSub(c.worstBefore, c.bounds.minImprovement));
        uint256 waiting = Math.max(c.band, c.hasOrders ? c.worstBefore : allowed);
        if (c.worstFilled <= allowed && c.worstAfter <= waiting) return;
        uint256 relief = 0;
        for (uint256 i = 0; i < c.afterTrade.venues.length; ++i) {
            VenueMeasurement memory old = c.beforeTrade.venues[i];
            VenueMeasurement memory current = c.filled.venues[i];
            if (c.isTripped || old.isClosing || _isDeleveraged(c, old, current)) {
                relief += Math.saturatingSub(_largestSize(old), _largestSize(current));
            }
        }
        if (relief != 0) {
            allowed = Math.max(allowed, c.worstBefore + relief);
            waiting = Math.max(waiting, allowed);
        }
        if (c.worstFilled > allowed) revert IRebalanceGuard.NetDeltaExceeded(c.worstFilled, allowed);
        if (c.worstAfter > waiting) revert IRebalanceGuard.NetDeltaExceeded(c.worstAfter, waiting);
    }

    /// @dev Margin was at stake on this venue, and the rebalance cut no more than what brings its leverage inside. Nor would
    ///      all that the vault has, but for the idle floor, and that venues may hold carry its positions inside: margin is
    ///      brought before a hedge is cut, or a keeper who takes it away could undo the hedge.
    function _isDeleveraged(Case memory c, VenueMeasurement memory old, VenueMeasurement memory current)
        private
        pure
        returns (bool)
    {
        uint256 bound = c.bounds.maxVenueLeverage;
        uint256 caps = 0;
        for (uint256 i = 0; i < c.beforeTrade.venues.length; ++i) {
            caps += c.beforeTrade.venues[i].cap;
        }
        uint256 margin = Math.min(share(c.firmNav, BPS - c.bounds.idleFloorBps), caps);
        return venueLeverage(old) > bound && venueLeverage(current) >= share(bound, RELIEF_FLOOR_BPS)
            && leverageUp(grossNotional(c.beforeTrade), margin) > bound;
    }

    function _largestSize(VenueMeasurement memory venue) private pure returns (uint256) {
        return Math.max(SignedMath.abs(venue.sizeLow), SignedMath.abs(venue.sizeHigh));
    }

    /// @dev A trade too small to matter would still start the cooldown, for nothing.
    function _requireWorthwhile(Case memory c) private pure {
        if (c.notional >= c.bounds.minNotional) return;
        if (c.worstBefore > c.band && c.worstFilled <= c.band) return;
        for (uint256 i = 0; i < c.fills.length; ++i) {
            uint256 index = c.fills[i].venueIndex;
            bool isFlat = _largestSize(c.filled.venues[index]) == 0;
            if (isFlat && _largestSize(c.beforeTrade.venues[index]) != 0) return; // a wash from flat closes nothing
        }
        revert IRebalanceGuard.NotionalTooSmall(c.notional, c.bounds.minNotional);
    }

    function _requireGross(Case memory c) private pure {
        uint256 gross = grossNotional(c.afterTrade);
        if (gross > c.bounds.maxGrossNotional && gross > grossNotional(c.beforeTrade)) {
            revert IRebalanceGuard.GrossNotionalExceeded(gross, c.bounds.maxGrossNotional);
        }
    }

    /// @dev Margin may not lead above a venue's cap; profits may.
    function _requireUnderCaps(Case memory c) private pure {
        for (uint256 i = 0; i < c.afterTrade.venues.length; ++i) {
            uint256 equity = floorAtZero(c.afterTrade.venues[i].equity);
            uint256 cap = c.afterTrade.venues[i].cap;
            if (equity > cap && equity > floorAtZero(c.beforeTrade.venues[i].equity)) {
                revert IRebalanceGuard.VenueCapExceeded(i, equity, cap);
            }
        }
    }

    /// @dev What the queue waits for can hide all that there is: so what moved counts as well as what is left free.
    function _requireIdle(Case memory c) private pure {
        uint256 floor = share(c.firmNav, c.bounds.idleFloorBps);
        uint256 idle = c.afterTrade.idle;
        bool isLowered = idle < c.beforeTrade.idle || _inVault(c.afterTrade) < _inVault(c.beforeTrade);
        if (isLowered && idle < floor) revert IRebalanceGuard.IdleBelowFloor(idle, floor);
    }

    /// @dev Collateral in the vault, asked back or not, USD.
    function _inVault(Measurement memory m) private pure returns (uint256 collateral) {
        collateral = m.nav;
        for (uint256 i = 0; i < m.venues.length; ++i) {
            collateral = Math.saturatingSub(collateral, floorAtZero(m.venues[i].equity));
        }
    }

    /// @return loss What the rebalance may have cost at any price inside the range.
    function _judgeLoss(Case memory c) private pure returns (uint256 loss) {
        uint256 nav = c.beforeTrade.nav + c.orderCost;
        uint256 fall = Math.saturatingSub(nav, c.afterTrade.nav);
        uint256 maxFall = share(c.beforeTrade.nav, c.bounds.maxNavLossBps);
        if (fall > maxFall) revert IRebalanceGuard.NavLossExceeded(fall, maxFall);
        loss = Math.saturatingSub(nav + c.lag, c.afterTrade.nav);
        if (loss > c.lossAvailable) revert IRebalanceGuard.LossBudgetExceeded(loss, c.lossAvailable);
    }

    /// @dev A loss is booked as the part of NAV that it is, so that what is left follows NAV up and down.
    function _spend(Case memory c, Budget memory budget, uint256 shareBps, uint256 loss)
        private
        pure
        returns (Budget memory)
    {
        (uint256 turnoverUsed, uint256 lossUsed) = settled(c.bounds, budget, shareBps, c.timestamp);
        if (loss != 0) lossUsed += Math.ceilDiv(loss * WAD, c.firmNav);
        return Budget({
            turnoverUsed: (turnoverUsed + c.turnover).toUint96(),
            lossUsed: lossUsed.toUint96(),
            updatedAt: c.timestamp.toUint32(),
            lastTradeAt: c.notional != 0 ? c.timestamp.toUint32() : budget.lastTradeAt
        });
    }
}
