// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Interface of a perpetuals venue
/// @notice Numbers are WAD and signed (long is positive; positive funding means longs pay) unless a name says otherwise.
///         The adapter holds the venue account; only its vault may call functions that change state.
interface IPerpVenue {
    /// @dev One state machine for every venue: requested -> filled | cancelled | expired.
    enum OrderStatus {
        None,
        Pending,
        Filled,
        Cancelled,
        Expired
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

    /// @param status Filled for synchronous venues, Pending for asynchronous ones.
    /// @param orderId Venue order id; 0 for synchronous venues.
    /// @param sizeDelta Filled size, underlying units.
    /// @param executionPrice Average price, fee excluded, USD per underlying; 0 while pending.
    /// @param fee Fee paid, USD.
    struct Execution {
        OrderStatus status;
        bytes32 orderId;
        int256 sizeDelta;
        uint256 executionPrice;
        uint256 fee;
    }

    /// @param size Filled size, underlying units.
    /// @param pendingNegative Sum of the pending orders that lower it (<= 0).
    /// @param pendingPositive Sum of the pending orders that raise it (>= 0).
    /// @param equity Account equity at the mark price, USD, with funding, owed PnL and fees inside.
    /// @param markPrice Price that `equity` is taken at, USD per underlying.
    /// @param indexPrice Venue index price.
    struct Account {
        int256 size;
        int256 pendingNegative;
        int256 pendingPositive;
        int256 equity;
        uint256 markPrice;
        uint256 indexPrice;
    }

    event MarginDeposited(uint256 assets);
    event MarginWithdrawn(uint256 assets);
    event Executed(int256 sizeDelta, uint256 executionPrice, uint256 fee);

    error OnlyVault(address caller, address vault);
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

    /// @notice Trades. Vault only. Reverts `LimitPriceViolated` when the average price is worse than `limitPrice`.
    /// @param sizeDelta Signed size, underlying units.
    /// @param limitPrice Worst price, fee excluded: a ceiling for buys, a floor for sells.
    function execute(int256 sizeDelta, uint256 limitPrice) external returns (Execution memory);

    /// @notice Settles a pending order. Anyone. Synchronous venues revert `UnknownOrder`.
    function settle(bytes32 orderId, bytes calldata data) external payable returns (Execution memory);

    /// @notice Cancels a pending order. Vault only. Synchronous venues revert `UnknownOrder`.
    function cancel(bytes32 orderId) external;
}
