// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Model of OpenZeppelin's SignedMath for the symbolic proofs
/// @notice The same functions without the multiplication by a condition that the original selects with.
library SignedMath {
    function max(int256 a, int256 b) internal pure returns (int256 c) {
        assembly ("memory-safe") {
            c := xor(b, and(xor(a, b), sub(0, sgt(a, b))))
        }
    }

    function min(int256 a, int256 b) internal pure returns (int256 c) {
        assembly ("memory-safe") {
            c := xor(b, and(xor(a, b), sub(0, slt(a, b))))
        }
    }

    function abs(int256 n) internal pure returns (uint256 c) {
        assembly ("memory-safe") {
            let mask := sar(255, n)
            c := xor(add(n, mask), mask)
        }
    }
}
