// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Governed} from "../governance/Governed.sol";
import {IHedgeVault} from "../interfaces/IHedgeVault.sol";
import {IShareFees} from "../interfaces/IShareFees.sol";
import {IVaultAccess} from "../interfaces/IVaultAccess.sol";

/// @title Fees paid in shares
/// @notice Purpose. An optional management fee (a part of NAV a year) and performance fee (a part of what the lower share price
///         gains over its highest), both off until the governor sets them. They are paid in new shares, so no asset moves, and
///         accrue before each entry and exit, or by anyone's hand; previews count what has not accrued yet, to the unit.
///
///         Trust. The governor sets and raises fees inside the hard limits, after its delay; the guardian lowers them at once.
///         The vault is told of this contract before its first deposit or never. The recipient gets shares whether or not it is
///         a member; it may redeem them.
///
///         Rounding. Fee shares round down, the high-water mark up.
///
///         What is no performance. The mark starts at the price by the higher NAV and is never set back, not by turning the fee
///         off and on again. An entry pays the higher NAV, which lifts the lower price of all: the mark rises by as much. After
///         an accrual the mark is no lower than the price, so nothing is charged twice. An empty vault owes nothing and starts
///         anew at the price of its next deposit.
///
///         Known limits. The mark is one for all: who enters below it pays no performance fee up to it. Where the NAV interval
///         becomes narrower than it ever was the lower price gains, and what it gains is charged. A gift is a gain, and so
///         is what a leaver, paid by the lower NAV, leaves to the others.
contract ShareFees is IShareFees, Governed {
    using Math for uint256;

    /// @param managementBps Part of NAV a year, 1e-4.
    /// @param performanceBps Part of the gain over the high-water mark, 1e-4.
    /// @param accruedAt Unix seconds.
    /// @param recipient Whoever gets the shares; 0 while there are no fees.
    struct Terms {
        uint16 managementBps;
        uint16 performanceBps;
        uint48 accruedAt;
        address recipient;
    }

    /// @notice Highest management fee, 1e-4 of NAV a year.
    uint256 public constant MAX_MANAGEMENT_BPS = 200;

    /// @notice Highest performance fee, 1e-4 of the gain.
    uint256 public constant MAX_PERFORMANCE_BPS = 2000;

    /// @dev Longest time that one accrual charges: keeps the part taken far from the whole.
    uint256 private constant MAX_ACCRUAL = 10 * 365 days;

    uint256 private constant BPS = 10_000;

    uint256 private constant FEE_BASE = BPS * 365 days;

    /// @dev Shares that the vault counts beside its supply: 6 decimals more than the asset.
    uint256 private constant VIRTUAL_SHARES = 1e6;

    uint256 private constant WAD = 1e18;

    /// @notice Vault whose shares are paid.
    IHedgeVault public immutable vault;

    /// @notice Fees in force.
    Terms public terms;

    uint256 private _mark;

    /// @dev What the vault was at the last accrual; the one entry or exit since then shows in its supply and flows now.
    uint256 private _lastNavLow;
    uint256 private _lastSupply;
    int256 private _lastNetFlows;

    event TermsSet(Terms oldTerms, Terms newTerms);
    event FeesAccrued(address indexed recipient, uint256 shares, uint256 highWaterMark);

    error OnlyVault(address caller, address vault);
    error FeeTooHigh(uint256 actual, uint256 limit);
    error FeeRecipientIsZero();
    error NavNotTold(IHedgeVault.DepositBlock reason);

    constructor(IVaultAccess access_, IHedgeVault vault_) Governed(access_) {
        vault = IHedgeVault(_requireContract(address(vault_)));
    }

    // --- the vault ------------------------------------------------------------------------------------------------

    /// @inheritdoc IShareFees
    function due(uint256 navLow) external view returns (uint256 shares) {
        return _due(navLow, vault.totalSupply(), highWaterMark());
    }

    /// @inheritdoc IShareFees
    function accrue(uint256 navLow, uint256 navHigh) external returns (address recipient, uint256 shares) {
        if (msg.sender != address(vault)) revert OnlyVault(msg.sender, address(vault));
        recipient = terms.recipient;
        if (recipient == address(0)) return (recipient, 0);
        uint256 supply = vault.totalSupply();
        uint256 mark = highWaterMark();
        shares = _due(navLow, supply, mark);
        supply += shares;
        mark = supply == 0 ? _sharePrice(navHigh, 0) : Math.max(mark, _sharePrice(navLow, supply));
        terms.accruedAt = uint48(block.timestamp);
        _remember(navLow, supply, mark);
        if (shares != 0) emit FeesAccrued(recipient, shares, mark);
    }

    // --- governor and guardian --------------------------------------------------------------------------------------

    /// @notice Sets the fees. Governor only; what was earned until now is paid by the old terms first.
    /// @dev Reverts `NavNotTold` where a performance fee would begin while a venue is silent or under water.
    function setFees(uint256 managementBps, uint256 performanceBps, address recipient) external onlyGovernor {
        if (recipient == address(0)) revert FeeRecipientIsZero();
        _setFees(managementBps, performanceBps, recipient, MAX_MANAGEMENT_BPS, MAX_PERFORMANCE_BPS);
    }

    /// @notice Lowers the fees. Guardian or governor; what was earned until now is paid by the old terms first.
    function lowerFees(uint256 managementBps, uint256 performanceBps) external onlyGuardian {
        Terms memory old = terms;
        _setFees(managementBps, performanceBps, old.recipient, old.managementBps, old.performanceBps);
    }

    // --- views ----------------------------------------------------------------------------------------------------

    /// @notice Lower share price up to which the performance fee is paid, WAD; 1e18 is the price of a first deposit.
    function highWaterMark() public view returns (uint256) {
        uint256 supply = vault.totalSupply();
        uint256 lastSupply = _lastSupply;
        if (lastSupply == 0 || supply <= lastSupply) return _mark;
        int256 entered = vault.netFlows() - _lastNetFlows;
        uint256 navLow = _lastNavLow.saturatingAdd(entered > 0 ? uint256(entered) : 0);
        return _mark + _sharePrice(navLow, supply).saturatingSub(_sharePrice(_lastNavLow, lastSupply));
    }

    // --- private --------------------------------------------------------------------------------------------------

    function _setFees(
        uint256 managementBps,
        uint256 performanceBps,
        address recipient,
        uint256 maxManagementBps,
        uint256 maxPerformanceBps
    ) private {
        if (managementBps > maxManagementBps) {
            revert FeeTooHigh(managementBps, maxManagementBps);
        }
        if (performanceBps > maxPerformanceBps) revert FeeTooHigh(performanceBps, maxPerformanceBps);
        vault.accrueFees();
        Terms memory old = terms;
        (uint256 navLow, uint256 navHigh) = vault.navBounds();
        uint256 supply = vault.totalSupply();
        uint256 mark = _mark;
        if (old.performanceBps == 0) {
            if (performanceBps != 0) _requireToldNav();
            mark = Math.max(mark, _sharePrice(navHigh, supply));
        }
        _remember(navLow, supply, mark);
        terms = Terms(uint16(managementBps), uint16(performanceBps), uint48(block.timestamp), recipient);
        emit TermsSet(old, terms);
    }

    /// @dev The mark must not start without a venue, or that it answers again would be charged as a gain.
    function _requireToldNav() private view {
        IHedgeVault.DepositBlock reason = vault.depositBlock();
        bool isTold =
            reason != IHedgeVault.DepositBlock.VenueSilent && reason != IHedgeVault.DepositBlock.VenueUnderWater;
        if (!isTold) revert NavNotTold(reason);
    }

    function _remember(uint256 navLow, uint256 supply, uint256 mark) private {
        _mark = mark;
        _lastNavLow = navLow;
        _lastSupply = supply;
        _lastNetFlows = vault.netFlows();
    }

    /// @dev Fee f of NAV is paid by supply x f / (1 - f) new shares, so that they are worth f of what all are worth.
    function _due(uint256 navLow, uint256 supply, uint256 mark) private view returns (uint256) {
        Terms memory t = terms;
        if (t.recipient == address(0) || supply == 0) return 0;
        uint256 part = t.managementBps * Math.min(block.timestamp - t.accruedAt, MAX_ACCRUAL);
        uint256 shares = supply.mulDiv(part, FEE_BASE - part);
        uint256 price = _sharePrice(navLow, supply + shares);
        uint256 fee = price.saturatingSub(mark).mulDiv(t.performanceBps, BPS);
        return shares + (supply + shares).mulDiv(fee, price - fee + 1);
    }

    /// @dev Asset units a share, WAD of the price at which an empty vault mints; rounded up.
    function _sharePrice(uint256 nav, uint256 supply) private pure returns (uint256) {
        nav = Math.min(nav, type(uint128).max) + 1; // beyond any real one: views must not overflow
        return nav.mulDiv(WAD * VIRTUAL_SHARES, supply + VIRTUAL_SHARES, Math.Rounding.Ceil);
    }
}
