// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Governed} from "../governance/Governed.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {IPriceSource} from "../interfaces/IPriceSource.sol";
import {IVaultAccess} from "../interfaces/IVaultAccess.sol";

/// @title Price oracle of a vault
/// @notice Trust. The governor moves age and range inside the hard limits below; the source is fixed at deployment.
///
///         Liveness. An unhealthy price reverts and with it every rebalance and measurement. Deposits and redemptions do not
///         ask this contract: they are priced by the venues' own equity.
contract PriceOracle is IPriceOracle, Governed {
    /// @notice No governor may accept a price older than this: the slowest Chainlink heartbeat, 24 h, and one hour of grace.
    uint256 public constant MAX_AGE_HARD_LIMIT = 25 hours; // seconds

    /// @notice No governor may accept a price above this.
    uint256 public constant MAX_PRICE_HARD_LIMIT = 1e12 * 1e18; // USD per underlying

    /// @notice Feed this oracle judges.
    IPriceSource public immutable source;

    uint256 private _maxAgeSeconds;
    uint256 private _minPrice;
    uint256 private _maxPrice;

    constructor(IVaultAccess access_, IPriceSource source_, uint256 maxAgeSeconds, uint256 minPrice, uint256 maxPrice)
        Governed(access_)
    {
        source = IPriceSource(_requireContract(address(source_)));
        _setPriceLimits(maxAgeSeconds, minPrice, maxPrice);
    }

    /// @inheritdoc IPriceOracle
    function setPriceLimits(uint256 maxAgeSeconds, uint256 minPrice, uint256 maxPrice) external onlyGovernor {
        _setPriceLimits(maxAgeSeconds, minPrice, maxPrice);
    }

    /// @inheritdoc IPriceOracle
    function price() external view returns (uint256 latestPrice, uint256 updatedAt) {
        (latestPrice, updatedAt) = source.latestPrice();
        if (updatedAt > block.timestamp) revert PriceFromFuture(updatedAt, block.timestamp);
        uint256 ageSeconds = block.timestamp - updatedAt;
        if (ageSeconds > _maxAgeSeconds) revert PriceStale(ageSeconds, _maxAgeSeconds);
        if (latestPrice < _minPrice || latestPrice > _maxPrice) {
            revert PriceOutOfRange(latestPrice, _minPrice, _maxPrice);
        }
    }

    uint256 public constant deviationBps = 50;

    /// @inheritdoc IPriceOracle
    function read() external view returns (Reading memory reading) {
        reading.deviationBps = deviationBps;
        try this.price() returns (uint256 latestPrice, uint256 updatedAt) {
            reading.price = latestPrice;
            reading.updatedAt = updatedAt;
            uint256 width = latestPrice * deviationBps / 10_000;
            reading.low = latestPrice - width;
            reading.high = latestPrice + width;
        } catch {
            reading.faults = 1;
        }
    }

    /// @inheritdoc IPriceOracle
    function priceLimits() external view returns (uint256 maxAgeSeconds, uint256 minPrice, uint256 maxPrice) {
        return (_maxAgeSeconds, _minPrice, _maxPrice);
    }

    function _setPriceLimits(uint256 maxAgeSeconds, uint256 minPrice, uint256 maxPrice) private {
        bool isValid = maxAgeSeconds != 0 && maxAgeSeconds <= MAX_AGE_HARD_LIMIT && minPrice != 0 && minPrice < maxPrice
            && maxPrice <= MAX_PRICE_HARD_LIMIT;
        if (!isValid) revert InvalidPriceLimits(maxAgeSeconds, minPrice, maxPrice);
        emit PriceLimitsSet(_maxAgeSeconds, maxAgeSeconds, _minPrice, minPrice, _maxPrice, maxPrice);
        _maxAgeSeconds = maxAgeSeconds;
        _minPrice = minPrice;
        _maxPrice = maxPrice;
    }
}
