// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IHedgeVault} from "../../../contracts/interfaces/IHedgeVault.sol";
import {Intent, Leg} from "../../../contracts/types/Rebalance.sol";
import {RedemptionQueue} from "../../../contracts/vault/RedemptionQueue.sol";
import {AttackFixture} from "../support/AttackFixture.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";

/// @notice A stolen keeper's key and a member who helps it, or a venue that falls silent in time.
contract ConspiraciesTest is AttackFixture {
    RedemptionQueue private queue;

    function setUp() public override {
        super.setUp();
        queue = new RedemptionQueue(IHedgeVault(address(vault)), 2000);
        _govern(address(vault), abi.encodeCall(vault.setRedemptionQueue, (address(queue))));
    }

    function _request(address account, uint256 shares) private returns (uint256 epochId) {
        vm.startPrank(account);
        vault.approve(address(queue), shares);
        epochId = queue.request(shares);
        vm.stopPrank();
    }

    function _equity() private view returns (uint256) {
        return uint256(_worthOf(venue, PRICE));
    }

    // HEDGE-126
    /// @dev The member asks for all that is idle, the keeper moves it, the member takes his request back. The figure is what
    ///      is missing from the idle floor, USD.
    function test_keeperAndMember__requestHidesIdle__emptyIt() external {
        _deposit(depositor, _units(100_000));
        _deposit(attacker, _units(100_000));
        _rebalance(_leg(int256(_units(100_000)), 0));
        uint256 epochId = _request(attacker, vault.balanceOf(attacker));
        _attemptRebalance(_leg(int256(_idle()), 0));
        vm.prank(attacker);
        queue.cancel(epochId, attacker);
        _attackYieldsAtMost(_gain(_usd(_idle()), 10_000e18), 0);
    }

    // HEDGE-224
    /// @dev The keeper loses what its budget allows of a NAV that is nine tenths the member's. He leaves, what was lost is a
    ///      larger part of the rest, and the breaker would free the keeper from the delta rule. The figure is underlying units.
    function test_keeperAndMember__exitTripsTheBreaker__sellTheHedge() external {
        _hedge();
        _deposit(attacker, _units(1_800_000));
        vm.warp(vm.getBlockTimestamp() + 1 hours);
        _publish(PRICE);
        guard.recordResult();
        venue.setCash(venue.cash() - 40_000e18); // 2 % of 2,000,000, and a fifth of 200,000
        _exit(attacker, _units(1_700_000));
        _attemptRebalance(_leg(0, -50e18));
        _attackYieldsAtMost(_gain(uint256(venue.size()), 50e18), 0);
    }

    // HEDGE-128
    /// @dev The keeper takes margin home until the leverage is all that is allowed. The next move of the price leads it above,
    ///      a quarter of the hedge is cut for it, and margin is free again. The figure is underlying units.
    function test_keeper__takesMarginAwayAndCutsForItsWant__sellsTheHedge() external {
        _hedge();
        _strip(new Leg[](1));
    }

    // HEDGE-128
    /// @dev The same with what it takes away on another venue.
    function test_keeper__takesMarginToAnotherVenueAndCutsForItsWant__sellsTheHedge() external {
        _hedge();
        Leg[] memory legs = new Leg[](2);
        legs[1].venue = address(_addVenue());
        _rebalance(_legOn(ScriptedVenue(legs[1].venue), int256(_units(140_000)), 0));
        _strip(legs);
    }

    function _strip(Leg[] memory legs) private {
        uint256 price = PRICE;
        for (uint256 i = 0; i < 12; ++i) {
            // At the lower end of the interval, which is half a percent wide, and a dollar more.
            int256 spare = venue.cash() + venue.size() * int256(price) / 1e18 * 9950 / 10_000;
            spare = (spare - venue.size() * int256(price) / 4e18 - 1e18) / 1e12;
            legs[0] = Leg(address(venue), -spare, 0, 0);
            if (legs.length == 2) legs[1].marginDelta = spare;
            _attemptRebalance(legs);
            vm.warp(vm.getBlockTimestamp() + SECONDS_OF_COOLDOWN);
            price = price * 9995 / 10_000;
            _publish(price);
            _attemptRebalance(_leg(0, -venue.size() * 24 / 100));
        }
        _attackYieldsAtMost(_gain(uint256(venue.size()), 50e18), 0);
    }

    // HEDGE-104, HEDGE-212
    /// @dev Whoever moves what a source counts lends it a book for one block, and takes it back. The figure is what is held
    ///      for nothing, underlying units: one rebalance's.
    function test_keeperAndHolder__bookOfOneBlock__buysAHedgeForNothing() external {
        _hedge();
        vm.warp(vm.getBlockTimestamp() + SECONDS_OF_COOLDOWN);
        _publish(PRICE);
        source.set(-500e18, -500e18);
        Intent memory intent = _nextIntent();
        Leg[] memory legs = _leg(int256(_units(50_000)), 60e18);
        _attemptOnVault(keeper, _rebalanceCall(intent, legs));
        _attemptOnVault(keeper, _rebalanceCall(intent, legs));
        source.set(-52e18, -48e18);
        assertGt(venue.size(), 50e18, "a book that the chain sees is hedged");
        _attackYieldsAtMost(_gain(50e18, uint256(venue.size())), guard.bounds().maxSizeDelta);
    }

    // HEDGE-107
    /// @dev The venue does not answer, and pays. The figure is the leverage left on it above what is allowed.
    function test_keeper__silentVenue__takesTheMarginFromUnderThePosition() external {
        _hedge();
        venue.setAnswerGas(2_000_000);
        _attemptRebalance(_leg(-int256(_units(45_000)), 0));
        _attackYieldsAtMost(_gain(4e18, 100_000e18 * 1e18 / _equity()), 0);
    }

    /// @dev A member enters after a forced removal, before the venue pays again. Deposits closed first, as the runbook has it,
    ///      leave him outside. The figure is what the others' margin brings him, USD.
    function test_member__forcedRemoval__takesPartInWhatComesHomeLater() external {
        _deposit(depositor, _units(200_000));
        _rebalance(_leg(int256(_units(50_000)), 0));
        venue.setHalted(true);
        assertTrue(_intervene(address(vault), abi.encodeCall(vault.lowerDepositCap, (0))));
        assertTrue(_attemptAsGovernor(address(registry), abi.encodeCall(registry.forceRemoveVenue, (venue))));
        bool isIn = _attemptDeposit(attacker, _units(1_000_000));
        venue.setHalted(false);
        vault.recoverMargin(venue);
        _attackYieldsAtMost(isIn ? _gain(1_000_000e18, _usd(_attemptExit(attacker))) : 0, 0);
        assertEq(_usd(_attemptExit(depositor)), 200_000e18);
    }

    // HEDGE-124
    /// @dev The same by anyone's hand, winding down.
    function test_stranger__silentVenue__takesTheMarginFromUnderThePosition() external {
        _hedge();
        _govern(address(vault), abi.encodeCall(vault.startWindDown, ()));
        venue.setAnswerGas(2_000_000);
        _attempt(attacker, address(vault), abi.encodeCall(vault.bringMarginHome, (venue, _units(45_000))));
        _attackYieldsAtMost(_gain(4e18, 100_000e18 * 1e18 / _equity()), 0);
    }
}
