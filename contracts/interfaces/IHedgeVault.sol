// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {Intent, Leg, Measurement} from "../types/Rebalance.sol";
import {IPerpVenue} from "./IPerpVenue.sol";
import {IShareFees} from "./IShareFees.sol";
import {IVenueRegistry} from "./IVenueRegistry.sol";

/// @title Interface of the hedge vault
interface IHedgeVault is IERC4626 {
    /// @notice Why no deposit is taken now: the first that holds.
    enum DepositBlock {
        None,
        VenueSilent,
        VenueUnderWater, // a position without equity: what it is worth tomorrow cannot be sold today
        Mode, // paused, reduce-only or winding down
        Price // the oracle's price or the collateral's is not healthy
    }

    event DepositCapSet(uint256 oldCap, uint256 newCap);
    event ShareLockSet(uint256 oldSeconds, uint256 newSeconds);
    event RedemptionQueueSet(address indexed queue);
    event ShareFeesSet(address indexed fees);
    event MarginBroughtHome(address indexed venue, uint256 assets, address indexed caller);
    event TokenSwept(address indexed token, address indexed receiver, uint256 amount);
    /// @param intentId 0 where a leaver closed his part (`redeemWithUnwind`).
    /// @param requestedSizeDelta What the keeper asked for, WAD underlying.
    /// @param filledSizeDelta What the venue did; 0 for an order that waits, whose fills the venue's adapter tells.
    /// @param executionPrice Fee excluded, WAD USD; 0 when only margin moved, and for an order that waits.
    /// @param fee WAD USD; 0 for an order that waits.
    /// @param marginDelta Asset units moved into (+) or out of (-) the venue.
    event LegExecuted(
        bytes32 indexed intentId,
        address indexed venue,
        int256 requestedSizeDelta,
        int256 filledSizeDelta,
        uint256 executionPrice,
        uint256 fee,
        int256 marginDelta
    );
    /// @param price Oracle price, WAD USD; 0 while it was not healthy.
    /// @param worstNetDeltaBefore WAD underlying; of the hedge alone when only margin moved.
    /// @param worstNetDeltaAfter The same, once all that was asked for has filled.
    /// @param navBefore At the oracle price, WAD USD.
    /// @param navAfter At the same price.
    event Rebalanced(
        bytes32 indexed intentId,
        address indexed keeper,
        uint256 price,
        uint256 worstNetDeltaBefore,
        uint256 worstNetDeltaAfter,
        uint256 navBefore,
        uint256 navAfter
    );

    error NoLegs();
    error TradeNotAllowed(uint256 legIndex);
    error MarginNotAllowed(uint256 legIndex);
    error IdleExceeded(uint256 assets, uint256 idle);
    error FeeOnTransferAsset(uint256 received, uint256 expected);
    error MarginNotMoved(address venue, uint256 moved, uint256 expected);
    error MarginNotNeeded(uint256 assets, uint256 needed);
    error OrderNotFilled(address venue, IPerpVenue.OrderStatus status);
    error UnwindTooLarge(uint256 legIndex, int256 sizeDelta, uint256 limit);
    error DepositsClosed(DepositBlock reason);
    error DepositTooSmall(uint256 assets);
    error DepositCapExceeded(uint256 nav, uint256 cap);
    error ExitTooSmall(uint256 shares);
    error NotMember(address account);
    error ReceiverMustDeposit(address caller, address receiver);
    error SharesLocked(address account, uint256 unlockedAt);
    error ShareLockTooLong(uint256 lockSeconds, uint256 limit);
    error AssetsBelowMinimum(uint256 assets, uint256 minAssets);
    error AssetsAboveMaximum(uint256 assets, uint256 maxAssets);
    error SharesBelowMinimum(uint256 shares, uint256 minShares);
    error SharesAboveMaximum(uint256 shares, uint256 maxShares);
    error LimitLooser(uint256 actual, uint256 limit);
    error QueueAlreadySet(address queue);
    error ShareFeesFixed();
    error AssetNotSweepable(address token);

    // --- keeper ---------------------------------------------------------------------------------------------------

    /// @notice Moves the hedge. Keeper only.
    /// @dev Order: deadline, block hash, decided since the keeper's last rebalance, measure, legs, measure,
    ///      `RebalanceGuard.check`. Every judgement is on measured state. While paused, or without a healthy price, legs may
    ///      only move margin into a venue, or home from one without a position; a wind-down may also trade, against the
    ///      venue's own index. A leg may leave an order that fills later: it is judged and booked here, at its worst.
    /// @param intent Accepted once, since its block is not before the keeper's last rebalance.
    /// @param legs At least one.
    /// @return worstNetDeltaBefore W before, WAD underlying.
    /// @return worstNetDeltaAfter W after, once all that was asked for has filled.
    function rebalance(Intent calldata intent, Leg[] calldata legs)
        external
        returns (uint256 worstNetDeltaBefore, uint256 worstNetDeltaAfter);

