// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {Leg} from "../../../contracts/types/Rebalance.sol";
import {ScriptedVenue} from "./ScriptedVenue.sol";
import {VaultFixture} from "./VaultFixture.sol";

/// @notice The vault of `VaultFixture` on a venue that fills later: fees of at most 10 bps, an expiry of 300 seconds.
abstract contract OrderFixture is VaultFixture {
    uint256 internal constant LIFE = 300;
    uint256 internal constant LIMIT = 2010e18; // of a purchase at 2,000
    uint256 internal constant MAX_FEE = 100.5e18; // of 50 at the limit

    function setUp() public virtual override {
        super.setUp();
        venue.setLater(true, 10);
    }

    /// @dev 200,000 deposited, 50,000 of margin, and an order for 50 at 2,010 or better.
    function _order() internal returns (bytes32) {
        _deposit(depositor, _units(200_000));
        return _request(venue, int256(_units(50_000)), 50e18);
    }

    /// @dev The same, filled at 2,000 without a fee.
    function _filledOrder() internal returns (bytes32 orderId) {
        orderId = _order();
        venue.fillOrder(orderId, 50e18, PRICE, 0);
    }

    function _request(ScriptedVenue on, int256 marginDelta, int256 sizeDelta) internal returns (bytes32) {
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(address(on), marginDelta, sizeDelta, 0);
        _rebalance(legs);
        return on.openOrder();
    }

    function _pass(uint256 elapsed) internal {
        vm.warp(vm.getBlockTimestamp() + elapsed);
        _publish(PRICE);
    }

    function _assertStatus(bytes32 orderId, IPerpVenue.OrderStatus status) internal view {
        assertEq(uint256(venue.order(orderId).status), uint256(status));
    }

    function _laterVenue() internal returns (ScriptedVenue added) {
        added = new ScriptedVenue(address(vault), address(token), PRICE);
        added.setLater(true, 10);
        _addVenue(added);
    }
}
