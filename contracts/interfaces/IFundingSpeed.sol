// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title How fast a venue's funding rate moves
/// @notice For venues whose rate drifts with the imbalance of their market instead of following a premium: what a position will
///         pay depends on how long it stands.
interface IFundingSpeed {
    /// @notice Change of `IPerpVenue.fundingRate` within a day as the market stands now, and what each unit bought adds to it.
    /// @return perDay WAD rate per day, per day.
    /// @return perUnit WAD rate per day, per day and unit of underlying; a unit sold takes as much away.
    function fundingSpeed() external view returns (int256 perDay, int256 perUnit);
}
