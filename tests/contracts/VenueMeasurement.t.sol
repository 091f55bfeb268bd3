// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../contracts/interfaces/IPerpVenue.sol";
import {VenueValuation} from "../../contracts/libraries/VenueValuation.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-116 and HEDGE-002: how often a venue is asked, and how what it is worth is rounded.
contract VenueMeasurementTest is VaultFixture {
    // HEDGE-116
    function test_rebalance_asksAVenueOnceBeforeAndOnceAfter() external {
        _hedge();
        skip(SECONDS_OF_COOLDOWN);
        vm.expectCall(address(venue), abi.encodeCall(IPerpVenue.account, ()), 2);
        vm.expectCall(address(venue), abi.encodeCall(IPerpVenue.position, ()), 0);
        vm.expectCall(address(venue), abi.encodeCall(IPerpVenue.equity, ()), 0);
        vm.expectCall(address(venue), abi.encodeCall(IPerpVenue.pending, ()), 0);
        _rebalance(_leg(0, -1e18));
    }

    // HEDGE-002
    function test_equityAt_roundsAPartOfAWeiTheWayItIsTold() external pure {
        // 0.5e-18 USD up or down from a mark at which it is worth 7e-18
        for (uint256 i = 0; i < 2; ++i) {
            int256 sign = i == 0 ? int256(1) : -1;
            IPerpVenue.Account memory account = IPerpVenue.Account(sign * 0.5e18, 0, 0, 7, PRICE, PRICE);
            assertEq(VenueValuation.equityAt(account, PRICE + 1, false), sign > 0 ? int256(7) : int256(6));
            assertEq(VenueValuation.equityAt(account, PRICE + 1, true), sign > 0 ? int256(8) : int256(7));
            assertEq(VenueValuation.equityAt(account, PRICE - 1, false), sign > 0 ? int256(6) : int256(7));
            assertEq(VenueValuation.equityAt(account, PRICE - 1, true), sign > 0 ? int256(7) : int256(8));
            assertEq(VenueValuation.equityAt(account, PRICE + 2, false), 7 + sign); // nothing to round
            assertEq(VenueValuation.equityAt(account, PRICE + 2, true), 7 + sign);
        }
    }
}
