// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {RedemptionQueue} from "../../contracts/vault/RedemptionQueue.sol";
import {ShareFees} from "../../contracts/vault/ShareFees.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-041 .. HEDGE-057 together: shares that wait in the queue while management and performance fees accrue.
contract FeesBesideQueueTest is VaultFixture {
    address private recipient = makeAddr("recipient");
    address private stayer = makeAddr("stayer");
    ShareFees private fees;
    RedemptionQueue private queue;
    uint256 private shares;
    uint256 private epochId;

    /// @dev Two members of 100,000 each; the one asks for all of his back, then the vault gains 40,000 in half a year.
    function setUp() public override {
        super.setUp();
        fees = new ShareFees(access, vault);
        queue = new RedemptionQueue(vault, 500);
        _govern(address(vault), abi.encodeCall(vault.setShareFees, (fees)));
        _govern(address(vault), abi.encodeCall(vault.setRedemptionQueue, (address(queue))));
        _govern(address(fees), abi.encodeCall(fees.setFees, (200, 2000, recipient)));
        shares = _deposit(depositor, _units(100_000));
        _deposit(stayer, _units(100_000));
        vm.startPrank(depositor);
        vault.approve(address(queue), shares);
        epochId = queue.request(shares);
        vm.stopPrank();
        token.mint(address(vault), _units(40_000));
        vm.warp(vm.getBlockTimestamp() + 182.5 days);
        _publish(PRICE);
    }

    // HEDGE-042, HEDGE-056
    function test_serve_paysWhatARedemptionWouldAfterFees() external {
        uint256 preview = vault.previewRedeem(shares);
        assertApproxEqAbs(preview, _units(115_040), 1); // 120,000 less 1 % and a fifth of the 18,800 gained
        (, uint256 paid) = queue.serve();
        assertEq(paid, preview);
        assertApproxEqAbs(vault.previewRedeem(vault.balanceOf(stayer)), preview, 1); // waiting or not, the same
        vm.prank(depositor);
        assertEq(queue.claim(epochId, depositor), preview);
    }

    // HEDGE-044, HEDGE-053
    function test_claim_losesNothingToFeesThatAccrueAfterItWasServed() external {
        (, uint256 paid) = queue.serve();
        token.mint(address(vault), _units(50_000));
        vm.warp(vm.getBlockTimestamp() + 365 days);
        vault.accrueFees();
        vm.prank(depositor);
        assertEq(queue.claim(epochId, depositor), paid);
    }

    // HEDGE-041, HEDGE-057
    function test_reserve_leavesFeesTheirOwnAndTheQueueItsPart() external {
        uint256 idle = vault.idleAssets();
        uint256 owed = vault.reservedAssets();
        assertEq(owed, vault.previewRedeem(shares));
        vault.accrueFees();
        assertEq(vault.reservedAssets(), owed); // to the unit, accrued or not
        uint256 ofRecipient = vault.maxRedeem(recipient);
        vm.prank(recipient);
        vault.redeem(ofRecipient, recipient, recipient);
        uint256 ofStayer = vault.maxRedeem(stayer);
        vm.prank(stayer);
        vault.redeem(ofStayer, stayer, stayer);
        assertGe(vault.idleAssets(), owed);
        assertLe(token.balanceOf(recipient) + token.balanceOf(stayer), idle - owed);
        (, uint256 paid) = queue.serve();
        assertGe(paid, owed); // exits round in favour of who stays
        assertLe(paid, owed + 2);
    }

    // HEDGE-045, HEDGE-054
    function test_cancel_givesBackTheSharesAndChargesTheGainOnce() external {
        vm.prank(depositor);
        queue.cancel(epochId, depositor);
        assertEq(vault.balanceOf(depositor), shares);
        vault.accrueFees();
        uint256 charged = vault.balanceOf(recipient);
        vm.startPrank(depositor);
        vault.approve(address(queue), shares);
        queue.request(shares);
        vm.stopPrank();
        queue.serve();
        assertEq(vault.balanceOf(recipient), charged);
    }
}
