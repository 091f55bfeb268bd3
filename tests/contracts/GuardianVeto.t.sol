// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {VaultAccess} from "../../contracts/governance/VaultAccess.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-311 .. HEDGE-313: who may cancel what, and how a captured guardian or governor is removed.
contract GuardianVetoTest is VaultFixture {
    uint64 private constant ADMIN = 0;
    uint64 private constant KEEPER = 1;
    uint64 private constant GUARDIAN = 2;

    address private colleague = makeAddr("colleague");
    address private successor = makeAddr("successor");
    address private stranger = makeAddr("stranger");

    function _revokeCall(uint64 roleId, address account) private view returns (bytes memory) {
        return abi.encodeCall(access.revokeRole, (roleId, account));
    }

    function _grant(uint64 roleId, address account, uint32 delay) private {
        _govern(address(access), abi.encodeCall(access.grantRole, (roleId, account, delay)));
    }

    function _scheduleNow(address caller, bytes memory data) private {
        vm.prank(caller);
        access.schedule(address(access), data, 0);
    }

    function _assertCancels(address who, address caller, address target, bytes memory data, bool expected) private {
        if (!expected) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IAccessManager.AccessManagerUnauthorizedCancel.selector, who, caller, target, bytes4(data)
                )
            );
        }
        uint256 snapshot = vm.snapshotState();
        vm.prank(who);
        access.cancel(caller, target, data);
        if (expected) assertEq(access.getSchedule(access.hashOperation(caller, target, data)), 0);
        vm.revertToState(snapshot);
    }

    // --- what the guardian cancels --------------------------------------------------------------------------------

    // HEDGE-311
    function test_guardian_cancelsWhateverIsScheduled() external {
        _grant(ADMIN, colleague, DELAY);
        address[7] memory targets =
            [address(registry), address(guard), address(access), address(access), address(access), stranger, stranger];
        bytes[7] memory calls = [
            abi.encodeCall(registry.addVenue, (venue)),
            abi.encodeCall(guard.setBounds, (_bounds())),
            abi.encodeCall(access.grantRole, (ADMIN, stranger, DELAY)),
            abi.encodeCall(access.grantRole, (GUARDIAN, stranger, 0)),
            _revokeCall(ADMIN, colleague),
            bytes("whatever else"),
            _revokeCall(GUARDIAN, guardian) // of another contract, so no dismissal
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(governor);
            access.schedule(targets[i], calls[i], 0);
            vm.warp(START + 2 days); // ready, and still cancelled
            _assertCancels(guardian, governor, targets[i], calls[i], true);
            _assertCancels(governor, governor, targets[i], calls[i], true);
            _assertCancels(keeper, governor, targets[i], calls[i], false);
            _assertCancels(stranger, governor, targets[i], calls[i], false);
            vm.warp(START);
        }
    }

    // HEDGE-311
    function test_guardian_cancelsManyAtOnceForLessThanTheyCost() external {
        uint256 count = 20;
        bytes[] memory cancels = new bytes[](count);
        uint256 scheduleGas = gasleft();
        vm.startPrank(governor);
        for (uint256 i = 0; i < count; ++i) {
            bytes memory data = bytes.concat(_revokeCall(KEEPER, keeper), bytes32(i));
            access.schedule(address(access), data, 0);
            cancels[i] = abi.encodeCall(access.cancel, (governor, address(access), data));
        }
        vm.stopPrank();
        scheduleGas -= gasleft();
        uint256 cancelGas = gasleft();
        vm.prank(guardian);
        access.multicall(cancels);
        cancelGas -= gasleft();
        assertLt(cancelGas, scheduleGas);
    }

    // HEDGE-311
    function test_guardian_cancelsNothingAfterItsDismissal() external {
        _scheduleNow(governor, _revokeCall(GUARDIAN, guardian));
        vm.warp(START + 2 days);
        vm.prank(governor);
        access.revokeRole(GUARDIAN, guardian);
        bytes memory data = _revokeCall(KEEPER, keeper);
        _scheduleNow(governor, data);
        _assertCancels(guardian, governor, address(access), data, false);
    }

    // --- dismissal of a guardian ----------------------------------------------------------------------------------

    // HEDGE-312
    function test_dismissalOfAGuardian_waitsTwiceTheDelay() external {
        bytes memory data = _revokeCall(GUARDIAN, guardian);
        _scheduleNow(governor, data);
        assertEq(access.getSchedule(access.hashOperation(governor, address(access), data)), START + 2 days);
        vm.warp(START + 2 days - 1);
        bytes32 operationId = access.hashOperation(governor, address(access), data);
        vm.prank(governor);
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerNotReady.selector, operationId));
        access.revokeRole(GUARDIAN, guardian);
        vm.warp(START + 2 days);
        vm.prank(governor);
        access.revokeRole(GUARDIAN, guardian);
        (bool isGuardian,) = access.hasRole(GUARDIAN, guardian);
        assertFalse(isGuardian);
    }

    // HEDGE-312
    function test_dismissalOfAGuardian_revertsIfAskedForSooner() external {
        bytes memory data = _revokeCall(GUARDIAN, guardian);
        vm.startPrank(governor);
        uint48[2] memory times = [uint48(START + 1 days), uint48(START + 2 days - 1)];
        for (uint256 i = 0; i < times.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(VaultAccess.DismissalTooSoon.selector, times[i], START + 2 days));
            access.schedule(address(access), data, times[i]);
        }
        access.schedule(address(access), data, uint48(START + 3 days));
        assertEq(access.getSchedule(access.hashOperation(governor, address(access), data)), START + 3 days);
    }

    // HEDGE-312
    function test_dismissalOfAGuardian_waitsTwiceHoweverItIsWritten() external {
        bytes memory data = bytes.concat(_revokeCall(GUARDIAN, guardian), "trailing bytes");
        bytes[] memory batch = new bytes[](1);
        batch[0] = abi.encodeCall(access.schedule, (address(access), data, 0));
        vm.prank(governor);
        access.multicall(batch);
        assertEq(access.getSchedule(access.hashOperation(governor, address(access), data)), START + 2 days);
        _assertCancels(guardian, governor, address(access), data, false);
    }

    // HEDGE-312
    function test_dismissalOfAGuardian_isCancelledByWhoScheduledItAlone() external {
        _grant(ADMIN, colleague, DELAY);
        _grant(GUARDIAN, successor, 0);
        bytes memory data = _revokeCall(GUARDIAN, guardian);
        _scheduleNow(governor, data);
        _assertCancels(guardian, governor, address(access), data, false);
        _assertCancels(successor, governor, address(access), data, false);
        _assertCancels(colleague, governor, address(access), data, false);
        _assertCancels(governor, governor, address(access), data, true);
    }

    // HEDGE-312
    function test_schedule_ofADismissalRevertsIfCallerIsNoGovernor() external {
        address[3] memory callers = [guardian, keeper, stranger];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.prank(callers[i]);
            vm.expectRevert(
                abi.encodeWithSelector(
                    IAccessManager.AccessManagerUnauthorizedCall.selector,
                    callers[i],
                    address(access),
                    access.revokeRole.selector
                )
            );
            access.schedule(address(access), _revokeCall(GUARDIAN, successor), 0);
        }
    }

    // HEDGE-312
    function test_capturedGuardian_holdsGovernanceUpForThreeDelaysAtMost() external {
        // It cancels the appointment of a successor as often as it likes, but not its own dismissal.
        bytes memory appointment = abi.encodeCall(access.grantRole, (GUARDIAN, successor, 0));
        _scheduleNow(governor, _revokeCall(GUARDIAN, guardian));
        _scheduleNow(governor, appointment);
        vm.prank(guardian);
        access.cancel(governor, address(access), appointment);
        vm.warp(START + 2 days);
        vm.prank(governor);
        access.revokeRole(GUARDIAN, guardian);
        _scheduleNow(governor, appointment);
        _assertCancels(guardian, governor, address(access), appointment, false);
        vm.warp(START + 3 days);
        vm.prank(governor);
        access.grantRole(GUARDIAN, successor, 0);
        access.requireGuardian(successor);
    }

    // --- governors among themselves -------------------------------------------------------------------------------

    // HEDGE-313
    function test_governor_cancelsAnothersOperationButNotItsOwnRemoval() external {
        _grant(ADMIN, colleague, DELAY);
        bytes memory removal = _revokeCall(ADMIN, colleague);
        _scheduleNow(governor, removal);
        _assertCancels(colleague, governor, address(access), removal, false);
        _assertCancels(guardian, governor, address(access), removal, true);
        bytes memory other = _revokeCall(ADMIN, stranger);
        _scheduleNow(governor, other);
        _assertCancels(colleague, governor, address(access), other, true);
    }

    // HEDGE-313
    function test_capturedGovernor_isRemovedBeforeItCanDismissTheGuardian() external {
        _grant(ADMIN, colleague, DELAY);
        _scheduleNow(governor, _revokeCall(GUARDIAN, guardian)); // captured
        _scheduleNow(colleague, _revokeCall(ADMIN, governor)); // sees it
        vm.warp(START + 1 days);
        vm.prank(colleague);
        access.revokeRole(ADMIN, governor);
        vm.warp(START + 2 days);
        vm.prank(governor);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessManager.AccessManagerUnauthorizedAccount.selector, governor, ADMIN)
        );
        access.revokeRole(GUARDIAN, guardian);
        access.requireGuardian(guardian);
    }

    // HEDGE-313
    function test_capturedGovernor_getsNoGuardianOfItsOwnPastTheGuardian() external {
        _grant(ADMIN, colleague, DELAY);
        bytes memory appointment = abi.encodeCall(access.grantRole, (GUARDIAN, stranger, 0));
        _scheduleNow(governor, appointment);
        _assertCancels(guardian, governor, address(access), appointment, true);
        _assertCancels(colleague, governor, address(access), appointment, true);
    }
}
