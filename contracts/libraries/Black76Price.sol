// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";
import {NormalCdf} from "./NormalCdf.sol";

/// @title Black-76 value, gamma and vega of European options, rate 0
/// @notice With w = iv * sqrt(tau), tau in years of 365 days, d1 = ln(F/K) / w + w / 2 and d2 = d1 - w: a call is worth
///         F N(d1) - K N(d2), a put that less F - K; gamma is n(d1) / (F w), vega F n(d1) sqrt(tau).
/// @dev Numbers are WAD. Prices and strikes are at most `Black76.MAX_PRICE`; iv and tau are not 0. The value is off by less
///      than `errorOf`, which holds the proven error of the normal distribution (4.8e-11) of both terms and the roundings.
library Black76Price {
    uint256 private constant WAD = 1e18;
    /// @dev 1 / sqrt(2 pi), rounded up.
    uint256 private constant PEAK_DENSITY = 398_942_280_401_432_678;
    uint256 private constant ERROR_PART = 1e10;

    struct Terms {
        uint256 price;
        uint256 strike;
        uint256 tauSeconds;
        uint256 iv;
    }

    /// @notice USD per option.
    function value(Terms memory terms, bool isCall) internal pure returns (uint256) {
        (int256 d1, uint256 w) = _d1(terms);
        int256 first = int256(terms.price) * _cdfX52(d1);
        int256 second = int256(terms.strike) * _cdfX52(d1 - int256(w));
        int256 call = (first - second) >> 52;
        int256 worth = isCall ? call : call - int256(terms.price) + int256(terms.strike);
        return worth > 0 ? uint256(worth) : 0;
    }

    /// @notice Most that `value` may be off by, USD per option, rounded up.
    function errorOf(uint256 price, uint256 strike) internal pure returns (uint256) {
        return (price + strike) / ERROR_PART + 1;
    }

    /// @notice Change of delta for one USD, WAD; and USD for one unit of volatility (100 vol points). Both of one option.
    function gammaAndVega(Terms memory terms) internal pure returns (uint256 gamma, uint256 vega) {
        (int256 d1, uint256 w) = _d1(terms);
        uint256 density = uint256(FixedPointMathLib.expWad(-(d1 * d1 / int256(2 * WAD)))) * PEAK_DENSITY / WAD;
        gamma = density * WAD / terms.price * WAD / w;
        vega = terms.price * density / WAD * rootTau(terms.tauSeconds) / WAD;
    }

    /// @notice Most vega that an option of that time has at any strike, USD for one unit of volatility.
    function peakVega(uint256 price, uint256 tauSeconds) internal pure returns (uint256) {
        return price * PEAK_DENSITY / WAD * rootTau(tauSeconds) / WAD + 1;
    }

    /// @notice sqrt(tau), years, WAD.
    function rootTau(uint256 tauSeconds) internal pure returns (uint256) {
        return FixedPointMathLib.sqrt(tauSeconds * (WAD * WAD) / 365 days);
    }

    function _d1(Terms memory terms) private pure returns (int256 d1, uint256 w) {
        w = FixedPointMathLib.max(terms.iv * rootTau(terms.tauSeconds) / WAD, 1);
        int256 moneyness = FixedPointMathLib.lnWad(int256(terms.price)) - FixedPointMathLib.lnWad(int256(terms.strike));
        // The logarithms are between -42 and 28: |d1| is below 7e37 for the least w, its square below 2^254.
        d1 = moneyness * int256(WAD) / int256(w) + int256(w / 2);
    }

    function _cdfX52(int256 d) private pure returns (int256) {
        return NormalCdf.cdfX52(d * (1 << 40) / int256(WAD));
    }
}
