// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {GmxV2Venue} from "../../../contracts/venues/gmx/GmxV2Venue.sol";
import {LaterVenueStage} from "../support/LaterVenueStage.sol";
import {GmxHandlerDouble} from "../support/gmx/GmxHandlerDouble.sol";
import {GmxRolesStage} from "../support/gmx/GmxRolesStage.sol";
import {WntDouble} from "../support/gmx/GmxStoreDouble.sol";

/// @notice A real vault of 200,000 USD whose hedge is on the double of GMX, with 100,000 of margin and an ether there.
abstract contract GmxAttackStage is LaterVenueStage {
    uint256 internal constant EXPIRY = 300; // GMX's REQUEST_EXPIRATION_TIME

    GmxRolesStage internal stage;
    GmxV2Venue internal gmxVenue;
    GmxHandlerDouble internal handler;
    WntDouble internal wnt;

    function setUp() public virtual override {
        super.setUp();
        stage = new GmxRolesStage();
        gmxVenue = stage.adapterOf(address(vault), access, token);
        (handler, wnt) = stage.present();
        _govern(address(registry), abi.encodeCall(registry.addVenue, (gmxVenue)));
        vm.txGasPrice(0.05 gwei);
        _deposit(depositor, _units(200_000));
        vm.deal(address(gmxVenue), 1 ether);
        source.set(0, 0);
        assertTrue(_attemptRebalance(_legOf(int256(_units(100_000)), 0)));
    }

    function _later() internal view override returns (IPerpVenue) {
        return gmxVenue;
    }

    function _open(int256 size) internal {
        _ask(size);
        stage.fill(gmxVenue.markPrice());
        assertEq(gmxVenue.size(), size);
    }

    function _fillAtTheLimit() internal override {
        stage.fill(gmxVenue.order(gmxVenue.openOrder()).limitPrice);
    }

    function _publishAll(uint256 price) internal override {
        _publish(price);
        stage.setPrice(price);
    }

    function _pass(uint256 elapsed) internal override {
        vm.roll(vm.getBlockNumber() + 1);
        vm.warp(vm.getBlockTimestamp() + elapsed);
        _publishAll(gmxVenue.markPrice());
    }

    /// @dev What is in the vault and at GMX at the price of the feed, WAD USD, whatever the vault says.
    function _wealth() internal view override returns (int256) {
        return int256(_usd(token.balanceOf(address(vault)))) + gmxVenue.account().equity;
    }
}
