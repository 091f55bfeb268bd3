// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {Measurement} from "../../../contracts/types/Rebalance.sol";
import {OrderFixture} from "../support/OrderFixture.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";

/// @notice A venue's vault of fees, which pays back what was too much.
contract EtherReturner {
    constructor() payable {}

    function giveBack() external {
        ScriptedVenue(msg.sender).takeEther{value: address(this).balance}();
    }
}

/// @notice HEDGE-136, HEDGE-137, HEDGE-139, HEDGE-140, HEDGE-145 .. HEDGE-147: an order from its request to its end.
contract OrderLifeTest is OrderFixture {
    // --- what the venue has done is what counts -------------------------------------------------------------------

    // HEDGE-136, HEDGE-139
    function test_fillThatNobodyTellsOf_countsAtOnce() external {
        bytes32 orderId = _filledOrder();
        Measurement memory m = vault.measure();
        assertEq(m.venues[0].sizeLow, 50e18);
        assertEq(m.venues[0].sizeHigh, 50e18); // and no longer as pending
        assertEq(m.venues[0].equityLow, 49_500e18);
        _assertStatus(orderId, IPerpVenue.OrderStatus.Filled);
        assertEq(venue.openOrder(), 0);
    }

    // HEDGE-139
    function test_partFilled_countsOnceAsASizeAndTheRestAsPending() external {
        bytes32 orderId = _order();
        venue.fillOrder(orderId, 20e18, PRICE, 0);
        _assertStatus(orderId, IPerpVenue.OrderStatus.PartlyFilled);
        Measurement memory m = vault.measure();
        assertEq(m.venues[0].sizeLow, 20e18);
        assertEq(m.venues[0].sizeHigh, 50e18);
        assertEq(m.venues[0].notional, 100_000e18);
        // 20 are worth 10 less each, 30 may be bought at 2,010 and be worth 1,990; the whole fee may still come.
        assertEq(m.venues[0].equityLow, 50_000e18 - 200e18 - 600e18 - int256(MAX_FEE));
        (int256 negative, int256 positive) = venue.pending();
        assertEq(negative, 0);
        assertEq(positive, 30e18);
    }

    // HEDGE-139
    function test_restOfAPartFilledOrder_isGoneWithItsCancellation() external {
        bytes32 orderId = _order();
        venue.fillOrder(orderId, 20e18, PRICE, 0);
        vm.prank(keeper);
        venue.cancel(orderId);
        IPerpVenue.Order memory kept = venue.order(orderId);
        assertEq(uint256(kept.status), uint256(IPerpVenue.OrderStatus.Cancelled));
        assertEq(kept.filledSizeDelta, 20e18);
        assertEq(vault.measure().venues[0].sizeHigh, 20e18);
    }

    // HEDGE-136
    function test_frozenOrder_staysOpenAndCounts() external {
        bytes32 orderId = _order();
        venue.moveOrder(orderId, IPerpVenue.OrderStatus.Frozen);
        _pass(10 * LIFE);
        assertEq(venue.openOrder(), orderId);
        assertEq(vault.measure().venues[0].sizeHigh, 50e18);
        venue.moveOrder(orderId, IPerpVenue.OrderStatus.Pending); // taken up again
        venue.settle(orderId, "");
        assertEq(venue.size(), 50e18);
    }

    // HEDGE-136
    function test_orderThatTheVenueEnds_countsNoLonger() external {
        for (uint256 i = 0; i < 2; ++i) {
            uint256 snapshot = vm.snapshotState();
            bytes32 orderId = _order();
            IPerpVenue.OrderStatus end = i == 0 ? IPerpVenue.OrderStatus.Cancelled : IPerpVenue.OrderStatus.Expired;
            venue.moveOrder(orderId, end);
            assertEq(vault.measure().venues[0].sizeHigh, 0);
            assertEq(vault.measure().venues[0].equityLow, 50_000e18);
            assertEq(uint256(venue.reconcile(orderId)), uint256(end));
            vm.revertToState(snapshot);
        }
    }

    // HEDGE-136
    function test_reconcile_byAnyone_tellsEachChangeOnce() external {
        bytes32 orderId = _order();
        venue.fillOrder(orderId, 20e18, 2005e18, 30e18);
        vm.expectEmit(address(venue));
        emit IPerpVenue.OrderUpdated(orderId, IPerpVenue.OrderStatus.PartlyFilled, 20e18, 2005e18, 30e18);
        vm.prank(attacker);
        venue.reconcile(orderId);
        venue.fillOrder(orderId, 30e18, 2000e18, 10e18);
        vm.expectEmit(address(venue));
        emit IPerpVenue.OrderUpdated(orderId, IPerpVenue.OrderStatus.Filled, 50e18, 2002e18, 40e18);
        vm.prank(attacker);
        venue.reconcile(orderId);
        vm.recordLogs();
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(uint256(venue.reconcile(orderId)), uint256(IPerpVenue.OrderStatus.Filled));
        }
        assertEq(vm.getRecordedLogs().length, 0);
    }

    // HEDGE-136
    function test_callback_earlyLateTwiceOrForged_changesNothing() external {
        bytes32 orderId = _order();
        assertTrue(venue.callBack(orderId)); // before anything has happened
        _assertStatus(orderId, IPerpVenue.OrderStatus.Pending);
        assertFalse(venue.callBack(keccak256("forged")));
        venue.fillOrder(orderId, 50e18, PRICE, 0);
        Measurement memory untold = vault.measure();
        assertTrue(venue.callBack(orderId));
        assertTrue(venue.callBack(orderId));
        assertEq(abi.encode(vault.measure()), abi.encode(untold));
    }

    // HEDGE-136
    function test_callbackOfAnOldOrder_leavesTheNewOneAlone() external {
        bytes32 first = _order();
        venue.moveOrder(first, IPerpVenue.OrderStatus.Cancelled);
        _pass(SECONDS_OF_COOLDOWN);
        bytes32 second = _request(venue, 0, 50e18); // nobody has reconciled the first
        assertTrue(venue.callBack(first));
        assertEq(venue.openOrder(), second);
        _assertStatus(first, IPerpVenue.OrderStatus.Cancelled);
        _assertStatus(second, IPerpVenue.OrderStatus.Pending);
    }

    // HEDGE-136
    function test_finalOrder_staysFinalWhateverTheVenueSaysLater() external {
        bytes32 orderId = _order();
        vm.prank(keeper);
        venue.cancel(orderId);
        venue.reopenOrder(orderId);
        venue.fillOrder(orderId, 50e18, PRICE, 0); // a venue that fills what it has cancelled
        _assertStatus(orderId, IPerpVenue.OrderStatus.Cancelled);
        assertEq(vault.measure().venues[0].sizeLow, 50e18); // the position shows it all the same
        vm.expectRevert(
            abi.encodeWithSelector(IPerpVenue.OrderNotOpen.selector, orderId, IPerpVenue.OrderStatus.Cancelled)
        );
        venue.settle(orderId, "");
    }

    // HEDGE-136
    function test_idThatComesTwice_isRefused() external {
        bytes32 orderId = _order();
        vm.prank(keeper);
        venue.cancel(orderId);
        venue.setRepeatsIds(true);
        _pass(SECONDS_OF_COOLDOWN);
        _rebalanceExpecting(_leg(0, 50e18), abi.encodeWithSelector(IPerpVenue.OrderIdUsed.selector, orderId));
    }

    // HEDGE-136
    function test_unknownOrder_isRefused() external {
        bytes memory unknown = abi.encodeWithSelector(IPerpVenue.UnknownOrder.selector, bytes32(0));
        vm.expectRevert(unknown);
        venue.settle(0, "");
        vm.expectRevert(unknown);
        venue.reconcile(0);
        vm.expectRevert(unknown);
        venue.cancel(0);
        assertEq(uint256(venue.order(0).status), uint256(IPerpVenue.OrderStatus.None));
    }

    // --- settling -------------------------------------------------------------------------------------------------

    // HEDGE-136
    function test_settle_byAnyone_executesAndTells() external {
        bytes32 orderId = _order();
        venue.setExecution(2005e18, 10, false);
        vm.prank(attacker);
        IPerpVenue.Execution memory done = venue.settle(orderId, "");
        assertEq(uint256(done.status), uint256(IPerpVenue.OrderStatus.Filled));
        assertEq(done.sizeDelta, 50e18);
        assertEq(done.executionPrice, 2005e18);
        assertEq(done.fee, 100.25e18);
        assertEq(venue.size(), 50e18);
    }

    // HEDGE-136
    function test_settle_beyondTheLimit_isTheVenuesToRefuse() external {
        bytes32 orderId = _order();
        venue.setExecution(LIMIT + 1, 10, false);
        vm.expectRevert(abi.encodeWithSelector(IPerpVenue.LimitPriceViolated.selector, LIMIT + 1, LIMIT));
        venue.settle(orderId, "");
        _assertStatus(orderId, IPerpVenue.OrderStatus.Pending);
    }

    // HEDGE-147
    function test_settle_paysTheVenueFromTheEtherSentAndGivesTheRestBack() external {
        bytes32 orderId = _order();
        venue.setSettleWei(3);
        vm.deal(attacker, 10);
        vm.prank(attacker);
        venue.settle{value: 10}(orderId, "");
        assertEq(attacker.balance, 7);
        assertEq(address(venue).balance, 0);
    }

    // HEDGE-147
    function test_settle_neitherSpendsNorGivesAwayTheAccountsOwnEther() external {
        bytes32 orderId = _order();
        vm.deal(address(this), 50);
        vm.deal(address(venue), 100);
        venue.setSettleWei(3);
        vm.deal(attacker, 10);
        uint256 snapshot = vm.snapshotState();
        vm.prank(attacker);
        vm.expectRevert(); // 2 are too few, and the account's are not touched
        venue.settle{value: 2}(orderId, "");
        vm.prank(attacker);
        venue.settle{value: 10}(orderId, "");
        assertEq(address(venue).balance, 100);
        vm.revertToState(snapshot);
        EtherReturner returner = new EtherReturner{value: 50}(); // what the venue pays back is the account's
        venue.setCall(address(returner), abi.encodeCall(returner.giveBack, ()));
        vm.prank(attacker);
        venue.settle{value: 10}(orderId, "");
        assertEq(attacker.balance, 10); // no more than he sent
        assertEq(address(venue).balance, 147);
    }

    // --- cancelling -----------------------------------------------------------------------------------------------

    // HEDGE-137
    function test_cancel_byKeeperGuardianAndGovernor_atOnce() external {
        address[3] memory callers = [keeper, guardian, governor];
        for (uint256 i = 0; i < callers.length; ++i) {
            uint256 snapshot = vm.snapshotState();
            bytes32 orderId = _order();
            vm.prank(callers[i]);
            venue.cancel(orderId);
            _assertStatus(orderId, IPerpVenue.OrderStatus.Cancelled);
            assertEq(vault.measure().venues[0].sizeHigh, 0);
            vm.revertToState(snapshot);
        }
    }

    // HEDGE-137
    function test_cancel_byAnyoneElse_fromTheExpiryOn() external {
        bytes32 orderId = _order();
        vm.warp(START + LIFE - 1);
        vm.prank(attacker);
        vm.expectRevert(
            abi.encodeWithSelector(IPerpVenue.NotYetCancellable.selector, attacker, START + LIFE - 1, START + LIFE)
        );
        venue.cancel(orderId);
        vm.warp(START + LIFE);
        vm.prank(attacker);
        venue.cancel(orderId);
        _assertStatus(orderId, IPerpVenue.OrderStatus.Cancelled);
    }

    // HEDGE-137
    function test_cancel_byADismissedKeeper_isRefused() external {
        bytes32 orderId = _order();
        vm.prank(guardian);
        access.dismissKeeper(keeper);
        vm.prank(keeper);
        vm.expectRevert(abi.encodeWithSelector(IPerpVenue.NotYetCancellable.selector, keeper, START, START + LIFE));
        venue.cancel(orderId);
    }

    // HEDGE-137
    function test_cancel_inEveryModeAndWithoutAPrice() external {
        bytes32 orderId = _order();
        vm.prank(guardian);
        vault.pause();
        _govern(address(vault), abi.encodeCall(vault.startWindDown, ()));
        vm.prank(guardian);
        registry.closeVenue(venue);
        vm.warp(START + 30 days); // a feed that is long dead
        vm.prank(attacker);
        venue.cancel(orderId);
        _assertStatus(orderId, IPerpVenue.OrderStatus.Cancelled);
    }

    // HEDGE-137
    function test_cancel_thatTheVenueRefuses_leavesTheOrderOpenAndCounted() external {
        bytes32 orderId = _order();
        venue.setRefusals(false, true);
        vm.prank(keeper);
        vm.expectRevert();
        venue.cancel(orderId);
        assertEq(vault.measure().venues[0].sizeHigh, 50e18);
    }

    // HEDGE-137
    function test_cancel_ofWhatIsFilled_isRefusedByTheVenuesState() external {
        bytes32 orderId = _filledOrder(); // nobody was told
        vm.prank(keeper);
        vm.expectRevert(
            abi.encodeWithSelector(IPerpVenue.OrderNotOpen.selector, orderId, IPerpVenue.OrderStatus.Filled)
        );
        venue.cancel(orderId);
    }

    // --- closing --------------------------------------------------------------------------------------------------

    // HEDGE-140
    function test_close_whosePositionIsGone_opensNothing() external {
        _filledOrder();
        _pass(SECONDS_OF_COOLDOWN);
        source.set(-1e18, 1e18);
        bytes32 closing = _request(venue, 0, -50e18);
        venue.setSize(0); // liquidated meanwhile
        venue.settle(closing, "");
        assertEq(venue.size(), 0);
        _assertStatus(closing, IPerpVenue.OrderStatus.Cancelled);
    }

    // HEDGE-140
    function test_close_ofAPositionThatHasShrunk_endsAtNothing() external {
        _filledOrder();
        _pass(SECONDS_OF_COOLDOWN);
        source.set(-1e18, 1e18);
        bytes32 closing = _request(venue, 0, -50e18);
        venue.setSize(30e18);
        venue.settle(closing, "");
        assertEq(venue.size(), 0);
        assertEq(venue.order(closing).filledSizeDelta, -30e18);
        assertEq(venue.openOrder(), 0);
    }

    // HEDGE-140
    function test_orderOfNothing_isAnError() external {
        vm.prank(address(vault));
        vm.expectRevert(IPerpVenue.ZeroSize.selector);
        venue.execute(0, PRICE);
    }

    // HEDGE-132, HEDGE-137
    function test_everyPositionCanBeClosed_againstTheDeltaRuleOnAClosingVenue() external {
        _filledOrder();
        _pass(SECONDS_OF_COOLDOWN);
        vm.prank(guardian);
        registry.closeVenue(venue);
        bytes32 closing = _request(venue, 0, -50e18); // W 2 to 52 once it is filled
        venue.settle(closing, "");
        assertEq(venue.size(), 0);
    }

    // HEDGE-038, HEDGE-137
    function test_windDown_closesByOrdersWithoutAPrice() external {
        _filledOrder();
        _govern(address(vault), abi.encodeCall(vault.startWindDown, ()));
        vm.warp(START + 40 days);
        bytes32 closing = _request(venue, 0, -50e18);
        assertEq(venue.order(closing).limitPrice, 1990e18); // of the venue's own index
        venue.settle(closing, "");
        assertEq(venue.size(), 0);
    }

    // --- what is filled is noted ----------------------------------------------------------------------------------

    // HEDGE-145
    function test_fill_takesASampleOfTheHedgeItLeaves() external {
        bytes32 orderId = _order();
        assertEq(guard.track().size, 25e18); // what waits counts half
        venue.fillOrder(orderId, 50e18, PRICE, 0);
        venue.reconcile(orderId);
        assertEq(guard.track().size, 50e18);
    }

    // HEDGE-145
    function test_fill_isNotedThoughNoSampleCanBeTaken() external {
        bytes32 orderId = _filledOrder();
        vm.mockCallRevert(address(guard), abi.encodeCall(guard.recordResult, ()), "");
        assertEq(uint256(venue.reconcile(orderId)), uint256(IPerpVenue.OrderStatus.Filled));
    }

    // HEDGE-146
    function test_fillBeyondTheTerms_isToldAndCounted() external {
        bytes32 orderId = _order();
        venue.fillOrder(orderId, 50e18, 2100e18, 200e18);
        vm.expectEmit(address(venue));
        emit IPerpVenue.OrderTermsBroken(orderId, 2100e18, LIMIT, 200e18, MAX_FEE);
        venue.reconcile(orderId);
        assertEq(vault.measure().nav, 200_000e18 - 5000e18 - 200e18);
    }

    // HEDGE-146
    function test_saleBelowItsFloor_isToldToo() external {
        _deposit(depositor, _units(200_000));
        source.set(48e18, 52e18);
        bytes32 orderId = _request(venue, int256(_units(50_000)), -50e18);
        venue.fillOrder(orderId, -50e18, 1990e18 - 1, 0);
        vm.expectEmit(address(venue));
        emit IPerpVenue.OrderTermsBroken(orderId, 1990e18 - 1, 1990e18, 0, 99.5e18);
        venue.reconcile(orderId);
    }
}
