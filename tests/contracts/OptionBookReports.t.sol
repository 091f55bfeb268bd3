// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IIvReporting} from "../../contracts/interfaces/IIvReporting.sol";
import {IOptionBook} from "../../contracts/interfaces/IOptionBook.sol";
import {IVaultAccess} from "../../contracts/interfaces/IVaultAccess.sol";
import {OptionBookFixture} from "./support/OptionBookFixture.sol";

/// @notice HEDGE-484 .. HEDGE-486: how far a reporter moves a leg's IV interval, and what it can never do.
contract OptionBookReportsTest is OptionBookFixture {
    address private reporter = makeAddr("reporter");
    uint256 private legId;

    /// @dev A leg of 50 % to 60 %, which may move by 5 points a report and 20 points a day.
    modifier withReporter() {
        legId = _add(_call(2500e18));
        vm.startPrank(governor);
        book.setIvReporter(reporter);
        book.setIvLimits(_limits());
        vm.stopPrank();
        _;
    }

    // HEDGE-484
    function test_reportIvIntervals_movesTheIntervalAlone() external withReporter {
        IOptionBook.OptionLeg memory expected = book.leg(legId);
        vm.expectEmit(address(book));
        emit IOptionBook.LegIvIntervalSet(legId, 0.5e18, 0.52e18, 0.6e18, 0.65e18);
        _report(0.52e18, 0.65e18);
        (expected.ivLow, expected.ivHigh) = (0.52e18, 0.65e18);
        assertEq(keccak256(abi.encode(book.leg(legId))), keccak256(abi.encode(expected)));
        assertEq(book.ivChangeLeft(legId), 0.05e18);
    }

    // HEDGE-484
    function test_reportIvIntervals_revertsIfNotTheReporter() external withReporter {
        address[4] memory others = [governor, guardian, keeper, stranger];
        for (uint256 i; i < 4; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IIvReporting.NotIvReporter.selector, others[i]));
            vm.prank(others[i]);
            book.reportIvIntervals(_reports(0.5e18, 0.6e18));
        }
    }

    // HEDGE-484
    function test_reportIvIntervals_withoutReporterOrLimits_isRefused() external {
        legId = _add(_call(2500e18));
        vm.expectRevert(abi.encodeWithSelector(IIvReporting.NotIvReporter.selector, address(this)));
        book.reportIvIntervals(_reports(0.5e18, 0.6e18));
        vm.prank(governor);
        book.setIvReporter(reporter);
        _expectRefused(
            0.5e18, 0.6e18, abi.encodeWithSelector(IIvReporting.IvLevelRefused.selector, 0.5e18, 0.6e18, 0, 0)
        );
    }

    // HEDGE-485
    function test_reportIvIntervals_revertsOutsideTheLevels() external withReporter {
        bytes4 selector = IIvReporting.IvLevelRefused.selector;
        _expectRefused(0.4499e18, 0.6e18, abi.encodeWithSelector(selector, 0.4499e18, 0.6e18, 0.45e18, 0.75e18));
        _expectRefused(0.6e18, 0.7501e18, abi.encodeWithSelector(selector, 0.6e18, 0.7501e18, 0.45e18, 0.75e18));
    }

    // HEDGE-485
    function test_reportIvIntervals_neverRemovesTheInterval() external withReporter {
        bytes4 selector = IIvReporting.IvWidthTooSmall.selector;
        _expectRefused(0.55e18, 0.5799e18, abi.encodeWithSelector(selector, 0.0299e18, 0.03e18));
        _expectRefused(0.55e18, 0.55e18, abi.encodeWithSelector(selector, 0, 0.03e18));
        _expectRefused(0.55e18, 0.5e18, abi.encodeWithSelector(selector, 0, 0.03e18));
    }

    // HEDGE-485
    function test_reportIvIntervals_revertsIfTheChangeIsTooLarge() external withReporter {
        bytes4 selector = IIvReporting.IvChangeTooLarge.selector;
        _expectRefused(0.5501e18, 0.6e18, abi.encodeWithSelector(selector, 0.0501e18, 0.05e18));
        _expectRefused(0.5e18, 0.6501e18, abi.encodeWithSelector(selector, 0.0501e18, 0.05e18));
        _expectRefused(0.5e18, 0.5499e18, abi.encodeWithSelector(selector, 0.0501e18, 0.05e18));
    }

    // HEDGE-485
    function test_reportIvIntervals_splitIntoManyReports_staysWithinTheDay() external withReporter {
        _report(0.55e18, 0.65e18);
        _report(0.5e18, 0.6e18);
        bytes4 selector = IIvReporting.IvDailyChangeExceeded.selector;
        _expectRefused(0.5e18, 0.6001e18, abi.encodeWithSelector(selector, 0.0001e18, 0));
        vm.warp(NOW + 12 hours);
        assertEq(book.ivChangeLeft(legId), 0.05e18);
        _report(0.55e18, 0.65e18);
        _expectRefused(0.55e18, 0.6501e18, abi.encodeWithSelector(selector, 0.0001e18, 0));
    }

    // HEDGE-485
    function testFuzz_reportIvIntervals_anyDay_movesByAtMostTheDailyChange(uint256 seed) external withReporter {
        uint256[40] memory times;
        uint256[40] memory moved;
        bool up = true;
        for (uint256 i; i < 40; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            vm.warp(block.timestamp + seed % 6 hours);
            uint256 change = (seed >> 64) % 501 * 1e14;
            if (change > book.ivChangeLeft(legId)) change = book.ivChangeLeft(legId) / 1e14 * 1e14;
            IOptionBook.OptionLeg memory held = book.leg(legId);
            up = held.ivHigh + change > 0.75e18 ? false : held.ivLow < 0.45e18 + change ? true : up;
            if (up) _report(held.ivLow + change, held.ivHigh + change);
            else _report(held.ivLow - change, held.ivHigh - change);
            (times[i], moved[i]) = (block.timestamp, change);
            uint256 withinADay;
            for (uint256 j; j <= i; ++j) {
                if (times[j] + 1 days > block.timestamp) withinADay += moved[j];
            }
            assertLe(withinADay, 0.2e18);
        }
    }

    // HEDGE-485
    function test_reportIvIntervals_eachLegHasItsOwnRoom() external withReporter {
        uint256 second = _add(_call(2600e18));
        _report(0.55e18, 0.65e18);
        assertEq(book.ivChangeLeft(second), 0.1e18);
    }

    // HEDGE-485
    function test_reportIvIntervals_revertsIfExpiredUnknownOrNotRepresentable() external withReporter {
        _expectRefused(
            0.5e18, 0.6e18 + 1, abi.encodeWithSelector(IOptionBook.NotRepresentable.selector, 0.6e18 + 1, 1e14)
        );
        vm.warp(EXPIRY);
        _expectRefused(0.5e18, 0.6e18, abi.encodeWithSelector(IOptionBook.LegExpired.selector, EXPIRY, EXPIRY));
        legId = 99;
        _expectRefused(0.5e18, 0.6e18, abi.encodeWithSelector(IOptionBook.LegUnknown.selector, 99));
    }

    // HEDGE-486
    function test_dismissIvReporter_byTheGuardian_atOnce() external withReporter {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IVaultAccess.NotGuardian.selector, stranger));
        book.dismissIvReporter();
        vm.expectEmit(address(book));
        emit IIvReporting.IvReporterSet(reporter, address(0));
        vm.prank(guardian);
        book.dismissIvReporter();
        _expectRefused(0.5e18, 0.6e18, abi.encodeWithSelector(IIvReporting.NotIvReporter.selector, reporter));
    }

    // HEDGE-486
    function test_setters_revertIfNotGovernor() external {
        address[2] memory others = [guardian, stranger];
        for (uint256 i; i < 2; ++i) {
            bytes memory refused = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, others[i]);
            vm.startPrank(others[i]);
            vm.expectRevert(refused);
            book.setIvReporter(others[i]);
            vm.expectRevert(refused);
            book.setIvLimits(_limits());
            vm.stopPrank();
        }
    }

    // HEDGE-486
    function test_setIvLimits_tellsOldAndNew_andRefusesNonsense() external withReporter {
        IIvReporting.IvLimits memory changed = _limits();
        changed.maxChange = 0.01e18;
        vm.expectEmit(address(book));
        emit IIvReporting.IvLimitsSet(_limits(), changed);
        vm.startPrank(governor);
        book.setIvLimits(changed);
        for (uint256 field; field < 5; ++field) {
            IIvReporting.IvLimits memory limits = _limits();
            if (field == 0) limits.minWidth = 0.01e18 - 1;
            if (field == 1) limits.minIv = 0.7201e18;
            if (field == 2) limits.maxDailyChange = 0.7501e18;
            if (field == 3) limits.maxIv = 0.02e18;
            if (field == 4) limits.maxIv = type(uint256).max;
            vm.expectRevert(abi.encodeWithSelector(IIvReporting.IvLimitsOutOfRange.selector, limits));
            book.setIvLimits(limits);
        }
        vm.stopPrank();
    }

    // HEDGE-486
    function test_setIvLimits_acceptsTheLimitsThemselves() external {
        IIvReporting.IvLimits[4] memory limits;
        limits[0] = IIvReporting.IvLimits(0.72e18, 0.75e18, 0.03e18, 0.05e18, 0.2e18); // room for one width alone
        limits[1] = IIvReporting.IvLimits(0, 0.01e18, 0.01e18, 0.05e18, 0.01e18); // all one width, the least there is
        limits[2] = IIvReporting.IvLimits(0.45e18, 0.75e18, 0.03e18, 0.05e18, 0.75e18); // all of the range in a day
        limits[3] = IIvReporting.IvLimits(0, type(uint64).max, 0.03e18, 0.05e18, 0.2e18);
        for (uint256 i; i < 4; ++i) {
            vm.prank(governor);
            book.setIvLimits(limits[i]);
            (uint256 minIv, uint256 maxIv, uint256 minWidth, uint256 maxChange, uint256 maxDailyChange) =
                book.ivLimits();
            IIvReporting.IvLimits memory found =
                IIvReporting.IvLimits(minIv, maxIv, minWidth, maxChange, maxDailyChange);
            assertEq(abi.encode(found), abi.encode(limits[i]));
        }
    }

    function _limits() private pure returns (IIvReporting.IvLimits memory) {
        return IIvReporting.IvLimits({
            minIv: 0.45e18, maxIv: 0.75e18, minWidth: 0.03e18, maxChange: 0.05e18, maxDailyChange: 0.2e18
        });
    }

    function _reports(uint256 ivLow, uint256 ivHigh) private view returns (IIvReporting.IvReport[] memory reports) {
        reports = new IIvReporting.IvReport[](1);
        reports[0] = IIvReporting.IvReport(legId, ivLow, ivHigh);
    }

    function _report(uint256 ivLow, uint256 ivHigh) private {
        IIvReporting.IvReport[] memory reports = _reports(ivLow, ivHigh);
        vm.prank(reporter);
        book.reportIvIntervals(reports);
    }

    function _expectRefused(uint256 ivLow, uint256 ivHigh, bytes memory refusal) private {
        IIvReporting.IvReport[] memory reports = _reports(ivLow, ivHigh);
        vm.expectRevert(refusal);
        vm.prank(reporter);
        book.reportIvIntervals(reports);
    }
}
