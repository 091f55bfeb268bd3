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
///         Obligations of a source. `low <= high`, both of at most `MAX_ABS_DELTA`; the interval holds whatever happens
///         to the positions it names; an answer takes at most `SOURCE_GAS`.
///
///         Rounding. Sums are exact; each source rounds its low end down and its high end up.
///
///         Liveness. A source that reverts, burns its gas or answers anything but an interval stops rebalances, with
///         its address in the error, until the governor removes or replaces it. It costs a caller no more than
///         `SOURCE_GAS`, and it can stop nothing else: exits do not depend on the book. Too little gas given by a caller
///         is a failure too, never a delta of 0.
///
///         Known limits. A book without sources has delta 0, so a keeper can only bring the hedge toward 0.
contract DeltaBook is IDeltaBook, Governed {
    /// @notice Most sources: keeps a measurement inside one block's gas.
    uint256 public constant MAX_SOURCES = 16;
    /// @notice Most gas of one source: twice what a full `OptionBook` takes. All sources together stay below the
    ///         16,777,216 gas of one transaction (EIP-7825).
    uint256 public constant SOURCE_GAS = 1_000_000;
    /// @notice Largest end of an interval, so that no source can make the sum overflow.
    int256 public constant MAX_ABS_DELTA = type(int128).max;

    IDeltaSource[] private _sources;

    constructor(IVaultAccess access_) Governed(access_) {}

    /// @inheritdoc IDeltaBook
    function addSource(IDeltaSource source) external onlyGovernor {
        if (_sources.length == MAX_SOURCES) revert TooManySources(MAX_SOURCES + 1, MAX_SOURCES);
        _requireNew(source);
        _sources.push(source);
        emit SourceAdded(address(source));
    }

    /// @inheritdoc IDeltaBook
    function removeSource(IDeltaSource source) external onlyGovernor {
        uint256 index = _requireRegistered(source);
        _sources[index] = _sources[_sources.length - 1];
        _sources.pop();
        emit SourceRemoved(address(source));
    }

    /// @inheritdoc IDeltaBook
    function replaceSource(IDeltaSource source, IDeltaSource replacement) external onlyGovernor {
        uint256 index = _requireRegistered(source);
        _requireNew(replacement);
        _sources[index] = replacement;
        emit SourceRemoved(address(source));
        emit SourceAdded(address(replacement));
    }

    /// @inheritdoc IDeltaBook
    function sources() external view returns (IDeltaSource[] memory) {
        return _sources;
    }

    /// @inheritdoc IDeltaSource
    function deltaInterval(uint256 price) external view returns (int256 low, int256 high) {
        uint256 count = _sources.length;
        for (uint256 i = 0; i < count; ++i) {
            (int256 sourceLow, int256 sourceHigh) = _ask(address(_sources[i]), price);
            low += sourceLow;
            high += sourceHigh;
        }
    }

    /// @dev Copies two words of the answer, whatever its length: a source cannot make the caller pay for memory.
    function _ask(address source, uint256 price) private view returns (int256 low, int256 high) {
        bytes memory question = abi.encodeCall(IDeltaSource.deltaInterval, (price));
        bool answered;
        assembly ("memory-safe") {
            answered := staticcall(SOURCE_GAS, source, add(question, 0x20), mload(question), 0, 0x40)
            answered := and(answered, eq(returndatasize(), 0x40))
            low := mload(0)
            high := mload(0x20)
        }
        if (!answered || low < -MAX_ABS_DELTA || high > MAX_ABS_DELTA) revert SourceFailed(source);
        if (low > high) revert IntervalInverted(source, low, high);
    }

    function _requireNew(IDeltaSource source) private view {
        _requireContract(address(source));
        if (_find(source) != _sources.length) revert SourceAlreadyRegistered(address(source));
    }

    function _requireRegistered(IDeltaSource source) private view returns (uint256 index) {
        index = _find(source);
        if (index == _sources.length) revert SourceNotRegistered(address(source));
    }

    /// @dev Index of `source`, or the number of sources when it is not registered.
    function _find(IDeltaSource source) private view returns (uint256 index) {
        uint256 count = _sources.length;
        while (index < count && address(_sources[index]) != address(source)) ++index;
    }
}
