// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Every number is WAD (1e18) and signed by the desk's convention (long is positive) unless its name says otherwise.

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

/// @notice What a leg did, as measured on the venue after execution.
/// @param venueIndex Position of the venue in the vault's list and in `Measurement.venues`.
/// @param sizeDelta Filled size, underlying units.
/// @param executionPrice Average price, fee excluded, USD per underlying.
/// @param fee Fee paid to the venue, USD.
struct Fill {
    uint256 venueIndex;
    int256 sizeDelta;
    uint256 executionPrice;
    uint256 fee;
}

/// @notice One venue at one moment.
/// @param sizeLow Filled size plus the pending orders that lower it, underlying units.
/// @param sizeHigh Filled size plus the pending orders that raise it, underlying units.
/// @param notional Absolute position value at the oracle price with pending orders at their worst case, USD.
/// @param equityLow Lower of mark-based and index-based equity, USD; negative when the account is under water.
/// @param equityHigh Higher of the two, USD.
struct VenueMeasurement {
    int256 sizeLow;
    int256 sizeHigh;
    uint256 notional;
    int256 equityLow;
    int256 equityHigh;
}

/// @notice All the guard judges, measured before and after execution.
/// @param price Oracle price, USD per underlying.
/// @param bookDeltaLow Lower end of the verified book delta, underlying units.
/// @param bookDeltaHigh Upper end of it.
/// @param navLow NAV with every venue at its lower equity (floored at 0 per venue), USD.
/// @param navHigh NAV with every venue at its higher equity, USD.
/// @param venues One entry per registered venue, in the vault's order.
struct Measurement {
    uint256 price;
    int256 bookDeltaLow;
    int256 bookDeltaHigh;
    uint256 navLow;
    uint256 navHigh;
    VenueMeasurement[] venues;
}

/// @notice Governed bounds on what a keeper may do.
/// @param band Worst-case net delta that is always acceptable, underlying units.
/// @param minImprovement Least by which a rebalance must lower a worst-case net delta that stays above the band.
/// @param urgentDelta Worst-case net delta from which the cooldown is waived.
/// @param maxSizeDelta Largest size of one leg, underlying units.
/// @param maxNotional Largest traded notional of one rebalance, USD.
/// @param turnoverCapacity Size of the turnover bucket, USD.
/// @param turnoverRefillPerDay Refill of the bucket, USD per 86,400 seconds, linear in time.
/// @param maxVenueLeverage Notional over lower equity on one venue, ratio (5e18 = 5x).
/// @param maxLeverage Total notional over lower NAV, ratio.
/// @param maxSlippageBps Execution price against the oracle price, 1e-4.
/// @param maxFeeBps Fee against traded notional, 1e-4.
/// @param maxNavLossBps Fall of the lower NAV across one rebalance, 1e-4 of the NAV before.
/// @param cooldownSeconds Least time between two rebalances that trade.
struct Bounds {
    uint256 band;
    uint256 minImprovement;
    uint256 urgentDelta;
    uint256 maxSizeDelta;
    uint256 maxNotional;
    uint256 turnoverCapacity;
    uint256 turnoverRefillPerDay;
    uint256 maxVenueLeverage;
    uint256 maxLeverage;
    uint256 maxSlippageBps;
    uint256 maxFeeBps;
    uint256 maxNavLossBps;
    uint256 cooldownSeconds;
}

/// @notice What a keeper has used up.
/// @param turnoverAvailable Content of the bucket at `updatedAt`, USD.
/// @param updatedAt Time of that content, Unix seconds.
/// @param lastTradeAt Time of the last rebalance that traded, Unix seconds; 0 before the first.
struct Budget {
    uint256 turnoverAvailable;
    uint256 updatedAt;
    uint256 lastTradeAt;
}
