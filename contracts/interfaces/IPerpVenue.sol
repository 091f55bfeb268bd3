// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Interface of a perpetuals venue
/// @notice Numbers are WAD and signed (long is positive; positive funding means longs pay) unless a name says otherwise.
///         The adapter holds the venue account. Only its vault may move margin and trade; orders that fill later are settled
///         by anyone and cancelled by `cancel`'s rule.
interface IPerpVenue {
    /// @dev One state machine for every venue:
    ///
    ///          Pending -> PartlyFilled -> Filled | Cancelled | Expired
    ///             |            |
    ///             +------------+--> Frozen: nothing happens until the venue takes it up again or somebody cancels it
    ///
    ///      Pending, PartlyFilled and Frozen orders are open: what is left of them may still fill. The others are final, and
    ///      nothing of them ever fills again.
    enum OrderStatus {
        None,
        Pending,
        Filled,
        Cancelled,
        Expired,
        PartlyFilled,
        Frozen
    }

    /// @param size Filled size, underlying units.
    /// @param entryPrice Average entry price, USD per underlying; 0 when flat.
    /// @param margin Collateral deposited and realised, USD, without unrealised PnL and pending funding.
    /// @param unrealisedPnl At the venue's mark price, USD.
    /// @param fundingAccrued Funding not yet settled, USD; positive is owed to the position.
    struct Position {
        int256 size;
        uint256 entryPrice;
        int256 margin;
        int256 unrealisedPnl;
        int256 fundingAccrued;
    }

    /// @param status Filled where the venue executes at once, Pending where it executes later.
    /// @param orderId Of a pending order; 0 where there is none.
    /// @param sizeDelta Filled size, underlying units.
    /// @param executionPrice Average price, fee excluded, USD per underlying; 0 while nothing is filled.
    /// @param fee Fee paid, USD; of a pending order the most that it may still cost, whatever becomes of it.
    struct Execution {
        OrderStatus status;
        bytes32 orderId;
        int256 sizeDelta;
        uint256 executionPrice;
        uint256 fee;
    }

    /// @param size Filled size, underlying units.
    /// @param pendingNegative Sum of what is left of the open orders that lower it (<= 0).
    /// @param pendingPositive Sum of what is left of the open orders that raise it (>= 0).
    /// @param equity Account equity at the mark price, USD, with funding, owed PnL and fees inside, and with all that is on its
    ///        way: margin sent with an order, what can be claimed.
    /// @param markPrice Price that `equity` is taken at, USD per underlying.
    /// @param indexPrice Venue index price.
    /// @param pendingFloor Lowest price that what lowers the size may be sold at.
    /// @param pendingCeiling Highest price that what raises the size may be bought at; 0 only where nothing does.
    /// @param pendingFee Most that open orders may still cost in fees, filled or not, USD.
    struct Account {
        int256 size;
        int256 pendingNegative;
        int256 pendingPositive;
        int256 equity;
        uint256 markPrice;
        uint256 indexPrice;
        uint256 pendingFloor;
        uint256 pendingCeiling;
        uint256 pendingFee;
    }

    /// @notice An order that outlives its transaction.
    /// @param sizeDelta Size asked for, underlying units.
    /// @param filledSizeDelta What of it is filled.
    /// @param limitPrice Worst price it may fill at, fee excluded.
    /// @param executionPrice Average price of what is filled; 0 while nothing is.
    /// @param fee Paid so far, USD.
    /// @param maxFee Most that it may cost in all, USD.
    /// @param requestedAt Unix seconds.
    /// @param expiresAt From then on anyone may cancel it, Unix seconds.
    struct Order {
        OrderStatus status;
        int256 sizeDelta;
        int256 filledSizeDelta;
        uint256 limitPrice;
        uint256 executionPrice;
        uint256 fee;
        uint256 maxFee;
        uint256 requestedAt;
        uint256 expiresAt;
    }

    event MarginDeposited(uint256 assets);
    event MarginWithdrawn(uint256 assets);
    event Executed(int256 sizeDelta, uint256 executionPrice, uint256 fee);
    /// @param maxFee Most that it may cost, WAD USD.
    /// @param expiresAt From then on anyone may cancel it, Unix seconds.
    event OrderRequested(
        bytes32 indexed orderId, int256 sizeDelta, uint256 limitPrice, uint256 maxFee, uint256 expiresAt
    );
    /// @dev After each change that `settle`, `reconcile` or `cancel` found: what is filled and paid is of the whole order.
    event OrderUpdated(
        bytes32 indexed orderId, OrderStatus status, int256 filledSizeDelta, uint256 executionPrice, uint256 fee
    );
    /// @dev The venue filled it at a worse price than it was given, or charged more: it broke its word.
    event OrderTermsBroken(
        bytes32 indexed orderId, uint256 executionPrice, uint256 limitPrice, uint256 fee, uint256 maxFee
    );

