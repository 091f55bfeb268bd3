// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IHedgeVault} from "../../../contracts/interfaces/IHedgeVault.sol";
import {Bounds, Leg} from "../../../contracts/types/Rebalance.sol";
import {RedemptionQueue} from "../../../contracts/vault/RedemptionQueue.sol";
import {AttackFixture} from "../support/AttackFixture.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";

/// @notice Acts of one role, each allowed, that add up as time passes.
contract OverTimeTest is AttackFixture {
    function _pass(uint256 elapsed) private {
        vm.warp(vm.getBlockTimestamp() + elapsed);
        _publish(PRICE);
    }

    // HEDGE-127
    /// @dev A member with nine times the NAV comes, waits until he carries exposure, and leaves by closing his part, which idle
    ///      would pay. The keeper hedges again, until there is no turnover left. The figure is underlying units.
    function test_member__comesAndGoes__closesTheHedgeOfTheOthers() external {
        _hedge();
        venue.setExecution(0, 10, false);
        for (uint256 i = 0; i < 6; ++i) {
            assertTrue(_attemptDeposit(attacker, _units(1_800_000)));
            _pass(1 hours + SECONDS_OF_COOLDOWN);
            _attemptUnwind(attacker);
            if (vault.balanceOf(attacker) != 0) _attemptExit(attacker);
            int256 missing = 50e18 - venue.size();
            int256 affordable = int256(_turnoverAvailable() / 2000);
            _attemptRebalance(_leg(0, missing < affordable ? missing : affordable));
        }
        _attackYieldsAtMost(_gain(uint256(venue.size()), 50e18), 0);
    }

    // HEDGE-203, HEDGE-224
    /// @dev A high stands for up to 32 hours, in which keepers lose more than in a day: the breaker would free a stolen key
    ///      from the delta rule, were it set to a day's losses. The figure is underlying units.
    function test_keeper__losesForThirtyTwoHours__tripsTheBreakerAndSellsTheHedge() external {
        Bounds memory b = guard.bounds();
        b.maxDrawdownBps = b.lossCapacityBps + b.lossRefillBpsPerDay;
        _attemptAsGovernor(address(guard), _setBoundsCall(b));
        vm.warp(START - START % 8 hours + 8 hours);
        _publish(PRICE);
        _hedge();
        uint256 end = vm.getBlockTimestamp() + 32 hours - SECONDS_OF_COOLDOWN;
        while (vm.getBlockTimestamp() < end - 4 hours && !guard.isBreakerTripped()) {
            (, uint256 loss) = guard.available(keeper, true);
            venue.setMarginTaken((loss < 1900e18 ? loss : 1900e18) * 99 / 100e12);
            if (loss > 100e18) _attemptRebalance(_leg(int256(_units(2000)), 0));
            venue.setMarginTaken(0);
            _attemptRebalance(_leg(-int256(_units(1000)), 0));
            _pass(SECONDS_OF_COOLDOWN);
        }
        assertGt(_loss(200_000e18, _worth(PRICE)), 9000e18, "the thief lost what it could");
        _pass(3 hours); // the lag of a sale needs budget
        for (uint256 i = 0; i < 5; ++i) {
            _attemptRebalance(_leg(0, -10e18));
            _pass(SECONDS_OF_COOLDOWN);
        }
        _attackYieldsAtMost(_gain(uint256(venue.size()), 50e18), 0);
    }

    // HEDGE-208
    /// @dev W says nothing of how much is held long here and short there. The figure is what funding may take of a day then,
    ///      USD: no more than the bound on leverage allows.
    function test_keeper__holdsBothSides__raisesWhatFundingMayTake() external {
        _hedge();
        ScriptedVenue other = _addVenue();
        venue.setMaxFundingRate(0.1e18);
        other.setMaxFundingRate(0.1e18);
        assertEq(guard.lossBounds().funding, 10_000e18);
        _rebalance(_legOn(other, int256(_units(60_000)), 0));
        Leg[] memory legs = new Leg[](2);
        for (uint256 i = 0; i < 12; ++i) {
            _pass(SECONDS_OF_COOLDOWN);
            int256 size = i < 8 ? int256(16e18) : int256(4e18);
            legs[0] = Leg(address(venue), int256(_units(4000)), size, 0);
            legs[1] = Leg(address(other), 0, -size, 0);
            _attemptRebalance(legs);
        }
        uint256 funding = guard.lossBounds().funding;
        assertGt(funding, 30_000e18, "the thief held both sides");
        _attackYieldsAtMost(funding, 40_000e18); // a tenth of 2 x 200,000
    }

    // HEDGE-124, HEDGE-204
    /// @dev A stolen guardian's key tightens leverage to nothing. On a venue that fills later, where leavers close nothing, the
    ///      margin under a position stays until the governor has loosened it again. The figure is what is held then, USD.
    function test_guardian__tightensLeverage__holdsTheMarginThatLeaversWaitFor() external {
        RedemptionQueue queue = new RedemptionQueue(IHedgeVault(address(vault)), 2000);
        _govern(address(vault), abi.encodeCall(vault.setRedemptionQueue, (address(queue))));
        venue.setLater(true, 10);
        _deposit(depositor, _units(200_000));
        _rebalance(_leg(int256(_units(180_000)), 50e18));
        venue.fillOrder(venue.openOrder(), 50e18, PRICE, 0);
        Bounds memory usual = guard.bounds();
        Bounds memory none = guard.bounds();
        (none.maxVenueLeverage, none.maxLeverage) = (0, 0);
        assertTrue(_intervene(address(guard), _tightenBoundsCall(none)));
        _attemptExit(depositor);
        vm.startPrank(depositor);
        vault.approve(address(queue), type(uint256).max);
        queue.request(vault.balanceOf(depositor));
        vm.stopPrank();
        bytes memory bringHome = abi.encodeCall(vault.bringMarginHome, (venue, _units(150_000)));
        assertFalse(_attempt(attacker, address(vault), bringHome), "held");
        assertTrue(_attemptAsGovernor(address(guard), _setBoundsCall(usual)));
        bool isHome = _attempt(attacker, address(vault), bringHome);
        _attackYieldsAtMost(isHome ? 0 : 150_000e18, 0);
    }
}
