// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IRebalanceGuard} from "../../contracts/interfaces/IRebalanceGuard.sol";
import {IVaultAccess} from "../../contracts/interfaces/IVaultAccess.sol";
import {Vm} from "forge-std/Vm.sol";
import {RescueDesk} from "../../contracts/relay/RescueDesk.sol";
import {Intent, Leg} from "../../contracts/types/Rebalance.sol";
import {PaidAccount} from "./support/RelayDoubles.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-541 .. HEDGE-549: rebalances by anyone while the keepers are silent.
contract RescueDeskTest is VaultFixture {
    uint256 private constant BASE_FEE = 20 gwei;
    uint256 private constant SILENCE = 1 hours;

    RescueDesk private desk;
    address private rescuer = makeAddr("rescuer");

    function setUp() public override {
        super.setUp();
        desk = new RescueDesk(access, vault, guard, _terms());
        _govern(address(access), abi.encodeCall(access.grantRole, (access.KEEPER_ROLE(), address(desk), 0)));
        vm.fee(BASE_FEE);
        vm.deal(address(desk), 1 ether);
        _deposit(depositor, _units(200_000));
    }

    function _terms() private pure returns (RescueDesk.Terms memory) {
        return RescueDesk.Terms({
            silenceSeconds: uint32(SILENCE), maxGas: 3_000_000, maxWei: 0.1 ether, maxWeiPerDay: 0.15 ether
        });
    }

    function _setTerms(RescueDesk.Terms memory terms) private {
        _govern(address(desk), abi.encodeCall(desk.setTerms, (terms)));
    }

    /// @dev The keepers say nothing; the price feed goes on.
    function _fallSilent() private {
        vm.warp(vm.getBlockTimestamp() + SILENCE);
        _publish(PRICE);
    }

    function _rescueLegs() private view returns (Leg[] memory) {
        return _leg(int256(_units(50_000)), 50e18); // W from 52 to 2
    }

    function _rescue(Leg[] memory legs) private returns (uint256 paid) {
        Intent memory intent = _nextIntent();
        vm.prank(rescuer);
        return desk.rescue(intent, legs);
    }

    function _rescueExpecting(Leg[] memory legs, bytes memory expectedError) private {
        Intent memory intent = _nextIntent();
        vm.prank(rescuer);
        vm.expectRevert(expectedError);
        desk.rescue(intent, legs);
    }

    // HEDGE-541
    function test_rescue_silentAndUrgentLowersWAndPaysTheGas() external {
        _fallSilent();
        uint256 gasBefore = gasleft();
        uint256 paid = _rescue(_rescueLegs());
        uint256 gasUsed = gasBefore - gasleft();
        assertEq(venue.size(), 50e18);
        assertEq(rescuer.balance, paid);
        assertEq(address(desk).balance, 1 ether - paid);
        assertLt(paid, gasUsed * BASE_FEE * 4 / 5);
        assertGt(paid, (gasUsed - 100_000) * BASE_FEE * 4 / 5); // all but the payment and this test's own calls
        assertEq(guard.keeperBudget(address(desk)).turnoverUsed, 100_000e18);
    }

    // HEDGE-541
    function test_rescue_beforeTheSilenceIsOverReverts() external {
        assertEq(desk.silentFrom(), START + SILENCE);
        vm.warp(START + SILENCE - 1);
        _publish(PRICE);
        _rescueExpecting(
            _rescueLegs(),
            abi.encodeWithSelector(RescueDesk.KeepersNotSilent.selector, START + SILENCE - 1, START + SILENCE)
        );
        _rebalance(_leg(int256(_units(50_000)), 20e18)); // a keeper speaks
        vm.warp(START + 2 * SILENCE - 2);
        _publish(PRICE);
        _rescueExpecting(
            _leg(0, 20e18),
            abi.encodeWithSelector(
                RescueDesk.KeepersNotSilent.selector, START + 2 * SILENCE - 2, START + 2 * SILENCE - 1
            )
        );
        vm.warp(START + 2 * SILENCE - 1);
        _rescue(_leg(0, 20e18));
    }

    // HEDGE-541
    function test_rescue_afterAnotherRescueNeedsNoNewSilence() external {
        _fallSilent();
        _rescue(_leg(int256(_units(50_000)), 20e18)); // 52 to 32
        _rescue(_leg(0, 20e18)); // 32 to 12
        assertEq(venue.size(), 40e18);
    }

    // HEDGE-541
    function test_rescue_afterAKeeperTradedAgainNeedsANewSilence() external {
        _fallSilent();
        _rescue(_leg(int256(_units(50_000)), 10e18));
        vm.warp(vm.getBlockTimestamp() + 1);
        _rebalance(_leg(0, 10e18));
        uint256 timestamp = vm.getBlockTimestamp();
        _rescueExpecting(
            _leg(0, 10e18), abi.encodeWithSelector(RescueDesk.KeepersNotSilent.selector, timestamp, timestamp + SILENCE)
        );
    }

    // HEDGE-542
    function test_rescue_notUrgentReverts() external {
        _rebalance(_leg(int256(_units(50_000)), 33e18));
        _fallSilent();
        _rescueExpecting(_leg(0, 10e18), abi.encodeWithSelector(RescueDesk.NotUrgent.selector, 19e18, 20e18));
        source.set(-53e18, -48e18);
        _rescue(_leg(0, 10e18));
    }

    // HEDGE-542
    function test_rescue_movesMarginAloneReverts() external {
        _fallSilent();
        _rescueExpecting(
            _leg(int256(_units(50_000)), 0), abi.encodeWithSelector(RescueDesk.NotUrgent.selector, 0, 20e18)
        );
    }

    // HEDGE-542
    function test_rescue_wNotLowerReverts() external {
        _rebalance(_leg(int256(_units(50_000)), 20e18));
        vm.prank(guardian);
        registry.closeVenue(venue); // the guard lets a keeper close what is to be closed, though W rises
        _fallSilent();
        _rescueExpecting(_leg(0, -10e18), abi.encodeWithSelector(RescueDesk.NoRescue.selector, 32e18, 42e18));
    }

    // HEDGE-542
    function test_rescue_byAnOrder_countsWhatItDoesOnceFilled() external {
        venue.setLater(true, 10);
        _fallSilent();
        assertGt(_rescue(_rescueLegs()), 0); // W is 52 until the order has filled
        venue.settle(venue.openOrder(), "");
        assertEq(venue.size(), 50e18);
    }

    // HEDGE-542
    function test_rescue_byAnOrderThatNobodyMayFill_reverts() external {
        _fallSilent();
        Leg[] memory legs = _rescueLegs();
        legs[0].limitPrice = 2001e18;
        _rescue(legs); // filled at once, a limit of one's own is no harm
        venue.setSize(0);
        venue.setCash(50_000e18);
        venue.setLater(true, 10);
        legs[0].marginDelta = 0;
        _rescueExpecting(legs, abi.encodeWithSelector(RescueDesk.OrderWithOwnLimit.selector, 0, 2001e18));
    }

    // HEDGE-542
    function test_rescue_wAsItWasReverts() external {
        _rebalance(_leg(int256(_units(50_000)), 20e18));
        vm.prank(guardian);
        registry.closeVenue(venue);
        source.set(-57e18, 23e18); // 3 above the middle, then 3 below it
        _fallSilent();
        _rescueExpecting(_leg(0, -6e18), abi.encodeWithSelector(RescueDesk.NoRescue.selector, 43e18, 43e18));
    }

    // HEDGE-542
    function test_rescue_guardRefusesRevertsUnpaid() external {
        _fallSilent();
        venue.setExecution(PRICE * 102 / 100, 0, true);
        _rescueExpecting(
            _rescueLegs(),
            abi.encodeWithSelector(IRebalanceGuard.SlippageExceeded.selector, PRICE * 102 / 100, PRICE * 1005 / 1000)
        );
        assertEq(address(desk).balance, 1 ether);
    }

    // HEDGE-543
    function test_rescue_gasWastedIsPaidUpToTheCaps() external {
        _fallSilent();
        Leg[] memory legs = new Leg[](400); // margin in and out, for the gas of it
        legs[0] = _rescueLegs()[0];
        for (uint256 i = 1; i < legs.length; ++i) {
            legs[i] = Leg(address(venue), i % 2 == 1 ? int256(1) : -1, 0, 0);
        }
        uint256 gasBefore = gasleft();
        uint256 paid = _rescue(legs);
        assertGt(gasBefore - gasleft(), 3_000_000);
        assertEq(paid, 3_000_000 * BASE_FEE * 4 / 5);
    }

    // HEDGE-543
    function test_rescue_baseFeeHighIsPaidUpToTheCapInWei() external {
        vm.fee(10_000 gwei);
        _fallSilent();
        assertEq(_rescue(_rescueLegs()), 0.1 ether);
    }

    // HEDGE-543
    function test_rescue_severalInADayArePaidUpToTheCapOfTheDay() external {
        vm.fee(10_000 gwei);
        _fallSilent();
        assertEq(_rescue(_leg(int256(_units(50_000)), 10e18)), 0.1 ether);
        assertEq(_rescue(_leg(0, 10e18)), 0.05 ether);
        assertEq(_rescue(_leg(0, 10e18)), 0);
        assertEq(desk.paidOn(vm.getBlockTimestamp() / 1 days), 0.15 ether);
        vm.warp(vm.getBlockTimestamp() + 1 days);
        _publish(PRICE);
        source.set(-72e18, -68e18);
        assertEq(_rescue(_leg(0, 10e18)), 0.1 ether);
    }

    // HEDGE-544
    function test_rescue_tankEmptyWorksUnpaid() external {
        vm.deal(address(desk), 0);
        _fallSilent();
        assertEq(_rescue(_rescueLegs()), 0);
        assertEq(venue.size(), 50e18);
    }

    // HEDGE-543
    function test_rescue_tankNearlyEmptyPaysWhatIsLeft() external {
        vm.deal(address(desk), 1000);
        _fallSilent();
        assertEq(_rescue(_rescueLegs()), 1000);
        assertEq(rescuer.balance, 1000);
    }

    // HEDGE-544
    function test_rescue_unpaidCallsNobody() external {
        vm.deal(address(desk), 0);
        _fallSilent();
        vm.expectCall(rescuer, "", 0);
        assertEq(_rescue(_rescueLegs()), 0);
    }

    // HEDGE-544
    function test_rescue_paymentHasTheGasOfALogAndNoMore() external {
        _fallSilent();
        vm.expectCall(rescuer, 0.1 ether, 20_000, ""); // beside what the chain grants with ether
        vm.fee(10_000 gwei);
        _rescue(_rescueLegs());
    }

    // HEDGE-544
    function test_rescue_rescuerTakesNoEtherWorksUnpaid() external {
        _fallSilent();
        PaidAccount account = new PaidAccount();
        account.script(address(0), "", true);
        account.call(address(desk), abi.encodeCall(desk.rescue, (_nextIntent(), _rescueLegs())));
        assertEq(venue.size(), 50e18);
        assertEq(address(desk).balance, 1 ether);
        assertEq(desk.paidOn(vm.getBlockTimestamp() / 1 days), 0);
    }

    // HEDGE-545
    function test_rescue_isNotEnteredTwice() external {
        _fallSilent();
        PaidAccount account = new PaidAccount();
        bytes memory again = abi.encodeCall(desk.rescue, (_nextIntent(), _leg(0, 10e18)));
        venue.setCall(address(desk), again);
        account.call(address(desk), abi.encodeCall(desk.rescue, (_nextIntent(), _rescueLegs())));
        assertFalse(venue.lastCallSucceeded());
        assertEq(
            venue.lastAnswer(), abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector)
        );
    }

    // HEDGE-545
    function test_rescue_paymentCallsBackIsNotEntered() external {
        _fallSilent();
        PaidAccount account = new PaidAccount();
        account.script(address(desk), abi.encodeCall(desk.rescue, (_nextIntent(), _leg(0, 1e18))), false);
        uint256 tank = address(desk).balance;
        bytes memory answer = account.call(
            address(desk), abi.encodeCall(desk.rescue, (_nextIntent(), _leg(int256(_units(50_000)), 20e18)))
        );
        assertEq(tank - address(desk).balance, abi.decode(answer, (uint256)));
        assertFalse(account.lastCallSucceeded());
        assertEq(venue.size(), 20e18);
    }

    // HEDGE-545
    function test_withdraw_receiverCallsBackIsNotEntered() external {
        _fallSilent();
        PaidAccount account = new PaidAccount();
        account.script(address(desk), abi.encodeCall(desk.rescue, (_nextIntent(), _rescueLegs())), false);
        _govern(address(desk), abi.encodeCall(desk.withdraw, (1, payable(address(account)))));
        assertEq(
            account.lastAnswer(), abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector)
        );
    }

    // HEDGE-546
    function test_tank_anyoneFillsGovernorAloneWithdraws() external {
        vm.deal(attacker, 2 ether);
        vm.startPrank(attacker);
        (bool isPaid,) = address(desk).call{value: 2 ether}("");
        assertTrue(isPaid);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, attacker));
        desk.withdraw(1, payable(attacker));
        vm.stopPrank();
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, guardian));
        desk.withdraw(1, payable(guardian));
        _govern(address(desk), abi.encodeCall(desk.withdraw, (3 ether, payable(depositor))));
        assertEq(depositor.balance, 3 ether);
        PaidAccount account = new PaidAccount();
        account.script(address(0), "", true);
        _governExpecting(
            address(desk),
            abi.encodeCall(desk.withdraw, (0, payable(address(account)))),
            abi.encodeWithSelector(RescueDesk.WithdrawalFailed.selector, account, 0)
        );
    }

    // HEDGE-547
    function test_setTerms_governorAloneInsideTheHardLimits() external {
        RescueDesk.Terms memory t = _terms();
        t.silenceSeconds = 15 minutes;
        t.maxGas = 10_000_000;
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, guardian));
        desk.setTerms(t);
        _setTerms(t);
        (uint32 silenceSeconds, uint32 maxGas,,) = desk.terms();
        assertEq(silenceSeconds, 15 minutes);
        assertEq(maxGas, 10_000_000);
        t.silenceSeconds = 15 minutes - 1;
        _governExpecting(
            address(desk),
            abi.encodeCall(desk.setTerms, (t)),
            abi.encodeWithSelector(RescueDesk.SilenceOutOfRange.selector, 15 minutes - 1, 15 minutes, 2 days)
        );
        t.silenceSeconds = 2 days + 1;
        _governExpecting(
            address(desk),
            abi.encodeCall(desk.setTerms, (t)),
            abi.encodeWithSelector(RescueDesk.SilenceOutOfRange.selector, 2 days + 1, 15 minutes, 2 days)
        );
        t.silenceSeconds = 2 days;
        t.maxGas = 10_000_001;
        _governExpecting(
            address(desk),
            abi.encodeCall(desk.setTerms, (t)),
            abi.encodeWithSelector(RescueDesk.MaxGasOutOfRange.selector, 10_000_001, 10_000_000)
        );
    }

    // HEDGE-547
    function test_tightenTerms_guardianNeverLoosens() external {
        RescueDesk.Terms memory t = _terms();
        vm.prank(attacker);
        vm.expectRevert(abi.encodeWithSelector(IVaultAccess.NotGuardian.selector, attacker));
        desk.tightenTerms(t);
        vm.startPrank(guardian);
        t.silenceSeconds -= 1;
        vm.expectRevert(abi.encodeWithSelector(RescueDesk.TermLooser.selector, bytes32("silenceSeconds"), 3599, 3600));
        desk.tightenTerms(t);
        t = _terms();
        t.maxGas += 1;
        vm.expectRevert(abi.encodeWithSelector(RescueDesk.TermLooser.selector, bytes32("maxGas"), 3_000_001, 3_000_000));
        desk.tightenTerms(t);
        t = _terms();
        t.maxWei += 1;
        vm.expectRevert(
            abi.encodeWithSelector(RescueDesk.TermLooser.selector, bytes32("maxWei"), 0.1 ether + 1, 0.1 ether)
        );
        desk.tightenTerms(t);
        t = _terms();
        t.maxWeiPerDay += 1;
        vm.expectRevert(
            abi.encodeWithSelector(RescueDesk.TermLooser.selector, bytes32("maxWeiPerDay"), 0.15 ether + 1, 0.15 ether)
        );
        desk.tightenTerms(t);
        desk.tightenTerms(_terms()); // as they are
        desk.tightenTerms(RescueDesk.Terms(2 days, 0, 0, 0));
        vm.stopPrank();
        vm.warp(START + 2 days);
        _publish(PRICE);
        assertEq(_rescue(_rescueLegs()), 0);
    }

    // HEDGE-541
    function test_rescued_tellsWBeforeAndAfterAndWhatWasPaid() external {
        _fallSilent();
        vm.recordLogs();
        uint256 paid = _rescue(_rescueLegs());
        Vm.Log[] memory logs = vm.getRecordedLogs();
        Vm.Log memory last = logs[logs.length - 1];
        assertEq(last.topics[0], RescueDesk.Rescued.selector);
        assertEq(address(uint160(uint256(last.topics[2]))), rescuer);
        (uint256 worstBefore, uint256 worstAfter, uint256 gasUsed, uint256 paidSaid) =
            abi.decode(last.data, (uint256, uint256, uint256, uint256));
        assertEq(worstBefore, 52e18);
        assertEq(worstAfter, 2e18);
        assertEq(paidSaid, paid);
        assertEq(gasUsed * BASE_FEE * 4 / 5, paid);
    }

    function test_tank_emitsWhatCameAndWent() external {
        vm.deal(rescuer, 3);
        vm.expectEmit(address(desk));
        emit RescueDesk.TankFilled(rescuer, 3);
        vm.prank(rescuer);
        (bool isDone,) = address(desk).call{value: 3}("");
        assertTrue(isDone);
        _scheduleAs(governor, address(desk), abi.encodeCall(desk.withdraw, (3, payable(rescuer))));
        vm.expectEmit(address(desk));
        emit RescueDesk.TankWithdrawn(rescuer, 3);
        vm.prank(governor);
        desk.withdraw(3, payable(rescuer));
        assertEq(rescuer.balance, 3);
    }

    function test_setTerms_emitsOldAndNew() external {
        RescueDesk.Terms memory next = _terms();
        next.maxWei = 0.05 ether;
        vm.expectEmit(address(desk));
        emit RescueDesk.TermsSet(_terms(), next);
        vm.prank(guardian);
        desk.tightenTerms(next);
    }
}
