// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IHedgeVault} from "../interfaces/IHedgeVault.sol";
import {IPerpVenue} from "../interfaces/IPerpVenue.sol";
import {IRebalanceGuard} from "../interfaces/IRebalanceGuard.sol";
import {Bounds, Measurement} from "../types/Rebalance.sol";
import {BoundsRules} from "./BoundsRules.sol";
import {GuardRules} from "./GuardRules.sol";

/// @title What is said of bounds alone, as a contract
/// @notice The guard makes one when it is deployed, so that what is seldom asked takes no room in its code.
contract BoundsJudge {
    /// @notice As `BoundsRules.requireInsideHardLimits`.
    function requireInsideHardLimits(Bounds calldata b) external pure {
        BoundsRules.requireInsideHardLimits(b);
    }

    /// @notice As `BoundsRules.requireNoLooser`.
    function requireNoLooser(Bounds calldata current, Bounds calldata next) external pure {
        BoundsRules.requireNoLooser(current, next);
    }

    /// @notice As `IRebalanceGuard.lossBounds`, of a vault under `bounds`.
    /// @dev A bucket of capacity C and refill R a day gives at most C + R in any 24 hours.
    function lossBounds(IHedgeVault vault, Bounds calldata bounds)
        external
        view
        returns (IRebalanceGuard.LossBounds memory b)
    {
        Measurement memory m = vault.measureHedge();
        IPerpVenue[] memory venues = vault.registry().venues();
        uint256 lossBps = uint256(bounds.lossCapacityBps) + bounds.lossRefillBpsPerDay;
        b.allKeeperKeys = Math.mulDiv(m.nav, lossBps, GuardRules.BPS, Math.Rounding.Ceil);
        b.keeperKey = Math.mulDiv(b.allKeeperKeys, bounds.keeperShareBps, GuardRules.BPS, Math.Rounding.Ceil);
        for (uint256 i = 0; i < venues.length; ++i) {
            if (m.venues[i].notional == 0) continue;
            b.funding += Math.mulDiv(
                m.venues[i].notional, venues[i].maxFundingRate(), GuardRules.WAD, Math.Rounding.Ceil
            );
        }
        b.total = b.allKeeperKeys + b.funding;
    }
}
