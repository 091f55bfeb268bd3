// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../contracts/interfaces/IPerpVenue.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-116: how often a venue is asked.
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
}
