// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {Black76Price} from "../../contracts/libraries/Black76Price.sol";

/// @notice Value, gamma and vega against the closed formula worked out to 50 digits, by series, outside the chain.
contract Black76PriceTest is Test {
    struct Expected {
        uint256 call;
        uint256 put;
        uint256 gamma;
        uint256 vega;
    }

    function _check(uint256 price, uint256 strike, uint256 tau, uint256 iv, Expected memory expected) private pure {
        Black76Price.Terms memory terms = Black76Price.Terms(price * 1e18, strike * 1e18, tau, iv);
        uint256 most = (price + strike) * 1e8 + 1; // 1e-10 of both and a unit
        assertEq(Black76Price.errorOf(terms.price, terms.strike), most);
        assertApproxEqAbs(Black76Price.value(terms, true), expected.call, most);
        assertApproxEqAbs(Black76Price.value(terms, false), expected.put, most);
        (uint256 gamma, uint256 vega) = Black76Price.gammaAndVega(terms);
        assertApproxEqAbs(gamma, expected.gamma, expected.gamma / 1e12 + 1000);
        assertApproxEqAbs(vega, expected.vega, expected.vega / 1e12 + 1e4);
        assertLe(vega, Black76Price.peakVega(terms.price, tau));
    }

    function test_optionsOfEveryKind_areWorthTheClosedFormula() external pure {
        _check(2000, 1800, 30 days, 0.8e18, _month());
        _check(2000, 2000, 1 days, 0.5e18, _day());
        _check(1500, 3000, 90 days, 1.2e18, _quarter());
        _check(100, 120, 365 days, 2e18, _year());
        _check(2000, 1950, 1 hours, 0.3e18, Expected(50_000_000_000_000_001_095, 1095, 1741, 238_457));
        _check(3000, 1000, 30 days, 0.05e18, Expected(2000e18, 0, 0, 0));
    }

    function _month() private pure returns (Expected memory e) {
        (e.call, e.put) = (291_355_902_666_042_256_050, 91_355_902_666_042_256_050);
        (e.gamma, e.vega) = (737_592_660_637_644, 193_996_973_756_750_172_354);
    }

    function _day() private pure returns (Expected memory e) {
        (e.call, e.put) = (20_880_997_408_903_852_417, 20_880_997_408_903_852_417);
        (e.gamma, e.vega) = (7_621_129_043_402_454, 41_759_611_196_725_776_693);
    }

    function _quarter() private pure returns (Expected memory e) {
        (e.call, e.put) = (74_204_990_392_119_350_903, 1_574_204_990_392_119_350_903);
        (e.gamma, e.vega) = (306_954_675_696_379, 204_356_126_559_506_945_349);
    }

    function _year() private pure returns (Expected memory e) {
        (e.call, e.put) = (65_316_121_436_501_020_865, 85_316_121_436_501_020_865);
        (e.gamma, e.vega) = (1_319_832_736_593_545, 26_396_654_731_870_900_175);
    }

    function test_value_withoutTimeOrVolatilityLeftIsWhatItPays() external pure {
        Black76Price.Terms memory terms = Black76Price.Terms(2000e18, 1000e18, 1, 1);
        assertApproxEqAbs(Black76Price.value(terms, true), 1000e18, 1e6);
        assertEq(Black76Price.value(terms, false), 0);
        (uint256 gamma, uint256 vega) = Black76Price.gammaAndVega(terms);
        assertEq(gamma, 0);
        assertEq(vega, 0);
    }

    function test_peakVega_ofAYearAtAPriceOfOneIsTheDensitysPeak_andAUnit() external pure {
        assertEq(Black76Price.rootTau(365 days), 1e18);
        assertEq(Black76Price.rootTau(365 days / 4), 0.5e18);
        assertEq(Black76Price.peakVega(1e18, 365 days), 398_942_280_401_432_678 + 1); // 1 / sqrt(2 pi), rounded up
        assertEq(Black76Price.peakVega(3000e18, 365 days / 4), 1500 * 398_942_280_401_432_678 + 1);
    }
}
