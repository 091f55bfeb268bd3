// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";
import {MarketActions} from "./MarketActions.sol";

/// @notice What becomes of orders: filled whole, in parts or not at all, frozen, expired, cancelled, told late, twice or never.
abstract contract OrderActions is MarketActions {
    /// @dev Every venue that has an order does something with it; those that were removed as well.
    function _workOrders(uint256 a, uint256 b) internal returns (bool) {
        for (uint256 i = 0; i < everyVenue.length; ++i) {
            uint256 r = uint256(keccak256(abi.encode(a, b, i)));
            bytes32 orderId = everyVenue[i].openOrder();
            if (orderId != 0) _work(everyVenue[i], orderId, r);
        }
        return true;
    }

    /// @dev Nothing that an order may do inside its terms leads out of the interval that shares were priced by, nor raises W.
    function _work(ScriptedVenue venue, bytes32 orderId, uint256 r) private {
        Moment memory m = _moment();
        (uint256 low, uint256 high) = vault.navBounds();
        _judge(64, !_cancelAs(stranger, venue, orderId) || vm.getBlockTimestamp() >= venue.order(orderId).expiresAt);
        if (r % 16 < 7) _fill(venue, orderId, r);
        else if (r % 16 == 7) venue.moveOrder(orderId, IPerpVenue.OrderStatus.Cancelled);
        else if (r % 16 == 8) venue.moveOrder(orderId, IPerpVenue.OrderStatus.Expired);
        else if (r % 16 == 9) venue.moveOrder(orderId, IPerpVenue.OrderStatus.Frozen);
        else if (r % 16 < 12) _endByHand(venue, orderId, r);
        for (uint256 i = 0; i < (r >> 8) % 3; ++i) {
            venue.callBack((r >> 16) % 4 == 0 ? bytes32(r) : orderId);
        }
        (uint256 lowNow, uint256 highNow) = vault.navBounds();
        _judge(61, lowNow + 2 >= low && highNow <= high + 2);
        _judge(63, _moment().worst <= m.worst);
    }

    /// @dev A keeper, or anyone once it has expired, cancels what is left; halted or not, in every mode.
    function _endByHand(ScriptedVenue venue, bytes32 orderId, uint256 r) private {
        if (venue.openOrder() != orderId) return;
        uint256 expiresAt = venue.order(orderId).expiresAt;
        bool isKeepers = r % 16 == 10 && access.isKeeper(keepers[HONEST]);
        if (!isKeepers && vm.getBlockTimestamp() < expiresAt) vm.warp(expiresAt);
        _judge(64, _cancelAs(isKeepers ? keepers[HONEST] : stranger, venue, orderId));
    }

    function _cancelAs(address caller, ScriptedVenue venue, bytes32 orderId) private returns (bool isDone) {
        vm.prank(caller);
        (isDone,) = address(venue).call(abi.encodeCall(venue.cancel, (orderId)));
    }

    /// @dev At a price between the best that the account may be valued at and the limit, for a part of the fee that is left;
    ///      by the venue, who tells nobody, or by a stranger who has it executed.
    function _fill(ScriptedVenue venue, bytes32 orderId, uint256 r) private {
        IPerpVenue.Order memory order = venue.order(orderId);
        int256 left = order.sizeDelta - order.filledSizeDelta;
        if (left == 0) return;
        uint256 best = _bestPrice(venue, left > 0);
        bool isBeyond = left > 0 ? best >= order.limitPrice : best <= order.limitPrice;
        uint256 price = order.limitPrice;
        if (!isBeyond && left > 0) price -= (r >> 32) % (price - best + 1);
        if (!isBeyond && left < 0) price += (r >> 32) % (best - price + 1);
        if (r % 16 < 3) {
            venue.setExecution(price, (r >> 96) % 20, true);
            vm.prank(stranger);
            (bool isDone,) = address(venue).call(abi.encodeCall(venue.settle, (orderId, "")));
            isDone; // a frozen order is not executed
            return;
        }
        if (r % 16 < 5) left = left * int256(1 + (r >> 128) % 99) / 100;
        uint256 fee = (order.maxFee - order.fee) * ((r >> 160) % 101) / 100;
        venue.fillOrder(orderId, left, price, fee);
    }

    function _bestPrice(ScriptedVenue venue, bool isPurchase) private view returns (uint256) {
        (,,,, uint256 mark, uint256 index,) = venue.figures();
        uint256 feed = _isPriceDead() ? index : feedPrice;
        if (isPurchase) return Math.min(Math.min(_down(index), mark), _down(feed));
        return Math.max(Math.max(_up(index), mark), _up(feed));
    }
}
