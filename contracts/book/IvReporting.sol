// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";
import {Governed} from "../governance/Governed.sol";
import {IIvReporting} from "../interfaces/IIvReporting.sol";

/// @title Reported IV intervals
/// @notice Purpose. An account or contract that follows the market moves the IV intervals of the legs without the
///         governor's delay.
///
///         Trust. A stolen reporter's key can move an interval by `maxDailyChange` in any 24 hours, never outside the
///         levels, never narrower than `minWidth`, and can neither add nor remove a leg or its interval. There is no
///         reporter until the governor names one, and no room until it sets limits.
///
///         Rounding. The room for change grows by half of `maxDailyChange` in 24 hours, rounded down, and is never more
///         than that half: together at most `maxDailyChange` in any 24 hours.
abstract contract IvReporting is IIvReporting, Governed {
    /// @notice Least `minWidth`: one vol point.
    uint256 public constant MIN_IV_WIDTH = 0.01e18;

    struct IvChange {
        uint192 used; // of the room, at `changedAt`, WAD per year
        uint64 changedAt; // Unix seconds
    }

    /// @notice Who may report; the zero address for nobody.
    address public ivReporter;
    IvLimits public ivLimits;

    mapping(uint256 legId => IvChange change) private _changes;

    /// @inheritdoc IIvReporting
    function reportIvIntervals(IvReport[] calldata reports) external {
        if (msg.sender != ivReporter) revert NotIvReporter(msg.sender);
        IvLimits memory limits = ivLimits;
        for (uint256 i = 0; i < reports.length; ++i) {
            IvReport calldata report = reports[i];
            _requireLevels(report, limits);
            (uint256 oldLow, uint256 oldHigh) = _changeIvInterval(report.legId, report.ivLow, report.ivHigh);
            uint256 change = FixedPointMathLib.max(
                FixedPointMathLib.dist(oldLow, report.ivLow), FixedPointMathLib.dist(oldHigh, report.ivHigh)
            );
            _useRoom(report.legId, change, limits);
        }
    }

    /// @inheritdoc IIvReporting
    function setIvReporter(address reporter) external onlyGovernor {
        _setIvReporter(reporter);
    }

    /// @inheritdoc IIvReporting
    function dismissIvReporter() external onlyGuardian {
        _setIvReporter(address(0));
    }

    /// @inheritdoc IIvReporting
    function setIvLimits(IvLimits calldata limits) external onlyGovernor {
        if (
            limits.minWidth < MIN_IV_WIDTH || limits.maxIv < limits.minWidth
                || limits.minIv > limits.maxIv - limits.minWidth || limits.maxDailyChange > limits.maxIv
                || limits.maxIv > type(uint64).max
        ) revert IvLimitsOutOfRange(limits);
        emit IvLimitsSet(ivLimits, limits);
        ivLimits = limits;
    }

    /// @inheritdoc IIvReporting
    function ivChangeLeft(uint256 legId) external view returns (uint256) {
        uint256 maxDailyChange = ivLimits.maxDailyChange;
        return FixedPointMathLib.zeroFloorSub(maxDailyChange / 2, _usedRoom(legId, maxDailyChange));
    }

    /// @dev Changes the interval of a live leg, or reverts, and returns the old one.
    function _changeIvInterval(uint256 legId, uint256 ivLow, uint256 ivHigh)
        internal
        virtual
        returns (uint256 oldLow, uint256 oldHigh);

    function _setIvReporter(address reporter) private {
        emit IvReporterSet(ivReporter, reporter);
        ivReporter = reporter;
    }

    function _useRoom(uint256 legId, uint256 change, IvLimits memory limits) private {
        if (change > limits.maxChange) revert IvChangeTooLarge(change, limits.maxChange);
        uint256 used = _usedRoom(legId, limits.maxDailyChange);
        uint256 left = FixedPointMathLib.zeroFloorSub(limits.maxDailyChange / 2, used);
        if (change > left) revert IvDailyChangeExceeded(change, left);
        _changes[legId] = IvChange(uint192(used + change), uint64(block.timestamp));
    }

    function _usedRoom(uint256 legId, uint256 maxDailyChange) private view returns (uint256) {
        IvChange memory last = _changes[legId];
        uint256 grown = maxDailyChange * (block.timestamp - last.changedAt) / (2 * 1 days);
        return FixedPointMathLib.zeroFloorSub(last.used, grown);
    }

    function _requireLevels(IvReport calldata report, IvLimits memory limits) private pure {
        (uint256 ivLow, uint256 ivHigh) = (report.ivLow, report.ivHigh);
        if (ivLow < limits.minIv || ivHigh > limits.maxIv) {
            revert IvLevelRefused(ivLow, ivHigh, limits.minIv, limits.maxIv);
        }
        uint256 width = FixedPointMathLib.zeroFloorSub(ivHigh, ivLow);
        if (width < limits.minWidth) revert IvWidthTooSmall(width, limits.minWidth);
    }
}
