// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {PriceLimits, PriceSources} from "../types/Prices.sol";

/// @title Interface of the price oracle
interface IPriceOracle {
    /// @param price Price of the primary source, WAD USD per underlying unit; 0 when it gave no answer.
    /// @param low Lower end of where the true price may be: price - (price x deviationBps + confidence), rounded down, or the
    ///        price of a healthy secondary source where that is lower.
    /// @param high Upper end, rounded up; never below the price of a healthy secondary source.
    /// @param updatedAt Time of the primary price, Unix seconds; 0 when it gave no answer.
    /// @param deviationBps How far the feed may lag behind the truth, 1e-4 of the price.
    /// @param faults Bits of `PriceFaults`; 0 is healthy. With a fault the other numbers are for people alone.
    struct Reading {
        uint256 price;
        uint256 low;
        uint256 high;
        uint256 updatedAt;
        uint256 deviationBps;
        uint256 faults;
    }

    event PriceSourcesSet(PriceSources oldSources, PriceSources newSources);
    event PriceLimitsSet(PriceLimits oldLimits, PriceLimits newLimits);

    error PriceNotAnswered(address source);
    error PriceStale(uint256 ageSeconds, uint256 maxAgeSeconds);
    error PriceFromFuture(uint256 updatedAt, uint256 timestamp);
    error PriceOutOfRange(uint256 price, uint256 minPrice, uint256 maxPrice);
    error PriceTooUncertain(uint256 confidence, uint256 maxConfidence);
    error SecondaryPriceNotAnswered(address source);
    error SecondaryPriceStale(uint256 ageSeconds, uint256 maxAgeSeconds);
    error SecondaryPriceFromFuture(uint256 updatedAt, uint256 timestamp);
    error SecondaryPriceOutOfRange(uint256 price, uint256 minPrice, uint256 maxPrice);
    error SecondaryPriceTooUncertain(uint256 confidence, uint256 maxConfidence);
    error PricesDisagree(uint256 primaryPrice, uint256 secondaryPrice, uint256 maxDisagreementBps);
    error SequencerNotAnswered(address feed);
    error SequencerDown(uint256 downSince);
    error SequencerGrace(uint256 upSince, uint256 graceSeconds);

    error CollateralNotAnswered(address source);
    error PriceSourceRepeated(address source);
    /// @dev `limitName` is the ASCII name of the field of `PriceLimits`.
    error PriceLimitOutsideHardLimit(bytes32 limitName, uint256 actual, uint256 limit);
    error PriceLimitLooser(bytes32 limitName, uint256 actual, uint256 limit);

    /// @notice Price, the interval around it, and every fault there is.
    /// @dev Never reverts, whatever a source does, with one exception: `BoundedCall.InsufficientGas`, when a source failed and
    ///      the caller had offered less gas than a source is granted. Nobody can feign a silent source by a low gas limit.
    function read() external view returns (Reading memory);

    /// @notice Healthy price of the underlying. Faults of the collateral do not count.
    /// @dev Reverts with the error of the first price fault, in the order they are declared above from `PriceNotAnswered` on.
    /// @return price WAD USD per underlying unit.
    /// @return updatedAt Unix seconds.
    function price() external view returns (uint256 price, uint256 updatedAt);

    /// @notice Replaces the sources. Governor only.
    /// @dev The new ones are read at once: reverts with the first price fault there is, those of a sequencer that is down or
    ///      just back excepted, and when the collateral's source does not answer. An address mistyped does not pass.
    function setSources(PriceSources calldata newSources) external;

    /// @notice Replaces the limits. Governor only; hard limits apply.
    function setPriceLimits(PriceLimits calldata newLimits) external;

    /// @notice Replaces the limits by ones no looser in any field. Guardian or governor.
    /// @dev Tighter is lower, but for `minPrice` and `sequencerGraceSeconds`. `deviationBps` has to stay as it is.
    function tightenPriceLimits(PriceLimits calldata newLimits) external;

    /// @notice Sources in force.
    function sources() external view returns (PriceSources memory);

    /// @notice Limits in force.
    function priceLimits() external view returns (PriceLimits memory);
}
