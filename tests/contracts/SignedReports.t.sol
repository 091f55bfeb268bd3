// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {ISignedReports} from "../../contracts/interfaces/ISignedReports.sol";
import {IVaultAccess} from "../../contracts/interfaces/IVaultAccess.sol";
import {SignedReports} from "../../contracts/book/SignedReports.sol";
import {SignedReportsFixture} from "./support/SignedReportsFixture.sol";

/// @notice HEDGE-476 .. HEDGE-482: what a quorum may say of a book, and every way to say it falsely.
contract SignedReportsTest is SignedReportsFixture {
    // --- the interval ---------------------------------------------------------------------------------------------

    // HEDGE-476
    function test_submit_byAnyone_putsTheReportIntoForce() external {
        ISignedReports.Report memory report = _report(-12e18, -10e18);
        (address[] memory by, bytes[] memory signatures) = _sign(report, 0, 2);
        vm.expectEmit(address(source));
        emit ISignedReports.ReportAccepted(1, report, by);
        vm.prank(stranger);
        source.submit(report, by, signatures);
        (int256 low, int256 high) = source.deltaInterval(PRICE);
        assertEq(low, -12.5e18);
        assertEq(high, -9.5e18);
        assertEq(keccak256(abi.encode(source.lastReport())), keccak256(abi.encode(report)));
    }

    // HEDGE-476
    function testFuzz_deltaInterval_widensWithTheDistanceOfThePrice(uint256 price) external {
        price = bound(price, 1, source.MAX_PRICE());
        _submit(_report(-12e18, -10e18));
        uint256 distance = price > PRICE ? price - PRICE : PRICE - price;
        int256 widening = 0.5e18 + int256((distance * 0.01e18 + 1e18 - 1) / 1e18);
        (int256 low, int256 high) = source.deltaInterval(price);
        assertEq(low, -12e18 - widening);
        assertEq(high, -10e18 + widening);
    }

    // HEDGE-476
    function test_deltaInterval_revertsIfNoReport() external {
        vm.expectRevert(ISignedReports.NoReport.selector);
        source.deltaInterval(PRICE);
    }

    // HEDGE-476
    function test_deltaInterval_revertsIfPriceOutOfRange() external {
        _submit(_report(0, 0));
        uint256 most = source.MAX_PRICE();
        for (uint256 i; i < 2; ++i) {
            uint256 price = i == 0 ? 0 : most + 1;
            vm.expectRevert(abi.encodeWithSelector(ISignedReports.ReportPriceOutOfRange.selector, price, 1, most));
            source.deltaInterval(price);
        }
    }

    // HEDGE-477
    function test_deltaInterval_revertsFromExpiryOn() external {
        ISignedReports.Report memory report = _report(0, 0);
        _submit(report);
        vm.warp(report.expiresAt - 1);
        source.deltaInterval(PRICE);
        vm.warp(report.expiresAt);
        vm.expectRevert(
            abi.encodeWithSelector(ISignedReports.ReportExpired.selector, report.expiresAt, report.expiresAt)
        );
        source.deltaInterval(PRICE);
    }

    // HEDGE-477
    function test_deltaInterval_revertsBeyondMaxAge_whateverTheExpiry() external {
        ISignedReports.Report memory report = _report(0, 0);
        report.expiresAt = type(uint256).max;
        _submit(report);
        vm.warp(NOW + 1 hours);
        source.deltaInterval(PRICE);
        vm.warp(NOW + 1 hours + 1);
        vm.expectRevert(abi.encodeWithSelector(ISignedReports.ReportTooOld.selector, 1 hours + 1, 1 hours));
        source.deltaInterval(PRICE);
    }

    // --- attacks --------------------------------------------------------------------------------------------------

    // HEDGE-478
    function test_attack_replay_isRefused() external {
        ISignedReports.Report memory report = _report(1e18, 2e18);
        _submit(report);
        vm.warp(NOW + 2 minutes);
        _expectRefused(report, abi.encodeWithSelector(ISignedReports.ReportSuperseded.selector, 1, 1));
    }

    // HEDGE-478
    function test_attack_olderSequenceHeldBack_isRefused() external {
        ISignedReports.Report memory heldBack = _report(15e18, 15e18);
        ISignedReports.Report memory later = _report(1e18, 1e18);
        later.sequence = 7;
        _submit(later);
        vm.warp(NOW + 2 minutes);
        _expectRefused(heldBack, abi.encodeWithSelector(ISignedReports.ReportSuperseded.selector, 1, 7));
    }

    // HEDGE-478
    function test_attack_otherChain_isRefused() external {
        ISignedReports.Report memory report = _report(1e18, 2e18);
        (address[] memory by, bytes[] memory signatures) = _sign(report, 0, 1);
        vm.chainId(block.chainid + 1);
        vm.expectRevert(abi.encodeWithSelector(ISignedReports.SignatureInvalid.selector, accounts[0]));
        source.submit(report, by, signatures);
    }

    // HEDGE-478
    function test_attack_otherContract_isRefused() external {
        ISignedReports.Report memory report = _report(1e18, 2e18);
        (address[] memory by, bytes[] memory signatures) = _sign(report, 0, 1);
        SignedReports other = _newSource();
        vm.expectRevert(abi.encodeWithSelector(ISignedReports.SignatureInvalid.selector, accounts[0]));
        other.submit(report, by, signatures);
    }

    // HEDGE-478
    function test_attack_anyFieldChanged_isRefused() external {
        for (uint256 field; field < 6; ++field) {
            ISignedReports.Report memory report = _report(1e18, 2e18);
            (address[] memory by, bytes[] memory signatures) = _sign(report, 0, 1);
            if (field == 0) ++report.low;
            if (field == 1) ++report.high;
            if (field == 2) ++report.price;
            if (field == 3) --report.issuedAt;
            if (field == 4) ++report.expiresAt;
            if (field == 5) ++report.sequence;
            vm.expectRevert(abi.encodeWithSelector(ISignedReports.SignatureInvalid.selector, accounts[0]));
            source.submit(report, by, signatures);
        }
    }

    // HEDGE-479
    function test_attack_sameSignerTwice_isRefused() external {
        ISignedReports.Report memory report = _report(1e18, 2e18);
        (address[] memory by, bytes[] memory signatures) = _sign(report, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(ISignedReports.SignersNotAscending.selector, accounts[0], accounts[0]));
        source.submit(report, by, signatures);
    }

    // HEDGE-479
    function test_attack_sameSignerTwiceAroundAnother_isRefused() external {
        ISignedReports.Report memory report = _report(1e18, 2e18);
        (address[] memory by, bytes[] memory signatures) = _sign(report, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(ISignedReports.SignersNotAscending.selector, accounts[1], accounts[0]));
        source.submit(report, by, signatures);
    }

    // HEDGE-479
    function test_attack_unknownSigner_isRefused() external {
        ISignedReports.Report memory report = _report(1e18, 2e18);
        uint256 unknown = 1;
        while (vm.addr(unknown) < accounts[0]) ++unknown;
        (address[] memory by, bytes[] memory signatures) = _sign(report, 0, 1);
        (by[1], signatures[1]) = (vm.addr(unknown), _signature(unknown, report));
        vm.expectRevert(abi.encodeWithSelector(ISignedReports.SignerUnknown.selector, vm.addr(unknown)));
        source.submit(report, by, signatures);
    }

    // HEDGE-479
    function test_attack_anotherSignersSignature_isRefused() external {
        ISignedReports.Report memory report = _report(1e18, 2e18);
        (address[] memory by, bytes[] memory signatures) = _sign(report, 0, 1);
        signatures[1] = signatures[0];
        vm.expectRevert(abi.encodeWithSelector(ISignedReports.SignatureInvalid.selector, accounts[1]));
        source.submit(report, by, signatures);
    }

    // HEDGE-479
    function test_attack_malleatedSignature_isRefused() external {
        ISignedReports.Report memory report = _report(1e18, 2e18);
        (address[] memory by, bytes[] memory signatures) = _sign(report, 0, 1);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[1], source.digest(report));
        uint256 order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        bytes32 high = bytes32(order - uint256(s));
        assertEq(ecrecover(source.digest(report), 55 - v, r, high), accounts[1]);
        signatures[1] = abi.encodePacked(r, high, 55 - v);
        vm.expectRevert(abi.encodeWithSelector(ISignedReports.SignatureInvalid.selector, accounts[1]));
        source.submit(report, by, signatures);
    }

    // HEDGE-479
    function test_attack_tooFewSigners_isRefused() external {
        ISignedReports.Report memory report = _report(1e18, 2e18);
        address[] memory by = new address[](1);
        bytes[] memory signatures = new bytes[](1);
        (by[0], signatures[0]) = (accounts[0], _signature(keys[0], report));
        vm.expectRevert(abi.encodeWithSelector(ISignedReports.TooFewSigners.selector, 1, 2));
        source.submit(report, by, signatures);
        vm.expectRevert(abi.encodeWithSelector(ISignedReports.SignaturesMiscounted.selector, 1, 0));
        source.submit(report, by, new bytes[](0));
        vm.expectRevert(abi.encodeWithSelector(ISignedReports.TooFewSigners.selector, 0, 2));
        source.submit(report, new address[](0), new bytes[](0));
    }

    // HEDGE-480
    function test_attack_jumpBeyondTheLimit_isRefused() external {
        _submit(_report(10e18, 20e18));
        vm.warp(NOW + 1 minutes);
        _expectJumpRefused(-10e18 - 1, 20e18);
        _expectJumpRefused(10e18, 40e18 + 1);
        _expectJumpRefused(30e18 + 1, 35e18);
        _submit(_report(-10e18, 40e18));
    }

    // HEDGE-480
    function test_attack_firstReportFarFromTheAnchor_isRefused() external {
        bytes4 selector = ISignedReports.ReportJumps.selector;
        _expectRefused(_report(-20e18 - 1, 0), abi.encodeWithSelector(selector, -20e18 - 1, 0, 0, 0, 20e18));
        vm.prank(governor);
        source.setAnchor(-100e18, -90e18);
        _submit(_report(-105e18, -95e18));
    }

    // HEDGE-480
    function test_attack_manyReportsInOneBlock_isRefused() external {
        _submit(_report(20e18, 20e18));
        ISignedReports.Report memory second = _report(40e18, 40e18);
        _expectRefused(second, abi.encodeWithSelector(ISignedReports.ReportTooSoon.selector, NOW, NOW + 1 minutes));
        vm.warp(NOW + 5 minutes);
        // A later sequence that was issued before the report in force, however late it arrives.
        second.issuedAt = NOW - 1;
        _expectRefused(second, abi.encodeWithSelector(ISignedReports.ReportTooSoon.selector, NOW - 1, NOW + 1 minutes));
    }

    // HEDGE-480
    /// @dev A quorum of stolen keys dates reports back into an hour in which none came, to have sixty changes in one block.
    function test_attack_manyReportsDatedBackInOneBlock_moveTheDeltaByOneChange() external {
        _submit(_report(0, 0));
        vm.warp(NOW + 1 hours);
        for (uint256 i = 1; i <= 60; ++i) {
            int256 end = source.lastReport().low + int256(_limits().maxChange);
            ISignedReports.Report memory report = _report(end, end);
            report.issuedAt = NOW + i * 1 minutes;
            (address[] memory by, bytes[] memory signatures) = _sign(report, 0, 1);
            try source.submit(report, by, signatures) {} catch {}
        }
        assertEq(source.lastReport().low, int256(_limits().maxChange));
    }

    // HEDGE-481
    function test_attack_invertedInterval_isRefused() external {
        _expectRefused(_report(2e18, 1e18), abi.encodeWithSelector(ISignedReports.ReportInverted.selector, 2e18, 1e18));
    }

    // HEDGE-481
    function test_attack_hugeInterval_isRefused() external {
        int256 most = source.MAX_ABS_DELTA();
        bytes4 selector = ISignedReports.ReportTooLarge.selector;
        int256 least = type(int256).min;
        _expectRefused(_report(least, 0), abi.encodeWithSelector(selector, least, 0, most));
        _expectRefused(_report(0, most + 1), abi.encodeWithSelector(selector, 0, most + 1, most));
    }

    // HEDGE-481
    function test_attack_expiredOnArrival_isRefused() external {
        ISignedReports.Report memory report = _report(1e18, 2e18);
        vm.warp(report.expiresAt);
        _expectRefused(
            report, abi.encodeWithSelector(ISignedReports.ReportExpired.selector, report.expiresAt, block.timestamp)
        );
    }

    // HEDGE-481
    function test_attack_tooOldOnArrival_isRefused() external {
        ISignedReports.Report memory report = _report(1e18, 2e18);
        report.expiresAt = type(uint256).max;
        vm.warp(NOW + 1 hours + 1);
        _expectRefused(report, abi.encodeWithSelector(ISignedReports.ReportTooOld.selector, 1 hours + 1, 1 hours));
    }

    // HEDGE-481
    function test_attack_fromTheFuture_isRefused() external {
        ISignedReports.Report memory report = _report(1e18, 2e18);
        report.issuedAt = NOW + 1;
        _expectRefused(report, abi.encodeWithSelector(ISignedReports.ReportFromFuture.selector, NOW + 1, NOW));
    }

    // HEDGE-481
    function test_attack_priceOutOfRange_isRefused() external {
        ISignedReports.Report memory report = _report(1e18, 2e18);
        report.price = 0;
        _expectRefused(report, abi.encodeWithSelector(ISignedReports.ReportPriceOutOfRange.selector, 0, 1, 1e30));
    }

    // --- signers that are contracts -------------------------------------------------------------------------------

    // HEDGE-479
    function test_submit_contractSigner_answersForItself() external {
        ContractSigner contractSigner = new ContractSigner(accounts[2]);
        vm.prank(governor);
        source.addSigner(address(contractSigner));
        ISignedReports.Report memory report = _report(1e18, 2e18);
        (address[] memory by, bytes[] memory signatures) = _sign(report, 0, 1);
        uint256 place = address(contractSigner) > accounts[0] ? 1 : 0;
        (by[1 - place], signatures[1 - place]) = (accounts[0], _signature(keys[0], report));
        (by[place], signatures[place]) = (address(contractSigner), _signature(keys[1], report));
        vm.expectRevert(abi.encodeWithSelector(ISignedReports.SignatureInvalid.selector, address(contractSigner)));
        source.submit(report, by, signatures);
        signatures[place] = _signature(keys[2], report);
        source.submit(report, by, signatures);
        assertEq(source.lastReport().sequence, 1);
    }

    // --- who decides ----------------------------------------------------------------------------------------------

    // HEDGE-482
    function test_removeSigner_byTheGuardian_endsTheReportInForce() external {
        _submit(_report(1e18, 2e18));
        vm.expectEmit(address(source));
        emit ISignedReports.SignerRemoved(accounts[0]);
        vm.prank(guardian);
        source.removeSigner(accounts[0]);
        vm.expectRevert(ISignedReports.NoReport.selector);
        source.deltaInterval(PRICE);
        vm.warp(NOW + 1 minutes);
        ISignedReports.Report memory report = _report(1e18, 2e18);
        _expectRefused(report, abi.encodeWithSelector(ISignedReports.SignerUnknown.selector, accounts[0]));
        (address[] memory by, bytes[] memory signatures) = _sign(report, 1, 2);
        source.submit(report, by, signatures);
        source.deltaInterval(PRICE);
    }

    // HEDGE-482
    function test_revokeReport_theSameReportCannotComeBack() external {
        ISignedReports.Report memory report = _report(1e18, 2e18);
        _submit(report);
        vm.expectEmit(address(source));
        emit ISignedReports.ReportRevoked(1);
        vm.prank(guardian);
        source.revokeReport();
        vm.expectRevert(ISignedReports.NoReport.selector);
        source.deltaInterval(PRICE);
        _expectRefused(report, abi.encodeWithSelector(ISignedReports.ReportSuperseded.selector, 1, 1));
        vm.warp(NOW + 1 minutes);
        _expectJumpRefused(21e18 + 1, 21e18 + 1);
    }

    // HEDGE-482
    function test_setters_takeEffectAndTell() external {
        ISignedReports.Limits memory changed = _limits();
        changed.tolerance = 3e18;
        vm.startPrank(governor);
        vm.expectEmit(address(source));
        emit ISignedReports.LimitsSet(_limits(), changed);
        source.setLimits(changed);
        vm.expectEmit(address(source));
        emit ISignedReports.ThresholdSet(2, 3);
        source.setThreshold(3);
        vm.expectEmit(address(source));
        emit ISignedReports.AnchorSet(0, -5e18, 0, 5e18);
        source.setAnchor(-5e18, 5e18);
        vm.expectEmit(address(source));
        emit ISignedReports.AnchorSet(-5e18, -2e18, 5e18, 3e18);
        source.setAnchor(-2e18, 3e18);
        vm.expectEmit(address(source));
        emit ISignedReports.SignerAdded(stranger);
        source.addSigner(stranger);
        vm.stopPrank();
        assertEq(source.signers().length, 4);
        assertEq(source.threshold(), 3);
        _expectRefused(_report(0, 0), abi.encodeWithSelector(ISignedReports.TooFewSigners.selector, 2, 3));
    }

    // HEDGE-482
    function test_setters_revertIfOutOfRange() external {
        vm.startPrank(governor);
        vm.expectRevert(abi.encodeWithSelector(ISignedReports.ThresholdOutOfRange.selector, 0, 3));
        source.setThreshold(0);
        vm.expectRevert(abi.encodeWithSelector(ISignedReports.ThresholdOutOfRange.selector, 4, 3));
        source.setThreshold(4);
        vm.expectRevert(ISignedReports.SignerIsZero.selector);
        source.addSigner(address(0));
        vm.expectRevert(abi.encodeWithSelector(ISignedReports.SignerAlreadyAdded.selector, accounts[1]));
        source.addSigner(accounts[1]);
        vm.expectRevert(abi.encodeWithSelector(ISignedReports.SignerUnknown.selector, stranger));
        source.removeSigner(stranger);
        for (uint160 i = 1; i < 14; ++i) {
            source.addSigner(address(i));
        }
        vm.expectRevert(abi.encodeWithSelector(ISignedReports.TooManySigners.selector, 17, 16));
        source.addSigner(address(14));
        for (uint256 field; field < 7; ++field) {
            ISignedReports.Limits memory limits = _limits();
            if (field == 0) limits.maxAgeSeconds = 0;
            if (field == 1) limits.maxAgeSeconds = 25 hours + 1;
            if (field == 2) limits.minSpacingSeconds = 0;
            if (field == 3) limits.minSpacingSeconds = 1 days + 1;
            if (field == 4) limits.maxChange = 1e33 + 1;
            if (field == 5) limits.tolerance = 1e33 + 1;
            if (field == 6) limits.maxGamma = 1e24 + 1;
            vm.expectRevert(abi.encodeWithSelector(ISignedReports.LimitsOutOfRange.selector, limits));
            source.setLimits(limits);
        }
        vm.stopPrank();
    }

    // HEDGE-481
    function test_setAnchor_revertsIfNoReportCouldHaveItsEnds() external {
        bytes4 tooLarge = ISignedReports.ReportTooLarge.selector;
        vm.startPrank(governor);
        vm.expectRevert(abi.encodeWithSelector(ISignedReports.ReportInverted.selector, 2, 1));
        source.setAnchor(2, 1);
        vm.expectRevert(abi.encodeWithSelector(tooLarge, 0, 1e33 + 1, 1e33));
        source.setAnchor(0, 1e33 + 1);
        vm.expectRevert(abi.encodeWithSelector(tooLarge, -1e33 - 1, 0, 1e33));
        source.setAnchor(-1e33 - 1, 0);
        vm.stopPrank();
    }

    // HEDGE-482
    function test_setters_acceptTheLimitsThemselves() external {
        ISignedReports.Limits memory most = ISignedReports.Limits(25 hours, 1 days, 1e33, 1e33, 1e24);
        ISignedReports.Limits memory least = ISignedReports.Limits(1, 1, 0, 0, 0);
        vm.startPrank(governor);
        source.setLimits(most);
        _assertLimits(most);
        source.setLimits(least);
        _assertLimits(least);
        source.setAnchor(-1e33, 1e33);
        source.setAnchor(7, 7);
        source.setThreshold(1);
        for (uint160 i = 1; i < 14; ++i) {
            source.addSigner(address(i));
        }
        source.setThreshold(16);
        vm.stopPrank();
    }

    // HEDGE-482
    function test_setters_revertIfOfAnotherRole() external {
        address[2] memory others = [guardian, stranger];
        for (uint256 i; i < 2; ++i) {
            bytes memory refused = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, others[i]);
            vm.startPrank(others[i]);
            vm.expectRevert(refused);
            source.addSigner(stranger);
            vm.expectRevert(refused);
            source.setThreshold(1);
            vm.expectRevert(refused);
            source.setAnchor(0, 0);
            vm.expectRevert(refused);
            source.setLimits(_limits());
            vm.stopPrank();
        }
        vm.startPrank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IVaultAccess.NotGuardian.selector, stranger));
        source.revokeReport();
        vm.expectRevert(abi.encodeWithSelector(IVaultAccess.NotGuardian.selector, stranger));
        source.removeSigner(accounts[0]);
        vm.stopPrank();
    }

    // HEDGE-476
    function test_deltaInterval_largestReportLimitsAndPrice_doNotOverflow() external {
        ISignedReports.Limits memory limits = _limits();
        (limits.maxChange, limits.tolerance, limits.maxGamma) = (1e33, 1e33, 1e24);
        vm.prank(governor);
        source.setLimits(limits);
        _submit(_report(-1e33, 1e33));
        (int256 low, int256 high) = source.deltaInterval(1e30);
        assertGe(low, type(int128).min);
        assertLe(high, type(int128).max);
    }

    function _assertLimits(ISignedReports.Limits memory expected) private view {
        (uint256 maxAge, uint256 minSpacing, uint256 maxChange, uint256 tolerance, uint256 maxGamma) = source.limits();
        ISignedReports.Limits memory found = ISignedReports.Limits(maxAge, minSpacing, maxChange, tolerance, maxGamma);
        assertEq(abi.encode(found), abi.encode(expected));
    }

    function _expectJumpRefused(int256 low, int256 high) private {
        ISignedReports.Report memory last = source.lastReport();
        _expectRefused(
            _report(low, high),
            abi.encodeWithSelector(ISignedReports.ReportJumps.selector, low, high, last.low, last.high, 20e18)
        );
    }
}

/// @notice Account whose owner signs for it (ERC-1271).
contract ContractSigner is IERC1271 {
    address private immutable _owner;

    constructor(address owner) {
        _owner = owner;
    }

    function isValidSignature(bytes32 hash, bytes memory signature) external view returns (bytes4) {
        (address found,,) = ECDSA.tryRecover(hash, signature);
        return found == _owner ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}
