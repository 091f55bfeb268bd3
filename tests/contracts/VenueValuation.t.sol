// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {IPerpVenue} from "../../contracts/interfaces/IPerpVenue.sol";
import {IPriceOracle} from "../../contracts/interfaces/IPriceOracle.sol";
import {VenueValuation} from "../../contracts/libraries/VenueValuation.sol";
import {VenueMeasurement} from "../../contracts/types/Rebalance.sol";

/// @notice HEDGE-002, HEDGE-115, HEDGE-121 and HEDGE-122: what an answer of a venue is worth, and which answers are none.
contract VenueValuationTest is Test {
    uint256 private constant FIELDS = 9;

    // --- an answer ------------------------------------------------------------------------------------------------

    /// @dev 10 units and 1,000 USD at a mark of 2,000; an index of 2,020 that may be 1 % off; the oracle's 2,010.
    function _account(int256 size) private pure returns (IPerpVenue.Account memory) {
        return IPerpVenue.Account(size, 0, 0, 1000e18, 2000e18, 2020e18, 0, 0, 0);
    }

    /// @dev The same with orders that may sell down to 1,980 and buy up to 2,030, for fees of at most 4 USD.
    function _waiting(int256 size, int256 negative, int256 positive)
        private
        pure
        returns (IPerpVenue.Account memory a)
    {
        a = _account(size);
        (a.pendingNegative, a.pendingPositive) = (negative, positive);
        (a.pendingFloor, a.pendingCeiling, a.pendingFee) = (1980e18, 2030e18, 4e18);
    }

    function _reading() private pure returns (IPriceOracle.Reading memory) {
        return IPriceOracle.Reading(2010e18, 2005e18, 2015e18, 0, 100, 0);
    }

    function _value(IPerpVenue.Account memory account, IPriceOracle.Reading memory reading)
        private
        pure
        returns (VenueMeasurement memory m)
    {
        VenueValuation.value(m, account, reading);
    }

    function _assertEquity(VenueMeasurement memory m, int256 low, int256 at, int256 high) private pure {
        assertEq(m.equityLow, low);
        assertEq(m.equity, at);
        assertEq(m.equityHigh, high);
    }

    // HEDGE-115
    function test_value_takesPriceAndSizesAtTheirWorst() external pure {
        VenueMeasurement memory m = _value(_waiting(10e18, -1e18, 3e18), _reading());
        assertEq(m.price, 2010e18);
        assertEq(m.priceLow, 2005e18);
        assertEq(m.priceHigh, 2015e18);
        assertEq(m.sizeLow, 9e18);
        assertEq(m.sizeHigh, 13e18);
        assertEq(m.notional, 13 * 2010e18);
        assertEq(_value(_waiting(-10e18, -1e18, 3e18), _reading()).notional, 11 * 2010e18);
    }

    // HEDGE-002
    function test_value_equityReachesOverMarkIndexAndOracle() external pure {
        IPerpVenue.Account memory account = _account(10e18);
        IPriceOracle.Reading memory reading = _reading();
        // Index 1,999.8 to 2,040.2, mark 2,000, oracle 2,005 to 2,015.
        _assertEquity(_value(account, reading), 998e18, 1100e18, 1402e18);
        _assertEquity(_value(_account(-10e18), reading), 598e18, 900e18, 1002e18);
        account.indexPrice = 2030e18; // from 2,009.7: the mark is the lowest
        _assertEquity(_value(account, reading), 1000e18, 1100e18, 1503e18);
        (reading.low, reading.high) = (1990e18, 2060e18); // the oracle has both ends
        _assertEquity(_value(account, reading), 900e18, 1100e18, 1600e18);
        (account.markPrice, reading.high) = (2100e18, 2015e18); // the mark is the highest
        _assertEquity(_value(account, reading), -100e18, 100e18, 1000e18);
    }

    // HEDGE-115
    function test_value_withoutAPriceTakesTheVenuesIndexAndItsWidth() external pure {
        IPriceOracle.Reading memory reading;
        reading.deviationBps = 100;
        IPerpVenue.Account memory account = _account(10e18);
        account.indexPrice = 2020e18 + 1; // a hundredth of it is rounded up
        VenueMeasurement memory m = _value(account, reading);
        assertEq(m.price, 2020e18 + 1);
        assertEq(m.priceLow, 1999.8e18);
        assertEq(m.priceHigh, 2040.2e18 + 2);
    }

    // HEDGE-002
    function test_value_roundsTheEndsApart() external pure {
        IPriceOracle.Reading memory reading = IPriceOracle.Reading(2000e18 + 1, 2000e18 - 1, 2000e18 + 1, 0, 0, 0);
        IPerpVenue.Account memory account = IPerpVenue.Account(0.5e18, 0, 0, 7, 2000e18, 2000e18, 0, 0, 0);
        _assertEquity(_value(account, reading), 6, 7, 8); // 6.5, 7.5 and 7.5
        account.size = -0.5e18;
        _assertEquity(_value(account, reading), 6, 6, 8); // 6.5, 6.5 and 7.5
    }

    // HEDGE-117
    function test_value_pendingPurchaseCountsItsLimitBelowAndTheBestPriceAbove() external pure {
        // Prices from 1,999.8 to 2,040.2. Flat: bought 3 at 2,030 and worth 1,999.8, or bought at 1,999.8 and worth 2,040.2.
        VenueMeasurement memory m = _value(_waiting(0, 0, 3e18), _reading());
        _assertEquity(m, 1000e18 - 3 * 30.2e18 - 4e18, 1000e18, 1000e18 + 3 * 40.4e18);
        // Long 10, which are worth 2 less at 1,999.8 and 402 more at 2,040.2.
        m = _value(_waiting(10e18, 0, 3e18), _reading());
        _assertEquity(m, 998e18 - 3 * 30.2e18 - 4e18, 1100e18, 1402e18 + 3 * 40.4e18);
    }

    // HEDGE-117
    function test_value_pendingSaleCountsItsLimitBelowAndTheBestPriceAbove() external pure {
        // Flat: sold 3 at 1,980 and owed at 2,040.2, or sold at 2,040.2 and owed at 1,999.8.
        VenueMeasurement memory m = _value(_waiting(0, -3e18, 0), _reading());
        _assertEquity(m, 1000e18 - 3 * 60.2e18 - 4e18, 1000e18, 1000e18 + 3 * 40.4e18);
    }

    // HEDGE-117
    function test_value_pendingCloseIsNoWorseThanThePositionOrItsLimit() external pure {
        // Closed at 1,980, 10 long are worth 20 less each than at the mark: 800. Open, they are worth 998 at the least.
        VenueMeasurement memory m = _value(_waiting(10e18, -10e18, 0), _reading());
        _assertEquity(m, 800e18 - 4e18, 1100e18, 1402e18);
        // A limit above all prices: then the open position is the worse one, and the order would bring what it asks.
        IPerpVenue.Account memory account = _waiting(10e18, -10e18, 0);
        account.pendingFloor = 2100e18;
        _assertEquity(_value(account, _reading()), 998e18 - 4e18, 1100e18, 2000e18);
    }

    // HEDGE-117
    function test_value_ordersOfBothSidesFillInAnyCombination() external pure {
        // Bought 3 at 2,030 and sold 3 at 1,980: 150 are gone, whatever the price.
        VenueMeasurement memory m = _value(_waiting(0, -3e18, 3e18), _reading());
        _assertEquity(m, 1000e18 - 3 * 60.2e18 - 4e18, 1000e18, 1000e18 + 3 * 40.4e18);
        m = _value(_waiting(0, -1e18, 3e18), _reading());
        _assertEquity(m, 1000e18 - 50e18 - 2 * 30.2e18 - 4e18, 1000e18, 1000e18 + 3 * 40.4e18);
    }

    // HEDGE-117
    function testFuzz_value_holdsEveryOutcomeOfAnOrder(
        int96 size,
        int96 left,
        uint256 filled,
        uint256 where,
        uint256 paid
    ) external pure {
        size %= 1e24;
        left %= 1e24;
        IPerpVenue.Account memory account = left < 0 ? _waiting(size, left, 0) : _waiting(size, 0, left);
        VenueMeasurement memory m = _value(account, _reading());
        (uint256 low, uint256 high) = (1999.8e18, 2040.2e18);
        where = low + where % (high - low + 1);
        // What is filled costs no more than the limit and no less than the best price there is.
        paid = left < 0 ? 1980e18 + paid % (high - 1980e18 + 1) : low + paid % (2030e18 - low + 1);
        int256 part = int256(left) * int256(filled % 1001) / 1000;
        int256 change = size * (int256(where) - 2000e18) + part * (int256(where) - int256(paid));
        int256 equity = 1000e18 + change / 1e18;
        assertGe(equity, m.equityLow - 1);
        assertLe(equity, m.equityHigh + 1);
    }

    // --- no answer ------------------------------------------------------------------------------------------------

    // HEDGE-121
    function test_valueSilent_holdsBetweenNothingAndTheLastSize() external pure {
        for (uint256 i; i < 2; ++i) {
            int256 lastSize = i == 0 ? int256(5e18) : -5e18;
            VenueMeasurement memory m = _value(_account(10e18), _reading()); // what an impossible answer has left
            VenueValuation.valueSilent(
                m, lastSize, lastSize, IPriceOracle.Reading(1900e18, 1890e18, 1920e18, 0, 100, 0)
            );
            assertTrue(m.isSilent);
            assertEq(m.sizeLow, i == 0 ? int256(0) : -5e18);
            assertEq(m.sizeHigh, i == 0 ? int256(5e18) : int256(0));
            assertEq(m.price, 1900e18);
            assertEq(m.priceLow, 1890e18);
            assertEq(m.priceHigh, 1920e18);
            assertEq(m.notional, 5 * 1900e18);
            _assertEquity(m, 0, 0, 0);
        }
    }

    // HEDGE-122
    function test_isPossible_everyFieldToItsLimitAndNoFarther() external pure {
        for (uint256 field; field < FIELDS; ++field) {
            int256[FIELDS] memory words = [int256(1e18), 0, 0, 0, 2000e18, 2000e18, 1, 1, 0];
            words[field] = field == 1 ? -int256(1e30) : int256(1e30);
            assertTrue(_isPossible(words));
            words[field] += field == 1 ? -1 : int256(1);
            assertFalse(_isPossible(words));
            if (field != 0 && field != 3) continue;
            words[field] = -1e30;
            assertTrue(_isPossible(words));
            words[field] -= 1;
            assertFalse(_isPossible(words));
        }
    }

    // HEDGE-122
    function test_isPossible_pendingOrdersHaveASide() external pure {
        assertTrue(_isPossible([int256(1e18), -1, 1, 0, 2000e18, 2000e18, 1, 1, 0]));
        assertFalse(_isPossible([int256(1e18), 1, 1, 0, 2000e18, 2000e18, 1, 1, 0]));
        assertFalse(_isPossible([int256(1e18), -1, -1, 0, 2000e18, 2000e18, 1, 1, 0]));
    }

    // HEDGE-122
    function test_isPossible_aPositionHasAMarkAndAnIndex() external pure {
        assertTrue(_isPossible([int256(0), 0, 0, 5, 0, 0, 1, 1, 0]));
        assertTrue(_isPossible([int256(-1), 0, 0, 5, 1, 1, 1, 1, 0]));
        assertFalse(_isPossible([int256(-1), 0, 0, 5, 0, 1, 1, 1, 0]));
        assertFalse(_isPossible([int256(-1), 0, 0, 5, 1, 0, 1, 1, 0]));
    }

    // HEDGE-122
    function test_isPossible_whatMayBuyHasALimitAndWhatMayFillAMark() external pure {
        assertTrue(_isPossible([int256(0), 0, 0, 0, 0, 0, 0, 0, 0]));
        assertTrue(_isPossible([int256(0), -1, 0, 0, 1, 1, 0, 0, 0])); // a sale at any price
        assertTrue(_isPossible([int256(0), 0, 1, 0, 1, 1, 0, 1, 0]));
        assertFalse(_isPossible([int256(0), 0, 1, 0, 1, 1, 0, 0, 0]));
        assertFalse(_isPossible([int256(0), 0, 1, 0, 0, 1, 0, 1, 0]));
        assertFalse(_isPossible([int256(0), -1, 0, 0, 1, 0, 0, 1, 0]));
    }

    // HEDGE-122
    function test_isBounded_everyProductToItsLimitAndNoFarther() external pure {
        for (uint256 sign; sign < 2; ++sign) {
            int256 most = sign == 0 ? int256(1e30) : -1e30;
            int256 beyond = sign == 0 ? most + 1 : most - 1;
            assertTrue(_isBounded(1e30, most, most));
            assertFalse(_isBounded(0, beyond, 0));
            assertFalse(_isBounded(0, 0, beyond));
        }
        assertFalse(_isBounded(1e30 + 1, 0, 0));
    }

    function _isPossible(int256[FIELDS] memory words) private pure returns (bool) {
        return VenueValuation.isPossible(abi.decode(abi.encode(words), (IPerpVenue.Account)));
    }

    function _isBounded(uint256 notional, int256 low, int256 high) private pure returns (bool) {
        VenueMeasurement memory m;
        (m.notional, m.equityLow, m.equityHigh) = (notional, low, high);
        return VenueValuation.isBounded(m);
    }
}
