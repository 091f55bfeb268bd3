// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Static calls that cost the caller a bounded amount, whatever is called
/// @dev The callee gets `GAS_GRANTED` and its answer is copied only when it has the length expected, so neither burning gas
///      nor returning megabytes hurts. By EIP-150 a call gets at most 63/64 of the gas there is, silently; a failure with
///      less than `GAS_REQUIRED` offered is therefore the caller's fault and reverts, instead of passing for the callee's.
library BoundedCall {
    /// @notice Gas of one call. The mean over a Uniswap pool of 4,096 observations takes 67,000, and the search is at most four
    ///         steps longer for the 65,535 that a pool can have; the rest is reserve.
    uint256 internal constant GAS_GRANTED = 300_000;

    /// @notice 300,000 x 64/63 = 304,762, and 2,600 for a cold account with what stands around the call.
    uint256 internal constant GAS_REQUIRED = 310_000;

    error InsufficientGas(uint256 gasOffered, uint256 gasRequired);

    /// @notice Calls the function without arguments that answers `wordCount` words, at most five.
    /// @return isAnswered False when the call failed, nobody is there, or the answer has another length.
    /// @return words The answer, meaningless when `isAnswered` is false.
    function read(address target, bytes4 selector, uint256 wordCount)
        internal
        view
        returns (bool isAnswered, uint256[5] memory words)
    {
        uint256 gasOffered = gasleft();
        assembly ("memory-safe") {
            let size := mul(wordCount, 32)
            mstore(0, selector)
            isAnswered := staticcall(GAS_GRANTED, target, 0, 4, words, size)
            isAnswered := and(isAnswered, eq(returndatasize(), size))
        }
        if (!isAnswered && gasOffered < GAS_REQUIRED) revert InsufficientGas(gasOffered, GAS_REQUIRED);
    }
}
