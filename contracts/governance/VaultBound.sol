// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IVaultBound} from "../interfaces/IVaultBound.sol";
import {Governed} from "./Governed.sol";

/// @title Base of contracts that are deployed before the one vault they serve
abstract contract VaultBound is IVaultBound, Governed {
    /// @inheritdoc IVaultBound
    address public vault;

    modifier onlyBoundVault() {
        if (msg.sender != vault) revert OnlyBoundVault(msg.sender, vault);
        _;
    }

    /// @inheritdoc IVaultBound
    function bindVault(address vault_) external onlyGovernor {
        if (vault != address(0)) revert VaultAlreadyBound(vault);
        vault = _requireContract(vault_);
        emit VaultBound(vault_);
    }
}
