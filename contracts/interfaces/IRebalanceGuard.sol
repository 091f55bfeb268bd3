// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Bounds, Budget, Fill, Intent, Leg, Measurement, Track} from "../types/Rebalance.sol";
import {IVaultBound} from "./IVaultBound.sol";

/// @title Interface of the rebalance guard
interface IRebalanceGuard is IVaultBound {
    /// @notice What the vault can lose in any 24 hours while the bounds stand, WAD USD, rounded up.
    /// @dev At true prices that lie inside the oracle's range, on the NAV and the positions of this moment. An order is charged
    ///      when it is asked for: at its limit and highest fee against the range of that moment, filled or not. What the
    ///      market moves while it waits is the market's.
    /// @param keeperKey By one stolen keeper key: slippage, fees, margin moved, trades on a price that lags.
    /// @param allKeeperKeys By all keeper keys together.
    /// @param funding By funding at the venues' own limit, if nobody steps out of the positions held.
    /// @param total `allKeeperKeys` + `funding`.
    struct LossBounds {
        uint256 keeperKey;
        uint256 allKeeperKeys;
        uint256 funding;
        uint256 total;
    }

    event BoundsSet(Bounds oldBounds, Bounds newBounds);
    /// @dev `boundName` is the ASCII name of the field of `Bounds`.
    error BoundOutsideHardLimit(bytes32 boundName, uint256 actual, uint256 limit);
    error BoundLooser(bytes32 boundName, uint256 actual, uint256 limit);

    error DeadlinePassed(uint256 timestamp, uint256 deadline);
    /// @dev `expected` is 0 for a block more than 256 back, or not yet there.
    error BlockHashMismatch(uint256 blockNumber, bytes32 actual, bytes32 expected);
    /// @dev The keeper has rebalanced since the block that the intent was decided on: in block `lastBlock`.
    error IntentOutdated(bytes32 intentId, uint256 blockNumber, uint256 lastBlock);

    error CooldownActive(uint256 timestamp, uint256 readyAt);
    error VenueNotAnswering(uint256 venueIndex);
    error SizeDeltaExceeded(uint256 sizeDelta, uint256 maxSizeDelta);
    error SlippageExceeded(uint256 executionPrice, uint256 limitPrice);
    error FeeExceeded(uint256 fee, uint256 maxFee);
    /// @dev An order on a venue where one is open, or beside another trade on the same venue.
    error OrderBesideOrder(uint256 venueIndex);
    /// @dev The venue asked for an order whose measurement does not show it.
    error OrderNotCounted(uint256 venueIndex, int256 sizeLow, int256 sizeHigh);
    error NotionalExceeded(uint256 notional, uint256 maxNotional);
    error TurnoverExceeded(uint256 notional, uint256 turnoverAvailable);
    error PositionNotShrinking(uint256 venueIndex, int256 sizeLow, int256 sizeHigh);
    error NetDeltaExceeded(uint256 worstNetDelta, uint256 maxAbsDelta);
    error NotionalTooSmall(uint256 notional, uint256 minNotional);
    error GrossNotionalExceeded(uint256 grossNotional, uint256 maxGrossNotional);
    error VenueCapExceeded(uint256 venueIndex, uint256 equity, uint256 cap);
    error VenueLeverageExceeded(uint256 venueIndex, uint256 leverage, uint256 maxLeverage);
    error LeverageExceeded(uint256 leverage, uint256 maxLeverage);
    error IdleBelowFloor(uint256 idle, uint256 floor);
    error NavLossExceeded(uint256 loss, uint256 maxLoss);
    error LossBudgetExceeded(uint256 loss, uint256 lossAvailable);

    /// @notice Judges whether an intent comes in time: before its deadline, decided on one of the chain's last 256 blocks, not
    ///         before its keeper's last one was accepted, and not before any keeper's last trade.
    /// @dev Reverts `DeadlinePassed`, `BlockHashMismatch` or `IntentOutdated`.
    /// @param lastBlock Block in which the keeper's last intent was accepted.
    /// @return blockNumber Of this block, as the chain's nodes count.
    function requireFresh(Intent calldata intent, uint256 lastBlock) external view returns (uint256 blockNumber);

