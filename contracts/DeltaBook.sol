// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Governed} from "./governance/Governed.sol";
import {IDeltaBook} from "./interfaces/IDeltaBook.sol";
import {IDeltaSource} from "./interfaces/IDeltaSource.sol";
import {IVaultAccess} from "./interfaces/IVaultAccess.sol";

/// @title Delta book: the sum of its sources
/// @notice Purpose. Tells the guard, from chain state alone, the interval that is certain to hold the book's delta.
///
///         Trust. The governor chooses the sources; each source answers for its own positions. A keeper has no say here.
///
///         Obligations of a source. `low <= high`; the interval holds whatever happens to the positions it names.
///
///         Rounding. Sums are exact; each source rounds its low end down and its high end up.
///
///         Liveness. A source that reverts, or answers an inverted interval, stops rebalances until the governor removes
///         it. Exits do not depend on the book.
///
///         Known limits. A book without sources has delta 0, so a keeper can only bring the hedge toward 0.
contract DeltaBook is IDeltaBook, Governed {
    /// @notice Most sources: keeps a measurement inside one block's gas.
    uint256 public constant MAX_SOURCES = 16;

    IDeltaSource[] private _sources;

    constructor(IVaultAccess access_) Governed(access_) {}

    /// @inheritdoc IDeltaBook
    function addSource(IDeltaSource source) external onlyGovernor {
        _requireContract(address(source));
        if (_sources.length == MAX_SOURCES) revert TooManySources(MAX_SOURCES + 1, MAX_SOURCES);
        if (_find(source) != _sources.length) revert SourceAlreadyRegistered(address(source));
        _sources.push(source);
        emit SourceAdded(address(source));
    }

    /// @inheritdoc IDeltaBook
    function removeSource(IDeltaSource source) external onlyGovernor {
        uint256 index = _find(source);
        uint256 count = _sources.length;
        if (index == count) revert SourceNotRegistered(address(source));
        _sources[index] = _sources[count - 1];
        _sources.pop();
        emit SourceRemoved(address(source));
    }

    /// @inheritdoc IDeltaBook
    function sources() external view returns (IDeltaSource[] memory) {
        return _sources;
    }

    /// @inheritdoc IDeltaSource
    function deltaInterval(uint256 price) external view returns (int256 low, int256 high) {
        uint256 count = _sources.length;
        for (uint256 i = 0; i < count; ++i) {
            (int256 sourceLow, int256 sourceHigh) = _sources[i].deltaInterval(price);
            if (sourceLow > sourceHigh) revert IntervalInverted(address(_sources[i]), sourceLow, sourceHigh);
            low += sourceLow;
            high += sourceHigh;
        }
    }

    /// @dev Index of `source`, or the number of sources when it is not registered.
    function _find(IDeltaSource source) private view returns (uint256 index) {
        uint256 count = _sources.length;
        while (index < count && address(_sources[index]) != address(source)) ++index;
    }
}
