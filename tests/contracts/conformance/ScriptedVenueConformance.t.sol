// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";
import {TokenDouble} from "../support/Tokens.sol";
import {VaultStand} from "../support/VaultStand.sol";
import {OrderConformance} from "./OrderConformance.sol";
import {VenueConformance} from "./VenueConformance.sol";

/// @notice The double that fills at once is a venue like any other.
contract SynchronousVenueConformanceTest is VenueConformance {
    ScriptedVenue private venue;
    TokenDouble private token = new TokenDouble(6);
    VaultStand private vault = new VaultStand();

    function setUp() external {
        venue = new ScriptedVenue(address(vault), address(token), 2000e18);
        venue.setExecution(0, 5, false);
    }

    function _venue() internal view override returns (IPerpVenue) {
        return venue;
    }

    function _unit() internal pure override returns (uint256) {
        return 1e6;
    }

    function _endow(uint256 assets) internal override {
        token.mint(address(vault), assets);
        vm.prank(address(vault));
        token.approve(address(venue), assets);
    }

    function _held() internal view override returns (uint256) {
        return token.balanceOf(address(vault));
    }

    function _movePrice(uint256 price) internal override {
        venue.setPrices(price, price);
    }

    function _complete(IPerpVenue.Execution memory execution) internal view override {
        assertEq(uint256(execution.status), uint256(IPerpVenue.OrderStatus.Filled));
    }

    function _liquidate() internal override {
        venue.setSize(0);
        venue.setCash(0);
    }
}

/// @notice So is the one that fills later.
contract AsynchronousVenueConformanceTest is OrderConformance {
    ScriptedVenue private venue;
    TokenDouble private token = new TokenDouble(6);
    VaultStand private vault = new VaultStand();

    function setUp() external {
        venue = new ScriptedVenue(address(vault), address(token), 2000e18);
        venue.setExecution(0, 5, false);
        venue.setLater(true, 10);
    }

    function _venue() internal view override returns (IPerpVenue) {
        return venue;
    }

    function _unit() internal pure override returns (uint256) {
        return 1e6;
    }

    function _endow(uint256 assets) internal override {
        token.mint(address(vault), assets);
        vm.prank(address(vault));
        token.approve(address(venue), assets);
    }

    function _held() internal view override returns (uint256) {
        return token.balanceOf(address(vault));
    }

    function _movePrice(uint256 price) internal override {
        venue.setPrices(price, price);
    }

    function _complete(IPerpVenue.Execution memory execution) internal override {
        venue.settle(execution.orderId, "");
    }

    function _liquidate() internal override {
        venue.setSize(0);
        venue.setCash(0);
    }

    function _fillAtVenue(bytes32 orderId, int256 sizeDelta, uint256 price) internal override {
        venue.fillOrder(orderId, sizeDelta, price, 0);
    }

    function _endAtVenue(bytes32 orderId, IPerpVenue.OrderStatus status) internal override {
        venue.moveOrder(orderId, status);
    }

    function _keeper() internal view override returns (address) {
        return vault.keeper();
    }
}
