// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {TokenDouble} from "./Tokens.sol";

/// @notice Refuses transfers to accounts that the test has blocked, as USDC does.
contract BlocklistTokenDouble is TokenDouble {
    mapping(address account => bool) public isBlocked;

    error Blocked(address account);

    constructor(uint8 decimals_) TokenDouble(decimals_) {}

    function setBlocked(address account) external {
        isBlocked[account] = true;
    }

    function _update(address from, address to, uint256 units) internal override {
        if (isBlocked[to]) revert Blocked(to);
        super._update(from, to, units);
    }
}
