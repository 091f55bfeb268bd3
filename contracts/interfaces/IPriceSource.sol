// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Interface of a price source
interface IPriceSource {
    error NonPositiveAnswer(int256 answer);

    /// @notice Latest price as the feed gives it, without any judgement of age or range.
    /// @return price WAD USD per underlying unit.
    /// @return updatedAt Time of the price, Unix seconds.
    function latestPrice() external view returns (uint256 price, uint256 updatedAt);
}
