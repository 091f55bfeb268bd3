// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Interface of a delta source
interface IDeltaSource {
    /// @notice Interval that is certain to hold the delta of every position of this source.
    /// @param price Oracle price of the underlying, WAD USD.
    /// @return low Lower end, WAD underlying units, rounded down.
    /// @return high Upper end, WAD underlying units, rounded up. Never below `low`.
    function deltaInterval(uint256 price) external view returns (int256 low, int256 high);
}
