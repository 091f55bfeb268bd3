// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IOptionBook} from "../../contracts/interfaces/IOptionBook.sol";
import {Black76} from "../../contracts/libraries/Black76.sol";
import {OptionBook} from "../../contracts/book/OptionBook.sol";
import {OptionBookFixture} from "./support/OptionBookFixture.sol";

/// @notice HEDGE-438, HEDGE-439: the delta interval of a book of legs.
contract OptionBookDeltaTest is OptionBookFixture {
    /// @dev Width of an interval of one volatility, per contract: twice the error bound, 450360 / 2^52, rounded
    ///      outward.
    uint256 private constant WIDTH = 200_000_018;

    // HEDGE-438
    function test_deltaInterval_isZeroWithoutLegs() external view {
        (int256 low, int256 high) = book.deltaInterval(PRICE);
        assertEq(low, 0);
        assertEq(high, 0);
    }

    // HEDGE-438
    function testFuzz_deltaInterval_holdsTheDeltaOfEveryVolatilityInTheInterval(
        IOptionBook.OptionLeg memory added,
        uint256 price,
        uint256 iv
    ) external {
        added = _anyLeg(added);
        _add(added);
        price = bound(price, added.strike / 5 + 1, 5 * added.strike);
        int256 delta = Black76.callDelta(price, added.strike, added.expiry - NOW, bound(iv, added.ivLow, added.ivHigh));
        if (!added.isCall) delta -= 1e18;
        (int256 low, int256 high) = book.deltaInterval(price);
        // `callDelta` rounds down by less than 1: the exact product lies between the two.
        (int256 first, int256 second) = (added.quantity * delta, added.quantity * (delta + 1));
        assertLe(low, (added.quantity > 0 ? second : first) / 1e18 + 1);
        assertGe(high, (added.quantity > 0 ? first : second) / 1e18 - 1);
        assertLe(low, high);
    }

    // HEDGE-438; a short straddle: calls N(d1), puts N(d1) - 1, ends swapped by the sign
    function test_deltaInterval_swapsTheEndsOfShortLegs() external {
        _add(_leg(2500e18, true, 1e18));
        (int256 longLow, int256 longHigh) = book.deltaInterval(2000e18);
        vm.prank(governor);
        book.setQuantity(1, -1e18);
        (int256 low, int256 high) = book.deltaInterval(2000e18);
        assertEq(low, -longHigh);
        assertEq(high, -longLow);
        assertGt(longHigh - longLow, 0.02e18); // out of the money: more volatility, more delta
    }

    // HEDGE-438
    function test_deltaInterval_obeysPutCallParity() external {
        _addSingleIv(2500e18, true, 3e18);
        _addSingleIv(2500e18, false, -3e18);
        (int256 low, int256 high) = book.deltaInterval(2600e18);
        assertLe(low, 3e18);
        assertGe(high, 3e18);
        assertLe(uint256(high - low), 6 * WIDTH);
    }

    // HEDGE-438; independent figures: N(d1) of 30 days, 50 % and 60 %, in double precision
    function test_deltaInterval_matchesFigures() external {
        _add(_leg(2600e18, true, 10e18));
        (int256 low, int256 high) = book.deltaInterval(PRICE);
        assertApproxEqAbs(low, 4.19983066362e18, 2e9);
        assertApproxEqAbs(high, 4.43539746208e18, 2e9);
    }

    // HEDGE-438
    function test_deltaInterval_addsUpLegs() external {
        int256 sumLow;
        int256 sumHigh;
        IOptionBook.OptionLeg[] memory legs = _many(8);
        for (uint256 i; i < legs.length; ++i) {
            OptionBook single = new OptionBook(book.access());
            IOptionBook.OptionLeg[] memory one = new IOptionBook.OptionLeg[](1);
            one[0] = legs[i];
            vm.prank(governor);
            single.addLegs(one);
            (int256 legLow, int256 legHigh) = single.deltaInterval(PRICE);
            (sumLow, sumHigh) = (sumLow + legLow, sumHigh + legHigh);
        }
        vm.prank(governor);
        book.addLegs(legs);
        (int256 low, int256 high) = book.deltaInterval(PRICE);
        assertGe(low, sumLow); // one rounding instead of eight
        assertLe(low, sumLow + 8);
        assertLe(high, sumHigh);
        assertGe(high, sumHigh - 8);
    }

    // HEDGE-439
    function test_deltaInterval_atTheEdgesOfExpiry() external {
        _addSingleIv(2400e18, true, 2e18);
        vm.warp(EXPIRY - 1);
        (int256 low, int256 high) = book.deltaInterval(PRICE);
        assertApproxEqAbs(low, 2e18, 2 * WIDTH);
        assertEq(high, 2e18);
        (low, high) = book.deltaInterval(2400e18);
        assertApproxEqAbs(low, 1e18, 1e14); // at the money to the last second: N(w / 2), w = 8.9e-5
        assertGt(low, 1e18);
        for (uint256 i; i < 2; ++i) {
            vm.warp(EXPIRY + i * 365 days);
            (low, high) = book.deltaInterval(PRICE);
            assertEq(low, 0);
            assertEq(high, 0);
        }
    }

    // HEDGE-439
    function test_deltaInterval_leavesOutExpiredLegsAlone() external {
        _addSingleIv(2400e18, true, 2e18);
        IOptionBook.OptionLeg memory later = _leg(2600e18, false, -1e18);
        later.expiry = EXPIRY + 60 days;
        _add(later);
        _addSingleIv(2450e18, false, 5e18);
        vm.warp(EXPIRY);
        (int256 low, int256 high) = book.deltaInterval(PRICE);
        vm.startPrank(stranger);
        book.removeLeg(1);
        book.removeLeg(3);
        vm.stopPrank();
        (int256 lowAlone, int256 highAlone) = book.deltaInterval(PRICE);
        assertEq(low, lowAlone);
        assertEq(high, highAlone);
        assertGt(low, 0);
    }

    // HEDGE-439
    /// forge-config: default.fuzz.runs = 32
    function testFuzz_deltaInterval_ofAFullBookHasAnAnswerAtAnyPrice(uint256 price) external {
        price = bound(price >> 8, 1, Black76.MAX_PRICE / 10 ** (price % 31));
        uint256 count = book.MAX_LEGS();
        IOptionBook.OptionLeg[] memory legs = _many(count);
        for (uint256 i; i < count; ++i) {
            legs[i].quantity = (i % 2 == 0 ? int256(1) : -1) * int256(book.MAX_QUANTITY());
            legs[i].expiry = NOW + 1 + i * 7 days;
            (legs[i].ivLow, legs[i].ivHigh) = (book.MIN_IV(), book.MAX_IV());
        }
        vm.prank(governor);
        book.addLegs(legs);
        (int256 low, int256 high) = book.deltaInterval(price);
        int256 most = int256(count * book.MAX_QUANTITY());
        assertLe(low, high);
        assertGe(low, -most);
        assertLe(high, most);
    }

    // HEDGE-439
    function test_deltaInterval_isExactDeepInAndOutOfTheMoney() external {
        _addSingleIv(2500e18, true, 7e18);
        (int256 low, int256 high) = book.deltaInterval(1);
        assertEq(low, 0);
        assertApproxEqAbs(high, 0, 7 * WIDTH);
        (low, high) = book.deltaInterval(Black76.MAX_PRICE);
        assertApproxEqAbs(low, 7e18, 7 * WIDTH);
        assertEq(high, 7e18);
    }

    // HEDGE-439
    function test_deltaInterval_revertsIfPriceOutOfRange() external {
        uint256 most = Black76.MAX_PRICE;
        vm.expectRevert(abi.encodeWithSelector(Black76.PriceOutOfRange.selector, 0, 1, most));
        book.deltaInterval(0);
        vm.expectRevert(abi.encodeWithSelector(Black76.PriceOutOfRange.selector, most + 1, 1, most));
        book.deltaInterval(most + 1);
    }
}
