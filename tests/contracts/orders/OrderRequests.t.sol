// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IHedgeVault} from "../../../contracts/interfaces/IHedgeVault.sol";
import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {IRebalanceGuard} from "../../../contracts/interfaces/IRebalanceGuard.sol";
import {Bounds, Budget, Fill, Leg, Measurement} from "../../../contracts/types/Rebalance.sol";
import {OrderFixture} from "../support/OrderFixture.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";

/// @notice HEDGE-131 .. HEDGE-135: what a rebalance may ask for that fills later, and what it is judged by.
contract OrderRequestsTest is OrderFixture {
    // HEDGE-131
    function test_rebalance_leavesAnOrderThatCountsAtItsWorst() external {
        bytes32 orderId = _order();
        IPerpVenue.Order memory kept = venue.order(orderId);
        assertEq(uint256(kept.status), uint256(IPerpVenue.OrderStatus.Pending));
        assertEq(kept.sizeDelta, 50e18);
        assertEq(kept.limitPrice, LIMIT);
        assertEq(kept.maxFee, MAX_FEE);
        assertEq(kept.expiresAt, START + LIFE);
        Measurement memory m = vault.measure();
        assertEq(m.venues[0].sizeLow, 0);
        assertEq(m.venues[0].sizeHigh, 50e18);
        assertEq(m.venues[0].notional, 100_000e18);
        assertEq(m.nav, 200_000e18);
        // Bought at 2,010 and worth 1,990, with the fee; or bought at 1,990 and worth 2,010.
        assertEq(m.venues[0].equityLow, 50_000e18 - 1000e18 - int256(MAX_FEE));
        assertEq(m.venues[0].equityHigh, 51_000e18);
    }

    // HEDGE-131, HEDGE-135
    function test_rebalance_usesBudgetsAtTheWorstWhenItAsks() external {
        _order();
        Budget memory budget = guard.totalBudget();
        assertEq(budget.turnoverUsed, 100_500e18); // 50 at the limit
        // 500 of slippage at the limit, 500 that the price may lag, and the fee, of 200,000.
        assertEq(budget.lossUsed, 0.0055025e18);
        assertEq(budget.lastTradeAt, START);
    }

    // HEDGE-131
    function test_budgets_areNotGivenBackForWhatNeverFills() external {
        bytes32 orderId = _order();
        vm.prank(keeper);
        venue.cancel(orderId);
        assertEq(guard.totalBudget().turnoverUsed, 100_500e18);
        assertEq(guard.totalBudget().lossUsed, 0.0055025e18);
        _pass(SECONDS_OF_COOLDOWN);
        _request(venue, 0, 50e18); // the same once more, and it is charged once more
        assertEq(guard.totalBudget().turnoverUsed, 201_000e18 - SECONDS_OF_COOLDOWN * 1e18);
    }

    // HEDGE-131
    function test_budgets_areNotUsedASecondTimeWhenItFills() external {
        bytes32 orderId = _order();
        venue.setExecution(LIMIT, 10, false);
        venue.settle(orderId, "");
        assertEq(venue.size(), 50e18);
        assertEq(guard.totalBudget().turnoverUsed, 100_500e18);
        assertEq(guard.totalBudget().lossUsed, 0.0055025e18);
    }

    // HEDGE-131
    function test_sale_countsItsNotionalAtThePriceAboveItsFloor() external {
        _deposit(depositor, _units(200_000));
        source.set(48e18, 52e18);
        _request(venue, int256(_units(50_000)), -50e18);
        assertEq(guard.totalBudget().turnoverUsed, 100_000e18);
    }

    // HEDGE-131
    function test_rebalance_emitsThatNothingIsFilledYet() external {
        _deposit(depositor, _units(200_000));
        vm.expectEmit(address(vault));
        emit IHedgeVault.LegExecuted(bytes32(uint256(1)), address(venue), 50e18, 0, 0, 0, int256(_units(50_000)));
        vm.expectEmit(address(vault));
        // W once it has filled, and NAV as it is.
        emit IHedgeVault.Rebalanced(bytes32(uint256(1)), keeper, PRICE, 52e18, 2e18, 200_000e18, 200_000e18);
        _request(venue, int256(_units(50_000)), 50e18);
    }

    // HEDGE-131
    function test_rebalance_showsTheGuardTheOrderAtItsLimit() external {
        _deposit(depositor, _units(200_000));
        Leg[] memory legs = _leg(int256(_units(50_000)), 50e18);
        legs[0].limitPrice = 2004e18; // the keeper is tighter
        Fill[] memory fills = new Fill[](1);
        fills[0] = Fill(0, 50e18, 2004e18, 100.2e18, true);
        Measurement memory beforeTrade = vault.measure();
        uint256 snapshot = vm.snapshotState();
        _rebalance(legs);
        Measurement memory afterTrade = vault.measure();
        vm.revertToState(snapshot);
        vm.expectCall(address(guard), abi.encodeCall(guard.check, (keeper, beforeTrade, fills, afterTrade)), 1);
        _rebalance(legs);
    }

    // HEDGE-131
    function test_rebalance_revertsIfTheOrderBreaksABoundOfATrade() external {
        _deposit(depositor, _units(200_000));
        _expectRefusal(61e18, abi.encodeWithSelector(IRebalanceGuard.SizeDeltaExceeded.selector, 61e18, uint256(60e18)));
        venue.setLater(true, 21);
        _expectRefusal(50e18, abi.encodeWithSelector(IRebalanceGuard.FeeExceeded.selector, 211.05e18, uint256(201e18)));
        venue.setLater(true, 10);
        Bounds memory b = _bounds();
        (b.maxNotional, b.minNotional) = (100_499e18, 0); // enough at 2,000, not at the limit
        _setBounds(b);
        _publish(PRICE);
        _expectRefusal(
            50e18, abi.encodeWithSelector(IRebalanceGuard.NotionalExceeded.selector, 100_500e18, uint256(100_499e18))
        );
    }

    // HEDGE-132
    function test_order_hasToImproveTheWorstCaseOnceItIsFilled() external {
        _deposit(depositor, _units(200_000));
        source.set(-20e18, -20e18);
        // Too little by a wei, and beyond the book by as much: W 20 to 19 and a wei.
        _expectRefusal(1e18 - 1, abi.encodeWithSelector(IRebalanceGuard.NetDeltaExceeded.selector, 19e18 + 1, 19e18));
        _expectRefusal(39e18 + 1, abi.encodeWithSelector(IRebalanceGuard.NetDeltaExceeded.selector, 19e18 + 1, 19e18));
        _request(venue, int256(_units(50_000)), 39e18);
    }

    // HEDGE-132
    function test_order_mayNotEnlargeTheWorstCaseWhileItWaits() external {
        ScriptedVenue second = _laterVenue();
        _deposit(depositor, _units(200_000));
        // 50 bought here and 20 sold there are fine together; sold alone they are not: W 72.
        Leg[] memory legs = new Leg[](2);
        legs[0] = Leg(address(venue), int256(_units(50_000)), 50e18, 0);
        legs[1] = Leg(address(second), int256(_units(20_000)), -1e18, 0);
        _rebalanceExpecting(legs, abi.encodeWithSelector(IRebalanceGuard.NetDeltaExceeded.selector, 53e18, 52e18));
    }

    // HEDGE-132
    function test_order_countsWithTheOnesThatWaitElsewhere() external {
        ScriptedVenue second = _laterVenue();
        _deposit(depositor, _units(200_000));
        _request(venue, int256(_units(50_000)), 50e18);
        // All filled W would be 52 again: the keeper that forgot the first order is refused.
        _pass(SECONDS_OF_COOLDOWN);
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(address(second), int256(_units(50_000)), 50e18, 0);
        _rebalanceExpecting(legs, abi.encodeWithSelector(IRebalanceGuard.NetDeltaExceeded.selector, 52e18, 51e18));
    }

    // HEDGE-132
    function test_order_insideTheBandMaySwing() external {
        _deposit(depositor, _units(200_000));
        source.set(-1e18, 1e18);
        _request(venue, int256(_units(10_000)), 2e18); // W 1 to 3
        (, int256 positive) = venue.pending();
        assertEq(positive, 2e18);
    }

    // HEDGE-133
    function test_rebalance_revertsIfAnOrderIsOpenThere() external {
        bytes32 orderId = _order();
        _pass(SECONDS_OF_COOLDOWN);
        _expectRefusal(10e18, abi.encodeWithSelector(IPerpVenue.OrderStillOpen.selector, orderId));
        // A venue that would take a second one is refused by the guard.
        venue.setLater(false, 0);
        venue.setFill(0, IPerpVenue.OrderStatus.Pending);
        _expectRefusal(10e18, abi.encodeWithSelector(IRebalanceGuard.OrderBesideOrder.selector, 0));
    }

    // HEDGE-133
    function test_rebalance_revertsIfAnOrderStandsBesideATrade() external {
        _deposit(depositor, _units(200_000));
        Leg[] memory legs = new Leg[](2);
        legs[0] = Leg(address(venue), int256(_units(50_000)), 25e18, 0);
        legs[1] = Leg(address(venue), 0, 25e18, 0);
        _rebalanceExpecting(legs, abi.encodeWithSelector(IPerpVenue.OrderStillOpen.selector, _nextOrder()));
        venue.setLater(false, 0);
        venue.setFill(0, IPerpVenue.OrderStatus.Pending);
        venue.setPending(0, 50e18);
        _rebalanceExpecting(legs, abi.encodeWithSelector(IRebalanceGuard.OrderBesideOrder.selector, 0));
    }

    // HEDGE-111, HEDGE-133
    function test_rebalance_revertsIfTheMeasurementDoesNotShowTheOrder() external {
        _deposit(depositor, _units(200_000));
        venue.setLater(false, 0);
        venue.setFill(0, IPerpVenue.OrderStatus.Pending); // it says so, and its account knows of nothing
        _expectRefusal(50e18, abi.encodeWithSelector(IRebalanceGuard.OrderNotCounted.selector, 0, 0, 0));
        venue.setFill(10_000, IPerpVenue.OrderStatus.Pending); // nor of a fill instead
        _expectRefusal(50e18, abi.encodeWithSelector(IRebalanceGuard.OrderNotCounted.selector, 0, 50e18, 50e18));
    }

    // HEDGE-111
    function test_rebalance_revertsIfTheVenueNeitherFillsNorTakesAnOrder() external {
        _deposit(depositor, _units(200_000));
        venue.setLater(false, 0);
        for (uint256 i = 0; i <= uint256(type(IPerpVenue.OrderStatus).max); ++i) {
            IPerpVenue.OrderStatus status = IPerpVenue.OrderStatus(i);
            if (status == IPerpVenue.OrderStatus.Filled || status == IPerpVenue.OrderStatus.Pending) continue;
            venue.setFill(10_000, status);
            _expectRefusal(50e18, abi.encodeWithSelector(IHedgeVault.OrderNotFilled.selector, address(venue), status));
        }
    }

    // HEDGE-134
    function test_order_isJudgedByTheLeverageItWouldLeadTo() external {
        _deposit(depositor, _units(200_000));
        // 100,000 over 25,000 less 1,000 of the worst price and 100.5 of the fee.
        uint256 leverage = Math.ceilDiv(100_000e36, 23_899.5e18);
        _rebalanceExpecting(
            _leg(int256(_units(25_000)), 50e18),
            abi.encodeWithSelector(IRebalanceGuard.VenueLeverageExceeded.selector, 0, leverage, uint256(4e18))
        );
    }

    // HEDGE-134
    function test_order_thatCutsAnOverleveredPositionIsNoBreachWhileItWaits() external {
        _filledOrder();
        _pass(SECONDS_OF_COOLDOWN);
        venue.setCash(venue.cash() - 30_000e18); // 100,000 over some 19,500: 5x
        _request(venue, 0, -5e18);
        assertEq(venue.order(venue.openOrder()).sizeDelta, -5e18);
        bytes32 orderId = venue.openOrder();
        vm.prank(keeper);
        venue.cancel(orderId);
        // Margin that leaves beside it is one, for as long as the cut waits.
        _pass(SECONDS_OF_COOLDOWN);
        uint256 leverage = Math.ceilDiv(100_000e36, uint256(vault.measure().venues[0].equityLow) - 1000e18);
        _rebalanceExpecting(
            _leg(-int256(_units(1000)), -5e18),
            abi.encodeWithSelector(IRebalanceGuard.VenueLeverageExceeded.selector, 0, leverage, uint256(4e18))
        );
    }

    // HEDGE-134
    function test_orders_thatFillAndOthersThatDoNotMayNotAddUpToTooMuch() external {
        ScriptedVenue second = _laterVenue();
        Bounds memory b = _bounds();
        b.maxLeverage = 1.02e18;
        _setBounds(b);
        _publish(PRICE);
        _deposit(depositor, _units(100_000));
        source.set(-50e18, -50e18);
        bytes32 orderId = _request(venue, int256(_units(40_000)), 50e18);
        venue.fillOrder(orderId, 50e18, PRICE, 0);
        _pass(SECONDS_OF_COOLDOWN);
        // 2 closed here and 2 opened there: 100,000 as before, but 104,000 where only the second fills.
        Leg[] memory legs = new Leg[](2);
        legs[0] = Leg(address(venue), 0, -2e18, 0);
        legs[1] = Leg(address(second), int256(_units(30_000)), 2e18, 0);
        uint256 cost = 2e18 * 10 + 3.98e18 + 2e18 * 10 + 4.02e18; // at 1,990 and at 2,010, with fees
        uint256 leverage = Math.ceilDiv(104_000e36, 100_000e18 - cost);
        _rebalanceExpecting(
            legs, abi.encodeWithSelector(IRebalanceGuard.LeverageExceeded.selector, leverage, uint256(1.02e18))
        );
    }

    // HEDGE-135
    function test_order_isChargedAtItsLimitAndFeeAgainstTheLossBounds() external {
        _deposit(depositor, _units(200_000));
        Bounds memory b = _bounds();
        b.maxNavLossBps = 30; // 600, half a dollar less than 50 at the limit and the fee
        _setBounds(b);
        _publish(PRICE);
        Leg[] memory legs = _leg(int256(_units(50_000)), 50e18);
        _rebalanceExpecting(
            legs, abi.encodeWithSelector(IRebalanceGuard.NavLossExceeded.selector, 600.5e18, uint256(600e18))
        );
        legs[0].limitPrice = 2001e18; // a tighter limit risks less
        _rebalance(legs);
        assertEq(guard.totalBudget().lossUsed, (50e18 + 500e18 + 100.05e18) / 200_000);
    }

    // HEDGE-135
    function test_ordersAskedForAndCancelledUseUpTheLossBudget() external {
        bytes32 orderId = _order();
        uint256 count = 1;
        for (;; ++count) {
            vm.prank(keeper);
            venue.cancel(orderId);
            vm.roll(vm.getBlockNumber() + 1); // no cooldown: 52 is urgent
            Leg[] memory legs = _leg(0, 50e18);
            legs[0].limitPrice = 2000e18;
            vm.prank(keeper);
            (bool isAccepted, bytes memory reason) =
                address(vault).call(abi.encodeCall(vault.rebalance, (_nextIntent(), legs)));
            if (!isAccepted) {
                assertEq(bytes4(reason), IRebalanceGuard.TurnoverExceeded.selector);
                break;
            }
            orderId = venue.openOrder();
        }
        assertEq(count, 3); // 400,000 of turnover, 100,500 and then 100,000 each
    }

    /// @dev Id that the venue gives its next order.
    function _nextOrder() private view returns (bytes32) {
        return keccak256(abi.encode(address(venue), 1));
    }

    function _expectRefusal(int256 sizeDelta, bytes memory expectedError) private {
        _rebalanceExpecting(_leg(int256(_units(50_000)), sizeDelta), expectedError);
    }
}
