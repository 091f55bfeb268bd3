// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IHedgeVault} from "../../contracts/interfaces/IHedgeVault.sol";
import {RedemptionQueue} from "../../contracts/vault/RedemptionQueue.sol";
import {BlocklistTokenDouble} from "./support/BlocklistTokenDouble.sol";
import {CallbackTokenDouble} from "./support/Tokens.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-041 .. HEDGE-049: exits that wait for idle.
contract RedemptionQueueTest is VaultFixture {
    uint256 internal constant MAX_WIDTH_BPS = 500; // of the higher NAV

    address internal first = makeAddr("first");
    address internal second = makeAddr("second");
    address internal third = makeAddr("third");

    RedemptionQueue internal queue;

    function setUp() public override {
        super.setUp();
        _deployQueue();
    }

    function _deployQueue() internal {
        queue = new RedemptionQueue(vault, MAX_WIDTH_BPS);
        _govern(address(vault), abi.encodeCall(vault.setRedemptionQueue, (address(queue))));
        _deposit(first, _units(100_000));
        _deposit(second, _units(100_000));
        _deposit(third, _units(200_000));
    }

    /// @dev Puts `assets` of idle into the venue, where they earn and lose nothing.
    function _spendIdle(uint256 assets) internal {
        vm.prank(address(vault));
        token.transfer(address(venue), assets);
        venue.setCash(venue.cash() + int256(assets * 1e12));
    }

    function _freeIdle(uint256 assets) internal {
        vm.prank(address(venue));
        token.transfer(address(vault), assets);
        venue.setCash(venue.cash() - int256(assets * 1e12));
    }

    function _request(address owner, uint256 shares) internal returns (uint256 epochId) {
        vm.startPrank(owner);
        vault.approve(address(queue), shares);
        epochId = queue.request(shares);
        vm.stopPrank();
    }

    function _claim(uint256 epochId, address owner) internal returns (uint256) {
        vm.prank(owner);
        return queue.claim(epochId, owner);
    }

    // HEDGE-041
    function test_request_sharesOfTheCallerWaitInTheQueue() public {
        uint256 shares = vault.balanceOf(first);
        uint256 epochId = _request(first, shares);
        assertEq(vault.balanceOf(first), 0);
        assertEq(vault.balanceOf(address(queue)), shares);
        assertEq(queue.pendingShares(epochId, first), shares);
        assertEq(vault.reservedAssets(), _units(100_000));
    }

    // HEDGE-041
    function test_request_lessThanOneShareReverts() public {
        vm.expectRevert(abi.encodeWithSelector(RedemptionQueue.RequestTooSmall.selector, 1e12 - 1, 1e12));
        queue.request(1e12 - 1);
    }

    // HEDGE-041
    function test_request_queueThatTheVaultDoesNotKnowReverts() public {
        RedemptionQueue other = new RedemptionQueue(vault, MAX_WIDTH_BPS);
        gate.shutOut(address(other));
        vm.startPrank(first);
        vault.approve(address(other), 1e12);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NotMember.selector, other));
        other.request(1e12);
        vm.stopPrank();
    }

    // HEDGE-041
    function test_request_lockedSharesReverts() public {
        _govern(address(vault), abi.encodeCall(vault.setShareLock, (1 days)));
        uint256 shares = _deposit(depositor, _units(1000));
        vm.startPrank(depositor);
        vault.approve(address(queue), shares);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.SharesLocked.selector, depositor, START + 1 days));
        queue.request(shares);
        vm.stopPrank();
    }

    // HEDGE-041
    function test_setRedemptionQueue_aSecondOneReverts() public {
        RedemptionQueue other = new RedemptionQueue(vault, MAX_WIDTH_BPS);
        _governExpecting(
            address(vault),
            abi.encodeCall(vault.setRedemptionQueue, (address(other))),
            abi.encodeWithSelector(IHedgeVault.QueueAlreadySet.selector, address(queue))
        );
        assertEq(vault.redemptionQueue(), address(queue));
    }

    // HEDGE-042
    function test_serve_enoughIdlePaysTheRedemptionPrice() public {
        uint256 shares = vault.balanceOf(first);
        uint256 epochId = _request(first, shares);
        uint256 expected = vault.previewRedeem(shares);
        vm.prank(attacker); // anyone
        (uint256 served, uint256 received) = queue.serve();
        assertEq(served, shares);
        assertEq(received, expected);
        assertEq(_claim(epochId, first), expected);
        assertEq(token.balanceOf(first), expected);
        assertEq(vault.balanceOf(address(queue)), 0);
    }

    // HEDGE-042
    function test_serve_assetsSentToTheQueueAreNobodys() public {
        uint256 shares = vault.balanceOf(first);
        uint256 epochId = _request(first, shares);
        token.mint(address(queue), _units(777));
        uint256 expected = vault.previewRedeem(shares);
        (, uint256 received) = queue.serve();
        assertEq(received, expected);
        assertEq(_claim(epochId, first), expected);
        assertEq(token.balanceOf(address(queue)), _units(777));
    }

    // HEDGE-043
    function test_serve_idleShortPaysOneEpochProRata() public {
        uint256 epochId = _request(first, vault.balanceOf(first));
        vm.warp(START + queue.EPOCH_SECONDS() - 1);
        assertEq(_request(third, vault.balanceOf(third)), epochId);
        _spendIdle(_units(370_000)); // 30,000 left for 300,000
        queue.serve();
        assertApproxEqAbs(queue.claimableAssets(epochId, first), _units(10_000), 1);
        assertApproxEqAbs(queue.claimableAssets(epochId, third), _units(20_000), 1);
        assertLe(vault.idleAssets(), 1);
    }

    // HEDGE-043
    function test_serve_idleShortLeavesTheLaterEpochWaiting() public {
        uint256 early = _request(first, vault.balanceOf(first));
        vm.warp(START + queue.EPOCH_SECONDS());
        uint256 late = _request(second, vault.balanceOf(second));
        assertEq(late, early + 1);
        _publish(PRICE);
        _spendIdle(_units(400_000) - _units(60_000));
        queue.serve();
        assertApproxEqAbs(queue.claimableAssets(early, first), _units(60_000), 1);
        assertEq(queue.claimableAssets(late, second), 0);
        _freeIdle(_units(70_000));
        queue.serve();
        assertApproxEqAbs(queue.claimableAssets(early, first), _units(100_000), 2);
        assertApproxEqAbs(queue.claimableAssets(late, second), _units(30_000), 3);
    }

    // HEDGE-043
    function test_request_afterServingBeganJoinsTheNextEpoch() public {
        uint256 early = _request(first, vault.balanceOf(first));
        _spendIdle(_units(350_000));
        queue.serve();
        assertEq(_request(second, 1e12), early + 1);
        assertEq(queue.epochs(early).units, 100_000e12);
    }

    // HEDGE-043
    function test_claim_receiverThatCannotBePaidHoldsUpNobody() public {
        BlocklistTokenDouble asset = new BlocklistTokenDouble(6);
        _deploy(asset);
        _deployQueue();
        uint256 epochId = _request(first, vault.balanceOf(first));
        _request(second, vault.balanceOf(second));
        asset.setBlocked(first);
        queue.serve();
        assertEq(_claim(epochId, second), _units(100_000));
        vm.startPrank(first);
        vm.expectRevert(abi.encodeWithSelector(BlocklistTokenDouble.Blocked.selector, first));
        queue.claim(epochId, first);
        assertEq(queue.claim(epochId, depositor), _units(100_000)); // another receiver, named by the owner
        vm.stopPrank();
        assertEq(token.balanceOf(depositor), _units(100_000));
    }

    // HEDGE-044
    function test_claim_betweenTwoServingsPaysEachPartOnce() public {
        uint256 epochId = _request(first, vault.balanceOf(first));
        _spendIdle(_units(360_000));
        queue.serve();
        uint256 early = _claim(epochId, first);
        assertApproxEqAbs(early, _units(40_000), 1);
        vm.prank(first);
        vm.expectRevert(abi.encodeWithSelector(RedemptionQueue.NothingToClaim.selector, epochId, first));
        queue.claim(epochId, first);
        _freeIdle(_units(100_000));
        queue.serve();
        assertApproxEqAbs(early + _claim(epochId, first), _units(100_000), 2);
        assertEq(queue.requests(epochId, first).units, 0);
        assertEq(token.balanceOf(address(queue)), 0);
    }

    // HEDGE-044
    function test_claim_ofAStrangerReverts() public {
        uint256 epochId = _request(first, 1e12);
        queue.serve();
        vm.prank(attacker);
        vm.expectRevert(abi.encodeWithSelector(RedemptionQueue.NothingToClaim.selector, epochId, attacker));
        queue.claim(epochId, attacker);
    }

    // HEDGE-045
    function test_cancel_partlyServedGivesBackTheRestAndPays() public {
        uint256 epochId = _request(first, vault.balanceOf(first));
        _request(second, vault.balanceOf(second));
        _spendIdle(_units(350_000)); // 50,000 for 200,000
        queue.serve();
        vm.prank(first);
        (uint256 shares, uint256 assets) = queue.cancel(epochId, first);
        assertApproxEqAbs(shares, 75_000e12, 1e7);
        assertApproxEqAbs(assets, _units(25_000), 1);
        assertEq(vault.balanceOf(first), shares);
        assertEq(token.balanceOf(first), assets);
        assertApproxEqAbs(queue.pendingShares(epochId, second), 75_000e12, 1e7);
        vm.prank(first);
        vm.expectRevert(abi.encodeWithSelector(RedemptionQueue.NothingToCancel.selector, epochId, first));
        queue.cancel(epochId, first);
    }

    // HEDGE-045
    function test_cancel_memberTakenOffGetsTheSharesBack() public {
        uint256 shares = vault.balanceOf(first);
        uint256 epochId = _request(first, shares);
        gate.shutOut(first);
        vm.prank(first);
        queue.cancel(epochId, first);
        assertEq(vault.balanceOf(first), shares);
    }

    // HEDGE-046
    function test_serve_venueSilentReverts() public {
        _request(first, 1e12);
        venue.setHalted(true);
        vm.expectRevert(abi.encodeWithSelector(RedemptionQueue.VenueSilent.selector, 0));
        queue.serve();
    }

    // HEDGE-046
    function test_serve_markPushedDownRevertsAndCancelStaysOpen() public {
        _rebalance(_leg(int256(_units(50_000)), 50e18));
        uint256 epochId = _request(first, vault.balanceOf(first));
        venue.setPrices(PRICE * 79 / 100, PRICE); // 21,000 of 400,000
        (uint256 navLow, uint256 navHigh) = vault.navBounds();
        uint256 least = navHigh - navHigh * MAX_WIDTH_BPS / 10_000;
        assertLt(navLow, least);
        vm.expectRevert(abi.encodeWithSelector(RedemptionQueue.NavTooWide.selector, navLow, least));
        queue.serve();
        vm.prank(first);
        queue.cancel(epochId, first);
        venue.setPrices(PRICE * 82 / 100, PRICE);
        assertEq(_request(first, vault.balanceOf(first)), epochId);
        queue.serve();
        assertGt(queue.claimableAssets(epochId, first), _units(95_000));
    }

    // HEDGE-046
    function test_serve_sharesWorthNothingDoesNothing() public {
        uint256 shares = vault.balanceOf(first);
        uint256 epochId = _request(first, shares);
        token.burn(address(vault), token.balanceOf(address(vault)));
        (uint256 served, uint256 received) = queue.serve();
        assertEq(served + received, 0);
        assertEq(queue.pendingShares(epochId, first), shares);
    }

    // HEDGE-046
    function test_constructor_widthBeyondItsLimitReverts() public {
        vm.expectRevert(abi.encodeWithSelector(RedemptionQueue.WidthOutOfRange.selector, 2001, 2000));
        new RedemptionQueue(vault, 2001);
        vm.expectRevert(abi.encodeWithSelector(RedemptionQueue.NotAContract.selector, attacker));
        new RedemptionQueue(IHedgeVault(attacker), 0);
    }

    // HEDGE-047
    function test_serve_straySharesAreAGiftToTheOldestEpoch() public {
        uint256 epochId = _request(first, vault.balanceOf(first));
        uint256 strays = vault.balanceOf(second);
        vm.prank(second);
        vault.transfer(address(queue), strays);
        queue.serve();
        assertEq(queue.claimableAssets(epochId, first), _units(200_000));
        assertEq(vault.balanceOf(address(queue)), 0);
        assertEq(vault.reservedAssets(), 0);
    }

    // HEDGE-047
    function test_serve_manyEpochsGoesThroughSixteenAtATime() public {
        for (uint256 i = 0; i < 20; ++i) {
            vm.warp(START + i * queue.EPOCH_SECONDS());
            assertEq(_request(first, 1e12), i);
        }
        _publish(PRICE);
        queue.serve();
        assertEq(queue.firstEpoch(), 16);
        queue.serve();
        assertEq(queue.firstEpoch(), 20);
        assertEq(queue.totalShares(), 0);
        assertEq(_claim(19, first), 1e6);
    }

    // HEDGE-047
    function test_serve_epochsAllCancelledArePassedBy() public {
        uint256 early = _request(first, 1e12);
        vm.prank(first);
        queue.cancel(early, first);
        vm.warp(START + queue.EPOCH_SECONDS());
        uint256 late = _request(second, 1e12);
        queue.serve();
        assertEq(queue.firstEpoch(), late + 1);
        assertEq(queue.claimableAssets(late, second), 1e6);
    }

    // HEDGE-048
    function test_bringMarginHome_forTheQueueLetsItBeServed() public {
        _rebalance(_leg(int256(_units(50_000)), 0));
        _spendIdle(_units(300_000)); // 50,000 idle, 350,000 in the venue
        uint256 epochId = _request(first, vault.balanceOf(first));
        vm.prank(attacker);
        vault.bringMarginHome(venue, _units(50_000));
        queue.serve();
        assertEq(queue.claimableAssets(epochId, first), _units(100_000));
    }

    // HEDGE-049
    function test_queue_assetCallsBackIsNotEnteredTwice() public {
        CallbackTokenDouble asset = new CallbackTokenDouble(6);
        _deploy(asset);
        _deployQueue();
        uint256 epochId = _request(first, vault.balanceOf(first));
        bytes[] memory calls = new bytes[](6);
        calls[0] = abi.encodeCall(queue.serve, ());
        calls[1] = abi.encodeCall(queue.request, (1));
        calls[2] = abi.encodeCall(queue.claim, (epochId, attacker));
        calls[3] = abi.encodeCall(queue.cancel, (epochId, attacker));
        calls[4] = abi.encodeCall(queue.claimableAssets, (epochId, first));
        calls[5] = abi.encodeCall(queue.epochs, (epochId));
        for (uint256 i = 0; i < calls.length; ++i) {
            asset.script(address(queue), calls[i]);
            uint256 state = vm.snapshotState();
            queue.serve();
            _assertRefused(asset);
            _claim(epochId, first);
            _assertRefused(asset);
            vm.revertToState(state);
        }
    }

    function _assertRefused(CallbackTokenDouble asset) private view {
        assertFalse(asset.lastCallSucceeded());
        assertEq(
            asset.lastAnswer(), abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector)
        );
    }

    // HEDGE-042
    function test_events_tellEveryStepOfAnExit() public {
        uint256 shares = _units(50_000) * 1e6;
        vm.startPrank(first);
        vault.approve(address(queue), 2 * shares);
        vm.expectEmit(address(queue));
        emit RedemptionQueue.Requested(0, first, shares);
        queue.request(shares);
        vm.expectEmit(address(queue));
        emit RedemptionQueue.Cancelled(0, first, shares);
        queue.cancel(0, first);
        queue.request(shares);
        vault.transfer(address(queue), 1e12); // served with the first epoch
        vm.expectEmit(address(queue));
        emit RedemptionQueue.StrayShares(0, 1e12);
        vm.expectEmit(address(queue));
        emit RedemptionQueue.Served(first, shares + 1e12, _units(50_001));
        vm.expectEmit(address(queue));
        emit RedemptionQueue.EpochServed(0, shares + 1e12, _units(50_001), 0);
        queue.serve();
        vm.expectEmit(address(queue));
        emit RedemptionQueue.Claimed(0, first, second, _units(50_001));
        queue.claim(0, second);
    }
}
