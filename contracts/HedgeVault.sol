// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20, SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {Governed} from "./governance/Governed.sol";
import {IDeltaBook} from "./interfaces/IDeltaBook.sol";
import {IHedgeVault} from "./interfaces/IHedgeVault.sol";
import {IMemberGate} from "./interfaces/IMemberGate.sol";
import {IPerpVenue} from "./interfaces/IPerpVenue.sol";
import {IPriceOracle} from "./interfaces/IPriceOracle.sol";
import {IRebalanceGuard} from "./interfaces/IRebalanceGuard.sol";
import {IVaultAccess} from "./interfaces/IVaultAccess.sol";
import {IVenueRegistry} from "./interfaces/IVenueRegistry.sol";
import {PriceFaults} from "./types/Prices.sol";
import {Fill, Intent, Leg, Measurement} from "./types/Rebalance.sol";
import {VenueDesk} from "./vault/VenueDesk.sol";
import {TwoSidedVault} from "./vault/TwoSidedVault.sol";

/// @title Hedge vault
/// @notice Purpose. Holds what members put up, lets a keeper move it between idle and the perps venues, and lets nobody
///         take it out except against shares. The book whose delta is hedged stays with its owner; the vault holds the
///         hedge. Shares and NAV are `TwoSidedVault`'s matter, modes `VaultModes`', margin and measurements
///         `VenueDesk`'s, the list of venues `VenueRegistry`'s, rebalances this file's.
///
///         Trust. The keeper is trusted with timeliness alone: `rebalance` measures, executes, measures again, and
///         `RebalanceGuard` judges what was measured. The governor chooses venues, oracle bounds and book, after a delay, and
///         is trusted to choose adapters that report truly; no role can send collateral anywhere but to a registered venue.
///         The guardian can stop deposits and trades for a time, never exits. Oracle, book, guard, gate and registry are fixed
///         at deployment.
///
///         Obligations of a venue adapter. It names this vault and its asset; only the vault changes its state; `account`
///         contains funding, owed PnL and fees, and what is on its way; `execute` reports the average price and the fee as
///         measured, or an order that its account shows as pending from then on; margin moves are exact to the asset unit,
///         which the vault checks on its own balance.
///
///         Rounding. Measurements round against the hedge. Shares round against whoever acts (`TwoSidedVault`). The limit
///         price is the tighter of the keeper's and the guard's, so it never rounds looser than the guard.
///
///         Liveness. Exits need neither keeper, oracle nor guard's budgets, and stay open in every mode. A venue that does
///         not answer counts 0 and closes deposits; the rest works on. Without a healthy price margin can still go into a
///         venue and come home from one without a position, and leavers can still close their part. A keeper's intent is
///         accepted only when it was decided since its last one was, so a keeper that crashed, or runs twice, may send again
///         without hedging twice.
///
///         Known limits. One whole unit of the asset is taken to be worth 1 USD; deposits close where its price says
///         otherwise. The book is measured once a rebalance, before it. A leaver cannot close his part where the venue fills
///         later: without a keeper he waits in the queue for the next one, or for the governor's wind-down.
contract HedgeVault is VenueDesk {
    using Math for uint256;
    using SafeERC20 for IERC20;

    /// @notice Verified delta of the book.
    IDeltaBook public immutable deltaBook;

    struct AcceptedIntent {
        bytes24 idPrefix;
        uint64 blockNumber;
    }

    /// @inheritdoc IHedgeVault
    mapping(address keeper => AcceptedIntent accepted) public lastIntent;

    constructor(
        IERC20Metadata asset_,
        string memory name_,
        string memory symbol_,
        IVaultAccess access_,
        IPriceOracle oracle_,
        IDeltaBook deltaBook_,
        IRebalanceGuard guard_,
        IMemberGate gate_,
        IVenueRegistry registry_
    ) TwoSidedVault(asset_, name_, symbol_, gate_) VenueDesk(oracle_, guard_, registry_) Governed(access_) {
        deltaBook = IDeltaBook(_requireContract(address(deltaBook_)));
    }

    // --- keeper ---------------------------------------------------------------------------------------------------

    /// @inheritdoc IHedgeVault
    function rebalance(Intent calldata intent, Leg[] calldata legs)
        external
        onlyKeeper
        nonReentrant
        returns (uint256 worstNetDeltaBefore, uint256 worstNetDeltaAfter)
    {
        return _rebalance(msg.sender, intent, legs);
    }

    /// @inheritdoc IHedgeVault
    function rebalanceFor(address keeper, Intent calldata intent, Leg[] calldata legs)
        external
        onlyRelay
        nonReentrant
        returns (uint256 worstNetDeltaBefore, uint256 worstNetDeltaAfter)
    {
        access.requireKeeper(keeper);
        return _rebalance(keeper, intent, legs);
    }

    // --- anyone ---------------------------------------------------------------------------------------------------

    /// @inheritdoc IHedgeVault
    function redeemWithUnwind(uint256 shares, uint256 minAssets, address receiver, address owner, Leg[] calldata legs)
        external
        nonReentrant
        returns (uint256 assets)
    {
        assets = _unwindFor(owner, shares, legs);
        if (assets < minAssets) revert AssetsBelowMinimum(assets, minAssets);
        _pay(receiver, owner, assets, shares);
    }

    // --- views ----------------------------------------------------------------------------------------------------

    /// @inheritdoc IHedgeVault
    function measure() external view nonReentrantView returns (Measurement memory m) {
        m = _measure(_readPrice(), 0);
        _addBook(m);
    }

    // --- private --------------------------------------------------------------------------------------------------

    function _rebalance(address keeper, Intent calldata intent, Leg[] calldata legs)
        private
        returns (uint256 worstBefore, uint256 worstAfter)
    {
        _consume(keeper, intent);
        if (legs.length == 0) revert NoLegs();
        IPriceOracle.Reading memory reading = _readPrice();
        uint256[] memory indexes = _indexesOf(legs);
        _bracket(legs, true);
        Measurement memory beforeTrade = _measure(reading, 0);
        uint256 tradeCount = _requireAllowed(legs, indexes, beforeTrade, reading.faults);
        // Winding down, every position closes whatever the book says: a source that fails cannot hold it back.
        if (tradeCount != 0 && beforeTrade.price != 0 && !isWindingDown) _addBook(beforeTrade);
        Fill[] memory fills = _executeLegs(intent.id, legs, indexes, beforeTrade, tradeCount);
        Measurement memory afterTrade = _measureAndKeep(reading, _silentMask(beforeTrade));
        _bracket(legs, false);
        afterTrade.bookDeltaLow = beforeTrade.bookDeltaLow;
        afterTrade.bookDeltaHigh = beforeTrade.bookDeltaHigh;
        (worstBefore, worstAfter) = guard.check(keeper, beforeTrade, fills, afterTrade);
        emit Rebalanced(intent.id, keeper, beforeTrade.price, worstBefore, worstAfter, beforeTrade.nav, afterTrade.nav);
    }

    /// @return assets What the shares are worth less what closing their part cost, as far as free idle and the margin brought
    ///         home reach.
    function _unwindFor(address owner, uint256 shares, Leg[] calldata legs) private returns (uint256 assets) {
        (uint256 navLow,) = _navAndFees();
        uint256 worth = _toAssets(shares, navLow, totalSupply(), Math.Rounding.Floor);
        uint256 limit = _payable(owner, navLow);
        uint256 idleBefore = idleAssets();
        // As if he had redeemed before what free idle pays: or a member who comes and goes could close the others' hedge.
        uint256 paid = worth > limit ? shares.mulDiv(limit, worth) : shares;
        assets = Math.saturatingSub(worth, _unwind(legs, shares - paid, totalSupply() - paid));
        uint256 broughtHome = idleAssets() - idleBefore;
        if (broughtHome > worth) revert MarginNotNeeded(broughtHome, worth);
        limit += broughtHome;
        if (assets > limit) revert IdleExceeded(assets, limit);
    }

    /// @return cost What closing the leaver's part took from NAV, asset units, rounded up.
    function _unwind(Leg[] calldata legs, uint256 shares, uint256 supply) private returns (uint256 cost) {
        IPriceOracle.Reading memory reading = _readPrice();
        uint256[] memory indexes = _indexesOf(legs);
        _bracket(legs, true);
        Measurement memory beforeTrade = _measure(reading, 0);
        guard.requirePart(beforeTrade, legs, indexes, shares, supply);
        for (uint256 i = 0; i < legs.length; ++i) {
            _executeLeg(0, legs[i], indexes[i], beforeTrade, false);
        }
        Measurement memory afterTrade = _measureAndKeep(reading, _silentMask(beforeTrade));
        _bracket(legs, false);
        guard.checkUnwind(beforeTrade, indexes, afterTrade);
        return _toAssetUnitsUp(Math.saturatingSub(beforeTrade.nav, afterTrade.nav));
    }

    /// @dev An intent is always decided on an earlier block than it is accepted in, so it is never accepted twice.
    function _consume(address keeper, Intent calldata intent) private {
        uint256 blockNumber = guard.requireFresh(intent, lastIntent[keeper].blockNumber);
        lastIntent[keeper] = AcceptedIntent(bytes24(intent.id), uint64(blockNumber));
    }

    /// @dev While trading is stopped or no price is healthy only margin moves, into a venue or home from a flat one. A wind-down
    ///      trades at the venue's own index, but waits for a sequencer, whose outage leaves the index as old as the oracle.
    function _requireAllowed(Leg[] calldata legs, uint256[] memory indexes, Measurement memory m, uint256 faults)
        private
        view
        returns (uint256 tradeCount)
    {
        bool isSequencerBack = faults & (PriceFaults.SEQUENCER_DOWN | PriceFaults.SEQUENCER_GRACE) == 0;
        bool mayTrade = !paused() && (m.price != 0 || (isWindingDown && isSequencerBack));
        for (uint256 i = 0; i < legs.length; ++i) {
            if (legs[i].sizeDelta != 0) {
                if (!mayTrade) revert TradeNotAllowed(i);
                ++tradeCount;
            }
            if (legs[i].marginDelta >= 0) continue;
            if (!mayTrade && _mayHoldPosition(m.venues[indexes[i]])) revert MarginNotAllowed(i);
            _requireLeverageTold(m, indexes[i]);
        }
    }

    /// @dev Tells the venues that trade that a measured trade begins or has ended. Registered ones alone get here.
    function _bracket(Leg[] calldata legs, bool isBeginning) private {
        for (uint256 i = 0; i < legs.length; ++i) {
            if (legs[i].sizeDelta != 0) IPerpVenue(legs[i].venue).bracketTrade(isBeginning);
        }
    }

    /// @dev Runs the legs in order and returns one fill per leg that trades.
    function _executeLegs(
        bytes32 intentId,
        Leg[] calldata legs,
        uint256[] memory indexes,
        Measurement memory beforeTrade,
        uint256 tradeCount
    ) private returns (Fill[] memory fills) {
        fills = new Fill[](tradeCount);
        uint256 fillIndex = 0;
        for (uint256 i = 0; i < legs.length; ++i) {
            Fill memory fill = _executeLeg(intentId, legs[i], indexes[i], beforeTrade, true);
            if (legs[i].sizeDelta != 0) fills[fillIndex++] = fill;
        }
    }

    /// @dev Margin comes before the trade it backs and leaves after the trade that frees it.
    /// @param mayWait The leg may leave an order that is yet to fill.
    function _executeLeg(
        bytes32 intentId,
        Leg calldata leg,
        uint256 index,
        Measurement memory beforeTrade,
        bool mayWait
    ) private returns (Fill memory fill) {
        IPerpVenue venue = IPerpVenue(leg.venue);
        uint256 limit;
        if (leg.marginDelta > 0) _depositMargin(venue, SignedMath.abs(leg.marginDelta));
        if (leg.sizeDelta != 0) {
            limit = _tighterLimit(leg, beforeTrade.venues[index].price);
            IPerpVenue.Execution memory execution = venue.execute(leg.sizeDelta, limit);
            fill = Fill(index, execution.sizeDelta, execution.executionPrice, execution.fee, false);
            if (mayWait && execution.status == IPerpVenue.OrderStatus.Pending) {
                fill.isPending = true;
            } else if (execution.status != IPerpVenue.OrderStatus.Filled) {
                revert OrderNotFilled(leg.venue, execution.status);
            }
        }
        if (leg.marginDelta < 0) _withdrawMargin(venue, SignedMath.abs(leg.marginDelta));
        uint256 feePaid = fill.isPending ? 0 : fill.fee;
        emit LegExecuted(
            intentId, leg.venue, leg.sizeDelta, fill.sizeDelta, fill.executionPrice, feePaid, leg.marginDelta
        );
        // The guard judges an order by what was asked for and the limit it may fill at.
        if (fill.isPending) (fill.sizeDelta, fill.executionPrice) = (leg.sizeDelta, limit);
    }

    /// @dev The keeper may be stricter than the guard, never laxer; 0 asks for the guard's own bound.
    function _tighterLimit(Leg calldata leg, uint256 price) private view returns (uint256) {
        uint256 guardLimit = guard.limitPrice(price, leg.sizeDelta);
        if (leg.limitPrice == 0) return guardLimit;
        return leg.sizeDelta > 0 ? Math.min(leg.limitPrice, guardLimit) : Math.max(leg.limitPrice, guardLimit);
    }

    /// @dev Reverts `VenueNotRegistered` for the first leg whose venue is not.
    function _indexesOf(Leg[] calldata legs) private view returns (uint256[] memory indexes) {
        indexes = new uint256[](legs.length);
        for (uint256 i = 0; i < legs.length; ++i) {
            indexes[i] = registry.indexOf(legs[i].venue);
        }
    }

    function _addBook(Measurement memory m) private view {
        (m.bookDeltaLow, m.bookDeltaHigh) = deltaBook.deltaInterval(m.price);
    }
}
