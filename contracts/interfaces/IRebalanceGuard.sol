// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Bounds, Budget, Fill, Measurement} from "../types/Rebalance.sol";

/// @title Interface of the rebalance guard
interface IRebalanceGuard {
    event BoundsSet(Bounds oldBounds, Bounds newBounds);
    event VaultBound(address indexed vault);

    error OnlyBoundVault(address caller, address vault);
    error VaultAlreadyBound(address vault);
    /// @dev `boundName` is the ASCII name of the field of `Bounds`.
    error BoundOutsideHardLimit(bytes32 boundName, uint256 actual, uint256 limit);
    error BoundLooser(bytes32 boundName, uint256 actual, uint256 limit);

    error CooldownActive(uint256 timestamp, uint256 readyAt);
    error SizeDeltaExceeded(uint256 sizeDelta, uint256 maxSizeDelta);
    error SlippageExceeded(uint256 executionPrice, uint256 limitPrice);
    error FeeExceeded(uint256 fee, uint256 maxFee);
    error NotionalExceeded(uint256 notional, uint256 maxNotional);
    error TurnoverExceeded(uint256 notional, uint256 turnoverAvailable);
    error NetDeltaExceeded(uint256 worstNetDelta, uint256 maxAbsDelta);
    error VenueLeverageExceeded(uint256 venueIndex, uint256 leverage, uint256 maxLeverage);
    error LeverageExceeded(uint256 leverage, uint256 maxLeverage);
    error NavLossExceeded(uint256 loss, uint256 maxLoss);

    /// @notice Binds the one vault that may call `check`. Governor only, once.
    function bindVault(address vault) external;

    /// @notice Judges a rebalance on what was measured and books its turnover. Bound vault only.
    /// @dev Reverts with the first rule broken, in the order the errors above are declared from `CooldownActive` on.
    /// @param beforeTrade State before execution.
    /// @param fills What each trading leg did; empty when only margin moved: then the leverage and loss rules judge alone.
    /// @param afterTrade State after execution.
    function check(Measurement calldata beforeTrade, Fill[] calldata fills, Measurement calldata afterTrade) external;

    /// @notice Worst price a leg may execute at, fee excluded: the oracle price moved by `maxSlippageBps` against the vault.
    /// @param price Oracle price, WAD USD.
    /// @param sizeDelta Sign of the trade matters alone.
    function limitPrice(uint256 price, int256 sizeDelta) external view returns (uint256);

    /// @notice Bounds in force.
    function bounds() external view returns (Bounds memory);

    /// @notice Budget as stored at its last update.
    function budget() external view returns (Budget memory);

    /// @notice Content of the turnover bucket now, WAD USD.
    function turnoverAvailable() external view returns (uint256);

    /// @notice Most that a thief of the keeper key can cost the vault by trading in any 24 hours, WAD USD:
    ///         (turnoverCapacity + turnoverRefillPerDay) x (s / (1 - s) + f), with s and f the slippage and fee bounds.
    function maxDailyExecutionLoss() external view returns (uint256);

    /// @notice Replaces the bounds. Governor only; hard limits apply.
    function setBounds(Bounds calldata newBounds) external;

    /// @notice Replaces the bounds by ones no looser in any field. Guardian or governor.
    function tightenBounds(Bounds calldata newBounds) external;
}
