// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {Erc4626Base} from "./Erc4626Base.sol";

/// @notice Deposits, mints, withdrawals and redemptions.
abstract contract Erc4626Actions is Erc4626Base {
    // --- deposit, mint ----------------------------------------------------------------------------------------------

    /// @dev deposit: "Mints shares Vault shares to receiver by depositing exactly assets of underlying tokens." "MUST emit
    ///      the Deposit event." "MUST support ERC-20 approve / transferFrom on asset as a deposit flow."
    function testFuzz_deposit__movesExactlyAssetsForShares(uint256 state, uint256 assets) external {
        _enter(state);
        _richAttacker();
        assets = _anyAssets(assets);
        (uint256 payer, uint256 held) = (token.balanceOf(attacker), token.balanceOf(address(subject)));
        uint256 supply = subject.totalSupply();
        uint256 expected = subject.previewDeposit(assets);
        vm.expectEmit(address(subject));
        emit IERC4626.Deposit(attacker, receiver, assets, expected);
        vm.prank(attacker);
        uint256 shares = subject.deposit(assets, receiver);
        assertEq(subject.balanceOf(receiver), shares);
        assertEq(subject.totalSupply(), supply + shares);
        assertEq(token.balanceOf(attacker), payer - assets);
        assertEq(token.balanceOf(address(subject)), held + assets);
    }

    /// @dev mint: "Mints exactly shares Vault shares to receiver by depositing assets of underlying tokens." "MUST emit the
    ///      Deposit event."
    function testFuzz_mint__movesExactlySharesForAssets(uint256 state, uint256 shares) external {
        _enter(state);
        _richAttacker();
        shares = _anyShares(shares);
        (uint256 payer, uint256 held) = (token.balanceOf(attacker), token.balanceOf(address(subject)));
        uint256 expected = subject.previewMint(shares);
        vm.expectEmit(address(subject));
        emit IERC4626.Deposit(attacker, receiver, expected, shares);
        vm.prank(attacker);
        uint256 assets = subject.mint(shares, receiver);
        assertEq(subject.balanceOf(receiver), shares);
        assertEq(token.balanceOf(attacker), payer - assets);
        assertEq(token.balanceOf(address(subject)), held + assets);
    }

    /// @dev deposit, mint: "MUST revert if all of assets cannot be deposited (due to [...] the user not approving enough".
    function testFuzz_deposit__revertsIfNotAllCanBeDeposited(uint256 state, uint256 assets) external {
        _enter(state);
        assets = _anyAssets(assets);
        _giveAssets(attacker, assets);
        vm.startPrank(attacker);
        token.approve(address(subject), assets - 1);
        vm.expectRevert();
        subject.deposit(assets, attacker);
        uint256 shares = subject.previewDeposit(assets);
        token.approve(address(subject), subject.previewMint(shares) - 1);
        vm.expectRevert();
        subject.mint(shares, attacker);
        token.approve(address(subject), type(uint256).max);
        vm.expectRevert();
        subject.deposit(assets + 1, attacker);
    }

    // --- withdraw, redeem -------------------------------------------------------------------------------------------

    /// @dev withdraw: "Burns shares from owner and sends exactly assets of underlying tokens to receiver." "MUST emit the
    ///      Withdraw event." "where the shares are burned from owner directly where owner is msg.sender".
    function testFuzz_withdraw__sendsExactlyAssets(uint256 state, uint256 assets) external {
        _enter(state);
        assets = bound(assets, 0, subject.maxWithdraw(depositor));
        (uint256 owned, uint256 held) = (subject.balanceOf(depositor), token.balanceOf(address(subject)));
        uint256 expected = subject.previewWithdraw(assets);
        vm.expectEmit(address(subject));
        emit IERC4626.Withdraw(depositor, receiver, depositor, assets, expected);
        vm.prank(depositor);
        uint256 shares = subject.withdraw(assets, receiver, depositor);
        assertEq(token.balanceOf(receiver), assets);
        assertEq(token.balanceOf(address(subject)), held - assets);
        assertEq(subject.balanceOf(depositor), owned - shares);
    }

    /// @dev redeem: "Burns exactly shares from owner and sends assets of underlying tokens to receiver." "MUST emit the
    ///      Withdraw event."
    function testFuzz_redeem__burnsExactlyShares(uint256 state, uint256 shares) external {
        _enter(state);
        shares = bound(shares, 0, subject.maxRedeem(depositor));
        (uint256 owned, uint256 held) = (subject.balanceOf(depositor), token.balanceOf(address(subject)));
        uint256 expected = subject.previewRedeem(shares);
        vm.expectEmit(address(subject));
        emit IERC4626.Withdraw(depositor, receiver, depositor, expected, shares);
        vm.prank(depositor);
        uint256 assets = subject.redeem(shares, receiver, depositor);
        assertEq(subject.balanceOf(depositor), owned - shares);
        assertEq(token.balanceOf(receiver), assets);
        assertEq(token.balanceOf(address(subject)), held - assets);
    }

    /// @dev withdraw: "MUST support a withdraw flow where the shares are burned from owner directly where msg.sender has
    ///      ERC-20 approval over the shares of owner": exactly as far as it reaches.
    function testFuzz_withdraw__needsAndUsesAllowance(uint256 state, uint256 assets) external {
        _enter(state);
        assets = bound(assets, 1, subject.maxWithdraw(depositor));
        uint256 shares = subject.previewWithdraw(assets);
        vm.prank(depositor);
        subject.approve(stranger, shares - 1);
        vm.prank(stranger);
        vm.expectRevert();
        subject.withdraw(assets, stranger, depositor);
        vm.prank(depositor);
        subject.approve(stranger, shares);
        vm.prank(stranger);
        subject.withdraw(assets, stranger, depositor);
        assertEq(subject.allowance(depositor, stranger), 0);
        assertEq(token.balanceOf(stranger), assets);
    }

    /// @dev redeem: the same.
    function testFuzz_redeem__needsAndUsesAllowance(uint256 state, uint256 shares) external {
        _enter(state);
        shares = bound(shares, 0, subject.maxRedeem(depositor));
        vm.assume(shares != 0);
        vm.prank(depositor);
        subject.approve(stranger, shares - 1);
        vm.prank(stranger);
        vm.expectRevert();
        subject.redeem(shares, stranger, depositor);
        vm.prank(depositor);
        subject.approve(stranger, shares);
        vm.prank(stranger);
        uint256 assets = subject.redeem(shares, stranger, depositor);
        assertEq(subject.allowance(depositor, stranger), 0);
        assertEq(token.balanceOf(stranger), assets);
    }

    /// @dev withdraw, redeem: "MUST revert if all of assets cannot be withdrawn (due to withdrawal limit being reached,
    ///      slippage, the owner not having enough shares, etc)."
    function testFuzz_withdraw__revertsIfNotAllCanBeWithdrawn(uint256 state, uint256 beyond) external {
        _enter(state);
        beyond = _anyAssets(beyond);
        uint256 most = subject.maxWithdraw(depositor);
        uint256 owned = subject.balanceOf(depositor);
        vm.startPrank(depositor);
        vm.expectRevert();
        subject.withdraw(most + beyond, depositor, depositor);
        vm.expectRevert();
        subject.redeem(owned + beyond, depositor, depositor);
    }
}
