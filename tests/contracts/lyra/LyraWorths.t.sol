// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";
import {ILyraOptionToken, LyraOptionType} from "../../../contracts/book/ILyra.sol";
import {Black76} from "../../../contracts/libraries/Black76.sol";
import {Black76Price} from "../../../contracts/libraries/Black76Price.sol";
import {ILyraLiquidityPool, ILyraPricer} from "../../../contracts/venues/lyra/ILyraTrading.sol";
import {LyraPricing} from "../../../contracts/venues/lyra/LyraPricing.sol";
import {LyraQuotesStage} from "./LyraQuotesStage.sol";

/// @notice HEDGE-621: what options held are worth at the least and at the most, to the unit, on Lyra's own state.
contract LyraWorthsTest is LyraQuotesStage {
    using FixedPointMathLib for uint256;

    uint256 private constant SIZE = 3e18 + 7;
    LyraPricing.Prices private within = LyraPricing.Prices(1720e18, 1790e18);
    bool private isForcedExpected;
    uint256 private shockExpected = 0.8e18;

    function setUp() public override {
        super.setUp();
        vm.warp(START + 2 days); // as old as Lyra's averages
    }

    function _worth(uint256 id) private view returns (uint256 low, uint256 high) {
        uint256[] memory ids = new uint256[](1);
        ids[0] = id;
        (uint256[] memory lows, uint256[] memory highs) = quotes.worths(ids, within);
        return (lows[0], highs[0]);
    }

    /// @dev Buying it without a fee at the greater volatility, and what Lyra's pricer says of a sale at the lesser one.
    function _expected(uint256 place, bool isCall, uint256 size) private returns (uint256 low, uint256 high) {
        (uint256 averageIv, uint256 averageSkew) = _averages(place);
        (uint256 iv, uint256 skew) = (_boardIv(1), _skew(place));
        uint256 strike = _discounted(place);
        Terms memory t =
            _afterTrade(size, FixedPointMathLib.max(iv, averageIv), FixedPointMathLib.max(skew, averageSkew), true);
        uint256 dear = isCall ? within.high : within.low;
        high = Black76Price.value(_option(dear, strike, t.vol), isCall) + Black76Price.errorOf(dear, strike);
        high = high.mulWadUp(size);
        (iv, skew) = (FixedPointMathLib.min(iv, averageIv), FixedPointMathLib.min(skew, averageSkew));
        t = _afterTrade(size, iv, skew, false);
        if (isForcedExpected) _forced(t, iv, iv.mulWad(t.skew), shockExpected);
        low = _expectedLow(t, place, isCall, strike);
    }

    function _expectedLow(Terms memory t, uint256 place, bool isCall, uint256 strike) private returns (uint256) {
        uint256 cheap = isCall ? within.low : within.high;
        uint256 value = Black76Price.value(_option(cheap, strike, t.vol), isCall);
        t.optionPrice = value.zeroFloorSub(Black76Price.errorOf(cheap, strike));
        uint256 left = expiry - block.timestamp;
        (t.feeSpot, t.vega) = (within.high, Black76Price.peakVega(within.high, left));
        // Lyra's vega of 30 days, in cents, of no less than a day.
        uint256 days30 = FixedPointMathLib.sqrt(30 days * 1e36 / FixedPointMathLib.max(left, 1 days));
        t.stdVega = t.vega.mulWadUp(days30) / 100 + 1;
        return _expectAsked(place, isCall, false, t);
    }

    function _assertWorth(uint256 id, uint256 place, bool isCall) private {
        (uint256 low, uint256 high) = _expected(place, isCall, _size(id));
        (uint256 foundLow, uint256 foundHigh) = _worth(id);
        assertEq(foundLow, low, "low");
        assertEq(foundHigh, high, "high");
    }

    function _hold(uint256 place, bool isCall) private returns (uint256) {
        return _open(place, isCall ? LyraOptionType.LONG_CALL : LyraOptionType.LONG_PUT, SIZE, 0);
    }

    // --- live ---------------------------------------------------------------------------------------------------------

    function test_worth_whileVolatilityRises() external {
        (uint256 call, uint256 put) = (_hold(1, true), _hold(1, false));
        _open(1, LyraOptionType.LONG_CALL, 15e18, 0);
        vm.warp(block.timestamp + 1 hours);
        (uint256 averageIv, uint256 averageSkew) = _averages(1);
        assertGt(_boardIv(1), averageIv);
        assertGt(_skew(1), averageSkew);
        _assertWorth(call, 1, true);
        _assertWorth(put, 1, false);
    }

    function test_worth_whileVolatilityFalls_andThePoolIsLong() external {
        (uint256 call, uint256 put) = (_hold(1, true), _hold(1, false));
        for (uint256 i = 0; i < 3; ++i) {
            _open(1, LyraOptionType.SHORT_PUT_QUOTE, 15e18, 25_000e18);
        }
        vm.warp(block.timestamp + 1 hours);
        (uint256 averageIv, uint256 averageSkew) = _averages(1);
        assertLt(_boardIv(1), averageIv);
        assertLt(_skew(1), averageSkew);
        assertLt(cache.getGlobalCache().netGreeks.netStdVega, 0);
        _assertWorth(call, 1, true);
        _assertWorth(put, 1, false);
    }

    function test_worth_ofTheLastSecond_leavesOutATradeOfThisBlock() external {
        uint256 id = _hold(1, true);
        vm.warp(block.timestamp + 1 days);
        (, uint256 before) = _worth(id);
        _open(0, LyraOptionType.LONG_CALL, 15e18, 0); // the board's volatility, another strike's skew
        (, uint256 pushed) = _worth(id);
        assertApproxEqRel(pushed, before, 1e12);
    }

    function test_worth_inTheLastDay_hasTheVegaOfADay() external {
        uint256 id = _hold(1, true);
        for (uint256 i = 0; i < 3; ++i) {
            _open(1, LyraOptionType.SHORT_PUT_QUOTE, 15e18, 25_000e18);
        }
        vm.warp(expiry - 20 hours);
        _assertWorth(id, 1, true);
    }

    function test_worth_ofWhatIsWorthLessThanTheFormulasError_isNothing() external {
        uint256 id = _hold(2, true);
        vm.warp(expiry - 60);
        (isForcedExpected, shockExpected) = (true, 0.5e18);
        _assertWorth(id, 2, true);
        (uint256 low,) = _worth(id);
        assertEq(low, 0);
    }

    // --- by force alone -----------------------------------------------------------------------------------------------

    function test_worth_atTheCutoff_andASecondAfter() external {
        uint256 id = _hold(1, true);
        vm.warp(expiry - CUTOFF);
        _assertWorth(id, 1, true);
        vm.warp(expiry - CUTOFF + 1);
        (isForcedExpected, shockExpected) = (true, 0.5e18);
        _assertWorth(id, 1, true);
    }

    function test_worth_atTheCutoff_ofWhatIsForcedForItsDelta_isAtTheLesserShock() external {
        uint256 id = _hold(1, true);
        within = LyraPricing.Prices(2400e18, 2500e18);
        isForcedExpected = true;
        vm.warp(expiry - CUTOFF);
        _assertWorth(id, 1, true);
        shockExpected = 0.5e18;
        vm.warp(expiry - CUTOFF + 1);
        _assertWorth(id, 1, true);
    }

    /// @dev Volatilities of a sale of all of it while nothing else has moved them.
    function _afterSale() private view returns (uint256 iv, uint256 skew) {
        (uint256 averageIv, uint256 averageSkew) = _averages(1);
        iv = FixedPointMathLib.min(_boardIv(1), averageIv);
        Terms memory t = _afterTrade(SIZE, iv, FixedPointMathLib.min(_skew(1), averageSkew), false);
        return (t.iv, t.skew);
    }

    /// @dev 0: volatility, 1: base, 2: skew.
    function _limit(uint256 field, uint256 limit) private {
        ILyraPricer.TradeLimitParameters memory limits = pricer.getTradeLimitParams();
        (limits.minVol, limits.minBaseIV, limits.minSkew) = (0, 0, 0);
        if (field == 0) limits.minVol = limit;
        if (field == 1) limits.minBaseIV = limit;
        if (field == 2) limits.minSkew = limit;
        vm.mockCall(address(pricer), abi.encodeCall(pricer.getTradeLimitParams, ()), abi.encode(limits));
    }

    function test_worth_whereTheSaleReachesLyrasLeastVolatility_andAUnitBelow() external {
        uint256 id = _hold(1, true);
        vm.warp(block.timestamp + 1 hours);
        (uint256 iv, uint256 skew) = _afterSale();
        uint256[3] memory reached = [iv.mulWad(skew), iv, skew];
        for (uint256 i = 0; i < 3; ++i) {
            _limit(i, reached[i]);
            isForcedExpected = false;
            _assertWorth(id, 1, true);
            _limit(i, reached[i] + 1);
            isForcedExpected = true;
            _assertWorth(id, 1, true);
        }
    }

    function test_worth_whereTheSaleWouldLeaveNoVolatility_isByForce() external {
        uint256 id = _hold(1, true);
        ILyraPricer.PricingParameters memory pricing = _pricing();
        pricing.standardSize = 0.01e18; // a size of 3 takes 300 points, and more than all skew
        vm.mockCall(address(pricer), abi.encodeCall(pricer.getPricingParams, ()), abi.encode(pricing));
        _limit(3, 0);
        vm.mockCall(address(pricer), abi.encodeWithSelector(pricer.getTradeResult.selector), abi.encode(_result(77)));
        (uint256 low,) = _worth(id);
        assertEq(low, 77);
        vm.expectCall(address(pricer), _askedByForce());
        _worth(id);
    }

    function _result(uint256 totalCost) private pure returns (ILyraPricer.TradeResult memory result) {
        result.totalCost = totalCost;
    }

    /// @dev The first words of what is asked: not a purchase, by force.
    function _askedByForce() private view returns (bytes memory) {
        return abi.encodeWithSelector(pricer.getTradeResult.selector, false, true);
    }

    function _minDelta(int256 limit) private {
        ILyraPricer.TradeLimitParameters memory limits = pricer.getTradeLimitParams();
        limits.minDelta = limit;
        vm.mockCall(address(pricer), abi.encodeCall(pricer.getTradeLimitParams, ()), abi.encode(limits));
    }

    function test_worth_whereDeltaReachesLyrasRange_atTheLowerPrice() external {
        uint256 id = _hold(1, true);
        vm.warp(block.timestamp + 1 hours);
        within = LyraPricing.Prices(1300e18, 1790e18); // the lower end is the nearer to a limit
        (uint256 iv, uint256 skew) = _afterSale();
        uint256 left = expiry - block.timestamp;
        int256 delta = Black76.callDelta(1300e18, _discounted(1), left, iv.mulWad(skew));
        _assertForcedBeyond(id, delta);
    }

    function test_worth_whereDeltaReachesLyrasRange_atTheHigherPrice() external {
        uint256 id = _hold(1, true);
        vm.warp(block.timestamp + 1 hours);
        within = LyraPricing.Prices(1720e18, 2500e18);
        (uint256 iv, uint256 skew) = _afterSale();
        uint256 left = expiry - block.timestamp;
        int256 delta = Black76.callDelta(2500e18, _discounted(1), left, iv.mulWad(skew));
        _assertForcedBeyond(id, 1e18 - delta);
    }

    function _assertForcedBeyond(uint256 id, int256 delta) private {
        _minDelta(delta);
        isForcedExpected = false;
        _assertWorth(id, 1, true);
        _minDelta(delta + 1);
        isForcedExpected = true;
        _assertWorth(id, 1, true);
    }

    // --- several, none ------------------------------------------------------------------------------------------------

    function test_worths_ofSeveral_areEachItsOwn_andOfThoseThatAreClosedNothing() external {
        uint256[] memory ids = new uint256[](4);
        ids[0] = _hold(0, true);
        ids[1] = _hold(1, true);
        ids[2] = _hold(1, false);
        ids[3] = _hold(2, true);
        _close(1, LyraOptionType.LONG_CALL, SIZE, ids[1]);
        vm.warp(block.timestamp + 1 hours);
        (uint256[] memory lows, uint256[] memory highs) = quotes.worths(ids, within);
        assertEq(lows.length, 4);
        uint256[4] memory places = [uint256(0), 1, 1, 2];
        for (uint256 i = 0; i < 4; ++i) {
            if (i == 1) continue;
            (uint256 low, uint256 high) = _expected(places[i], i != 2, SIZE);
            assertEq(lows[i], low);
            assertEq(highs[i], high);
        }
        quotes.worths(ids, within);
        assertEq(lows[1], 0);
        assertEq(highs[1], 0);
    }

    function test_worth_ofAPositionThatIsActiveAndEmpty_isNothing() external {
        uint256 id = _hold(1, true);
        ILyraOptionToken.OptionPosition memory held = optionToken.getOptionPosition(id);
        held.amount = 0;
        vm.mockCall(address(optionToken), abi.encodeCall(optionToken.getOptionPosition, (id)), abi.encode(held));
        vm.mockCallRevert(address(market), abi.encodeWithSelector(market.getStrike.selector), "not asked");
        (uint256 low, uint256 high) = _worth(id);
        assertEq(low, 0);
        assertEq(high, 0);
    }

    // --- expired ------------------------------------------------------------------------------------------------------

    function test_worth_ofExpiredOptions_isWhatTheyPayAtAnyOfThePrices_untilLyraHasSettled() external {
        uint256 call = _hold(0, true);
        uint256 put = _hold(2, false);
        vm.warp(expiry);
        (uint256 low, uint256 high) = _worth(call);
        assertEq(low, SIZE.mulWad(220e18));
        assertEq(high, SIZE.mulWadUp(290e18));
        (low, high) = _worth(put);
        assertEq(low, SIZE.mulWad(210e18));
        assertEq(high, SIZE.mulWadUp(280e18));
        _setSpot(1800e18 + 1);
        market.settleExpiredBoard(board);
        (low, high) = _worth(call);
        assertEq(low, SIZE.mulWad(300e18 + 1));
        assertEq(high, low);
        _settlePositions(call);
        (low, high) = _worth(call);
        assertEq(high, 0);
    }
}
