// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";

/// @notice Holds shares that wait for idle; pays or gives back to their owner alone.
contract QueueDouble {
    mapping(address owner => uint256 shares) public waiting;

    IERC4626 private immutable _vault;

    constructor(IERC4626 vault) {
        _vault = vault;
    }

    function request(uint256 shares) external {
        waiting[msg.sender] += shares;
        require(_vault.transferFrom(msg.sender, address(this), shares));
    }

    function cancel(uint256 shares) external {
        waiting[msg.sender] -= shares;
        require(_vault.transfer(msg.sender, shares));
    }

    function pay(address owner, uint256 shares) external {
        waiting[owner] -= shares;
        _vault.redeem(shares, owner, address(this));
    }
}
