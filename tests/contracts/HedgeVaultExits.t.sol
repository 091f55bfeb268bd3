// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IHedgeVault} from "../../contracts/interfaces/IHedgeVault.sol";
import {IRebalanceGuard} from "../../contracts/interfaces/IRebalanceGuard.sol";
import {IVaultBound} from "../../contracts/interfaces/IVaultBound.sol";
import {Leg, Measurement} from "../../contracts/types/Rebalance.sol";
import {QueueDouble} from "./invariants/QueueDouble.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice What an exit leaves behind: the queue's reserve, margin, firm NAV and the breaker's sample; and trades that nobody
///         could judge.
contract HedgeVaultExitsTest is VaultFixture {
    // INV-16
    function test_unwind_doesNotTakeWhatTheQueueWaitsFor() external {
        QueueDouble queue = new QueueDouble(vault);
        _govern(address(vault), abi.encodeCall(vault.setRedemptionQueue, (address(queue))));
        _deposit(depositor, _units(90_000));
        uint256 shares = _deposit(attacker, _units(110_000));
        vm.warp(START + 1 hours);
        _publish(PRICE);
        _rebalance(_leg(int256(_units(100_000)), 50e18)); // 100,000 left
        vm.startPrank(depositor);
        vault.approve(address(queue), type(uint256).max);
        queue.request(vault.balanceOf(depositor)); // worth 90,000 less its part of 500
        vm.stopPrank();
        uint256 free = vault.idleAssets() - vault.reservedAssets();
        vm.prank(attacker);
        vm.expectRevert(
            abi.encodeWithSelector(IHedgeVault.IdleExceeded.selector, vault.previewRedeem(shares / 2), free)
        );
        vault.redeemWithUnwind(shares / 2, 0, attacker, attacker, new Leg[](0));
        // With his part of the margin he may leave at once: that is his, and the queue keeps its idle.
        vm.prank(attacker);
        vault.redeemWithUnwind(shares / 2, 0, attacker, attacker, _leg(-int256(_units(50_000)), -10e18));
        assertGe(vault.idleAssets(), vault.reservedAssets());
    }

    // INV-21
    function test_unwind_bringsNoMoreMarginHomeThanTheSharesAreWorth() external {
        _hedge();
        uint256 shares = vault.balanceOf(depositor) / 200; // worth 997.5
        uint256 worth = vault.previewRedeem(shares);
        vm.prank(depositor);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.MarginNotNeeded.selector, worth + 1, worth));
        vault.redeemWithUnwind(shares, 0, depositor, depositor, _leg(-int256(worth + 1), 0));
    }

    // HEDGE-015
    function test_unwind_revertsIfItPaysLessThanTheMinimum() external {
        _hedge();
        uint256 shares = vault.balanceOf(depositor) / 2;
        uint256 worth = vault.previewRedeem(shares);
        vm.startPrank(depositor);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.AssetsBelowMinimum.selector, worth, worth + 1));
        vault.redeemWithUnwind(shares, worth + 1, depositor, depositor, new Leg[](0));
        assertEq(vault.redeemWithUnwind(shares, worth, depositor, depositor, new Leg[](0)), worth);
        vm.stopPrank();
    }

    // INV-59
    function test_unwind_takesASampleOfTheHedgeItLeaves() external {
        _hedge();
        _emptyIdle();
        uint256 shares = vault.balanceOf(depositor) / 2;
        Leg[] memory legs = _leg(-int256(vault.previewRedeem(shares)), -25e18);
        vm.prank(depositor);
        vault.redeemWithUnwind(shares, 0, depositor, depositor, legs);
        assertEq(guard.track().size, 25e18);
        _publish(1600e18); // half the hedge loses 10,000: 10 % of what is left of NAV, and explained
        assertFalse(guard.isBreakerTripped());
    }

    // INV-59
    function test_checkUnwind_revertsIfNotTheVault() external {
        Measurement memory m = vault.measureHedge();
        vm.expectRevert(abi.encodeWithSelector(IVaultBound.OnlyBoundVault.selector, address(this), address(vault)));
        guard.checkUnwind(m, new uint256[](0), m);
    }

    // INV-23
    function test_roundTrip_leavesFirmNavAsItWas() external {
        _deposit(depositor, _units(200_000));
        uint256 shares = _deposit(attacker, _units(10_000_000));
        assertEq(vault.measureHedge().firmNav, 200_000e18);
        vm.prank(attacker);
        vault.redeem(shares, attacker, attacker);
        assertEq(vault.measureHedge().firmNav, 200_000e18); // it was 0 for an hour, and no rebalance had a budget
        _rebalance(_leg(int256(_units(50_000)), 50e18));
    }

    // INV-23
    function test_exit_doesNotPutOffTheRipeningOfWhatStays() external {
        _deposit(depositor, _units(200_000));
        _deposit(attacker, _units(100_000));
        vm.warp(START + 30 minutes);
        _publish(PRICE);
        assertEq(vault.measureHedge().firmNav, 250_000e18);
        vm.prank(depositor);
        vault.withdraw(_units(20_000), depositor, depositor);
        assertEq(vault.measureHedge().firmNav, 250_000e18);
        vm.warp(START + 45 minutes);
        assertEq(vault.measureHedge().firmNav, 265_000e18); // half of 30,000
        vm.warp(START + 1 hours);
        assertEq(vault.measureHedge().firmNav, 280_000e18);
    }

    // INV-42
    function test_rebalance_revertsIfTheVenueTradesWithoutAnAnswer() external {
        _deposit(depositor, _units(200_000));
        source.set(0, 0); // W is 0, and stays 0 as far as the vault could see
        bytes memory expected = abi.encodeWithSelector(IRebalanceGuard.VenueNotAnswering.selector, 0);
        venue.setPending(1, 0); // an answer that no account can have
        _rebalanceExpecting(_leg(0, 50e18), expected);
        venue.setPending(0, 0);
        venue.setCall(address(venue), abi.encodeCall(venue.setPending, (int256(1), int256(0))));
        _rebalanceExpecting(_leg(0, 50e18), expected);
    }

    // INV-42
    function test_unwind_revertsIfTheVenueTradesWithoutAnAnswer() external {
        _hedge();
        _emptyIdle();
        venue.setCall(address(venue), abi.encodeCall(venue.setPending, (int256(1), int256(0))));
        uint256 shares = vault.balanceOf(depositor) / 2;
        vm.prank(depositor);
        vm.expectRevert(abi.encodeWithSelector(IRebalanceGuard.VenueNotAnswering.selector, 0));
        vault.redeemWithUnwind(shares, 0, depositor, depositor, _leg(0, -25e18));
    }

    // INV-60
    function test_oneLieOfAVenue_doesNotStopTheGuardForGood() external {
        _hedge();
        venue.setSize(int256(1e31)); // a size of 1e13 units
        assertTrue(vault.measureHedge().venues[0].isSilent);
        guard.recordResult();
        venue.setSize(int256(50e18));
        _publish(2100e18);
        guard.recordResult();
        assertEq(guard.track().size, 50e18);
    }

    // INV-60
    function test_venueOfImpossibleWorth_isSilent() external {
        _hedge();
        venue.setSize(int256(1e29)); // possible alone, not at 2,000 USD each
        assertTrue(vault.measureHedge().venues[0].isSilent);
        assertEq(vault.measureHedge().nav, 150_000e18);
        guard.recordResult();
    }
}
