// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Interface of a price source that is brought up to date by its user
interface IPriceUpdater {
    /// @notice Brings signed prices on chain, pays for it out of the ether sent and returns the rest to the caller. Anyone.
    /// @return fee Paid, wei.
    function update(bytes[] calldata updateData) external payable returns (uint256 fee);
}
