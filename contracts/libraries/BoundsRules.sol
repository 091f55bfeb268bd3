// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IRebalanceGuard} from "../interfaces/IRebalanceGuard.sol";
import {Bounds} from "../types/Rebalance.sol";

/// @title Rules on the bounds themselves: hard limits, and what tighter means
/// @notice What a careless or captured governor could at worst allow. No role can pass these limits.
library BoundsRules {
    // Sizes and dollars. They keep every product far inside 256 bits, and every budget inside its slot.
    uint128 internal constant MAX_UNDERLYING = 1e12 * 1e18; // underlying units
    uint128 internal constant MAX_USD = 1e10 * 1e18;

    uint64 internal constant MAX_VENUE_LEVERAGE = 10e18; // notional over equity on one venue
    uint64 internal constant MAX_LEVERAGE = 5e18; // notional over NAV
    uint16 internal constant MAX_SLIPPAGE_BPS = 300; // against the oracle price
    uint16 internal constant MAX_FEE_BPS = 100; // of traded notional
    uint16 internal constant MAX_NAV_LOSS_BPS = 250; // of NAV, one rebalance
    uint16 internal constant MAX_DAILY_LOSS_BPS = 500; // of NAV, capacity and a day's refill together
    uint16 internal constant MAX_DRAWDOWN_BPS = 3000; // of NAV
    uint16 internal constant MAX_IDLE_FLOOR_BPS = 5000; // of NAV; more would leave no margin
    uint16 internal constant MAX_URGENT_RESERVE_BPS = 9000; // of the turnover bucket
    uint16 internal constant MAX_KEEPER_SHARE_BPS = 10_000;
    uint32 internal constant MIN_COOLDOWN = 30; // seconds
    uint32 internal constant MAX_COOLDOWN = 1 days; // longer would leave the book unhedged

    /// @notice Reverts `BoundOutsideHardLimit` for the first field outside its limit.
    function requireInsideHardLimits(Bounds memory b) internal pure {
        _atMost("band", b.band, MAX_UNDERLYING);
        _atMost("minImprovement", b.minImprovement, MAX_UNDERLYING);
        _atMost("urgentDelta", b.urgentDelta, MAX_UNDERLYING);
        // Inside the band nothing is urgent; a lower mark would waive the cooldown for trades nobody needs.
        _atLeast("urgentDelta", b.urgentDelta, b.band);
        _atMost("maxSizeDelta", b.maxSizeDelta, MAX_UNDERLYING);
        _atMost("maxNotional", b.maxNotional, MAX_USD);
        // A least trade above the largest one would stop every trade.
        _atMost("minNotional", b.minNotional, b.maxNotional);
        _atMost("maxGrossNotional", b.maxGrossNotional, MAX_USD);
        _atMost("turnoverCapacity", b.turnoverCapacity, MAX_USD);
        _atMost("turnoverRefillPerDay", b.turnoverRefillPerDay, MAX_USD);
        _atMost("maxVenueLeverage", b.maxVenueLeverage, MAX_VENUE_LEVERAGE);
        _atMost("maxLeverage", b.maxLeverage, MAX_LEVERAGE);
        _atMost("maxSlippageBps", b.maxSlippageBps, MAX_SLIPPAGE_BPS);
        _atMost("maxFeeBps", b.maxFeeBps, MAX_FEE_BPS);
        _atMost("maxNavLossBps", b.maxNavLossBps, MAX_NAV_LOSS_BPS);
        _atMost("lossCapacityBps", b.lossCapacityBps, MAX_DAILY_LOSS_BPS);
        _atMost("lossRefillBpsPerDay", b.lossRefillBpsPerDay, MAX_DAILY_LOSS_BPS - b.lossCapacityBps);
        _atMost("maxDrawdownBps", b.maxDrawdownBps, MAX_DRAWDOWN_BPS);
        // What keepers may lose while a high stands, up to 32 hours, must not trip the breaker: it lets positions close
        // against the delta rule.
        _atLeast("maxDrawdownBps", b.maxDrawdownBps, b.lossCapacityBps + (uint256(b.lossRefillBpsPerDay) * 4 + 2) / 3);
        _atMost("idleFloorBps", b.idleFloorBps, MAX_IDLE_FLOOR_BPS);
        _atMost("urgentReserveBps", b.urgentReserveBps, MAX_URGENT_RESERVE_BPS);
        _atMost("keeperShareBps", b.keeperShareBps, MAX_KEEPER_SHARE_BPS);
        _atMost("cooldownSeconds", b.cooldownSeconds, MAX_COOLDOWN);
        _atLeast("cooldownSeconds", b.cooldownSeconds, MIN_COOLDOWN);
    }

    /// @notice Reverts `BoundLooser` for the first field of `next` that allows more than that of `current`.
    /// @dev Tighter means lower, but for the least improvement, the least trade, the urgency, the floors and the cooldown.
    function requireNoLooser(Bounds memory current, Bounds memory next) internal pure {
        _notAbove("band", next.band, current.band);
        _notBelow("minImprovement", next.minImprovement, current.minImprovement);
        _notBelow("urgentDelta", next.urgentDelta, current.urgentDelta);
        _notAbove("maxSizeDelta", next.maxSizeDelta, current.maxSizeDelta);
        _notBelow("minNotional", next.minNotional, current.minNotional);
        _notAbove("maxNotional", next.maxNotional, current.maxNotional);
        _notAbove("maxGrossNotional", next.maxGrossNotional, current.maxGrossNotional);
        _notAbove("turnoverCapacity", next.turnoverCapacity, current.turnoverCapacity);
        _notAbove("turnoverRefillPerDay", next.turnoverRefillPerDay, current.turnoverRefillPerDay);
        _notAbove("maxVenueLeverage", next.maxVenueLeverage, current.maxVenueLeverage);
        _notAbove("maxLeverage", next.maxLeverage, current.maxLeverage);
        _notAbove("maxSlippageBps", next.maxSlippageBps, current.maxSlippageBps);
        _notAbove("maxFeeBps", next.maxFeeBps, current.maxFeeBps);
        _notAbove("maxNavLossBps", next.maxNavLossBps, current.maxNavLossBps);
        _notAbove("lossCapacityBps", next.lossCapacityBps, current.lossCapacityBps);
        _notAbove("lossRefillBpsPerDay", next.lossRefillBpsPerDay, current.lossRefillBpsPerDay);
        // A lower drawdown trips the breaker sooner, and with it the exemption from the delta rule: neither way is tighter.
        _notAbove("maxDrawdownBps", next.maxDrawdownBps, current.maxDrawdownBps);
        _notBelow("maxDrawdownBps", next.maxDrawdownBps, current.maxDrawdownBps);
        _notBelow("idleFloorBps", next.idleFloorBps, current.idleFloorBps);
        _notBelow("urgentReserveBps", next.urgentReserveBps, current.urgentReserveBps);
        _notAbove("keeperShareBps", next.keeperShareBps, current.keeperShareBps);
        _notBelow("cooldownSeconds", next.cooldownSeconds, current.cooldownSeconds);
    }

    function _atMost(bytes32 boundName, uint256 actual, uint256 limit) private pure {
        if (actual > limit) revert IRebalanceGuard.BoundOutsideHardLimit(boundName, actual, limit);
    }

    function _atLeast(bytes32 boundName, uint256 actual, uint256 limit) private pure {
        if (actual < limit) revert IRebalanceGuard.BoundOutsideHardLimit(boundName, actual, limit);
    }

    function _notAbove(bytes32 boundName, uint256 actual, uint256 limit) private pure {
        if (actual > limit) revert IRebalanceGuard.BoundLooser(boundName, actual, limit);
    }

    function _notBelow(bytes32 boundName, uint256 actual, uint256 limit) private pure {
        if (actual < limit) revert IRebalanceGuard.BoundLooser(boundName, actual, limit);
    }
}
