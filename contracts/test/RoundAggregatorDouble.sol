// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AggregatorDouble} from "./AggregatorDouble.sol";

/// @title Test double of a Chainlink aggregator that answers the older interface too
/// @notice Some protocols ask for the number of the latest round before they take an aggregator.
contract RoundAggregatorDouble is AggregatorDouble {
    constructor(uint8 decimals_, int256 answer) AggregatorDouble(decimals_, answer) {}

    /// @notice Number of the latest round.
    function latestRound() external view returns (uint256 roundId) {
        (roundId,,,,) = this.latestRoundData();
    }
}
