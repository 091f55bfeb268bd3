// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Bounds} from "../types/Rebalance.sol";
import {BoundsRules} from "./BoundsRules.sol";

/// @title The rules on bounds as a contract
/// @notice The guard makes one when it is deployed, so that these rules, which are seldom asked, take no room in its code.
contract BoundsJudge {
    /// @notice As `BoundsRules.requireInsideHardLimits`.
    function requireInsideHardLimits(Bounds calldata b) external pure {
        BoundsRules.requireInsideHardLimits(b);
    }

    /// @notice As `BoundsRules.requireNoLooser`.
    function requireNoLooser(Bounds calldata current, Bounds calldata next) external pure {
        BoundsRules.requireNoLooser(current, next);
    }
}
