// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDeltaSource} from "./IDeltaSource.sol";

/// @title Interface of the option book
interface IOptionBook is IDeltaSource {
    /// @param strike WAD USD.
    /// @param expiry Unix seconds.
    /// @param isCall True for a call.
    /// @param quantity Signed contracts of one underlying unit each, WAD; negative is short.
    /// @param ivLow Lowest implied volatility the delta must hold for, WAD per year (0.5e18 = 50 %).
    /// @param ivHigh Highest.
    struct OptionLeg {
        uint256 strike;
        uint256 expiry;
        bool isCall;
        int256 quantity;
        uint256 ivLow;
        uint256 ivHigh;
    }

    event LegAdded(uint256 indexed legId, OptionLeg leg);
    event LegQuantitySet(uint256 indexed legId, int256 oldQuantity, int256 newQuantity);
    event LegIvIntervalSet(
        uint256 indexed legId, uint256 oldIvLow, uint256 newIvLow, uint256 oldIvHigh, uint256 newIvHigh
    );
    event SettlementWindowSet(uint256 oldWindow, uint256 newWindow);
    event LegRemoved(uint256 indexed legId, OptionLeg leg);

    error LegExpired(uint256 expiry, uint256 timestamp);
    error LegUnknown(uint256 legId);
    error TooManyLegs(uint256 count, uint256 limit);
    error StrikeOutOfRange(uint256 strike, uint256 minStrike, uint256 maxStrike);
    error ExpiryOutOfRange(uint256 expiry, uint256 maxExpiry);
    error QuantityOutOfRange(int256 quantity, uint256 maxAbsQuantity);
    error IvIntervalInvalid(uint256 ivLow, uint256 ivHigh, uint256 minIv, uint256 maxIv);
    error NotRepresentable(uint256 number, uint256 step);
    error SettlementWindowTooLong(uint256 window, uint256 limit);

    /// @notice Adds legs; expired ones make room where the book is full. Governor only.
    /// @return firstLegId Ids are consecutive and never reused.
    function addLegs(OptionLeg[] calldata legs) external returns (uint256 firstLegId);

    /// @notice Changes a leg's signed quantity. Governor only.
    function setQuantity(uint256 legId, int256 quantity) external;

    /// @notice Changes a leg's IV interval. Governor only.
    function setIvInterval(uint256 legId, uint256 ivLow, uint256 ivHigh) external;

    /// @notice Removes a leg. Governor at any time; anyone once it has expired.
    function removeLeg(uint256 legId) external;

    /// @notice Removes expired legs, at most `limit` of them. Anyone.
    /// @return removed How many there were.
    function removeExpired(uint256 limit) external returns (uint256 removed);

    /// @notice Sets the time before expiry over whose average the legs settle, seconds. Governor only.
    function setSettlementWindow(uint256 window) external;

    /// @notice Ids of the legs held.
    function legIds() external view returns (uint256[] memory);

    /// @notice One leg.
    function leg(uint256 legId) external view returns (OptionLeg memory);
}
