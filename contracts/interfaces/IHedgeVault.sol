// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {Leg, Measurement} from "../types/Rebalance.sol";
import {IPerpVenue} from "./IPerpVenue.sol";

/// @title Interface of the hedge vault
interface IHedgeVault is IERC4626 {
    event VenueAdded(address indexed venue);
    event VenueRemoved(address indexed venue);
    event DonationAbsorbed(uint256 assets);
    /// @param requestedSizeDelta What the keeper asked for, WAD underlying.
    /// @param filledSizeDelta What the venue did.
    /// @param executionPrice Fee excluded, WAD USD; 0 when only margin moved.
    /// @param fee WAD USD.
    /// @param marginDelta Asset units moved into (+) or out of (-) the venue.
    event LegExecuted(
        bytes32 indexed intentId,
        address indexed venue,
        int256 requestedSizeDelta,
        int256 filledSizeDelta,
        uint256 executionPrice,
        uint256 fee,
        int256 marginDelta
    );
    /// @param price Oracle price, WAD USD.
    /// @param worstNetDeltaBefore WAD underlying.
    /// @param worstNetDeltaAfter WAD underlying.
    event Rebalanced(
        bytes32 indexed intentId,
        address indexed keeper,
        uint256 price,
        uint256 worstNetDeltaBefore,
        uint256 worstNetDeltaAfter,
        uint256 navLowBefore,
        uint256 navLowAfter
    );

    error DeadlinePassed(uint256 timestamp, uint256 deadline);
    error IntentAlreadyUsed(bytes32 intentId);
    error NoLegs();
    error VenueNotRegistered(address venue);
    error VenueAlreadyRegistered(address venue);
    error VenueVaultMismatch(address venueVault, address vault);
    error VenueCollateralMismatch(address venueCollateral, address asset);
    error VenueNotEmpty(address venue, int256 size, int256 equityHigh);
    error TooManyVenues(uint256 count, uint256 limit);
    error IdleExceeded(uint256 assets, uint256 idle);
    error FeeOnTransferAsset(uint256 received, uint256 expected);
    error MarginNotMoved(address venue, uint256 moved, uint256 expected);
    error OrderNotFilled(address venue, IPerpVenue.OrderStatus status);
    error DepositTooSmall(uint256 assets);
    error AssetsBelowMinimum(uint256 assets, uint256 minAssets);

    /// @notice Moves the hedge. Keeper only, not while paused.
    /// @dev Order: deadline, intent unused, measure, legs, measure, `RebalanceGuard.check`. Every judgement is on measured state.
    /// @param intentId Chosen by the keeper; accepted once for the life of the vault.
    /// @param legs At least one.
    /// @param deadline Unix seconds; the call reverts after it.
    function rebalance(bytes32 intentId, Leg[] calldata legs, uint256 deadline) external;

    /// @notice The state the guard would judge now.
    function measure() external view returns (Measurement memory);

    /// @notice True once an intent has been accepted.
    function intentUsed(bytes32 intentId) external view returns (bool);

    /// @notice Collateral held by the vault itself and available to instant exits, asset units. Donations do not count.
    function idleAssets() external view returns (uint256);

    /// @notice Lower and higher NAV, asset units. Deposits price at the high, redemptions at the low.
    function navBounds() external view returns (uint256 low, uint256 high);

    /// @notice Registered venues; the index is the one in `Measurement.venues`.
    function venues() external view returns (IPerpVenue[] memory);

    /// @notice Registers a venue. Governor only. The adapter must name this vault and its asset, and be flat.
    function addVenue(IPerpVenue venue) external;

    /// @notice Removes a venue with no position and no equity. Governor only.
    function removeVenue(IPerpVenue venue) external;

    /// @notice Books collateral sent to the vault outside `deposit` as NAV of the present holders. Anyone.
    function absorbDonation() external returns (uint256 assets);

    /// @notice Exit that asks no venue and no oracle, for the day one of them does not answer: pays the pro-rata part of idle
    ///         and forfeits the shares' claim on everything else to those who stay.
    /// @dev Open to the owner of the shares and those it has allowed, paused or not. Reverts `AssetsBelowMinimum`.
    /// @param shares Shares to burn.
    /// @param minAssets Least the caller accepts, asset units.
    /// @return assets Paid to `receiver`, rounded down.
    function redeemFromIdle(uint256 shares, uint256 minAssets, address receiver, address owner)
        external
        returns (uint256 assets);

    /// @notice Stops deposits and rebalances; exits stay open. Guardian or governor.
    function pause() external;

    /// @notice Lifts the pause. Governor only.
    function unpause() external;
}
