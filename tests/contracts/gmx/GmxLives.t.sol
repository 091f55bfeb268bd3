// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {GmxV2Keys} from "../../../contracts/venues/gmx/GmxV2Keys.sol";
import {IGmxReader} from "../../../contracts/venues/gmx/IGmxV2.sol";
import {GmxMath} from "../support/gmx/GmxMath.sol";
import {GmxStage} from "../support/gmx/GmxStage.sol";

/// @notice Lives of orders, one after the other, by a seed: 250 of them, or as many as EVENKEEL_ORDERS says.
/// @dev HEDGE-577: after every step the adapter's equity is what the doubles hold for it, and no order is lost or counted twice,
///      and no order comes to more than the vault was told while it was open.
contract GmxLivesTest is GmxStage {
    uint256 private seed = 0x6576656e6b65656c;
    uint256 private price = PRICE;
    uint256 private liquidations;
    uint256 private deleveragings;
    uint256 private worst; // largest size, of either sign, that the open order was measured with

    function setUp() external {
        _raise();
        vm.deal(address(venue), 100 ether);
        token.mint(address(vault), 1e15);
        vm.prank(address(vault));
        token.approve(address(venue), type(uint256).max);
        _topUp();
        vm.txGasPrice(0.05 gwei);
        token.mint(address(pool), 1e18);
    }

    function _next(uint256 below) private returns (uint256) {
        seed = uint256(keccak256(abi.encode(seed)));
        return seed % below;
    }

    function test_lives_everyDollarAndEveryOrderIsAccountedFor() external {
        uint256 count = vm.envOr("EVENKEEL_ORDERS", uint256(250));
        vm.pauseGasMetering();
        uint256[4] memory ends;
        for (uint256 i = 0; i < count; ++i) {
            ends[this.live()] += 1; // a call of its own: memory is never given back
        }
        assertEq(ends[0] + ends[1] + ends[2] + ends[3], count);
        assertGt(ends[0], count / 4);
        assertGt(liquidations, count / 300, "liquidated");
        assertGt(deleveragings, count / 300, "deleveraged");
    }

    /// @dev What liquidations have taken does not come back.
    function _topUp() private {
        if (token.balanceOf(address(venue)) > 500_000e6) return;
        vm.prank(address(vault));
        venue.depositMargin(1_000_000e6);
    }

    function live() external returns (uint256 end) {
        _topUp();
        handler.setDeaf(_next(2) == 0);
        handler.setSwapFails(_next(8) == 0);
        end = _live();
        _assertWhole();
        _move();
        _assertWhole();
    }

    /// @dev Asks, lets something happen, and returns how it ended: filled, cancelled on price, cancelled by anyone, neither.
    function _live() private returns (uint256) {
        int256 sizeDelta = int256(1 + _next(20e18)) * (_next(2) == 0 ? int256(1) : int256(-1));
        int256 held = venue.size();
        if (held > 60e18 || held < -60e18 || _next(5) == 0) sizeDelta = held == 0 ? sizeDelta : -held;
        uint256 limit = sizeDelta > 0 ? price * 102 / 100 : price * 98 / 100;
        vm.prank(address(vault));
        bytes32 orderId = venue.execute(sizeDelta, limit).orderId;
        _assertWhole();
        uint256 way = _next(4);
        vm.warp(vm.getBlockTimestamp() + 1 + _next(200));
        _allow(orderId);
        if (way == 3 && venue.size() > 1e18) {
            if (_try(abi.encodeCall(handler.deleverage, (address(venue), true, 100e30, price / 1e6)))) ++deleveragings;
            _allow(orderId);
        }
        if (way < 2) {
            _fill(price * (985 + _next(30)) / 1000);
        } else {
            vm.warp(vm.getBlockTimestamp() + 300);
            venue.cancel(orderId);
        }
        _assertWhole();
        if (_next(3) == 0) venue.reconcile(orderId);
        assertEq(venue.openOrder(), 0);
        int256 now_ = venue.size();
        assertLe(uint256(now_ > 0 ? now_ : -now_), worst, "W");
        IPerpVenue.OrderStatus status = venue.order(orderId).status;
        if (status == IPerpVenue.OrderStatus.Filled) return 0;
        return way < 2 ? 1 : way == 2 ? 2 : 3;
    }

    /// @dev What the vault counts with while the order is open, and what a purchase below the price asked for is larger by.
    function _allow(bytes32 orderId) private {
        IPerpVenue.Account memory a = venue.account();
        (int256 low, int256 high) = (a.size + a.pendingNegative, a.size + a.pendingPositive);
        worst = uint256(-low > high ? -low : high);
        int256 asked = venue.order(orderId).sizeDelta;
        if (asked > 0) worst += uint256(asked) * 16 / 1000; // filled at 98.5 % at the least
    }

    function _move() private {
        // Half of a position's notional is its margin: now and then a move takes all of that.
        price = _next(8) == 0 ? 900e18 + _next(2700e18) : 1800e18 + _next(400e18);
        price -= price % 1e10;
        _setPrice(price);
        if (_next(4) == 0) {
            uint256 factor = store.getUint(GmxMath.key(GmxMath.BORROWING, MARKET, true));
            store.setUint(GmxMath.key(GmxMath.BORROWING, MARKET, true), factor + _next(1e25));
        }
        if (_next(6) == 0) venue.unwrap();
        for (uint256 side = 0; side < 2; ++side) {
            bool isGone = _try(abi.encodeCall(handler.liquidate, (address(venue), side == 0, price / 1e6)));
            if (isGone) ++liquidations;
        }
    }

    /// @dev GMX refuses what its rules do not allow at the moment.
    function _try(bytes memory request) private returns (bool isDone) {
        (isDone,) = address(handler).call(request);
    }

    /// @dev From the doubles' own records.
    function _assertWhole() private view {
        (bytes32 closeKey, bytes32 openKey) = venue.orderKeys();
        uint256 wei_ = address(venue).balance + wnt.balanceOf(address(venue));
        uint256 cash = token.balanceOf(address(venue));
        if (gmx.isListed(closeKey)) wei_ += handler.orderOf(closeKey).params.numbers.executionFee;
        if (gmx.isListed(openKey)) wei_ += handler.orderOf(openKey).params.numbers.executionFee;
        if (gmx.isListed(openKey)) cash += handler.orderOf(openKey).margin;
        int256 expected = int256(cash * 1e12) + int256(wei_ * price / 1e18);
        int256 size;
        for (uint256 side = 0; side < 2; ++side) {
            bool isLong = side == 0;
            bytes32 key = GmxV2Keys.position(address(venue), MARKET, address(token), isLong);
            IGmxReader.PositionNumbers memory n = GmxMath.numbersOf(store, key);
            (uint256 borrowing,) = GmxMath.fees(store, MARKET, address(token), isLong, n, 1e24);
            expected += int256(n.collateralAmount * 1e12) - int256(borrowing * 1e12);
            expected += GmxMath.profitOf(n, price / 1e6, isLong) / 1e12;
            size += isLong ? int256(n.sizeInTokens) : -int256(n.sizeInTokens);
        }
        IPerpVenue.Account memory a = venue.account();
        assertEq(a.size, size);
        assertApproxEqAbs(a.equity, expected, 4);
        assertEq(venue.openOrder() != 0, gmx.isListed(closeKey) || gmx.isListed(openKey));
    }
}
