// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Leg} from "../../../contracts/types/Rebalance.sol";
import {AttackFixture} from "../support/AttackFixture.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";

/// @notice Leverage beyond `maxLeverage`, 2x, that no single measurement shows.
contract GrossLeverageTest is AttackFixture {
    function _leverage() private view returns (uint256) {
        int256 size = venue.size() > 0 ? venue.size() : -venue.size();
        return size == 0 ? 0 : uint256(size) * PRICE / uint256(_worth(PRICE));
    }

    function _buyThreeTimes(int256 margin, int256 size) private {
        for (uint256 i = 0; i < 3; ++i) {
            _attemptRebalance(_leg(margin, size));
        }
    }

    /// @dev The deposit is there while the guard measures and gone in the same transaction.
    function test_leverage__depositForOneTransaction__reaches3Point6() external {
        source.set(-180e18, -180e18);
        _deposit(depositor, _units(100_000));
        _deposit(attacker, _units(80_000));
        _buyThreeTimes(int256(_units(30_000)), 60e18);
        _attemptExit(attacker);
        _attackYieldsAtMost(_leverage(), 2e18);
    }

    /// @dev Without any keeper's help: whoever holds shares may leave after a rebalance, and leverage follows.
    function test_leverage__exitsAfterARebalance__reaches4() external {
        source.set(-180e18, -180e18);
        _deposit(depositor, _units(100_000));
        _deposit(attacker, _units(80_000));
        _buyThreeTimes(int256(_units(30_000)), 60e18);
        _attemptExit(attacker);
        _attemptExit(depositor);
        _attackYieldsAtMost(_leverage(), 4e18);
    }

    /// @dev Long on one venue and short on the other: net delta 0, every fee and funding paid twice.
    function test_gross__longAndShortOnTwoVenues__reachesTwiceTheNavForNothing() external {
        ScriptedVenue second = _addVenue();
        source.set(0, 0);
        _deposit(depositor, _units(200_000));
        Leg[] memory legs = new Leg[](2);
        for (uint256 i = 0; i < 3; ++i) {
            legs[0] = Leg(address(venue), int256(_units(20_000)), 33e18, 0);
            legs[1] = Leg(address(second), int256(_units(20_000)), -33e18, 0);
            _attemptRebalance(legs);
            vm.warp(block.timestamp + SECONDS_OF_COOLDOWN);
            _publish(PRICE);
        }
        uint256 gross = uint256(venue.size() - second.size()) * 2000;
        _attackYieldsAtMost(gross, 400_000e18); // twice the NAV, the bound
    }

    /// @dev Margin may leave a venue up to its own bound; an exit of idle lifts the whole no higher than that.
    function test_leverage__marginOutThenExit__reachesTheVenuesBound() external {
        _hedge();
        _attemptRebalance(_leg(-int256(_units(25_000)), 0));
        _attemptExit(depositor);
        _attackYieldsAtMost(_leverage(), 4e18);
    }
}
