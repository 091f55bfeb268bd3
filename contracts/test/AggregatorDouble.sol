// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Test double of a Chainlink aggregator
/// @notice Answers `latestRoundData` as a real aggregator does. Unlike Chainlink's own mock it keeps the latest round
///         alone, so that a local chain which publishes thousands of prices stays as fast as it was at the first.
contract AggregatorDouble {
    /// @notice How long before its answer a round begins. Never 0, so that who takes one for the other is found out.
    uint256 public constant ROUND_SECONDS = 30;

    uint8 public immutable decimals;

    uint80 private _roundId;
    int256 private _answer;
    uint256 private _startedAt;
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
        _startedAt = updatedAt < ROUND_SECONDS ? 0 : updatedAt - ROUND_SECONDS;
        _updatedAt = updatedAt;
        emit AnswerUpdated(answer, roundId, updatedAt);
    }

    /// @notice Moves the start of the latest round alone, to stage a sequencer feed, whose status it dates. Anyone.
    function updateStartedAt(uint256 startedAt) external {
        _startedAt = startedAt;
    }

    /// @notice Latest round, in the form of Chainlink's AggregatorV3Interface.
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        return (_roundId, _answer, _startedAt, _updatedAt, _roundId);
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
