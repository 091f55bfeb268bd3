// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Interface of the gate of members
interface IMemberGate {
    /// @notice True for accounts that may be given shares: by deposit, mint or transfer. Exits never ask.
    function isMember(address account) external view returns (bool);
}
