// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Every number is WAD (1e18) and signed by the desk's convention (long is positive) unless its name says otherwise.

/// @notice What a keeper decided, and on which state.
/// @param id Chosen by the keeper; names the rebalance in events.
/// @param blockNumber Block whose state the decision was made on: at most 256 blocks old, and not before the block in which
///        the keeper's last intent was accepted. So none is accepted twice, nor two of one state.
/// @param blockHash Its hash: a decision on a block that a reorganisation has removed dies by itself.
/// @param deadline Unix seconds; the rebalance reverts after it.
struct Intent {
    bytes32 id;
    uint256 blockNumber;
    bytes32 blockHash;
    uint256 deadline;
}

/// @notice One instruction of a rebalance: move margin, trade, or both, on one venue.
/// @param venue Registered `IPerpVenue` adapter.
/// @param marginDelta Collateral to move, in asset units: positive into the venue before the trade, negative back to the
///        vault after it.
/// @param sizeDelta Change of position asked for, in underlying units; 0 moves margin alone.
/// @param limitPrice Worst execution price the keeper accepts, fee excluded (USD per underlying). The vault uses it only
///        where it is tighter than the guard's own bound. 0 means "the guard's bound".
struct Leg {
    address venue;
    int256 marginDelta;
    int256 sizeDelta;
    uint256 limitPrice;
}

/// @notice What a leg did, as measured on the venue after execution; of an order that is yet to fill, the worst it may do.
/// @param venueIndex Position of the venue in the vault's list and in `Measurement.venues`.
/// @param sizeDelta Filled size, underlying units; of an order, what was asked for.
/// @param executionPrice Average price, fee excluded, USD per underlying; of an order, its limit.
/// @param fee Fee paid to the venue, USD; of an order, the most it may cost.
/// @param isPending It is an order that is yet to fill.
struct Fill {
    uint256 venueIndex;
    int256 sizeDelta;
    uint256 executionPrice;
    uint256 fee;
    bool isPending;
}

/// @notice One venue at one moment.
/// @param isSilent The venue did not answer: its equity counts 0 and its size lies between 0 and the last one known.
/// @param isClosing Its position may only shrink, and the delta rule does not hold that back.
/// @param price What the venue is judged at, USD per underlying: the oracle's price, or the venue's own index where the
///        oracle has none.
/// @param priceLow Lowest price that the true one may be while `price` stands.
/// @param priceHigh Highest.
/// @param sizeLow Filled size plus the pending orders that lower it, underlying units.
/// @param sizeHigh Filled size plus the pending orders that raise it, underlying units.
/// @param notional Absolute position value at `price` with pending orders at their worst case, USD.
/// @param equity Equity at `price` as long as nothing pending fills, USD; negative when the account is under water.
/// @param equityLow Lowest equity over mark, index and the range of prices, with what is pending filled at its worst or not at
///        all, USD.
/// @param equityHigh Highest.
/// @param cap Most equity that margin may lead to, USD.
struct VenueMeasurement {
    bool isSilent;
    bool isClosing;
    uint256 price;
    uint256 priceLow;
    uint256 priceHigh;
    int256 sizeLow;
    int256 sizeHigh;
    uint256 notional;
    int256 equity;
    int256 equityLow;
    int256 equityHigh;
    uint256 cap;
}

/// @notice All the guard judges, measured before and after execution.
/// @param price Oracle price, USD per underlying; 0 while it is not healthy.
/// @param isReduceOnly No position may grow, on any venue.
/// @param bookDeltaLow Lower end of the verified book delta, underlying units.
/// @param bookDeltaHigh Upper end of it.
/// @param idle Collateral in the vault that nobody has asked back, USD.
/// @param nav Idle plus every venue's equity at its price (floored at 0 per venue), USD.
/// @param firmNav `nav` without deposits too young to carry exposure, USD.
/// @param netFlows Deposits less exits since deployment, USD.
/// @param venues One entry per registered venue, in the vault's order.
struct Measurement {
    uint256 price;
    bool isReduceOnly;
    int256 bookDeltaLow;
    int256 bookDeltaHigh;
    uint256 idle;
    uint256 nav;
    uint256 firmNav;
    int256 netFlows;
    VenueMeasurement[] venues;
}

