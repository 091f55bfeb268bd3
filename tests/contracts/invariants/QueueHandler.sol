// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {CommonBase} from "forge-std/Base.sol";
import {StdUtils} from "forge-std/StdUtils.sol";
import {HedgeVault} from "../../../contracts/HedgeVault.sol";
import {RedemptionQueue} from "../../../contracts/vault/RedemptionQueue.sol";
import {TokenDouble} from "../support/Tokens.sol";

/// @notice Members who request, cancel and claim, anyone who serves, and a NAV that moves, in any order.
contract QueueHandler is CommonBase, StdUtils {
    uint256 public constant MEMBERS = 4;

    HedgeVault public immutable vault;
    RedemptionQueue public immutable queue;
    TokenDouble public immutable token;

    uint256 public sharesRequested;
    uint256 public sharesCancelled;
    uint256 public sharesServed;
    uint256 public strays;
    uint256 public assetsReceived;
    uint256 public assetsClaimed;
    uint256 public servings;
    bool public isPaidWrongly;

    constructor(HedgeVault vault_, RedemptionQueue queue_, TokenDouble token_) {
        vault = vault_;
        queue = queue_;
        token = token_;
    }

    function member(uint256 seed) public pure returns (address) {
        return address(uint160(0xA11CE000 + seed % MEMBERS));
    }

    function request(uint256 seed, uint256 shares) external {
        address owner = member(seed);
        uint256 balance = vault.balanceOf(owner);
        if (balance < queue.minShares()) return;
        shares = bound(shares, queue.minShares(), balance);
        vm.startPrank(owner);
        vault.approve(address(queue), shares);
        queue.request(shares);
        vm.stopPrank();
        sharesRequested += shares;
    }

    function cancel(uint256 seed, uint256 epochSeed) external {
        (address owner, uint256 epochId) = _any(seed, epochSeed);
        if (queue.pendingShares(epochId, owner) == 0) return;
        vm.prank(owner);
        (uint256 shares, uint256 assets) = queue.cancel(epochId, owner);
        sharesCancelled += shares;
        assetsClaimed += assets;
    }

    function claim(uint256 seed, uint256 epochSeed) external {
        (address owner, uint256 epochId) = _any(seed, epochSeed);
        uint256 due = queue.claimableAssets(epochId, owner);
        if (due == 0) return;
        uint256 balance = token.balanceOf(owner);
        vm.prank(owner);
        queue.claim(epochId, owner);
        if (token.balanceOf(owner) != balance + due) isPaidWrongly = true;
        assetsClaimed += due;
    }

    function serve() external {
        uint256 shares = vault.balanceOf(address(queue));
        uint256 balance = token.balanceOf(address(queue));
        (uint256 served, uint256 received) = queue.serve();
        if (vault.balanceOf(address(queue)) != shares - served) isPaidWrongly = true;
        if (token.balanceOf(address(queue)) != balance + received) isPaidWrongly = true;
        sharesServed += served;
        assetsReceived += received;
        if (served != 0) ++servings;
    }

    /// @dev Shares that come without a request.
    function stray(uint256 seed, uint256 shares) external {
        address owner = member(seed);
        shares = bound(shares, 0, vault.balanceOf(owner) / 50);
        vm.prank(owner);
        vault.transfer(address(queue), shares);
        strays += shares;
    }

    /// @dev Idle comes and goes; with it the price.
    function moveIdle(uint256 assets) external {
        uint256 idle = token.balanceOf(address(vault));
        assets = bound(assets, 0, 50_000e6);
        if (assets > idle) token.mint(address(vault), assets - idle);
        else token.burn(address(vault), idle - assets);
    }

    function pass(uint256 time) external {
        vm.warp(vm.getBlockTimestamp() + bound(time, 1, 2 hours));
    }

    function _any(uint256 seed, uint256 epochSeed) private view returns (address owner, uint256 epochId) {
        uint256 count = queue.epochCount();
        return (member(seed), count == 0 ? 0 : epochSeed % count);
    }
}
