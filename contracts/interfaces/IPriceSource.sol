// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Interface of a price source
/// @dev A source lets failures of its own calls revert. One that catches them could answer differently when it is given
///      little gas, which `PriceOracle` cannot tell from an honest answer.
interface IPriceSource {
    error NonPositiveAnswer(int256 answer);

    /// @notice Latest price as the feed gives it, without any judgement of age or range.
    /// @return price WAD USD per underlying unit.
    /// @return updatedAt Time of the newest information in the price, Unix seconds.
    /// @return confidence Half-width of the interval that the source claims for its price, WAD USD; 0 where it claims none.
    function latestPrice() external view returns (uint256 price, uint256 updatedAt, uint256 confidence);
}
