// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IHedgeVault} from "../../../contracts/interfaces/IHedgeVault.sol";
import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {IVenueRegistry} from "../../../contracts/interfaces/IVenueRegistry.sol";
import {Leg, Measurement} from "../../../contracts/types/Rebalance.sol";
import {RedemptionQueue} from "../../../contracts/vault/RedemptionQueue.sol";
import {OrderFixture} from "../support/OrderFixture.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";

/// @notice HEDGE-117, HEDGE-138, HEDGE-141 .. HEDGE-144: what shares cost while an order is open, and who may use the moment.
contract OrderValueTest is OrderFixture {
    address private member = makeAddr("member");

    // HEDGE-117
    function test_nav_holdsTheOrderOnBothSides() external {
        _order();
        (uint256 low, uint256 high) = vault.navBounds();
        assertEq(low, _units(200_000) - _units(1000) - 100.5e6);
        assertEq(high, _units(201_000));
    }

    // HEDGE-117, HEDGE-144
    function test_depositAndExitAroundAFill_gainNothing(uint256 price, uint256 feeBps, bool isSettledByThem) external {
        price = 1990e18 + price % 20e18; // inside the range of the feed, up to the limit
        bytes32 orderId = _order();
        uint256 shares = _deposit(member, _units(50_000));
        venue.setExecution(price, feeBps % 11, false);
        if (isSettledByThem) {
            vm.prank(member);
            venue.settle(orderId, "");
        } else {
            venue.fillOrder(orderId, 50e18, price, 0);
        }
        vm.prank(member);
        assertLe(vault.redeem(shares, member, member), _units(50_000));
    }

    // HEDGE-117, HEDGE-144
    function test_depositAndExitAroundACancellation_gainNothing() external {
        bytes32 orderId = _order();
        uint256 shares = _deposit(member, _units(50_000));
        vm.warp(START + LIFE);
        _publish(PRICE);
        vm.startPrank(member);
        venue.cancel(orderId);
        assertLe(vault.redeem(shares, member, member), _units(50_000));
        vm.stopPrank();
    }

    // HEDGE-117, HEDGE-144
    function test_exitWhileAnOrderWaits_takesNothingFromThoseWhoStay() external {
        _deposit(depositor, _units(200_000));
        uint256 shares = _deposit(member, _units(50_000));
        _pass(1 hours);
        bytes32 orderId = _request(venue, int256(_units(50_000)), 50e18);
        vm.prank(member);
        vault.redeem(shares, member, member);
        venue.fillOrder(orderId, 50e18, LIMIT, MAX_FEE); // as bad as it could
        uint256 staying = vault.previewRedeem(vault.balanceOf(depositor));
        assertGe(staying, _units(200_000) - _units(1000) - 101e6); // 1,000 and the fee, all of it theirs alone
    }

    // HEDGE-138
    function test_settlingInsideARebalance_isRefused() external {
        ScriptedVenue second = _laterVenue();
        second.setLater(false, 0);
        bytes32 orderId = _order();
        _pass(SECONDS_OF_COOLDOWN);
        // A fill that brings 1,000 would hide as much taken elsewhere in the same rebalance.
        venue.setExecution(1980e18, 0, false);
        bytes[3] memory calls = [
            abi.encodeCall(venue.settle, (orderId, "")),
            abi.encodeCall(venue.reconcile, (orderId)),
            abi.encodeCall(venue.cancel, (orderId))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            second.setCall(address(venue), calls[i]);
            _sendMargin(second, int256(_units(1)));
            assertFalse(second.lastCallSucceeded());
            assertEq(second.lastAnswer(), abi.encodeWithSelector(IPerpVenue.VaultEntered.selector));
        }
    }

    // HEDGE-138
    function test_venueThatCallsOutWhileItExecutes_leavesNobodyAPrice() external {
        bytes32 orderId = _order();
        venue.setCall(address(vault), abi.encodeCall(vault.depositBlock, ()));
        venue.settle(orderId, "");
        assertEq(
            abi.decode(venue.lastAnswer(), (uint256)),
            uint256(IHedgeVault.DepositBlock.VenueSilent),
            "a price in between"
        );
        assertEq(uint256(vault.depositBlock()), uint256(IHedgeVault.DepositBlock.None));
        assertEq(guard.track().size, 50e18); // and the sample was taken after it
    }

    // HEDGE-138
    function test_settlingFromInsideASettlement_isRefused() external {
        bytes32 orderId = _order();
        _pass(LIFE); // from here on even the venue may cancel
        bytes[3] memory calls = [
            abi.encodeCall(venue.settle, (orderId, "")),
            abi.encodeCall(venue.reconcile, (orderId)),
            abi.encodeCall(venue.cancel, (orderId))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            uint256 snapshot = vm.snapshotState();
            venue.setCall(address(venue), calls[i]);
            venue.settle(orderId, "");
            assertFalse(venue.lastCallSucceeded());
            assertEq(
                venue.lastAnswer(),
                abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector)
            );
            vm.revertToState(snapshot);
        }
    }

    // HEDGE-141
    function test_unwind_thatWouldLeaveAnOrder_isRefused() external {
        _filledOrder();
        _emptyIdle();
        uint256 shares = vault.balanceOf(depositor) / 10;
        vm.prank(depositor);
        vm.expectRevert(
            abi.encodeWithSelector(IHedgeVault.OrderNotFilled.selector, address(venue), IPerpVenue.OrderStatus.Pending)
        );
        vault.redeemWithUnwind(shares, 0, depositor, depositor, _leg(0, -1e18));
    }

    // HEDGE-141
    function test_unwind_closesNothingWhereAnOrderIsOpen_butBringsMarginHome() external {
        _filledOrder();
        _pass(SECONDS_OF_COOLDOWN);
        source.set(-1e18, 1e18);
        _request(venue, 0, -50e18);
        venue.setLater(false, 0); // a venue that would fill at once beside it
        uint256 shares = vault.balanceOf(depositor) / 10;
        vm.startPrank(depositor);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.TradeNotAllowed.selector, 0));
        vault.redeemWithUnwind(shares, 0, depositor, depositor, _leg(0, -1e18));
        uint256 paid = vault.redeemWithUnwind(shares, 0, depositor, depositor, _leg(-int256(_units(10_000)), 0));
        vm.stopPrank();
        assertEq(token.balanceOf(depositor), paid);
        assertApproxEqAbs(paid, _units(20_000), _units(200)); // a tenth, with the order at its worst
    }

    // HEDGE-048, HEDGE-117
    function test_queue_isServedAtThePriceThatHoldsTheOrder() external {
        RedemptionQueue queue = new RedemptionQueue(vault, 1000);
        _govern(address(vault), abi.encodeCall(vault.setRedemptionQueue, (address(queue))));
        _publish(PRICE);
        _order();
        uint256 shares = vault.balanceOf(depositor) / 2;
        vm.startPrank(depositor);
        vault.approve(address(queue), shares);
        queue.request(shares);
        vm.stopPrank();
        (, uint256 paid) = queue.serve();
        (uint256 low,) = (_units(200_000) - _units(1000) - 100.5e6, 0);
        assertApproxEqAbs(paid, low / 2, 1);
    }

    // HEDGE-142
    function test_silentVenue_mayHoldWhatItsOrderAskedFor() external {
        _order();
        venue.setHalted(true);
        Measurement memory m = vault.measure();
        assertTrue(m.venues[0].isSilent);
        assertEq(m.venues[0].sizeLow, 0);
        assertEq(m.venues[0].sizeHigh, 50e18);
        assertEq(m.venues[0].notional, 100_000e18);
    }

    // HEDGE-142
    function test_silentVenue_mayHoldNoMoreThanItDidAfterTheOrderIsDone() external {
        _filledOrder();
        _pass(SECONDS_OF_COOLDOWN);
        _sendMargin(venue, int256(_units(1000)));
        IVenueRegistry.VenueState memory state = registry.venueState(venue);
        assertFalse(state.hadOrder);
        assertEq(state.lastSize, 50e18);
        assertEq(state.lastPending, 0);
        venue.setHalted(true);
        assertEq(vault.measure().venues[0].sizeHigh, 50e18);
        assertEq(vault.measure().venues[0].sizeLow, 0);
    }

    // HEDGE-142
    function test_silentVenue_afterASaleMayBeOnEitherSide() external {
        _filledOrder();
        _pass(SECONDS_OF_COOLDOWN);
        source.set(10e18, 10e18);
        _request(venue, 0, -60e18); // from 50 long to 10 short
        venue.setHalted(true);
        Measurement memory m = vault.measure();
        assertEq(m.venues[0].sizeLow, -10e18);
        assertEq(m.venues[0].sizeHigh, 50e18);
    }

    // HEDGE-143
    function test_removal_waitsForAnOpenOrder() external {
        _order();
        _governExpecting(
            address(registry),
            abi.encodeCall(registry.removeVenue, (venue)),
            abi.encodeWithSelector(IVenueRegistry.VenueNotEmpty.selector, address(venue), int256(50e18), 50_000e18)
        );
    }

    // HEDGE-137, HEDGE-143
    function test_forcedRemoval_leavesAnOrderThatCanStillBeCancelledAndItsMarginToCome() external {
        bytes32 orderId = _order();
        venue.setMarginError(1); // it does not pay while the order is open
        _forceRemove(venue);
        venue.setMarginError(0);
        assertEq(vault.totalAssets(), _units(150_000));
        vm.prank(keeper);
        venue.cancel(orderId);
        vault.recoverMargin(venue);
        assertEq(vault.totalAssets(), _units(200_000));
    }

    // HEDGE-143
    function test_forcedRemoval_ofAnOrderThatFillsLate_isNotTakenBack() external {
        bytes32 orderId = _order();
        venue.setMarginError(1);
        _forceRemove(venue);
        venue.fillOrder(orderId, 50e18, PRICE, 0);
        assertEq(uint256(venue.reconcile(orderId)), uint256(IPerpVenue.OrderStatus.Filled));
        assertEq(vault.measureHedge().venues.length, 0); // nothing of it counts
        // Nor does it come back under the same name.
        (bool isDone,) = address(registry).call(abi.encodeCall(registry.addVenue, (venue)));
        assertFalse(isDone);
        _governExpecting(
            address(registry),
            abi.encodeCall(registry.addVenue, (venue)),
            abi.encodeWithSelector(IVenueRegistry.VenueNotEmpty.selector, address(venue), int256(50e18), 50_000e18)
        );
    }

    // HEDGE-143
    function test_registration_ofAVenueWithAnOpenOrder_isRefused() external {
        ScriptedVenue other = new ScriptedVenue(address(vault), address(token), PRICE);
        other.setPending(0, 1e18);
        _governExpecting(
            address(registry),
            abi.encodeCall(registry.addVenue, (other)),
            abi.encodeWithSelector(IVenueRegistry.VenueNotEmpty.selector, address(other), int256(1e18), int256(0))
        );
    }

    function _sendMargin(ScriptedVenue to, int256 assets) private {
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(address(to), assets, 0, 0);
        _rebalance(legs);
    }
}
