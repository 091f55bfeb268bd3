// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {UsdcDouble} from "./UsdcDouble.sol";

/// @title Test double of a token that takes a fee
/// @notice Of every transfer one part in a hundred is burnt. No vault may be deployed over such a token.
contract FeeTokenDouble is UsdcDouble {
    uint256 private constant PARTS = 100;

    constructor() UsdcDouble(6) {}

    function _update(address from, address to, uint256 value) internal override {
        uint256 fee = from == address(0) || to == address(0) ? 0 : value / PARTS;
        super._update(from, to, value - fee);
        if (fee != 0) super._update(from, address(0), fee);
    }
}