    /// @notice Judges a rebalance on what was measured and books what it used. Bound vault only.
    /// @dev Reverts with the first rule broken, in the order the errors above are declared from `CooldownActive` on.
    ///      What is yet to fill is judged at its worst, filled and not, and uses the budgets now: what never fills is not given
    ///      back.
    /// @param keeper Whose budget is charged beside that of all.
    /// @param beforeTrade State before execution.
    /// @param fills What each trading leg did; empty when only margin moved: then the rules from `VenueCapExceeded` on
    ///        judge alone.
    /// @param afterTrade State after execution.
    /// @return worstNetDeltaBefore W before, WAD underlying.
    /// @return worstNetDeltaAfter W after, once all that was asked for has filled.
    function check(
        address keeper,
        Measurement calldata beforeTrade,
        Fill[] calldata fills,
        Measurement calldata afterTrade
    ) external returns (uint256 worstNetDeltaBefore, uint256 worstNetDeltaAfter);

    /// @notice Judges leverage alone, for margin that comes home.
    function checkLeverage(Measurement calldata beforeTrade, Measurement calldata afterTrade) external view;

    /// @notice Judges leverage after a leaver has closed his part, and takes a sample of the result: the hedge is another one
    ///         from here on. Bound vault only.
    /// @param venueIndexes Venues of the leaver's legs; one that does not answer cannot be judged.
    function checkUnwind(
        Measurement calldata beforeTrade,
        uint256[] calldata venueIndexes,
        Measurement calldata afterTrade
    ) external;

    /// @notice Judges what a leaver wants closed and brought home, before anything is.
    /// @dev Reverts `MarginNotAllowed` for margin into a venue, `TradeNotAllowed` for a second leg on one venue or a trade where
    ///      an order is open, `UnwindTooLarge` beyond the leaver's part or not toward 0.
    /// @param m State before.
    /// @param indexes Of the legs' venues in it.
    /// @param shares Of the leaver.
    /// @param supply Of all.
    function requirePart(
        Measurement calldata m,
        Leg[] calldata legs,
        uint256[] calldata indexes,
        uint256 shares,
        uint256 supply
    ) external pure;

    /// @notice Takes a sample of the hedge's result, so that the breaker knows a high between two rebalances. Anyone.
    function recordResult() external;

    /// @notice Worst price a leg may execute at, fee excluded: `price` moved by `maxSlippageBps` against the vault.
    /// @param price What the venue is judged at, WAD USD.
    /// @param sizeDelta Sign of the trade matters alone.
    function limitPrice(uint256 price, int256 sizeDelta) external view returns (uint256);

    /// @notice Bounds in force.
    function bounds() external view returns (Bounds memory);

    /// @notice Budget of one keeper as stored at its last update.
    function keeperBudget(address keeper) external view returns (Budget memory);

    /// @notice Budget of all keepers together as stored at its last update.
    function totalBudget() external view returns (Budget memory);

    /// @notice Track of the hedge's result as stored at its last update.
    function track() external view returns (Track memory);

    /// @notice True while the breaker leaves reductions alone possible.
    function isBreakerTripped() external view returns (bool);

    /// @notice What a keeper may trade and lose now, WAD USD.
    /// @param isUrgent True for what an urgent rebalance may use.
    function available(address keeper, bool isUrgent) external view returns (uint256 turnover, uint256 loss);

    /// @notice What the vault can lose in any 24 hours.
    function lossBounds() external view returns (LossBounds memory);

    /// @notice Replaces the bounds. Governor only; hard limits apply.
    function setBounds(Bounds calldata newBounds) external;

    /// @notice Replaces the bounds by ones no looser in any field. Guardian or governor.
    function tightenBounds(Bounds calldata newBounds) external;
}
