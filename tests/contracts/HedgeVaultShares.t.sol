// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {IHedgeVault} from "../../contracts/interfaces/IHedgeVault.sol";
import {Measurement} from "../../contracts/types/Rebalance.sol";
import {TokenDouble} from "./support/Tokens.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-001 .. HEDGE-013: shares, prices, limits and exits, for collateral of any decimals.
/// @dev The concrete suites below run everything for 0, 6, 8, 18 and 24 decimals.
abstract contract HedgeVaultSharesTest is VaultFixture {
    uint8 private immutable _decimals;

    constructor(uint8 decimals_) {
        _decimals = decimals_;
    }

    function setUp() public override {
        vm.warp(START);
        _deploy(new TokenDouble(_decimals));
    }

    /// @dev 200,000 deposited, 50,000 of it margin; mark above index, so NAV lies in 199,000..201,000.
    function _hedgeWithTwoPrices() private {
        _hedge();
        venue.setPrices(2020e18, 1980e18);
    }

    // HEDGE-001
    function test_metadata() external view {
        assertEq(vault.name(), "Evenkeel ETH hedge");
        assertEq(vault.symbol(), "ekETH");
        assertEq(vault.decimals(), _decimals + 6);
        assertEq(vault.asset(), address(token));
    }

    // HEDGE-001
    function test_deposit_firstMintsAtPar() external {
        uint256 shares = _deposit(depositor, _units(1000));
        assertEq(shares, _units(1000) * 1e6);
        assertEq(vault.balanceOf(depositor), shares);
        assertEq(vault.idleAssets(), _units(1000));
        assertEq(vault.totalAssets(), _units(1000));
    }

    // HEDGE-002
    function test_navBounds_spansMarkAndIndex() external {
        _hedgeWithTwoPrices();
        (uint256 low, uint256 high) = vault.navBounds();
        assertEq(low, _units(199_000));
        assertEq(high, _units(201_000));
        assertEq(vault.totalAssets(), low);
        Measurement memory m = vault.measure();
        assertEq(m.navLow, 199_000e18);
        assertEq(m.navHigh, 201_000e18);
    }

    // HEDGE-002
    function test_navBounds_roundsPartsOfAUnitOutward() external {
        _deposit(depositor, _units(1));
        venue.setCash(1); // 1e-18 USD
        (uint256 low, uint256 high) = vault.navBounds();
        uint256 exact = _decimals >= 18 ? 10 ** (_decimals - 18) : 0; // asset units
        assertEq(low, _units(1) + exact);
        assertEq(high, _units(1) + (exact == 0 ? 1 : exact));
    }

    // HEDGE-003
    function test_deposit_pricesAtTheHigherNav() external {
        _hedgeWithTwoPrices();
        uint256 supply = vault.totalSupply();
        uint256 expected = _units(1000) * (supply + 1e6) / (_units(201_000) + 1);
        assertEq(vault.previewDeposit(_units(1000)), expected);
        assertEq(vault.convertToShares(_units(1000)), expected);
        assertEq(_deposit(attacker, _units(1000)), expected);
    }

    // HEDGE-003
    function test_mint_pricesAtTheHigherNav() external {
        _hedgeWithTwoPrices();
        uint256 shares = _units(1000) * 1e6 + 1;
        uint256 supply = vault.totalSupply();
        uint256 numerator = shares * (_units(201_000) + 1);
        uint256 expected = (numerator + supply + 1e6 - 1) / (supply + 1e6); // rounded up
        assertEq(vault.previewMint(shares), expected);
        token.mint(attacker, expected);
        vm.startPrank(attacker);
        token.approve(address(vault), expected);
        assertEq(vault.mint(shares, attacker), expected);
        assertEq(vault.balanceOf(attacker), shares);
        assertEq(token.balanceOf(attacker), 0);
    }

    // HEDGE-003
    function test_redeem_pricesAtTheLowerNav() external {
        _hedgeWithTwoPrices();
        uint256 shares = _units(1000) * 1e6 + 1;
        uint256 expected = shares * (_units(199_000) + 1) / (vault.totalSupply() + 1e6);
        assertEq(vault.previewRedeem(shares), expected);
        assertEq(vault.convertToAssets(shares), expected);
        vm.prank(depositor);
        assertEq(vault.redeem(shares, depositor, depositor), expected);
        assertEq(token.balanceOf(depositor), expected);
        assertEq(vault.idleAssets(), _units(150_000) - expected);
    }

    // HEDGE-003
    function test_withdraw_pricesAtTheLowerNav() external {
        _hedgeWithTwoPrices();
        uint256 supply = vault.totalSupply();
        uint256 numerator = _units(1000) * (supply + 1e6);
        uint256 expected = (numerator + _units(199_000)) / (_units(199_000) + 1); // rounded up
        assertEq(vault.previewWithdraw(_units(1000)), expected);
        vm.startPrank(depositor);
        assertEq(vault.withdraw(_units(1000), depositor, depositor), expected);
        assertEq(vault.totalSupply(), supply - expected);
    }

    // HEDGE-004
    function test_redeem_revertsIfIdleIsShort() external {
        _hedge();
        uint256 shares = vault.balanceOf(depositor);
        uint256 worth = vault.previewRedeem(shares);
        uint256 idle = vault.idleAssets();
        vm.prank(depositor);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.IdleExceeded.selector, worth, idle));
        vault.redeem(shares, depositor, depositor);
    }

    // HEDGE-004
    function test_maxRedeem_isWhatIdlePays() external {
        _hedge();
        uint256 maxAssets = vault.maxWithdraw(depositor);
        assertEq(maxAssets, _units(150_000));
        uint256 maxShares = vault.maxRedeem(depositor);
        assertLe(vault.previewRedeem(maxShares), vault.idleAssets());
        vm.prank(depositor);
        vault.redeem(maxShares, depositor, depositor);
        assertLe(vault.idleAssets(), 1);
    }

    // HEDGE-004
    function test_withdraw_ofMaxWithdrawEmptiesIdle() external {
        _hedge();
        uint256 maxAssets = vault.maxWithdraw(depositor);
        vm.prank(depositor);
        vault.withdraw(maxAssets, depositor, depositor);
        assertEq(vault.idleAssets(), 0);
        assertEq(vault.maxWithdraw(depositor), 0);
        assertEq(vault.maxRedeem(depositor), 0);
    }

    // HEDGE-005
    function test_exit_ofAnothersSharesNeedsAllowance() external {
        uint256 shares = _deposit(depositor, _units(1000));
        vm.prank(attacker);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, attacker, 0, shares));
        vault.redeem(shares, attacker, depositor);
        vm.prank(attacker);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, attacker, 0, shares));
        vault.redeemFromIdle(shares, 0, attacker, depositor);
        vm.prank(depositor);
        vault.approve(attacker, shares);
        vm.prank(attacker);
        vault.redeem(shares, attacker, depositor);
        assertEq(token.balanceOf(attacker), _units(1000));
        assertEq(vault.allowance(depositor, attacker), 0);
    }

    // HEDGE-006
    function test_deposit_revertsIfPaused() external {
        vm.prank(guardian);
        vault.pause();
        assertEq(vault.maxDeposit(depositor), 0);
        assertEq(vault.maxMint(depositor), 0);
        vm.expectRevert(Pausable.EnforcedPause.selector);
        vault.deposit(1, depositor);
        vm.expectRevert(Pausable.EnforcedPause.selector);
        vault.mint(1, depositor);
        _govern(address(vault), abi.encodeCall(vault.unpause, ()));
        assertEq(vault.maxDeposit(depositor), type(uint256).max);
        assertEq(vault.maxMint(depositor), type(uint256).max);
    }

    // HEDGE-006
    function test_exits_stayOpenWhilePaused() external {
        uint256 shares = _deposit(depositor, _units(900));
        vm.prank(guardian);
        vault.pause();
        vm.startPrank(depositor);
        vault.redeem(shares / 3, depositor, depositor);
        vault.withdraw(_units(300), depositor, depositor);
        vault.redeemFromIdle(vault.balanceOf(depositor), 0, depositor, depositor);
        vm.stopPrank();
        assertEq(vault.totalSupply(), 0);
        assertApproxEqAbs(token.balanceOf(depositor), _units(900), 2);
    }

    // HEDGE-007
    function test_deposit_revertsIfItWouldMintNothing() external {
        _deposit(depositor, 1);
        token.mint(address(vault), _units(1e12) + 1e12);
        vault.absorbDonation();
        uint256 nav = vault.totalAssets();
        uint256 tooSmall = nav / (vault.totalSupply() + 1e6);
        token.mint(attacker, tooSmall);
        vm.startPrank(attacker);
        token.approve(address(vault), tooSmall);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.DepositTooSmall.selector, tooSmall));
        vault.deposit(tooSmall, attacker);
    }

    // HEDGE-008
    function test_redeemFromIdle_paysProRataAndForfeitsTheRest() external {
        _hedge();
        _deposit(attacker, _units(50_000));
        uint256 shares = vault.balanceOf(attacker);
        uint256 expected = shares * _units(200_000) / (vault.totalSupply() + 1e6);
        uint256 idle = vault.idleAssets();
        vm.prank(attacker);
        uint256 assets = vault.redeemFromIdle(shares, expected, attacker, attacker);
        assertEq(assets, expected);
        // A fifth of all shares: a fifth of 200,000 idle, though they were worth 50,000.
        assertApproxEqAbs(assets, _units(40_000), 1);
        assertEq(vault.idleAssets(), idle - assets);
        assertApproxEqAbs(vault.previewRedeem(vault.balanceOf(depositor)), _units(210_000), 1);
    }

    // HEDGE-008
    function test_redeemFromIdle_revertsIfBelowTheCallersMinimum() external {
        _hedge();
        uint256 shares = vault.balanceOf(depositor);
        uint256 assets = shares * vault.idleAssets() / (shares + 1e6);
        vm.prank(depositor);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.AssetsBelowMinimum.selector, assets, assets + 1));
        vault.redeemFromIdle(shares, assets + 1, depositor, depositor);
    }

    // HEDGE-008
    function test_redeemFromIdle_worksWhileAVenueIsHalted() external {
        _hedge();
        venue.setHalted(true);
        uint256 shares = vault.balanceOf(depositor);
        vm.startPrank(depositor);
        vm.expectRevert();
        vault.redeem(shares / 2, depositor, depositor);
        uint256 assets = vault.redeemFromIdle(shares / 2, 0, depositor, depositor);
        assertApproxEqAbs(assets, _units(75_000), 1);
    }

    // HEDGE-009
    function test_maxima_areZeroWhileNoPriceCanBeTold() external {
        _hedge();
        venue.setHalted(true);
        assertEq(vault.maxDeposit(depositor), 0);
        assertEq(vault.maxMint(depositor), 0);
        assertEq(vault.maxWithdraw(depositor), 0);
        assertEq(vault.maxRedeem(depositor), 0);
    }

    // HEDGE-010
    function test_exits_needNoOraclePrice() external {
        _hedge();
        vm.warp(START + 30 days);
        vm.startPrank(depositor);
        assertApproxEqAbs(vault.redeem(_units(1000) * 1e6, depositor, depositor), _units(1000), 1);
    }

    // HEDGE-011
    function test_absorbDonation_booksWhatCameOutsideDeposits() external {
        _deposit(depositor, _units(1000));
        token.mint(address(vault), _units(50));
        assertEq(vault.idleAssets(), _units(1000));
        assertEq(vault.totalAssets(), _units(1000));
        (, uint256 high) = vault.navBounds();
        assertEq(high, _units(1050));
        vm.expectEmit(address(vault));
        emit IHedgeVault.DonationAbsorbed(_units(50));
        vm.prank(attacker);
        assertEq(vault.absorbDonation(), _units(50));
        assertEq(vault.idleAssets(), _units(1050));
        assertEq(vault.totalAssets(), _units(1050));
    }

    // HEDGE-011
    function test_absorbDonation_findsNothingWhenTheBalanceFallsShort() external {
        _deposit(depositor, _units(1000));
        token.burn(address(vault), _units(1));
        assertEq(vault.absorbDonation(), 0);
        assertEq(vault.idleAssets(), _units(1000));
    }

    // INV-04
    function testFuzz_roundTrip_neverProfits(uint256 assets, uint256 mark, uint256 index) external {
        _hedge();
        mark = bound(mark, 1500e18, 2500e18);
        index = bound(index, 1500e18, 2500e18);
        venue.setPrices(mark, index);
        assets = bound(assets, 1, _units(1e9));
        uint256 worth = vault.previewDeposit(assets);
        vm.assume(worth != 0);
        uint256 shares = _deposit(attacker, assets);
        assertLe(vault.convertToAssets(shares), assets);
        vm.startPrank(attacker);
        assertLe(vault.redeem(vault.maxRedeem(attacker), attacker, attacker), assets);
    }

    // INV-04
    function testFuzz_previews_areExact(uint256 assets, uint256 mark, uint256 index) external {
        _hedge();
        venue.setPrices(bound(mark, 1500e18, 2500e18), bound(index, 1500e18, 2500e18));
        assets = bound(assets, 1, _units(100_000));
        vm.startPrank(depositor);
        uint256 snapshot = vm.snapshotState();
        assertEq(vault.previewWithdraw(assets), vault.withdraw(assets, depositor, depositor));
        vm.revertToState(snapshot);
        uint256 shares = bound(assets, 1, vault.maxRedeem(depositor));
        assertEq(vault.previewRedeem(shares), vault.redeem(shares, depositor, depositor));
        vm.revertToState(snapshot);
        token.mint(depositor, type(uint128).max);
        token.approve(address(vault), type(uint256).max);
        assertEq(vault.previewDeposit(assets), vault.deposit(assets, depositor));
        vm.revertToState(snapshot);
        token.mint(depositor, type(uint128).max);
        token.approve(address(vault), type(uint256).max);
        assertEq(vault.previewMint(assets), vault.mint(assets, depositor));
    }

    // INV-05
    function testFuzz_maxima_areReachable(uint256 mark, uint256 index, uint256 idle) external {
        _hedge();
        venue.setPrices(bound(mark, 1500e18, 2500e18), bound(index, 1500e18, 2500e18));
        idle = bound(idle, 0, _units(150_000));
        vm.startPrank(depositor);
        vault.withdraw(_units(150_000) - idle, depositor, depositor);
        uint256 snapshot = vm.snapshotState();
        vault.withdraw(vault.maxWithdraw(depositor), depositor, depositor);
        vm.revertToState(snapshot);
        vault.redeem(vault.maxRedeem(depositor), depositor, depositor);
    }

    // INV-05
    function testFuzz_maxRedeem_isReachableWhenAShareIsWorthMuch(uint256 gain, uint256 assets) external {
        assets = bound(assets, 1, 1000);
        _deposit(depositor, assets);
        venue.setCash(int256(bound(gain, 1e18, 1e30))); // one share may be worth many units of the asset
        uint256 shares = vault.maxRedeem(depositor);
        assertLe(vault.previewRedeem(shares), vault.idleAssets());
        vm.prank(depositor);
        vault.redeem(shares, depositor, depositor);
    }
}

contract HedgeVaultShares0Test is HedgeVaultSharesTest(0) {}

contract HedgeVaultShares6Test is HedgeVaultSharesTest(6) {}

contract HedgeVaultShares8Test is HedgeVaultSharesTest(8) {}

contract HedgeVaultShares18Test is HedgeVaultSharesTest(18) {}

contract HedgeVaultShares24Test is HedgeVaultSharesTest(24) {}
