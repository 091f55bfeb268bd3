// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IHedgeVault} from "../../contracts/interfaces/IHedgeVault.sol";
import {IPerpVenue} from "../../contracts/interfaces/IPerpVenue.sol";
import {VenueValuation} from "../../contracts/libraries/VenueValuation.sol";
import {VenueMeasurement} from "../../contracts/types/Rebalance.sol";
import {ScriptedVenue} from "./support/ScriptedVenue.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-002, HEDGE-116, HEDGE-121 and HEDGE-123: how a venue is asked, and what NAV makes of what it is worth.
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

    // HEDGE-123
    function test_measure_grantsAVenueTheGasThatItSays() external {
        vm.expectCall(address(venue), 0, 900_000, abi.encodeCall(IPerpVenue.account, ()));
        vault.measure();
    }

    // HEDGE-121
    function test_silentVenue_withoutAHealthyPriceHasNone() external {
        _hedge();
        venue.setHalted(true);
        vm.warp(START + 40 days);
        VenueMeasurement memory m = vault.measureHedge().venues[0];
        assertTrue(m.isSilent);
        assertEq(m.price, 0);
        assertEq(m.priceLow, 0);
        assertEq(m.priceHigh, 0);
    }

    // HEDGE-121
    function test_depositBlock_namesAVenueBeforeTheModeAndThePrice() external {
        _hedge();
        vm.prank(guardian);
        vault.pause();
        vm.warp(START + 40 days);
        assertEq(uint256(vault.depositBlock()), uint256(IHedgeVault.DepositBlock.Mode));
        venue.setCash(-200_000e18);
        assertEq(uint256(vault.depositBlock()), uint256(IHedgeVault.DepositBlock.VenueUnderWater));
        venue.setHalted(true);
        assertEq(uint256(vault.depositBlock()), uint256(IHedgeVault.DepositBlock.VenueSilent));
    }

    // HEDGE-002
    function test_navBounds_addUpBothEndsOfEveryVenue() external {
        ScriptedVenue second = new ScriptedVenue(address(vault), address(token), PRICE);
        _addVenue(second);
        _hedge();
        second.setCash(7000e18);
        for (uint256 i; i < 2; ++i) {
            // Of 50 units on 50,000: 45,000 at a mark of 1,900, and 50,500 half a percent above the index.
            venue.setPrices(i == 0 ? PRICE * 95 / 100 : PRICE, PRICE);
            (uint256 low, uint256 high) = vault.navBounds();
            assertEq(low, _units(150_000 + 7000 + (i == 0 ? 45_000 : 49_500)));
            assertEq(high, _units(150_000 + 7000 + 50_500));
        }
    }

    // HEDGE-002
    function test_equityAt_roundsAPartOfAWeiTheWayItIsTold() external pure {
        // 0.5e-18 USD up or down from a mark at which it is worth 7e-18
        for (uint256 i = 0; i < 2; ++i) {
            int256 sign = i == 0 ? int256(1) : -1;
            IPerpVenue.Account memory account = IPerpVenue.Account(sign * 0.5e18, 0, 0, 7, PRICE, PRICE, 0, 0, 0);
            assertEq(VenueValuation.equityAt(account, PRICE + 1, false), sign > 0 ? int256(7) : int256(6));
            assertEq(VenueValuation.equityAt(account, PRICE + 1, true), sign > 0 ? int256(8) : int256(7));
            assertEq(VenueValuation.equityAt(account, PRICE - 1, false), sign > 0 ? int256(6) : int256(7));
            assertEq(VenueValuation.equityAt(account, PRICE - 1, true), sign > 0 ? int256(7) : int256(8));
            assertEq(VenueValuation.equityAt(account, PRICE + 2, false), 7 + sign); // nothing to round
            assertEq(VenueValuation.equityAt(account, PRICE + 2, true), 7 + sign);
        }
    }
}
