// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {IPerpVenue} from "../../contracts/interfaces/IPerpVenue.sol";
import {IPriceOracle} from "../../contracts/interfaces/IPriceOracle.sol";
import {VenueValuation} from "../../contracts/libraries/VenueValuation.sol";
import {VenueMeasurement} from "../../contracts/types/Rebalance.sol";

/// @notice HEDGE-002, HEDGE-115, HEDGE-121 and HEDGE-122: what an answer of a venue is worth, and which answers are none.
contract VenueValuationTest is Test {
    uint256 private constant FIELDS = 6;

    // --- an answer ------------------------------------------------------------------------------------------------

    /// @dev 10 units and 1,000 USD at a mark of 2,000; an index of 2,020 that may be 1 % off; the oracle's 2,010.
    function _account(int256 size) private pure returns (IPerpVenue.Account memory) {
        return IPerpVenue.Account(size, -1e18, 3e18, 1000e18, 2000e18, 2020e18);
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
        VenueMeasurement memory m = _value(_account(10e18), _reading());
        assertEq(m.price, 2010e18);
        assertEq(m.priceLow, 2005e18);
        assertEq(m.priceHigh, 2015e18);
        assertEq(m.sizeLow, 9e18);
        assertEq(m.sizeHigh, 13e18);
        assertEq(m.notional, 13 * 2010e18);
        assertEq(_value(_account(-10e18), _reading()).notional, 11 * 2010e18);
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
        IPerpVenue.Account memory account = IPerpVenue.Account(0.5e18, 0, 0, 7, 2000e18, 2000e18);
        _assertEquity(_value(account, reading), 6, 7, 8); // 6.5, 7.5 and 7.5
        account.size = -0.5e18;
        _assertEquity(_value(account, reading), 6, 6, 8); // 6.5, 6.5 and 7.5
    }

    // --- no answer ------------------------------------------------------------------------------------------------

    // HEDGE-121
    function test_valueSilent_holdsBetweenNothingAndTheLastSize() external pure {
        for (uint256 i; i < 2; ++i) {
            int256 lastSize = i == 0 ? int256(5e18) : -5e18;
            VenueMeasurement memory m = _value(_account(10e18), _reading()); // what an impossible answer has left
            VenueValuation.valueSilent(m, lastSize, IPriceOracle.Reading(1900e18, 1890e18, 1920e18, 0, 100, 0));
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
            int256[FIELDS] memory words = [int256(1e18), 0, 0, 0, 2000e18, 2000e18];
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
        assertTrue(_isPossible([int256(1e18), -1, 1, 0, 2000e18, 2000e18]));
        assertFalse(_isPossible([int256(1e18), 1, 1, 0, 2000e18, 2000e18]));
        assertFalse(_isPossible([int256(1e18), -1, -1, 0, 2000e18, 2000e18]));
    }

    // HEDGE-122
    function test_isPossible_aPositionHasAMarkAndAnIndex() external pure {
        assertTrue(_isPossible([int256(0), 0, 0, 5, 0, 0]));
        assertTrue(_isPossible([int256(-1), 0, 0, 5, 1, 1]));
        assertFalse(_isPossible([int256(-1), 0, 0, 5, 0, 1]));
        assertFalse(_isPossible([int256(-1), 0, 0, 5, 1, 0]));
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
