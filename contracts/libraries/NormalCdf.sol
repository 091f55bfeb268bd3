// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Standard normal distribution function
/// @notice Fixed point with the number of fraction bits in the name: `X40` is 2^40 to the unit.
/// @dev For x >= 0 the upper tail 1 - N(x) is 1 / (2 P(x)^16), P a polynomial of degree 10. The form is Abramowitz and
///      Stegun's 7.1.28 (degree 6, error 3e-7); it needs one division and no exponential.
///      `benchmarks/derive_normal_cdf.py` derives the coefficients by the Remez algorithm and a test holds them to it.
///
///      Absolute error below 4.8e-11, that of the fit; rounding adds less than 1e-14. N(0) is exactly 1/2 and N(-x)
///      exactly 1 - N(x).
library NormalCdf {
    int256 internal constant ONE_X52 = 1 << 52;
    /// @dev Beyond 7 the tail is below 1.3e-12 and taken as 0.
    int256 private constant LIMIT_X40 = 7 << 40;
    int256 private constant HALF_X52 = 1 << 51;

    // P's coefficients, each at the scale its Horner step needs: a product with x adds 40 bits. With |x| <= 7 no
    // partial sum of the first five steps exceeds 2^-13 and none of the last five 5.4, so all of them stay below 2^253.
    int256 private constant C10 = 4_190_568_255;
    int256 private constant C9 = -90_409_922_212_469_015_402_105;
    int256 private constant C8 = 932_101_261_116_123_854_345_841 << 40;
    int256 private constant C7 = -4_619_203_505_569_918_915_426_004 << 80;
    int256 private constant C6 = 17_675_920_264_314_222_505_301_264 << 120;
    int256 private constant C5 = 51_545_943_102_641_541_093_161_838 << 160;
    int256 private constant C4 = 46_290_270_427_553_306_143_854;
    int256 private constant C3 = 4_065_035_536_819_836_569_570_677 << 40;
    int256 private constant C2 = 26_167_287_356_688_535_233_509_196 << 80;
    int256 private constant C1 = 61_733_327_937_376_955_634_265_787 << 120;
    int256 private constant C0 = 1 << 250;

    /// @notice N(x) for any x.
    /// @param x Deviations from the mean, 2^40 to the unit.
    /// @return 2^52 to the unit, within [0, 2^52].
    function cdfX52(int256 x) internal pure returns (int256) {
        unchecked {
            if (uint256(x + LIMIT_X40) > uint256(2 * LIMIT_X40)) return x < 0 ? int256(0) : ONE_X52;
            int256 sign = x >> 255; // 0, or -1 for negative x
            int256 y = (x ^ sign) - sign;
            // 260 bits of scale, cut to 50; then 250, cut to 60.
            int256 p = (((((C10 * y + C9) * y + C8) * y + C7) * y + C6) * y + C5) >> 210;
            p = (((((p * y + C4) * y + C3) * y + C2) * y + C1) * y + C0) >> 190;
            p *= p;
            p = (p * p) >> 190; // P^4 is below 2^10; its 240 bits of scale are cut to 50
            p *= p;
            p *= p; // P^16 is below 2^39, at 200 bits of scale
            assembly ("memory-safe") {
                p := div(shl(251, 1), p) // the tail; P^16 is at least 1, never 0
            }
            p = HALF_X52 - p;
            return HALF_X52 + ((p ^ sign) - sign);
        }
    }
}
