// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IRebalanceGuard} from "../../contracts/interfaces/IRebalanceGuard.sol";
import {Bounds, Leg} from "../../contracts/types/Rebalance.sol";
import {ScriptedVenue} from "./support/ScriptedVenue.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-222 .. HEDGE-224: the least trade, the gross cap, and the breaker on what price moves do not explain.
contract BreakerTest is VaultFixture {
    function _cool(uint256 price) private {
        vm.warp(vm.getBlockTimestamp() + SECONDS_OF_COOLDOWN);
        _publish(price);
    }

    // HEDGE-224
    function test_breaker_doesNotTripForWhatTheHedgeLosesToThePrice() external {
        _hedge(); // 50 long, as the book is 50 short
        _cool(1500e18); // 25,000 of 200,000 gone with the price, and won by the book
        assertFalse(guard.isBreakerTripped());
        source.set(-60e18, -60e18);
        _rebalance(_leg(0, 8e18));
        assertEq(venue.size(), 58e18);
    }

    // HEDGE-224
    function test_breaker_tripsOnFundingAndLetsTheHedgeStepOut() external {
        _hedge();
        _cool(PRICE);
        venue.setCash(venue.cash() - 20_001e18); // a tenth of NAV as it is then, and a dollar
        assertTrue(guard.isBreakerTripped());
        _rebalanceExpecting(
            _leg(0, 1e18), abi.encodeWithSelector(IRebalanceGuard.PositionNotShrinking.selector, 0, 51e18, 51e18)
        );
        _rebalance(_leg(0, -20e18)); // W from 2 to 22, by what was closed
        assertEq(venue.size(), 30e18);
    }

    // HEDGE-224
    function test_breaker_holdsATenthAndTripsBeyond() external {
        _hedge();
        int256 cash = venue.cash();
        // 10 % of what is left: f / (200,000 - f) = 0.1 at f = 18,181.8..
        venue.setCash(cash - 18_181e18);
        assertFalse(guard.isBreakerTripped());
        venue.setCash(cash - 18_182e18);
        assertTrue(guard.isBreakerTripped());
    }

    // HEDGE-224
    function test_breaker_forgetsAHighAfterADay() external {
        _hedge();
        venue.setCash(venue.cash() - 30_000e18);
        vm.warp(START - START % 8 hours + 24 hours + 8 hours - 1);
        _publish(PRICE);
        assertTrue(guard.isBreakerTripped());
        vm.warp(START - START % 8 hours + 32 hours);
        _publish(PRICE);
        assertFalse(guard.isBreakerTripped());
    }

    // HEDGE-224
    function test_breaker_countsNeitherDepositsNorExits() external {
        _hedge();
        vm.prank(depositor);
        vault.withdraw(_units(100_000), depositor, depositor);
        assertFalse(guard.isBreakerTripped());
        _deposit(attacker, _units(300_000));
        venue.setCash(venue.cash() - 30_000e18); // less than a tenth of the new NAV
        assertFalse(guard.isBreakerTripped());
    }

    // HEDGE-224
    function test_recordResult_isAnyonesAndSetsAHigh() external {
        _hedge();
        venue.setCash(venue.cash() + 40_000e18); // funding received
        vm.prank(attacker);
        guard.recordResult();
        venue.setCash(venue.cash() - 40_000e18); // and taken back
        assertTrue(guard.isBreakerTripped());
    }

    // HEDGE-224
    function test_breaker_leavesWhatAnUnwindCostsToTheLeaver() external {
        _hedge();
        _emptyIdle();
        venue.setCash(venue.cash() + 40_000e18); // funding received, of which nothing was recorded
        venue.setExecution(PRICE, 5000, false); // closing costs half of what is closed
        uint256 shares = vault.balanceOf(depositor) / 2;
        vm.prank(depositor);
        vault.redeemWithUnwind(shares, 0, depositor, depositor, _leg(-int256(_units(100_000)), -25e18)); // 25,000 lost
        assertEq(guard.track().highs[0], 40_000e2);
        assertFalse(guard.isBreakerTripped());
        guard.recordResult();
        venue.setCash(venue.cash() - 10_931e18); // f / (120,250 - f) = 0.1 at f = 10,931.8..
        assertFalse(guard.isBreakerTripped());
        venue.setCash(venue.cash() - 1e18);
        assertTrue(guard.isBreakerTripped());
    }

    // HEDGE-224
    function test_breaker_knowsNothingWhileAVenueIsSilent() external {
        _hedge();
        venue.setHalted(true);
        assertFalse(guard.isBreakerTripped());
        guard.recordResult();
        venue.setHalted(false);
        assertFalse(guard.isBreakerTripped());
    }

    // HEDGE-224
    function test_breaker_knowsWhatWasTradedBesideASilentVenue() external {
        _hedge();
        ScriptedVenue other = new ScriptedVenue(address(vault), address(token), PRICE);
        _addVenue(other);
        venue.setHalted(true);
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(address(other), int256(_units(50_000)), 30e18, 0); // W is 50, of which 20 stay
        _cool(PRICE);
        other.setPrices(PRICE, PRICE);
        _rebalance(legs);
        _cool(1300e18); // 21,000 lost by what was bought meanwhile, more than a tenth of NAV, and won by the book
        other.setPrices(1300e18, 1300e18);
        venue.setHalted(false);
        assertFalse(guard.isBreakerTripped());
        other.setCash(other.cash() - 14_500e18); // a tenth of the 144,000 left is 14,400, less what this took
        assertTrue(guard.isBreakerTripped());
    }

    // HEDGE-222
    function test_leastTrade_isWaivedIntoTheBandAndToClose() external {
        _hedge(); // W is 2, the band 3
        _cool(PRICE);
        _rebalanceExpecting(
            _leg(0, -0.04e18), abi.encodeWithSelector(IRebalanceGuard.NotionalTooSmall.selector, 80e18, 100e18)
        );
        source.set(-53.02e18, -53.02e18); // W is 3.02
        _rebalance(_leg(0, 0.02e18)); // 40 USD bring it in
        source.set(0, 0);
        _rebalance(_leg(0, -50e18));
        _cool(PRICE);
        _rebalance(_leg(0, -0.02e18)); // 40 USD, and nothing is left
        assertEq(venue.size(), 0);
    }

    // HEDGE-223
    function test_grossCap_countsBothSides() external {
        ScriptedVenue second = new ScriptedVenue(address(vault), address(token), PRICE);
        _addVenue(second);
        Bounds memory b = _bounds();
        b.maxGrossNotional = 120_000e18;
        _setBounds(b);
        _hedge();
        _cool(PRICE);
        Leg[] memory legs = new Leg[](2);
        legs[0] = Leg(address(second), int256(_units(20_000)), -6e18, 0);
        legs[1] = Leg(address(venue), 0, 6e18, 0);
        _rebalanceExpecting(
            legs, abi.encodeWithSelector(IRebalanceGuard.GrossNotionalExceeded.selector, 124_000e18, 120_000e18)
        );
        (legs[0].sizeDelta, legs[1].sizeDelta) = (-5e18, 5e18);
        _rebalance(legs);
    }

    // HEDGE-221
    function test_reduceOnly_isOnTheDeltaRulesSide() external {
        _hedge();
        vm.prank(guardian);
        vault.setReduceOnly();
        _cool(PRICE);
        _rebalanceExpecting(
            _leg(0, 1e18), abi.encodeWithSelector(IRebalanceGuard.PositionNotShrinking.selector, 0, 51e18, 51e18)
        );
    }
}
