// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IVaultAdmin} from "../interfaces/IVaultAdmin.sol";

/// @title Roles of one vault
/// @notice Purpose. One place answers who may rebalance (keeper), tighten and pause (guardian), and change parameters
///         (governor), so that handing over a role is one transaction.
///
///         Trust. The governor (a timelock in production) administers all three roles. The guardian can dismiss a keeper and
///         nothing else here. OpenZeppelin's `DEFAULT_ADMIN_ROLE` has no holder and administers nothing.
///
///         Liveness. The last governor can neither be removed nor leave, so the parameters never freeze by accident.
contract VaultAdmin is AccessControl, IVaultAdmin {
    bytes32 public constant KEEPER_ROLE = keccak256("KEEPER_ROLE");
    bytes32 public constant GUARDIAN_ROLE = keccak256("GUARDIAN_ROLE");
    bytes32 public constant GOVERNOR_ROLE = keccak256("GOVERNOR_ROLE");

    /// @notice Number of accounts that hold `GOVERNOR_ROLE`.
    uint256 public governorCount;

    error LastGovernor(address governor);
    error RoleHolderIsZero(bytes32 role);

    constructor(address governor, address guardian, address keeper) {
        _setRoleAdmin(GOVERNOR_ROLE, GOVERNOR_ROLE);
        _setRoleAdmin(GUARDIAN_ROLE, GOVERNOR_ROLE);
        _setRoleAdmin(KEEPER_ROLE, GOVERNOR_ROLE);
        _setRoleAdmin(DEFAULT_ADMIN_ROLE, GOVERNOR_ROLE);
        _grantRole(GOVERNOR_ROLE, governor);
        _grantRole(GUARDIAN_ROLE, guardian);
        _grantRole(KEEPER_ROLE, keeper);
    }

    /// @notice Takes the keeper role from a keeper whose key may be stolen. Guardian or governor.
    function dismissKeeper(address keeper) external {
        requireGuardian(msg.sender);
        _revokeRole(KEEPER_ROLE, keeper);
    }

    /// @inheritdoc IVaultAdmin
    function requireKeeper(address account) external view {
        if (!hasRole(KEEPER_ROLE, account)) revert NotKeeper(account);
    }

    /// @inheritdoc IVaultAdmin
    function requireGovernor(address account) external view {
        if (!hasRole(GOVERNOR_ROLE, account)) revert NotGovernor(account);
    }

    /// @inheritdoc IVaultAdmin
    function requireGuardian(address account) public view {
        if (!hasRole(GUARDIAN_ROLE, account) && !hasRole(GOVERNOR_ROLE, account)) revert NotGuardian(account);
    }

    function _grantRole(bytes32 role, address account) internal override returns (bool granted) {
        if (account == address(0)) revert RoleHolderIsZero(role);
        granted = super._grantRole(role, account);
        if (granted && role == GOVERNOR_ROLE) ++governorCount;
    }

    function _revokeRole(bytes32 role, address account) internal override returns (bool revoked) {
        revoked = super._revokeRole(role, account);
        if (revoked && role == GOVERNOR_ROLE) {
            if (--governorCount == 0) revert LastGovernor(account);
        }
    }
}
