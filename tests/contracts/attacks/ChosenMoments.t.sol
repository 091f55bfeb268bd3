// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IHedgeVault} from "../../../contracts/interfaces/IHedgeVault.sol";
import {RedemptionQueue} from "../../../contracts/vault/RedemptionQueue.sol";
import {ShareFees} from "../../../contracts/vault/ShareFees.sol";
import {AttackFixture} from "../support/AttackFixture.sol";

/// @notice What has waited for its delay may run at any time of a week, and of a DAO anyone chooses the moment.
contract ChosenMomentsTest is AttackFixture {
    address private immutable recipient = makeAddr("recipient");

    // HEDGE-055
    /// @dev A fee on gains is first set while a venue does not answer: that it answers again would be the gain. The figure is
    ///      what the recipient gets, USD.
    function test_fees__setWhileAVenueIsSilent__takePartOfItsReturn() external {
        ShareFees fees = new ShareFees(access, vault);
        _govern(address(vault), abi.encodeCall(vault.setShareFees, (fees)));
        _hedge();
        venue.setHalted(true);
        _attemptAsGovernor(address(fees), abi.encodeCall(fees.setFees, (0, 2000, recipient)));
        venue.setHalted(false);
        vault.accrueFees();
        _attackYieldsAtMost(_usd(vault.previewRedeem(vault.balanceOf(recipient))), 0);
    }

    /// @dev A member enters as soon as a venue is removed by force that pays after all. The figure is his gain, USD.
    function test_member__forcedRemoval__buysWithoutTheVenue() external {
        _deposit(depositor, _units(200_000));
        _rebalance(_leg(int256(_units(100_000)), 0));
        _attemptAsGovernor(address(registry), abi.encodeCall(registry.forceRemoveVenue, (venue)));
        bool isIn = _attemptDeposit(attacker, _units(1_000_000));
        _attempt(attacker, address(vault), abi.encodeCall(vault.recoverMargin, (venue)));
        _attackYieldsAtMost(isIn ? _gain(1_000_000e18, _usd(_attemptExit(attacker))) : 0, 0);
    }

    /// @dev The same of a venue that does not answer yet, where nobody has closed deposits.
    function test_member__forcedRemovalOfASilentVenue__buysWithoutTheVenue() external {
        _deposit(depositor, _units(200_000));
        _rebalance(_leg(int256(_units(100_000)), 0));
        venue.setHalted(true);
        _attemptAsGovernor(address(registry), abi.encodeCall(registry.forceRemoveVenue, (venue)));
        bool isIn = _attemptDeposit(attacker, _units(1_000_000));
        venue.setHalted(false);
        _attempt(attacker, address(vault), abi.encodeCall(vault.recoverMargin, (venue)));
        _attackYieldsAtMost(isIn ? _gain(1_000_000e18, _usd(_attemptExit(attacker))) : 0, 0);
    }

    /// @dev The queue is served as soon as a venue is removed by force that pays after all. The figure is what those who wait
    ///      lose to those who stay, USD.
    function test_member__forcedRemoval__hasTheQueueServedWithoutTheVenue() external {
        RedemptionQueue queue = new RedemptionQueue(IHedgeVault(address(vault)), 2000);
        _govern(address(vault), abi.encodeCall(vault.setRedemptionQueue, (address(queue))));
        _deposit(depositor, _units(100_000));
        _deposit(attacker, _units(100_000));
        _rebalance(_leg(int256(_units(100_000)), 0));
        vm.startPrank(depositor);
        vault.approve(address(queue), type(uint256).max);
        uint256 epochId = queue.request(vault.balanceOf(depositor));
        vm.stopPrank();
        _attemptAsGovernor(address(registry), abi.encodeCall(registry.forceRemoveVenue, (venue)));
        _attempt(attacker, address(queue), abi.encodeCall(queue.serve, ()));
        _attempt(attacker, address(vault), abi.encodeCall(vault.recoverMargin, (venue)));
        _attempt(attacker, address(queue), abi.encodeCall(queue.serve, ()));
        _attackYieldsAtMost(_gain(_usd(queue.claimableAssets(epochId, depositor)), 100_000e18), 0);
    }
}
