// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {IVaultAccess} from "../../contracts/interfaces/IVaultAccess.sol";
import {VaultAccess} from "../../contracts/governance/VaultAccess.sol";
import {Intent, Leg} from "../../contracts/types/Rebalance.sol";
import {ScriptedVenue} from "./support/ScriptedVenue.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice Calls what it is told to, as a hostile target of a scheduled operation would.
contract CallBack {
    bool public hasRun;
    bool public succeeded;

    function run(address target, bytes calldata data) external {
        hasRun = true;
        (succeeded,) = target.call(data);
    }
}

/// @notice HEDGE-306 .. HEDGE-310, HEDGE-316: whatever a governor does waits, and there is no way around.
contract GovernanceDelayTest is VaultFixture {
    uint64 private constant ADMIN = 0;
    uint64 private constant KEEPER = 1;
    uint64 private constant GUARDIAN = 2;

    address private fresh = makeAddr("fresh");

    function _grantCall(uint64 roleId, address account, uint32 delay) private view returns (bytes memory) {
        return abi.encodeCall(access.grantRole, (roleId, account, delay));
    }

    function _id(address target, bytes memory data) private view returns (bytes32) {
        return access.hashOperation(governor, target, data);
    }

    /// @dev The call fails now, made directly and by way of `execute`, because nothing is scheduled.
    function _assertWaits(address target, bytes memory data) private {
        bytes memory notScheduled =
            abi.encodeWithSelector(IAccessManager.AccessManagerNotScheduled.selector, _id(target, data));
        vm.startPrank(governor);
        (bool succeeded, bytes memory answer) = target.call(data);
        assertFalse(succeeded);
        assertEq(answer, notScheduled);
        vm.expectRevert(notScheduled);
        access.execute(target, data);
        vm.stopPrank();
    }

    // --- the attack -----------------------------------------------------------------------------------------------

    // HEDGE-316
    function test_capturedGovernor_movesNothingInADay() external {
        _deposit(depositor, _units(200_000));
        ScriptedVenue thief = new ScriptedVenue(address(vault), address(token), PRICE);
        address[4] memory targets = [address(access), address(registry), address(deltaBook), address(guard)];
        bytes[4] memory steps = [
            _grantCall(KEEPER, governor, 0),
            abi.encodeCall(registry.addVenue, (thief)),
            abi.encodeCall(deltaBook.removeSource, (source)),
            abi.encodeCall(guard.setBounds, (_bounds()))
        ];
        for (uint256 i = 0; i < steps.length; ++i) {
            _assertWaits(targets[i], steps[i]);
            vm.expectEmit(address(access));
            emit IAccessManager.OperationScheduled(
                _id(targets[i], steps[i]), 1, uint48(START + 1 days), governor, targets[i], steps[i]
            );
            vm.prank(governor);
            access.schedule(targets[i], steps[i], 0);
        }
        Leg[] memory legs = _leg(int256(_units(200_000)), 0);
        Intent memory intent = _nextIntent();
        vm.prank(governor);
        vm.expectRevert(abi.encodeWithSelector(IVaultAccess.NotKeeper.selector, governor));
        vault.rebalance(intent, legs);
        vm.warp(START + 1 days - 1);
        for (uint256 i = 0; i < steps.length; ++i) {
            bytes32 operationId = _id(targets[i], steps[i]);
            vm.prank(governor);
            vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerNotReady.selector, operationId));
            access.execute(targets[i], steps[i]);
            vm.prank(guardian);
            access.cancel(governor, targets[i], steps[i]);
        }
        vm.warp(START + 1 days);
        for (uint256 i = 0; i < steps.length; ++i) {
            _assertWaits(targets[i], steps[i]);
        }
        assertEq(token.balanceOf(address(vault)), _units(200_000));
    }

    // --- how long -------------------------------------------------------------------------------------------------

    // HEDGE-306
    function test_operation_runsFromItsDelayOnForAWeek() external {
        bytes memory data = abi.encodeCall(deltaBook.removeSource, (source));
        vm.startPrank(governor);
        access.schedule(address(deltaBook), data, 0);
        uint256[4] memory times = [START + 1 days - 1, START + 1 days, START + 8 days - 1, START + 8 days];
        for (uint256 i = 0; i < times.length; ++i) {
            uint256 snapshot = vm.snapshotState();
            vm.warp(times[i]);
            (bool succeeded, bytes memory answer) = address(deltaBook).call(data);
            assertEq(succeeded, i == 1 || i == 2);
            if (i == 0) assertEq(bytes4(answer), IAccessManager.AccessManagerNotReady.selector);
            if (i == 3) assertEq(bytes4(answer), IAccessManager.AccessManagerExpired.selector);
            vm.revertToState(snapshot);
        }
    }

    // HEDGE-306
    function test_operation_runsOnce() external {
        bytes memory data = abi.encodeCall(access.revokeRole, (KEEPER, keeper));
        _govern(address(access), data);
        _assertWaits(address(access), data);
    }

    // HEDGE-306
    function test_schedule_revertsIfTooSoon() external {
        bytes memory data = abi.encodeCall(deltaBook.removeSource, (source));
        vm.prank(governor);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessManager.AccessManagerUnauthorizedCall.selector,
                governor,
                address(deltaBook),
                deltaBook.removeSource.selector
            )
        );
        access.schedule(address(deltaBook), data, uint48(START + 1 days - 1));
    }

    // HEDGE-306
    function test_operation_diesWithTheRoleOfWhoScheduledIt() external {
        _govern(address(access), _grantCall(ADMIN, fresh, DELAY));
        bytes memory data = abi.encodeCall(deltaBook.removeSource, (source));
        vm.prank(fresh);
        access.schedule(address(deltaBook), data, 0);
        _govern(address(access), abi.encodeCall(access.revokeRole, (ADMIN, fresh)));
        vm.warp(START + 1 days);
        vm.prank(fresh);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, fresh));
        deltaBook.removeSource(source);
    }

    // --- roles wait too -------------------------------------------------------------------------------------------

    // HEDGE-307
    function test_grantRole_waitsForEveryRole() external {
        for (uint64 roleId = 0; roleId < 4; ++roleId) {
            _assertWaits(address(access), _grantCall(roleId, fresh, roleId == ADMIN ? DELAY : 0));
        }
    }

    // HEDGE-307
    function test_revokeRole_waitsForEveryRole() external {
        for (uint64 roleId = 0; roleId < 4; ++roleId) {
            _assertWaits(address(access), abi.encodeCall(access.revokeRole, (roleId, guardian)));
        }
    }

    // HEDGE-306
    function test_grantAdmin_revertsIfTheFreshAccountWouldNotWait() external {
        uint32[3] memory delays = [uint32(0), 1 days - 1, 30 days + 1];
        for (uint256 i = 0; i < delays.length; ++i) {
            _governExpecting(
                address(access),
                _grantCall(ADMIN, fresh, delays[i]),
                abi.encodeWithSelector(
                    VaultAccess.DelayOutOfRange.selector, ADMIN, delays[i], uint32(1 days), uint32(30 days)
                )
            );
        }
    }

    // HEDGE-306
    function test_grantAdmin_revertsIfAGovernorWouldNoLongerWait() external {
        _governExpecting(
            address(access),
            _grantCall(ADMIN, governor, 0),
            abi.encodeWithSelector(VaultAccess.DelayOutOfRange.selector, ADMIN, 0, uint32(1 days), uint32(30 days))
        );
    }

    // HEDGE-308
    function test_delay_isLongerAtOnceAndShorterAfterTheDifference() external {
        _govern(address(access), _grantCall(ADMIN, governor, 3 days));
        assertEq(access.delayOf(governor), 3 days);
        _govern(address(access), _grantCall(ADMIN, governor, 1 days));
        assertEq(access.delayOf(governor), 3 days);
        (, uint32 current, uint32 pending, uint48 effect) = access.getAccess(ADMIN, governor);
        assertEq(current, 3 days);
        assertEq(pending, 1 days);
        assertEq(effect, START + 2 days);
        vm.warp(START + 2 days - 1);
        assertEq(access.delayOf(governor), 3 days);
        vm.warp(START + 2 days);
        assertEq(access.delayOf(governor), 1 days);
    }

    // HEDGE-308
    function test_delay_ofAFreshGovernorBeginsAfterTheOldDelay() external {
        _govern(address(access), _grantCall(ADMIN, governor, 3 days));
        bytes memory data = _grantCall(ADMIN, fresh, 1 days);
        vm.startPrank(governor);
        access.schedule(address(access), data, 0);
        vm.warp(START + 3 days - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessManager.AccessManagerNotReady.selector, _id(address(access), data))
        );
        access.execute(address(access), data);
    }

    // --- what is fixed --------------------------------------------------------------------------------------------

    // HEDGE-309
    function test_fixedSettings_revertWhoeverAsksAndHoweverLongHeWaited() external {
        bytes[] memory calls = _fixedSettings();
        for (uint256 i = 0; i < calls.length; ++i) {
            bytes memory locked =
                abi.encodeWithSelector(IAccessManager.AccessManagerLockedFunction.selector, bytes4(calls[i]));
            _governExpecting(address(access), calls[i], locked);
            address[4] memory callers = [governor, guardian, deployer, address(access)];
            for (uint256 j = 0; j < callers.length; ++j) {
                vm.prank(callers[j]);
                (bool succeeded, bytes memory answer) = address(access).call(calls[i]);
                assertFalse(succeeded);
                assertEq(answer, locked);
            }
        }
    }

    // HEDGE-309
    function test_fixedSettings_revertForTheDeployerToo() external {
        VaultAccess setup = new VaultAccess(deployer);
        bytes[] memory calls = _fixedSettings();
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(deployer);
            (bool succeeded, bytes memory answer) = address(setup).call(calls[i]);
            assertFalse(succeeded);
            assertEq(bytes4(answer), IAccessManager.AccessManagerLockedFunction.selector);
        }
    }

    function _fixedSettings() private view returns (bytes[] memory calls) {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = registry.addVenue.selector;
        calls = new bytes[](11);
        calls[0] = abi.encodeCall(access.setTargetFunctionRole, (address(vault), selectors, access.PUBLIC_ROLE()));
        calls[1] = abi.encodeCall(access.setRoleAdmin, (KEEPER, KEEPER));
        calls[2] = abi.encodeCall(access.setRoleGuardian, (KEEPER, 77));
        calls[3] = abi.encodeCall(access.setGrantDelay, (GUARDIAN, type(uint32).max));
        calls[4] = abi.encodeCall(access.setTargetAdminDelay, (address(vault), 0));
        calls[5] = abi.encodeCall(access.setTargetClosed, (address(vault), true));
        calls[6] = abi.encodeCall(access.setTargetClosed, (address(access), true));
        calls[7] = abi.encodeCall(access.updateAuthority, (address(vault), address(this)));
        calls[8] = abi.encodeCall(access.labelRole, (KEEPER, "GUARDIAN"));
        selectors[0] = access.execute.selector;
        calls[9] = abi.encodeCall(access.setTargetFunctionRole, (address(access), selectors, access.PUBLIC_ROLE()));
        calls[10] = abi.encodeCall(access.setGrantDelay, (ADMIN, 1));
    }

    // --- calls inside calls ---------------------------------------------------------------------------------------

    // HEDGE-310
    function test_multicall_shortensNothing() external {
        bytes memory grant = _grantCall(KEEPER, fresh, 0);
        bytes[] memory batch = new bytes[](2);
        batch[0] = abi.encodeCall(access.schedule, (address(access), grant, 0));
        batch[1] = abi.encodeCall(access.execute, (address(access), grant));
        vm.startPrank(governor);
        bytes memory notReady =
            abi.encodeWithSelector(IAccessManager.AccessManagerNotReady.selector, _id(address(access), grant));
        vm.expectRevert(notReady);
        access.multicall(batch);
        batch[1] = grant;
        vm.expectRevert(notReady);
        access.multicall(batch);
    }

    // HEDGE-310
    function test_scheduledMulticall_carriesNoRestrictedCall() external {
        bytes[] memory batch = new bytes[](1);
        batch[0] = abi.encodeCall(access.revokeRole, (GUARDIAN, guardian));
        _governExpecting(
            address(access),
            abi.encodeCall(access.multicall, (batch)),
            abi.encodeWithSelector(IAccessManager.AccessManagerUnauthorizedAccount.selector, address(access), ADMIN)
        );
    }

    // HEDGE-310
    function test_scheduledExecute_carriesNoRestrictedCall() external {
        bytes memory dismissal = abi.encodeCall(access.revokeRole, (GUARDIAN, guardian));
        _governExpecting(
            address(access),
            abi.encodeCall(access.execute, (address(access), dismissal)),
            abi.encodeWithSelector(
                IAccessManager.AccessManagerUnauthorizedCall.selector,
                address(access),
                address(access),
                access.revokeRole.selector
            )
        );
        bytes memory listing = abi.encodeCall(registry.removeVenue, (venue));
        _governExpecting(
            address(access),
            abi.encodeCall(access.execute, (address(registry), listing)),
            abi.encodeWithSelector(
                IAccessManager.AccessManagerUnauthorizedCall.selector,
                address(access),
                address(registry),
                registry.removeVenue.selector
            )
        );
    }

    // HEDGE-310
    function test_scheduledSchedule_isNobodys() external {
        bytes memory dismissal = abi.encodeCall(access.revokeRole, (GUARDIAN, guardian));
        _governExpecting(
            address(access),
            abi.encodeCall(access.schedule, (address(access), dismissal, 0)),
            abi.encodeWithSelector(
                IAccessManager.AccessManagerUnauthorizedCall.selector,
                address(access),
                address(access),
                access.revokeRole.selector
            )
        );
    }

    // HEDGE-310
    function test_execute_lendsNoRightToWhatItCalls() external {
        // What a scheduled call reaches calls back: the same function, and others by way of `execute` or not.
        CallBack callBack = new CallBack();
        ScriptedVenue added = new ScriptedVenue(address(vault), address(token), PRICE);
        bytes memory grant = _grantCall(KEEPER, fresh, 0);
        bytes memory listing = abi.encodeCall(registry.addVenue, (added));
        bytes memory again = abi.encodeCall(callBack.run, (address(access), grant));
        _assertCallBackFails(callBack, address(access), grant);
        _assertCallBackFails(callBack, address(access), abi.encodeCall(access.execute, (address(access), grant)));
        _assertCallBackFails(callBack, address(access), abi.encodeCall(access.execute, (address(registry), listing)));
        _assertCallBackFails(callBack, address(access), abi.encodeCall(access.execute, (address(callBack), again)));
        _assertCallBackFails(callBack, address(registry), listing);
    }

    function _assertCallBackFails(CallBack callBack, address target, bytes memory data) private {
        _govern(address(callBack), abi.encodeCall(callBack.run, (target, data)));
        assertTrue(callBack.hasRun());
        assertFalse(callBack.succeeded());
    }

    // HEDGE-310
    function test_consumeScheduledOp_isTheTargetsAlone() external {
        bytes memory data = abi.encodeCall(vault.resume, ());
        vm.prank(governor);
        access.schedule(address(vault), data, 0);
        vm.warp(START + 1 days);
        // A contract that claims to be consuming is asked about operations on itself alone.
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessManager.AccessManagerNotScheduled.selector, access.hashOperation(governor, address(this), data)
            )
        );
        access.consumeScheduledOp(governor, data);
    }

    function isConsumingScheduledOp() external pure returns (bytes4) {
        return IAccessManaged.isConsumingScheduledOp.selector;
    }
}
