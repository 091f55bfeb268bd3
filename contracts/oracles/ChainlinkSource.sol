// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAggregatorV3} from "../interfaces/IAggregatorV3.sol";
import {IPriceSource} from "../interfaces/IPriceSource.sol";
import {DecimalScale} from "../libraries/DecimalScale.sol";

/// @title Chainlink price source
/// @notice Purpose. The answer of one aggregator, dated by `updatedAt`, when it was answered. `startedAt`, when the round began,
///         would make a late answer look older and a repeated one newer than it is.
///
///         Rounding. A feed of more than 18 decimals is rounded down to WAD.
///
///         Known limits. The feed's decimals are read once, at deployment: Chainlink never changes those of a live proxy.
///         Age and range are judged by `PriceOracle`, not here; `answeredInRound` is deprecated and not read. Some
///         aggregators clamp their answer to bounds of their own, so that in a crash they go on answering the lower one:
///         name those bounds here, and an answer at or beyond them is refused.
contract ChainlinkSource is IPriceSource {
    /// @notice Feed proxy.
    IAggregatorV3 public immutable aggregator;

    /// @notice Decimals of the feed's answers.
    uint8 public immutable feedDecimals;

    /// @notice Answers at or below this are refused, in the feed's decimals; 0 where the aggregator has no bound.
    int256 public immutable minAnswer;

    /// @notice Answers at or above this are refused, in the feed's decimals; the largest number where it has none.
    int256 public immutable maxAnswer;

    error AnswerAtBound(int256 answer, int256 minAnswer, int256 maxAnswer);
    error AnswerBoundsNotOrdered(int256 minAnswer, int256 maxAnswer);

    constructor(address aggregator_, int256 minAnswer_, int256 maxAnswer_) {
        if (minAnswer_ < 0 || minAnswer_ >= maxAnswer_) revert AnswerBoundsNotOrdered(minAnswer_, maxAnswer_);
        aggregator = IAggregatorV3(aggregator_);
        feedDecimals = DecimalScale.requireSupported(IAggregatorV3(aggregator_).decimals());
        minAnswer = minAnswer_;
        maxAnswer = maxAnswer_;
    }

    /// @inheritdoc IPriceSource
    /// @dev A Chainlink feed claims no confidence; its deviation threshold belongs into the oracle's `deviationBps`.
    function latestPrice() external view returns (uint256 price, uint256 updatedAt, uint256 confidence) {
        int256 answer;
        (, answer,, updatedAt,) = aggregator.latestRoundData();
        if (answer <= 0) revert NonPositiveAnswer(answer);
        if (answer <= minAnswer || answer >= maxAnswer) revert AnswerAtBound(answer, minAnswer, maxAnswer);
        price = DecimalScale.scaleDown(uint256(answer), feedDecimals, DecimalScale.WAD_DECIMALS);
        confidence = 0;
    }
}
