// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {HyperEvmLegs} from "../../../contracts/venues/hyperevm/HyperEvmLegs.sol";
import {HyperStage} from "./HyperStage.sol";

/// @notice Lives of orders and moves of margin, by a seed: 40 of them, or as many as EVENKEEL_ORDERS says.
/// @dev HEDGE-592: after every step the adapter's equity is what the double holds for it, and no order is lost or counted twice.
contract HyperLivesTest is HyperStage {
    uint256 private seed = 0x6576656e6b65656c;
    uint256 private price = PRICE;
    uint256 private liquidations;
    uint256 private refusals;
    uint256 private lateLegs;
    uint256 private legs;
    bool private isBehind; // a leg is called over that is not: it was late, or a stranger's gift passed for it
    bool private hasGift; // since everything was where it is seen

    function setUp() external {
        _raise();
        _flyCanary();
        _fundVenue(1_000_000);
        _moveAll();
    }

    function _next(uint256 below) private returns (uint256) {
        seed = uint256(keccak256(abi.encode(seed)));
        return seed % below;
    }

    function test_lives_everyDollarAndEveryOrderIsAccountedFor() external {
        uint256 count = vm.envOr("EVENKEEL_ORDERS", uint256(40));
        vm.pauseGasMetering();
        uint256[4] memory ends;
        for (uint256 asked = 0; asked < count; asked = ends[0] + ends[1] + ends[2]) {
            ends[this.live()] += 1; // a call of its own: memory is never given back
        }
        assertGt(ends[0], count / 4, "filled");
        assertLt(ends[3], count, "not asked");
        assertGt(legs, count / 4);
        if (count >= 5000) {
            assertGt(ends[1], 0, "cancelled");
            assertGt(ends[2], 0, "expired");
            assertGt(liquidations, 0, "liquidated");
            assertGt(refusals, 0, "refused");
            assertGt(lateLegs, 0, "late");
        }
    }

    function live() external returns (uint256 end) {
        if (_next(40) == 0) _fundVenue(1_000_000); // what is lost is lost
        core.setBridgeDry(_next(6) == 0);
        core.setHolding(seed % 12 == 0);
        core.setOrderDelay(_next(4) == 0 ? _next(50) : 0);
        _move();
        end = _live();
        _advance();
        _assertWhole();
    }

    /// @dev Asks, lets something happen, and returns how it ended: filled, cancelled, expired, not asked at all.
    function _live() private returns (uint256) {
        int256 sizeDelta = int256(1 + _next(200_000)) * 1e14 * (_next(2) == 0 ? int256(1) : int256(-1));
        int256 held = venue.size();
        if (held > 60e18 || held < -60e18 || _next(5) == 0) sizeDelta = held == 0 ? sizeDelta : -held;
        vm.prank(address(vault));
        try venue.execute(sizeDelta, sizeDelta > 0 ? price * 102 / 100 : price * 98 / 100) {}
        catch {
            return 3; // too small, too little margin on HyperCore, or margin on its way
        }
        bytes32 orderId = venue.openOrder();
        int256 left = venue.order(orderId).sizeDelta;
        assertEq(venue.account().size + left, held + left); // pending, and nothing else, in its own block
        _assertWhole();
        uint256 way = _next(5);
        if (way == 3) core.setRefusing(1, true);
        if (way == 3) ++refusals;
        if (way == 2) core.setFill(uint64(1 + _next(9999)), 0);
        _pass(1 + _next(59)); // HyperCore's delay may be longer
        _assertWhole();
        if (way == 1 && held > 1e18) core.deleverage(address(venue), -1000, uint64(price / 1e16));
        if (_next(3) == 0) venue.reconcile(orderId);
        _pass(SETTLE);
        core.setRefusing(1, false);
        core.setFill(10_000, 0);
        _assertWhole();
        return _end(orderId, held);
    }

    function _end(bytes32 orderId, int256 held) private returns (uint256) {
        if (venue.openOrder() != 0 && _next(2) == 0) venue.cancel(orderId);
        else _pass(SETTLE);
        assertEq(venue.openOrder(), 0);
        IPerpVenue.Order memory order = venue.order(orderId);
        if (order.status == IPerpVenue.OrderStatus.Filled) assertEq(order.filledSizeDelta, order.sizeDelta);
        int256 moved = venue.size() - held;
        assertLe(order.filledSizeDelta > 0 ? order.filledSizeDelta : -order.filledSizeDelta, moved > 0 ? moved : -moved);
        if (_next(2) == 0) venue.reconcile(orderId);
        if (order.status == IPerpVenue.OrderStatus.Filled) return 0;
        return order.status == IPerpVenue.OrderStatus.Cancelled ? 1 : 2;
    }

    function _advance() private {
        if (_next(3) == 0) {
            vm.prank(vault.keeper());
            venue.recall(_next(2) == 0 ? 0 : _next(2_000_000e6));
        }
        for (uint256 i = 0; i < 4; ++i) {
            _refuseMoves();
            if (_next(12) == 0) _give();
            bool isLeft = core.between(address(venue)) != 0;
            try venue.advance() returns (HyperEvmLegs.Leg, uint256) {
                ++legs;
                isBehind = isLeft;
                _assertWhole();
            } catch {}
            if (_next(6) == 0) _give();
            if (_next(5) == 0) _withdraw();
            _pass(1 + _next(100));
            _assertWhole();
        }
        if (_next(10) == 0) _pass(LATE);
        core.setBridgeDry(false);
        core.setHolding(false);
        _assertWhole();
    }

    function _refuseMoves() private {
        core.setRefusing(7, _next(5) == 0);
        core.setRefusing(13, _next(5) == 0);
    }

    /// @dev A stranger sends dollars, here or on HyperCore.
    function _give() private {
        uint256 assets = 1 + _next(100e6);
        if (_next(2) == 0) token.mint(address(venue), assets);
        else core.give(address(venue), uint64(assets * 100));
        isBehind = isBehind || venue.onItsWay().leg != HyperEvmLegs.Leg.None;
        hasGift = true;
    }

    function _withdraw() private {
        uint256 assets = _next(1 + venue.freeCollateral());
        vm.prank(address(vault));
        venue.withdrawMargin(assets);
        vm.prank(address(vault));
        token.approve(address(venue), assets);
        if (_next(2) == 0) return;
        vm.prank(address(vault));
        venue.depositMargin(assets);
    }

    function _move() private {
        price = 1800e18 + _next(40_000) * 0.01e18;
        _setPrice(price);
        (,, int64 lots,,) = core.users(address(venue));
        core.fund(address(venue), (lots > 0 ? int64(-1) : int64(1)) * int64(uint64(_next(50e6))));
        (int256 held, int256 equity) = (venue.size(), market.accountOf(address(venue)).equity);
        uint256 notional = uint256(held > 0 ? held : -held) * price / 1e18;
        if (held != 0 && equity < int256(market.maintenanceMargin(notional))) {
            core.liquidate(address(venue), equity < int256(market.maintenanceMargin(notional) * 2 / 3));
            ++liquidations;
        }
        _assertWhole();
    }

    /// @dev From the double's own records. Late margin is counted low, and so is what a gift stood in for.
    function _assertWhole() private {
        (, uint64 spot, int64 lots,, int64 rawUsd) = core.users(address(venue));
        int256 total = rawUsd + lots * int64(uint64(price / 1e16));
        total += int256(token.balanceOf(address(venue)) + core.between(address(venue)));
        total = total * 1e12 + int256(uint256(spot)) * 1e10;
        IPerpVenue.Account memory a = venue.account();
        assertEq(a.size, int256(lots) * 1e14);
        HyperEvmLegs.Way memory way = venue.onItsWay();
        bool isLate = core.between(address(venue)) != 0 && block.timestamp >= way.sentAt + LATE;
        if (isLate) ++lateLegs;
        if (core.between(address(venue)) == 0 && venue.late() == 0) hasGift = false;
        if (core.between(address(venue)) == 0 && way.leg == HyperEvmLegs.Leg.None) isBehind = false;
        // What is late is never left out of the higher end.
        if (!hasGift) assertGe(a.equity + int256(venue.late() * 1e12) + 1e12, total);
        if (isLate || isBehind) assertLe(a.equity, total);
        else assertApproxEqAbs(a.equity, total, 1e12); // a part of a unit that spot can hold
    }
}
