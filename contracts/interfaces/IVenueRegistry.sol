// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {VenueMeasurement} from "../types/Rebalance.sol";
import {IPerpVenue} from "./IPerpVenue.sol";
import {IPriceOracle} from "./IPriceOracle.sol";
import {IVaultBound} from "./IVaultBound.sol";

/// @title Interface of the venue registry
interface IVenueRegistry is IVaultBound {
    /// @param lastSize Lowest size that was possible when the venue was last measured in a rebalance: its position and the
    ///        pending orders that lower it, WAD underlying.
    /// @param capUsd Most equity that margin may lead to, whole USD.
    /// @param isClosing The position may only shrink.
    /// @param wasRegistered True once it has ever been.
    /// @param hadOrder An order was open then: `lastPending` is not 0.
    /// @param lastPending What was pending then, the pending orders of both sides together, WAD underlying.
    struct VenueState {
        int128 lastSize;
        uint64 capUsd;
        bool isClosing;
        bool wasRegistered;
        bool hadOrder;
        int128 lastPending;
    }

    event VenueAdded(address indexed venue);
    /// @param abandonedEquity What the venue still held by its own account, WAD USD; 0 where it did not answer.
    event VenueRemoved(address indexed venue, bool isForced, int256 abandonedEquity);
    event VenueClosingSet(address indexed venue, bool oldIsClosing, bool newIsClosing);
    event VenueCapSet(address indexed venue, uint256 oldCapUsd, uint256 newCapUsd);

    error VaultEntered();
    error GasTooLow(uint256 gasOffered, uint256 gasNeeded);
    error DepositsOpen(uint256 depositCap);
    error TooManyVenues(uint256 count, uint256 limit);
    error VenueNotRegistered(address venue);
    error VenueNeverRegistered(address venue);
    error VenueStillRegistered(address venue);
    error VenueAlreadyRegistered(address venue);
    error VenueVaultMismatch(address venueVault, address vault);
    error VenueCollateralMismatch(address venueCollateral, address asset);
    error VenueSilent(address venue);
    error VenueNotEmpty(address venue, int256 size, int256 equityHigh);
    error CapLooser(uint256 actual, uint256 limit);

    /// @notice Gas that one venue's answer may take.
    function VENUE_GAS() external view returns (uint256);

    /// @notice Registered venues; the index is the one in `Measurement.venues`.
    function venues() external view returns (IPerpVenue[] memory);

    /// @notice What is kept of a venue.
    function venueState(IPerpVenue venue) external view returns (VenueState memory);

    /// @notice Index of a registered venue; reverts `VenueNotRegistered`.
    function indexOf(address venue) external view returns (uint256);

    /// @notice Reverts unless the venue was registered once and is no longer: `VenueNeverRegistered`, `VenueStillRegistered`.
    function requireRemoved(IPerpVenue venue) external view;

    /// @notice Measures every venue. Never reverts over a venue; `GasTooLow` where the caller offers too little gas.
    /// @param reading Oracle's reading; where its price is 0 each venue is judged at its own index.
    /// @param silentMask Venues (bit = index) that are known not to answer and are not asked.
    function measure(IPriceOracle.Reading calldata reading, uint256 silentMask)
        external
        view
        returns (VenueMeasurement[] memory);

    /// @notice The same, and keeps the sizes for the day a venue does not answer. Bound vault only.
    function measureAndKeep(IPriceOracle.Reading calldata reading, uint256 silentMask)
        external
        returns (VenueMeasurement[] memory);

    /// @notice Registers a venue. Governor only. The adapter must name the vault and its asset, be flat and empty.
    function addVenue(IPerpVenue venue) external;

    /// @notice Removes a venue without a position, after bringing home what can be withdrawn. Governor only.
    function removeVenue(IPerpVenue venue) external;

    /// @notice Removes a venue whatever it holds or answers, after bringing home what it pays. Governor only.
    ///         `recoverMargin` of the vault empties it later.
    /// @dev Reverts `DepositsOpen` unless `depositCap` is 0 where anything may come home later, and `GasTooLow` where less gas
    ///      was offered than the venue is due.
    function forceRemoveVenue(IPerpVenue venue) external;

    /// @notice Lets a venue's position only shrink, whatever the delta rule says. Guardian or governor.
    function closeVenue(IPerpVenue venue) external;

    /// @notice Lifts `closeVenue`. Governor only.
    function reopenVenue(IPerpVenue venue) external;

    /// @notice Most equity that margin may lead to on a venue, whole USD. Governor only.
    function setVenueCap(IPerpVenue venue, uint256 capUsd) external;

    /// @notice Lowers it. Guardian or governor.
    function lowerVenueCap(IPerpVenue venue, uint256 capUsd) external;
}