    error OnlyVault(address caller, address vault);
    error VaultEntered();
    error ZeroSize();
    error OrderStillOpen(bytes32 orderId);
    error OrderIdUsed(bytes32 orderId);
    error OrderNotOpen(bytes32 orderId, OrderStatus status);
    error RefundFailed(address receiver, uint256 wei_);
    error NotYetCancellable(address caller, uint256 timestamp, uint256 expiresAt);
    error LimitPriceViolated(uint256 executionPrice, uint256 limitPrice);
    error SizeBeyondLiquidity(int256 sizeDelta);
    error UnknownOrder(bytes32 orderId);

    /// @notice Vault that owns this adapter.
    function vault() external view returns (address);

    /// @notice ERC-20 collateral of the venue account; equals the vault's asset.
    function collateral() external view returns (address);

    /// @notice All that a measurement needs, in one call. Equity at a price P is `equity + size x (P - markPrice)`.
    function account() external view returns (Account memory);

    /// @notice Filled size, underlying units.
    function size() external view returns (int256);

    /// @notice Position at this moment.
    function position() external view returns (Position memory);

    /// @notice Account equity, USD: the lower and the higher of the value at mark and the value at index, with funding, owed
    ///         PnL and fees inside.
    function equity() external view returns (int256 low, int256 high);

    /// @notice Venue mark price, USD per underlying.
    function markPrice() external view returns (uint256);

    /// @notice Venue index price, USD per underlying.
    function indexPrice() external view returns (uint256);

    /// @notice Funding at the current premium, ratio of notional per day; positive means longs pay.
    function fundingRate() external view returns (int256 perDay);

    /// @notice Most that the venue can charge or pay as funding, ratio of notional per day.
    function maxFundingRate() external view returns (uint256 perDay);

    /// @notice Cost of a trade now, without doing it.
    /// @param sizeDelta Signed size, underlying units.
    /// @return executionPrice Average price, fee excluded.
    /// @return fee Fee, USD.
    function quote(int256 sizeDelta) external view returns (uint256 executionPrice, uint256 fee);

    /// @notice Largest absolute size `quote` can answer on one side, underlying units.
    /// @param isLong True for buys.
    function capacity(bool isLong) external view returns (uint256 maxSize);

    /// @notice Sizes of pending orders: the sum of the negative ones and the sum of the positive ones.
    function pending() external view returns (int256 negative, int256 positive);

    /// @notice Collateral that could be withdrawn now, asset units.
    function freeCollateral() external view returns (uint256 assets);

    /// @notice Pulls `assets` from the vault (which has approved them) into the venue account. Vault only.
    function depositMargin(uint256 assets) external;

    /// @notice Sends `assets` from the venue account to the vault. Vault only.
    function withdrawMargin(uint256 assets) external;

    /// @notice Called before the measurement that a trade is judged by, and again after the one that follows it. Vault only.
    /// @dev In between the venue may answer `account` from what it already knows, with a mark price that errs against the
    ///      position; equity at any price P stays exact. May do nothing.
    function bracketTrade(bool isBeginning) external;

    /// @notice Trades. Vault only. Reverts `LimitPriceViolated` when the average price is worse than `limitPrice`, `ZeroSize`
    ///         where nothing is left to trade once the size is in the venue's units, and `OrderStillOpen` while an order is open.
    /// @dev A trade toward 0 and not past it is reduce-only at the venue, as far as the venue knows such orders.
    /// @param sizeDelta Signed size, underlying units.
    /// @param limitPrice Worst price, fee excluded: a ceiling for buys, a floor for sells.
    function execute(int256 sizeDelta, uint256 limitPrice) external returns (Execution memory);

    // --- orders that fill later; venues without them revert `UnknownOrder` and answer nothing -----------------------

    /// @notice Has the venue execute an open order, where that is anybody's to ask for, and reconciles. Anyone.
    /// @param data What the venue wants to see, as a price update; its fee is paid from the ether sent, the rest returned.
    function settle(bytes32 orderId, bytes calldata data) external payable returns (Execution memory);

    /// @notice Brings what is known of an open order up to what the venue has done. Anyone; never by what a callback says.
    /// @dev `account` and `order` answer by the venue's state in any case. Does nothing where nothing has changed.
    function reconcile(bytes32 orderId) external returns (OrderStatus);

    /// @notice Cancels what is left of an open order. A keeper, a guardian or governor at once; anyone from its expiry on. In
    ///         every mode, without a price, on a removed venue too.
    function cancel(bytes32 orderId) external;

    /// @notice An order as the venue's state has it now; its status is `None` where there was none of that id.
    function order(bytes32 orderId) external view returns (Order memory);

    /// @notice Id of the order that is open now by the venue's state; 0 where there is none. A venue has at most one.
    function openOrder() external view returns (bytes32 orderId);
}
