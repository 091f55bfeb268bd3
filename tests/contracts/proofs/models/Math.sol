// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Model of OpenZeppelin's Math for the symbolic proofs
/// @notice The proofs compile our contracts against this file in place of `@openzeppelin/contracts/utils/math/Math.sol`
///         (foundry.toml, profile `proofs`): 512-bit division is beyond what a solver decides. The functions agree with the
///         original wherever both answer, which ProofModels.t.sol tests; where a factor or a denominator has more
///         than 128 bits the model reverts, and a proof says nothing about such inputs.
/// @dev No branches but those of the widths: each would double the paths.
library Math {
    enum Rounding {
        Floor,
        Ceil,
        Trunc,
        Expand
    }

    error BeyondModel();

    function max(uint256 a, uint256 b) internal pure returns (uint256 c) {
        assembly ("memory-safe") {
            c := xor(b, and(xor(a, b), sub(0, gt(a, b))))
        }
    }

    function min(uint256 a, uint256 b) internal pure returns (uint256 c) {
        assembly ("memory-safe") {
            c := xor(b, and(xor(a, b), sub(0, lt(a, b))))
        }
    }

    function saturatingSub(uint256 a, uint256 b) internal pure returns (uint256 c) {
        assembly ("memory-safe") {
            c := and(sub(a, b), sub(0, gt(a, b)))
        }
    }

    function saturatingAdd(uint256 a, uint256 b) internal pure returns (uint256 c) {
        assembly ("memory-safe") {
            c := add(a, b)
            c := or(c, sub(0, lt(c, a)))
        }
    }

    function mulDiv(uint256 x, uint256 y, uint256 denominator) internal pure returns (uint256 result) {
        _requireInsideModel(x | y | denominator, denominator);
        assembly ("memory-safe") {
            result := div(mul(x, y), denominator)
        }
    }

    function mulDiv(uint256 x, uint256 y, uint256 denominator, Rounding rounding)
        internal
        pure
        returns (uint256 result)
    {
        result = mulDiv(x, y, denominator);
        if (rounding == Rounding.Ceil || rounding == Rounding.Expand) {
            assembly ("memory-safe") {
                result := add(result, iszero(iszero(mod(mul(x, y), denominator))))
            }
        }
    }

    /// @dev As wide as the original.
    function ceilDiv(uint256 a, uint256 b) internal pure returns (uint256 result) {
        _requireInsideModel(0, b);
        assembly ("memory-safe") {
            result := add(div(a, b), iszero(iszero(mod(a, b))))
        }
    }

    function mul512(uint256 a, uint256 b) internal pure returns (uint256 high, uint256 low) {
        _requireInsideModel(a | b, 1);
        assembly ("memory-safe") {
            low := mul(a, b)
        }
        return (0, low);
    }

    function _requireInsideModel(uint256 bits, uint256 denominator) private pure {
        if (bits >> 128 != 0 || denominator == 0) revert BeyondModel();
    }
}
