// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPriceSource} from "../interfaces/IPriceSource.sol";

/// @notice What an oracle asks. Zero where there is none; the primary source is never zero.
/// @param primary Source whose price is the oracle's price.
/// @param secondary Source that has to agree with it.
/// @param collateral Price of the vault's asset in USD, which has to be near 1.
/// @param sequencerFeed Chainlink L2 sequencer uptime feed.
struct PriceSources {
    IPriceSource primary;
    IPriceSource secondary;
    IPriceSource collateral;
    address sequencerFeed;
}

/// @notice Limits of an oracle, two storage slots.
/// @param maxAgeSeconds Oldest primary price.
/// @param secondaryMaxAgeSeconds Oldest secondary price.
/// @param collateralMaxAgeSeconds Oldest price of the collateral.
/// @param sequencerGraceSeconds Time after the sequencer came back in which no price counts.
/// @param deviationBps Distance that the true price may have from the primary one without the source saying so: the feed's
///        own deviation threshold and what the governor adds.
/// @param maxDisagreementBps Greatest distance of the two sources, of the lower price.
/// @param maxConfidenceBps Greatest half-width of a source's own confidence interval, of its price.
/// @param maxDepegBps Greatest distance of the collateral from 1 USD.
/// @param minPrice Lowest price believed, WAD USD.
/// @param maxPrice Highest price believed, WAD USD.
struct PriceLimits {
    uint32 maxAgeSeconds;
    uint32 secondaryMaxAgeSeconds;
    uint32 collateralMaxAgeSeconds;
    uint32 sequencerGraceSeconds;
    uint16 deviationBps;
    uint16 maxDisagreementBps;
    uint16 maxConfidenceBps;
    uint16 maxDepegBps;
    uint128 minPrice;
    uint128 maxPrice;
}

/// @title Faults of a reading, one bit each
/// @dev The five of a source are judged alike for all three sources, so that secondary and collateral are the primary's
///      bits moved up. A source that gave no answer has that fault alone.
library PriceFaults {
    uint256 internal constant NO_ANSWER = 1 << 0;
    uint256 internal constant STALE = 1 << 1;
    uint256 internal constant FROM_FUTURE = 1 << 2;
    uint256 internal constant OUT_OF_RANGE = 1 << 3;
    uint256 internal constant TOO_UNCERTAIN = 1 << 4;

    uint256 internal constant SECONDARY_SHIFT = 5;
    uint256 internal constant SECONDARY_NO_ANSWER = 1 << 5;
    uint256 internal constant SECONDARY_STALE = 1 << 6;
    uint256 internal constant SECONDARY_FROM_FUTURE = 1 << 7;
    uint256 internal constant SECONDARY_OUT_OF_RANGE = 1 << 8;
    uint256 internal constant SECONDARY_TOO_UNCERTAIN = 1 << 9;
    uint256 internal constant DISAGREE = 1 << 10;

    uint256 internal constant SEQUENCER_NO_ANSWER = 1 << 11;
    uint256 internal constant SEQUENCER_DOWN = 1 << 12;
    uint256 internal constant SEQUENCER_GRACE = 1 << 13;

    uint256 internal constant COLLATERAL_SHIFT = 14;
    uint256 internal constant COLLATERAL_NO_ANSWER = 1 << 14;
    uint256 internal constant COLLATERAL_STALE = 1 << 15;
    uint256 internal constant COLLATERAL_FROM_FUTURE = 1 << 16;
    uint256 internal constant COLLATERAL_DEPEGGED = 1 << 17; // out of the range 1 -/+ maxDepegBps
    uint256 internal constant COLLATERAL_TOO_UNCERTAIN = 1 << 18;

    /// @notice Faults with which no price counts.
    uint256 internal constant PRICE_FAULTS = (1 << COLLATERAL_SHIFT) - 1;

    /// @notice Faults with which one unit of the asset does not count as 1 USD.
    uint256 internal constant COLLATERAL_FAULTS = ((1 << 19) - 1) ^ PRICE_FAULTS;
}
