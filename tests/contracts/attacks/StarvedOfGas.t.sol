// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AttackFixture} from "../support/AttackFixture.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";

/// @notice Calls given so little gas that an inner call runs out and the outer one goes on with the 64th that is left.
/// @dev Whoever sends a call chooses its gas: a relayer for a holder, a keeper, anyone who settles a queue. Where a failure
///      of a venue or a feed is answered for, want of gas must not be taken for it. Tries every amount in small steps.
contract StarvedOfGasTest is AttackFixture {
    uint256 private constant STEP = 5000;
    uint256 private constant MOST = 1_500_000;

    ScriptedVenue[] private _others;

    address private immutable relayer = makeAddr("relayer");

    function setUp() public override {
        super.setUp();
        _hedge();
        for (uint256 i = 1; i < registry.MAX_VENUES(); ++i) {
            _others.push(_addVenue()); // the dearer the measurement, the larger the 64th
        }
        vm.startPrank(depositor);
        vault.approve(relayer, type(uint256).max);
        vm.stopPrank();
    }

    function _call(address sender, bytes memory data, uint256 gas) private returns (bool done, bytes memory answer) {
        _coolDown(); // slots are as cold as at the start of a transaction
        vm.prank(sender);
        (done, answer) = address(vault).call{gas: gas}(data);
    }

    function _coolDown() private {
        vm.cool(address(vault));
        vm.cool(address(venue));
        vm.cool(address(token));
        for (uint256 i = 0; i < _others.length; ++i) {
            vm.cool(address(_others[i]));
        }
    }

    /// @dev The most by which `data` pays or charges other than the figure it has with gas enough.
    function _largestError(bytes memory data, uint256 fair) private returns (uint256 worst) {
        uint256 doneCount = 0;
        uint256 snapshot = vm.snapshotState();
        for (uint256 gas = 30_000; gas < MOST; gas += STEP) {
            (bool done, bytes memory answer) = _call(relayer, data, gas);
            vm.revertToState(snapshot);
            if (!done) continue;
            ++doneCount;
            uint256 found = abi.decode(answer, (uint256));
            uint256 apart = found > fair ? found - fair : fair - found;
            if (apart > worst) worst = apart;
        }
        assertGt(doneCount, 0, "with gas enough it works");
    }

    /// @dev A limit answers 0 because its measurement ran out of gas: a router that asks it turns a holder away.
    function test_maxWithdraw__starved__answersZero() external {
        uint256 fair = vault.maxWithdraw(depositor);
        _attackYieldsAtMost(_usd(_largestError(abi.encodeCall(vault.maxWithdraw, (depositor)), fair)), 0);
    }

    function test_maxRedeem__starved__answersZero() external {
        uint256 fair = vault.maxRedeem(depositor);
        _attackYieldsAtMost(_usd(_largestError(abi.encodeCall(vault.maxRedeem, (depositor)), fair)) / 1e6, 0);
    }

    function test_redeem__starved__isPaidInFullOrRefused() external {
        uint256 shares = _units(1000) * 1e6;
        bytes memory data = abi.encodeWithSignature("redeem(uint256,address,address)", shares, depositor, depositor);
        _attackYieldsAtMost(_usd(_largestError(data, vault.previewRedeem(shares))), 0);
    }

    function test_withdraw__starved__burnsNoMoreOrIsRefused() external {
        uint256 assets = _units(1000);
        bytes memory data = abi.encodeWithSignature("withdraw(uint256,address,address)", assets, depositor, depositor);
        _attackYieldsAtMost(_largestError(data, vault.previewWithdraw(assets)), 0);
    }

    function test_deposit__starved__buysNoMoreOrIsRefused() external {
        uint256 assets = _units(1000);
        token.mint(relayer, assets);
        vm.startPrank(relayer);
        token.approve(address(vault), assets);
        vm.stopPrank();
        bytes memory data = abi.encodeWithSignature("deposit(uint256,address)", assets, relayer);
        _attackYieldsAtMost(_largestError(data, vault.previewDeposit(assets)), 0);
    }

    /// @dev A keeper's trades that the rules refuse stay refused: the hedge is neither undone nor enlarged.
    function test_rebalance__starved__keepsItsRules() external {
        vm.warp(block.timestamp + SECONDS_OF_COOLDOWN);
        _publish(PRICE);
        uint256 moved = 0;
        uint256 snapshot = vm.snapshotState();
        for (uint256 gas = 60_000; gas < MOST; gas += 2 * STEP) {
            for (uint256 i = 0; i < 2; ++i) {
                bytes memory data = _rebalanceCall(_intent(bytes32(gas + i)), _leg(0, i == 0 ? -25e18 : int256(10e18)));
                (bool done,) = _call(keeper, data, gas);
                vm.revertToState(snapshot);
                if (done) ++moved;
            }
        }
        _attackYieldsAtMost(moved, 0);
    }
}
