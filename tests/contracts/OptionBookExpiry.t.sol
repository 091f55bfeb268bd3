// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IOptionBook} from "../../contracts/interfaces/IOptionBook.sol";
import {OptionBookFixture} from "./support/OptionBookFixture.sol";

/// @notice HEDGE-440, HEDGE-483: how expired legs make room, and legs that settle on an average.
contract OptionBookExpiryTest is OptionBookFixture {
    // --- expired legs ---------------------------------------------------------------------------------------------

    // HEDGE-440
    function test_removeExpired_byAnyone_takesExpiredLegsAlone() external {
        IOptionBook.OptionLeg[] memory legs = _many(7);
        vm.prank(governor);
        book.addLegs(legs);
        vm.warp(EXPIRY);
        vm.prank(stranger);
        assertEq(book.removeExpired(100), 4);
        uint256[] memory left = book.legIds();
        assertEq(left.length, 3);
        for (uint256 i; i < 3; ++i) {
            assertEq(left[i] % 2, 0);
            assertEq(keccak256(abi.encode(book.leg(left[i]))), keccak256(abi.encode(legs[left[i] - 1])));
        }
        assertEq(book.removeExpired(100), 0);
    }

    // HEDGE-440
    function test_removeExpired_inBatches_reachesEveryLeg() external {
        _fill();
        vm.warp(EXPIRY + 30 days);
        uint256 calls;
        while (book.legIds().length != 0) {
            assertGt(book.removeExpired(50), 0);
            ++calls;
        }
        assertEq(calls, 3);
        assertEq(book.removeExpired(0), 0);
    }

    // HEDGE-440
    function test_removeExpired_emitsEveryLeg() external {
        IOptionBook.OptionLeg memory added = _call(2500e18);
        uint256 legId = _add(added);
        vm.warp(EXPIRY);
        vm.expectEmit(address(book));
        emit IOptionBook.LegRemoved(legId, added);
        book.removeExpired(1);
    }

    // HEDGE-440
    function test_addLegs_intoABookFullOfExpiredLegs_makesRoom() external {
        _fill();
        vm.warp(EXPIRY);
        IOptionBook.OptionLeg memory added = _call(2500e18);
        added.expiry = EXPIRY + 1 days;
        uint256 legId = _add(added);
        assertEq(legId, 129);
        assertEq(book.legIds().length, 65);
        assertEq(keccak256(abi.encode(book.leg(legId))), keccak256(abi.encode(added)));
    }

    // HEDGE-440
    function test_addLegs_intoABookFullOfLiveLegs_revertsAndRemovesNone() external {
        _fill();
        IOptionBook.OptionLeg[] memory legs = _many(1);
        vm.expectRevert(abi.encodeWithSelector(IOptionBook.TooManyLegs.selector, 129, 128));
        vm.prank(governor);
        book.addLegs(legs);
        assertEq(book.legIds().length, 128);
    }

    // --- settlement on an average ---------------------------------------------------------------------------------

    // HEDGE-483
    function test_settlementWindow_intervalShrinksWithTheShareToCome() external {
        _addSingleIv(2000e18, true, 1e18);
        _setWindow(30 minutes);
        vm.warp(EXPIRY - 30 minutes);
        (int256 low, int256 high) = book.deltaInterval(PRICE);
        assertApproxEqAbs(low, 1e18, 1e9); // the window has just opened: the ordinary delta, deep in the money
        assertApproxEqAbs(high, 1e18, 1e9);
        vm.warp(EXPIRY - 10 minutes);
        (low, high) = book.deltaInterval(PRICE);
        assertEq(low, 0);
        assertApproxEqAbs(high, int256(1e18) / 3, 1e3);
        assertGe(high, int256(1e18) / 3);
        vm.warp(EXPIRY);
        (low, high) = book.deltaInterval(PRICE);
        assertEq(low, 0);
        assertEq(high, 0);
    }

    // HEDGE-483
    function test_settlementWindow_putsAndShortLegs_haveTheirSigns() external {
        _setWindow(30 minutes);
        _addSingleIv(2500e18, false, 2e18);
        vm.warp(EXPIRY - 15 minutes);
        (int256 low, int256 high) = book.deltaInterval(PRICE);
        assertApproxEqAbs(low, -1e18, 1e3);
        assertEq(high, 0);
        vm.warp(NOW);
        _addSingleIv(2500e18, false, -2e18);
        _addSingleIv(2500e18, true, -4e18);
        vm.warp(EXPIRY - 15 minutes);
        (low, high) = book.deltaInterval(PRICE);
        assertApproxEqAbs(low, -3e18, 1e4);
        assertApproxEqAbs(high, 1e18, 1e4);
    }

    /// @dev The payoff of an average whose first part is known: its delta is the share to come, or 0 out of the money.
    // HEDGE-483
    function testFuzz_settlementWindow_holdsTheDeltaOfAnyAverage(uint256 averageSoFar, uint256 left) external {
        _setWindow(30 minutes);
        _addSingleIv(2500e18, true, 1e18);
        left = bound(left, 1, 30 minutes - 1);
        averageSoFar = bound(averageSoFar, 1e18, 10_000e18);
        vm.warp(EXPIRY - left);
        (int256 low, int256 high) = book.deltaInterval(PRICE);
        int256 delta = _payoff(PRICE + 1e15, averageSoFar, left) - _payoff(PRICE - 1e15, averageSoFar, left);
        delta = delta * 1e18 / 2e15;
        assertLe(low, delta);
        assertGe(high + 1e4, delta); // two payoffs, each rounded to a wei, over a bump of 2e15
    }

    // HEDGE-483
    function test_settlementWindow_otherLegs_keepTheirDelta() external {
        IOptionBook.OptionLeg memory later = _call(2500e18);
        later.expiry += 1 days;
        _add(later);
        vm.warp(EXPIRY - 10 minutes);
        (int256 lowBefore, int256 highBefore) = book.deltaInterval(PRICE);
        _setWindow(30 minutes);
        (int256 low, int256 high) = book.deltaInterval(PRICE);
        assertEq(low, lowBefore);
        assertEq(high, highBefore);
    }

    // HEDGE-483
    function test_setSettlementWindow_governorAlone_andBounded() external {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger));
        vm.prank(stranger);
        book.setSettlementWindow(30 minutes);
        vm.startPrank(governor);
        vm.expectRevert(abi.encodeWithSelector(IOptionBook.SettlementWindowTooLong.selector, 1 hours + 1, 1 hours));
        book.setSettlementWindow(1 hours + 1);
        vm.expectEmit(address(book));
        emit IOptionBook.SettlementWindowSet(0, 30 minutes);
        book.setSettlementWindow(30 minutes);
        vm.stopPrank();
        assertEq(book.settlementWindow(), 30 minutes);
    }

    function _fill() private {
        IOptionBook.OptionLeg[] memory legs = _many(128);
        vm.prank(governor);
        book.addLegs(legs);
    }

    function _setWindow(uint256 window) private {
        vm.prank(governor);
        book.setSettlementWindow(window);
    }

    /// @dev max(A - 2500, 0) for the average A of what is known and of `price` until expiry.
    function _payoff(uint256 price, uint256 averageSoFar, uint256 left) private pure returns (int256) {
        uint256 average = (averageSoFar * (30 minutes - left) + price * left) / 30 minutes;
        return average > 2500e18 ? int256(average - 2500e18) : int256(0);
    }
}
