// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BoundsRules} from "../../../contracts/libraries/BoundsRules.sol";
import {Bounds} from "../../../contracts/types/Rebalance.sol";
import {AttackFixture} from "../support/AttackFixture.sol";

/// @notice What a stolen guardian's key stops, and for how long: a pause ends by itself, and what is tightened the governor
///         loosens after its delay, whatever the guardian cancels but his own dismissal. The figure is USD, after that time.
contract CapturedGuardianTest is AttackFixture {
    /// @dev The governor's answer, a delay later.
    function _undo(address target, bytes memory data) private {
        vm.warp(block.timestamp + DELAY);
        _publish(PRICE);
        assertTrue(_attemptAsGovernor(target, data));
    }

    /// @dev The book expired with the hedge on: what cannot be sold is naked.
    function _naked() private returns (uint256) {
        source.set(0, 0);
        _attemptRebalance(_leg(0, -50e18));
        return uint256(venue.size()) * 2000;
    }

    function test_guardian__tightensEverythingToNothing__freezesTheHedge() external {
        _hedge();
        Bounds memory none = guard.bounds();
        (none.band, none.maxSizeDelta, none.maxNotional, none.maxGrossNotional) = (0, 0, none.minNotional, 0);
        (none.turnoverCapacity, none.turnoverRefillPerDay) = (0, 0);
        (none.maxVenueLeverage, none.maxLeverage, none.maxSlippageBps, none.maxFeeBps) = (0, 0, 0, 0);
        (none.maxNavLossBps, none.lossCapacityBps, none.lossRefillBpsPerDay, none.keeperShareBps) = (0, 0, 0, 0);
        Bounds memory usual = guard.bounds();
        assertTrue(_intervene(address(guard), _tightenBoundsCall(none)));
        _undo(address(guard), _setBoundsCall(usual));
        _attackYieldsAtMost(_naked(), 0);
    }

    /// @dev Improvement asked for beyond any book: no trade outside the band is ever enough of one.
    function test_guardian__asksForImpossibleImprovement__freezesTheHedge() external {
        _deposit(depositor, _units(200_000));
        Bounds memory strict = guard.bounds();
        strict.minImprovement = BoundsRules.MAX_UNDERLYING;
        Bounds memory usual = guard.bounds();
        assertTrue(_intervene(address(guard), _tightenBoundsCall(strict)));
        _undo(address(guard), _setBoundsCall(usual));
        bool done = _attemptRebalance(_leg(int256(_units(40_000)), 40e18)); // W from 52 to 12, above the band
        _attackYieldsAtMost(done ? 0 : 80_000e18, 0);
    }

    function test_guardian__dismissesEveryKeeper__freezesTheHedge() external {
        _hedge();
        assertTrue(_intervene(address(access), _dismissKeeperCall(keeper)));
        _undo(address(access), _grantKeeperCall(keeper));
        _attackYieldsAtMost(_naked(), 0);
    }

    function test_guardian__pauses__freezesTheHedgeAndItsMargin() external {
        _hedge();
        assertTrue(_intervene(address(vault), _pauseCall()));
        vm.warp(block.timestamp + vault.MAX_PAUSE());
        _publish(PRICE);
        assertFalse(_intervene(address(vault), _pauseCall()), "and it cannot begin again at once");
        _attackYieldsAtMost(_naked(), 0);
    }

    /// @dev He can put the last figure on the cooldown: a day between trades that are not urgent.
    function test_guardian__cooldownOfADay__leavesTheBookUnhedgedThatLong() external {
        _hedge();
        Bounds memory slow = guard.bounds();
        slow.cooldownSeconds = BoundsRules.MAX_COOLDOWN;
        slow.urgentDelta = BoundsRules.MAX_UNDERLYING;
        assertTrue(_intervene(address(guard), _tightenBoundsCall(slow)));
        vm.warp(block.timestamp + 24 hours);
        _publish(PRICE);
        _attackYieldsAtMost(_naked(), 0);
    }
}
