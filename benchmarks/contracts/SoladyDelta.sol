// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";
import {DeltaMeter} from "./DeltaMeter.sol";

/// @title Peer: Black-76 call delta as one writes it with Solady's logarithm, root and exponential
/// @dev Unchecked multiplications throughout, Solady's cheapest.
abstract contract SoladyDelta is DeltaMeter {
    function callDelta(uint256 price, uint256 strike, uint256 tauSeconds, uint256 iv)
        internal
        pure
        override
        returns (int256)
    {
        unchecked {
            int256 root = int256(FixedPointMathLib.sqrt(tauSeconds * 1e36 / 365 days));
            int256 deviation = int256(iv) * root / 1e18;
            int256 lnMoneyness = FixedPointMathLib.lnWad(int256(price * 1e18 / strike));
            int256 d1 = lnMoneyness * 1e18 / deviation + deviation / 2;
            if (d1 > 7.07e18) return 1e18;
            if (d1 < -7.07e18) return 0;
            int256 tail = upperTail(d1 < 0 ? -d1 : d1);
            return d1 < 0 ? tail : 1e18 - tail;
        }
    }

    /// @param x Within [0, 7.07].
    function upperTail(int256 x) internal pure virtual returns (int256);
}

/// @notice Abramowitz and Stegun 26.2.17, error 7.5e-8: what most Solidity implementations use.
contract SoladyAbramowitzStegun is SoladyDelta {
    function upperTail(int256 x) internal pure override returns (int256) {
        unchecked {
            int256 t = 1e36 / (1e18 + 0.2316419e18 * x / 1e18);
            int256 p = 1.330274429e18 * t / 1e18 - 1.821255978e18;
            p = p * t / 1e18 + 1.781477937e18;
            p = p * t / 1e18 - 0.356563782e18;
            p = p * t / 1e18 + 0.31938153e18;
            int256 density = 0.398942280401432678e18 * FixedPointMathLib.expWad(-x * x / 2e18) / 1e18;
            return density * (p * t / 1e18) / 1e18;
        }
    }
}

/// @notice Hart's rational function as published by West, Better approximations to cumulative normal functions, Wilmott
///         2005: double precision, the choice of the more careful implementations.
contract SoladyHart is SoladyDelta {
    function upperTail(int256 x) internal pure override returns (int256) {
        unchecked {
            int256 n = 0.0352624965998911e18 * x / 1e18 + 0.700383064443688e18;
            n = n * x / 1e18 + 6.37396220353165e18;
            n = n * x / 1e18 + 33.912866078383e18;
            n = n * x / 1e18 + 112.079291497871e18;
            n = n * x / 1e18 + 221.213596169931e18;
            n = n * x / 1e18 + 220.206867912376e18;
            int256 d = 0.0883883476483184e18 * x / 1e18 + 1.75566716318264e18;
            d = d * x / 1e18 + 16.064177579207e18;
            d = d * x / 1e18 + 86.7807322029461e18;
            d = d * x / 1e18 + 296.564248779674e18;
            d = d * x / 1e18 + 637.333633378831e18;
            d = d * x / 1e18 + 793.826512519948e18;
            d = d * x / 1e18 + 440.413735824752e18;
            return FixedPointMathLib.expWad(-x * x / 2e18) * n / d;
        }
    }
}
