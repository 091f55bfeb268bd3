// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IHedgeVault} from "../../contracts/interfaces/IHedgeVault.sol";
import {IRebalanceGuard} from "../../contracts/interfaces/IRebalanceGuard.sol";
import {Intent, Leg} from "../../contracts/types/Rebalance.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-103, HEDGE-104, HEDGE-120: in time, on the state it was decided on, and once.
contract HedgeVaultIntentsTest is VaultFixture {
    // HEDGE-103
    function test_rebalance_revertsIfDeadlinePassed() external {
        _deposit(depositor, _units(200_000));
        Intent memory intent = _nextIntent();
        intent.deadline = START - 1;
        vm.prank(keeper);
        vm.expectRevert(abi.encodeWithSelector(IRebalanceGuard.DeadlinePassed.selector, START, START - 1));
        vault.rebalance(intent, _leg(0, 1e18));
    }

    // HEDGE-104
    function test_rebalance_acceptsAnIntentOnce() external {
        _deposit(depositor, _units(200_000));
        Leg[] memory legs = _leg(int256(_units(1)), 0);
        Intent memory intent = _intent("intent");
        vm.startPrank(keeper);
        vault.rebalance(intent, legs);
        uint256 acceptedIn = vm.getBlockNumber();
        _expectOutdated(intent, acceptedIn);
        vault.rebalance(intent, legs);
        vm.roll(acceptedIn + 255); // the last block that knows its block
        _expectOutdated(intent, acceptedIn);
        vault.rebalance(intent, legs);
    }

    // HEDGE-104
    function test_rebalance_decidedBeforeTheKeepersLast_isOutdated() external {
        _deposit(depositor, _units(200_000));
        Leg[] memory legs = _leg(int256(_units(1)), 0);
        Intent memory first = _intent("first");
        Intent memory twin = _intent("twin");
        vm.startPrank(keeper);
        vault.rebalance(first, legs);
        uint256 acceptedIn = vm.getBlockNumber();
        vm.roll(acceptedIn + 1);
        _expectOutdated(twin, acceptedIn);
        vault.rebalance(twin, legs);
        vault.rebalance(_intent("next"), legs); // on the block that the first was accepted in
        (bytes24 idPrefix, uint256 blockNumber) = vault.lastIntent(keeper);
        assertEq(idPrefix, bytes24("next"));
        assertEq(blockNumber, acceptedIn + 1);
    }

    // HEDGE-104
    function test_rebalance_decidedBeforeAnotherKeepersMoveOfMargin_isAccepted() external {
        address other = _fundedWithAnotherKeeper();
        Intent memory intent = _intent("intent");
        vm.prank(keeper);
        vault.rebalance(intent, _leg(int256(_units(1)), 0));
        vm.prank(other);
        vault.rebalance(intent, _leg(int256(_units(1)), 0));
    }

    // HEDGE-104
    function test_rebalance_decidedBeforeAnotherKeepersTrade_reverts() external {
        address other = _fundedWithAnotherKeeper();
        source.set(-52e18, -50e18);
        Intent memory intent = _intent("intent");
        vm.prank(keeper);
        vault.rebalance(intent, _leg(int256(_units(60_000)), 40e18));
        uint256 tradedIn = vm.getBlockNumber();
        vm.roll(tradedIn + 1);
        vm.startPrank(other);
        _expectOutdated(intent, tradedIn);
        vault.rebalance(intent, _leg(0, 11e18));
        _expectOutdated(intent, tradedIn);
        vault.rebalance(intent, _leg(int256(_units(1)), 0));
        vault.rebalance(_intent("next"), _leg(0, 11e18)); // on the block of that trade
    }

    function _fundedWithAnotherKeeper() private returns (address other) {
        _deposit(depositor, _units(200_000));
        other = makeAddr("another keeper");
        _govern(address(access), abi.encodeCall(access.grantRole, (access.KEEPER_ROLE(), other, 0)));
    }

    function _expectOutdated(Intent memory intent, uint256 lastBlock) private {
        vm.expectRevert(
            abi.encodeWithSelector(IRebalanceGuard.IntentOutdated.selector, intent.id, intent.blockNumber, lastBlock)
        );
    }

    // HEDGE-104
    function test_rebalance_leavesNoIntentWhenItReverts() external {
        _deposit(depositor, _units(200_000));
        uint256 idle = vault.idleAssets();
        uint256 tooMuch = idle + 1;
        Intent memory intent = _intent("intent");
        vm.prank(keeper);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.IdleExceeded.selector, tooMuch, idle));
        vault.rebalance(intent, _leg(int256(tooMuch), 0));
        (bytes24 idPrefix, uint256 blockNumber) = vault.lastIntent(keeper);
        assertEq(idPrefix, 0);
        assertEq(blockNumber, 0);
    }

    // HEDGE-120
    function test_rebalance_revertsIfTheBlockItWasDecidedOnIsAnother() external {
        _deposit(depositor, _units(200_000));
        Intent memory intent = _nextIntent();
        Leg[] memory legs = _leg(int256(_units(50_000)), 50e18);
        bytes32 expected = intent.blockHash;
        intent.blockHash = keccak256("reorganised away");
        vm.prank(keeper);
        vm.expectRevert(
            abi.encodeWithSelector(
                IRebalanceGuard.BlockHashMismatch.selector, intent.blockNumber, intent.blockHash, expected
            )
        );
        vault.rebalance(intent, legs);
    }

    // HEDGE-120
    function test_rebalance_revertsIfDecidedMoreThan256BlocksAgo() external {
        _deposit(depositor, _units(200_000));
        Intent memory intent = _nextIntent();
        Leg[] memory legs = _leg(int256(_units(50_000)), 50e18);
        vm.roll(intent.blockNumber + 256);
        uint256 snapshot = vm.snapshotState();
        vm.prank(keeper);
        vault.rebalance(intent, legs);
        vm.revertToState(snapshot);
        vm.roll(intent.blockNumber + 257);
        vm.prank(keeper);
        vm.expectRevert(
            abi.encodeWithSelector(
                IRebalanceGuard.BlockHashMismatch.selector, intent.blockNumber, intent.blockHash, bytes32(0)
            )
        );
        vault.rebalance(intent, legs);
    }

    // HEDGE-120
    function test_rebalance_revertsIfItNamesThisBlockOrNoHash() external {
        Intent memory intent = _nextIntent();
        intent.blockNumber = vm.getBlockNumber();
        intent.blockHash = 0;
        vm.prank(keeper);
        vm.expectRevert(
            abi.encodeWithSelector(
                IRebalanceGuard.BlockHashMismatch.selector, intent.blockNumber, bytes32(0), bytes32(0)
            )
        );
        vault.rebalance(intent, _leg(0, 1e18));
    }
}
