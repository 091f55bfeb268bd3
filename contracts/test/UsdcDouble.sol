// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title Test double of USDC
/// @notice For local chains and tests alone. It has neither the blocklist nor the upgradeability of the real token.
contract UsdcDouble is ERC20 {
    uint8 private immutable _decimals;

    /// @param decimals_ Decimals of the token; 6 like the real one, or another number to test conversions.
    constructor(uint8 decimals_) ERC20("USD Coin (test double)", "USDC") {
        _decimals = decimals_;
    }

    /// @notice Mints `value` to `to`. Anyone.
    function mint(address to, uint256 value) external {
        _mint(to, value);
    }

    /// @notice Decimals given at construction.
    function decimals() public view override returns (uint8) {
        return _decimals;
    }
}
