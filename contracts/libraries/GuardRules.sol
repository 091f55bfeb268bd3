// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IRebalanceGuard} from "../interfaces/IRebalanceGuard.sol";
import {Bounds, Budget, Fill, Measurement, VenueMeasurement} from "../types/Rebalance.sol";

/// @title Rebalance rules, a pure function
/// @notice `agent/guard.py` mirrors this file integer for integer; both run the vectors of tests/vectors/guard. A change
///         here is a change there and a vector.
/// @dev Rounding: what is measured (notional, leverage) rounds up, what is allowed (limits, refill) rounds down, a floor on
///      a sale rounds up; so a rounding never admits what exact arithmetic would refuse.
library GuardRules {
    uint256 internal constant WAD = 1e18;
    uint256 internal constant BPS = 10_000;

    // --- what is judged -------------------------------------------------------------------------------------------

    /// @notice W: the largest absolute net delta the book's interval and the hedge's pending orders admit.
    function worstNetDelta(Measurement memory measurement) internal pure returns (uint256) {
        int256 low = measurement.bookDeltaLow;
        int256 high = measurement.bookDeltaHigh;
        for (uint256 i = 0; i < measurement.venues.length; ++i) {
            low += measurement.venues[i].sizeLow;
            high += measurement.venues[i].sizeHigh;
        }
        return Math.max(SignedMath.abs(low), SignedMath.abs(high));
    }

    /// @notice Worst execution price accepted: a ceiling for buys, rounded down; a floor for sells, rounded up.
    function limitPrice(uint256 price, int256 sizeDelta, uint256 maxSlippageBps) internal pure returns (uint256) {
        if (sizeDelta > 0) return Math.mulDiv(price, BPS + maxSlippageBps, BPS);
        return Math.mulDiv(price, BPS - maxSlippageBps, BPS, Math.Rounding.Ceil);
    }

    /// @notice Absolute size times price, rounded up.
    function notionalUp(uint256 size, uint256 price) internal pure returns (uint256) {
        return Math.mulDiv(size, price, WAD, Math.Rounding.Ceil);
    }

    /// @notice Content of the turnover bucket at `timestamp`; the refill is linear in time and rounded down.
    function turnoverAvailable(Bounds memory bounds, Budget memory budget, uint256 timestamp)
        internal
        pure
        returns (uint256)
    {
        uint256 refill = Math.mulDiv(bounds.turnoverRefillPerDay, timestamp - budget.updatedAt, 1 days);
        return Math.min(bounds.turnoverCapacity, budget.turnoverAvailable + refill);
    }

    /// @notice Notional over equity as a WAD ratio, rounded up; the largest uint256 when no equity backs a position.
    function leverageUp(uint256 notional, uint256 equity) internal pure returns (uint256) {
        if (notional == 0) return 0;
        if (equity == 0) return type(uint256).max;
        return Math.mulDiv(notional, WAD, equity, Math.Rounding.Ceil);
    }

    /// @notice Equity as far as it is worth something: an account under water backs nothing and owes its own holder nothing.
    function floorAtZero(int256 equity) internal pure returns (uint256) {
        return equity > 0 ? uint256(equity) : 0;
    }

    // --- the rules ------------------------------------------------------------------------------------------------

    /// @notice Judges a rebalance and returns the budget to store.
    /// @dev Reverts with the first rule broken, in the order `IRebalanceGuard` declares its errors. Without fills only
    ///      margin moved: the leverage and loss rules judge alone and the budget stays as it is.
    function evaluate(
        Bounds memory bounds,
        Budget memory budget,
        Measurement memory beforeTrade,
        Fill[] memory fills,
        Measurement memory afterTrade,
        uint256 timestamp
    ) internal pure returns (Budget memory newBudget) {
        newBudget = budget;
        if (fills.length != 0) {
            uint256 worstBefore = worstNetDelta(beforeTrade);
            _requireCooledDown(bounds, budget, worstBefore, timestamp);
            uint256 notional = _tradedNotional(bounds, beforeTrade.price, fills);
            newBudget = _spendTurnover(bounds, budget, notional, timestamp);
            _requireLessExposure(bounds, worstBefore, worstNetDelta(afterTrade));
        }
        _requireLeverage(bounds, afterTrade);
        _requireSmallLoss(bounds, beforeTrade.navLow, afterTrade.navLow);
    }

    function _requireCooledDown(Bounds memory bounds, Budget memory budget, uint256 worstBefore, uint256 timestamp)
        private
        pure
    {
        if (budget.lastTradeAt == 0 || worstBefore >= bounds.urgentDelta) return;
        uint256 readyAt = budget.lastTradeAt + bounds.cooldownSeconds;
        if (timestamp < readyAt) revert IRebalanceGuard.CooldownActive(timestamp, readyAt);
    }

    /// @dev Judges size, price and fee of each fill in order, then their notional together.
    function _tradedNotional(Bounds memory bounds, uint256 price, Fill[] memory fills)
        private
        pure
        returns (uint256 total)
    {
        for (uint256 i = 0; i < fills.length; ++i) {
            Fill memory fill = fills[i];
            uint256 size = SignedMath.abs(fill.sizeDelta);
            if (size > bounds.maxSizeDelta) revert IRebalanceGuard.SizeDeltaExceeded(size, bounds.maxSizeDelta);
            uint256 limit = limitPrice(price, fill.sizeDelta, bounds.maxSlippageBps);
            if (fill.sizeDelta > 0 ? fill.executionPrice > limit : fill.executionPrice < limit) {
                revert IRebalanceGuard.SlippageExceeded(fill.executionPrice, limit);
            }
            uint256 notional = notionalUp(size, fill.executionPrice);
            uint256 maxFee = Math.mulDiv(notional, bounds.maxFeeBps, BPS);
            if (fill.fee > maxFee) revert IRebalanceGuard.FeeExceeded(fill.fee, maxFee);
            total += notional;
        }
        if (total > bounds.maxNotional) revert IRebalanceGuard.NotionalExceeded(total, bounds.maxNotional);
    }

    function _spendTurnover(Bounds memory bounds, Budget memory budget, uint256 notional, uint256 timestamp)
        private
        pure
        returns (Budget memory)
    {
        uint256 available = turnoverAvailable(bounds, budget, timestamp);
        if (notional > available) revert IRebalanceGuard.TurnoverExceeded(notional, available);
        return Budget({turnoverAvailable: available - notional, updatedAt: timestamp, lastTradeAt: timestamp});
    }

    /// @dev The delta rule: no keeper, honest or not, enlarges the worst-case exposure beyond the band.
    function _requireLessExposure(Bounds memory bounds, uint256 worstBefore, uint256 worstAfter) private pure {
        uint256 allowed = Math.max(bounds.band, Math.saturatingSub(worstBefore, bounds.minImprovement));
        if (worstAfter > allowed) revert IRebalanceGuard.NetDeltaExceeded(worstAfter, allowed);
    }

    function _requireLeverage(Bounds memory bounds, Measurement memory afterTrade) private pure {
        uint256 totalNotional = 0;
        for (uint256 i = 0; i < afterTrade.venues.length; ++i) {
            VenueMeasurement memory venue = afterTrade.venues[i];
            uint256 venueLeverage = leverageUp(venue.notional, floorAtZero(venue.equityLow));
            if (venueLeverage > bounds.maxVenueLeverage) {
                revert IRebalanceGuard.VenueLeverageExceeded(i, venueLeverage, bounds.maxVenueLeverage);
            }
            totalNotional += venue.notional;
        }
        uint256 totalLeverage = leverageUp(totalNotional, afterTrade.navLow);
        if (totalLeverage > bounds.maxLeverage) {
            revert IRebalanceGuard.LeverageExceeded(totalLeverage, bounds.maxLeverage);
        }
    }

    function _requireSmallLoss(Bounds memory bounds, uint256 navLowBefore, uint256 navLowAfter) private pure {
        uint256 maxLoss = Math.mulDiv(navLowBefore, bounds.maxNavLossBps, BPS);
        uint256 loss = Math.saturatingSub(navLowBefore, navLowAfter);
        if (loss > maxLoss) revert IRebalanceGuard.NavLossExceeded(loss, maxLoss);
    }
}
