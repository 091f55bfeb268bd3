// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IVaultAdmin} from "../interfaces/IVaultAdmin.sol";

/// @title Base of contracts governed through `VaultAdmin`
abstract contract Governed {
    /// @notice Holder of the roles. Fixed for the life of the contract.
    IVaultAdmin public immutable admin;

    error NotAContract(address account);

    modifier onlyKeeper() {
        admin.requireKeeper(msg.sender);
        _;
    }

    modifier onlyRelay() {
        admin.requireGovernor(msg.sender);
        _;
    }

    modifier onlyGuardian() {
        admin.requireGuardian(msg.sender);
        _;
    }

    modifier onlyGovernor() {
        admin.requireGovernor(msg.sender);
        _;
    }

    constructor(IVaultAdmin admin_) {
        admin = IVaultAdmin(_requireContract(address(admin_)));
    }

    /// @dev Catches a mistyped address at deployment, where it costs nothing.
    function _requireContract(address account) internal view returns (address) {
        if (account.code.length == 0) revert NotAContract(account);
        return account;
    }
}