/// @notice Governed bounds on what a keeper may do. Narrow types pack them into six slots.
/// @param band Worst-case net delta that is always acceptable, underlying units.
/// @param minImprovement Least by which a rebalance must lower a worst-case net delta that stays above the band.
/// @param urgentDelta Worst-case net delta from which the cooldown is waived and the reserve may be used.
/// @param maxSizeDelta Largest size of one leg, underlying units.
/// @param minNotional Least traded notional of a rebalance, unless it brings the net delta into the band or closes a
///        position, USD.
/// @param maxNotional Largest traded notional of one rebalance, USD.
/// @param maxGrossNotional Largest notional of all venues together after a rebalance that raises it, USD.
/// @param turnoverCapacity Size of the turnover bucket, USD.
/// @param turnoverRefillPerDay Refill of the bucket, USD per 86,400 seconds, linear in time.
/// @param maxVenueLeverage Notional over lowest equity on one venue, ratio (5e18 = 5x).
/// @param maxLeverage Total notional over firm NAV, ratio.
/// @param maxSlippageBps Execution price against the venue's `price`, 1e-4.
/// @param maxFeeBps Fee against traded notional, 1e-4.
/// @param maxNavLossBps Fall of NAV across one rebalance, 1e-4 of the NAV before.
/// @param lossCapacityBps Size of the loss budget, 1e-4 of firm NAV.
/// @param lossRefillBpsPerDay Refill of the loss budget per 86,400 seconds, linear in time, 1e-4 of firm NAV.
/// @param maxDrawdownBps Fall of the hedge's unexplained result from its high of the last day at which the breaker trips,
///        1e-4 of NAV.
/// @param idleFloorBps Idle that margin moves leave for exits, 1e-4 of firm NAV.
/// @param urgentReserveBps Part of the turnover bucket kept for urgent rebalances, 1e-4.
/// @param keeperShareBps Part of the turnover bucket and of the loss budget that one keeper may use, 1e-4.
/// @param cooldownSeconds Least time between two rebalances of one keeper that trade.
struct Bounds {
    uint128 band;
    uint128 minImprovement;
    uint128 urgentDelta;
    uint128 maxSizeDelta;
    uint128 minNotional;
    uint128 maxNotional;
    uint128 maxGrossNotional;
    uint128 turnoverCapacity;
    uint128 turnoverRefillPerDay;
    uint64 maxVenueLeverage;
    uint64 maxLeverage;
    uint16 maxSlippageBps;
    uint16 maxFeeBps;
    uint16 maxNavLossBps;
    uint16 lossCapacityBps;
    uint16 lossRefillBpsPerDay;
    uint16 maxDrawdownBps;
    uint16 idleFloorBps;
    uint16 urgentReserveBps;
    uint16 keeperShareBps;
    uint32 cooldownSeconds;
}

/// @notice What has been used up, by all keepers together or by one of them, one slot each.
/// @param turnoverUsed Traded notional that had not been refilled at `updatedAt`, USD.
/// @param lossUsed Loss charged that had not been refilled at `updatedAt`, part of NAV (1e18 is all of it).
/// @param updatedAt Unix seconds.
/// @param lastTradeAt Time of the last rebalance that traded, Unix seconds; 0 before the first.
struct Budget {
    uint96 turnoverUsed;
    uint96 lossUsed;
    uint32 updatedAt;
    uint32 lastTradeAt;
}

/// @notice The hedge's result so far, less what the price's moves explain: funding, fees, slippage, liquidations, thefts.
/// @dev Three slots, none of which a rebalance changes from 0 but the first.
/// @param size Hedge after the last rebalance, underlying units.
/// @param explained Sum of size x change of price since deployment, USD.
/// @param price Oracle price at the last rebalance, USD per underlying; 0 before the first.
/// @param period Number of the period of 8 hours that the newest high belongs to.
/// @param flows Deposits that carry exposure, less exits, at the last rebalance, USD.
/// @param highs Highest result of this period of 8 hours and of the three before, newest first, US cents rounded up; of what
///        has been lost since, leavers have taken their part.
struct Track {
    int128 size;
    int128 explained;
    uint96 price;
    uint32 period;
    int128 flows;
    int64[4] highs;
}
