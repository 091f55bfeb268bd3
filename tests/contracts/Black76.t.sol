// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {Black76} from "../../contracts/libraries/Black76.sol";
import {NormalCdf} from "../../contracts/libraries/NormalCdf.sol";
import {Black76Harness} from "./support/Black76Harness.sol";

/// @notice HEDGE-421 .. HEDGE-425: the delta of one option. Its error over the whole domain is held to the reference by
///         tests/integration/test_onchain_delta.py.
contract Black76Test is Test {
    int256 private constant ONE_X52 = 2 ** 52;
    int256 private constant ONE_X40 = 2 ** 40;
    int256 private constant FIT_ERROR_X52 = 216_172; // 4.8e-11
    uint256 private constant MAX_TAU = 3650 days;
    uint256 private constant MIN_IV = 0.01e18;
    uint256 private constant MAX_IV = 5e18;

    Black76Harness private harness = new Black76Harness();

    // HEDGE-421; values of the series 26.2.11 of Abramowitz and Stegun in 60 digits
    function test_cdf_matchesSeries() external view {
        assertApproxEqAbs(harness.cdf(ONE_X40 / 8), 2_475_800_864_496_214, uint256(FIT_ERROR_X52));
        assertApproxEqAbs(harness.cdf(ONE_X40 / 2), 3_114_070_082_934_331, uint256(FIT_ERROR_X52));
        assertApproxEqAbs(harness.cdf(ONE_X40), 3_789_079_884_884_415, uint256(FIT_ERROR_X52));
        assertApproxEqAbs(harness.cdf(2 * ONE_X40), 4_401_142_141_606_047, uint256(FIT_ERROR_X52));
        assertApproxEqAbs(harness.cdf(3 * ONE_X40), 4_497_520_227_098_259, uint256(FIT_ERROR_X52));
        assertApproxEqAbs(harness.cdf(5 * ONE_X40), 4_503_598_336_406_584, uint256(FIT_ERROR_X52));
        assertApproxEqAbs(harness.cdf(55 * ONE_X40 / 8), 4_503_599_627_356_537, uint256(FIT_ERROR_X52));
    }

    // HEDGE-421
    function test_cdf_isExactlyHalfAtZero() external view {
        assertEq(harness.cdf(0), ONE_X52 / 2);
    }

    // HEDGE-421
    function testFuzz_cdf_isSymmetric(int256 x) external view {
        x = bound(x, -8 * ONE_X40, 8 * ONE_X40);
        assertEq(harness.cdf(x) + harness.cdf(-x), ONE_X52);
    }

    // HEDGE-421
    function testFuzz_cdf_isMonotoneUpToItsError(int256 x, int256 y) external view {
        x = bound(x, -8 * ONE_X40, 8 * ONE_X40);
        y = bound(y, x, 8 * ONE_X40);
        assertLe(harness.cdf(x), harness.cdf(y) + 2 * FIT_ERROR_X52);
    }

    // HEDGE-422
    function test_cdf_saturatesFarOut() external view {
        int256 last = 7 * ONE_X40;
        assertLe(harness.cdf(-last), FIT_ERROR_X52);
        assertGt(harness.cdf(-last), 0);
        assertEq(harness.cdf(-last - 1), 0);
        assertEq(harness.cdf(last + 1), ONE_X52);
        assertEq(harness.cdf(type(int256).min), 0);
        assertEq(harness.cdf(type(int256).max), ONE_X52);
    }

    // HEDGE-422
    function testFuzz_callDelta_saturatesInsteadOfReverting(uint256 price, uint256 strike, uint256 tau, uint256 iv)
        external
        view
    {
        price = _price(price);
        strike = _price(strike);
        int256 delta = harness.callDelta(price, strike, bound(tau, 0, MAX_TAU), bound(iv, MIN_IV, MAX_IV));
        assertGe(delta, 0);
        assertLe(delta, 1e18);
    }

    // HEDGE-422
    function test_callDelta_isZeroOrOneDeepBeyond() external view {
        assertEq(harness.callDelta(1, Black76.MAX_PRICE, 30 days, 1e18), 0);
        assertEq(harness.callDelta(Black76.MAX_PRICE, 1, 30 days, 1e18), 1e18);
        assertEq(harness.callDelta(2499e18, 2500e18, 1, MIN_IV), 0);
        assertEq(harness.callDelta(2501e18, 2500e18, 1, MIN_IV), 1e18);
    }

    // HEDGE-423
    function test_callDelta_isHalfAtTheMoneyInTheLastSecond() external view {
        assertApproxEqAbs(harness.callDelta(2500e18, 2500e18, 1, MIN_IV), 0.5e18, 1e12);
    }

    // HEDGE-423
    function test_callDelta_isZeroAtExpiry() external view {
        assertEq(harness.callDelta(5000e18, 2500e18, 0, 1e18), 0);
    }

    // HEDGE-421
    function test_lnPrice_revertsIfPriceOutOfRange() external {
        uint256 maxPrice = Black76.MAX_PRICE;
        uint256[] memory prices = new uint256[](1);
        for (uint256 i; i < 2; ++i) {
            prices[0] = i == 0 ? 0 : maxPrice + 1;
            vm.expectRevert(abi.encodeWithSelector(Black76.PriceOutOfRange.selector, prices[0], 1, maxPrice));
            harness.lnPrices(prices);
        }
    }

    // HEDGE-421
    function test_callDelta_revertsIfPriceOrStrikeOutOfRange() external {
        uint256 maxPrice = Black76.MAX_PRICE;
        vm.expectRevert(abi.encodeWithSelector(Black76.PriceOutOfRange.selector, 0, 1, maxPrice));
        harness.callDelta(0, 1e18, 1, 1e18);
        vm.expectRevert(abi.encodeWithSelector(Black76.PriceOutOfRange.selector, maxPrice + 1, 1, maxPrice));
        harness.callDelta(1e18, maxPrice + 1, 1, 1e18);
    }

    // HEDGE-424
    function testFuzz_callDeltaBounds_holdEveryVolatilityBetween(
        uint256 price,
        uint256 strike,
        uint256 tau,
        uint256 ivLow,
        uint256 ivHigh,
        uint256 iv
    ) external view {
        strike = bound(strike, 1e18, 1e24);
        price = bound(price, strike / 5, 5 * strike);
        _assertHeld(price, strike, bound(tau, 1, MAX_TAU), ivLow, ivHigh, iv);
    }

    // HEDGE-424; prices just above the strike, where the delta falls and rises between the volatilities
    function testFuzz_callDeltaBounds_holdTheMinimumBetween(
        uint256 excess,
        uint256 tau,
        uint256 ivLow,
        uint256 ivHigh,
        uint256 iv
    ) external view {
        uint256 strike = 2500e18;
        tau = bound(tau, 1, MAX_TAU);
        _assertHeld(strike + bound(excess, 0, strike * tau / MAX_TAU), strike, tau, ivLow, ivHigh, iv);
    }

    // HEDGE-424; F/K = exp(0.02): d1 is least, 0.2, where w = 0.2, at 20 % for one year
    function test_callDeltaBounds_findTheMinimumBetweenTheVolatilities() external view {
        uint256 price = 2500e18 * 1.02020134002675581e18 / 1e18;
        (int256 low, int256 high) = _bounds(price, 365 days, 0.1e18, 0.4e18);
        // N(0.2) = 0.579259709439, N(0.25) = 0.598706325683 at both ends
        assertApproxEqAbs(low, 0.579259709439e12 * ONE_X52 / 1e12, 1e6);
        assertApproxEqAbs(high, 0.598706325683e12 * ONE_X52 / 1e12, 1e6);
    }

    // HEDGE-424; the same price, the minimum left or right of the interval: the ends rule
    function test_callDeltaBounds_takeTheEndsWhereTheDeltaOnlyRisesOrFalls() external view {
        uint256 price = 2500e18 * 1.02020134002675581e18 / 1e18;
        (int256 low, int256 high) = _bounds(price, 365 days, 0.05e18, 0.1e18);
        assertApproxEqAbs(low, 0.598706325683e12 * ONE_X52 / 1e12, 1e6); // N(0.25)
        assertApproxEqAbs(high, 0.66458166263e12 * ONE_X52 / 1e12, 1e6); // N(0.425)
        (low, high) = _bounds(price, 365 days, 0.4e18, 0.8e18);
        assertApproxEqAbs(low, 0.598706325683e12 * ONE_X52 / 1e12, 1e6);
        assertApproxEqAbs(high, 0.66458166263e12 * ONE_X52 / 1e12, 1e6);
    }

    // HEDGE-425
    function testFuzz_callDeltaBounds_areAsWideAsTheirErrorForOneVolatility(uint256 price, uint256 tau, uint256 iv)
        external
        view
    {
        iv = bound(iv, MIN_IV, MAX_IV);
        (int256 low, int256 high) = _bounds(bound(price, 500e18, 12_500e18), bound(tau, 1, MAX_TAU), iv, iv);
        bool isCut = low == 0 || high == ONE_X52; // by the ends of [0, 1]
        if (isCut) assertLe(high - low, 2 * Black76.DELTA_ERROR_X52);
        else assertEq(high - low, 2 * Black76.DELTA_ERROR_X52);
        assertGe(low, 0);
        assertLe(high, ONE_X52);
    }

    // HEDGE-425
    function test_deltaErrorBound_isOneTenBillionth() external pure {
        assertEq(Black76.DELTA_ERROR_X52 * 1e10 / ONE_X52, 1);
        assertEq((Black76.DELTA_ERROR_X52 - 1) * 1e10 / ONE_X52, 0);
        assertGe(Black76.DELTA_ERROR_X52, 2 * FIT_ERROR_X52);
        assertEq(NormalCdf.ONE_X52, ONE_X52);
    }

    function _assertHeld(uint256 price, uint256 strike, uint256 tau, uint256 ivLow, uint256 ivHigh, uint256 iv)
        private
        view
    {
        ivLow = bound(ivLow, MIN_IV, MAX_IV);
        ivHigh = bound(ivHigh, ivLow, MAX_IV);
        iv = bound(iv, ivLow, ivHigh);
        (int256 low, int256 high) = harness.callDeltaBounds(Black76Harness.Option(price, strike, tau, ivLow, ivHigh));
        int256 delta = harness.callDelta(price, strike, tau, iv);
        assertLe(low * 1e18, (delta + 1) << 52); // `callDelta` rounds down
        assertGe(high * 1e18, delta << 52);
    }

    function _bounds(uint256 price, uint256 tau, uint256 ivLow, uint256 ivHigh)
        private
        view
        returns (int256 low, int256 high)
    {
        return harness.callDeltaBounds(Black76Harness.Option(price, 2500e18, tau, ivLow, ivHigh));
    }

    /// @dev Every order of magnitude is equally likely.
    function _price(uint256 seed) private pure returns (uint256) {
        return bound(seed >> 8, 1, Black76.MAX_PRICE / 10 ** (seed % 31));
    }
}
