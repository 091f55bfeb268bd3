// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {VenueMeasurement} from "../../../contracts/types/Rebalance.sol";
import {GmxV2Releases} from "../../../contracts/venues/gmx/GmxV2Releases.sol";
import {GmxV2Venue} from "../../../contracts/venues/gmx/GmxV2Venue.sol";
import {IGmxCallbacks} from "../../../contracts/venues/gmx/IGmxV2.sol";
import {GmxHandlerDouble} from "../support/gmx/GmxHandlerDouble.sol";
import {LaterVenueAttacks} from "../support/LaterVenueAttacks.sol";
import {VaultFixture} from "../support/VaultFixture.sol";
import {GmxAttackStage} from "./GmxAttackStage.sol";

/// @notice Thieves around a vault that hedges at GMX: a keeper, GMX's own keepers in league with it, strangers, and the market.
///         The figure is what the vault loses at the feed's price, USD, where nothing else is said.
contract GmxAttacksTest is GmxAttackStage, LaterVenueAttacks {
    function setUp() public override(VaultFixture, GmxAttackStage) {
        super.setUp();
    }

    // --- a keeper -----------------------------------------------------------------------------------------------------

    /// @dev From one end of the band to the other for a day, each order executed at its limit by a friend.
    function test_orders__executedAtTheirLimitAllDay__staysInsideLossBounds() external {
        assertGt(_tradeAtTheLimitAllDay(2.9e18, -2.9e18, false), 20, "the thief gets to trade");
    }

    /// @dev The largest orders that are fair: in, out, and in again, at the limit both ways.
    function test_largeOrders__executedAtTheirLimit__staysInsideLossBounds() external {
        assertGt(_tradeAtTheLimitAllDay(40e18, 0, true), 2);
    }

    /// @dev Asked for and cancelled for the execution fee, of which GMX's keepers take a part each time.
    function test_orders__cancelledForTheirExecutionFee__useUpTheThiefsOwnBudget() external {
        uint256 bound = guard.lossBounds().keeperKey;
        vm.txGasPrice(0.5 gwei);
        int256 before = _wealth();
        uint256 accepted = 0;
        for (uint256 i = 0; i < 144; ++i) {
            _pass(SECONDS_OF_COOLDOWN);
            if (!_attemptRebalance(_legOf(0, 2.9e18))) continue;
            ++accepted;
            bytes32 orderId = gmxVenue.openOrder();
            _pass(EXPIRY);
            vm.prank(keeper);
            gmxVenue.cancel(orderId);
        }
        // 5,829 of turnover each, of 400,000 and what 36 hours give back.
        assertLe(accepted, uint256(400_000 + 86_400 * 3 / 2) / 5800);
        assertGt(accepted, 20);
        _attackYieldsAtMost(_loss(before, _wealth()), bound);
    }

    /// @dev Before GMX lets anybody cancel, the keeper cannot either: he has no choice of the moment but GMX's keepers'.
    function test_keeper__cancelsBeforeTheWindowEnds__isRefused() external {
        bytes32 orderId = _ask(20e18);
        vm.warp(vm.getBlockTimestamp() + EXPIRY - 1);
        assertFalse(_attempt(keeper, address(gmxVenue), abi.encodeCall(gmxVenue.cancel, (orderId))));
        assertEq(_lastRefusal, GmxV2Venue.CancelTooEarly.selector);
    }

    /// @dev Whoever executes waits until the market has left the limit. The figure is the order's loss at the price then.
    function test_executor__picksTheWorstMomentOfTheWindow__getsWhatTheMarketMoved() external {
        _ask(20e18);
        _pass(EXPIRY - 1);
        _publishAll(PRICE * 97 / 100);
        int256 before = _wealth();
        stage.fill(PRICE * 1005 / 1000);
        assertEq(gmxVenue.openOrder(), 0);
        // 20 at 2,010 and worth 1,940, and fees of 20 bps at most.
        _attackYieldsAtMost(_loss(before, _wealth()), 20e18 * 70 + 80.4e18);
    }

    function test_executor__beyondTheLimit__getsNothing() external {
        _ask(20e18);
        int256 before = _wealth();
        stage.fill(PRICE * 10_051 / 10_000);
        assertEq(gmxVenue.size(), 0);
        _attackYieldsAtMost(_loss(before, _wealth()), 1e18); // the execution fee
    }

    // --- a member around an order -----------------------------------------------------------------------------------------

    uint256 private constant STEPS = 8;

    /// @dev A hedge and its close, step by step: asked for, filled with nobody told, told late, closed with impact above GMX's
    ///      cap, filled, and what is held back becomes claimable and is claimed.
    function _step(uint256 i) internal override {
        if (i == 0) _ask(40e18);
        if (i == 1) handler.setDeaf(true);
        if (i == 1) stage.fill(PRICE * 1002 / 1000);
        if (i == 2) _tellLate();
        if (i == 3) stage.setImpact(2e28, 1e27);
        if (i == 3) _ask(0);
        if (i == 4) stage.fill(PRICE * 998 / 1000);
        if (i == 5) _tellLate();
        if (i == 6) _pass(5 days + 1 hours);
        if (i == 7) _claim();
    }

    function _tellLate() private {
        IGmxCallbacks.EventLogData memory nothing;
        vm.prank(address(handler));
        gmxVenue.afterOrderExecution("late", nothing, nothing);
    }

    function _claim() private {
        uint256 hour = (vm.getBlockTimestamp() - 5 days - 1 hours) / 3600;
        vm.prank(attacker);
        gmxVenue.claimCollateral(address(token), hour);
    }

    function test_member__aroundEveryStepOfAnOrder__gainsNothing() external {
        _gainsNothingAround(STEPS);
    }

    /// @dev Who is in before the order fills and out after it has no part in what the others still wait for.
    function test_leaver__beforeDelayedCollateralIsPaid__leavesNoHole() external {
        _deposit(attacker, _units(50_000));
        for (uint256 i = 0; i < 6; ++i) {
            _step(i);
        }
        uint256 price = vault.previewRedeem(1e12);
        _attemptExit(attacker);
        assertGe(vault.previewRedeem(1e12), price);
        _step(6);
        _step(7);
        assertApproxEqAbs(vault.previewRedeem(1e12), price, 1);
    }

    // --- strangers ----------------------------------------------------------------------------------------------------------

    /// @dev The figure is by how much a share's two prices moved.
    function test_strangers__callBackReconcileAndForge__moveNothing() external {
        bytes32 orderId = _ask(20e18);
        (uint256 low, uint256 high) = vault.navBounds();
        (bytes32 closeKey, bytes32 openKey) = gmxVenue.orderKeys();
        IGmxCallbacks.EventLogData memory nothing;
        address target = address(gmxVenue);
        bytes32[4] memory keys = [closeKey, openKey, orderId, keccak256("forged")];
        for (uint256 i = 0; i < 4; ++i) {
            bytes32 k = keys[i];
            assertFalse(_attempt(attacker, target, abi.encodeCall(gmxVenue.afterOrderExecution, (k, nothing, nothing))));
            assertFalse(
                _attempt(attacker, target, abi.encodeCall(gmxVenue.afterOrderCancellation, (k, nothing, nothing)))
            );
            assertFalse(_attempt(attacker, target, abi.encodeCall(gmxVenue.afterOrderFrozen, (k, nothing, nothing))));
            assertFalse(_attempt(attacker, target, abi.encodeCall(gmxVenue.refundExecutionFee, (k, nothing))));
            assertFalse(_attempt(attacker, target, abi.encodeCall(gmxVenue.settle, (k, ""))));
            assertFalse(_attempt(attacker, target, abi.encodeCall(gmxVenue.cancel, (k))));
            _attempt(attacker, target, abi.encodeCall(gmxVenue.reconcile, (k)));
        }
        _attempt(attacker, target, abi.encodeCall(gmxVenue.registerCallback, ()));
        _attempt(attacker, target, abi.encodeCall(gmxVenue.claimFunding, ()));
        _attempt(attacker, target, abi.encodeCall(gmxVenue.unwrap, ()));
        assertEq(gmxVenue.openOrder(), orderId);
        (uint256 lowNow, uint256 highNow) = vault.navBounds();
        _attackYieldsAtMost(_gain(low, lowNow) + _gain(lowNow, low) + _gain(high, highNow) + _gain(highNow, high), 0);
    }

    /// @dev Dollars, ether, wrapped ether, with an order open and then filled. The figure is the donor's gain.
    function test_donor__insideTheVaultBesideAnOrder__losesWhatHeGives() external {
        assertTrue(_attemptDeposit(attacker, _units(90_000)));
        _ask(20e18);
        IPerpVenue.Order memory order = gmxVenue.order(gmxVenue.openOrder());
        vm.deal(attacker, 3 ether);
        vm.startPrank(attacker);
        (bool isTaken,) = address(gmxVenue).call{value: 1 ether}("");
        assertTrue(isTaken);
        wnt.deposit{value: 2 ether}();
        wnt.transfer(address(gmxVenue), 2 ether);
        vm.stopPrank();
        token.mint(address(gmxVenue), _units(10_000));
        stage.fill(PRICE);
        IPerpVenue.Order memory filled = gmxVenue.order(gmxVenue.openOrder());
        assertEq(filled.executionPrice, 0); // closed: what came is no part of the order's terms
        assertEq(order.executionPrice, 0);
        uint256 paid = _attemptExit(attacker);
        uint256 left = vault.previewRedeem(vault.balanceOf(attacker));
        _attackYieldsAtMost(_usd(_gain(_units(90_000 + 10_000 + 6000), paid + left)), 0);
    }

    // --- the market and GMX -------------------------------------------------------------------------------------------------

    /// @dev The figure is what the vault says is there beyond what is.
    function test_liquidation__withACloseOpen__isCountedAsItIs() external {
        _open(40e18);
        bytes32 orderId = _ask(10e18);
        _publishAll(1010e18);
        handler.liquidate(address(gmxVenue), true, 1010e12);
        VenueMeasurement memory m = _measuredLater();
        assertEq(m.sizeLow, 0);
        assertEq(m.sizeHigh, 0);
        stage.fill(1010e18); // there is nothing left to close
        assertEq(gmxVenue.size(), 0);
        assertEq(gmxVenue.openOrder(), 0);
        assertTrue(gmxVenue.order(orderId).status == IPerpVenue.OrderStatus.Filled);
        uint256 there = token.balanceOf(address(vault)) * 1e12 + token.balanceOf(address(gmxVenue)) * 1e12
            + address(gmxVenue).balance * 1010;
        _attackYieldsAtMost(_gain(there, vault.measure().nav), 0);
        assertApproxEqAbs(vault.measure().nav, there, 1e13);
    }

    /// @dev A long of 20 that is to be a short of 20 is deleveraged by 10 before GMX's keepers come.
    function test_deleveraging__duringAFlip__staysWithinWhatWasPending() external {
        _open(20e18);
        bytes32 orderId = _ask(-20e18);
        VenueMeasurement memory m = _measuredLater();
        assertLe(m.sizeLow, -20e18);
        assertEq(m.sizeHigh, 20e18);
        handler.deleverage(address(gmxVenue), true, 20_000e30, PRICE / 1e6);
        assertLe(_measuredLater().sizeLow, 10e18 - 20e18); // no less than what may come
        assertEq(_measuredLater().sizeHigh, 10e18);
        stage.fill(PRICE); // the close is of more than there is; the opening fills
        assertEq(gmxVenue.openOrder(), 0);
        assertEq(gmxVenue.size(), 10e18 - 20e18);
        assertEq(_measuredLater().sizeLow, -10e18);
        assertEq(_measuredLater().sizeHigh, -10e18);
        assertTrue(gmxVenue.order(orderId).status != IPerpVenue.OrderStatus.Pending);
        // Nothing of it is lost to the books: what GMX holds on both sides comes back.
        int256 before = _wealth();
        _ask(0);
        stage.fill(PRICE);
        _attackYieldsAtMost(_loss(before, _wealth()), 10e18 + 1e18); // fees of 20,000 at 5 bps, and executions
    }

    /// @dev GMX replaces its contracts with an order open and a position held. The figure is what of NAV is missing meanwhile.
    function test_rotation__withAnOrderOpen__losesNeitherOrderNorValue() external {
        _open(20e18);
        bytes32 orderId = _ask(30e18);
        uint256 nav = vault.measure().nav;
        (, bytes32 openKey) = gmxVenue.orderKeys();
        address oldHandler = address(handler);
        GmxV2Releases.Release[] memory releases = gmxVenue.market().releases();
        GmxV2Releases.Release memory next = stage.release();
        _govern(address(gmxVenue.market()), abi.encodeCall(GmxV2Releases.addRelease, (next)));
        uint256 missing = _gain(vault.measure().nav, nav);
        stage.revoke(releases[0].exchangeRouter);
        stage.revoke(oldHandler);
        (GmxHandlerDouble newHandler,) = stage.present();
        newHandler.adopt(handler, openKey);
        missing += _gain(vault.measure().nav, nav);
        assertEq(_measuredLater().sizeLow, 20e18);
        assertEq(_measuredLater().sizeHigh, 30e18);
        assertEq(gmxVenue.openOrder(), orderId);
        _pass(EXPIRY);
        vm.prank(attacker); // anyone, by the new contracts
        gmxVenue.cancel(orderId);
        assertEq(gmxVenue.openOrder(), 0);
        assertEq(_measuredLater().sizeHigh, 20e18);
        missing += _gain(vault.measure().nav + 1e18, nav); // but the execution fee
        _attackYieldsAtMost(missing, 0);
        _ask(0);
        stage.fill(PRICE);
        assertEq(gmxVenue.size(), 0);
    }
}
