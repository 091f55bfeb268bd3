// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPriceSource} from "../../../contracts/interfaces/IPriceSource.sol";
import {PriceLimits, PriceSources} from "../../../contracts/types/Prices.sol";

/// @notice What the oracles of the tests are given unless a test is about it.
library PriceDefaults {
    function limits() internal pure returns (PriceLimits memory) {
        return PriceLimits({
            maxAgeSeconds: 1 hours,
            secondaryMaxAgeSeconds: 10 minutes,
            collateralMaxAgeSeconds: 25 hours,
            sequencerGraceSeconds: 30 minutes,
            deviationBps: 50, // 0.5 %
            maxDisagreementBps: 200,
            maxConfidenceBps: 100,
            maxDepegBps: 100,
            minPrice: 100e18,
            maxPrice: 100_000e18
        });
    }

    /// @notice One source and nothing beside it.
    function alone(IPriceSource source) internal pure returns (PriceSources memory) {
        return PriceSources(source, IPriceSource(address(0)), IPriceSource(address(0)), address(0));
    }
}
