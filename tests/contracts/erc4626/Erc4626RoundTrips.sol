// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Erc4626Base} from "./Erc4626Base.sol";

/// @notice Two actions after one another.
abstract contract Erc4626RoundTrips is Erc4626Base {
    // --- round trips: no order of two actions gains a unit, or a share ------------------------------------------------

    /// @dev redeem(deposit(a)) <= a
    function testFuzz_roundTrip__depositRedeem(uint256 state, uint256 assets) external {
        _enter(state);
        _richAttacker();
        assets = _anyAssets(assets);
        vm.startPrank(attacker);
        uint256 shares = subject.deposit(assets, attacker);
        assertLe(subject.previewRedeem(shares), assets);
        uint256 most = subject.maxRedeem(attacker);
        assertLe(subject.redeem(most, attacker, attacker), assets);
    }

    /// @dev deposit(a) <= withdraw(a)
    function testFuzz_roundTrip__depositWithdraw(uint256 state, uint256 assets) external {
        _enter(state);
        _richAttacker();
        assets = _anyAssets(assets);
        vm.startPrank(attacker);
        uint256 shares = subject.deposit(assets, attacker);
        assertGe(subject.previewWithdraw(assets), shares);
        uint256 most = subject.maxWithdraw(attacker);
        assertLe(most, assets);
        assertLe(subject.withdraw(most, attacker, attacker), shares);
    }

    /// @dev redeem(mint(s)) <= what it cost
    function testFuzz_roundTrip__mintRedeem(uint256 state, uint256 shares) external {
        _enter(state);
        _richAttacker();
        shares = _anyShares(shares);
        vm.startPrank(attacker);
        uint256 assets = subject.mint(shares, attacker);
        assertLe(subject.previewRedeem(shares), assets);
        uint256 most = subject.maxRedeem(attacker);
        assertLe(subject.redeem(most, attacker, attacker), assets);
    }

    /// @dev withdraw(mint(s)) >= s
    function testFuzz_roundTrip__mintWithdraw(uint256 state, uint256 shares) external {
        _enter(state);
        _richAttacker();
        shares = _anyShares(shares);
        vm.startPrank(attacker);
        uint256 assets = subject.mint(shares, attacker);
        assertGe(subject.previewWithdraw(assets), shares);
        assertLe(subject.maxWithdraw(attacker), assets);
    }

    /// @dev deposit(redeem(s)) <= s
    function testFuzz_roundTrip__redeemDeposit(uint256 state, uint256 shares) external {
        _enter(state);
        _giveAssets(depositor, 0);
        shares = bound(shares, 0, subject.maxRedeem(depositor));
        vm.startPrank(depositor);
        uint256 assets = subject.redeem(shares, depositor, depositor);
        assertLe(subject.deposit(assets, depositor), shares);
    }

    /// @dev mint(s) >= redeem(s)
    function testFuzz_roundTrip__redeemMint(uint256 state, uint256 shares) external {
        _enter(state);
        _giveAssets(depositor, _units(1e6));
        shares = bound(shares, 0, subject.maxRedeem(depositor));
        vm.startPrank(depositor);
        uint256 assets = subject.redeem(shares, depositor, depositor);
        assertGe(subject.mint(shares, depositor), assets);
    }

    /// @dev mint(withdraw(a)) >= a
    function testFuzz_roundTrip__withdrawMint(uint256 state, uint256 assets) external {
        _enter(state);
        _giveAssets(depositor, _units(1e6));
        assets = bound(assets, 0, subject.maxWithdraw(depositor));
        vm.startPrank(depositor);
        uint256 shares = subject.withdraw(assets, depositor, depositor);
        assertGe(subject.mint(shares, depositor), assets);
    }

    /// @dev deposit(a) <= withdraw(a)
    function testFuzz_roundTrip__withdrawDeposit(uint256 state, uint256 assets) external {
        _enter(state);
        _giveAssets(depositor, 0);
        assets = bound(assets, 0, subject.maxWithdraw(depositor));
        vm.startPrank(depositor);
        uint256 shares = subject.withdraw(assets, depositor, depositor);
        assertLe(subject.deposit(assets, depositor), shares);
    }

    /// @dev Many small ones are no better than one large one.
    function testFuzz_roundTrip__inPieces(uint256 state, uint256 assets, uint8 pieces) external {
        _enter(state);
        _richAttacker();
        assets = _anyAssets(assets);
        uint256 count = bound(pieces, 1, 12);
        vm.startPrank(attacker);
        for (uint256 i = 0; i < count; ++i) {
            subject.deposit(assets, attacker);
        }
        uint256 paid = 0;
        uint256 shares = subject.balanceOf(attacker) / count;
        for (uint256 i = 0; i < count; ++i) {
            if (shares <= subject.maxRedeem(attacker)) paid += subject.redeem(shares, attacker, attacker);
        }
        assertLe(paid, assets * count);
    }

    // --- nothing --------------------------------------------------------------------------------------------------------

    /// @dev Nothing for nothing.
    function testFuzz_zero__movesNothing(uint256 state) external {
        _enter(state);
        uint256 nav = subject.totalAssets();
        vm.startPrank(stranger);
        assertEq(subject.deposit(0, stranger), 0);
        assertEq(subject.mint(0, stranger), 0);
        assertEq(subject.withdraw(0, stranger, stranger), 0);
        assertEq(subject.redeem(0, stranger, stranger), 0);
        assertEq(subject.totalAssets(), nav);
        assertEq(subject.balanceOf(stranger), 0);
    }

    /// @dev No deposit and no exit lowers what the shares of the others are worth.
    function testFuzz_others__losePartOfNothing(uint256 state, uint256 assets) external {
        _enter(state);
        _richAttacker();
        assets = _anyAssets(assets);
        uint256 worth = subject.convertToAssets(subject.balanceOf(depositor));
        vm.startPrank(attacker);
        subject.deposit(assets, attacker);
        assertGe(subject.convertToAssets(subject.balanceOf(depositor)), worth);
        uint256 most = subject.maxRedeem(attacker);
        subject.redeem(most, attacker, attacker);
        assertGe(subject.convertToAssets(subject.balanceOf(depositor)), worth);
    }
}
