// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IHedgeVault} from "../../contracts/interfaces/IHedgeVault.sol";
import {IRebalanceGuard} from "../../contracts/interfaces/IRebalanceGuard.sol";
import {VaultAccess} from "../../contracts/governance/VaultAccess.sol";
import {Measurement} from "../../contracts/types/Rebalance.sol";
import {MemberGate} from "../../contracts/vault/MemberGate.sol";
import {TokenDouble, TwoEntryTokenDouble} from "./support/Tokens.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-017 .. HEDGE-019, HEDGE-028: who may hold shares, how long new ones stay, and when they carry exposure.
contract HedgeVaultMembersTest is VaultFixture {
    address private stranger = makeAddr("stranger");

    // HEDGE-017
    function test_stranger_getsNoSharesInAnyWay() external {
        gate.shutOut(stranger);
        assertEq(vault.maxDeposit(stranger), 0);
        assertEq(vault.maxMint(stranger), 0);
        _deposit(depositor, _units(1000));
        token.mint(depositor, _units(1000));
        bytes memory refused = abi.encodeWithSelector(IHedgeVault.NotMember.selector, stranger);
        vm.startPrank(depositor);
        token.approve(address(vault), _units(1000));
        vm.expectRevert(refused);
        vault.deposit(_units(10), stranger);
        vm.expectRevert(refused);
        vault.mint(1e6, stranger);
        vm.expectRevert(refused);
        vault.transfer(stranger, 1);
        vault.approve(attacker, 1);
        vm.stopPrank();
        vm.prank(attacker);
        vm.expectRevert(refused);
        vault.transferFrom(depositor, stranger, 1);
    }

    // HEDGE-017
    function test_stranger_depositsForNoMember() external {
        _deposit(depositor, _units(1000));
        gate.shutOut(stranger);
        token.mint(stranger, _units(2));
        bytes memory refused = abi.encodeWithSelector(IHedgeVault.NotMember.selector, stranger);
        vm.startPrank(stranger);
        token.approve(address(vault), _units(2));
        vm.expectRevert(refused);
        vault.deposit(_units(1), depositor);
        vm.expectRevert(refused);
        vault.mint(1e6, depositor);
        vm.stopPrank();
        gate.letIn(stranger);
        vm.prank(stranger);
        vault.deposit(_units(1), depositor);
    }

    // HEDGE-017
    function test_member_takenOff_leavesWithAllButGetsNoMore() external {
        uint256 shares = _deposit(depositor, _units(1000));
        gate.shutOut(depositor);
        vm.startPrank(depositor);
        vault.transfer(attacker, shares / 4); // to a member
        vault.redeem(shares / 4, stranger, depositor); // assets go wherever their owner says
        vault.withdraw(_units(100), depositor, depositor);
        vault.redeem(vault.balanceOf(depositor), depositor, depositor);
        vm.stopPrank();
        assertEq(vault.balanceOf(depositor), 0);
    }

    // HEDGE-017
    function test_memberGate_letsNobodyInBeforeTheHandOver() external {
        address[] memory members = new address[](1);
        members[0] = depositor;
        VaultAccess unfinished = new VaultAccess(deployer);
        MemberGate closed = new MemberGate(unfinished, members);
        assertFalse(closed.isMember(depositor));
        vm.prank(deployer);
        unfinished.handOver(governor, DELAY, guardian, new address[](0), new address[](0));
        assertTrue(closed.isMember(depositor));
        assertFalse(closed.isMember(stranger));
    }

    // HEDGE-017
    function test_memberGate_namesMembersAfterTheDelayAndTakesThemOffAtOnce() external {
        address[] memory first = new address[](1);
        first[0] = depositor;
        MemberGate members = new MemberGate(access, first);
        assertTrue(members.isMember(depositor));
        assertFalse(members.isMember(stranger));
        _scheduleAs(governor, address(members), abi.encodeCall(members.addMember, (stranger)));
        vm.expectEmit(address(members));
        emit MemberGate.MemberSet(stranger, false, true);
        vm.prank(governor);
        members.addMember(stranger);
        vm.prank(guardian);
        members.removeMember(depositor);
        assertTrue(members.isMember(stranger));
        assertFalse(members.isMember(depositor));
    }

    // HEDGE-018
    function test_shareLock_holdsNewSharesAndNothingElse() external {
        _govern(address(vault), abi.encodeCall(vault.setShareLock, (1 hours)));
        uint256 shares = _deposit(depositor, _units(1000));
        assertEq(vault.maxRedeem(depositor), 0);
        assertEq(vault.maxWithdraw(depositor), 0);
        bytes memory locked = abi.encodeWithSelector(IHedgeVault.SharesLocked.selector, depositor, START + 1 hours);
        vm.startPrank(depositor);
        vm.expectRevert(locked);
        vault.redeem(shares, depositor, depositor);
        vm.expectRevert(locked);
        vault.transfer(attacker, 1);
        vm.warp(START + 1 hours);
        assertEq(vault.maxRedeem(depositor), shares);
        vault.redeem(shares, depositor, depositor);
    }

    // HEDGE-018
    function test_shareLock_cannotBeProlongedByAnother() external {
        _govern(address(vault), abi.encodeCall(vault.setShareLock, (1 hours)));
        _deposit(depositor, _units(1000));
        token.mint(attacker, 1);
        vm.startPrank(attacker);
        token.approve(address(vault), 1);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.ReceiverMustDeposit.selector, attacker, depositor));
        vault.deposit(1, depositor);
    }

    // HEDGE-018
    function test_shareLock_isNotShortenedByALaterDeposit() external {
        _govern(address(vault), abi.encodeCall(vault.setShareLock, (7 days)));
        _deposit(depositor, _units(1000));
        _govern(address(vault), abi.encodeCall(vault.setShareLock, (1 hours)));
        _deposit(depositor, _units(1));
        assertEq(vault.lockedUntil(depositor), START + 7 days);
        vm.warp(START + 7 days);
        _publish(PRICE);
        _deposit(depositor, _units(1));
        assertEq(vault.lockedUntil(depositor), START + 7 days + 1 hours);
    }

    // HEDGE-018
    function test_shareLock_isAtMostAWeek() external {
        _governExpecting(
            address(vault),
            abi.encodeCall(vault.setShareLock, (7 days + 1)),
            abi.encodeWithSelector(IHedgeVault.ShareLockTooLong.selector, 7 days + 1, 7 days)
        );
    }

    // HEDGE-019
    function test_youngDeposit_carriesExposureOnlyAsItRipens() external {
        _deposit(depositor, _units(50_000));
        _rebalance(_leg(int256(_units(40_000)), 0));
        _deposit(attacker, _units(450_000));
        assertEq(vault.measure().nav, 500_000e18);
        assertEq(vault.measure().firmNav, 50_000e18);
        // 60 x 2,000 on 50,000 is 2.4x: what came in this transaction does not count.
        source.set(-100e18, -100e18);
        _rebalanceExpecting(
            _leg(int256(_units(400)), 60e18),
            abi.encodeWithSelector(IRebalanceGuard.LeverageExceeded.selector, 2.4e18, 2e18)
        );
        vm.warp(START + 30 minutes);
        assertEq(vault.measure().firmNav, 275_000e18);
        vm.warp(START + 1 hours);
        assertEq(vault.measure().firmNav, 500_000e18);
    }

    // HEDGE-019
    /// @dev Deposits of nothing begin the hour of what is young anew; what is left then falls by a part of itself.
    function test_youngDeposit_putOffByNothingInEachBlock_ripensWithinHours() external {
        _hedge();
        _deposit(depositor, _units(1_800_000));
        for (uint256 i = 0; i < 900; ++i) {
            vm.warp(vm.getBlockTimestamp() + 12);
            _publish(PRICE);
            _deposit(attacker, 0);
        }
        Measurement memory m = vault.measureHedge();
        assertLt(m.nav - m.firmNav, 90_000e18); // a twentieth after 3 hours
        source.set(-20e18, -20e18);
        _rebalance(_leg(0, -30e18)); // and nothing holds an urgent reduction up
        assertEq(venue.size(), 20e18);
    }

    // HEDGE-019
    function test_youngDeposit_aSecondOneAddsToWhatIsLeftOfTheFirst() external {
        _deposit(depositor, _units(100_000)); // the first of all is firm at once
        assertEq(vault.measure().firmNav, 100_000e18);
        _deposit(attacker, _units(60_000));
        vm.warp(START + 30 minutes);
        _deposit(attacker, _units(10_000));
        assertEq(vault.measure().firmNav, 170_000e18 - 40_000e18);
    }

    // HEDGE-028
    function test_sweep_sendsStrangersTokensAndNeverTheAsset() external {
        TokenDouble other = new TokenDouble(18);
        other.mint(address(vault), 5e18);
        _govern(address(vault), abi.encodeCall(vault.sweep, (address(other), stranger)));
        assertEq(other.balanceOf(stranger), 5e18);
        _governExpecting(
            address(vault),
            abi.encodeCall(vault.sweep, (address(token), stranger)),
            abi.encodeWithSelector(IHedgeVault.AssetNotSweepable.selector, address(token))
        );
    }

    // HEDGE-028
    function test_sweep_takesTheAssetByNoOtherAddressOfIts() external {
        TwoEntryTokenDouble asset = new TwoEntryTokenDouble(6);
        _deploy(asset);
        _deposit(depositor, _units(1000));
        address second = address(asset.second());
        _governExpecting(
            address(vault),
            abi.encodeCall(vault.sweep, (second, stranger)),
            abi.encodeWithSelector(IHedgeVault.AssetNotSweepable.selector, second)
        );
        assertEq(vault.idleAssets(), _units(1000));
    }

    // HEDGE-028
    function test_sweep_emitsWhatWentWhere() external {
        TokenDouble other = new TokenDouble(18);
        other.mint(address(vault), 7);
        _scheduleAs(governor, address(vault), abi.encodeCall(vault.sweep, (address(other), depositor)));
        vm.expectEmit(address(vault));
        emit IHedgeVault.TokenSwept(address(other), depositor, 7);
        vm.prank(governor);
        vault.sweep(address(other), depositor);
    }

    function test_setShareLock_emitsOldAndNew() external {
        _govern(address(vault), abi.encodeCall(vault.setShareLock, (1 hours)));
        _scheduleAs(governor, address(vault), abi.encodeCall(vault.setShareLock, (7 days)));
        vm.expectEmit(address(vault));
        emit IHedgeVault.ShareLockSet(1 hours, 7 days);
        vm.prank(governor);
        vault.setShareLock(7 days);
        assertEq(vault.shareLock(), 7 days);
    }

    function test_setRedemptionQueue_emitsAndWorksOnce() external {
        bytes memory call = abi.encodeCall(vault.setRedemptionQueue, (address(venue)));
        _scheduleAs(governor, address(vault), call);
        vm.expectEmit(address(vault));
        emit IHedgeVault.RedemptionQueueSet(address(venue));
        vm.prank(governor);
        vault.setRedemptionQueue(address(venue));
        _governExpecting(
            address(vault), call, abi.encodeWithSelector(IHedgeVault.QueueAlreadySet.selector, address(venue))
        );
    }
}
