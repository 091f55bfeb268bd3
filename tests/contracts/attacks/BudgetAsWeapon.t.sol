// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Bounds, Intent, Leg} from "../../../contracts/types/Rebalance.sol";
import {AttackFixture} from "../support/AttackFixture.sol";

/// @notice Budgets that a thief uses up at no loss, so that an honest keeper has none. The figure is the hedge not done, USD.
contract BudgetAsWeaponTest is AttackFixture {
    address private immutable successor = makeAddr("successor");

    /// @dev Dismisses the thief, appoints another, and has the book ask for `size` more.
    function _replaceKeeper() private {
        _intervene(address(access), _dismissKeeperCall(keeper));
        assertTrue(_attemptAsGovernor(address(access), _grantKeeperCall(successor)));
    }

    /// @dev Buys and sells within one rebalance: exposure is what it was, prices are the oracle's.
    function _emptyBucket() private {
        Bounds memory b = guard.bounds();
        (b.urgentReserveBps, b.keeperShareBps) = (2500, 5000); // as a vault of two keepers has them
        assertTrue(_attemptAsGovernor(address(guard), _setBoundsCall(b)));
        for (uint256 i = 0; i < 3; ++i) {
            vm.warp(block.timestamp + SECONDS_OF_COOLDOWN);
            _publish(PRICE);
            uint256 most = _turnoverAvailable();
            if (most > 148_000e18) most = 148_000e18;
            int256 size = int256(most / 4000);
            _attemptRebalance(_legs(size, -size));
        }
    }

    function test_bucket__emptiedAtNoLoss__successorCannotHedge() external {
        _hedge();
        int256 before = _worth(PRICE);
        _emptyBucket();
        assertEq(_loss(before, _worth(PRICE)), 0, "it costs nothing, so no loss rule sees it");
        _replaceKeeper();
        source.set(-83e18, -83e18); // W is 33
        vm.warp(block.timestamp + 10_200); // 1 USD a second
        _publish(PRICE);
        emit log_named_decimal_uint("bucket", _turnoverAvailable(), 18);
        bool done = _attemptRebalance(successor, _leg(int256(_units(30_000)), 33e18));
        _attackYieldsAtMost(done ? 0 : 66_000e18, 0);
    }

    /// @dev In pieces of what the bucket holds the hedge takes most of a day.
    function test_bucket__emptiedAtNoLoss__halfADayToHedge() external {
        _hedge();
        _emptyBucket();
        _replaceKeeper();
        source.set(-83e18, -83e18);
        uint256 start = block.timestamp;
        _attemptRebalance(successor, _leg(int256(_units(30_000)), 0));
        while (venue.size() < 80e18 && block.timestamp < start + 2 days) {
            int256 size = int256(_turnoverAvailable() / 2000);
            if (size > 83e18 - venue.size()) size = 83e18 - venue.size();
            _attemptRebalance(successor, _leg(0, size));
            vm.warp(block.timestamp + SECONDS_OF_COOLDOWN);
            _publish(PRICE);
        }
        _attackYieldsAtMost((block.timestamp - start) * 1e18, 600e18); // seconds: one cooldown
    }

    function test_cooldown__tradeOfOneWei__holdsUpTheHedge() external {
        _hedge();
        vm.warp(block.timestamp + SECONDS_OF_COOLDOWN);
        _publish(PRICE);
        _attemptRebalance(_leg(0, 1));
        _replaceKeeper();
        source.set(-69e18, -69e18); // W is 19, short of urgent
        vm.warp(block.timestamp + SECONDS_OF_COOLDOWN - 1);
        _publish(PRICE);
        bool done = _attemptRebalance(successor, _leg(0, 19e18));
        _attackYieldsAtMost(done ? 0 : 38_000e18, 0);
    }

    /// @dev Two keepers: the thief sees the other's rebalance coming and uses its id for a move of one unit of margin.
    function test_intent__usedByAnotherKeeper__refusesTheHedge() external {
        _deposit(depositor, _units(200_000));
        assertTrue(_attemptAsGovernor(address(access), _grantKeeperCall(successor)));
        uint256 hedged = 0;
        for (uint256 i = 0; i < 10; ++i) {
            Intent memory intent = _nextIntent();
            Leg[] memory front = _leg(1, 0);
            Leg[] memory honest = _leg(int256(_units(50_000)), 50e18);
            _attemptOnVault(keeper, _rebalanceCall(intent, front));
            if (_attemptOnVault(successor, _rebalanceCall(intent, honest))) {
                hedged = 100_000e18;
            }
        }
        _attackYieldsAtMost(100_000e18 - hedged, 0);
    }

    /// @dev Every cooldown again, as long as the exposure is inside the band: the jump out of it always meets a fresh one.
    function test_cooldown__tradeOfOneWeiEachTime__isAlwaysRunning() external {
        _hedge();
        uint256 accepted = 0;
        for (uint256 i = 0; i < 144; ++i) {
            vm.warp(block.timestamp + SECONDS_OF_COOLDOWN);
            _publish(PRICE);
            if (_attemptRebalance(_leg(0, i % 2 == 0 ? int256(1) : -1))) ++accepted;
        }
        _attackYieldsAtMost(accepted * SECONDS_OF_COOLDOWN * 1e18, 0); // seconds of a day
    }
}
