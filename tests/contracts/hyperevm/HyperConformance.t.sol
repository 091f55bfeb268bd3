// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {OrderConformance} from "../conformance/OrderConformance.sol";
import {HyperStage} from "./HyperStage.sol";

/// @notice The adapter of Hyperliquid, on the double of HyperCore, does what every adapter does.
contract HyperConformanceTest is OrderConformance, HyperStage {
    function setUp() external {
        _raise();
        _flyCanary();
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
        _setPrice(price);
    }

    function _bringMargin() internal override {
        _moveAll();
    }

    function _complete(IPerpVenue.Execution memory execution) internal override {
        _block();
        venue.reconcile(execution.orderId); // or a liquidation could hide the fill
    }

    function _liquidate() internal override {
        core.liquidate(address(venue), true);
    }

    function _fund(int256 usd) internal override returns (bool) {
        core.fund(address(venue), int64(usd * 1e6));
        return true;
    }

    function _fillAtVenue(bytes32 orderId, int256 sizeDelta, uint256 price) internal override {
        int256 asked = venue.order(orderId).sizeDelta;
        core.setFill(uint64(uint256(sizeDelta * 10_000 / asked)), uint64(price / 1e16));
        _block();
        core.setFill(10_000, 0);
    }

    /// @dev HyperCore refuses it without a word. It freezes nothing: an order that is still on its way is open.
    function _endAtVenue(bytes32, IPerpVenue.OrderStatus status) internal override {
        if (status == IPerpVenue.OrderStatus.Frozen) return;
        core.setRefusing(1, true);
        _pass(2 * SETTLE);
        core.setRefusing(1, false);
    }

    function _keeper() internal view override returns (address) {
        return vault.keeper();
    }

    function _heldSeconds() internal pure override returns (uint256) {
        return SETTLE;
    }
}
