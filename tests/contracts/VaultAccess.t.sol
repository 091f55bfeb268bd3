// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {VaultAccess} from "../../contracts/governance/VaultAccess.sol";
import {Governed} from "../../contracts/governance/Governed.sol";
import {IVaultAccess} from "../../contracts/interfaces/IVaultAccess.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-301 .. HEDGE-304, HEDGE-313 .. HEDGE-316: the roles, their holders, and how they change hands.
contract VaultAccessTest is VaultFixture {
    uint64 private constant ADMIN = 0;
    uint64 private constant KEEPER = 1;
    uint64 private constant GUARDIAN = 2;
    uint64 private constant RELAY = 3;

    address private relay = makeAddr("relay");
    address private stranger = makeAddr("stranger");

    function _grant(uint64 roleId, address account, uint32 delay) private {
        _govern(address(access), abi.encodeCall(access.grantRole, (roleId, account, delay)));
    }

    function _grantExpecting(uint64 roleId, address account, uint32 delay, bytes memory expectedError) private {
        _governExpecting(address(access), abi.encodeCall(access.grantRole, (roleId, account, delay)), expectedError);
    }

    function _revoke(uint64 roleId, address account) private {
        _govern(address(access), abi.encodeCall(access.revokeRole, (roleId, account)));
    }

    function _none() private pure returns (address[] memory) {
        return new address[](0);
    }

    function _one(address account) private pure returns (address[] memory accounts) {
        accounts = new address[](1);
        accounts[0] = account;
    }

    function _assertHolds(uint64 roleId, address account, bool expected) private view {
        (bool isMember,) = access.hasRole(roleId, account);
        assertEq(isMember, expected, string.concat("role ", vm.toString(roleId), " of ", vm.toString(account)));
    }

    // --- roles ----------------------------------------------------------------------------------------------------

    // HEDGE-301
    function test_require_acceptsWhoHoldsTheRole() external {
        _grant(RELAY, relay, 0);
        access.requireKeeper(keeper);
        access.requireRelay(relay);
        access.requireGuardian(guardian);
        access.requireGuardian(governor);
        assertTrue(access.isKeeper(keeper));
        assertFalse(access.isKeeper(governor));
        assertEq(access.delayOf(governor), DELAY);
    }

    // HEDGE-301
    function test_require_revertsIfNot() external {
        _grant(RELAY, relay, 0);
        address[6] memory accounts = [governor, guardian, keeper, relay, stranger, deployer];
        for (uint256 i = 0; i < accounts.length; ++i) {
            address account = accounts[i];
            if (account != keeper) {
                vm.expectRevert(abi.encodeWithSelector(IVaultAccess.NotKeeper.selector, account));
                access.requireKeeper(account);
            }
            if (account != relay) {
                vm.expectRevert(abi.encodeWithSelector(IVaultAccess.NotRelay.selector, account));
                access.requireRelay(account);
            }
            if (account != guardian && account != governor) {
                vm.expectRevert(abi.encodeWithSelector(IVaultAccess.NotGuardian.selector, account));
                access.requireGuardian(account);
            }
            if (account != governor) {
                vm.expectRevert(abi.encodeWithSelector(VaultAccess.NotGovernor.selector, account));
                access.delayOf(account);
            }
        }
    }

    // HEDGE-301
    function test_roles_areAdministeredByTheGovernorAndGuardedByTheGuardian() external view {
        for (uint64 roleId = 0; roleId <= RELAY; ++roleId) {
            assertEq(access.getRoleAdmin(roleId), ADMIN);
            assertEq(access.getRoleGuardian(roleId), GUARDIAN);
            assertEq(access.getRoleGrantDelay(roleId), 0);
        }
        assertEq(access.ADMIN_ROLE(), ADMIN);
        assertEq(access.KEEPER_ROLE(), KEEPER);
        assertEq(access.GUARDIAN_ROLE(), GUARDIAN);
        assertEq(access.RELAY_ROLE(), RELAY);
        assertEq(access.MIN_DELAY(), 86_400);
        assertEq(access.MAX_DELAY(), 30 * 86_400);
    }

    // HEDGE-314
    function test_grantRole_revertsIfTheRoleIsUnknownOrPublic() external {
        uint64[3] memory roles = [RELAY + 1, 77, type(uint64).max];
        for (uint256 i = 0; i < roles.length; ++i) {
            _grantExpecting(roles[i], stranger, 0, abi.encodeWithSelector(VaultAccess.UnknownRole.selector, roles[i]));
        }
    }

    // HEDGE-314
    function test_grantRole_revertsIfTheHolderCannotAct() external {
        address[2] memory holders = [address(0), address(access)];
        for (uint256 i = 0; i < holders.length; ++i) {
            _grantExpecting(
                KEEPER,
                holders[i],
                0,
                abi.encodeWithSelector(VaultAccess.InvalidRoleHolder.selector, KEEPER, holders[i])
            );
        }
    }

    // HEDGE-314
    function test_grantRole_revertsIfGovernorAndGuardianBecomeOne() external {
        _grantExpecting(
            ADMIN, guardian, DELAY, abi.encodeWithSelector(VaultAccess.GovernorIsGuardian.selector, guardian)
        );
        _grantExpecting(
            GUARDIAN, governor, 0, abi.encodeWithSelector(VaultAccess.GovernorIsGuardian.selector, governor)
        );
    }

    // HEDGE-314
    function test_grantRole_revertsIfARoleWithoutDelayIsGivenOne() external {
        for (uint64 roleId = KEEPER; roleId <= RELAY; ++roleId) {
            _grantExpecting(
                roleId, stranger, 1, abi.encodeWithSelector(VaultAccess.DelayOutOfRange.selector, roleId, 1, 0, 0)
            );
        }
    }

    // HEDGE-317
    function test_setAuthority_revertsWhoeverCalls() external {
        address[4] memory callers = [governor, guardian, address(access), stranger];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.prank(callers[i]);
            vm.expectRevert(abi.encodeWithSelector(Governed.AuthorityIsFixed.selector, address(access)));
            vault.setAuthority(address(this));
        }
        assertEq(vault.authority(), address(access));
    }

    // --- hand-over ------------------------------------------------------------------------------------------------

    // HEDGE-302
    function test_handOver_namesTheHoldersAndEndsTheDeployersPower() external {
        VaultAccess fresh = new VaultAccess(deployer);
        address[] memory keepers = new address[](2);
        (keepers[0], keepers[1]) = (keeper, stranger);
        vm.expectEmit(address(fresh));
        emit VaultAccess.HandedOver(governor, 3 days, guardian);
        vm.prank(deployer);
        fresh.handOver(governor, 3 days, guardian, keepers, _one(relay));
        assertEq(fresh.delayOf(governor), 3 days);
        fresh.requireGuardian(guardian);
        fresh.requireKeeper(keeper);
        fresh.requireKeeper(stranger);
        fresh.requireRelay(relay);
        assertEq(fresh.governorCount(), 1);
        assertEq(fresh.keeperCount(), 2);
        for (uint64 roleId = 0; roleId <= RELAY; ++roleId) {
            (bool isMember,) = fresh.hasRole(roleId, deployer);
            assertFalse(isMember);
        }
    }

    // HEDGE-302
    function test_deployer_isPowerlessAfterHandOver() external {
        bytes memory call = abi.encodeCall(registry.addVenue, (venue));
        vm.startPrank(deployer);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, deployer));
        registry.addVenue(venue);
        bytes memory unauthorized = abi.encodeWithSelector(
            IAccessManager.AccessManagerUnauthorizedCall.selector,
            deployer,
            address(registry),
            registry.addVenue.selector
        );
        vm.expectRevert(unauthorized);
        access.execute(address(registry), call);
        vm.expectRevert(unauthorized);
        access.schedule(address(registry), call, 0);
        vm.expectRevert(abi.encodeWithSelector(IVaultAccess.NotGuardian.selector, deployer));
        access.dismissKeeper(keeper);
        vm.expectRevert(VaultAccess.AlreadyHandedOver.selector);
        access.handOver(stranger, DELAY, relay, _none(), _none());
    }

    // HEDGE-302
    function test_deployer_appointsNobodyBeforeHandOver() external {
        VaultAccess fresh = new VaultAccess(deployer);
        vm.startPrank(deployer);
        for (uint64 roleId = 0; roleId <= RELAY; ++roleId) {
            vm.expectRevert(VaultAccess.NotHandedOver.selector);
            fresh.grantRole(roleId, stranger, DELAY);
            vm.expectRevert(VaultAccess.NotHandedOver.selector);
            fresh.execute(address(fresh), abi.encodeCall(fresh.grantRole, (roleId, stranger, DELAY)));
        }
        vm.expectRevert(abi.encodeWithSelector(VaultAccess.LastGovernor.selector, deployer));
        fresh.renounceRole(ADMIN, deployer);
    }

    // HEDGE-302
    function test_deployer_leavesNothingScheduledBehind() external {
        VaultAccess fresh = new VaultAccess(deployer);
        bytes memory call = abi.encodeCall(fresh.revokeRole, (KEEPER, keeper));
        vm.startPrank(deployer);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessManager.AccessManagerUnauthorizedCall.selector,
                deployer,
                address(fresh),
                fresh.revokeRole.selector
            )
        );
        fresh.schedule(address(fresh), call, uint48(START + 365 days));
    }

    // HEDGE-302
    function test_handOver_revertsIfCallerIsNotTheDeployer() external {
        VaultAccess fresh = new VaultAccess(deployer);
        bytes memory call = abi.encodeCall(fresh.handOver, (governor, DELAY, guardian, _none(), _none()));
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(VaultAccess.NotDeployer.selector, stranger, deployer));
        fresh.handOver(governor, DELAY, guardian, _none(), _none());
        // By way of `execute` the caller would be the contract itself, and the deployer would keep its role.
        vm.prank(deployer);
        vm.expectRevert(abi.encodeWithSelector(VaultAccess.NotDeployer.selector, address(fresh), deployer));
        fresh.execute(address(fresh), call);
    }

    // HEDGE-302
    function test_handOver_revertsIfTheDeployerWouldKeepARole() external {
        VaultAccess fresh = new VaultAccess(deployer);
        vm.startPrank(deployer);
        bytes4 selector = VaultAccess.DeployerKeepsRole.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, ADMIN, deployer));
        fresh.handOver(deployer, DELAY, guardian, _none(), _none());
        vm.expectRevert(abi.encodeWithSelector(selector, GUARDIAN, deployer));
        fresh.handOver(governor, DELAY, deployer, _none(), _none());
        vm.expectRevert(abi.encodeWithSelector(selector, KEEPER, deployer));
        fresh.handOver(governor, DELAY, guardian, _one(deployer), _none());
        vm.expectRevert(abi.encodeWithSelector(selector, RELAY, deployer));
        fresh.handOver(governor, DELAY, guardian, _none(), _one(deployer));
    }

    // HEDGE-302, HEDGE-306
    function test_handOver_revertsIfItWouldNotGuardTheVault() external {
        VaultAccess fresh = new VaultAccess(deployer);
        vm.startPrank(deployer);
        bytes4 outOfRange = VaultAccess.DelayOutOfRange.selector;
        vm.expectRevert(abi.encodeWithSelector(outOfRange, ADMIN, 1 days - 1, 1 days, 30 days));
        fresh.handOver(governor, 1 days - 1, guardian, _none(), _none());
        vm.expectRevert(abi.encodeWithSelector(outOfRange, ADMIN, 30 days + 1, 1 days, 30 days));
        fresh.handOver(governor, 30 days + 1, guardian, _none(), _none());
        vm.expectRevert(abi.encodeWithSelector(VaultAccess.GovernorIsGuardian.selector, governor));
        fresh.handOver(governor, DELAY, governor, _none(), _none());
        vm.expectRevert(abi.encodeWithSelector(VaultAccess.InvalidRoleHolder.selector, GUARDIAN, address(0)));
        fresh.handOver(governor, DELAY, address(0), _none(), _none());
        assertFalse(fresh.handedOver());
        fresh.handOver(governor, 30 days, guardian, _none(), _none());
    }

    // --- last governor --------------------------------------------------------------------------------------------

    // HEDGE-303
    function test_lastGovernor_canNeitherLeaveNorBeRemoved() external {
        vm.prank(governor);
        vm.expectRevert(abi.encodeWithSelector(VaultAccess.LastGovernor.selector, governor));
        access.renounceRole(ADMIN, governor);
        _governExpecting(
            address(access),
            abi.encodeCall(access.revokeRole, (ADMIN, governor)),
            abi.encodeWithSelector(VaultAccess.LastGovernor.selector, governor)
        );
        _grant(ADMIN, stranger, DELAY);
        _grant(ADMIN, stranger, DELAY); // a second time counts for nothing
        assertEq(access.governorCount(), 2);
        vm.prank(governor);
        access.renounceRole(ADMIN, governor);
        assertEq(access.governorCount(), 1);
        assertEq(access.delayOf(stranger), DELAY);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(VaultAccess.LastGovernor.selector, stranger));
        access.renounceRole(ADMIN, stranger);
    }

    // HEDGE-303
    function test_revokeRole_ofAStrangerCountsNothing() external {
        _revoke(ADMIN, stranger);
        _revoke(KEEPER, stranger);
        assertEq(access.governorCount(), 1);
        assertEq(access.keeperCount(), 1);
    }

    // --- keepers --------------------------------------------------------------------------------------------------

    // HEDGE-304
    function test_dismiss_isTheGuardiansOrGovernorsAtOnce() external {
        _grant(RELAY, relay, 0);
        address[2] memory callers = [guardian, governor];
        for (uint256 i = 0; i < callers.length; ++i) {
            uint256 snapshot = vm.snapshotState();
            vm.startPrank(callers[i]);
            access.dismissKeeper(keeper);
            access.dismissRelay(relay);
            vm.stopPrank();
            _assertHolds(KEEPER, keeper, false);
            _assertHolds(RELAY, relay, false);
            assertEq(access.keeperCount(), 0);
            vm.revertToState(snapshot);
        }
    }

    // HEDGE-304
    function test_dismiss_revertsIfCallerIsNoGuardian() external {
        address[3] memory callers = [stranger, keeper, deployer];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.startPrank(callers[i]);
            vm.expectRevert(abi.encodeWithSelector(IVaultAccess.NotGuardian.selector, callers[i]));
            access.dismissKeeper(keeper);
            vm.expectRevert(abi.encodeWithSelector(IVaultAccess.NotGuardian.selector, callers[i]));
            access.dismissRelay(relay);
            vm.stopPrank();
        }
    }

    // HEDGE-304
    function test_dismiss_takesNoOtherRole() external {
        _grant(ADMIN, stranger, DELAY);
        _grant(KEEPER, stranger, 0);
        _grant(RELAY, stranger, 0);
        _grant(KEEPER, relay, 0);
        vm.startPrank(guardian);
        access.dismissKeeper(stranger);
        _assertHolds(KEEPER, stranger, false);
        _assertHolds(RELAY, stranger, true);
        _assertHolds(ADMIN, stranger, true);
        _assertHolds(KEEPER, relay, true);
        _assertHolds(KEEPER, keeper, true);
        assertEq(access.keeperCount(), 2);
        access.dismissRelay(stranger);
        _assertHolds(RELAY, stranger, false);
        _assertHolds(ADMIN, stranger, true);
        assertEq(access.keeperCount(), 2);
    }

    // HEDGE-304
    function test_dismiss_revertsIfThereIsNothingToTake() external {
        vm.startPrank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IVaultAccess.NotKeeper.selector, governor));
        access.dismissKeeper(governor);
        vm.expectRevert(abi.encodeWithSelector(IVaultAccess.NotRelay.selector, keeper));
        access.dismissRelay(keeper);
    }

    // HEDGE-315
    function test_grantRole_revertsIfTooManyKeepers() external {
        _grant(KEEPER, keeper, 0); // a second time counts for nothing
        for (uint160 i = 1; i < 4; ++i) {
            _grant(KEEPER, address(i), 0);
        }
        assertEq(access.keeperCount(), access.MAX_KEEPERS());
        _grantExpecting(KEEPER, stranger, 0, abi.encodeWithSelector(VaultAccess.TooManyKeepers.selector, 5, 4));
        vm.prank(keeper);
        access.renounceRole(KEEPER, keeper);
        _revoke(KEEPER, address(1));
        assertEq(access.keeperCount(), 2);
        _grant(KEEPER, stranger, 0);
        assertEq(access.keeperCount(), 3);
    }

    function test_constructor_labelsTheRoles() external {
        vm.expectEmit();
        emit IAccessManager.RoleLabel(1, "KEEPER");
        vm.expectEmit();
        emit IAccessManager.RoleLabel(2, "GUARDIAN");
        vm.expectEmit();
        emit IAccessManager.RoleLabel(3, "RELAY");
        new VaultAccess(deployer);
    }
}
