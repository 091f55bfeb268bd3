// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IHedgeVault} from "../../contracts/interfaces/IHedgeVault.sol";
import {IRebalanceGuard} from "../../contracts/interfaces/IRebalanceGuard.sol";
import {VaultModes} from "../../contracts/vault/VaultModes.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-034 .. HEDGE-038: pause, reduce-only and wind-down: who starts them, what they stop and how they end.
contract HedgeVaultModesTest is VaultFixture {
    function _pause() private {
        vm.prank(guardian);
        vault.pause();
    }

    function _cool(uint256 price) private {
        vm.warp(vm.getBlockTimestamp() + SECONDS_OF_COOLDOWN);
        _publish(price);
    }

    // HEDGE-034
    function test_pause_endsByItselfAndLeavesReduceOnly() external {
        _pause();
        assertTrue(vault.paused());
        vm.warp(START + 3 days - 1);
        assertTrue(vault.paused());
        vm.warp(START + 3 days);
        assertFalse(vault.paused());
        assertTrue(vault.isReduceOnly());
    }

    // HEDGE-034
    function test_pause_cannotBeRearmedWithoutARest() external {
        _pause();
        vm.warp(START + 6 days - 1);
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(VaultModes.PauseNotReady.selector, START + 6 days - 1, START + 6 days));
        vault.pause();
        vm.warp(START + 6 days);
        _pause();
        assertTrue(vault.paused());
    }

    // HEDGE-034
    function test_endPause_leavesReduceOnlyUntilAGovernorResumes() external {
        _pause();
        vm.prank(guardian);
        vault.endPause();
        assertFalse(vault.paused());
        assertTrue(vault.isReduceOnly());
        assertEq(vault.maxDeposit(depositor), 0);
        _govern(address(vault), abi.encodeCall(vault.resume, ()));
        assertFalse(vault.isReduceOnly());
        assertEq(vault.maxDeposit(depositor), type(uint128).max);
    }

    // HEDGE-034
    function test_resume_endsAPauseToo() external {
        _pause();
        _govern(address(vault), abi.encodeCall(vault.resume, ()));
        assertFalse(vault.paused());
        assertFalse(vault.isReduceOnly());
    }

    // HEDGE-035
    function test_reduceOnly_letsPositionsShrinkUnderTheDeltaRule() external {
        _hedge(); // 50 against 48..52
        vm.prank(guardian);
        vault.setReduceOnly();
        source.set(-70e18, -70e18); // W is 20
        _cool(PRICE);
        _rebalanceExpecting(
            _leg(int256(_units(20_000)), 20e18),
            abi.encodeWithSelector(IRebalanceGuard.PositionNotShrinking.selector, 0, 70e18, 70e18)
        );
        _rebalanceExpecting(
            _leg(0, -10e18), abi.encodeWithSelector(IRebalanceGuard.NetDeltaExceeded.selector, 30e18, 19e18)
        );
        source.set(-30e18, -30e18);
        _rebalance(_leg(0, -20e18));
        _rebalanceExpecting(
            _leg(0, -31e18),
            abi.encodeWithSelector(IRebalanceGuard.CooldownActive.selector, block.timestamp, block.timestamp + 600)
        );
        source.set(10e18, 10e18); // W is 40, urgent; past 0 is another position
        _rebalanceExpecting(
            _leg(0, -40e18), abi.encodeWithSelector(IRebalanceGuard.PositionNotShrinking.selector, 0, -10e18, -10e18)
        );
        _rebalance(_leg(0, -30e18));
        assertEq(venue.size(), 0);
    }

    // HEDGE-036
    function test_closingVenue_shrinksAgainstTheDeltaRuleAndNeverGrows() external {
        _hedge(); // W is 2
        vm.prank(guardian);
        registry.closeVenue(venue);
        _cool(PRICE);
        _rebalanceExpecting(
            _leg(0, 1e18), abi.encodeWithSelector(IRebalanceGuard.PositionNotShrinking.selector, 0, 51e18, 51e18)
        );
        _rebalance(_leg(0, -20e18)); // W rises to 22, by what was closed
        assertEq(venue.size(), 30e18);
        _rebalance(_leg(-int256(_units(50_000)), -30e18));
        assertEq(vault.idleAssets(), _units(200_000));
    }

    // HEDGE-037
    function test_windDown_closesEverythingForGood() external {
        _hedge();
        _govern(address(vault), abi.encodeCall(vault.startWindDown, ()));
        assertTrue(vault.isWindingDown());
        assertEq(uint256(vault.depositBlock()), uint256(IHedgeVault.DepositBlock.Mode));
        _cool(PRICE);
        _rebalance(_leg(-int256(_units(50_000)), -50e18));
        assertEq(vault.idleAssets(), _units(200_000));
        vm.prank(depositor);
        vault.redeem(_units(200_000) * 1e6, depositor, depositor);
        assertEq(vault.totalSupply(), 0);
        _govern(address(vault), abi.encodeCall(vault.resume, ()));
        assertTrue(vault.isWindingDown());
    }

    // HEDGE-038
    function test_windDown_withoutAnyFeedTradesAgainstTheVenuesIndex() external {
        _hedge();
        _govern(address(vault), abi.encodeCall(vault.startWindDown, ()));
        vm.warp(START + 40 days);
        venue.setPrices(1800e18, 1800e18);
        venue.setExecution(1790e18, 0, true); // 0.56 % below its own index
        _rebalanceExpecting(
            _leg(0, -50e18), abi.encodeWithSelector(IRebalanceGuard.SlippageExceeded.selector, 1790e18, 1791e18)
        );
        venue.setExecution(1791e18, 0, true);
        _rebalanceExpecting(
            _leg(0, 1e18), abi.encodeWithSelector(IRebalanceGuard.PositionNotShrinking.selector, 0, 51e18, 51e18)
        );
        _rebalance(_leg(0, -50e18));
        assertEq(venue.size(), 0);
        vm.prank(attacker); // and the margin comes home by anyone's hand
        vault.bringMarginHome(venue, uint256(venue.cash()) / 1e12);
        assertEq(vault.idleAssets(), _units(189_550));
    }

    // HEDGE-034
    function test_modes_nameWhoChangedThem() external {
        vm.startPrank(guardian);
        vm.expectEmit(address(vault));
        emit VaultModes.ReduceOnlySet(guardian, true);
        vm.expectEmit(address(vault));
        emit VaultModes.Paused(guardian, START + 3 days);
        vault.pause();
        vm.expectEmit(address(vault));
        emit VaultModes.PauseEnded(guardian);
        vault.endPause();
        vm.stopPrank();
        _scheduleAs(governor, address(vault), abi.encodeCall(vault.resume, ()));
        vm.expectEmit(address(vault));
        emit VaultModes.ReduceOnlySet(governor, false);
        vm.prank(governor);
        vault.resume();
        _scheduleAs(governor, address(vault), abi.encodeCall(vault.startWindDown, ()));
        vm.expectEmit(address(vault));
        emit VaultModes.WindDownStarted(governor);
        vm.prank(governor);
        vault.startWindDown();
    }

    // HEDGE-034
    function test_endPauseAndResume_withoutAPauseEndNone() external {
        vm.prank(guardian);
        vault.endPause();
        _govern(address(vault), abi.encodeCall(vault.resume, ()));
        assertEq(vault.pausedUntil(), 0);
    }

    // HEDGE-034
    function test_pause_holdsTheMarginOfAVenueWithAnOrderEitherWay() external {
        _deposit(depositor, _units(200_000));
        _rebalance(_leg(int256(_units(50_000)), 0));
        _pause();
        bytes memory expected = abi.encodeWithSelector(IHedgeVault.MarginNotAllowed.selector, 0);
        venue.setPending(-1, 0);
        _rebalanceExpecting(_leg(-1, 0), expected);
        venue.setPending(0, 1);
        _rebalanceExpecting(_leg(-1, 0), expected);
        venue.setPending(0, 0);
        _rebalance(_leg(-int256(_units(50_000)), 0));
    }
}
