// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Interface of the price oracle
interface IPriceOracle {
    /// @param price WAD USD per underlying unit; 0 while it is not healthy.
    /// @param low Lowest price that the true one may be while `price` stands.
    /// @param high Highest.
    /// @param updatedAt Unix seconds.
    /// @param deviationBps How far the feed may lag behind the truth, 1e-4 of the price.
    /// @param faults Bit set; 0 is healthy.
    struct Reading {
        uint256 price;
        uint256 low;
        uint256 high;
        uint256 updatedAt;
        uint256 deviationBps;
        uint256 faults;
    }

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

    /// @notice Price, range and faults. Never reverts.
    function read() external view returns (Reading memory);

    /// @notice Sets staleness and range. Governor only; hard limits apply.
    function setPriceLimits(uint256 maxAgeSeconds, uint256 minPrice, uint256 maxPrice) external;

    /// @notice Staleness and range in force.
    function priceLimits() external view returns (uint256 maxAgeSeconds, uint256 minPrice, uint256 maxPrice);
}
