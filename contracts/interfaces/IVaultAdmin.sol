// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Interface of the roles of a vault
interface IVaultAdmin {
    error NotKeeper(address caller);
    error NotGuardian(address caller);
    error NotGovernor(address caller);

    /// @notice Reverts `NotKeeper` unless `account` is a keeper: it may rebalance inside the bounds.
    function requireKeeper(address account) external view;

    /// @notice Reverts `NotGuardian` unless `account` is a guardian or a governor: it may tighten and pause at once.
    function requireGuardian(address account) external view;

    /// @notice Reverts `NotGovernor` unless `account` is a governor: it may change parameters inside the hard limits.
    function requireGovernor(address account) external view;
}
