// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Bounds} from "../../../contracts/types/Rebalance.sol";
import {AttackFixture} from "../support/AttackFixture.sol";

/// @notice What a stolen guardian's key stops, and for how long: until the governor has undone it. The figure is USD.
/// @dev The governor of production is a timelock, so "until" is at least its delay.
contract CapturedGuardianTest is AttackFixture {
    /// @dev The book expired with the hedge on: what cannot be sold is naked.
    function _naked() private returns (uint256) {
        source.set(0, 0);
        _attemptRebalance(_leg(0, -50e18));
        return uint256(venue.size()) * 2000;
    }

    function test_guardian__tightensEverythingToNothing__freezesTheHedge() external {
        _hedge();
        Bounds memory none;
        none.minImprovement = guard.bounds().minImprovement;
        none.urgentDelta = guard.bounds().urgentDelta;
        none.cooldownSeconds = guard.bounds().cooldownSeconds;
        _intervene(address(guard), _tightenBoundsCall(none));
        _attackYields(_naked(), 100_000e18);
    }

    /// @dev Improvement asked for beyond any book: no trade outside the band is ever enough of one.
    function test_guardian__asksForImpossibleImprovement__freezesTheHedge() external {
        _deposit(depositor, _units(200_000));
        Bounds memory strict = guard.bounds();
        strict.minImprovement = guard.MAX_UNDERLYING_HARD_LIMIT();
        _intervene(address(guard), _tightenBoundsCall(strict));
        bool done = _attemptRebalance(_leg(int256(_units(40_000)), 40e18)); // W from 52 to 12, above the band
        _attackYields(done ? 0 : 80_000e18, 80_000e18);
    }

    function test_guardian__dismissesEveryKeeper__freezesTheHedge() external {
        _hedge();
        _intervene(address(admin), _dismissKeeperCall(keeper));
        _attackYields(_naked(), 100_000e18);
    }

    function test_guardian__pauses__freezesTheHedgeAndItsMargin() external {
        _hedge();
        _intervene(address(vault), _pauseCall());
        _attackYields(_naked(), 100_000e18);
    }

    /// @dev He can put the last figure on the cooldown: a day between trades that are not urgent.
    function test_guardian__cooldownOfADay__leavesTheBookUnhedgedThatLong() external {
        _hedge();
        Bounds memory slow = guard.bounds();
        slow.cooldownSeconds = guard.MAX_COOLDOWN_HARD_LIMIT();
        slow.urgentDelta = guard.MAX_UNDERLYING_HARD_LIMIT();
        _intervene(address(guard), _tightenBoundsCall(slow));
        vm.warp(block.timestamp + 23 hours);
        _publish(PRICE);
        _attackYields(_naked(), 100_000e18);
    }
}
