// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";
import {NormalCdf} from "./NormalCdf.sol";

/// @title Black-76 delta of European options, rate 0
/// @notice Call delta N(d1), put delta N(d1) - 1, with d1 = ln(F/K) / w + w / 2, w = iv * sqrt(tau), tau in years of
///         365 days.
/// @dev Numbers are WAD unless the name gives their fraction bits (`X52`: 2^52 to the unit).
///
///      Absolute error below 5e-11 for every price and strike up to `MAX_PRICE`, tau from one second and w from 1.7e-6
///      (1 % for one second) to 16 (500 % for ten years): normal distribution 4.8e-11; two logarithms 4e-18 / w, and
///      two truncations of d1 2^-39, both times the largest density, 0.4. The rest is below 1e-14.
library Black76 {
    /// @notice 1e-10, twice the bound above: an interval widened by it holds the true delta and the computed one.
    int256 internal constant DELTA_ERROR_X52 = 450_360;
    /// @notice Largest price and strike, 1e12 USD, as `PriceOracle` allows.
    uint256 internal constant MAX_PRICE = 1e30;

    /// @dev (2^128 / 2e18)^2 / year: `halfRootTau` * iv is w / 2 with 128 fraction bits.
    uint256 private constant HALF_ROOT_SCALE = uint256(2 ** 254) / (1e36 * 365 days);
    /// @dev F/K is taken at 2^155 to the unit, the most that keeps the largest price below 2^255.
    uint256 private constant RATIO_BITS = 155;
    /// @dev ln(1e18 / 2^155): `lnWad` takes its argument as a WAD.
    int256 private constant LN_RATIO_UNIT = -65_991_281_312_898_700_647;
    /// @dev 2^168 / 2e18: ln(F/K) * this / (w / 2 with 128 fraction bits) is ln(F/K) / w with 40.
    int256 private constant LN_SCALE = int256(2 ** 167) / 1e18;

    error PriceOutOfRange(uint256 price, uint256 minPrice, uint256 maxPrice);

    /// @notice Natural logarithm of a price or strike, off by less than 2e-18.
    function lnPrice(uint256 price) internal pure returns (int256) {
        _requirePrice(price);
        return FixedPointMathLib.lnWad(int256(price));
    }

    /// @notice sqrt(tau) / 2 at the scale the functions below take.
    /// @param tauSeconds From 1 to 2^64 seconds.
    function halfRootTau(uint256 tauSeconds) internal pure returns (uint256) {
        unchecked {
            return FixedPointMathLib.sqrt(tauSeconds * HALF_ROOT_SCALE);
        }
    }

    /// @notice Call delta of one option, to within half of `DELTA_ERROR_X52`; 0 at expiry.
    /// @param tauSeconds Time to expiry, at most 2^64 seconds.
    /// @param iv Per year.
    /// @return Rounded down, within [0, 1e18].
    function callDelta(uint256 price, uint256 strike, uint256 tauSeconds, uint256 iv) internal pure returns (int256) {
        _requirePrice(price);
        _requirePrice(strike);
        if (tauSeconds == 0) return 0;
        int256 d1X40;
        unchecked {
            uint256 ratio = FixedPointMathLib.rawDiv(price << RATIO_BITS, strike);
            int256 lnMoneyness = FixedPointMathLib.lnWad(int256(ratio)) + LN_RATIO_UNIT;
            uint256 half = halfRootTau(tauSeconds) * iv;
            int256 scaled = lnMoneyness * LN_SCALE;
            assembly ("memory-safe") {
                d1X40 := add(sdiv(scaled, half), shr(88, half))
            }
            return (NormalCdf.cdfX52(d1X40) * 1e18) >> 52;
        }
    }

    /// @notice Interval certain to hold the call delta for every volatility between two.
    /// @dev d1 has two terms, ln(F/K) / w and w / 2. For F > K their sum falls while the first is the larger, down to
    ///      sqrt(2 ln(F/K)) where they are equal, and rises from there: that minimum counts where it lies between the
    ///      two volatilities. For F <= K the sum only rises.
    /// @param lnMoneyness ln(F/K).
    /// @param halfRoot From `halfRootTau`.
    /// @param ivLow Per year.
    /// @param ivHigh Per year, not below `ivLow`.
    /// @return low Rounded down, within [0, 2^52].
    /// @return high Rounded up, within [low, 2^52].
    function callDeltaBoundsX52(int256 lnMoneyness, uint256 halfRoot, uint256 ivLow, uint256 ivHigh)
        internal
        pure
        returns (int256 low, int256 high)
    {
        bool turns;
        unchecked {
            int256 scaled = lnMoneyness * LN_SCALE;
            assembly ("memory-safe") {
                let half := mul(halfRoot, ivLow)
                low := sdiv(scaled, half)
                half := shr(88, half)
                turns := sgt(low, half)
                low := add(low, half)
                half := mul(halfRoot, ivHigh)
                high := sdiv(scaled, half)
                half := shr(88, half)
                turns := and(turns, slt(high, half))
                high := add(high, half)
            }
            if (low > high) (low, high) = (high, low);
            if (turns) low = int256(FixedPointMathLib.sqrt((uint256(lnMoneyness) << 81) / 1e18));
            low = NormalCdf.cdfX52(low) - DELTA_ERROR_X52;
            high = NormalCdf.cdfX52(high) + DELTA_ERROR_X52;
            int256 one = NormalCdf.ONE_X52;
            assembly ("memory-safe") {
                low := mul(low, sgt(low, 0))
                high := xor(high, mul(xor(high, one), sgt(high, one)))
            }
        }
    }

    function _requirePrice(uint256 price) private pure {
        unchecked {
            if (price - 1 >= MAX_PRICE) revert PriceOutOfRange(price, 1, MAX_PRICE); // 0 wraps to the largest number
        }
    }
}
