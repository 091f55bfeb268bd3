// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Interface of the fees that a vault pays in shares
interface IShareFees {
    /// @notice Shares that fees have earned and that are not minted yet. Never reverts.
    /// @param navLow Lower NAV, asset units.
    function due(uint256 navLow) external view returns (uint256 shares);

    /// @notice The same, booked as minted. The vault calls it before every entry and exit, and mints what it answers.
    /// @param navLow Lower NAV, asset units.
    /// @param navHigh Higher NAV, asset units.
    function accrue(uint256 navLow, uint256 navHigh) external returns (address recipient, uint256 shares);
}
