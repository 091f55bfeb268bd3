// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {VenueMeasurement} from "../../../contracts/types/Rebalance.sol";
import {VenueConformance} from "./VenueConformance.sol";

/// @notice What every adapter of a venue that fills later does beside.
abstract contract OrderConformance is VenueConformance {
    address private stranger = makeAddr("stranger");

    // --- the stand ------------------------------------------------------------------------------------------------

    /// @dev The venue fills a part of an order at `price`, and tells nobody.
    function _fillAtVenue(bytes32 orderId, int256 sizeDelta, uint256 price) internal virtual;

    /// @dev The venue ends an order, or freezes it, and tells nobody.
    function _endAtVenue(bytes32 orderId, IPerpVenue.OrderStatus status) internal virtual;

    /// @dev A keeper of the vault.
    function _keeper() internal view virtual returns (address);

    /// @dev Whether the venue fills a part of an order and leaves the rest open.
    function _fillsInParts() internal view virtual returns (bool) {
        return true;
    }

    /// @dev Seconds for which the venue lets nobody cancel, a keeper neither.
    function _heldSeconds() internal view virtual returns (uint256) {
        return 0;
    }

    // --- the life of an order -------------------------------------------------------------------------------------

    function _ask(int256 sizeDelta) private returns (bytes32 orderId) {
        IPerpVenue.Execution memory execution = _execute(sizeDelta);
        assertEq(uint256(execution.status), uint256(IPerpVenue.OrderStatus.Pending));
        assertEq(execution.sizeDelta, 0);
        assertEq(execution.executionPrice, 0);
        orderId = execution.orderId;
        assertEq(_venue().openOrder(), orderId);
        IPerpVenue.Order memory order = _venue().order(orderId);
        assertEq(order.maxFee, execution.fee);
        assertGt(order.expiresAt, vm.getBlockTimestamp());
    }

    function test_order_isPendingAndNothingElse() external {
        _deposit(10_000);
        _ask(2e18);
        VenueMeasurement memory m = _measured();
        assertEq(m.sizeLow, 0);
        assertEq(m.sizeHigh, 2e18);
        assertEq(m.equity, 10_000 * WAD); // margin on its way is there all the same
        assertLt(m.equityLow, m.equity);
    }

    function test_order_keepsWhatWasAskedFor() external {
        _deposit(10_000);
        uint256 mark = _venue().markPrice();
        IPerpVenue.Order memory order = _venue().order(_ask(-2e18));
        assertEq(order.sizeDelta, -2e18);
        assertEq(order.filledSizeDelta, 0);
        assertEq(order.fee, 0);
        assertEq(order.requestedAt, vm.getBlockTimestamp());
        assertGe(order.limitPrice, mark * 98 / 100); // never worse than it was given
        assertLe(order.limitPrice, mark);
        assertLe(_measured().sizeLow, -2e18); // what is set in USD is larger at the limit
        assertEq(_measured().sizeHigh, 0);
    }

    function test_limitAndSize_areNeverWorseThanTheyWereGiven() external {
        _deposit(10_000);
        for (uint256 i = 0; i < 2; ++i) {
            bool isSale = i == 0;
            int256 asked = isSale ? -1.234567891234567891e18 : int256(1.234567891234567891e18);
            uint256 limit = _venue().markPrice() * (isSale ? 981_234_567 : 1_018_765_432) / 1e9 + 7;
            _bringMargin();
            vm.prank(_venue().vault());
            bytes32 orderId = _venue().execute(asked, limit).orderId;
            IPerpVenue.Order memory order = _venue().order(orderId);
            if (isSale) assertGe(order.limitPrice, limit);
            else assertLe(order.limitPrice, limit);
            assertLe(isSale ? -order.sizeDelta : order.sizeDelta, isSale ? -asked : asked);
            _fillAtVenue(orderId, order.sizeDelta, _venue().markPrice());
            assertEq(uint256(_venue().reconcile(orderId)), uint256(IPerpVenue.OrderStatus.Filled));
            assertApproxEqAbs(_venue().size(), isSale ? order.sizeDelta : int256(0), 4);
            assertEq(_venue().openOrder(), 0);
        }
    }

    function test_close_isToldAtItsPrice_whateverIsDepositedMeanwhile() external {
        _deposit(10_000);
        _trade(2e18);
        bytes32 orderId = _ask(-1e18);
        _deposit(1000);
        _fillAtVenue(orderId, -1e18, _venue().markPrice());
        _venue().reconcile(orderId);
        IPerpVenue.Order memory order = _venue().order(orderId);
        assertEq(order.filledSizeDelta, -1e18);
        assertApproxEqRel(order.executionPrice, _venue().markPrice(), 0.005e18);
        assertLe(order.fee, order.maxFee);
    }

    function test_reconcileOfAnOpenOrder_changesNothing() external {
        _deposit(10_000);
        bytes32 orderId = _ask(2e18);
        bytes memory before = abi.encode(_venue().order(orderId), _venue().account());
        vm.prank(stranger);
        assertEq(uint256(_venue().reconcile(orderId)), uint256(IPerpVenue.OrderStatus.Pending));
        assertEq(abi.encode(_venue().order(orderId), _venue().account()), before);
        assertEq(_venue().openOrder(), orderId);
    }

    function test_finalOrder_staysAsItIs() external {
        _deposit(10_000);
        bytes32 orderId = _ask(2e18);
        _fillAtVenue(orderId, 2e18, _venue().markPrice());
        _venue().reconcile(orderId);
        bytes memory before = abi.encode(_venue().order(orderId), _venue().account());
        bytes memory over =
            abi.encodeWithSelector(IPerpVenue.OrderNotOpen.selector, orderId, IPerpVenue.OrderStatus.Filled);
        vm.expectRevert(over);
        _venue().settle(orderId, "");
        vm.expectRevert(over);
        _venue().cancel(orderId);
        assertEq(abi.encode(_venue().order(orderId), _venue().account()), before);
    }

    function test_marginBesideAnOrder_isEquityAtOnce() external {
        _deposit(10_000);
        bytes32 orderId = _ask(2e18);
        _deposit(1000);
        assertEq(_measured().equity, 11_000 * WAD);
        assertEq(_venue().openOrder(), orderId);
        assertEq(_measured().sizeHigh, 2e18);
    }

    function test_secondOrder_isRefusedWhileOneIsOpen() external {
        _deposit(10_000);
        bytes32 orderId = _ask(2e18);
        vm.prank(_venue().vault());
        vm.expectRevert(abi.encodeWithSelector(IPerpVenue.OrderStillOpen.selector, orderId));
        _venue().execute(1e18, type(uint128).max);
    }

    function test_fillThatNobodyTellsOf_isSeenAndReconciledOnce() external {
        _deposit(10_000);
        bytes32 orderId = _ask(2e18);
        _fillAtVenue(orderId, 2e18, _venue().markPrice());
        assertEq(_measured().sizeLow, 2e18);
        assertEq(_measured().sizeHigh, 2e18);
        assertEq(_venue().openOrder(), 0);
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(stranger);
            assertEq(uint256(_venue().reconcile(orderId)), uint256(IPerpVenue.OrderStatus.Filled));
        }
        assertEq(_venue().order(orderId).filledSizeDelta, 2e18);
        assertEq(_measured().sizeHigh, 2e18);
    }

    function test_partFilled_isSizeAndPendingOnce() external {
        _deposit(10_000);
        bytes32 orderId = _ask(-2e18);
        _fillAtVenue(orderId, -0.5e18, _venue().markPrice());
        bool isPart = _fillsInParts();
        assertEq(_measured().sizeHigh, isPart ? -0.5e18 : -2e18);
        assertEq(_measured().sizeLow, -2e18);
        assertEq(_venue().openOrder(), isPart ? orderId : bytes32(0));
    }

    function test_endedOrder_leavesNothingPendingAndMakesRoom() external {
        _deposit(10_000);
        for (uint256 i = 0; i < 2; ++i) {
            bytes32 orderId = _ask(2e18);
            _endAtVenue(orderId, i == 0 ? IPerpVenue.OrderStatus.Cancelled : IPerpVenue.OrderStatus.Expired);
            assertEq(_measured().sizeHigh, 0);
            assertEq(_measured().equityLow, 10_000 * WAD);
        }
    }

    function test_frozenOrder_staysOpen() external {
        _deposit(10_000);
        bytes32 orderId = _ask(2e18);
        _endAtVenue(orderId, IPerpVenue.OrderStatus.Frozen);
        assertEq(_measured().sizeHigh, 2e18);
        assertEq(_venue().openOrder(), orderId);
    }

    function test_cancel_byAKeeperAtOnce_byAnyoneFromTheExpiryOn() external {
        _deposit(10_000);
        bytes32 orderId = _ask(2e18);
        uint256 expiresAt = _venue().order(orderId).expiresAt;
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(IPerpVenue.NotYetCancellable.selector, stranger, vm.getBlockTimestamp(), expiresAt)
        );
        _venue().cancel(orderId);
        uint256 snapshot = vm.snapshotState();
        vm.warp(vm.getBlockTimestamp() + _heldSeconds());
        vm.prank(_keeper());
        _venue().cancel(orderId);
        assertEq(_measured().sizeHigh, 0);
        vm.revertToState(snapshot);
        vm.warp(expiresAt);
        vm.prank(stranger);
        _venue().cancel(orderId);
        assertEq(_venue().openOrder(), 0);
    }

    function test_cancelOfTheRest_keepsWhatIsFilled() external {
        _deposit(10_000);
        bytes32 orderId = _ask(2e18);
        _fillAtVenue(orderId, 0.5e18, _venue().markPrice());
        int256 filled = _fillsInParts() ? int256(0.5e18) : int256(2e18);
        address keeper = _keeper();
        if (_fillsInParts()) {
            vm.warp(vm.getBlockTimestamp() + _heldSeconds());
        } else {
            vm.expectRevert(
                abi.encodeWithSelector(IPerpVenue.OrderNotOpen.selector, orderId, IPerpVenue.OrderStatus.Filled)
            );
        }
        vm.prank(keeper);
        _venue().cancel(orderId);
        assertEq(_measured().sizeLow, filled);
        assertEq(_measured().sizeHigh, filled);
    }

    function test_close_ofAPositionThatIsGone_opensNothing() external {
        _deposit(10_000);
        _trade(2e18);
        bytes32 orderId = _ask(-2e18);
        _liquidate();
        _fillAtVenue(orderId, -2e18, _venue().markPrice());
        assertEq(_venue().size(), 0);
    }

    function test_interval_holdsEveryFillInsideTheTerms(uint256 price, uint256 part, bool isSale) external {
        _deposit(10_000);
        (int256 asked, uint256 mark) = (isSale ? -2 * WAD : 2 * WAD, _venue().markPrice());
        bytes32 orderId = _ask(asked);
        VenueMeasurement memory before = _measured();
        uint256 limit = _venue().order(orderId).limitPrice;
        (uint256 from, uint256 to) = isSale ? (limit, mark * 1005 / 1000) : (mark * 995 / 1000, limit);
        _fillAtVenue(orderId, asked * int256(1 + part % 100) / 100, from + price % (to - from + 1));
        assertGe(_measured().equityLow + 2, before.equityLow);
        assertLe(_measured().equityHigh, before.equityHigh + 2);
    }
}
