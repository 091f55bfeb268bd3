// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {GuardRules, Usage} from "../../../contracts/libraries/GuardRules.sol";
import {ResultTrack} from "../../../contracts/libraries/ResultTrack.sol";
import {Bounds, Fill, Measurement, VenueMeasurement} from "../../../contracts/types/Rebalance.sol";

/// @notice A rebalance that every rule accepts, whose fields a proof makes symbolic one rule at a time.
/// @dev A call that reverts ends a path and proves nothing, so `evaluate` followed by an assertion reads "accepted, hence".
abstract contract GuardProof {
    uint256 internal constant NOW = 1_722_500_000; // Unix seconds
    uint256 internal constant PRICE = 2000e18; // USD per underlying

    /// @dev Nothing is bounded but by the type.
    function _loosest() internal pure returns (Bounds memory b) {
        b.band = type(uint128).max;
        b.urgentDelta = type(uint128).max;
        b.maxSizeDelta = type(uint128).max;
        b.maxNotional = type(uint128).max;
        b.maxGrossNotional = type(uint128).max;
        b.turnoverCapacity = type(uint128).max;
        b.maxVenueLeverage = type(uint64).max;
        b.maxLeverage = type(uint64).max;
        b.maxSlippageBps = 10_000;
        b.maxFeeBps = type(uint16).max;
        b.maxNavLossBps = 10_000;
        b.lossCapacityBps = type(uint16).max;
        b.maxDrawdownBps = type(uint16).max;
        b.keeperShareBps = 10_000;
    }

    /// @dev Nothing used, and no high yet: the breaker cannot be tripped.
    function _unused() internal pure returns (Usage memory usage) {
        usage.all.updatedAt = uint32(NOW);
        usage.own.updatedAt = uint32(NOW);
        for (uint256 i = 0; i < ResultTrack.PERIODS; ++i) {
            usage.track.highs[i] = ResultTrack.NO_HIGH;
        }
    }

    function _measured(uint256 venueCount) internal pure returns (Measurement memory m) {
        m.price = PRICE;
        m.nav = 1_000_000e18;
        m.firmNav = m.nav;
        m.idle = m.nav;
        m.venues = new VenueMeasurement[](venueCount);
        for (uint256 i = 0; i < venueCount; ++i) {
            m.venues[i].price = PRICE;
            m.venues[i].priceLow = PRICE;
            m.venues[i].priceHigh = PRICE;
            m.venues[i].cap = type(uint128).max;
        }
    }

    /// @dev One fill of nothing: what makes a rebalance a trade.
    function _noFill() internal pure returns (Fill[] memory fills) {
        fills = new Fill[](1);
        fills[0].executionPrice = PRICE;
    }

    function _evaluate(
        Bounds memory bounds,
        Usage memory usage,
        Measurement memory beforeTrade,
        Fill[] memory fills,
        Measurement memory afterTrade
    ) internal pure returns (Usage memory) {
        return GuardRules.evaluate(bounds, usage, beforeTrade, fills, afterTrade, NOW);
    }
}
