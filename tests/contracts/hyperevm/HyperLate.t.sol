// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IPriceOracle} from "../../../contracts/interfaces/IPriceOracle.sol";
import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {VenueValuation} from "../../../contracts/libraries/VenueValuation.sol";
import {VenueMeasurement} from "../../../contracts/types/Rebalance.sol";
import {HyperEvmLegs} from "../../../contracts/venues/hyperevm/HyperEvmLegs.sol";
import {HyperEvmLimits} from "../../../contracts/venues/hyperevm/HyperEvmLimits.sol";
import {HyperStage} from "./HyperStage.sol";

/// @notice A leg over the bridge that is late: in the higher end of what the vault makes of the account, and not in the lower.
contract HyperLateTest is HyperStage {
    uint256 private constant LEG = 4000e6;
    uint256 private constant MARGIN = 60_000e6;

    function setUp() external {
        _raise();
        _flyCanary();
        _fundVenue(60_000);
        _moveAll();
    }

    /// @dev What the vault's registry makes of the account, at a price that the feed knows to half a percent.
    function _measured() private view returns (VenueMeasurement memory m) {
        IPerpVenue.Account memory a = venue.account();
        assertTrue(VenueValuation.isPossible(a));
        IPriceOracle.Reading memory reading;
        (reading.price, reading.low, reading.high) = (PRICE, PRICE * 995 / 1000, PRICE * 1005 / 1000);
        reading.deviationBps = 50;
        VenueValuation.value(m, a, reading);
        assertTrue(VenueValuation.isBounded(m));
    }

    function _recall(uint256 assets) private {
        vm.prank(vault.keeper());
        venue.recall(assets);
    }

    /// @dev 4,000 USD have left spot and do not come.
    function _goHomeDry() private {
        _recall(LEG);
        venue.advance();
        _block();
        core.setBridgeDry(true);
        venue.advance();
        _block();
        assertEq(venue.inFlight(), LEG);
    }

    function _becomeLate() private {
        vm.warp(uint256(venue.onItsWay().sentAt) + LATE);
    }

    /// @param sizeDelta Asked for at once, and open; 0 for none.
    function _assertWidened(int256 held, int256 sizeDelta) private {
        uint256 snapshot = vm.snapshotState();
        if (held != 0) _deal(held);
        _pass(2 * SETTLE);
        _goHomeDry();
        vm.warp(uint256(venue.onItsWay().sentAt) + LATE - 1);
        core.setOrderDelay(SETTLE);
        if (sizeDelta != 0) _request(sizeDelta);
        VenueMeasurement memory before = _measured();
        _becomeLate();
        assertEq(venue.late(), LEG);
        VenueMeasurement memory m = _measured();
        assertEq(m.equity, before.equity - 4000e18, "what counts in the middle");
        // At once: what is late, and no more than its part of the room for prices.
        assertGe(m.equityHigh, before.equityHigh, "the higher end");
        int256 sold = sizeDelta < 0 ? -sizeDelta : int256(0);
        assertLe(m.equityHigh, before.equityHigh + 1e14 + sold * 90); // 2,100 less the price of 2,010 at its highest
        assertLe(m.equityLow, before.equityLow - 4000e18, "the lower end");
        assertGe(m.equityLow, before.equityLow - 4000e18 - sold * 150, "what a sale may lose"); // 2,100 less a floor of 1,960
        assertApproxEqAbs(m.sizeLow, before.sizeLow, 2 * LEG);
        assertEq(m.sizeHigh, before.sizeHigh);
        vm.revertToState(snapshot);
    }

    /// HEDGE-594, HEDGE-598
    function test_lateLeg_isInTheHigherEndAlone_whateverIsHeldAndOpen() external {
        int256[3] memory held = [int256(0), 10e18, -10e18];
        int256[4] memory orders = [int256(0), 5e18, -5e18, -20e18];
        for (uint256 i = 0; i < 3; ++i) {
            for (uint256 j = 0; j < 4; ++j) {
                _assertWidened(held[i], orders[j]);
            }
        }
    }

    /// @dev The remainder of a sale can be a lot, and what is late a fortune: no price is beyond what the vault believes.
    function test_lateLeg_beyondAllProportion_isStillAnAnswer() external {
        _fundVenue(900_000_000);
        _moveAll();
        _deal(0.01e18);
        _recall(900_000_000e6);
        venue.advance();
        _block();
        core.setBridgeDry(true);
        venue.advance();
        _block();
        core.setOrderDelay(SETTLE);
        vm.warp(uint256(venue.onItsWay().sentAt) + LATE - 1);
        _request(-0.0001e18);
        int256 high = _measured().equityHigh;
        _becomeLate();
        assertEq(venue.late(), 900_000_000e6);
        assertGe(_measured().equityHigh, high);
    }

    function test_equity_hasBothEnds() external {
        _goHomeDry();
        _becomeLate();
        (int256 low, int256 high) = venue.equity();
        assertEq(low, 56_000e18);
        assertEq(high, 60_000e18);
    }

    // --- until it is there --------------------------------------------------------------------------------------------

    function _assertEnds(uint256 low, uint256 high) private view {
        VenueMeasurement memory m = _measured();
        assertEq(m.equityLow, int256(low * 1e18));
        assertGe(m.equityHigh, int256(high * 1e18));
        assertLe(m.equityHigh, int256(high * 1e18 + 1e14));
        assertEq(m.equity, int256(low * 1e18));
    }

    function test_lateLegHome_thatArrives_isOneEndAgain() external {
        _goHomeDry();
        _becomeLate();
        _assertEnds(56_000, 60_000);
        core.setBridgeDry(false);
        _block();
        assertEq(venue.late(), 0);
        _assertEnds(60_000, 60_000);
        assertEq(_measured().sizeLow, 0);
    }

    function test_lateLegHome_thatArrivesAfterTheNextLeg_isOneEndAgain() external {
        _goHomeDry();
        _becomeLate();
        venue.advance(); // it is still wanted: another 4,000 to spot
        _block();
        _assertEnds(56_000, 60_000);
        venue.advance(); // and on their way
        _block();
        assertEq(venue.inFlight(), LEG);
        assertEq(venue.late(), LEG);
        _assertEnds(56_000, 60_000);
        vm.prank(address(wallet));
        token.transfer(address(venue), LEG); // one of both comes
        assertEq(venue.inFlight(), 0);
        _assertEnds(56_000, 60_000);
        core.setBridgeDry(false);
        vm.startPrank(address(venue)); // the double pays both: the one that was paid by hand goes back
        token.transfer(address(wallet), LEG);
        vm.stopPrank();
        _block();
        assertEq(venue.late(), 0);
        _assertEnds(60_000, 60_000);
    }

    function test_lateDeposit_thatArrivesAfterTheNextLeg_isOneEndAgain() external {
        _fundVenue(1000);
        venue.advance();
        uint256 sent = venue.onItsWay().sentAt;
        vm.roll(vm.getBlockNumber() + 1); // HyperCore credits nothing
        vm.warp(sent + LATE - 1);
        _assertEnds(61_000, 61_000);
        vm.warp(sent + LATE);
        _assertEnds(60_000, 61_000);
        _fundVenue(500);
        venue.advance();
        _assertEnds(60_500, 61_500);
        assertEq(venue.inFlight(), 500e6);
        assertEq(venue.late(), 1000e6);
        _block(); // both are credited
        assertEq(venue.late(), 0);
        _assertEnds(61_500, 61_500);
    }

    function test_giftInSpot_passesForALateDeposit_andIsTheAccounts() external {
        _fundVenue(1000);
        venue.advance();
        vm.roll(vm.getBlockNumber() + 1);
        vm.warp(uint256(venue.onItsWay().sentAt) + LATE);
        core.give(address(venue), 5000e8); // there is something in spot
        _recall(5000e6);
        assertEq(venue.late(), 0);
        venue.advance();
        _block();
        _assertEnds(66_000, 66_000);
    }

    /// @dev 8,000 USD were sent to HyperCore and are not credited; 5,000 are on their way from the perpetuals to spot.
    function _moveBesideALateDeposit() private {
        _fundVenue(8000);
        core.setHolding(true);
        venue.advance();
        _block();
        _becomeLate();
        _recall(5000e6);
        venue.advance();
        assertEq(venue.late(), 8000e6);
        _assertEnds(60_000, 68_000);
    }

    function test_arrival_besideAMoveToSpot_isSeen() external {
        _moveBesideALateDeposit();
        core.setHolding(false);
        _block(); // both are there: 13,000 in spot
        assertEq(venue.late(), 0);
        _assertEnds(68_000, 68_000);
    }

    function test_arrival_besideALegHome_isSeenAsFarAsNothingElseCanHaveBeenIt() external {
        _moveBesideALateDeposit();
        _block();
        venue.advance(); // the 5,000 go home
        core.setHolding(false);
        _block();
        assertEq(venue.freeCollateral(), 5000e6);
        assertEq(venue.late(), 5000e6); // 8,000 came to spot, 5,000 left it
        _assertEnds(68_000, 73_000);
        _writeOff();
        _assertEnds(68_000, 68_000);
    }

    function test_gift_besideALateLeg_lowersNoEnd() external {
        _goHomeDry();
        _becomeLate();
        token.mint(address(venue), 1000e6);
        _assertEnds(57_000, 60_000);
        venue.advance();
        _block();
        _assertEnds(57_000, 60_000);
        core.setBridgeDry(false);
        _block();
        _assertEnds(61_000, 61_000);
    }

    // --- written off ----------------------------------------------------------------------------------------------------

    function _writeOff() private {
        vm.prank(vault.governor());
        market.writeOffLate();
    }

    function test_writeOff_isOfWhatIsLate_andOfNothingElse() external {
        _goHomeDry();
        _writeOff(); // nothing is late yet
        _becomeLate();
        assertEq(venue.late(), LEG);
        vm.expectEmit(address(market));
        emit HyperEvmLimits.LateWrittenOff();
        _writeOff();
        assertEq(market.writtenOffAt(), block.timestamp);
        _assertEnds(56_000, 56_000);
        venue.advance();
        _block();
        _assertEnds(56_000, 56_000);
        core.setBridgeDry(false);
        _block();
        _assertEnds(60_000, 60_000); // it counts when it is there
    }

    function test_writeOff_isOfWhatWasGivenUp_andNotOfTheNextLeg() external {
        _goHomeDry();
        _becomeLate();
        venue.advance();
        _block();
        venue.advance();
        _block();
        assertEq(venue.late(), LEG);
        _writeOff();
        assertEq(venue.late(), 0);
        _becomeLate();
        assertEq(venue.late(), LEG); // the second
        _assertEnds(52_000, 56_000);
    }

    function test_writeOff_isTheGovernors() external {
        address keeper = vault.keeper();
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, keeper));
        vm.prank(keeper);
        market.writeOffLate();
    }

    // --- what it does not hold up ------------------------------------------------------------------------------------------

    function test_lateLeg_isNoOrder_whereATradeIsJudged() external {
        _goHomeDry();
        _becomeLate();
        assertLt(_measured().sizeLow, 0);
        vm.prank(address(vault));
        venue.bracketTrade(true);
        VenueMeasurement memory m = _measured();
        assertEq(m.sizeLow, 0);
        assertEq(m.equityHigh, 56_000e18);
        vm.prank(address(vault));
        venue.bracketTrade(false);
        _assertEnds(56_000, 60_000);
        vm.expectRevert(abi.encodeWithSelector(IPerpVenue.OnlyVault.selector, address(this), address(vault)));
        venue.bracketTrade(true);
    }

    function test_lateLeg_whereNobodyCanDeposit_isNoOrder() external {
        _goHomeDry();
        _becomeLate();
        vault.setPaused(true);
        assertEq(venue.account().pendingNegative, 0);
        vault.setPaused(false);
        assertLt(venue.account().pendingNegative, 0);
        vault.setEnd(true, false);
        assertEq(venue.account().pendingNegative, 0);
        assertEq(venue.late(), LEG);
    }

    function test_lateLeg_letsTheNextLegGo() external {
        _goHomeDry();
        _becomeLate();
        (HyperEvmLegs.Leg leg, uint256 assets) = venue.advance();
        assertEq(uint256(leg), uint256(HyperEvmLegs.Leg.ToSpot));
        assertEq(assets, LEG);
    }
}
