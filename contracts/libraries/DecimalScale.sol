// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Decimal scaling of fixed-point numbers
/// @dev Exact when decimals are added; rounded in the named direction when they are taken away. Reverts on overflow.
library DecimalScale {
    uint8 internal constant WAD_DECIMALS = 18;

    /// @notice Most decimals a token or feed may have: 10 ** (36 - 0) and its products stay far inside 256 bits.
    uint8 internal constant MAX_DECIMALS = 36;

    error TooManyDecimals(uint8 decimals, uint8 limit);

    /// @notice Returns `decimals`, or reverts when it is more than the project supports.
    function requireSupported(uint8 decimals) internal pure returns (uint8) {
        if (decimals > MAX_DECIMALS) revert TooManyDecimals(decimals, MAX_DECIMALS);
        return decimals;
    }

    /// @notice `number` with `toDecimals`, rounded down.
    function scaleDown(uint256 number, uint8 fromDecimals, uint8 toDecimals) internal pure returns (uint256) {
        if (toDecimals >= fromDecimals) return number * 10 ** (toDecimals - fromDecimals);
        return number / 10 ** (fromDecimals - toDecimals);
    }

    /// @notice `number` with `toDecimals`, rounded up.
    function scaleUp(uint256 number, uint8 fromDecimals, uint8 toDecimals) internal pure returns (uint256) {
        if (toDecimals >= fromDecimals) return number * 10 ** (toDecimals - fromDecimals);
        return Math.ceilDiv(number, 10 ** (fromDecimals - toDecimals));
    }
}
