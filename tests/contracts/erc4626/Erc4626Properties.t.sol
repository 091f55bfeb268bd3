// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/interfaces/IERC20Metadata.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {VaultUnderTest} from "./VaultUnderTest.sol";

/// @notice ERC-4626, sentence by sentence, and its round trips; no tolerance anywhere.
/// @dev Each test names the sentence of the EIP it holds the vault to. The state comes from the first argument, the decimals
///      from the concrete contracts below. `depositor` is the holder, `attacker` has assets, `stranger` has nothing.
abstract contract Erc4626Properties is VaultUnderTest {
    uint8 private immutable _decimals;
    address internal immutable stranger = makeAddr("stranger");
    address internal immutable receiver = makeAddr("receiver");

    constructor(uint8 decimals_) {
        _decimals = decimals_;
    }

    function setUp() public override {
        _deploySubject(_decimals);
    }

    /// @dev Whole dollars down to the smallest unit, every order of magnitude equally likely.
    function _anyAssets(uint256 seed) internal view returns (uint256) {
        uint256 most = _units(1e9);
        return bound(seed >> 8, 1, 1 + most / 10 ** (seed % (10 + _decimals)));
    }

    function _anyShares(uint256 seed) internal view returns (uint256) {
        return _anyAssets(seed) * 1e6 + seed % 1e6;
    }

    function _richAttacker() private {
        _giveAssets(attacker, _units(1e12));
    }

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
        assertEq(subject.maxDeposit(stranger), type(uint256).max);
        assertEq(subject.maxMint(stranger), type(uint256).max);
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

/// forge-config: default.fuzz.runs = 64
contract Erc4626Decimals0Test is Erc4626Properties(0) {}

/// forge-config: default.fuzz.runs = 64
contract Erc4626Decimals6Test is Erc4626Properties(6) {}

/// forge-config: default.fuzz.runs = 64
contract Erc4626Decimals8Test is Erc4626Properties(8) {}

/// forge-config: default.fuzz.runs = 64
contract Erc4626Decimals18Test is Erc4626Properties(18) {}

/// forge-config: default.fuzz.runs = 64
contract Erc4626Decimals24Test is Erc4626Properties(24) {}

/// forge-config: default.fuzz.runs = 64
contract Erc4626Decimals36Test is Erc4626Properties(36) {}
