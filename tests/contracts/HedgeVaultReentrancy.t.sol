// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IHedgeVault} from "../../contracts/interfaces/IHedgeVault.sol";
import {IVenueRegistry} from "../../contracts/interfaces/IVenueRegistry.sol";
import {Leg} from "../../contracts/types/Rebalance.sol";
import {ScriptedVenue} from "./support/ScriptedVenue.sol";
import {CallbackTokenDouble, FeeTokenDouble} from "./support/Tokens.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-030 .. HEDGE-033: venues and tokens that call back, and tokens that keep a part of a transfer.
contract HedgeVaultReentrancyTest is VaultFixture {
    CallbackTokenDouble private callbackToken;

    function setUp() public override {
        vm.warp(START);
        vm.roll(START_BLOCK);
        callbackToken = new CallbackTokenDouble(6);
        _deploy(callbackToken);
    }

    /// @dev Calls that change state; a venue or token may make them from inside a call of the vault's own.
    function _stateCalls() private view returns (bytes[] memory calls) {
        calls = new bytes[](13);
        calls[0] = abi.encodeWithSignature("deposit(uint256,address)", 1, attacker);
        calls[1] = abi.encodeWithSignature("mint(uint256,address)", 1, attacker);
        calls[2] = abi.encodeWithSignature("withdraw(uint256,address,address)", 1, attacker, attacker);
        calls[3] = abi.encodeWithSignature("redeem(uint256,address,address)", 1, attacker, attacker);
        calls[4] = abi.encodeCall(vault.redeemWithUnwind, (1, 0, attacker, attacker, new Leg[](0)));
        calls[5] = abi.encodeCall(vault.bringMarginHome, (venue, 0));
        calls[6] = abi.encodeCall(vault.recoverMargin, (venue));
        calls[7] = abi.encodeCall(guard.recordResult, ());
        calls[8] = abi.encodeCall(vault.rebalance, (_intent("again"), _leg(0, 0)));
        calls[9] = abi.encodeCall(vault.rebalanceFor, (address(venue), _intent("again"), _leg(0, 0)));
        calls[10] = abi.encodeCall(registry.removeVenue, (venue));
        calls[11] = abi.encodeCall(registry.forceRemoveVenue, (venue));
        calls[12] = abi.encodeCall(registry.addVenue, (venue));
    }

    /// @dev Where each of the calls goes.
    function _target(uint256 i) private view returns (address) {
        if (i == 7) return address(guard);
        return i >= 10 ? address(registry) : address(vault);
    }

    /// @dev Views that price shares, or that someone could price something by.
    function _pricingViews() private view returns (bytes[] memory calls) {
        calls = new bytes[](11);
        calls[0] = abi.encodeCall(vault.totalAssets, ());
        calls[1] = abi.encodeCall(vault.navBounds, ());
        calls[2] = abi.encodeCall(vault.convertToShares, (1));
        calls[3] = abi.encodeCall(vault.convertToAssets, (1));
        calls[4] = abi.encodeCall(vault.previewDeposit, (1));
        calls[5] = abi.encodeCall(vault.previewMint, (1));
        calls[6] = abi.encodeCall(vault.previewWithdraw, (1));
        calls[7] = abi.encodeCall(vault.previewRedeem, (1));
        calls[8] = abi.encodeCall(vault.measure, ());
        calls[9] = abi.encodeCall(vault.measureHedge, ());
        calls[10] = abi.encodeCall(vault.reservedAssets, ());
    }

    function _limitViews() private view returns (bytes[] memory calls) {
        calls = new bytes[](4);
        calls[0] = abi.encodeCall(vault.maxDeposit, (depositor));
        calls[1] = abi.encodeCall(vault.maxMint, (depositor));
        calls[2] = abi.encodeCall(vault.maxWithdraw, (depositor));
        calls[3] = abi.encodeCall(vault.maxRedeem, (depositor));
    }

    function _assertLocked(bool succeeded, bytes memory answer) private pure {
        assertFalse(succeeded, "the call back went through");
        assertEq(answer, abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector));
    }

    /// @dev The venue holds every role, so that nothing but the lock can stop it.
    function _empowerVenue() private {
        vm.warp(START - DELAY); // so that what the venue calls at START may have been scheduled by itself
        _govern(address(access), abi.encodeCall(access.grantRole, (access.KEEPER_ROLE(), address(venue), 0)));
        _govern(address(access), abi.encodeCall(access.grantRole, (access.RELAY_ROLE(), address(venue), 0)));
        _govern(address(access), abi.encodeCall(access.grantRole, (access.ADMIN_ROLE(), address(venue), DELAY)));
        vm.warp(START);
        bytes[] memory calls = _stateCalls();
        for (uint256 i = 10; i < calls.length; ++i) {
            _scheduleAs(address(venue), address(registry), calls[i]);
        }
    }

    // HEDGE-030
    function test_rebalance_revertsIfTheVenueReentersAnything() external {
        _deposit(depositor, _units(200_000));
        _empowerVenue();
        bytes[] memory calls = _stateCalls();
        for (uint256 i = 0; i < calls.length; ++i) {
            venue.setCall(_target(i), calls[i]);
            _rebalance(_leg(int256(_units(100)), 0));
            if (i >= 10) {
                assertFalse(venue.lastCallSucceeded(), "the list changed under the rebalance");
                assertEq(venue.lastAnswer(), abi.encodeWithSelector(IVenueRegistry.VaultEntered.selector));
            } else {
                _assertLocked(venue.lastCallSucceeded(), venue.lastAnswer());
            }
        }
    }

    // HEDGE-031
    function test_pricingViews_revertDuringARebalance() external {
        _deposit(depositor, _units(200_000));
        bytes[] memory calls = _pricingViews();
        for (uint256 i = 0; i < calls.length; ++i) {
            venue.setCall(address(vault), calls[i]);
            _rebalance(_leg(int256(_units(100)), 0));
            _assertLocked(venue.lastCallSucceeded(), venue.lastAnswer());
        }
        venue.setCall(address(vault), calls[0]);
        vm.warp(START + SECONDS_OF_COOLDOWN);
        _rebalance(_leg(int256(_units(50_000)), 50e18)); // and in the middle of a trade
        _assertLocked(venue.lastCallSucceeded(), venue.lastAnswer());
    }

    // HEDGE-031
    function test_maxima_areZeroDuringARebalance() external {
        _deposit(depositor, _units(200_000));
        bytes[] memory calls = _limitViews();
        for (uint256 i = 0; i < calls.length; ++i) {
            venue.setCall(address(vault), calls[i]);
            _rebalance(_leg(int256(_units(100)), 0));
            assertTrue(venue.lastCallSucceeded());
            assertEq(abi.decode(venue.lastAnswer(), (uint256)), 0);
        }
    }

    // HEDGE-031
    function test_pricingViews_answerBeforeAndAfter() external {
        _hedge();
        bytes[] memory calls = _pricingViews();
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool succeeded,) = address(vault).staticcall(calls[i]);
            assertTrue(succeeded);
        }
    }

    // HEDGE-032
    function test_depositAndExits_revertIfTheTokenReenters() external {
        bytes[] memory stateCalls = _stateCalls();
        bytes[] memory views = _pricingViews();
        for (uint256 i = 0; i < stateCalls.length - 5; ++i) {
            // the last five need a role the token has not
            _assertTokenIsLockedOut(_target(i), stateCalls[i]);
        }
        for (uint256 i = 0; i < views.length; ++i) {
            _assertTokenIsLockedOut(address(vault), views[i]);
        }
    }

    function _assertTokenIsLockedOut(address target, bytes memory call) private {
        callbackToken.script(address(0), "");
        token.mint(depositor, _units(10));
        vm.startPrank(depositor);
        token.approve(address(vault), _units(10));
        callbackToken.script(target, call);
        vault.deposit(_units(10), depositor);
        _assertLocked(callbackToken.lastCallSucceeded(), callbackToken.lastAnswer());
        vault.withdraw(_units(1), depositor, depositor);
        _assertLocked(callbackToken.lastCallSucceeded(), callbackToken.lastAnswer());
        vault.redeem(2e6, depositor, depositor);
        _assertLocked(callbackToken.lastCallSucceeded(), callbackToken.lastAnswer());
        vault.redeemWithUnwind(2e6, 0, depositor, depositor, new Leg[](0));
        _assertLocked(callbackToken.lastCallSucceeded(), callbackToken.lastAnswer());
        vm.stopPrank();
    }

    // HEDGE-033
    function test_deposit_revertsIfTheAssetKeepsAFee() external {
        FeeTokenDouble feeToken = new FeeTokenDouble(6);
        _deploy(feeToken);
        _deposit(depositor, _units(1000));
        feeToken.setFee(1);
        token.mint(depositor, _units(1000));
        uint256 assets = _units(1000);
        bytes memory expected =
            abi.encodeWithSelector(IHedgeVault.FeeOnTransferAsset.selector, assets - assets / 10_000, assets);
        vm.startPrank(depositor);
        token.approve(address(vault), type(uint256).max);
        vm.expectRevert(expected);
        vault.deposit(assets, depositor);
        uint256 shares = vault.previewDeposit(assets);
        vm.expectRevert(expected);
        vault.mint(shares, depositor);
        vault.withdraw(assets / 2, depositor, depositor); // who came before still gets out
        assertEq(vault.idleAssets(), token.balanceOf(address(vault)));
    }

    // HEDGE-033
    function test_rebalance_revertsIfMarginComesBackShort() external {
        FeeTokenDouble feeToken = new FeeTokenDouble(6);
        _deploy(feeToken);
        _deposit(depositor, _units(1000));
        _rebalance(_leg(int256(_units(100)), 0));
        feeToken.setFee(100);
        Leg[] memory legs = _leg(-int256(_units(100)), 0);
        _rebalanceExpecting(
            legs, abi.encodeWithSelector(IHedgeVault.MarginNotMoved.selector, address(venue), _units(99), _units(100))
        );
    }

    // HEDGE-030
    function test_hostileVenue_cannotPullMoreThanItsMargin() external {
        _deposit(depositor, _units(200_000));
        // During depositMargin it tries to take the rest by the allowance it has just used up.
        venue.setCall(address(token), abi.encodeCall(token.transferFrom, (address(vault), address(venue), _units(1))));
        _rebalance(_leg(int256(_units(100)), 0));
        assertFalse(venue.lastCallSucceeded());
        assertEq(token.balanceOf(address(vault)), _units(199_900));
        ScriptedVenue stranger = new ScriptedVenue(address(vault), address(token), PRICE);
        vm.prank(address(stranger));
        vm.expectRevert();
        token.transferFrom(address(vault), address(stranger), 1);
    }
}
