// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {IRebalanceGuard} from "../../../contracts/interfaces/IRebalanceGuard.sol";
import {VenueMeasurement} from "../../../contracts/types/Rebalance.sol";
import {RedemptionQueue} from "../../../contracts/vault/RedemptionQueue.sol";
import {HyperEvmVenue} from "../../../contracts/venues/hyperevm/HyperEvmVenue.sol";
import {LaterVenueAttacks} from "../support/LaterVenueAttacks.sol";
import {VaultFixture} from "../support/VaultFixture.sol";
import {HyperAttackStage} from "./HyperAttackStage.sol";

/// @notice Thieves around a vault that hedges at Hyperliquid: a keeper, whoever says when HyperCore executes, members, strangers, a
///         bridge that has run dry. The figure is what the vault loses at the feed's price, USD, where nothing else is said.
contract HyperAttacksTest is HyperAttackStage, LaterVenueAttacks {
    function setUp() public override(VaultFixture, HyperAttackStage) {
        super.setUp();
    }

    // --- a keeper -----------------------------------------------------------------------------------------------------

    /// @dev From one end of the band to the other for a day, each order filled at its limit.
    function test_orders__filledAtTheirLimitAllDay__staysInsideLossBounds() external {
        assertGt(_tradeAtTheLimitAllDay(2.9e18, -2.9e18, false), 20, "the thief gets to trade");
    }

    /// @dev The largest orders that a book justifies: in, out, and in again, at the limit both ways.
    function test_largeOrders__filledAtTheirLimit__staysInsideLossBounds() external {
        assertGt(_tradeAtTheLimitAllDay(40e18, 0, true), 2);
    }

    /// @dev Asked for, refused by HyperCore, cancelled at the first moment, and asked for again.
    function test_orders__askedForAndCancelledAllDay__useUpTheThiefsOwnBudget() external {
        core.setRefusing(1, true);
        int256 before = _wealth();
        uint256 accepted = 0;
        for (uint256 i = 0; i < 144; ++i) {
            _pass(SECONDS_OF_COOLDOWN);
            if (!_attemptRebalance(_legOf(0, 2.9e18))) continue;
            ++accepted;
            _pass(SETTLE);
            vm.prank(keeper);
            hyper.cancel(hyper.openOrder());
        }
        assertEq(_lastRefusal, IRebalanceGuard.TurnoverExceeded.selector);
        // 5,829 of turnover each, of 400,000 and of what 27 hours give back.
        assertLe(accepted, uint256(400_000 + 86_400 * 27 / 24) / 5800);
        _attackYieldsAtMost(_loss(before, _wealth()), 0);
    }

    function test_keeper__cancelsBeforeTheOrderIsGone__isRefused() external {
        bytes32 orderId = _ask(20e18);
        vm.warp(vm.getBlockTimestamp() + SETTLE - 1);
        assertFalse(_attempt(keeper, address(hyper), abi.encodeCall(hyper.cancel, (orderId))));
        assertEq(_lastRefusal, HyperEvmVenue.CancelTooEarly.selector);
    }

    /// @dev HyperCore comes when the market has left the limit. The figure is the order's loss at the price then.
    function test_executor__picksTheWorstMomentOfTheWindow__getsWhatTheMarketMoved() external {
        core.setOrderDelay(SETTLE - 1);
        bytes32 orderId = _ask(20e18);
        _publishAll(PRICE * 97 / 100);
        int256 before = _wealth();
        core.setFill(10_000, uint64(hyper.order(orderId).limitPrice / 1e16));
        _pass(SETTLE - 1);
        assertEq(hyper.size(), 20e18);
        // 20 at 2,010 and worth 1,940, and fees of 4.5 bps.
        _attackYieldsAtMost(_loss(before, _wealth()), 20e18 * 70 + 18.09e18);
    }

    /// @dev What HyperCore fills after its order was called over shows at once, and cannot be asked for twice in between.
    function test_executor__fillsAfterTheOrderIsOver__isSize() external {
        core.setOrderDelay(3 * SETTLE);
        _ask(20e18);
        _pass(2 * SETTLE);
        assertEq(hyper.openOrder(), 0);
        assertEq(_measuredLater().sizeHigh, 0);
        int256 before = _wealth();
        _pass(SETTLE);
        assertEq(_measuredLater().sizeLow, 20e18);
        assertEq(_measuredLater().sizeHigh, 20e18);
        _attackYieldsAtMost(_loss(before, _wealth()), 18e18);
    }

    // --- a member around orders and legs ------------------------------------------------------------------------------------

    uint256 private constant STEPS = 12;

    /// @dev Margin out, a hedge and its close, and margin home over a bridge that has run dry: late, given up, and paid at last.
    function _step(uint256 i) internal override {
        if (i == 0) assertTrue(_attemptRebalance(_legOf(int256(_units(20_000)), 0)));
        if (i == 1 || i == 2) assertTrue(_advance());
        if (i == 3) _ask(40e18);
        if (i == 4) _pass(1);
        if (i == 5) _ask(0);
        if (i == 6) _pass(1);
        if (i == 7) _goHomeDry(40_000);
        if (i == 8) _becomeLate();
        if (i == 9) _advance(); // given up, and asked for again
        if (i == 10) _recall(0);
        if (i == 11) core.setBridgeDry(false);
        if (i == 11) _pass(1);
    }

    function test_member__aroundEveryStepOfOrdersAndLegs__gainsNothing() external {
        _gainsNothingAround(STEPS);
    }

    /// @dev HEDGE-598: a fifth of NAV is late; whoever deposits then pays for it. The figure is his gain once it has come.
    function test_stranger__depositsWhileALegIsLate__gainsNothing() external {
        _goHomeDry(40_000);
        _becomeLate();
        (uint256 low, uint256 high) = vault.navBounds();
        assertApproxEqAbs(high - low, _units(40_000), 1e3);
        assertTrue(_attemptDeposit(attacker, _units(100_000)));
        core.setBridgeDry(false);
        _pass(1);
        uint256 worth = vault.previewRedeem(vault.balanceOf(attacker));
        assertGe(worth, _units(100_000) - 2e3); // nor does he pay for more than that
        _attackYieldsAtMost(_usd(_gain(_units(100_000), worth)), 0);
    }

    /// @dev The same once the next leg was sent, and whatever order is open beside.
    function test_stranger__depositsWhileAGivenUpLegIsLate__gainsNothing() external {
        for (uint256 i = 0; i < 4; ++i) {
            uint256 snapshot = vm.snapshotState();
            _open(i == 3 ? int256(20e18) : int256(0.5e18)); // enough of a book to ask for
            _goHomeDry(15_000);
            _becomeLate();
            _advance();
            core.setOrderDelay(SETTLE);
            if (i == 1) _ask(20e18);
            if (i == 2) _ask(-20e18);
            if (i == 3) _ask(10e18);
            assertEq(hyper.openOrder() != 0, i != 0);
            assertTrue(_attemptDeposit(attacker, _units(50_000)));
            core.setBridgeDry(false);
            _pass(1);
            _attackYieldsAtMost(_usd(_gain(_units(50_000), vault.previewRedeem(vault.balanceOf(attacker)))), 0);
            vm.revertToState(snapshot);
        }
    }

    /// @dev Leavers are paid without what is late, stayers get it. The figure is what the stayers lose.
    function test_leaver__whileALegIsLate__takesNothingOfIt() external {
        assertTrue(_attemptDeposit(attacker, _units(50_000)));
        _goHomeDry(40_000);
        uint256 before = vault.previewRedeem(1e12);
        _becomeLate();
        _attemptExit(attacker);
        core.setBridgeDry(false);
        _pass(1);
        _attackYieldsAtMost(_usd(_gain(vault.previewRedeem(1e12), before)), 0);
    }

    /// @dev Late margin that is less than a drawdown trips no breaker, and stops neither hedging nor closing.
    function test_lateLeg__holdsUpNoHedge() external {
        _open(10e18);
        _goHomeDry(15_000);
        _becomeLate();
        _open(20e18);
        _open(-20e18);
        _open(0);
        assertEq(_measuredLater().sizeHigh, 0);
    }

    /// @dev A queue of leavers at a dry bridge, by anyone's hand. The figure is what they get beyond what is there for them.
    function test_queue__atADryBridge__isPaidOnceAndByWhatCame() external {
        RedemptionQueue queue = new RedemptionQueue(vault, 100);
        _govern(address(vault), abi.encodeCall(vault.setRedemptionQueue, (address(queue))));
        address stays = makeAddr("stays");
        _deposit(stays, _units(100_000));
        assertTrue(_attemptRebalance(_legOf(int256(_units(80_000)), 0)));
        assertTrue(_advance());
        assertTrue(_advance());
        uint256 shares = vault.balanceOf(stays);
        vm.startPrank(depositor);
        vault.approve(address(queue), type(uint256).max);
        queue.request(vault.balanceOf(depositor));
        vm.stopPrank();
        uint256 missing = vault.reservedAssets() - vault.idleAssets();
        core.setBridgeDry(true);
        _attempt(attacker, address(hyper), abi.encodeCall(hyper.recall, (missing)));
        assertTrue(_advance());
        assertTrue(_advance());
        assertApproxEqAbs(hyper.inFlight(), missing, 1);
        _becomeLate();
        uint256 stayer = vault.previewRedeem(shares);
        uint256 was = token.balanceOf(depositor);
        _attempt(attacker, address(queue), abi.encodeCall(queue.serve, ()));
        core.setBridgeDry(false);
        _pass(1);
        _attempt(attacker, address(vault), abi.encodeCall(vault.bringMarginHome, (hyper, missing)));
        _attempt(attacker, address(queue), abi.encodeCall(queue.serve, ()));
        vm.prank(depositor);
        queue.claim(0, depositor);
        uint256 paid = token.balanceOf(depositor) - was;
        assertGt(paid, _units(190_000));
        assertGe(vault.previewRedeem(shares), stayer);
        _attackYieldsAtMost(_usd(_gain(_units(200_000), paid)), 0);
    }

    // --- strangers --------------------------------------------------------------------------------------------------------

    /// @dev The figure is by how much a share's two prices moved.
    function test_strangers__forgeAndCall__moveNothing() external {
        bytes32 orderId = _ask(20e18);
        (uint256 low, uint256 high) = vault.navBounds();
        address target = address(hyper);
        bytes32[3] memory ids = [orderId, bytes32(uint256(hyper.cloidOf(orderId))), keccak256("forged")];
        for (uint256 i = 0; i < 3; ++i) {
            assertFalse(_attempt(attacker, target, abi.encodeCall(hyper.settle, (ids[i], ""))));
            assertFalse(_attempt(attacker, target, abi.encodeCall(hyper.cancel, (ids[i]))));
            _attempt(attacker, target, abi.encodeCall(hyper.reconcile, (ids[i])));
        }
        assertFalse(_attempt(attacker, target, abi.encodeCall(hyper.canary, ())));
        assertFalse(_attempt(attacker, target, abi.encodeCall(hyper.recall, (1))));
        assertFalse(_attempt(attacker, target, abi.encodeCall(hyper.bracketTrade, (true))));
        assertEq(hyper.openOrder(), orderId);
        (uint256 lowNow, uint256 highNow) = vault.navBounds();
        _attackYieldsAtMost(_gain(low, lowNow) + _gain(lowNow, low) + _gain(high, highNow) + _gain(highNow, high), 0);
    }

    /// @dev A gift here and on HyperCore, beside an order and a leg that it passes for. The figure is the donor's gain.
    function test_donor__insideTheVault__losesWhatHeGives() external {
        for (uint256 i = 0; i < 3; ++i) {
            uint256 snapshot = vm.snapshotState();
            _ask(20e18);
            _pass(1);
            if (i != 0) _goHomeDry(40_000);
            if (i == 2) _becomeLate();
            assertTrue(_attemptDeposit(attacker, _units(90_000)));
            token.mint(address(hyper), _units(20_000));
            core.give(address(hyper), 40_000e8);
            if (i == 2) _advance();
            uint256 again = _attemptDeposit(attacker, _units(90_000)) ? 180_000 : 90_000;
            core.setBridgeDry(false);
            _pass(1);
            uint256 paid = _attemptExit(attacker);
            uint256 left = vault.previewRedeem(vault.balanceOf(attacker));
            _attackYieldsAtMost(_usd(_gain(_units(again + 60_000), paid + left)), 0);
            vm.revertToState(snapshot);
        }
    }

    // --- the market and Hyperliquid -----------------------------------------------------------------------------------------

    /// @dev The figure is what the vault says is there beyond what is.
    function test_liquidation__withACloseOpen__isCountedAsItIs() external {
        _open(40e18);
        core.setOrderDelay(SETTLE - 1);
        _ask(10e18);
        _publishAll(1200e18);
        core.liquidate(address(hyper), true);
        VenueMeasurement memory m = _measuredLater();
        assertEq(m.sizeLow, 0);
        assertEq(m.sizeHigh, 0);
        _pass(SETTLE - 1); // reduce-only: it opens nothing
        assertEq(hyper.size(), 0);
        _pass(SETTLE + 1);
        assertEq(hyper.openOrder(), 0);
        uint256 there = uint256(_wealth());
        assertApproxEqAbs(vault.measure().nav, there, 1e12);
        _attackYieldsAtMost(_gain(there, vault.measure().nav), 0);
    }

    /// @dev A long of 20 that is to be a short of 20 is deleveraged by 10 before HyperCore comes.
    function test_deleveraging__duringAFlip__isSizeAndTheOrderIsCountedOnce() external {
        _open(20e18);
        core.setOrderDelay(SETTLE - 1);
        bytes32 orderId = _ask(-20e18);
        VenueMeasurement memory asked = _measuredLater();
        assertEq(asked.sizeLow, -20e18);
        assertEq(asked.sizeHigh, 20e18);
        core.deleverage(address(hyper), -100_000, uint64(PRICE / 1e16));
        _publish(PRICE);
        vm.roll(vm.getBlockNumber() + 1);
        VenueMeasurement memory during = _measuredLater();
        assertEq(during.sizeHigh, 10e18);
        assertEq(during.sizeLow, -20e18); // 10 pass for its fill; it can open 10 more than that, as docs/hyperevm.md says
        _pass(SETTLE - 1);
        assertEq(hyper.size(), -30e18);
        assertEq(_measuredLater().sizeLow, -30e18);
        assertEq(_measuredLater().sizeHigh, -30e18);
        assertTrue(hyper.order(orderId).status == IPerpVenue.OrderStatus.Filled);
        core.setOrderDelay(0);
        int256 before = _wealth();
        _open(0);
        _attackYieldsAtMost(_loss(before, _wealth()), 27e18); // 60,000 at 4.5 bps
    }
}
