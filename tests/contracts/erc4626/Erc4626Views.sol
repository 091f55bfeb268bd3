// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/interfaces/IERC20Metadata.sol";
import {Erc4626Base} from "./Erc4626Base.sol";

/// @notice Asset, conversions, limits and previews.
abstract contract Erc4626Views is Erc4626Base {
    // --- asset ------------------------------------------------------------------------------------------------------

    /// @dev asset: "MUST be an ERC-20 token contract." "MUST NOT revert."
    function testFuzz_asset__isAnErc20Contract(uint256 state) external {
        _enter(state);
        address asset = subject.asset();
        assertGt(asset.code.length, 0);
        IERC20(asset).totalSupply();
        IERC20(asset).balanceOf(address(subject));
    }

    /// @dev "All ERC-4626 tokenized Vaults MUST implement ERC-20 to represent shares", with its metadata extension.
    function testFuzz_shares__areErc20WithMetadata(uint256 state) external {
        _enter(state);
        IERC20Metadata shares = IERC20Metadata(address(subject));
        assertGt(bytes(shares.name()).length, 0);
        assertGt(bytes(shares.symbol()).length, 0);
        assertGe(shares.decimals(), IERC20Metadata(subject.asset()).decimals());
        assertEq(shares.totalSupply(), shares.balanceOf(depositor));
    }

    // --- totalAssets ------------------------------------------------------------------------------------------------

    /// @dev totalAssets: "SHOULD include any compounding that occurs from yield."
    function testFuzz_totalAssets__includesYield(uint256 state) external {
        _enter(state);
        uint256 before = subject.totalAssets();
        _earn();
        assertGe(subject.totalAssets(), before + _units(100));
    }

    /// @dev totalAssets: "Total amount of the underlying asset that is 'managed' by Vault": by exactly what comes and goes.
    function testFuzz_totalAssets__movesByWhatIsDepositedAndWithdrawn(uint256 state, uint256 assets) external {
        _enter(state);
        _richAttacker();
        assets = _anyAssets(assets);
        uint256 before = subject.totalAssets();
        vm.startPrank(attacker);
        subject.deposit(assets, attacker);
        assertEq(subject.totalAssets(), before + assets);
        uint256 out = subject.maxWithdraw(attacker);
        subject.withdraw(out, attacker, attacker);
        assertEq(subject.totalAssets(), before + assets - out);
    }

    // --- convertToShares, convertToAssets ---------------------------------------------------------------------------

    /// @dev convertTo*: "MUST NOT show any variations depending on the caller."
    function testFuzz_convert__isTheSameForEveryCaller(uint256 state, uint256 x) external {
        _enter(state);
        x = _anyAssets(x);
        vm.startPrank(depositor);
        (uint256 shares, uint256 assets) = (subject.convertToShares(x), subject.convertToAssets(x));
        vm.stopPrank();
        vm.prank(stranger);
        assertEq(subject.convertToShares(x), shares);
        vm.prank(stranger);
        assertEq(subject.convertToAssets(x), assets);
    }

    /// @dev convertTo*: "MUST NOT reflect slippage or other on-chain conditions, when performing the actual exchange."
    function testFuzz_convert__isProportional(uint256 state, uint256 x, uint256 factor) external {
        _enter(state);
        x = _anyAssets(x);
        factor = bound(factor, 2, 1e6);
        uint256 shares = subject.convertToShares(x);
        assertGe(subject.convertToShares(x * factor), shares * factor);
        assertLt(subject.convertToShares(x * factor), (shares + 1) * factor);
        uint256 assets = subject.convertToAssets(x);
        assertGe(subject.convertToAssets(x * factor), assets * factor);
        assertLt(subject.convertToAssets(x * factor), (assets + 1) * factor);
    }

    /// @dev convertTo*: "MUST round down towards 0", so neither way back gives more.
    function testFuzz_convert__roundsDown(uint256 state, uint256 x) external {
        _enter(state);
        uint256 assets = _anyAssets(x);
        assertLe(subject.convertToAssets(subject.convertToShares(assets)), assets);
        uint256 shares = _anyShares(x);
        assertLe(subject.convertToShares(subject.convertToAssets(shares)), shares);
        assertEq(subject.convertToShares(0), 0);
        assertEq(subject.convertToAssets(0), 0);
    }

    /// @dev convertTo*: "MUST NOT revert unless due to integer overflow caused by an unreasonably large input."
    function testFuzz_convert__doesNotRevert(uint256 state, uint256 x) external {
        _enter(state);
        subject.convertToShares(bound(x, 0, type(uint128).max));
        subject.convertToAssets(bound(x, 0, type(uint160).max));
    }

    // --- limits -----------------------------------------------------------------------------------------------------

    /// @dev max*: "MUST NOT revert."
    function testFuzz_max__doesNotRevert(uint256 state, address account) external {
        _enter(state);
        subject.maxDeposit(account);
        subject.maxMint(account);
        assertEq(subject.maxWithdraw(stranger), 0);
        assertEq(subject.maxRedeem(stranger), 0);
    }

    /// @dev maxDeposit, maxMint: "MUST NOT rely on balanceOf of asset."
    function testFuzz_maxDeposit__assumesInfiniteAssets(uint256 state) external {
        _enter(state);
        _richAttacker();
        assertEq(subject.maxDeposit(attacker), subject.maxDeposit(stranger));
        assertEq(subject.maxMint(attacker), subject.maxMint(stranger));
        assertEq(subject.maxDeposit(stranger), subject.maxDeposit(depositor));
        assertEq(subject.maxMint(stranger), subject.maxMint(depositor));
        assertGt(subject.maxDeposit(stranger), type(uint120).max);
    }

    /// @dev maxDeposit, maxMint: "if deposits are entirely disabled (even temporarily) it MUST return 0."
    function testFuzz_maxDeposit__isZeroWhileStopped(uint256 state, uint256 assets) external {
        _enter(state);
        _richAttacker();
        assets = _anyAssets(assets);
        uint256 preview = subject.previewDeposit(assets);
        uint256 previewOfMint = subject.previewMint(assets);
        _stopDeposits();
        assertEq(subject.maxDeposit(attacker), 0);
        assertEq(subject.maxMint(attacker), 0);
        vm.startPrank(attacker);
        vm.expectRevert();
        subject.deposit(assets, attacker);
        vm.expectRevert();
        subject.mint(assets, attacker);
        // previewDeposit, previewMint: "MUST NOT account for deposit limits".
        assertEq(subject.previewDeposit(assets), preview);
        assertEq(subject.previewMint(assets), previewOfMint);
    }

    /// @dev maxWithdraw: "the maximum amount [...] that could be transferred from owner through withdraw and not cause a
    ///      revert, which MUST NOT be higher than the actual maximum": it is accepted, and one more is not.
    function testFuzz_maxWithdraw__isAcceptedAndOneMoreIsNot(uint256 state) external {
        _enter(state);
        uint256 most = subject.maxWithdraw(depositor);
        vm.startPrank(depositor);
        uint256 snapshot = vm.snapshotState();
        subject.withdraw(most, depositor, depositor);
        vm.revertToState(snapshot);
        vm.expectRevert();
        subject.withdraw(most + 1, depositor, depositor);
    }

    /// @dev maxRedeem: the same of shares: it is accepted, and more than is owned is not.
    function testFuzz_maxRedeem__isAcceptedAndMoreThanOwnedIsNot(uint256 state) external {
        _enter(state);
        uint256 most = subject.maxRedeem(depositor);
        uint256 owned = subject.balanceOf(depositor);
        assertLe(most, owned);
        vm.startPrank(depositor);
        uint256 snapshot = vm.snapshotState();
        subject.redeem(most, depositor, depositor);
        vm.revertToState(snapshot);
        vm.expectRevert();
        subject.redeem(owned + 1, depositor, depositor);
    }

    // --- previews ---------------------------------------------------------------------------------------------------

    /// @dev previewDeposit: "as close to and no more than the exact amount of Vault shares that would be minted".
    function testFuzz_previewDeposit__isExact(uint256 state, uint256 assets) external {
        _enter(state);
        _richAttacker();
        assets = _anyAssets(assets);
        uint256 preview = subject.previewDeposit(assets);
        vm.prank(attacker);
        assertEq(subject.deposit(assets, attacker), preview);
    }

    /// @dev previewMint: "as close to and no fewer than the exact amount of assets that would be deposited".
    function testFuzz_previewMint__isExact(uint256 state, uint256 shares) external {
        _enter(state);
        _richAttacker();
        shares = _anyShares(shares);
        uint256 preview = subject.previewMint(shares);
        vm.prank(attacker);
        assertEq(subject.mint(shares, attacker), preview);
    }

    /// @dev previewWithdraw: "as close to and no fewer than the exact amount of Vault shares that would be burned".
    function testFuzz_previewWithdraw__isExact(uint256 state, uint256 assets) external {
        _enter(state);
        assets = bound(assets, 0, subject.maxWithdraw(depositor));
        uint256 preview = subject.previewWithdraw(assets);
        vm.prank(depositor);
        assertEq(subject.withdraw(assets, depositor, depositor), preview);
    }

    /// @dev previewRedeem: "as close to and no more than the exact amount of assets that would be withdrawn".
    function testFuzz_previewRedeem__isExact(uint256 state, uint256 shares) external {
        _enter(state);
        shares = bound(shares, 0, subject.maxRedeem(depositor));
        uint256 preview = subject.previewRedeem(shares);
        vm.prank(depositor);
        assertEq(subject.redeem(shares, depositor, depositor), preview);
    }

    /// @dev preview*: "MUST NOT revert due to vault specific user/global limits", whoever asks and whatever he has.
    function testFuzz_preview__actsAsThoughAccepted(uint256 state, uint256 x) external {
        _enter(state);
        uint256 beyond = _units(1e10) + _anyAssets(x);
        vm.startPrank(stranger);
        assertGt(subject.previewDeposit(beyond), 0);
        assertGt(subject.previewMint(beyond * 1e6), 0);
        assertGt(subject.previewWithdraw(beyond), 0);
        assertGt(subject.previewRedeem(beyond * 1e6), 0);
    }

    /// @dev "specific, opposing rounding directions [...], as it is considered most secure to favor the Vault itself during
    ///      calculations over its users".
    function testFuzz_preview__roundsAgainstWhoActs(uint256 state, uint256 x) external {
        _enter(state);
        uint256 assets = _anyAssets(x);
        assertLe(subject.previewDeposit(assets), subject.previewWithdraw(assets));
        uint256 shares = _anyShares(x);
        assertLe(subject.previewRedeem(shares), subject.previewMint(shares));
        assertGt(subject.previewMint(1), 0, "a share is never given away");
        assertGt(subject.previewWithdraw(1), 0, "nor an asset");
    }
}
