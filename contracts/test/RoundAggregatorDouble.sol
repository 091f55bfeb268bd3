// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Test double of a Chainlink aggregator that keeps its rounds
/// @notice For protocols that ask for the number of the latest round, and for what the feed said in rounds before.
contract RoundAggregatorDouble {
    struct Round {
        int256 answer;
        uint256 updatedAt;
    }

    uint8 public immutable decimals;

    /// @notice Number of the latest round.
    uint256 public latestRound;

    mapping(uint256 roundId => Round round) private _rounds;

    /// @param decimals_ Decimals of the answers; 8 for USD feeds.
    /// @param answer First answer.
    constructor(uint8 decimals_, int256 answer) {
        decimals = decimals_;
        updateAnswer(answer);
    }

    /// @notice Publishes `answer`, dated now. Anyone.
    function updateAnswer(int256 answer) public {
        _rounds[++latestRound] = Round(answer, block.timestamp);
    }

    /// @notice Latest round, in the form of Chainlink's AggregatorV3Interface.
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return getRoundData(uint80(latestRound));
    }

    /// @notice Any round, in the same form.
    function getRoundData(uint80 roundId)
        public
        view
        returns (uint80, int256 answer, uint256 startedAt, uint256 updatedAt, uint80)
    {
        Round memory round = _rounds[roundId];
        return (roundId, round.answer, round.updatedAt, round.updatedAt, roundId);
    }
}
