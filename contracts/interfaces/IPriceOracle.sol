// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Interface of the price oracle
interface IPriceOracle {
    event PriceLimitsSet(
        uint256 oldMaxAgeSeconds,
        uint256 newMaxAgeSeconds,
        uint256 oldMinPrice,
        uint256 newMinPrice,
        uint256 oldMaxPrice,
        uint256 newMaxPrice
    );

    error PriceStale(uint256 ageSeconds, uint256 maxAgeSeconds);
    error PriceFromFuture(uint256 updatedAt, uint256 timestamp);
    error PriceOutOfRange(uint256 price, uint256 minPrice, uint256 maxPrice);
    error InvalidPriceLimits(uint256 maxAgeSeconds, uint256 minPrice, uint256 maxPrice);

    /// @notice Healthy price of the underlying.
    /// @dev Reverts with one of the errors above when the price is stale, from the future, or out of range.
    /// @return price WAD USD per underlying unit.
    /// @return updatedAt Unix seconds.
    function price() external view returns (uint256 price, uint256 updatedAt);

    /// @notice Sets staleness and range. Governor only; hard limits apply.
    function setPriceLimits(uint256 maxAgeSeconds, uint256 minPrice, uint256 maxPrice) external;

    /// @notice Staleness and range in force.
    function priceLimits() external view returns (uint256 maxAgeSeconds, uint256 minPrice, uint256 maxPrice);
}
