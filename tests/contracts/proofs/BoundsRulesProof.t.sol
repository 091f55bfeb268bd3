// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BoundsRules} from "../../../contracts/libraries/BoundsRules.sol";
import {Bounds} from "../../../contracts/types/Rebalance.sol";

/// @title Proofs of the rules on bounds
/// @notice Every field symbolic in its full width.
contract BoundsRulesProof {
    function check_hard_limits__accepted__sizes_and_dollars_inside(Bounds calldata b) external pure {
        BoundsRules.requireInsideHardLimits(b);
        assert(b.band <= 1e30 && b.minImprovement <= 1e30 && b.maxSizeDelta <= 1e30);
        assert(b.urgentDelta <= 1e30 && b.urgentDelta >= b.band);
        assert(b.maxNotional <= 1e28 && b.minNotional <= b.maxNotional && b.maxGrossNotional <= 1e28);
        assert(b.turnoverCapacity <= 1e28 && b.turnoverRefillPerDay <= 1e28);
    }

    function check_hard_limits__accepted__ratios_inside(Bounds calldata b) external pure {
        BoundsRules.requireInsideHardLimits(b);
        assert(b.maxVenueLeverage <= 10e18 && b.maxLeverage <= 5e18);
        assert(b.maxSlippageBps <= 300 && b.maxFeeBps <= 100 && b.maxNavLossBps <= 250);
        assert(uint256(b.lossCapacityBps) + b.lossRefillBpsPerDay <= 500);
        assert(b.maxDrawdownBps <= 3000);
        assert(uint256(b.maxDrawdownBps) * 3 >= uint256(b.lossCapacityBps) * 3 + uint256(b.lossRefillBpsPerDay) * 4);
        assert(b.idleFloorBps <= 5000 && b.urgentReserveBps <= 9000 && b.keeperShareBps <= 10_000);
        assert(b.cooldownSeconds >= 30 && b.cooldownSeconds <= 1 days);
    }

    function check_tighten__accepted__ceilings_no_higher(Bounds calldata current, Bounds calldata next) external pure {
        BoundsRules.requireNoLooser(current, next);
        assert(next.band <= current.band && next.maxSizeDelta <= current.maxSizeDelta);
        assert(next.maxNotional <= current.maxNotional && next.maxGrossNotional <= current.maxGrossNotional);
        assert(next.turnoverCapacity <= current.turnoverCapacity);
        assert(next.turnoverRefillPerDay <= current.turnoverRefillPerDay);
        assert(next.maxVenueLeverage <= current.maxVenueLeverage && next.maxLeverage <= current.maxLeverage);
        assert(next.maxSlippageBps <= current.maxSlippageBps && next.maxFeeBps <= current.maxFeeBps);
        assert(next.maxNavLossBps <= current.maxNavLossBps && next.lossCapacityBps <= current.lossCapacityBps);
        assert(next.lossRefillBpsPerDay <= current.lossRefillBpsPerDay);
        assert(next.keeperShareBps <= current.keeperShareBps);
    }

    function check_tighten__accepted__floors_no_lower(Bounds calldata current, Bounds calldata next) external pure {
        BoundsRules.requireNoLooser(current, next);
        assert(next.minImprovement >= current.minImprovement && next.urgentDelta >= current.urgentDelta);
        assert(next.minNotional >= current.minNotional && next.idleFloorBps >= current.idleFloorBps);
        assert(next.urgentReserveBps >= current.urgentReserveBps && next.cooldownSeconds >= current.cooldownSeconds);
        assert(next.maxDrawdownBps == current.maxDrawdownBps);
    }
}
