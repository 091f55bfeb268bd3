// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Interface of the roles of a vault, as its contracts ask for them
/// @dev What only a governor may do is asked of `IAuthority.canCall` and `IAccessManager.consumeScheduledOp`, by way of
///      OpenZeppelin's `AccessManaged`.
interface IVaultAccess {
    error NotKeeper(address caller);
    error NotGuardian(address caller);
    error NotRelay(address caller);

    /// @notice Whether the deployer has handed over; until then it acts without delay.
    function handedOver() external view returns (bool);

    /// @notice Whether `account` is a keeper: it may rebalance inside the bounds.
    function isKeeper(address account) external view returns (bool);

    /// @notice Reverts `NotKeeper` unless `account` is a keeper.
    function requireKeeper(address account) external view;

    /// @notice Reverts `NotGuardian` unless `account` is a guardian or a governor: it may tighten and pause at once.
    function requireGuardian(address account) external view;

    /// @notice Reverts `NotRelay` unless `account` is a relay: it may report what the chain cannot see.
    function requireRelay(address account) external view;
}
