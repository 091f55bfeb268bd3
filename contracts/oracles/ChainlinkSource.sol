// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPriceSource} from "../interfaces/IPriceSource.sol";
import {DecimalScale} from "../libraries/DecimalScale.sol";

/// @dev The two functions of Chainlink's AggregatorV3Interface that are used.
interface IAggregatorV3 {
    function decimals() external view returns (uint8);

    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}

/// @title Chainlink price source
/// @notice Rounding. A feed of more than 18 decimals is rounded down to WAD.
///
///         Known limits. The feed's decimals are read once, at deployment: Chainlink never changes those of a live proxy.
///         Age and range are judged by `PriceOracle`, not here; `answeredInRound` is deprecated and not read.
contract ChainlinkSource is IPriceSource {
    /// @notice Feed proxy.
    IAggregatorV3 public immutable aggregator;

    /// @notice Decimals of the feed's answers.
    uint8 public immutable feedDecimals;

    constructor(address aggregator_) {
        aggregator = IAggregatorV3(aggregator_);
        feedDecimals = DecimalScale.requireSupported(IAggregatorV3(aggregator_).decimals());
    }

    /// @inheritdoc IPriceSource
    function latestPrice() external view returns (uint256 price, uint256 updatedAt) {
        int256 answer;
        (, answer,, updatedAt,) = aggregator.latestRoundData();
        if (answer <= 0) revert NonPositiveAnswer(answer);
        price = DecimalScale.scaleDown(uint256(answer), feedDecimals, DecimalScale.WAD_DECIMALS);
    }
}
