// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC4626, IERC20Metadata, IERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Governed} from "../governance/Governed.sol";
import {IHedgeVault} from "../interfaces/IHedgeVault.sol";
import {DecimalScale} from "../libraries/DecimalScale.sol";

/// @title ERC-4626 shares over a NAV interval
/// @notice Purpose. Deposits and mints price a share at the higher NAV, redemptions and withdrawals at the lower, so a round
///         trip never gains from the venues' mark and index disagreeing, nor from a rebalance between its two halves.
///
///         Obligations of the deriving contract. `_venueEquity` answers the venues' equity, each floored at 0; every transfer
///         of the asset outside deposits and exits keeps `idleAssets` in step.
///
///         Rounding. Against whoever acts: shares minted and assets paid round down, shares burnt and assets charged round
///         up. The lower NAV rounds down and the higher up, to the same end.
///
///         Inflation. A share has 6 decimals more than the asset and idle is tracked, not read from `balanceOf`. What someone
///         sends to the vault raises the deposit price at once but the redemption price only through `absorbDonation`: it
///         falls to those who held shares before it came.
abstract contract TwoSidedVault is IHedgeVault, ERC4626, ReentrancyGuardTransient, Pausable, Governed {
    using Math for uint256;

    uint8 private constant DECIMALS_OFFSET = 6;

    /// @dev Shares that exist by definition beside one asset unit, as in OpenZeppelin's ERC4626.
    uint256 private constant VIRTUAL_SHARES = 10 ** DECIMALS_OFFSET;

    uint8 internal immutable _assetDecimals;

    /// @inheritdoc IHedgeVault
    uint256 public idleAssets;

    constructor(IERC20Metadata asset_, string memory name_, string memory symbol_)
        ERC20(name_, symbol_)
        ERC4626(asset_)
    {
        _assetDecimals = DecimalScale.requireSupported(asset_.decimals());
    }

    // --- actions --------------------------------------------------------------------------------------------------

    /// @inheritdoc IERC4626
    function deposit(uint256 assets, address receiver)
        public
        override(ERC4626, IERC4626)
        whenNotPaused
        nonReentrant
        returns (uint256 shares)
    {
        (, uint256 navHigh) = _nav();
        shares = _toShares(assets, navHigh, Math.Rounding.Floor);
        if (shares == 0 && assets != 0) revert DepositTooSmall(assets);
        _deposit(_msgSender(), receiver, assets, shares);
    }

    /// @inheritdoc IERC4626
    function mint(uint256 shares, address receiver)
        public
        override(ERC4626, IERC4626)
        whenNotPaused
        nonReentrant
        returns (uint256 assets)
    {
        (, uint256 navHigh) = _nav();
        assets = _toAssets(shares, navHigh, Math.Rounding.Ceil);
        _deposit(_msgSender(), receiver, assets, shares);
    }

    /// @inheritdoc IERC4626
    function withdraw(uint256 assets, address receiver, address owner)
        public
        override(ERC4626, IERC4626)
        nonReentrant
        returns (uint256 shares)
    {
        (uint256 navLow,) = _nav();
        shares = _toShares(assets, navLow, Math.Rounding.Ceil);
        _withdraw(_msgSender(), receiver, owner, assets, shares);
    }

    /// @inheritdoc IERC4626
    function redeem(uint256 shares, address receiver, address owner)
        public
        override(ERC4626, IERC4626)
        nonReentrant
        returns (uint256 assets)
    {
        (uint256 navLow,) = _nav();
        assets = _toAssets(shares, navLow, Math.Rounding.Floor);
        _withdraw(_msgSender(), receiver, owner, assets, shares);
    }

    /// @inheritdoc IHedgeVault
    function redeemFromIdle(uint256 shares, uint256 minAssets, address receiver, address owner)
        external
        nonReentrant
        returns (uint256 assets)
    {
        assets = shares.mulDiv(idleAssets, totalSupply() + VIRTUAL_SHARES);
        if (assets < minAssets) revert AssetsBelowMinimum(assets, minAssets);
        _withdraw(_msgSender(), receiver, owner, assets, shares);
    }

    /// @inheritdoc IHedgeVault
    function absorbDonation() external nonReentrant returns (uint256 assets) {
        assets = _pendingDonation();
        idleAssets += assets;
        emit DonationAbsorbed(assets);
    }

    /// @inheritdoc IHedgeVault
    function pause() external onlyGuardian {
        _pause();
    }

    /// @inheritdoc IHedgeVault
    function unpause() external onlyGovernor {
        _unpause();
    }

    // --- prices; all revert while the vault is inside a call of its own, when its books are half written -----------

    /// @inheritdoc IHedgeVault
    function navBounds() external view nonReentrantView returns (uint256 low, uint256 high) {
        return _nav();
    }

    /// @inheritdoc IERC4626
    /// @dev The lower NAV: what is certain to be there.
    function totalAssets() public view override(ERC4626, IERC4626) nonReentrantView returns (uint256 navLow) {
        (navLow,) = _nav();
    }

    /// @inheritdoc IERC4626
    function convertToShares(uint256 assets) public view override(ERC4626, IERC4626) returns (uint256) {
        return previewDeposit(assets);
    }

    /// @inheritdoc IERC4626
    function convertToAssets(uint256 shares) public view override(ERC4626, IERC4626) returns (uint256) {
        return previewRedeem(shares);
    }

    /// @inheritdoc IERC4626
    function previewDeposit(uint256 assets) public view override(ERC4626, IERC4626) nonReentrantView returns (uint256) {
        (, uint256 navHigh) = _nav();
        return _toShares(assets, navHigh, Math.Rounding.Floor);
    }

    /// @inheritdoc IERC4626
    function previewMint(uint256 shares) public view override(ERC4626, IERC4626) nonReentrantView returns (uint256) {
        (, uint256 navHigh) = _nav();
        return _toAssets(shares, navHigh, Math.Rounding.Ceil);
    }

    /// @inheritdoc IERC4626
    function previewWithdraw(uint256 assets)
        public
        view
        override(ERC4626, IERC4626)
        nonReentrantView
        returns (uint256)
    {
        (uint256 navLow,) = _nav();
        return _toShares(assets, navLow, Math.Rounding.Ceil);
    }

    /// @inheritdoc IERC4626
    function previewRedeem(uint256 shares) public view override(ERC4626, IERC4626) nonReentrantView returns (uint256) {
        (uint256 navLow,) = _nav();
        return _toAssets(shares, navLow, Math.Rounding.Floor);
    }

    // --- limits; ERC-4626 forbids these to revert, so they answer 0 while no price can be told ----------------------

    /// @inheritdoc IERC4626
    function maxDeposit(address) public view override(ERC4626, IERC4626) returns (uint256) {
        (bool isPriced,) = _tryNavLow();
        return isPriced && !paused() ? type(uint256).max : 0;
    }

    /// @inheritdoc IERC4626
    function maxMint(address receiver) public view override(ERC4626, IERC4626) returns (uint256) {
        return maxDeposit(receiver);
    }

    /// @inheritdoc IERC4626
    /// @dev What the shares are worth, as far as idle reaches.
    function maxWithdraw(address owner) public view override(ERC4626, IERC4626) returns (uint256) {
        (bool isPriced, uint256 navLow) = _tryNavLow();
        if (!isPriced) return 0;
        return Math.min(_toAssets(balanceOf(owner), navLow, Math.Rounding.Floor), idleAssets);
    }

    /// @inheritdoc IERC4626
    /// @dev As many shares as idle can pay for; rounded down, so that redeeming them never asks for more than idle.
    function maxRedeem(address owner) public view override(ERC4626, IERC4626) returns (uint256) {
        (bool isPriced, uint256 navLow) = _tryNavLow();
        if (!isPriced) return 0;
        return Math.min(balanceOf(owner), _toShares(idleAssets, navLow, Math.Rounding.Floor));
    }

    // --- internal -------------------------------------------------------------------------------------------------

    /// @dev Sum of the venues' lower and of their higher equity, each floored at 0, WAD USD.
    function _venueEquity() internal view virtual returns (uint256 low, uint256 high);

    /// @dev Lower and higher NAV, asset units. One USD of venue equity is one whole unit of the asset.
    function _nav() internal view returns (uint256 low, uint256 high) {
        (uint256 equityLow, uint256 equityHigh) = _venueEquity();
        low = idleAssets + DecimalScale.scaleDown(equityLow, DecimalScale.WAD_DECIMALS, _assetDecimals);
        high = idleAssets + _pendingDonation()
            + DecimalScale.scaleUp(equityHigh, DecimalScale.WAD_DECIMALS, _assetDecimals);
    }

    /// @dev Asset units in the vault that no one has booked. 0 where the balance falls short of idle.
    function _pendingDonation() internal view returns (uint256) {
        return _assetBalance().saturatingSub(idleAssets);
    }

    function _assetBalance() internal view returns (uint256) {
        return IERC20Metadata(asset()).balanceOf(address(this));
    }

    /// @dev Takes `assets` out of idle before they are sent away.
    function _debitIdle(uint256 assets) internal {
        if (assets > idleAssets) revert IdleExceeded(assets, idleAssets);
        idleAssets -= assets;
    }

    /// @dev Measures what arrives: a token that keeps a part of a transfer is no collateral.
    function _transferIn(address from, uint256 assets) internal override {
        uint256 balanceBefore = _assetBalance();
        super._transferIn(from, assets);
        uint256 received = _assetBalance() - balanceBefore;
        if (received != assets) revert FeeOnTransferAsset(received, assets);
        idleAssets += assets;
    }

    function _transferOut(address to, uint256 assets) internal override {
        _debitIdle(assets);
        super._transferOut(to, assets);
    }

    function _decimalsOffset() internal pure override returns (uint8) {
        return DECIMALS_OFFSET;
    }

    function _tryNavLow() private view returns (bool isPriced, uint256 navLow) {
        try this.navBounds() returns (uint256 low, uint256) {
            return (true, low);
        } catch {
            return (false, 0);
        }
    }

    function _toShares(uint256 assets, uint256 nav, Math.Rounding rounding) private view returns (uint256) {
        return assets.mulDiv(totalSupply() + VIRTUAL_SHARES, nav + 1, rounding);
    }

    function _toAssets(uint256 shares, uint256 nav, Math.Rounding rounding) private view returns (uint256) {
        return shares.mulDiv(nav + 1, totalSupply() + VIRTUAL_SHARES, rounding);
    }
}
