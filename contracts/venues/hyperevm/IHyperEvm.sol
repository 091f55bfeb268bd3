// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice Takes actions for HyperCore, in the name of the caller. It never reverts: what HyperCore refuses leaves no trace.
interface ICoreWriter {
    function sendRawAction(bytes calldata data) external;
}

/// @notice Circle's bridge of USDC between HyperEVM and HyperCore.
interface ICoreDepositWallet {
    /// @param amount USDC, 1e6; taken by allowance and credited to the caller on HyperCore.
    /// @param destinationDex 0 for perpetuals, `type(uint32).max` for spot.
    function deposit(uint256 amount, uint32 destinationDex) external;
}
