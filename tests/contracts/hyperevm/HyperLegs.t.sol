// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {HyperEvmLegs} from "../../../contracts/venues/hyperevm/HyperEvmLegs.sol";
import {HyperEvmVenue} from "../../../contracts/venues/hyperevm/HyperEvmVenue.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IVaultAccess} from "../../../contracts/interfaces/IVaultAccess.sol";
import {CallbackTokenDouble, TokenDouble} from "../support/Tokens.sol";
import {HyperStage, HyperVaultStand} from "./HyperStage.sol";

/// @notice Margin on its way between HyperEVM and HyperCore: what it counts as, and that it always arrives or comes back.
contract HyperLegsTest is HyperStage {
    address private stranger = makeAddr("stranger");

    function setUp() external {
        _raise();
        _flyCanary();
        _fundVenue(10_000);
    }

    function _advance() private returns (HyperEvmLegs.Leg leg, uint256 assets) {
        vm.prank(stranger);
        return venue.advance();
    }

    function _expectLeg(HyperEvmLegs.Leg leg, uint256 assets) private {
        (HyperEvmLegs.Leg sent, uint256 moved) = _advance();
        assertEq(uint256(sent), uint256(leg));
        assertEq(moved, assets);
    }

    function _recall(uint256 assets) private {
        vm.prank(vault.keeper());
        venue.recall(assets);
    }

    function _nothingToMove() private {
        vm.expectRevert(HyperEvmLegs.NothingToMove.selector);
        _advance();
    }

    // --- there and back -------------------------------------------------------------------------------------------

    /// HEDGE-591
    function test_value_isTheSameAfterEveryLeg() external {
        _expectLeg(HyperEvmLegs.Leg.ToCore, 10_000e6);
        assertEq(venue.inFlight(), 10_000e6); // its block shows it nowhere
        assertEq(_equity(), 10_000e18);
        _block();
        assertEq(venue.inFlight(), 0);
        assertEq(market.spotOf(address(venue)), 10_000e8);
        assertEq(_equity(), 10_000e18);
        _expectLeg(HyperEvmLegs.Leg.ToPerp, 10_000e6);
        assertEq(_equity(), 10_000e18);
        _block();
        assertEq(market.accountOf(address(venue)).equity, 10_000e18);
        assertEq(_equity(), 10_000e18);
        _nothingToMove();
        _recall(4000e6);
        _expectLeg(HyperEvmLegs.Leg.ToSpot, 4000.1e6); // and what the way home may cost
        _block();
        assertEq(_equity(), 10_000e18);
        _expectLeg(HyperEvmLegs.Leg.Home, 4000e6);
        assertEq(venue.inFlight(), 0); // its block still shows it in spot
        assertEq(_equity(), 10_000e18);
        _block();
        assertEq(venue.freeCollateral(), 4000e6);
        assertEq(_equity(), 10_000e18);
        _nothingToMove();
        vm.prank(address(vault));
        venue.withdrawMargin(4000e6);
        assertEq(_equity(), 6000e18);
        _nothingToMove(); // what was asked home has gone home
    }

    function test_leg_isWaitedForUntilItIsSeen() external {
        _expectLeg(HyperEvmLegs.Leg.ToCore, 10_000e6);
        uint256 until = vm.getBlockTimestamp() + LATE;
        bytes memory refusal = abi.encodeWithSelector(HyperEvmLegs.LegOnItsWay.selector, HyperEvmLegs.Leg.ToCore, until);
        vm.expectRevert(refusal);
        _advance();
        vm.roll(vm.getBlockNumber() + 1); // a block that HyperCore has not worked on
        vm.expectRevert(refusal);
        _advance();
        assertEq(_equity(), 10_000e18);
        core.step();
        _expectLeg(HyperEvmLegs.Leg.ToPerp, 10_000e6);
    }

    function test_wallet_thatIsPaused_keepsTheCashHere() external {
        wallet.setPaused(true);
        vm.expectRevert();
        _advance();
        assertEq(venue.freeCollateral(), 10_000e6);
        assertEq(token.allowance(address(venue), address(wallet)), 0);
    }

    function test_allowance_isOfOneMove() external {
        _advance();
        assertEq(token.allowance(address(venue), address(wallet)), 0);
    }

    // --- refused without a word -----------------------------------------------------------------------------------

    /// HEDGE-593
    function test_refusedMove_isOverAfterItsTime_andSentAgain() external {
        _advance();
        _block();
        core.setRefusing(7, true);
        _expectLeg(HyperEvmLegs.Leg.ToPerp, 10_000e6);
        _pass(SETTLE - 1);
        assertEq(_equity(), 10_000e18);
        vm.expectRevert();
        _advance();
        _pass(1);
        core.setRefusing(7, false);
        _expectLeg(HyperEvmLegs.Leg.ToPerp, 10_000e6);
        _block();
        assertEq(market.accountOf(address(venue)).equity, 10_000e18);
    }

    function test_refusedLegHome_isOverAfterItsTime_andSentAgain() external {
        _moveAll();
        _recall(4000e6);
        _advance();
        _block();
        core.setRefusing(13, true);
        _expectLeg(HyperEvmLegs.Leg.Home, 4000e6);
        _pass(SETTLE);
        assertEq(_equity(), 10_000e18);
        core.setRefusing(13, false);
        _expectLeg(HyperEvmLegs.Leg.Home, 4000e6);
        _block();
        assertEq(venue.freeCollateral(), 4000e6);
    }

    function test_strandedInSpot_goesOnByAnyonesHand() external {
        _moveAll();
        _pass(SETTLE); // a gift may hide that a leg has arrived
        core.give(address(venue), 500e8); // a leg that was called over, or a gift
        assertEq(_equity(), 10_500e18);
        _expectLeg(HyperEvmLegs.Leg.ToPerp, 500e6);
        _block();
        _nothingToMove();
        _pass(SETTLE);
        _recall(20_000e6);
        core.give(address(venue), 7e8);
        _expectLeg(HyperEvmLegs.Leg.Home, 6.9e6);
    }

    function test_dust_isNotSentOut() external {
        _moveAll();
        _pass(SETTLE);
        core.give(address(venue), 1e8 - 1);
        token.mint(address(venue), 1e6 - 1);
        _nothingToMove();
        core.give(address(venue), 1);
        _expectLeg(HyperEvmLegs.Leg.ToPerp, 1e6);
    }

    // --- a bridge that has run dry ----------------------------------------------------------------------------------

    function _goHomeDry() private {
        _moveAll();
        _recall(4000e6);
        _advance();
        _block();
        core.setBridgeDry(true);
        _expectLeg(HyperEvmLegs.Leg.Home, 4000e6);
        _block();
        assertEq(market.spotOf(address(venue)), 0.1e8);
    }

    /// HEDGE-594
    function test_dryBridge_isCountedUntilItIsLate_andWhenItPays() external {
        _goHomeDry();
        assertEq(venue.inFlight(), 4000e6);
        assertEq(_equity(), 10_000e18);
        vm.expectRevert();
        _advance();
        _pass(LATE - 2);
        assertEq(_equity(), 10_000e18);
        _pass(1);
        assertEq(venue.inFlight(), 0);
        assertEq(_equity(), 6000e18); // low
        core.setBridgeDry(false);
        _block();
        assertEq(_equity(), 10_000e18); // and once
        assertEq(venue.freeCollateral(), 4000e6);
    }

    function test_dryBridge_whenLate_letsTheNextLegGo() external {
        _goHomeDry();
        _pass(LATE);
        _expectLeg(HyperEvmLegs.Leg.ToSpot, 4000e6); // it is still wanted here
        _block();
        core.setBridgeDry(false);
        _block(); // the first one pays
        assertEq(_equity(), 10_000e18);
        _expectLeg(HyperEvmLegs.Leg.ToPerp, 4000.1e6); // and the second goes back
    }

    function test_dryBridge_holdsUpNoOrder() external {
        _moveAll();
        _deal(2e18);
        _recall(4000e6);
        _advance();
        _block();
        core.setBridgeDry(true);
        _advance();
        _block();
        _deal(-2e18);
        assertEq(venue.size(), 0);
        _deal(1e18);
        assertEq(venue.size(), 1e18);
    }

    function test_cashThatMovesBesideALegHome_isNotTakenForIt() external {
        _goHomeDry();
        _fundVenue(1000);
        assertEq(venue.inFlight(), 4000e6);
        assertEq(_equity(), 11_000e18);
        vm.prank(address(vault));
        venue.withdrawMargin(600e6);
        assertEq(venue.inFlight(), 4000e6);
        assertEq(_equity(), 10_400e18);
        core.setBridgeDry(false);
        _block();
        assertEq(venue.inFlight(), 0);
        assertEq(_equity(), 10_400e18);
        vm.prank(address(vault));
        venue.withdrawMargin(4400e6); // what has come is withdrawn before anybody calls the leg over
        assertEq(_equity(), 6000e18);
    }

    function test_legThatLosesAPart_isCountedByWhatIsSeen() external {
        _goHomeDry();
        vm.prank(address(wallet));
        token.transfer(address(venue), 3999e6); // a dollar is kept on the way
        assertEq(venue.inFlight(), 1e6);
        assertEq(_equity(), 10_000e18);
        _pass(LATE);
        assertEq(_equity(), 9999e18);
    }

    // --- gifts ----------------------------------------------------------------------------------------------------

    function test_gift_thatPassesForAnArrival_countsOnce() external {
        _advance();
        core.give(address(venue), 10_000e8);
        assertEq(_equity(), 10_000e18); // the leg itself is not seen yet
        _block();
        assertEq(_equity(), 20_000e18);
    }

    function test_gift_onTheWayHome_countsOnce() external {
        _goHomeDry();
        token.mint(address(venue), 4000e6);
        assertEq(_equity(), 10_000e18);
        core.setBridgeDry(false);
        _block();
        assertEq(_equity(), 14_000e18);
    }

    function test_gift_thatHidesADebit_countsLow() external {
        _goHomeDry();
        core.give(address(venue), 4000e8);
        assertEq(venue.inFlight(), 0);
        assertEq(_equity(), 10_000e18);
        core.setBridgeDry(false);
        _block();
        assertEq(_equity(), 14_000e18);
    }

    // --- recall ---------------------------------------------------------------------------------------------------

    /// HEDGE-595
    function test_recall_ofAStranger_isWhatTheQueueWaitsFor() external {
        _moveAll();
        vault.setQueue(3000e6, 500e6);
        bytes4 refused = HyperEvmLegs.RecallNotAllowed.selector;
        vm.startPrank(stranger);
        vm.expectRevert(abi.encodeWithSelector(refused, stranger, 2500e6 + 1, 2500e6));
        venue.recall(2500e6 + 1);
        venue.recall(2500e6);
        vm.expectRevert(abi.encodeWithSelector(refused, stranger, 2400e6, 2500e6)); // never less
        venue.recall(2400e6);
        vm.expectRevert(abi.encodeWithSelector(refused, stranger, 2500e6, 2500e6)); // nor the same
        venue.recall(2500e6);
        vm.stopPrank();
        _moveAll();
        assertEq(venue.freeCollateral(), 2500e6);
        vm.prank(vault.guardian());
        venue.recall(0);
        _moveAll();
        assertEq(venue.freeCollateral(), 0);
    }

    function test_recall_leavesTheMarginOfThePosition() external {
        _moveAll();
        _deal(10e18); // 20,000 x 0.2 = 4,000 is kept
        core.setPrices(200_000, 210_000, 200_000, 200_000); // it is the mark that counts
        _recall(type(uint256).max);
        _expectLeg(HyperEvmLegs.Leg.ToSpot, 10_000e6 - 9e6 - 4000e6);
        _block();
        _advance();
        _block();
        _nothingToMove();
    }

    function test_end_bringsEverythingHome() external {
        _moveAll();
        vault.setEnd(true, false);
        _moveAll();
        assertEq(venue.freeCollateral(), 9999.9e6);
        assertEq(_equity(), 10_000e18);
        vault.setEnd(false, true);
        _nothingToMove();
        vault.setEnd(false, false);
        _expectLeg(HyperEvmLegs.Leg.ToCore, 9999.9e6);
    }

    /// HEDGE-595
    /// @dev HyperCore drops a transfer home, without a word, that leaves nothing for its gas.
    function test_wayHome_leavesWhatHyperCoreTakesForIt(uint256 fee) external {
        fee = bound(fee, 1, 0.1e8);
        core.setHomeFee(uint64(fee));
        _moveAll();
        _recall(4000e6);
        _moveAll();
        assertEq(venue.freeCollateral(), 4000e6); // to the unit
        assertEq(_equity(), 10_000e18 - int256(fee * 1e10));
        vault.setEnd(true, false);
        _moveAll();
        assertGe(venue.freeCollateral(), 9999.8e6);
        assertEq(_equity(), 10_000e18 - int256(2 * fee * 1e10));
        _nothingToMove();
    }

    function test_move_waitsForAnOpenOrder_theBridgeDoesNot() external {
        _moveAll();
        bytes32 orderId = _request(1e18);
        _fundVenue(1000);
        _expectLeg(HyperEvmLegs.Leg.ToCore, 1000e6);
        core.setOrderDelay(30);
        _pass(5);
        vm.expectRevert(abi.encodeWithSelector(IPerpVenue.OrderStillOpen.selector, orderId));
        _advance();
        _pass(30);
        _expectLeg(HyperEvmLegs.Leg.ToPerp, 1000e6);
    }

    function test_account_thatHyperCoreDoesNotKnow_sendsNothing() external {
        core.forget(address(venue));
        vm.expectRevert(abi.encodeWithSelector(HyperEvmLegs.NoCoreAccount.selector, address(venue)));
        _advance();
        assertEq(venue.freeCollateral(), 10_000e6);
    }

    function test_insideTheVaultsOwnCall_nothingMoves() external {
        vault.setEntered(true);
        vm.expectRevert(IPerpVenue.VaultEntered.selector);
        _advance();
        vm.startPrank(vault.keeper());
        vm.expectRevert(IPerpVenue.VaultEntered.selector);
        venue.recall(1);
        vm.expectRevert(IPerpVenue.VaultEntered.selector);
        venue.canary();
    }

    function test_collateral_ofOtherDecimals_isRefused() external {
        HyperVaultStand other = new HyperVaultStand(address(new TokenDouble(18)));
        vm.expectRevert(abi.encodeWithSelector(HyperEvmLegs.WrongCollateral.selector, 18));
        new HyperEvmVenue(address(other), market);
    }

    // --- what is told, and what is locked -------------------------------------------------------------------------

    function test_everyLeg_isInAnEvent() external {
        vm.expectEmit(address(venue));
        emit HyperEvmLegs.LegSent(HyperEvmLegs.Leg.ToCore, 10_000e6);
        _advance();
        _block();
        core.setRefusing(7, true);
        vm.expectEmit(address(venue));
        emit HyperEvmLegs.LegOver(HyperEvmLegs.Leg.ToCore, 10_000e6, true);
        vm.expectEmit(address(venue));
        emit HyperEvmLegs.LegSent(HyperEvmLegs.Leg.ToPerp, 10_000e6);
        _advance();
        _pass(SETTLE);
        vm.expectEmit(address(venue));
        emit HyperEvmLegs.LegOver(HyperEvmLegs.Leg.ToPerp, 10_000e6, false);
        _advance();
        vm.startPrank(vault.keeper());
        vm.expectEmit(address(venue));
        emit HyperEvmLegs.Recalled(0, 5e6);
        venue.recall(5e6);
    }

    function test_margin_inAndOut_isInAnEvent() external {
        token.mint(address(vault), 5e6);
        vm.startPrank(address(vault));
        token.approve(address(venue), 5e6);
        vm.expectEmit(address(venue));
        emit IPerpVenue.MarginDeposited(5e6);
        venue.depositMargin(5e6);
        vm.expectEmit(address(venue));
        emit IPerpVenue.MarginWithdrawn(3e6);
        venue.withdrawMargin(3e6);
        vm.stopPrank();
    }

    function test_tokenThatCallsBack_findsTheAdapterLocked() external {
        CallbackTokenDouble curious = new CallbackTokenDouble(6);
        vault = new HyperVaultStand(address(curious));
        _raiseFor(address(vault), IVaultAccess(address(vault)), curious);
        curious.mint(address(vault), 10_000e6);
        vm.prank(address(vault));
        curious.approve(address(venue), type(uint256).max);
        bytes[2] memory calls = [abi.encodeCall(venue.advance, ()), abi.encodeCall(venue.account, ())];
        for (uint256 i = 0; i < calls.length; ++i) {
            curious.script(address(venue), calls[i]);
            vm.prank(address(vault));
            venue.depositMargin(1000e6);
            _assertLocked(curious);
            vm.prank(address(vault));
            venue.withdrawMargin(500e6);
            _assertLocked(curious);
            _advance();
            _assertLocked(curious);
            _block();
            _pass(LATE);
        }
    }

    function _assertLocked(CallbackTokenDouble curious) private view {
        assertFalse(curious.lastCallSucceeded());
        assertEq(bytes4(curious.lastAnswer()), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
    }
}
