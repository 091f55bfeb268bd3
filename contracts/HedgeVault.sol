// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20, SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {Governed} from "./governance/Governed.sol";
import {IDeltaBook} from "./interfaces/IDeltaBook.sol";
import {IHedgeVault} from "./interfaces/IHedgeVault.sol";
import {IPerpVenue} from "./interfaces/IPerpVenue.sol";
import {IPriceOracle} from "./interfaces/IPriceOracle.sol";
import {IRebalanceGuard} from "./interfaces/IRebalanceGuard.sol";
import {IVaultAdmin} from "./interfaces/IVaultAdmin.sol";
import {DecimalScale} from "./libraries/DecimalScale.sol";
import {GuardRules} from "./libraries/GuardRules.sol";
import {Fill, Leg, Measurement, VenueMeasurement} from "./types/Rebalance.sol";
import {TwoSidedVault} from "./vault/TwoSidedVault.sol";

/// @title Hedge vault
/// @notice Purpose. Holds what depositors put up, lets a keeper move it between idle and the perps venues, and lets nobody
///         take it out except against shares. The book whose delta is hedged stays with its owner; the vault holds the
///         hedge. Shares and NAV are `TwoSidedVault`'s matter, venues and rebalances this file's.
///
///         Trust. The keeper is trusted with timeliness alone: `rebalance` measures, executes, measures again, and
///         `RebalanceGuard` judges what was measured. The governor chooses venues, oracle bounds and book, and is trusted to
///         choose adapters that report truly; no role can send collateral anywhere but to a registered venue. The guardian
///         can stop deposits and rebalances, never exits. Oracle, book, guard and admin are fixed at deployment.
///
///         Obligations of a venue adapter. It names this vault and its asset; only the vault changes its state; `equity`
///         contains funding, owed PnL and fees; `execute` reports the average price and the fee as measured; margin moves are
///         exact to the asset unit, which the vault checks on its own balance.
///
///         Rounding. Measurements round against the hedge: lower NAV down, higher NAV and notional up. Shares round against
///         whoever acts (`TwoSidedVault`). The limit price is the tighter of the keeper's and the guard's, so it never rounds
///         looser than the guard.
///
///         Liveness. Exits need neither keeper, oracle nor guard, and stay open while paused; they are paid from idle at the
///         lower NAV. When a venue stops answering, NAV cannot be told and `redeemFromIdle` remains: it asks nobody. An
///         intent id is accepted once for ever, so a keeper that crashed may send again without hedging twice.
///
///         Known limits. One whole unit of the asset is taken to be worth 1 USD; the guardian pauses deposits on a depeg.
///         A keeper can hold back exits beyond idle by moving idle into venues, at no gain; the governor replaces it. Orders
///         must fill in the transaction: a venue that answers Pending is refused. Equity sent to a venue account by a stranger
///         raises NAV at once, as any profit does. Removing a venue may abandon up to `REMOVABLE_EQUITY`, lest a stranger's
///         dust keep it registered.
contract HedgeVault is TwoSidedVault {
    using SafeERC20 for IERC20;

    /// @notice Most venues: keeps a measurement inside one block's gas.
    uint256 public constant MAX_VENUES = 8;

    /// @notice Most equity a venue may hold when it is removed.
    int256 public constant REMOVABLE_EQUITY = 1e18; // 1 USD

    /// @notice Price the measurements are taken at.
    IPriceOracle public immutable oracle;

    /// @notice Verified delta of the book.
    IDeltaBook public immutable deltaBook;

    /// @notice Judge of every rebalance.
    IRebalanceGuard public immutable guard;

    /// @inheritdoc IHedgeVault
    mapping(bytes32 intentId => bool isUsed) public intentUsed;

    IPerpVenue[] private _venues;

    constructor(
        IERC20Metadata asset_,
        string memory name_,
        string memory symbol_,
        IVaultAdmin admin_,
        IPriceOracle oracle_,
        IDeltaBook deltaBook_,
        IRebalanceGuard guard_
    ) TwoSidedVault(asset_, name_, symbol_) Governed(admin_) {
        oracle = IPriceOracle(_requireContract(address(oracle_)));
        deltaBook = IDeltaBook(_requireContract(address(deltaBook_)));
        guard = IRebalanceGuard(_requireContract(address(guard_)));
    }

    // --- keeper ---------------------------------------------------------------------------------------------------

    /// @inheritdoc IHedgeVault
    function rebalance(bytes32 intentId, Leg[] calldata legs, uint256 deadline)
        external
        onlyKeeper
        whenNotPaused
        nonReentrant
    {
        if (block.timestamp > deadline) revert DeadlinePassed(block.timestamp, deadline);
        if (legs.length == 0) revert NoLegs();
        if (intentUsed[intentId]) revert IntentAlreadyUsed(intentId);
        intentUsed[intentId] = true;

        IPerpVenue[] memory venueList = _venues;
        Measurement memory beforeTrade = _measure(venueList);
        Fill[] memory fills = _executeLegs(intentId, legs, venueList, beforeTrade.price);
        Measurement memory afterTrade = _measure(venueList);
        guard.check(beforeTrade, fills, afterTrade);

        emit Rebalanced(
            intentId,
            msg.sender,
            beforeTrade.price,
            GuardRules.worstNetDelta(beforeTrade),
            GuardRules.worstNetDelta(afterTrade),
            beforeTrade.navLow,
            afterTrade.navLow
        );
    }

    // --- governor -------------------------------------------------------------------------------------------------

    /// @inheritdoc IHedgeVault
    function addVenue(IPerpVenue venue) external onlyGovernor nonReentrant {
        if (venue.vault() != address(this)) revert VenueVaultMismatch(venue.vault(), address(this));
        if (venue.collateral() != asset()) revert VenueCollateralMismatch(venue.collateral(), asset());
        uint256 count = _venues.length;
        if (_find(_venues, address(venue)) != count) revert VenueAlreadyRegistered(address(venue));
        if (count == MAX_VENUES) revert TooManyVenues(count + 1, MAX_VENUES);
        _requireFlat(venue);
        _venues.push(venue);
        emit VenueAdded(address(venue));
    }

    /// @inheritdoc IHedgeVault
    /// @dev Keeps the order of the others. Equity of at most `REMOVABLE_EQUITY` counts as none.
    function removeVenue(IPerpVenue venue) external onlyGovernor nonReentrant {
        uint256 index = _find(_venues, address(venue));
        uint256 count = _venues.length;
        if (index == count) revert VenueNotRegistered(address(venue));
        int256 equityHigh = _requireFlat(venue);
        if (equityHigh > REMOVABLE_EQUITY) revert VenueNotEmpty(address(venue), 0, equityHigh);
        for (uint256 i = index + 1; i < count; ++i) {
            _venues[i - 1] = _venues[i];
        }
        _venues.pop();
        emit VenueRemoved(address(venue));
    }

    // --- views ----------------------------------------------------------------------------------------------------

    /// @inheritdoc IHedgeVault
    function measure() external view nonReentrantView returns (Measurement memory) {
        return _measure(_venues);
    }

    /// @inheritdoc IHedgeVault
    function venues() external view returns (IPerpVenue[] memory) {
        return _venues;
    }

    // --- legs -----------------------------------------------------------------------------------------------------

    /// @dev Runs the legs in order and returns one fill per leg that trades.
    function _executeLegs(bytes32 intentId, Leg[] calldata legs, IPerpVenue[] memory venueList, uint256 price)
        private
        returns (Fill[] memory fills)
    {
        uint256 tradeCount = 0;
        for (uint256 i = 0; i < legs.length; ++i) {
            if (legs[i].sizeDelta != 0) ++tradeCount;
        }
        fills = new Fill[](tradeCount);
        uint256 fillIndex = 0;
        for (uint256 i = 0; i < legs.length; ++i) {
            Fill memory fill = _executeLeg(legs[i], venueList, price);
            if (legs[i].sizeDelta != 0) fills[fillIndex++] = fill;
            _emitLegExecuted(intentId, legs[i], fill);
        }
    }

    /// @dev Margin comes before the trade it backs and leaves after the trade that frees it.
    function _executeLeg(Leg calldata leg, IPerpVenue[] memory venueList, uint256 price)
        private
        returns (Fill memory fill)
    {
        uint256 index = _find(venueList, leg.venue);
        if (index == venueList.length) revert VenueNotRegistered(leg.venue);
        IPerpVenue venue = venueList[index];
        if (leg.marginDelta > 0) _depositMargin(venue, SignedMath.abs(leg.marginDelta));
        if (leg.sizeDelta != 0) {
            IPerpVenue.Execution memory execution = venue.execute(leg.sizeDelta, _tighterLimit(leg, price));
            if (execution.status != IPerpVenue.OrderStatus.Filled) {
                revert OrderNotFilled(leg.venue, execution.status);
            }
            fill = Fill(index, execution.sizeDelta, execution.executionPrice, execution.fee);
        }
        if (leg.marginDelta < 0) _withdrawMargin(venue, SignedMath.abs(leg.marginDelta));
    }

    /// @dev The keeper may be stricter than the guard, never laxer; 0 asks for the guard's own bound.
    function _tighterLimit(Leg calldata leg, uint256 price) private view returns (uint256) {
        uint256 guardLimit = guard.limitPrice(price, leg.sizeDelta);
        if (leg.limitPrice == 0) return guardLimit;
        return leg.sizeDelta > 0 ? Math.min(leg.limitPrice, guardLimit) : Math.max(leg.limitPrice, guardLimit);
    }

    function _depositMargin(IPerpVenue venue, uint256 assets) private {
        _debitIdle(assets);
        uint256 balanceBefore = _assetBalance();
        IERC20(asset()).forceApprove(address(venue), assets);
        venue.depositMargin(assets);
        uint256 moved = balanceBefore - _assetBalance();
        if (moved != assets) revert MarginNotMoved(address(venue), moved, assets);
    }

    function _withdrawMargin(IPerpVenue venue, uint256 assets) private {
        uint256 balanceBefore = _assetBalance();
        venue.withdrawMargin(assets);
        uint256 moved = _assetBalance() - balanceBefore;
        if (moved != assets) revert MarginNotMoved(address(venue), moved, assets);
        idleAssets += assets;
    }

    function _emitLegExecuted(bytes32 intentId, Leg calldata leg, Fill memory fill) private {
        emit LegExecuted(
            intentId, leg.venue, leg.sizeDelta, fill.sizeDelta, fill.executionPrice, fill.fee, leg.marginDelta
        );
    }

    // --- measurement ----------------------------------------------------------------------------------------------

    function _measure(IPerpVenue[] memory venueList) private view returns (Measurement memory m) {
        (m.price,) = oracle.price();
        (m.bookDeltaLow, m.bookDeltaHigh) = deltaBook.deltaInterval(m.price);
        m.navLow = DecimalScale.scaleDown(idleAssets, _assetDecimals, DecimalScale.WAD_DECIMALS);
        m.navHigh = DecimalScale.scaleUp(idleAssets + _pendingDonation(), _assetDecimals, DecimalScale.WAD_DECIMALS);
        m.venues = new VenueMeasurement[](venueList.length);
        for (uint256 i = 0; i < venueList.length; ++i) {
            VenueMeasurement memory venue = _measureVenue(venueList[i], m.price);
            m.venues[i] = venue;
            m.navLow += GuardRules.floorAtZero(venue.equityLow);
            m.navHigh += GuardRules.floorAtZero(venue.equityHigh);
        }
    }

    /// @dev Pending orders count at their worst case on either side.
    function _measureVenue(IPerpVenue venue, uint256 price) private view returns (VenueMeasurement memory m) {
        IPerpVenue.Account memory account = venue.account();
        m.sizeLow = account.size + account.pendingNegative;
        m.sizeHigh = account.size + account.pendingPositive;
        m.notional = GuardRules.notionalUp(Math.max(SignedMath.abs(m.sizeLow), SignedMath.abs(m.sizeHigh)), price);
        (m.equityLow, m.equityHigh) = _equityRange(account);
    }

    /// @dev Equity at mark and at index, whichever is lower and higher; rounded outward.
    function _equityRange(IPerpVenue.Account memory account) private pure returns (int256 low, int256 high) {
        int256 revaluation = account.size * (int256(account.indexPrice) - int256(account.markPrice));
        int256 change = revaluation / int256(GuardRules.WAD);
        int256 cut = revaluation % int256(GuardRules.WAD); // division rounds toward zero
        low = account.equity + SignedMath.min(0, cut < 0 ? change - 1 : change);
        high = account.equity + SignedMath.max(0, cut > 0 ? change + 1 : change);
    }

    /// @dev No position and no pending order: the hedge never changes by a list.
    function _requireFlat(IPerpVenue venue) private view returns (int256 equityHigh) {
        VenueMeasurement memory m = _measureVenue(venue, 0);
        int256 worstSize = m.sizeHigh == 0 ? m.sizeLow : m.sizeHigh;
        if (worstSize != 0) revert VenueNotEmpty(address(venue), worstSize, m.equityHigh);
        return m.equityHigh;
    }

    function _venueEquity() internal view override returns (uint256 low, uint256 high) {
        uint256 count = _venues.length;
        for (uint256 i = 0; i < count; ++i) {
            (int256 equityLow, int256 equityHigh) = _venues[i].equity();
            low += GuardRules.floorAtZero(equityLow);
            high += GuardRules.floorAtZero(equityHigh);
        }
    }

    /// @dev Index of `venue`, or the number of venues when it is not registered.
    function _find(IPerpVenue[] memory venueList, address venue) private pure returns (uint256 index) {
        while (index < venueList.length && address(venueList[index]) != venue) ++index;
    }
}
