// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Interface of what serves one vault
interface IVaultBound {
    event VaultBound(address indexed vault);

    error OnlyBoundVault(address caller, address vault);
    error VaultAlreadyBound(address vault);

    /// @notice The one vault it serves; zero until bound.
    function vault() external view returns (address);

    /// @notice Binds the vault. Governor only, once.
    function bindVault(address vault) external;
}
