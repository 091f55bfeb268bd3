// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BoundsRules} from "../../../contracts/libraries/BoundsRules.sol";
import {Bounds} from "../../../contracts/types/Rebalance.sol";

/// @title A false claim, which the prover must refute
contract Canary {
    /// @dev False: the limit itself is accepted.
    function check_hard_limits__accepted__band_below_the_limit(Bounds calldata b) external pure {
        BoundsRules.requireInsideHardLimits(b);
        assert(b.band < BoundsRules.MAX_UNDERLYING);
    }
}
