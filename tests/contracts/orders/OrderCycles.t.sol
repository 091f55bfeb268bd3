// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {Leg, Measurement} from "../../../contracts/types/Rebalance.sol";
import {OrderFixture} from "../support/OrderFixture.sol";

/// @notice HEDGE-131, HEDGE-136, HEDGE-139: thousands of lives of orders on one vault, against books of our own.
/// @dev EVENKEEL_ORDERS is the number of lives.
contract OrderCyclesTest is OrderFixture {
    int256 private ownSize; // underlying units
    int256 private ownCash; // USD: margin less what was paid and fees
    int256 private left; // of the order at work
    uint256 private allowed; // W that no outcome may exceed: that before the order, or the band
    uint256 private price = PRICE;

    // HEDGE-131, HEDGE-136, HEDGE-139
    function test_lives_nothingIsForgottenNorCountedTwice() external {
        uint256 count = vm.envOr("EVENKEEL_ORDERS", uint256(1000));
        _deposit(depositor, _units(1_000_000));
        vm.warp(vm.getBlockTimestamp() + 1 hours);
        _publish(price);
        _rebalance(_leg(int256(_units(400_000)), 0));
        ownCash = 400_000e18;
        uint256 asked = 0;
        for (uint256 i = 0; i < count; ++i) {
            uint256 r = uint256(keccak256(abi.encode(vm.envOr("EVENKEEL_SEED", uint256(0)), i)));
            if (_ask(r)) ++asked;
            for (uint256 step = 0; venue.openOrder() != 0; ++step) {
                _step(uint256(keccak256(abi.encode(r, step))), step > 6);
                _check();
            }
            _check();
            vm.resetGasMetering();
        }
        assertGe(asked * 10, count * 8, "most of them are accepted");
    }

    /// @dev A new day, price and book; an order that centres it.
    function _ask(uint256 r) private returns (bool isAccepted) {
        vm.warp(vm.getBlockTimestamp() + 1 days);
        price = Math.max(1500e18, Math.min(2500e18, price * (9900 + r % 201) / 10_000));
        price -= price % 1e10; // as the feed has it
        _publish(price);
        int256 middle = int256((r >> 16) % 80e18) - 40e18;
        source.set(middle - 1e18, middle + 1e18);
        allowed = Math.max(_worst(), _bounds().band);
        int256 sizeDelta = -middle - ownSize;
        if (sizeDelta == 0) return false;
        Leg[] memory legs = _leg(0, sizeDelta);
        bytes memory data = abi.encodeCall(vault.rebalance, (_nextIntent(), legs));
        vm.prank(keeper);
        (isAccepted,) = address(vault).call(data);
        if (!isAccepted) return false;
        left = sizeDelta;
    }

    function _step(uint256 r, bool isLast) private {
        bytes32 orderId = venue.openOrder();
        uint256 kind = isLast ? 6 + r % 3 : r % 9;
        if (kind < 3) _fillAtVenue(orderId, kind == 0 ? left : left * int256(1 + (r >> 8) % 99) / 100, r);
        else if (kind == 3) _settle(orderId, r);
        else if (kind == 4) venue.moveOrder(orderId, IPerpVenue.OrderStatus.Frozen);
        else if (kind == 5) venue.moveOrder(orderId, IPerpVenue.OrderStatus.Pending);
        else if (kind == 6) _drop(keeper, orderId);
        else if (kind == 7) _expire(orderId);
        else _endAtVenue(orderId, r);
        for (uint256 i = 0; i < (r >> 64) % 3; ++i) {
            venue.callBack((r >> 72) % 3 == 0 ? bytes32(r) : orderId);
        }
    }

    function _fillAtVenue(bytes32 orderId, int256 sizeDelta, uint256 r) private {
        if (sizeDelta == 0) return;
        IPerpVenue.Order memory order = venue.order(orderId);
        uint256 paid = _between(price, order.limitPrice, r >> 32);
        uint256 fee = (order.maxFee - order.fee) * ((r >> 96) % 101) / 100;
        venue.fillOrder(orderId, sizeDelta, paid, fee);
        _book(sizeDelta, paid, fee);
    }

    /// @dev A stranger has it executed; what is frozen is not.
    function _settle(bytes32 orderId, uint256 r) private {
        IPerpVenue.Order memory order = venue.order(orderId);
        uint256 paid = _between(price, order.limitPrice, r >> 32);
        venue.setExecution(paid, 0, false);
        vm.prank(attacker);
        (bool isDone,) = address(venue).call(abi.encodeCall(venue.settle, (orderId, "")));
        if (isDone) _book(left, paid, 0);
    }

    function _drop(address caller, bytes32 orderId) private {
        vm.prank(caller);
        venue.cancel(orderId);
        left = 0;
    }

    function _expire(bytes32 orderId) private {
        vm.warp(venue.order(orderId).expiresAt);
        _publish(price);
        _drop(attacker, orderId);
    }

    function _endAtVenue(bytes32 orderId, uint256 r) private {
        bool isExpired = (r >> 8) % 2 == 0;
        venue.moveOrder(orderId, isExpired ? IPerpVenue.OrderStatus.Expired : IPerpVenue.OrderStatus.Cancelled);
        left = 0;
    }

    function _book(int256 sizeDelta, uint256 paid, uint256 fee) private {
        uint256 notional = Math.mulDiv(SignedMath.abs(sizeDelta), paid, 1e18, Math.Rounding.Ceil);
        ownSize += sizeDelta;
        ownCash -= (sizeDelta > 0 ? int256(notional) : -int256(notional)) + int256(fee);
        left -= sizeDelta;
    }

    /// @dev The vault's measurement is our books: to the wei in NAV, and pending and filled each once.
    function _check() private view {
        Measurement memory m = vault.measure();
        assertEq(m.venues[0].sizeLow, ownSize + SignedMath.min(left, 0), "lowest size");
        assertEq(m.venues[0].sizeHigh, ownSize + SignedMath.max(left, 0), "highest size");
        assertEq(venue.openOrder() == 0, left == 0, "an order is open while something is left of it");
        assertApproxEqAbs(m.nav, _usd(vault.idleAssets()) + uint256(ownCash + ownSize * int256(price) / 1e18), 1, "NAV");
        assertLe(_worst(), allowed, "W above what was admitted");
    }

    function _worst() private view returns (uint256) {
        Measurement memory m = vault.measure();
        int256 low = m.bookDeltaLow + m.venues[0].sizeLow;
        int256 high = m.bookDeltaHigh + m.venues[0].sizeHigh;
        return Math.max(SignedMath.abs(low), SignedMath.abs(high));
    }

    function _usd(uint256 assets) private view returns (uint256) {
        return assets * 1e18 / _units(1);
    }

    function _between(uint256 a, uint256 b, uint256 r) private pure returns (uint256) {
        return Math.min(a, b) + r % (Math.max(a, b) - Math.min(a, b) + 1);
    }
}
