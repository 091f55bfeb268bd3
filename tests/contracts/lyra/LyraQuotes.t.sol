// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";
import {LyraOptionType} from "../../../contracts/book/ILyra.sol";
import {Black76Price} from "../../../contracts/libraries/Black76Price.sol";
import {LyraPricing} from "../../../contracts/venues/lyra/LyraPricing.sol";
import {LyraQuotesStage} from "./LyraQuotesStage.sol";

/// @notice HEDGE-620, HEDGE-626: what the quotes ask of Lyra's pricer, to the unit, and that Lyra then takes and pays as much.
contract LyraQuotesTest is LyraQuotesStage {
    using FixedPointMathLib for uint256;

    uint256 private constant DUST = 1e12; // USD: the errors of two formulas on the sizes here

    function setUp() public override {
        super.setUp();
        // The board's volatility and skews are away from their averages, and the pool has vega.
        _open(0, LyraOptionType.LONG_CALL, 12e18, 0);
        _open(2, LyraOptionType.SHORT_CALL_QUOTE, 9e18, 20_000e18);
        vm.warp(START + 1 days);
        _open(1, LyraOptionType.LONG_PUT, 8e18, 0);
        vm.warp(START + 1 days + 3 hours);
        feed.set(SPOT, block.timestamp, 0);
    }

    function _kind(bool isCall) private pure returns (LyraOptionType) {
        return isCall ? LyraOptionType.LONG_CALL : LyraOptionType.LONG_PUT;
    }

    function _bought(uint256 place, bool isCall, uint256 size) private returns (uint256 positionId, uint256 cost) {
        uint256 before = quoteToken.balanceOf(trader);
        positionId = _open(place, _kind(isCall), size, 0);
        cost = before - quoteToken.balanceOf(trader);
    }

    /// @dev What closing all of it brings, by force where Lyra lets go by force alone.
    function _sold(uint256 place, bool isCall, uint256 positionId, bool isForced) private returns (uint256) {
        uint256 before = quoteToken.balanceOf(trader);
        vm.startPrank(trader);
        if (isForced) {
            market.forceClosePosition(_tradeInput(place, _kind(isCall), _size(positionId), positionId, 0));
        } else {
            market.closePosition(_tradeInput(place, _kind(isCall), _size(positionId), positionId, 0));
        }
        vm.stopPrank();
        return quoteToken.balanceOf(trader) - before;
    }

    function _boardIvNow() private view returns (uint256 iv) {
        (, iv) = (0, quotes.seriesOf(strikes[0], true).baseIv);
    }

    function _priced(Terms memory t, uint256 place, bool isCall) private view {
        Black76Price.Terms memory option = _option(SPOT, _discounted(place), t.vol);
        t.optionPrice = Black76Price.value(option, isCall);
        option.iv = t.iv.mulWad(t.skew);
        (, t.vega) = Black76Price.gammaAndVega(option);
        (t.feeSpot, t.stdVega) = (SPOT, cache.getStrikeCache(strikes[place]).greeks.stdVega);
    }

    // --- quotes -------------------------------------------------------------------------------------------------------

    function test_purchaseAndSale_areWhatLyraTakesAndPays() external {
        for (uint256 i = 0; i < 6; ++i) {
            _buyAndSell(i / 2, i % 2 == 0);
        }
    }

    function _buyAndSell(uint256 place, bool isCall) private {
        Terms memory t = _afterTrade(2e18, _boardIvNow(), _skew(place), true);
        _priced(t, place, isCall);
        uint256 asked = _expectAsked(place, isCall, true, t);
        assertEq(quotes.quote(strikes[place], isCall, 2e18), asked);
        (uint256 id, uint256 cost) = _bought(place, isCall, 2e18);
        assertApproxEqAbs(cost, asked, DUST);
        t = _afterTrade(2e18, _boardIvNow(), _skew(place), false);
        _priced(t, place, isCall);
        uint256 bid = _expectAsked(place, isCall, false, t);
        assertEq(quotes.quote(strikes[place], isCall, -2e18), bid);
        assertApproxEqAbs(_sold(place, isCall, id, false), bid, DUST);
        assertLt(bid, asked);
    }

    function test_sale_afterTheCutoff_isThatOfAForcedClose() external {
        (uint256 id,) = _bought(1, true, 2e18);
        vm.warp(expiry - CUTOFF);
        assertApproxEqAbs(quotes.quote(strikes[1], true, -2e18), _soldAndTakenBack(1, true, id, false), DUST);
        vm.warp(expiry - CUTOFF + 1);
        (uint256 averageIv, uint256 averageSkew) = _averages(1);
        Terms memory t = _afterTrade(2e18, _boardIvNow(), _skew(1), false);
        uint256 vol = FixedPointMathLib.min(_boardIvNow().mulWad(t.skew), averageIv.mulWad(averageSkew));
        _forced(t, _boardIvNow(), vol, 0.5e18);
        _priced(t, 1, true);
        uint256 bid = _expectAsked(1, true, false, t);
        assertEq(quotes.quote(strikes[1], true, -2e18), bid);
        assertApproxEqAbs(_sold(1, true, id, true), bid, DUST);
    }

    function _soldAndTakenBack(uint256 place, bool isCall, uint256 id, bool isForced)
        private
        returns (uint256 brought)
    {
        uint256 snapshot = vm.snapshotState();
        brought = _sold(place, isCall, id, isForced);
        vm.revertToState(snapshot);
    }

    function test_sale_deepInTheMoney_isThatOfAForcedClose_atTheLesserVolatility() external {
        (uint256 id,) = _bought(0, true, 2e18);
        for (uint256 i = 0; i < 2; ++i) {
            // Above its average, then below it: what Lyra takes is the lesser one.
            (uint256 averageIv, uint256 averageSkew) = _averages(0);
            Terms memory t = _afterTrade(2e18, _boardIvNow(), _skew(0), false);
            uint256 present = _boardIvNow().mulWad(t.skew);
            uint256 average = averageIv.mulWad(averageSkew);
            assertEq(present < average, i == 1);
            _forced(t, _boardIvNow(), FixedPointMathLib.min(present, average), 0.8e18);
            _setSpot(2350e18);
            Black76Price.Terms memory option = _option(2350e18, _discounted(0), t.vol);
            t.optionPrice = Black76Price.value(option, true);
            option.iv = t.iv.mulWad(t.skew);
            (, t.vega) = Black76Price.gammaAndVega(option);
            (t.feeSpot, t.stdVega) = (2350e18, cache.getStrikeCache(strikes[0]).greeks.stdVega);
            uint256 bid = _expectAsked(0, true, false, t);
            assertEq(quotes.quote(strikes[0], true, -2e18), bid);
            assertApproxEqAbs(_soldAndTakenBack(0, true, id, true), bid, DUST);
            _setSpot(SPOT);
            if (i == 0) _pushDown();
        }
    }

    function _pushDown() private {
        _open(0, LyraOptionType.SHORT_PUT_QUOTE, 15e18, 25_000e18);
        _open(0, LyraOptionType.SHORT_PUT_QUOTE, 15e18, 25_000e18);
        vm.warp(block.timestamp + 60);
    }

    function test_quote_ofAStrikeOrAnHourThatIsNone_isRefused() external {
        for (uint256 i = 0; i < 2; ++i) {
            uint256 stranger = i == 0 ? 0 : 99;
            vm.expectRevert(abi.encodeWithSelector(LyraPricing.StrikeUnknown.selector, stranger));
            quotes.quote(stranger, true, 1e18);
        }
        vm.warp(expiry - 1);
        assertGt(quotes.quote(strikes[0], true, -1e18), 0);
        vm.warp(expiry);
        vm.expectRevert(abi.encodeWithSelector(LyraPricing.OptionExpired.selector, strikes[0], expiry, expiry));
        quotes.quote(strikes[0], true, -1e18);
        vm.expectRevert(abi.encodeWithSelector(LyraPricing.OptionExpired.selector, strikes[0], expiry, expiry));
        quotes.fairValue(strikes[0], true, SPOT, LyraPricing.Prices(SPOT, SPOT), 0, 0);
    }

    // --- fair value ---------------------------------------------------------------------------------------------------

    function test_fairValue_isBlack76AtTheAverage_andItsEndsAreTheWorstOfAll() external view {
        _assertFair(true);
        _assertFair(false);
    }

    function _assertFair(bool isCall) private view {
        (uint256 iv, uint256 skew) = _averages(1);
        uint256 vol = iv.mulWad(skew);
        assertNotEq(vol, _boardIvNow().mulWad(_skew(1)));
        LyraPricing.Fair memory fair =
            quotes.fairValue(strikes[1], isCall, 1760e18, LyraPricing.Prices(1720e18, 1790e18), 0.05e18, 0.1e18);
        assertEq(fair.middle, Black76Price.value(_option(1760e18, _discounted(1), vol), isCall));
        uint256 carry = uint256(0.1e18) * (expiry - block.timestamp) / 365 days + 1;
        uint256 up = _strike(1).mulWad(1e18 + carry);
        uint256 down = _strike(1).mulWad(1e18 - carry);
        (uint256 cheapStrike, uint256 dearStrike) = isCall ? (up, down) : (down, up);
        (uint256 cheap, uint256 dear) = isCall ? (1720e18, 1790e18) : (1790e18, 1720e18);
        uint256 low = Black76Price.value(_option(cheap, cheapStrike, vol - 0.05e18), isCall);
        assertEq(fair.low, low - Black76Price.errorOf(cheap, cheapStrike));
        uint256 high = Black76Price.value(_option(dear, dearStrike, vol + 0.05e18), isCall);
        assertEq(fair.high, high + Black76Price.errorOf(dear, dearStrike));
    }

    function test_fairValue_toleranceBeyondAllVolatility_leavesWhatItPays() external view {
        LyraPricing.Fair memory fair =
            quotes.fairValue(strikes[0], true, SPOT, LyraPricing.Prices(SPOT, SPOT), type(uint64).max, 0);
        assertApproxEqAbs(fair.low, SPOT - _strike(0), 1e15);
        fair = quotes.fairValue(strikes[2], true, SPOT, LyraPricing.Prices(SPOT, SPOT), type(uint64).max, 0);
        assertEq(fair.low, 0);
    }

    // --- prices -------------------------------------------------------------------------------------------------------

    function _assertPrices(uint256 low, uint256 high) private view {
        LyraPricing.Prices memory found = quotes.prices();
        assertEq(found.low, low);
        assertEq(found.high, high);
    }

    function test_prices_areTheOraclesAndLyrasTogether() external {
        (uint256 low, uint256 high) = (SPOT * 995 / 1000, SPOT * 1005 / 1000);
        _assertPrices(low, high);
        _setSpot(1600e18);
        _assertPrices(1600e18, high);
        _setSpot(1900e18);
        _assertPrices(low, 1900e18);
        assertEq(quotes.spotPrice(), 1900e18);
    }

    function test_prices_whereOneIsSilent_areTheOthers_andWhereBothAreThereIsNone() external {
        _breakSpot();
        _assertPrices(SPOT * 995 / 1000, SPOT * 1005 / 1000);
        _setSpot(1760e18);
        feed.silence(true);
        _assertPrices(1760e18, 1760e18);
        _breakSpot();
        vm.expectRevert(LyraPricing.NoPrice.selector);
        quotes.prices();
    }

    function test_contracts_areThoseOfDeployment() external view {
        assertEq(address(quotes.oracle()), address(oracle));
        assertEq(address(quotes.market()), address(market));
        assertEq(address(quotes.shortCollateral()), address(shortCollateral));
    }

    // --- greeks -------------------------------------------------------------------------------------------------------

    function test_greeks_areThoseOfTheWholePositionAtLyrasVolatility() external {
        (uint256 call,) = _bought(1, true, 2e18 + 1);
        (uint256 put,) = _bought(1, false, 2e18 + 1);
        vm.warp(START + 20 days);
        _assertGreeks(call);
        _assertGreeks(put);
    }

    function _assertGreeks(uint256 id) private view {
        uint256 vol = _boardIvNow().mulWad(_skew(1));
        (uint256 gamma, uint256 vega) = Black76Price.gammaAndVega(_option(1800e18, _discounted(1), vol));
        (uint256 foundGamma, uint256 foundVega) = quotes.greeks(id, 1800e18);
        assertEq(foundGamma, gamma.mulWadUp(2e18 + 1));
        assertEq(foundVega, vega.mulWadUp(2e18 + 1));
        assertGt(gamma, 0);
    }

    function test_greeks_ofWhatIsClosedOrExpired_areNone() external {
        (uint256 closed,) = _bought(1, true, 2e18);
        (uint256 id,) = _bought(1, true, 2e18);
        _sold(1, true, closed, false);
        _assertNoGreeks(closed);
        vm.warp(expiry - 1);
        (uint256 gamma,) = quotes.greeks(id, SPOT);
        assertGt(gamma, 0);
        vm.warp(expiry);
        _assertNoGreeks(id);
        vm.warp(expiry + 1);
        _assertNoGreeks(id);
    }

    function _assertNoGreeks(uint256 id) private view {
        (uint256 gamma, uint256 vega) = quotes.greeks(id, SPOT);
        assertEq(gamma, 0);
        assertEq(vega, 0);
    }

    // --- series and payoff --------------------------------------------------------------------------------------------

    function test_series_isWhatLyraLists() external {
        LyraPricing.Series memory s = quotes.seriesOf(strikes[2], true);
        assertEq(s.strikeId, strikes[2]);
        assertEq(s.boardId, board);
        assertTrue(s.isCall);
        assertEq(s.strike, 2000e18);
        assertEq(s.expiry, expiry);
        assertEq(s.skew, _skew(2));
        assertGt(s.baseIv, 1e18);
        assertEq(s.settledAt, 0);
        vm.warp(expiry);
        _setSpot(1900e18);
        assertEq(quotes.payoff(strikes[1], true, 3e18), 0);
        market.settleExpiredBoard(board);
        assertEq(quotes.seriesOf(strikes[2], false).settledAt, 1900e18);
        assertEq(quotes.payoff(strikes[1], true, 3e18), 450e18);
        assertEq(quotes.payoff(strikes[1], false, 3e18), 0);
        assertEq(quotes.payoff(strikes[2], false, 3e18), 300e18);
    }
}
