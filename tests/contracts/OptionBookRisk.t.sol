// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {IDeltaBook} from "../../contracts/interfaces/IDeltaBook.sol";
import {IDeltaSource} from "../../contracts/interfaces/IDeltaSource.sol";
import {IOptionBook} from "../../contracts/interfaces/IOptionBook.sol";
import {OptionBookRisk} from "../../contracts/libraries/OptionBookRisk.sol";
import {ScriptedSource} from "./support/ScriptedSource.sol";

/// @notice A book that knows its delta at the prices that a test has written, and its sources.
contract ScriptedBook {
    struct Interval {
        bool isKnown;
        int256 low;
        int256 high;
    }

    mapping(uint256 price => Interval) private _intervals;
    IDeltaSource[] private _sources;

    function set(uint256 price, int256 low, int256 high) external {
        _intervals[price] = Interval(true, low, high);
    }

    function add(address source) external {
        _sources.push(IDeltaSource(source));
    }

    function deltaInterval(uint256 price) external view returns (int256, int256) {
        require(_intervals[price].isKnown, "asked at another price");
        return (_intervals[price].low, _intervals[price].high);
    }

    function sources() external view returns (IDeltaSource[] memory) {
        return _sources;
    }
}

/// @notice The legs of an option book, as a test has written them.
contract ScriptedLegs {
    IOptionBook.OptionLeg[] private _legs;

    function add(uint256 strike, uint256 expiry, int256 quantity, uint256 ivLow, uint256 ivHigh) external {
        _legs.push(IOptionBook.OptionLeg(strike, expiry, true, quantity, ivLow, ivHigh));
    }

    function legIds() external view returns (uint256[] memory ids) {
        ids = new uint256[](_legs.length);
        for (uint256 i = 0; i < ids.length; ++i) {
            ids[i] = 100 + i;
        }
    }

    function leg(uint256 legId) external view returns (IOptionBook.OptionLeg memory) {
        return _legs[legId - 100];
    }
}

/// @notice Gamma and vega of a book, from what the chain knows of it.
contract OptionBookRiskTest is Test {
    uint256 private constant PRICE = 2000e18;
    int256 private constant VEGA_1800 = 193_996_973_756_750_172_354; // 30 days, 80 %
    int256 private constant VEGA_2000 = 41_759_611_196_725_776_693; // a day, 50 %

    ScriptedBook private book = new ScriptedBook();

    function setUp() external {
        vm.warp(1_722_500_000);
    }

    function _gammaSpan() private view returns (uint256) {
        return OptionBookRisk.gammaSpan(IDeltaBook(address(book)), PRICE);
    }

    function _vega() private view returns (int256) {
        return OptionBookRisk.vega(IDeltaBook(address(book)), PRICE);
    }

    function test_gamma_isTheLargerChangeOfEitherEnd_betweenAPercentBelowAndAbove() external {
        book.set(1980e18, 1e18, 2e18);
        book.set(2020e18, 5e18, 9e18);
        assertEq(_gammaSpan(), 7e18); // of the higher end
        book.set(1980e18, -3e18, -2e18);
        book.set(2020e18, 6e18, -1e18);
        assertEq(_gammaSpan(), 9e18); // of the lower
        book.set(2020e18, -12e18, -1e18);
        assertEq(_gammaSpan(), 9e18); // downwards
    }

    /// @dev Vega of one option: F n(d1) sqrt(tau), to 1e-12 of it; the reference has 50 digits.
    function test_vega_isThatOfEveryLegAtTheMiddleOfItsVolatility() external {
        ScriptedLegs legs = new ScriptedLegs();
        legs.add(1800e18, block.timestamp + 30 days, -2e18, 0.7e18, 0.9e18);
        legs.add(2000e18, block.timestamp + 1 days, 3e18, 0.5e18, 0.5e18);
        ScriptedLegs others = new ScriptedLegs();
        others.add(1800e18, block.timestamp + 30 days, 0.5e18, 0.8e18, 0.8e18);
        book.add(address(legs));
        book.add(address(new ScriptedSource(-1e18, 1e18))); // another kind: its vega is not known
        book.add(address(others));
        int256 expected = VEGA_1800 * -3 / 2 + 3 * VEGA_2000;
        assertApproxEqRel(_vega(), expected, 1e6);
    }

    function test_vega_ofLegsThatHaveExpiredIsNone() external {
        ScriptedLegs legs = new ScriptedLegs();
        legs.add(2000e18, block.timestamp, 3e18, 0.5e18, 0.5e18);
        legs.add(2000e18, block.timestamp - 1, 3e18, 0.5e18, 0.5e18);
        book.add(address(legs));
        assertEq(_vega(), 0);
    }
}
