// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {Leg, VenueMeasurement} from "../../../contracts/types/Rebalance.sol";
import {AttackFixture} from "./AttackFixture.sol";

/// @notice A real vault whose second venue fills later, and what a keeper asks for there.
abstract contract LaterVenueStage is AttackFixture {
    // --- of the venue -------------------------------------------------------------------------------------------------

    function _later() internal view virtual returns (IPerpVenue);

    /// @dev Moves the price of the vault's feed and of the venue.
    function _publishAll(uint256 price) internal virtual;

    /// @dev Another block, so much later; the feed says the same price again.
    function _pass(uint256 elapsed) internal virtual;

    /// @dev The open order fills at its limit.
    function _fillAtTheLimit() internal virtual;

    /// @dev What is in the vault and at the venue, WAD USD, whatever the vault says.
    function _wealth() internal view virtual returns (int256);

    // --- what is asked for --------------------------------------------------------------------------------------------

    function _legOf(int256 marginDelta, int256 sizeDelta) internal view returns (Leg[] memory legs) {
        legs = new Leg[](1);
        legs[0] = Leg(address(_later()), marginDelta, sizeDelta, 0);
    }

    /// @dev The book asks for a size there, and the keeper for what is missing.
    function _ask(int256 size) internal returns (bytes32 orderId) {
        source.set(-size, -size);
        vm.warp(vm.getBlockTimestamp() + SECONDS_OF_COOLDOWN);
        _publishAll(_later().markPrice());
        assertTrue(_attemptRebalance(_legOf(0, size - _later().size())), vm.toString(abi.encodePacked(_lastRefusal)));
        return _later().openOrder();
    }

    function _measuredLater() internal view returns (VenueMeasurement memory) {
        return vault.measure().venues[1];
    }
}
