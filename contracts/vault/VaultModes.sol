// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Governed} from "../governance/Governed.sol";

/// @title Modes of a vault: paused, reduce-only, winding down
/// @notice Purpose. What a guardian may stop at once and what only a governor may start again.
///
///         A pause stops trades and deposits; it ends by itself after `MAX_PAUSE`, and another can only begin as long after
///         that: nobody can freeze a book for ever by pausing. It leaves the vault in reduce-only, where no position grows,
///         until a governor resumes. A wind-down is reduce-only for good: every position may be closed whatever the delta
///         rule says. No mode touches exits or margin on its way into a venue.
abstract contract VaultModes is Governed {
    /// @notice Longest pause, and least time from its end to the next one.
    uint256 public constant MAX_PAUSE = 3 days;

    /// @notice End of the pause in force or of the last one, Unix seconds.
    uint48 public pausedUntil;

    /// @notice First time at which another pause may begin, Unix seconds.
    uint48 public pauseReadyAt;

    /// @notice No position may grow and no deposit is taken.
    bool public isReduceOnly;

    /// @notice Every position is to be closed; for good.
    bool public isWindingDown;

    event Paused(address indexed account, uint256 until);
    event PauseEnded(address indexed account);
    event ReduceOnlySet(address indexed account, bool isReduceOnly);
    event WindDownStarted(address indexed account);

    error PauseNotReady(uint256 timestamp, uint256 readyAt);

    /// @notice Stops trades and deposits for `MAX_PAUSE`. Guardian or governor.
    function pause() external onlyGuardian {
        if (block.timestamp < pauseReadyAt) revert PauseNotReady(block.timestamp, pauseReadyAt);
        pausedUntil = uint48(block.timestamp + MAX_PAUSE);
        pauseReadyAt = uint48(block.timestamp + 2 * MAX_PAUSE);
        _setReduceOnly(true);
        emit Paused(msg.sender, pausedUntil);
    }

    /// @notice Ends a pause early; the vault stays reduce-only. Guardian or governor.
    function endPause() external onlyGuardian {
        if (!paused()) return;
        pausedUntil = uint48(block.timestamp);
        emit PauseEnded(msg.sender);
    }

    /// @notice Lets no position grow and takes no deposit. Guardian or governor.
    function setReduceOnly() external onlyGuardian {
        _setReduceOnly(true);
    }

    /// @notice Ends pause and reduce-only. Governor only.
    function resume() external onlyGovernor {
        if (paused()) pausedUntil = uint48(block.timestamp);
        _setReduceOnly(false);
    }

    /// @notice Winds the vault down, for good. Governor only.
    function startWindDown() external onlyGovernor {
        isWindingDown = true;
        emit WindDownStarted(msg.sender);
    }

    /// @notice True while a pause is in force.
    function paused() public view returns (bool) {
        return block.timestamp < pausedUntil;
    }

    function _setReduceOnly(bool isReduceOnly_) private {
        isReduceOnly = isReduceOnly_;
        emit ReduceOnlySet(msg.sender, isReduceOnly_);
    }
}
