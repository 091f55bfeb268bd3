// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IHedgeVault} from "../../contracts/interfaces/IHedgeVault.sol";
import {IRebalanceGuard} from "../../contracts/interfaces/IRebalanceGuard.sol";
import {IVenueRegistry} from "../../contracts/interfaces/IVenueRegistry.sol";
import {Leg, Measurement} from "../../contracts/types/Rebalance.sol";
import {ScriptedVenue} from "./support/ScriptedVenue.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-121 .. HEDGE-128: venues that do not answer, margin on its way home, and exits that wait for nobody.
contract HedgeVaultRecoveryTest is VaultFixture {
    ScriptedVenue private second;

    function _addSecond() private {
        second = new ScriptedVenue(address(vault), address(token), PRICE);
        _addVenue(second);
    }

    function _on(ScriptedVenue where, int256 marginDelta, int256 sizeDelta) private pure returns (Leg[] memory legs) {
        legs = new Leg[](1);
        legs[0] = Leg(address(where), marginDelta, sizeDelta, 0);
    }

    // HEDGE-121
    function test_silentVenue_isTakenToHoldBetweenNothingAndTheLastSizeKnown() external {
        _hedge();
        venue.setHalted(true);
        Measurement memory m = vault.measure();
        assertTrue(m.venues[0].isSilent);
        assertEq(m.venues[0].sizeLow, 0);
        assertEq(m.venues[0].sizeHigh, 50e18);
        assertEq(m.venues[0].equity, 0);
        assertEq(m.venues[0].notional, 100_000e18);
        assertEq(m.nav, 150_000e18);
    }

    // HEDGE-121
    function test_silentVenue_doesNotStopTheOthers() external {
        _addSecond();
        _hedge();
        venue.setHalted(true); // W is 52 at worst: nothing left of the hedge
        vm.warp(START + SECONDS_OF_COOLDOWN);
        _publish(PRICE);
        second.setPrices(PRICE, PRICE);
        // Buying 25 leaves 27 where the first is gone, and 27 above the book where it is not.
        _rebalance(_on(second, int256(_units(20_000)), 25e18));
        assertEq(second.size(), 25e18);
    }

    // HEDGE-122
    function test_venueThatAnswersTheImpossible_isSilent() external {
        _hedge();
        venue.setCash(1e37);
        assertTrue(vault.measure().venues[0].isSilent);
        assertEq(vault.totalAssets(), _units(150_000));
    }

    // HEDGE-123
    function test_lowGas_doesNotMakeAHealthyVenueSilent() external {
        _hedge();
        venue.setAnswerGas(500_000);
        uint256 nav = vault.totalAssets();
        assertEq(nav, _units(199_500));
        uint256 refused = 0;
        for (uint256 gas = 100_000; gas <= 1_100_000; gas += 20_000) {
            (bool isDone, bytes memory answer) =
                address(vault).staticcall{gas: gas}(abi.encodeCall(vault.totalAssets, ()));
            if (isDone) assertEq(abi.decode(answer, (uint256)), nav, "too little gas must not price the venue at 0");
            else if (answer.length != 0 && bytes4(answer) == IVenueRegistry.GasTooLow.selector) ++refused;
        }
        assertGt(refused, 0);
    }

    // HEDGE-124
    function test_bringMarginHome_servesTheQueuesShortfallAndNoMore() external {
        _hedge();
        _govern(address(vault), abi.encodeCall(vault.setRedemptionQueue, (address(this))));
        vm.startPrank(depositor);
        vault.transfer(address(this), vault.balanceOf(depositor)); // 199,500 at the low, 150,000 of it idle
        vm.stopPrank();
        assertApproxEqAbs(vault.reservedAssets(), _units(199_500), 1);
        uint256 needed = vault.reservedAssets() - _units(150_000);
        vm.prank(attacker);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.MarginNotNeeded.selector, needed + 1, needed));
        vault.bringMarginHome(venue, needed + 1);
        vm.prank(attacker);
        vault.bringMarginHome(venue, _units(24_000)); // leverage from 2.02x to 3.92x
        assertEq(vault.idleAssets(), _units(174_000));
        vm.prank(attacker);
        vm.expectRevert(
            abi.encodeWithSelector(IRebalanceGuard.VenueLeverageExceeded.selector, 0, 4.08163265306122449e18, 4e18)
        );
        vault.bringMarginHome(venue, _units(1000));
    }

    // HEDGE-124
    function test_bringMarginHome_needsNoPriceAndNobodysRole() external {
        _deposit(depositor, _units(200_000));
        _rebalance(_leg(int256(_units(150_000)), 0));
        _govern(address(vault), abi.encodeCall(vault.setRedemptionQueue, (address(this))));
        vm.startPrank(depositor);
        vault.transfer(address(this), vault.balanceOf(depositor));
        vm.warp(START + 40 days);
        vm.startPrank(attacker);
        vault.bringMarginHome(venue, _units(150_000) - 1);
        assertEq(vault.idleAssets(), _units(200_000) - 1);
    }

    // HEDGE-125
    function test_instantExits_leaveWhatTheQueueWaitsFor() external {
        _deposit(depositor, _units(100_000));
        _deposit(attacker, _units(100_000));
        _rebalance(_leg(int256(_units(120_000)), 0));
        _govern(address(vault), abi.encodeCall(vault.setRedemptionQueue, (address(this))));
        vm.prank(depositor);
        vault.transfer(address(this), _units(50_000) * 1e6);
        assertEq(vault.maxWithdraw(attacker), _units(30_000));
        vm.prank(attacker);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.IdleExceeded.selector, _units(30_000) + 1, _units(30_000)));
        vault.withdraw(_units(30_000) + 1, attacker, attacker);
        vault.redeem(_units(50_000) * 1e6, depositor, address(this)); // the queue itself takes it
        assertEq(token.balanceOf(depositor), _units(50_000));
    }

    // HEDGE-125
    function test_redeemWithUnwind_toTheQueueHasNoMoreThanTheOwners() external {
        _deposit(depositor, _units(100_000));
        _deposit(attacker, _units(100_000));
        _rebalance(_leg(int256(_units(120_000)), 0));
        _govern(address(vault), abi.encodeCall(vault.setRedemptionQueue, (address(this))));
        vm.prank(depositor);
        vault.transfer(address(this), _units(50_000) * 1e6);
        vm.prank(attacker);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.IdleExceeded.selector, _units(60_000), _units(30_000)));
        vault.redeemWithUnwind(_units(60_000) * 1e6, 0, address(this), attacker, new Leg[](0));
    }

    // HEDGE-126
    function test_idleFloor_holdsAgainstMarginNotAgainstExits() external {
        _deposit(depositor, _units(200_000));
        _rebalanceExpecting(
            _leg(int256(_units(190_001)), 0),
            abi.encodeWithSelector(IRebalanceGuard.IdleBelowFloor.selector, 9999e18, 10_000e18)
        );
        _rebalance(_leg(int256(_units(190_000)), 0));
        vm.prank(depositor);
        vault.withdraw(_units(10_000), depositor, depositor);
        assertEq(vault.idleAssets(), 0);
    }

    // HEDGE-127
    function test_redeemWithUnwind_closesTheLeaversPartAtHisCost() external {
        _hedge();
        _deposit(attacker, _units(200_000)); // half of it all, a little less for the width
        vm.warp(START + 1 hours);
        _publish(PRICE);
        _emptyIdle();
        uint256 stays = vault.previewRedeem(vault.balanceOf(depositor));
        venue.setExecution(1992e18, 10, false);
        uint256 shares = vault.balanceOf(depositor);
        uint256 part = 50e18 * shares / vault.totalSupply();
        Leg[] memory legs = _leg(-int256(stays), -int256(part));
        uint256 worthOfOthers = vault.previewRedeem(vault.balanceOf(attacker));
        vm.expectEmit(true, true, false, false, address(vault));
        emit IHedgeVault.LegExecuted(0, address(venue), 0, 0, 0, 0, 0);
        vm.prank(depositor);
        uint256 paid = vault.redeemWithUnwind(shares, 0, depositor, depositor, legs);
        uint256 cost = part * 8 / 1e12 + part * 1992 / 1000 / 1e12; // 8 USD a unit below the price, and 10 bps of fee
        assertApproxEqAbs(paid, stays - cost, 3);
        assertGe(vault.previewRedeem(vault.balanceOf(attacker)), worthOfOthers);
    }

    // HEDGE-127
    function test_redeemWithUnwind_roundsTheCostAgainstTheLeaver() external {
        _hedge();
        _emptyIdle();
        venue.setExecution(PRICE, 5, false);
        uint256 shares = vault.balanceOf(depositor) / 2;
        uint256 worth = vault.previewRedeem(shares);
        vm.prank(depositor);
        uint256 paid = vault.redeemWithUnwind(shares, 0, depositor, depositor, _leg(-int256(worth), -1e18 - 1e9));
        assertEq(worth - paid, 1e6 + 1); // a fee of 1.000000001 USD
    }

    // HEDGE-127
    function test_redeemWithUnwind_revertsIfItPaysLessThanAskedFor() external {
        _deposit(depositor, _units(200_000));
        uint256 shares = vault.balanceOf(depositor);
        uint256 worth = _units(200_000);
        vm.startPrank(depositor);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.AssetsBelowMinimum.selector, worth, worth + 1));
        vault.redeemWithUnwind(shares, worth + 1, depositor, depositor, new Leg[](0));
        assertEq(vault.redeemWithUnwind(shares, worth, depositor, depositor, new Leg[](0)), worth);
    }

    // HEDGE-127
    function test_redeemWithUnwind_ofAYoungDepositClosesHardlyAnything() external {
        _hedge();
        _deposit(attacker, _units(10_000_000)); // 98 % of the shares, and none of the exposure
        _emptyIdle();
        uint256 shares = vault.balanceOf(attacker);
        uint256 limit =
            Math.mulDiv(50e18, Math.mulDiv(shares, 200_000e18, 10_200_000e18), vault.totalSupply(), Math.Rounding.Ceil);
        assertLt(limit, 1e18);
        vm.startPrank(attacker);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.UnwindTooLarge.selector, 0, -49e18, limit));
        vault.redeemWithUnwind(shares, 0, attacker, attacker, _leg(0, -49e18));
    }

    // HEDGE-127
    function test_redeemWithUnwind_closesNoMoreThanThePart() external {
        _hedge();
        _emptyIdle();
        uint256 shares = vault.balanceOf(depositor) / 2;
        vm.startPrank(depositor);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.UnwindTooLarge.selector, 0, -25e18 - 1, 25e18));
        vault.redeemWithUnwind(shares, 0, depositor, depositor, _leg(0, -25e18 - 1));
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.UnwindTooLarge.selector, 0, 1, 25e18));
        vault.redeemWithUnwind(shares, 0, depositor, depositor, _leg(0, 1));
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.MarginNotAllowed.selector, 0));
        vault.redeemWithUnwind(shares, 0, depositor, depositor, _leg(1, 0));
        Leg[] memory twice = new Leg[](2);
        twice[0] = Leg(address(venue), 0, -25e18, 0);
        twice[1] = Leg(address(venue), 0, -25e18, 0);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.TradeNotAllowed.selector, 1));
        vault.redeemWithUnwind(shares, 0, depositor, depositor, twice);
    }

    // HEDGE-127
    function test_redeemWithUnwind_closesNothingForWhatIdlePays() external {
        _hedge();
        uint256 shares = vault.balanceOf(depositor) / 2; // worth 99,750 of the 150,000 that are idle
        vm.startPrank(depositor);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.UnwindTooLarge.selector, 0, -1, 0));
        vault.redeemWithUnwind(shares, 0, depositor, depositor, _leg(0, -1));
        uint256 paid = vault.redeemWithUnwind(shares, 0, depositor, depositor, _leg(0, 0));
        vm.stopPrank();
        assertApproxEqAbs(paid, _units(99_750), 1);
    }

    // HEDGE-127
    function test_redeemWithUnwind_closesThePartOfTheSharesThatIdleDoesNotPay() external {
        _hedge();
        uint256 shares = vault.balanceOf(depositor) * 9 / 10; // worth 179,550, of which idle pays 150,000
        uint256 paid = Math.mulDiv(shares, _units(150_000), vault.previewRedeem(shares));
        uint256 limit = Math.mulDiv(50e18, shares - paid, vault.totalSupply() - paid, Math.Rounding.Ceil);
        assertApproxEqAbs(limit, 29.84e18, 0.01e18); // 29,550 of the 49,500 that are left then
        vm.startPrank(depositor);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.UnwindTooLarge.selector, 0, -int256(limit) - 1, limit));
        vault.redeemWithUnwind(shares, 0, depositor, depositor, _leg(-int256(_units(29_550)), -int256(limit) - 1));
        vault.redeemWithUnwind(shares, 0, depositor, depositor, _leg(-int256(_units(29_550)), -int256(limit)));
    }

    // HEDGE-127
    function test_redeemWithUnwind_worksWithoutKeeperFeedOrConsentOfTheDeltaRule() external {
        _hedge();
        vm.warp(START + 40 days);
        vm.prank(guardian);
        vault.pause();
        uint256 shares = vault.balanceOf(depositor);
        vm.prank(depositor);
        uint256 paid = vault.redeemWithUnwind(shares, 0, depositor, depositor, _leg(-int256(_units(50_000)), -50e18));
        assertEq(venue.size(), 0);
        assertApproxEqAbs(paid, _units(199_500), 1);
    }

    // HEDGE-128
    function test_deleverage_passesTheDeltaRuleWhereMarginIsAtStake() external {
        _hedge(); // 50 at 2,000 on 50,000
        vm.prank(depositor);
        vault.withdraw(_units(150_000), depositor, depositor);
        vm.warp(START + SECONDS_OF_COOLDOWN);
        _publish(1300e18); // 65,000 on 15,000: 4.43x and more
        // W is 2. Selling 10 makes it 12: 52,000 on 14,740 at the low.
        _rebalance(_leg(0, -10e18));
        assertEq(venue.size(), 40e18);
        assertEq(vault.measure().venues[0].sizeHigh, 40e18);
    }

    // HEDGE-128
    function test_deleverage_stopsWhereLeverageIsWellInside() external {
        _hedge();
        vm.prank(depositor);
        vault.withdraw(_units(150_000), depositor, depositor);
        vm.warp(START + SECONDS_OF_COOLDOWN);
        _publish(1300e18);
        // Closing 30 would leave 26,000 on 14,870: 1.75x, less than three quarters of 4x.
        _rebalanceExpecting(
            _leg(0, -30e18),
            abi.encodeWithSelector(IRebalanceGuard.NetDeltaExceeded.selector, 32e18, 2.884615384615384615e18)
        );
    }

    // HEDGE-216
    function test_leverage_isJudgedByChangeAboveItsBound() external {
        _hedge();
        vm.prank(depositor);
        vault.withdraw(_units(145_000), depositor, depositor);
        _publish(1050e18); // 52,500 on 2,500
        _rebalance(_leg(int256(_units(4500)), 0)); // still above 4x, but less
        assertEq(token.balanceOf(address(venue)), _units(54_500));
        _rebalanceExpecting(
            _leg(-1, 0),
            abi.encodeWithSelector(IRebalanceGuard.VenueLeverageExceeded.selector, 0, 7.792207793364335109e18, 4e18)
        );
    }

    // HEDGE-124
    function test_bringMarginHome_emitsWhatCameHomeFromARegisteredVenue() external {
        _deposit(depositor, _units(200_000));
        _rebalance(_leg(int256(_units(150_000)), 0));
        _govern(address(vault), abi.encodeCall(vault.startWindDown, ()));
        vm.startPrank(attacker);
        vm.expectEmit(address(vault));
        emit IHedgeVault.MarginBroughtHome(address(venue), _units(1000), attacker);
        vault.bringMarginHome(venue, _units(1000));
        ScriptedVenue stranger = new ScriptedVenue(address(vault), address(token), PRICE);
        vm.expectRevert(abi.encodeWithSelector(IVenueRegistry.VenueNotRegistered.selector, address(stranger)));
        vault.bringMarginHome(stranger, 0);
    }
}
