// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Test double of a Chainlink aggregator
/// @notice Answers `latestRoundData` as a real aggregator does. Unlike Chainlink's own mock it keeps the latest round
///         alone, so that a local chain which publishes thousands of prices stays as fast as it was at the first.
contract AggregatorDouble {
    uint8 public immutable decimals;

    uint80 private _roundId;
    int256 private _answer;
    uint256 private _updatedAt;

    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);

    /// @param decimals_ Decimals of the answers; 8 for USD feeds.
    /// @param answer First answer.
    constructor(uint8 decimals_, int256 answer) {
        decimals = decimals_;
        updateAnswer(answer);
    }

    /// @notice Publishes `answer`, dated now. Anyone.
    function updateAnswer(int256 answer) public {
        updateRoundData(_roundId + 1, answer, block.timestamp);
    }

    /// @notice Publishes a round with any number and date, to stage late, future or repeated answers. Anyone.
    function updateRoundData(uint80 roundId, int256 answer, uint256 updatedAt) public {
        _roundId = roundId;
        _answer = answer;
        _updatedAt = updatedAt;
        emit AnswerUpdated(answer, roundId, updatedAt);
    }

    /// @notice Latest round, in the form of Chainlink's AggregatorV3Interface.
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        return (_roundId, _answer, _updatedAt, _updatedAt, _roundId);
    }

    /// @notice Name of the feed.
    function description() external pure returns (string memory) {
        return "ETH / USD (test double)";
    }

    /// @notice Version of the interface.
    function version() external pure returns (uint256) {
        return 0;
    }
}
