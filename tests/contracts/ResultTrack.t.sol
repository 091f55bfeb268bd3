// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {ResultTrack} from "../../contracts/libraries/ResultTrack.sol";
import {Measurement, Track, VenueMeasurement} from "../../contracts/types/Rebalance.sol";

/// @notice HEDGE-224 in its parts: what price moves explain, which highs count, and when nothing can be told.
contract ResultTrackTest is Test {
    uint32 private constant PERIOD = 1000;
    uint256 private constant NOW = uint256(PERIOD) * 8 hours + 3 hours;

    int64 private noHigh = type(int64).min;

    /// @dev 10 units held since the price was 2,000, of which 500 USD were explained before; one high, of 1,000.00 USD; and
    ///      since then nobody has left.
    function _track(int128 size) private view returns (Track memory track) {
        (track.size, track.explained, track.price, track.period) = (size, 500e18, 2000e18, PERIOD);
        track.flows = type(int128).min;
        track.highs = [int64(100_000), noHigh, noHigh, noHigh];
    }

    /// @dev Two venues that hold what is given between them, the second with an order pending.
    function _measurement(uint256 price, uint256 nav, int256 netFlows, int256 size)
        private
        pure
        returns (Measurement memory m)
    {
        (m.price, m.nav, m.firmNav, m.netFlows) = (price, nav, nav, netFlows);
        m.venues = new VenueMeasurement[](2);
        (m.venues[0].sizeLow, m.venues[0].sizeHigh) = (size - 1e18, size - 1e18);
        (m.venues[1].sizeLow, m.venues[1].sizeHigh) = (0, 2e18);
    }

    function _isTripped(Track memory track, Measurement memory m) private pure returns (bool) {
        return ResultTrack.isTripped(track, m, 1000, NOW);
    }

    // HEDGE-224
    function test_result_isNavLessFlowsLessWhatThePriceExplains() external view {
        Measurement memory m = _measurement(2100e18, 7000e18, 4000e18, 0);
        assertEq(ResultTrack.result(_track(10e18), m), 1500e18); // 500 and 1,000 explained
        assertEq(ResultTrack.result(_track(-10e18), m), 3500e18);
        m.price = 1900e18;
        assertEq(ResultTrack.result(_track(10e18), m), 3500e18);
        m.netFlows = -4000e18;
        assertEq(ResultTrack.result(_track(10e18), m), 11_500e18);
    }

    // HEDGE-224
    function test_result_beforeTheFirstSampleExplainsNoMove() external view {
        Track memory track = _track(10e18);
        track.price = 0;
        assertEq(ResultTrack.result(track, _measurement(2100e18, 7000e18, 4000e18, 0)), 2500e18);
    }

    // HEDGE-224
    function test_isTripped_beyondThePartOfNavAndNotAtIt() external view {
        // At 2,000 the result is NAV less 500 explained less flows: 1,000 less a tenth of NAV.
        assertFalse(_isTripped(_track(10e18), _measurement(2000e18, 1000e18, -400e18, 0)));
        assertTrue(_isTripped(_track(10e18), _measurement(2000e18, 1000e18, -400e18 + 1, 0)));
    }

    // HEDGE-224
    function test_isTripped_theHighestOfFourPeriodsCounts() external view {
        Measurement memory m = _measurement(2000e18, 1000e18, -400e18 + 1, 0);
        for (uint256 i; i < 4; ++i) {
            Track memory track = _track(10e18);
            track.highs = [int64(1), 1, 1, 1];
            assertFalse(_isTripped(track, m));
            track.highs[i] = 100_000;
            assertTrue(_isTripped(track, m));
        }
        Track memory without = _track(10e18);
        without.highs[0] = noHigh;
        assertFalse(_isTripped(without, m));
    }

    // HEDGE-224
    function test_isTripped_aHighBelowZeroIsOne() external view {
        Track memory track = _track(10e18);
        track.highs[0] = -100_000;
        assertFalse(_isTripped(track, _measurement(2000e18, 1000e18, 1600e18, 0)));
        assertTrue(_isTripped(track, _measurement(2000e18, 1000e18, 1600e18 + 1, 0)));
    }

    // HEDGE-224
    function test_isTripped_notWithoutAPriceNorWhileAVenueIsSilent() external view {
        Measurement memory m = _measurement(0, 1000e18, 1000e18, 0);
        assertFalse(_isTripped(_track(-10e18), m)); // at a price of 0 the result would have fallen by 20,000
        m.price = 2000e18;
        assertTrue(_isTripped(_track(-10e18), m));
        m.venues[1].isSilent = true;
        assertFalse(_isTripped(_track(-10e18), m));
    }

    // HEDGE-224
    function test_advance_keepsPriceSizePeriodAndWhatWasExplained() external view {
        Measurement memory first = _measurement(2100e18, 7000e18, 4000e18, 10e18);
        Measurement memory last = _measurement(2100e18, 6990e18, 4000e18, -7e18);
        Track memory next = ResultTrack.advance(_track(10e18), first, last, NOW);
        assertEq(next.explained, 1500e18);
        assertEq(next.price, 2100e18);
        assertEq(next.size, -7e18); // of what is pending one half
        assertEq(next.period, PERIOD);
    }

    // HEDGE-224
    function test_advance_theHigherOfBeforeAndAfterIsAHigh_inCentsUp() external view {
        Measurement memory first = _measurement(2000e18, 3000e18, 500e18, 0);
        Measurement memory last = _measurement(2000e18, 2999e18 + 1, 500e18, 0);
        assertEq(_highAfter(first, last), 200_000);
        assertEq(_highAfter(last, first), 200_000);
        first.nav = 2998e18;
        assertEq(_highAfter(first, last), 199_901); // up
        last.nav = 2999e18;
        assertEq(_highAfter(first, last), 199_900);
        (first.nav, last.nav) = (1999e18, 1998e18);
        assertEq(_highAfter(first, last), 100_000); // the old one is higher
    }

    // HEDGE-224
    function test_advance_aLossIsRoundedUpTo() external view {
        Track memory track = _track(0);
        track.highs[0] = noHigh;
        Measurement memory m = _measurement(2000e18, 0, 9.995e18, 0); // -509.995
        assertEq(ResultTrack.advance(track, m, m, NOW).highs[0], -50_999);
    }

    // HEDGE-224
    function test_advance_periodsThatPassedGoBackInTheRow() external view {
        Measurement memory m = _measurement(2000e18, 510e18, 0, 0); // a result of 10
        for (uint256 passed; passed < 6; ++passed) {
            Track memory track = _track(10e18);
            int64[4] memory highs = [int64(4000), 3000, 2000, 1500];
            track.highs = highs;
            Track memory next = ResultTrack.advance(track, m, m, NOW + passed * 8 hours);
            assertEq(next.period, PERIOD + passed);
            assertEq(next.highs[0], passed == 0 ? int64(4000) : int64(1000));
            for (uint256 i = 1; i < 4; ++i) {
                assertEq(next.highs[i], i < passed ? noHigh : highs[i - passed]);
            }
        }
    }

    // HEDGE-224
    function test_isTripped_ofNavWithWhatHasLeftSinceTheLastSample() external view {
        Track memory track = _track(10e18);
        Measurement memory m = _measurement(2000e18, 1000e18, -300e18, 0); // a result of 800, a fall of 200
        track.flows = 700e18; // 1,000 have left: a tenth of 2,000
        assertFalse(_isTripped(track, m));
        track.flows -= 10;
        assertTrue(_isTripped(track, m));
        track.flows += 10;
        m.firmNav += 10; // an exit of what was young is none, and what ripened is no exit
        assertTrue(_isTripped(track, m));
        m.firmNav = m.nav - 10; // a deposit of a moment ago hides no exit
        assertFalse(_isTripped(track, m));
    }

    // HEDGE-224
    function test_advance_leaversTakeTheirPartOfEachFall() external view {
        Measurement memory m = _measurement(2000e18, 1000e18, -300e18, 0); // a result of 800
        Track memory track = _track(10e18);
        track.flows = 1700e18; // 2,000 of 3,000 have left
        track.highs = [int64(110_000), 80_001, 80_000, noHigh];
        Track memory next = ResultTrack.advance(track, m, m, NOW);
        assertEq(next.highs[0], 90_000); // a third of 300 is left of the fall
        assertEq(next.highs[1], 80_001); // a cent stays one
        assertEq(next.highs[2], 80_000);
        assertEq(next.highs[3], noHigh);
        assertEq(next.flows, -300e18);
        next = ResultTrack.advance(next, m, m, NOW);
        assertEq(next.highs[0], 90_000); // once
    }

    // HEDGE-224
    function test_advance_keepsTheFlowsThatCarryExposure() external view {
        Measurement memory m = _measurement(2000e18, 1000e18, 400e18, 0);
        m.firmNav = 930e18;
        assertEq(ResultTrack.advance(_track(0), m, m, NOW).flows, 330e18);
    }

    // HEDGE-224
    function test_advance_standsStillWithoutAPriceOrAnAnswer() external view {
        Track memory track = _track(10e18);
        for (uint256 i; i < 3; ++i) {
            Measurement memory first = _measurement(2100e18, 7000e18, 0, 0);
            Measurement memory last = _measurement(2100e18, 7000e18, 0, 0);
            if (i == 0) first.price = 0;
            if (i == 1) first.venues[0].isSilent = true;
            if (i == 2) last.venues[1].isSilent = true;
            Track memory next = ResultTrack.advance(track, first, last, NOW + 1 days);
            assertEq(abi.encode(next), abi.encode(track));
        }
    }

    function _highAfter(Measurement memory first, Measurement memory last) private view returns (int64) {
        return ResultTrack.advance(_track(0), first, last, NOW).highs[0];
    }
}
