// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {Test} from "forge-std/Test.sol";
import {VaultAdmin} from "../../contracts/governance/VaultAdmin.sol";
import {IVaultAdmin} from "../../contracts/interfaces/IVaultAdmin.sol";

/// @notice HEDGE-301 .. HEDGE-304: three roles, administered by the governor.
contract VaultAdminTest is Test {
    address private governor = makeAddr("governor");
    address private guardian = makeAddr("guardian");
    address private keeper = makeAddr("keeper");
    address private stranger = makeAddr("stranger");
    VaultAdmin private admin;
    bytes32 private keeperRole;
    bytes32 private guardianRole;
    bytes32 private governorRole;

    function setUp() external {
        admin = new VaultAdmin(governor, guardian, keeper);
        keeperRole = admin.KEEPER_ROLE();
        guardianRole = admin.GUARDIAN_ROLE();
        governorRole = admin.GOVERNOR_ROLE();
    }

    // HEDGE-301
    function test_require_acceptsWhoHoldsTheRole() external view {
        admin.requireKeeper(keeper);
        admin.requireGuardian(guardian);
        admin.requireGuardian(governor);
        admin.requireGovernor(governor);
    }

    // HEDGE-301
    function test_requireKeeper_revertsIfNot() external {
        address[3] memory others = [governor, guardian, stranger];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IVaultAdmin.NotKeeper.selector, others[i]));
            admin.requireKeeper(others[i]);
        }
    }

    // HEDGE-301
    function test_requireGuardian_revertsIfNot() external {
        address[2] memory others = [keeper, stranger];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IVaultAdmin.NotGuardian.selector, others[i]));
            admin.requireGuardian(others[i]);
        }
    }

    // HEDGE-301
    function test_requireGovernor_revertsIfNot() external {
        address[3] memory others = [keeper, guardian, stranger];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IVaultAdmin.NotGovernor.selector, others[i]));
            admin.requireGovernor(others[i]);
        }
    }

    // HEDGE-301
    function test_constructor_revertsIfARoleHasNoHolder() external {
        vm.expectRevert(abi.encodeWithSelector(VaultAdmin.RoleHolderIsZero.selector, governorRole));
        new VaultAdmin(address(0), guardian, keeper);
        vm.expectRevert(abi.encodeWithSelector(VaultAdmin.RoleHolderIsZero.selector, guardianRole));
        new VaultAdmin(governor, address(0), keeper);
        vm.expectRevert(abi.encodeWithSelector(VaultAdmin.RoleHolderIsZero.selector, keeperRole));
        new VaultAdmin(governor, guardian, address(0));
    }

    // HEDGE-302
    function test_grantRole_isTheGovernorsAlone() external {
        bytes32[4] memory roles = [keeperRole, guardianRole, governorRole, bytes32(0)];
        address[3] memory others = [keeper, guardian, stranger];
        for (uint256 i = 0; i < roles.length; ++i) {
            assertEq(admin.getRoleAdmin(roles[i]), governorRole);
            for (uint256 j = 0; j < others.length; ++j) {
                vm.prank(others[j]);
                vm.expectRevert(
                    abi.encodeWithSelector(
                        IAccessControl.AccessControlUnauthorizedAccount.selector, others[j], governorRole
                    )
                );
                admin.grantRole(roles[i], stranger);
            }
            vm.prank(governor);
            admin.grantRole(roles[i], stranger);
            assertTrue(admin.hasRole(roles[i], stranger));
            vm.prank(governor);
            admin.revokeRole(roles[i], stranger);
            assertFalse(admin.hasRole(roles[i], stranger));
        }
    }

    // HEDGE-302
    function test_defaultAdmin_hasNoHolderAndNoPower() external {
        assertFalse(admin.hasRole(admin.DEFAULT_ADMIN_ROLE(), governor));
        vm.prank(governor);
        admin.grantRole(bytes32(0), stranger);
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, stranger, governorRole)
        );
        admin.grantRole(keeperRole, stranger);
    }

    // HEDGE-303
    function test_lastGovernor_canNeitherLeaveNorBeRemoved() external {
        vm.startPrank(governor);
        vm.expectRevert(abi.encodeWithSelector(VaultAdmin.LastGovernor.selector, governor));
        admin.renounceRole(governorRole, governor);
        vm.expectRevert(abi.encodeWithSelector(VaultAdmin.LastGovernor.selector, governor));
        admin.revokeRole(governorRole, governor);
        admin.grantRole(governorRole, stranger);
        admin.grantRole(governorRole, stranger); // a second time counts for nothing
        assertEq(admin.governorCount(), 2);
        admin.renounceRole(governorRole, governor);
        assertEq(admin.governorCount(), 1);
        admin.requireGovernor(stranger);
    }

    // HEDGE-304
    function test_dismissKeeper_isTheGuardiansAtOnce() external {
        vm.prank(guardian);
        admin.dismissKeeper(keeper);
        vm.expectRevert(abi.encodeWithSelector(IVaultAdmin.NotKeeper.selector, keeper));
        admin.requireKeeper(keeper);
    }

    // HEDGE-304
    function test_dismissKeeper_revertsIfCallerIsNoGuardian() external {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IVaultAdmin.NotGuardian.selector, stranger));
        admin.dismissKeeper(keeper);
    }

    // HEDGE-304
    function test_dismissKeeper_takesNoOtherRole() external {
        vm.prank(guardian);
        admin.dismissKeeper(governor);
        admin.requireGovernor(governor);
    }
}
