// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC4626, IERC20Metadata, IERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IHedgeVault} from "../interfaces/IHedgeVault.sol";
import {IMemberGate} from "../interfaces/IMemberGate.sol";
import {IShareFees} from "../interfaces/IShareFees.sol";
import {DecimalScale} from "../libraries/DecimalScale.sol";
import {MemberShares} from "./MemberShares.sol";

/// @title ERC-4626 shares over a NAV interval, for members
/// @notice Purpose. Deposits and mints price a share at the higher NAV, redemptions and withdrawals at the lower, and the
///         interval holds what the price feed does not know yet: a round trip gains neither from an update that is due, nor
///         from mark and index disagreeing, nor from a rebalance between its two halves.
///
///         Obligations of the deriving contract. `_appraise` answers the venues' equity, each floored at 0, without
///         reverting over a venue or a price.
///
///         Rounding. Against whoever acts: shares minted and assets paid round down, shares burnt and assets charged round
///         up. The lower NAV rounds down and the higher up, to the same end.
///
///         Inflation. A share has 6 decimals more than the asset. Idle is the balance: what someone sends to the vault is
///         everybody's at once, in entries and in exits alike.
///
///         Known limits. Instant exits are paid from idle that the redemption queue does not wait for.
abstract contract TwoSidedVault is MemberShares, ERC4626, ReentrancyGuardTransient {
    using Math for uint256;
    using SafeCast for uint256;

    /// @dev Deposits that are too young to carry exposure, in asset units at `since`; they ripen linearly.
    struct YoungDeposits {
        uint192 assets;
        uint64 since;
    }

    /// @notice Most decimals of the asset: beyond, sums in use would near the ends of the types that hold them.
    uint8 public constant MAX_ASSET_DECIMALS = 24;

    /// @notice Time in which a deposit ripens: until then bounds that are relative to NAV do not count it whole.
    uint256 public constant RIPENING = 1 hours;

    uint8 private constant DECIMALS_OFFSET = 6;

    /// @dev Shares that exist by definition beside one asset unit, as in OpenZeppelin's ERC4626.
    uint256 private constant VIRTUAL_SHARES = 10 ** DECIMALS_OFFSET;

    uint8 internal immutable _assetDecimals;

    /// @inheritdoc IHedgeVault
    IShareFees public shareFees;

    /// @inheritdoc IHedgeVault
    uint256 public depositCap = type(uint128).max;

    /// @inheritdoc IHedgeVault
    int256 public netFlows;

    YoungDeposits private _young;

    constructor(IERC20Metadata asset_, string memory name_, string memory symbol_, IMemberGate gate_)
        ERC20(name_, symbol_)
        ERC20Permit(name_)
        ERC4626(asset_)
        MemberShares(gate_)
    {
        _assetDecimals = asset_.decimals();
        if (_assetDecimals > MAX_ASSET_DECIMALS) {
            revert DecimalScale.TooManyDecimals(_assetDecimals, MAX_ASSET_DECIMALS);
        }
    }

    // --- actions --------------------------------------------------------------------------------------------------

    /// @inheritdoc IERC4626
    function deposit(uint256 assets, address receiver) public override(ERC4626, IERC4626) returns (uint256) {
        return deposit(assets, receiver, 0);
    }

    /// @inheritdoc IHedgeVault
    function deposit(uint256 assets, address receiver, uint256 minShares) public nonReentrant returns (uint256 shares) {
        (, uint256 navHigh) = _requireOpen();
        shares = _toShares(assets, navHigh, totalSupply(), Math.Rounding.Floor);
        if (shares == 0 && assets != 0) revert DepositTooSmall(assets);
        if (shares < minShares) revert SharesBelowMinimum(shares, minShares);
        _enter(receiver, assets, shares, navHigh);
    }

    /// @inheritdoc IERC4626
    function mint(uint256 shares, address receiver) public override(ERC4626, IERC4626) returns (uint256) {
        return mint(shares, receiver, type(uint256).max);
    }

    /// @inheritdoc IHedgeVault
    function mint(uint256 shares, address receiver, uint256 maxAssets) public nonReentrant returns (uint256 assets) {
        (, uint256 navHigh) = _requireOpen();
        assets = _toAssets(shares, navHigh, totalSupply(), Math.Rounding.Ceil);
        if (assets > maxAssets) revert AssetsAboveMaximum(assets, maxAssets);
        _enter(receiver, assets, shares, navHigh);
    }

    /// @inheritdoc IERC4626
    function withdraw(uint256 assets, address receiver, address owner)
        public
        override(ERC4626, IERC4626)
        returns (uint256)
    {
        return withdraw(assets, receiver, owner, type(uint256).max);
    }

    /// @inheritdoc IHedgeVault
    function withdraw(uint256 assets, address receiver, address owner, uint256 maxShares)
        public
        nonReentrant
        returns (uint256 shares)
    {
        (uint256 navLow,) = _navAndFees();
        shares = _toShares(assets, navLow, totalSupply(), Math.Rounding.Ceil);
        if (shares > maxShares) revert SharesAboveMaximum(shares, maxShares);
        _leave(receiver, owner, assets, shares, navLow);
    }

    /// @inheritdoc IERC4626
    function redeem(uint256 shares, address receiver, address owner)
        public
        override(ERC4626, IERC4626)
        returns (uint256)
    {
        return redeem(shares, receiver, owner, 0);
    }

    /// @inheritdoc IHedgeVault
    function redeem(uint256 shares, address receiver, address owner, uint256 minAssets)
        public
        nonReentrant
        returns (uint256 assets)
    {
        (uint256 navLow,) = _navAndFees();
        assets = _toAssets(shares, navLow, totalSupply(), Math.Rounding.Floor);
        if (assets < minAssets) revert AssetsBelowMinimum(assets, minAssets);
        _leave(receiver, owner, assets, shares, navLow);
    }

    // --- governor and guardian --------------------------------------------------------------------------------------

    /// @inheritdoc IHedgeVault
    function setDepositCap(uint256 cap) external onlyGovernor {
        _setDepositCap(cap);
    }

    /// @inheritdoc IHedgeVault
    function lowerDepositCap(uint256 cap) external onlyGuardian {
        if (cap > depositCap) revert LimitLooser(cap, depositCap);
        _setDepositCap(cap);
    }

    /// @inheritdoc IHedgeVault
    function setShareFees(IShareFees fees) external onlyGovernor {
        if (address(shareFees) != address(0) || totalSupply() != 0) revert ShareFeesFixed();
        shareFees = IShareFees(_requireContract(address(fees)));
        emit ShareFeesSet(address(fees));
    }

    /// @inheritdoc IHedgeVault
    function accrueFees() external nonReentrant {
        _navAndFees();
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
        (uint256 navLow, uint256 navHigh) = _nav();
        return _toShares(assets, navHigh, _supplyAt(navLow), Math.Rounding.Floor);
    }

    /// @inheritdoc IERC4626
    function previewMint(uint256 shares) public view override(ERC4626, IERC4626) nonReentrantView returns (uint256) {
        (uint256 navLow, uint256 navHigh) = _nav();
        return _toAssets(shares, navHigh, _supplyAt(navLow), Math.Rounding.Ceil);
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
        return _toShares(assets, navLow, _supplyAt(navLow), Math.Rounding.Ceil);
    }

    /// @inheritdoc IERC4626
    function previewRedeem(uint256 shares) public view override(ERC4626, IERC4626) nonReentrantView returns (uint256) {
        (uint256 navLow,) = _nav();
        return _toAssets(shares, navLow, _supplyAt(navLow), Math.Rounding.Floor);
    }

    /// @inheritdoc IERC20Metadata
    function decimals() public view override(ERC20, ERC4626, IERC20Metadata) returns (uint8) {
        return super.decimals();
    }

    /// @inheritdoc IHedgeVault
    function idleAssets() public view returns (uint256) {
        return IERC20Metadata(asset()).balanceOf(address(this));
    }

    /// @inheritdoc IHedgeVault
    function reservedAssets() external view nonReentrantView returns (uint256) {
        (uint256 navLow,) = _nav();
        return _reservedAssets(navLow);
    }

    /// @inheritdoc IHedgeVault
    function isEntered() external view returns (bool) {
        return _reentrancyGuardEntered();
    }

    /// @inheritdoc IHedgeVault
    function depositBlock() external view nonReentrantView returns (DepositBlock reason) {
        (,, reason) = _appraise();
    }

    // --- limits; ERC-4626 forbids these to revert ---------------------------------------------------------------------

    /// @inheritdoc IERC4626
    function maxDeposit(address receiver) public view override(ERC4626, IERC4626) returns (uint256 assets) {
        (assets,,) = _room(receiver);
    }

    /// @inheritdoc IERC4626
    function maxMint(address receiver) public view override(ERC4626, IERC4626) returns (uint256) {
        (uint256 assets, uint256 navLow, uint256 navHigh) = _room(receiver);
        return assets == 0 ? 0 : _toShares(assets, navHigh, _supplyAt(navLow), Math.Rounding.Floor);
    }

    /// @inheritdoc IERC4626
    /// @dev What the shares are worth, as far as idle reaches.
    function maxWithdraw(address owner) public view override(ERC4626, IERC4626) returns (uint256) {
        if (_reentrancyGuardEntered() || _isLocked(owner)) return 0;
        (uint256 navLow,) = _nav();
        uint256 supply = _supplyAt(navLow);
        return Math.min(_toAssets(balanceOf(owner), navLow, supply, Math.Rounding.Floor), _payable(owner, navLow));
    }

    /// @inheritdoc IERC4626
    /// @dev As many shares as idle can pay for: the most of which the price is not above it.
    function maxRedeem(address owner) public view override(ERC4626, IERC4626) returns (uint256) {
        if (_reentrancyGuardEntered() || _isLocked(owner)) return 0;
        (uint256 navLow,) = _nav();
        uint256 limit = _payable(owner, navLow);
        uint256 shares = balanceOf(owner);
        uint256 supply = _supplyAt(navLow);
        if (_toAssets(shares, navLow, supply, Math.Rounding.Floor) > limit) {
            shares = _toShares(limit.saturatingAdd(1), navLow, supply, Math.Rounding.Ceil) - 1;
        }
        return _toAssets(shares, navLow, supply, Math.Rounding.Floor) == 0 ? 0 : shares; // nobody gives shares for nothing
    }

    // --- internal -------------------------------------------------------------------------------------------------

    /// @dev Sum of the venues' lowest and of their highest equity, each floored at 0, WAD USD; and whether deposits may come.
    function _appraise() internal view virtual returns (uint256 low, uint256 high, DepositBlock reason);

    /// @dev Lower and higher NAV, asset units. One USD of venue equity is one whole unit of the asset.
    function _nav() internal view returns (uint256 low, uint256 high) {
        (low, high,) = _appraised();
    }

    /// @dev The same, for what changes shares: fees have accrued after it.
    function _navAndFees() internal returns (uint256 low, uint256 high) {
        (low, high) = _nav();
        _accrueFees(low, high);
    }

    /// @dev Supply with the fees that have not accrued yet.
    function _supplyAt(uint256 navLow) internal view returns (uint256 supply) {
        supply = totalSupply();
        if (address(shareFees) != address(0)) supply += shareFees.due(navLow);
    }

    /// @dev Idle that is owed to the redemption queue, asset units.
    function _reservedAssets(uint256 navLow) internal view returns (uint256) {
        if (redemptionQueue == address(0)) return 0;
        uint256 waiting = balanceOf(redemptionQueue);
        if (waiting == 0) return 0; // most of the time, and what the shares are worth is dear to tell
        return _toAssets(waiting, navLow, _supplyAt(navLow), Math.Rounding.Floor);
    }

    /// @dev Part of the deposits that bounds relative to NAV do not count yet, asset units, rounded up.
    function _youngAssets() internal view returns (uint256) {
        uint256 age = block.timestamp - _young.since;
        if (age >= RIPENING) return 0;
        return uint256(_young.assets).mulDiv(RIPENING - age, RIPENING, Math.Rounding.Ceil);
    }

    /// @dev Burns shares and pays, after `_nav` and whatever else the exit takes. Nobody gives shares for nothing, but for
    ///      a rounding of one unit where every part of NAV is told.
    function _pay(address receiver, address owner, uint256 assets, uint256 shares) internal {
        if (assets == 0 && shares != 0) {
            (, uint256 navHigh, DepositBlock reason) = _appraised();
            bool isTold = reason != DepositBlock.VenueSilent && reason != DepositBlock.VenueUnderWater;
            if (!isTold || _toAssets(shares, navHigh, totalSupply(), Math.Rounding.Floor) > 1) {
                revert ExitTooSmall(shares);
            }
        }
        _withdraw(_msgSender(), receiver, owner, assets, shares);
    }

    function _toAssets(uint256 shares, uint256 nav, uint256 supply, Math.Rounding rounding)
        internal
        pure
        returns (uint256)
    {
        return _mulDivSaturating(shares, nav.saturatingAdd(1), supply.saturatingAdd(VIRTUAL_SHARES), rounding);
    }

    /// @dev Measures what arrives: a token that keeps a part of a transfer is no collateral.
    function _transferIn(address from, uint256 assets) internal override {
        uint256 balanceBefore = idleAssets();
        super._transferIn(from, assets);
        uint256 received = idleAssets() - balanceBefore;
        if (received != assets) revert FeeOnTransferAsset(received, assets);
        netFlows += assets.toInt256();
    }

    function _transferOut(address to, uint256 assets) internal override {
        netFlows -= assets.toInt256();
        _takeYoung(assets);
        super._transferOut(to, assets);
    }

    /// @dev As `MemberShares` has it.
    function _update(address from, address to, uint256 shares) internal override(ERC20, MemberShares) {
        super._update(from, to, shares);
    }

    function _decimalsOffset() internal pure override returns (uint8) {
        return DECIMALS_OFFSET;
    }

    // --- private --------------------------------------------------------------------------------------------------

    /// @dev What `receiver` may still deposit, asset units, and the NAV it is told from.
    function _room(address receiver) private view returns (uint256 assets, uint256 navLow, uint256 navHigh) {
        if (_reentrancyGuardEntered() || !gate.isMember(receiver)) return (0, 0, 0);
        DepositBlock reason;
        (navLow, navHigh, reason) = _appraised();
        if (reason == DepositBlock.None) assets = depositCap.saturatingSub(navHigh);
    }

    function _requireOpen() private returns (uint256 low, uint256 high) {
        DepositBlock reason;
        (low, high, reason) = _appraised();
        if (reason != DepositBlock.None) revert DepositsClosed(reason);
        _accrueFees(low, high);
    }

    function _accrueFees(uint256 navLow, uint256 navHigh) private {
        if (address(shareFees) == address(0)) return;
        (address recipient, uint256 shares) = shareFees.accrue(navLow, navHigh);
        if (shares != 0) _mintUngated(recipient, shares);
    }

    function _enter(address receiver, uint256 assets, uint256 shares, uint256 navHigh) private {
        uint256 nav = navHigh.saturatingAdd(assets);
        if (nav > depositCap) revert DepositCapExceeded(nav, depositCap);
        _admit(receiver);
        // The first deposit borrows nobody's NAV.
        if (totalSupply() != 0) _young = YoungDeposits((_youngAssets() + assets).toUint192(), uint64(block.timestamp));
        _deposit(_msgSender(), receiver, assets, shares);
    }

    function _leave(address receiver, address owner, uint256 assets, uint256 shares, uint256 navLow) private {
        uint256 limit = _payable(owner, navLow);
        if (assets > limit) revert IdleExceeded(assets, limit);
        _pay(receiver, owner, assets, shares);
    }

    /// @dev Idle that an exit of `owner` may take, asset units.
    function _payable(address owner, uint256 navLow) internal view returns (uint256) {
        uint256 idle = idleAssets();
        return owner == redemptionQueue ? idle : idle.saturatingSub(_reservedAssets(navLow));
    }

    /// @dev An exit takes the youngest deposits first: who comes and goes leaves nothing behind that the bounds do not count.
    ///      What is left ripens by the time it would have.
    function _takeYoung(uint256 assets) private {
        uint256 young = _youngAssets();
        if (young == 0) return;
        uint256 remaining = RIPENING - (block.timestamp - _young.since);
        _young.assets = young.saturatingSub(assets).mulDiv(RIPENING, remaining, Math.Rounding.Ceil).toUint192();
    }

    function _appraised() private view returns (uint256 low, uint256 high, DepositBlock reason) {
        (low, high, reason) = _appraise();
        uint256 idle = idleAssets();
        low = idle.saturatingAdd(DecimalScale.scaleDown(low, DecimalScale.WAD_DECIMALS, _assetDecimals));
        high = idle.saturatingAdd(DecimalScale.scaleUp(high, DecimalScale.WAD_DECIMALS, _assetDecimals));
    }

    function _setDepositCap(uint256 cap) private {
        emit DepositCapSet(depositCap, cap);
        depositCap = cap;
    }

    function _toShares(uint256 assets, uint256 nav, uint256 supply, Math.Rounding rounding)
        private
        pure
        returns (uint256)
    {
        return _mulDivSaturating(assets, supply.saturatingAdd(VIRTUAL_SHARES), nav.saturatingAdd(1), rounding);
    }

    /// @dev The largest uint256 where the quotient has no room: the maxima and previews of ERC-4626 must not revert.
    function _mulDivSaturating(uint256 x, uint256 y, uint256 denominator, Math.Rounding rounding)
        private
        pure
        returns (uint256)
    {
        (uint256 high,) = Math.mul512(x, y);
        if (high >= denominator) return type(uint256).max;
        return x.mulDiv(y, denominator, rounding);
    }
}