    /// @notice The same on behalf of a keeper who signed it. Relays only; the keeper's own budget is charged.
    function rebalanceFor(address keeper, Intent calldata intent, Leg[] calldata legs)
        external
        returns (uint256 worstNetDeltaBefore, uint256 worstNetDeltaAfter);

    // --- anyone ---------------------------------------------------------------------------------------------------

    /// @notice Brings margin home that the redemption queue waits for; in a wind-down, all that is free. Anyone.
    /// @dev At most what the queue lacks; the venue's leverage stays inside its bound. Needs no oracle price.
    /// @param assets Asset units.
    function bringMarginHome(IPerpVenue venue, uint256 assets) external;

    /// @notice Brings home what can be withdrawn from an adapter that was registered once and no longer is. Anyone.
    function recoverMargin(IPerpVenue venue) external returns (uint256 assets);

    /// @notice Exit beyond idle: closes at most the leaver's part of each position, brings margin home and pays from it. His
    ///         part is that of the shares which free idle does not pay, as if he had redeemed the others before.
    /// @dev Whatever that costs NAV is the leaver's alone. Needs neither keeper nor a healthy oracle, but venues that fill at
    ///      once: it reverts `OrderNotFilled` where one would leave an order, and `TradeNotAllowed` where one is open.
    /// @param shares Shares to burn.
    /// @param minAssets Least the caller accepts, asset units.
    /// @param legs Reductions of no more than those shares' part of each position, and margin on its way home, together no more
    ///        than the shares are worth. What the redemption queue waits for is not paid out.
    /// @return assets Paid to `receiver`, rounded down.
    function redeemWithUnwind(uint256 shares, uint256 minAssets, address receiver, address owner, Leg[] calldata legs)
        external
        returns (uint256 assets);

    /// @notice Mints what fees have earned until now. Anyone.
    function accrueFees() external;

    // --- members: ERC-4626 with a bound on the price -----------------------------------------------------------------

    /// @notice `deposit` that reverts `SharesBelowMinimum` when it would mint less.
    function deposit(uint256 assets, address receiver, uint256 minShares) external returns (uint256 shares);

    /// @notice `mint` that reverts `AssetsAboveMaximum` when it would charge more.
    function mint(uint256 shares, address receiver, uint256 maxAssets) external returns (uint256 assets);

    /// @notice `withdraw` that reverts `SharesAboveMaximum` when it would burn more.
    function withdraw(uint256 assets, address receiver, address owner, uint256 maxShares)
        external
        returns (uint256 shares);

    /// @notice `redeem` that reverts `AssetsBelowMinimum` when it would pay less.
    function redeem(uint256 shares, address receiver, address owner, uint256 minAssets)
        external
        returns (uint256 assets);

    // --- views ----------------------------------------------------------------------------------------------------

    /// @notice The state the guard would judge now. Reverts where the book cannot be told.
    function measure() external view returns (Measurement memory);

    /// @notice The same without the book, whose delta it says is 0: never for want of a source or a price.
    function measureHedge() external view returns (Measurement memory);

    /// @notice The venues.
    function registry() external view returns (IVenueRegistry);

    /// @notice The last intent accepted from a keeper, by the first 24 bytes of its id, and the block it was accepted in.
    function lastIntent(address keeper) external view returns (bytes24 idPrefix, uint64 blockNumber);

    /// @notice Collateral held by the vault itself, asset units.
    function idleAssets() external view returns (uint256);

    /// @notice What of it the redemption queue waits for, asset units.
    function reservedAssets() external view returns (uint256);

    /// @notice Lower and higher NAV, asset units. Deposits price at the high, redemptions at the low.
    function navBounds() external view returns (uint256 low, uint256 high);

    /// @notice True while the vault is inside a call of its own.
    function isEntered() external view returns (bool);

    /// @notice Why no deposit is taken now; `None` when they are.
    function depositBlock() external view returns (DepositBlock);

    /// @notice Fees paid in shares; 0 where there are none.
    function shareFees() external view returns (IShareFees);

    /// @notice Deposits less exits since deployment, asset units.
    function netFlows() external view returns (int256);

    /// @notice Most NAV that a deposit may lead to, asset units.
    function depositCap() external view returns (uint256);

    // --- governor and guardian --------------------------------------------------------------------------------------

    /// @notice Most NAV that a deposit may lead to, asset units. Governor only.
    function setDepositCap(uint256 cap) external;

    /// @notice Lowers it. Guardian or governor.
    function lowerDepositCap(uint256 cap) external;

    /// @notice Time that new shares stay with their owner, seconds; 0 is none. Governor only.
    function setShareLock(uint256 lockSeconds) external;

    /// @notice Names the redemption queue, once. Governor only.
    function setRedemptionQueue(address queue) external;

    /// @notice Names the fees, once and before the first deposit: whoever enters knows what may dilute him. Governor only.
    function setShareFees(IShareFees fees) external;

    /// @notice Sends away a token that is not the asset. Governor only.
    function sweep(address token, address receiver) external;
}
