// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Bounds} from "../../../contracts/types/Rebalance.sol";
import {AttackFixture} from "../support/AttackFixture.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";

/// @notice Instructions that lower risk and are refused. The figure is what is left to the venue's liquidation, USD.
contract NoWayDownTest is AttackFixture {
    /// @dev 50 held on 50,000 of margin and no idle: 2x, the bound. Then the price falls.
    function _drainIdleAndFallTo(uint256 price) private {
        _hedge();
        _exit(depositor, vault.maxWithdraw(depositor));
        vm.warp(block.timestamp + SECONDS_OF_COOLDOWN);
        _publish(price);
    }

    /// @dev What stays exposed to liquidation at `price`: all of it while every reduction is refused.
    function _exposed(bool isAnyAccepted, uint256 price) private view returns (uint256) {
        return isAnyAccepted ? 0 : uint256(_worth(price));
    }

    function _attemptReductions() private returns (bool isAnyAccepted) {
        int256[5] memory sizes = [int256(-1e18), -5e18, -10e18, -25e18, -50e18];
        for (uint256 i = 0; i < sizes.length; ++i) {
            if (_attemptRebalance(_leg(0, sizes[i]))) return true;
        }
    }

    function test_reduction__idleDrainedAndPriceFallen__isRefused() external {
        _drainIdleAndFallTo(1900e18);
        _attackYieldsAtMost(_exposed(_attemptReductions(), 1900e18), 0);
    }

    /// @dev 6x on the venue; half the book is gone, so selling 25 lowers exposure and leverage alike.
    function test_reduction__venueLeverageAboveItsBound__isRefusedThoughItFalls() external {
        _drainIdleAndFallTo(1200e18);
        source.set(-25e18, -25e18);
        bool isAccepted = _attemptRebalance(_leg(0, -5e18)); // 5.4x
        _attackYieldsAtMost(_exposed(isAccepted, 1200e18), 0);
    }

    function test_topUp__paused__isRefused() external {
        _hedge();
        _publish(1100e18);
        _intervene(address(vault), _pauseCall());
        bool isAccepted = _attemptRebalance(_leg(int256(_units(50_000)), 0));
        _attackYieldsAtMost(isAccepted ? 0 : uint256(_worthOf(venue, 1100e18)), 0);
    }

    function test_topUp__leverageTightened__isRefusedThoughItFalls() external {
        _hedge();
        Bounds memory tighter = guard.bounds();
        tighter.maxVenueLeverage = 0.5e18;
        _intervene(address(guard), _tightenBoundsCall(tighter));
        bool isAccepted = _attemptRebalance(_leg(int256(_units(100_000)), 0)); // 2x to 0.67x
        _attackYieldsAtMost(isAccepted ? 0 : uint256(_worthOf(venue, PRICE)), 0);
    }

    /// @dev A partial top-up is refused as well where only a full one would do, and idle does not hold a full one.
    function test_topUp__idleTooSmallForTheBound__isRefused() external {
        _hedge();
        _exit(depositor, _units(145_000));
        _publish(1050e18);
        bool isAccepted = _attemptRebalance(_leg(int256(_units(4600)), 0)); // 2,500 on 52,500: 21x to 7.4x, idle floor kept
        _attackYieldsAtMost(isAccepted ? 0 : uint256(_worth(1050e18)), 0);
    }

    /// @dev The bucket is empty: a trade that lowers exposure is refused for its turnover.
    function test_reduction__bucketEmpty__isRefused() external {
        _hedge();
        Bounds memory tighter = guard.bounds();
        tighter.turnoverCapacity = 0;
        tighter.turnoverRefillPerDay = 0;
        _intervene(address(guard), _tightenBoundsCall(tighter));
        source.set(0, 0); // the book expired: the whole hedge is naked
        bool isAccepted = _attemptRebalance(_leg(0, -50e18));
        _attackYieldsAtMost(isAccepted ? 0 : 100_000e18, 0);
    }

    // HEDGE-128
    /// @dev A short hedge, and a price that rises: all that the venue may hold is there, and does not carry it any more.
    function test_reduction__capBelowWhatTheHedgeNeeds__isRefused() external {
        _deposit(depositor, _units(200_000));
        source.set(50e18, 50e18);
        assertTrue(_attemptAsGovernor(address(registry), abi.encodeCall(registry.setVenueCap, (venue, 30_000))));
        _rebalance(_leg(int256(_units(30_000)), -50e18));
        vm.warp(block.timestamp + SECONDS_OF_COOLDOWN);
        _publish(2450e18);
        assertTrue(_attemptRebalance(_leg(int256(_units(22_500)), 0))); // to 30,000, for 122,500: 4.08x
        assertFalse(_attemptRebalance(_leg(int256(_units(1)), 0)), "the cap holds");
        bool isAccepted = _attemptRebalance(_leg(0, 10e18));
        _attackYieldsAtMost(isAccepted ? 0 : uint256(_worthOf(venue, 2450e18)), 0);
    }

    // HEDGE-036
    /// @dev What there is lies on a venue that answers and pays nothing out: the keeper may not cut, the guardian lets it.
    function test_reduction__otherVenueKeepsItsMargin__isRefused() external {
        _hedge();
        ScriptedVenue other = _addVenue();
        _rebalance(_legOn(other, int256(_units(140_000)), 0));
        other.setMarginError(-1);
        vm.warp(block.timestamp + SECONDS_OF_COOLDOWN);
        _publish(1200e18);
        _attemptRebalance(_leg(int256(_units(2000)), 0)); // idle, to the floor
        assertFalse(_attemptRebalance(_leg(int256(_units(10)), 0)), "idle is at its floor");
        assertFalse(_attemptRebalance(_leg(0, -5e18)), "the vault has margin elsewhere");
        _intervene(address(registry), abi.encodeCall(registry.closeVenue, (venue)));
        bool isAccepted = _attemptRebalance(_leg(0, -5e18));
        _attackYieldsAtMost(isAccepted ? 0 : uint256(_worthOf(venue, 1200e18)), 0);
    }

    /// @dev One venue under water stops every trade on the other, reductions too.
    function test_reduction__otherVenueBroken__isRefused() external {
        _hedge();
        _deposit(depositor, _units(1_800_000)); // a loss of 50,001 is no tenth of it, which would trip the breaker
        vm.warp(block.timestamp + 1 hours);
        vm.warp(block.timestamp + SECONDS_OF_COOLDOWN);
        _publish(PRICE);
        venue.setCash(-100_001e18); // 50 held, 1 under water
        source.set(-60e18, -60e18);
        bool isAccepted = _attemptRebalance(_legOn(_addVenue(), int256(_units(50_000)), 10e18));
        _attackYieldsAtMost(isAccepted ? 0 : 20_000e18, 0);
    }
}
