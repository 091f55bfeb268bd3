// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Interface of reported IV intervals
interface IIvReporting {
    /// @notice A leg's new interval, WAD per year.
    struct IvReport {
        uint256 legId;
        uint256 ivLow;
        uint256 ivHigh;
    }

    /// @notice What the reporter is held to, WAD per year. A change is the larger of the changes of both ends.
    /// @param minIv Lowest `ivLow`.
    /// @param maxIv Highest `ivHigh`.
    /// @param minWidth Least `ivHigh - ivLow`.
    /// @param maxChange Largest change of one report.
    /// @param maxDailyChange Largest sum of the changes of one leg within any 24 hours.
    struct IvLimits {
        uint256 minIv;
        uint256 maxIv;
        uint256 minWidth;
        uint256 maxChange;
        uint256 maxDailyChange;
    }

    event IvReporterSet(address indexed oldReporter, address indexed newReporter);
    event IvLimitsSet(IvLimits oldLimits, IvLimits newLimits);

    error NotIvReporter(address account);
    error IvLimitsOutOfRange(IvLimits limits);
    error IvLevelRefused(uint256 ivLow, uint256 ivHigh, uint256 minIv, uint256 maxIv);
    error IvWidthTooSmall(uint256 width, uint256 minWidth);
    error IvChangeTooLarge(uint256 change, uint256 maxChange);
    /// @param left What the leg may still change by now.
    error IvDailyChangeExceeded(uint256 change, uint256 left);

    /// @notice Moves the IV intervals of legs, within the limits. Reporter only.
    function reportIvIntervals(IvReport[] calldata reports) external;

    /// @notice Names who may report; the zero address for nobody. Governor only.
    function setIvReporter(address reporter) external;

    /// @notice Takes the right from the reporter at once. Guardian or governor.
    function dismissIvReporter() external;

    /// @notice Changes the limits. Governor only.
    function setIvLimits(IvLimits calldata limits) external;

    /// @notice What a leg may still change by now, WAD per year.
    function ivChangeLeft(uint256 legId) external view returns (uint256);
}
