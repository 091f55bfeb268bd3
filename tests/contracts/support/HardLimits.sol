// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice What no role can pass, field by field in the order of `Bounds`: 1e12 units, 1e10 USD, 10x, 5x, 3 %, 1 %, 2.5 %,
///         5 % a day, one day. Written down once more than in `BoundsRules`, so that a slip there is seen.
library HardLimits {
    uint256 internal constant FIELD_COUNT = 21;

    function limitOf(uint256 field) internal pure returns (uint256) {
        return [
            uint256(1e30),
            1e30,
            1e30,
            1e30,
            1e28,
            1e28,
            1e28,
            1e28,
            1e28,
            10e18,
            5e18,
            300,
            100,
            250,
            500,
            500,
            3000,
            5000,
            9000,
            10_000,
            86_400
        ][field];
    }
}
