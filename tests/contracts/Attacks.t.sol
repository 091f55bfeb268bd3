// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {TokenDouble} from "./support/Tokens.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice INV-04, INV-06: whoever holds no role takes out no more than it put in, whatever it does around others.
/// @dev Attackers start with nothing of their own beside what is minted to them here, so their balance at the end tells all.
contract AttacksTest is VaultFixture {
    function _deployWith(uint8 decimals) private {
        _deploy(new TokenDouble(decimals));
    }

    function _redeemAll(address account) private returns (uint256 assets) {
        vm.startPrank(account);
        assets = vault.redeem(vault.balanceOf(account), account, account);
        vm.stopPrank();
    }

    // HEDGE-012, INV-06
    function testFuzz_inflation_costsTheAttackerMoreThanTheVictim(uint256 seed, uint256 donation, uint256 deposit)
        external
    {
        seed = bound(seed, 1, 1e6);
        donation = bound(donation, 1, 1e15);
        deposit = bound(deposit, 1e4, 1e12);
        _deposit(attacker, seed);
        token.mint(address(vault), donation);
        vm.assume(vault.previewDeposit(deposit) != 0); // it would revert, and nothing be lost
        _deposit(depositor, deposit);
        uint256 attackerGets = _redeemAll(attacker);
        uint256 victimGets = _redeemAll(depositor);
        uint256 attackerLoss = seed + donation - attackerGets;
        // One asset unit is rounding, which any deposit may meet.
        uint256 victimLoss = deposit - victimGets > 1 ? deposit - victimGets - 1 : 0;
        assertGe(attackerLoss, victimLoss * 100, "the attacker loses a hundred times what the victim loses");
    }

    // HEDGE-012
    function test_inflation_firstDepositorIsSafeAtAnyDecimals() external {
        uint8[5] memory decimals = [0, 6, 8, 18, 24];
        for (uint256 i = 0; i < decimals.length; ++i) {
            _deployWith(decimals[i]);
            _deposit(attacker, 1);
            token.mint(address(vault), _units(100_000));
            _deposit(depositor, _units(100_000));
            uint256 victimGets = vault.previewRedeem(vault.balanceOf(depositor));
            assertGe(victimGets, _units(100_000) - _units(100_000) / 1_000_000 - 1); // at most 1e-6 lost
        }
    }

    // HEDGE-011, INV-04
    function testFuzz_donation_cannotBeBoughtInto(uint256 donation, uint256 deposit) external {
        _deposit(depositor, _units(200_000));
        donation = bound(donation, 0, _units(1e9));
        deposit = bound(deposit, 1, _units(1e12));
        token.mint(address(vault), donation);
        vm.assume(vault.previewDeposit(deposit) != 0);
        _deposit(attacker, deposit);
        assertLe(vault.previewRedeem(vault.balanceOf(attacker)), deposit);
    }

    // HEDGE-011
    function test_donation_fallsToThoseWhoWereThere() external {
        _deposit(depositor, _units(200_000));
        token.mint(address(vault), _units(1000));
        _deposit(attacker, _units(50_000));
        assertApproxEqAbs(vault.previewRedeem(vault.balanceOf(depositor)), _units(201_000), 2);
        assertApproxEqAbs(vault.previewRedeem(vault.balanceOf(attacker)), _units(50_000), 2);
    }

    // INV-04
    function testFuzz_depositRebalanceRedeem_neverProfits(
        uint256 deposit,
        uint256 executionPrice,
        uint256 markBefore,
        uint256 markAfter,
        uint256 feeBps
    ) external {
        _deposit(depositor, _units(200_000));
        deposit = bound(deposit, 1, _units(10_000_000));
        venue.setPrices(bound(markBefore, 1985e18, 2100e18), PRICE);
        _deposit(attacker, deposit);
        // The fill is at the oracle price or worse, and the trade moves the mark wherever it likes.
        venue.setExecution(bound(executionPrice, PRICE, 2010e18), bound(feeBps, 0, 20), false);
        _rebalance(_leg(int256(_units(60_000)), 50e18));
        venue.setPrices(bound(markAfter, 1980e18, 2020e18), PRICE);
        assertLe(vault.previewRedeem(vault.balanceOf(attacker)), deposit);
        vm.startPrank(attacker);
        assertLe(vault.redeem(vault.maxRedeem(attacker), attacker, attacker), deposit);
    }

    // INV-04
    function testFuzz_hedgedRoundTrip_neverProfitsFromAMovedMark(uint256 deposit, uint256 markBefore, uint256 markAfter)
        external
    {
        _hedge();
        deposit = bound(deposit, 1, _units(10_000_000));
        venue.setPrices(bound(markBefore, 1500e18, 2500e18), PRICE);
        _deposit(attacker, deposit);
        venue.setPrices(bound(markAfter, 1500e18, 2500e18), PRICE);
        assertLe(vault.previewRedeem(vault.balanceOf(attacker)), deposit);
    }

    // HEDGE-013
    function test_everyoneLeaves_lastOneGetsTheSamePrice() external {
        address[4] memory crowd = [depositor, attacker, keeper, guardian];
        for (uint256 i = 0; i < crowd.length; ++i) {
            _deposit(crowd[i], _units(1000 * (i + 1)));
        }
        for (uint256 i = 0; i < crowd.length; ++i) {
            assertApproxEqAbs(_redeemAll(crowd[i]), _units(1000 * (i + 1)), 1);
        }
        assertEq(vault.totalSupply(), 0);
        assertLe(vault.idleAssets(), 4);
    }

    // HEDGE-013
    function testFuzz_exit_neverLowersThePriceOfThoseWhoStay(uint256 shares, uint256 mark) external {
        _hedge();
        _deposit(attacker, _units(40_000));
        venue.setPrices(bound(mark, 1500e18, 2500e18), PRICE);
        shares = bound(shares, 2e6, vault.maxRedeem(attacker));
        uint256 before = vault.previewRedeem(1e18);
        vm.prank(attacker);
        vault.redeem(shares, attacker, attacker);
        assertGe(vault.previewRedeem(1e18), before);
    }
}
