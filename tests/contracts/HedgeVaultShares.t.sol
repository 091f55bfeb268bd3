// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IHedgeVault} from "../../contracts/interfaces/IHedgeVault.sol";
import {Leg, Measurement} from "../../contracts/types/Rebalance.sol";
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
        vm.roll(START_BLOCK);
        _deploy(new TokenDouble(_decimals));
    }

    /// @dev 200,000 deposited, 50,000 of it margin; mark above index, so NAV lies in 198,505..201,000: 50 units from the
    ///      index less the feed's deviation, 1,970.1, to the mark.
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
        assertEq(low, _units(198_505));
        assertEq(high, _units(201_000));
        assertEq(vault.totalAssets(), low);
        Measurement memory m = vault.measure();
        assertEq(m.nav, 200_000e18);
        assertEq(m.venues[0].equityLow, 48_505e18);
        assertEq(m.venues[0].equityHigh, 51_000e18);
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
        uint256 expected = shares * (_units(198_505) + 1) / (vault.totalSupply() + 1e6);
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
        uint256 expected = (numerator + _units(198_505)) / (_units(198_505) + 1); // rounded up
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
        assertEq(vault.previewRedeem(maxShares), maxAssets);
        assertGt(vault.previewRedeem(maxShares + 1), maxAssets);
        vm.prank(depositor);
        vault.redeem(maxShares, depositor, depositor);
        assertEq(vault.idleAssets(), 0);
    }

    // HEDGE-004
    function test_withdraw_ofMaxWithdrawEmptiesIdle() external {
        _hedge();
        uint256 maxAssets = vault.maxWithdraw(depositor);
        vm.prank(depositor);
        vault.withdraw(maxAssets, depositor, depositor);
        assertEq(vault.idleAssets(), 0, "idle");
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
        vault.redeemWithUnwind(shares, 0, attacker, depositor, new Leg[](0));
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
        bytes memory closed = abi.encodeWithSelector(IHedgeVault.DepositsClosed.selector, IHedgeVault.DepositBlock.Mode);
        vm.expectRevert(closed);
        vault.deposit(1, depositor);
        vm.expectRevert(closed);
        vault.mint(1, depositor);
        _govern(address(vault), abi.encodeCall(vault.resume, ()));
        assertEq(vault.maxDeposit(depositor), type(uint128).max);
        assertEq(vault.maxMint(depositor), vault.previewDeposit(type(uint128).max));
    }

    // HEDGE-006
    function test_exits_stayOpenWhilePaused() external {
        uint256 shares = _deposit(depositor, _units(900));
        vm.prank(guardian);
        vault.pause();
        vm.startPrank(depositor);
        vault.redeem(shares / 3, depositor, depositor);
        vault.withdraw(_units(300), depositor, depositor);
        vault.redeem(vault.balanceOf(depositor), depositor, depositor, 1);
        vm.stopPrank();
        assertEq(vault.totalSupply(), 0);
        assertApproxEqAbs(token.balanceOf(depositor), _units(900), 2);
    }

    // HEDGE-007
    function test_deposit_revertsIfItWouldMintNothing() external {
        _deposit(depositor, 1);
        token.mint(address(vault), _units(1e12) + 1e12);
        uint256 nav = vault.totalAssets();
        uint256 tooSmall = nav / (vault.totalSupply() + 1e6);
        token.mint(attacker, tooSmall);
        vm.startPrank(attacker);
        token.approve(address(vault), tooSmall);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.DepositTooSmall.selector, tooSmall));
        vault.deposit(tooSmall, attacker);
    }

    // HEDGE-008
    function test_exit_revertsIfItWouldPayNothing() external {
        _deposit(depositor, _units(200_000));
        _rebalance(_leg(int256(_units(190_000)), 0));
        vm.startPrank(depositor);
        vault.withdraw(_units(10_000), depositor, depositor);
        vault.redeem(1, depositor, depositor); // a millionth of a unit: worth nothing at any price
        venue.setHalted(true); // and now nobody can tell
        uint256 shares = vault.balanceOf(depositor);
        assertEq(vault.maxRedeem(depositor), 0);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.ExitTooSmall.selector, shares));
        vault.redeem(shares, depositor, depositor);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.ExitTooSmall.selector, 1));
        vault.redeemWithUnwind(1, 0, depositor, depositor, new Leg[](0));
        vault.redeem(0, depositor, depositor); // asks nothing, gets nothing
    }

    // HEDGE-009, HEDGE-014
    function test_silentVenue_countsNothingClosesDepositsAndLeavesExitsOpen() external {
        _hedge();
        venue.setHalted(true);
        assertEq(vault.totalAssets(), _units(150_000));
        assertEq(vault.convertToAssets(_units(1) * 1e6), vault.previewRedeem(_units(1) * 1e6));
        assertGt(vault.convertToShares(_units(1)), 0);
        assertEq(vault.maxDeposit(depositor), 0);
        assertEq(vault.maxMint(depositor), 0);
        assertEq(uint256(vault.depositBlock()), uint256(IHedgeVault.DepositBlock.VenueSilent));
        uint256 shares = vault.balanceOf(depositor);
        assertEq(vault.maxRedeem(depositor), shares);
        vm.prank(depositor);
        assertApproxEqAbs(vault.redeem(shares / 2, depositor, depositor), _units(75_000), 1);
    }

    // HEDGE-010
    function test_exits_needNoOraclePrice() external {
        _hedge();
        vm.warp(START + 30 days);
        vm.prank(depositor);
        // 199,500 of 200,000: the hedge of 100,000 at its lowest.
        assertApproxEqAbs(vault.redeem(_units(1000) * 1e6, depositor, depositor), _units(1995) / 2, 1);
    }

    // HEDGE-011
    function test_donation_isEverybodysAtOnce() external {
        _deposit(depositor, _units(1000));
        token.mint(address(vault), _units(50));
        assertEq(vault.idleAssets(), _units(1050));
        (uint256 low, uint256 high) = vault.navBounds();
        assertEq(low, _units(1050));
        assertEq(high, _units(1050));
        assertEq(vault.netFlows(), int256(_units(1000)));
    }

    // HEDGE-011
    function test_fundsTakenByTheIssuer_areNotCounted() external {
        _deposit(depositor, _units(1000));
        token.burn(address(vault), _units(400));
        assertEq(vault.totalAssets(), _units(600));
    }

    // HEDGE-015
    function test_slippageBounds_areKept() external {
        _hedgeWithTwoPrices();
        uint256 shares = vault.previewDeposit(_units(1000));
        token.mint(attacker, _units(10_000));
        vm.startPrank(attacker);
        token.approve(address(vault), _units(10_000));
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.SharesBelowMinimum.selector, shares, shares + 1));
        vault.deposit(_units(1000), attacker, shares + 1);
        assertEq(vault.deposit(_units(1000), attacker, shares), shares);
        uint256 assets = vault.previewMint(shares);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.AssetsAboveMaximum.selector, assets, assets - 1));
        vault.mint(shares, attacker, assets - 1);
        assertEq(vault.mint(shares, attacker, assets), assets);
        uint256 burnt = vault.previewWithdraw(_units(100));
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.SharesAboveMaximum.selector, burnt, burnt - 1));
        vault.withdraw(_units(100), attacker, attacker, burnt - 1);
        assertEq(vault.withdraw(_units(100), attacker, attacker, burnt), burnt);
        uint256 paid = vault.previewRedeem(shares);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.AssetsBelowMinimum.selector, paid, paid + 1));
        vault.redeem(shares, attacker, attacker, paid + 1);
        assertEq(vault.redeem(shares, attacker, attacker, paid), paid);
    }

    // HEDGE-016
    function test_depositCap_holdsForNavAtTheHigh() external {
        _hedgeWithTwoPrices();
        _govern(address(vault), abi.encodeCall(vault.setDepositCap, (_units(202_000))));
        assertEq(vault.maxDeposit(attacker), _units(1000));
        assertEq(vault.maxMint(attacker), vault.previewDeposit(_units(1000)));
        token.mint(attacker, _units(2000));
        vm.startPrank(attacker);
        token.approve(address(vault), _units(2000));
        vm.expectRevert(
            abi.encodeWithSelector(IHedgeVault.DepositCapExceeded.selector, _units(202_000) + 1, _units(202_000))
        );
        vault.deposit(_units(1000) + 1, attacker);
        vault.deposit(_units(1000), attacker);
        assertEq(vault.maxDeposit(attacker), 0);
    }

    // HEDGE-016
    function test_lowerDepositCap_isAtOnceAndRevertsIfItWouldRaise() external {
        _govern(address(vault), abi.encodeCall(vault.setDepositCap, (1000)));
        vm.startPrank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.LimitLooser.selector, 1001, 1000));
        vault.lowerDepositCap(1001);
        vault.lowerDepositCap(1000); // no change is no looser
        vault.lowerDepositCap(999);
        vm.stopPrank();
        assertEq(vault.depositCap(), 999);
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
        uint256 shares = bound(assets * 1e6, 2e6, vault.maxRedeem(depositor));
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

    function test_depositCap_emitsOldAndNewAndIsOnlyLoweredAtOnce() external {
        uint256 cap = _units(1000);
        vm.startPrank(guardian);
        vm.expectEmit(address(vault));
        emit IHedgeVault.DepositCapSet(type(uint128).max, cap);
        vault.lowerDepositCap(cap);
        vault.lowerDepositCap(cap);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.LimitLooser.selector, cap + 1, cap));
        vault.lowerDepositCap(cap + 1);
        assertEq(vault.depositCap(), cap);
    }

    function test_measureHedge_roundsIdleDown() external {
        _deposit(depositor, _units(1000) + 1);
        assertEq(vault.measureHedge().nav, (_units(1000) + 1) * 1e18 / _units(1));
        assertEq(vault.measureHedge().idle, vault.measureHedge().nav);
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
