// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {PriceFaults} from "../types/Prices.sol";

/// @notice What a source answered. All zero when it did not.
struct Answer {
    bool isAnswered;
    uint256 price;
    uint256 updatedAt;
    uint256 confidence;
}

/// @title Rules a price is judged by
/// @dev No number a source may answer makes any of these revert: products are `mulDiv` by less than one, sums saturate.
library PriceRules {
    uint256 internal constant BPS = 10_000; // 100 %

    /// @notice Faults of one answer, as the primary's bits.
    function faultsOf(
        Answer memory answer,
        uint256 maxAgeSeconds,
        uint256 minPrice,
        uint256 maxPrice,
        uint256 maxConfidenceBps
    ) internal view returns (uint256 faults) {
        if (!answer.isAnswered) return PriceFaults.NO_ANSWER;
        if (answer.updatedAt > block.timestamp) faults = PriceFaults.FROM_FUTURE;
        else if (block.timestamp - answer.updatedAt > maxAgeSeconds) faults = PriceFaults.STALE;
        if (answer.price < minPrice || answer.price > maxPrice) faults |= PriceFaults.OUT_OF_RANGE;
        if (answer.confidence > ratioOf(answer.price, maxConfidenceBps)) faults |= PriceFaults.TOO_UNCERTAIN;
    }

    /// @notice Whether two prices are farther apart than `maxDisagreementBps` of the lower one.
    function disagree(uint256 price, uint256 otherPrice, uint256 maxDisagreementBps) internal pure returns (bool) {
        (uint256 lower, uint256 upper) = price < otherPrice ? (price, otherPrice) : (otherPrice, price);
        return upper - lower > ratioOf(lower, maxDisagreementBps);
    }

    /// @notice price -/+ (price x deviationBps + confidence), rounded outward, from 0 to the largest number there is.
    function interval(uint256 price, uint256 confidence, uint256 deviationBps)
        internal
        pure
        returns (uint256 low, uint256 high)
    {
        uint256 deviation = Math.mulDiv(price, deviationBps, BPS, Math.Rounding.Ceil);
        uint256 halfWidth = Math.saturatingAdd(deviation, confidence);
        return (Math.saturatingSub(price, halfWidth), Math.saturatingAdd(price, halfWidth));
    }

    /// @notice `bps`, less than `BPS`, of `number`, rounded down: a whole number exceeds the ratio when it exceeds this.
    function ratioOf(uint256 number, uint256 bps) internal pure returns (uint256) {
        return Math.mulDiv(number, bps, BPS);
    }
}
