// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title What is used of Pyth's contract
interface IPyth {
    /// @param price Price x 10^-expo.
    /// @param conf About one standard error of the price, in the same units.
    /// @param expo Exponent of ten, of any sign.
    /// @param publishTime Unix seconds.
    struct Price {
        int64 price;
        uint64 conf;
        int32 expo;
        uint256 publishTime;
    }

    /// @notice Latest price stored. Reverts when there was never one.
    function getPriceUnsafe(bytes32 id) external view returns (Price memory price);

    /// @notice Stores the signed prices in `updateData` that are newer than what is stored, and takes the fee.
    function updatePriceFeeds(bytes[] calldata updateData) external payable;

    /// @notice Fee of `updatePriceFeeds`, wei.
    function getUpdateFee(bytes[] calldata updateData) external view returns (uint256 feeAmount);
}
