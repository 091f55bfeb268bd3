// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDeltaSource} from "./IDeltaSource.sol";

/// @title Interface of the delta book
interface IDeltaBook is IDeltaSource {
    event SourceAdded(address indexed source);
    event SourceRemoved(address indexed source);

    error SourceAlreadyRegistered(address source);
    error SourceNotRegistered(address source);
    error TooManySources(uint256 count, uint256 limit);
    error IntervalInverted(address source, int256 low, int256 high);
    /// @notice The source reverted, ran out of its gas or answered no interval; ask it alone to see why.
    error SourceFailed(address source);

    /// @notice Adds a source. Governor only.
    function addSource(IDeltaSource source) external;

    /// @notice Removes a source. Governor only.
    function removeSource(IDeltaSource source) external;

    /// @notice Puts `replacement` in the place of `source` at once, so that no rebalance sees a book without both.
    ///         Governor only.
    function replaceSource(IDeltaSource source, IDeltaSource replacement) external;

    /// @notice Registered sources, in no particular order.
    function sources() external view returns (IDeltaSource[] memory);
}
