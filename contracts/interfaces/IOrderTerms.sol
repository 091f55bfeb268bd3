// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title What an order of a venue that fills later may cost
/// @notice Whoever asks for an order can foresee the `maxFee` that `IPerpVenue.OrderRequested` will tell: the rate times the
///         notional at the highest price that it may be charged at, and the fixed part. That price is the limit of a purchase;
///         of a sale it is the limit or, where that is higher, the quoted price and `saleRise` of it. All products round up,
///         the rise down.
interface IOrderTerms {
    /// @notice Terms of an order that is asked for now.
    /// @return feeRate Highest fee as a part of notional, WAD.
    /// @return fixedFee What it may cost beside, whatever its size, USD; a deposit that may not come back is inside.
    /// @return saleRise How far above the quoted price a sale may fill, as a part of that price, WAD.
    /// @return sizeStep Sizes are whole multiples of it, underlying units: of what is asked for beyond them nothing is pending.
    function orderTerms() external view returns (uint256 feeRate, uint256 fixedFee, uint256 saleRise, uint256 sizeStep);
}
