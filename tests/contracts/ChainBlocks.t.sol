// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {RebalanceGuard} from "../../contracts/RebalanceGuard.sol";
import {IRebalanceGuard} from "../../contracts/interfaces/IRebalanceGuard.sol";
import {ChainBlocks} from "../../contracts/libraries/ChainBlocks.sol";
import {Intent, Leg} from "../../contracts/types/Rebalance.sol";
import {ArbSysDouble} from "./support/ArbSysDouble.sol";
import {TokenDouble} from "./support/Tokens.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-120 on a chain of Arbitrum's, where the EVM's own numbers are Ethereum's and its hashes of no block.
contract ChainBlocksTest is VaultFixture {
    uint256 private constant L2_BLOCK = 250_000_000;

    ArbSysDouble private _arbSys;

    function setUp() public override {
        vm.warp(START);
        vm.roll(START_BLOCK);
        vm.etch(address(ChainBlocks.ARB_SYS), type(ArbSysDouble).runtimeCode);
        _arbSys = ArbSysDouble(address(ChainBlocks.ARB_SYS));
        _arbSys.mine(L2_BLOCK);
        _deploy(new TokenDouble(6));
        _deposit(depositor, _units(200_000));
    }

    // HEDGE-120
    function test_rebalance_onArbitrum_acceptsAnIntentOfTheChainsOwnBlock() external {
        _send(_decidedOn(L2_BLOCK - 1), "");
        (, uint256 acceptedIn) = vault.lastIntent(keeper);
        assertEq(acceptedIn, L2_BLOCK);
        assertEq(venue.size(), 50e18);
    }

    // HEDGE-120
    function test_rebalance_onArbitrum_revertsIfTheIntentNamesABlockOfTheEvm() external {
        Intent memory intent = _intent("intent");
        _send(intent, _mismatch(intent, 0));
    }

    // HEDGE-120
    function test_rebalance_onArbitrum_revertsIfTheBlockWasReplaced() external {
        Intent memory intent = _decidedOn(L2_BLOCK - 1);
        _arbSys.reorganise();
        _send(intent, _mismatch(intent, _arbSys.arbBlockHash(L2_BLOCK - 1)));
    }

    // HEDGE-120
    function test_rebalance_onArbitrum_takesTheLast256BlocksAndNoOther() external {
        Intent memory intent = _decidedOn(L2_BLOCK - 1);
        _arbSys.mine(intent.blockNumber + 257);
        _send(intent, _mismatch(intent, 0));
        _arbSys.mine(intent.blockNumber);
        _send(intent, _mismatch(intent, 0));
        _arbSys.mine(intent.blockNumber + 256);
        _send(intent, "");
    }

    // HEDGE-104
    function test_rebalance_onArbitrum_revertsIfDecidedBeforeTheLastOne() external {
        _send(_decidedOn(L2_BLOCK - 1), "");
        vm.roll(START_BLOCK + 1000);
        Intent memory intent = _decidedOn(L2_BLOCK - 1);
        _arbSys.mine(L2_BLOCK + 1);
        _send(
            intent,
            abi.encodeWithSelector(IRebalanceGuard.IntentOutdated.selector, intent.id, intent.blockNumber, L2_BLOCK)
        );
    }

    // HEDGE-120
    function test_constructor_asksOnceWhichKindOfChainItIs() external {
        vm.etch(address(ChainBlocks.ARB_SYS), "");
        RebalanceGuard elsewhere = new RebalanceGuard(access, _bounds());
        vm.etch(address(ChainBlocks.ARB_SYS), hex"fe"); // something that answers nothing
        RebalanceGuard besideAnother = new RebalanceGuard(access, _bounds());
        vm.etch(address(ChainBlocks.ARB_SYS), type(ArbSysDouble).runtimeCode);
        Intent memory intent = _intent("intent");
        assertEq(elsewhere.requireFresh(intent, 0), START_BLOCK);
        assertEq(besideAnother.requireFresh(intent, 0), START_BLOCK);
        vm.expectRevert(_mismatch(intent, 0));
        guard.requireFresh(intent, 0);
    }

    function _decidedOn(uint256 number) private view returns (Intent memory) {
        return Intent("intent", number, _arbSys.arbBlockHash(number), START);
    }

    function _mismatch(Intent memory intent, bytes32 expected) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            IRebalanceGuard.BlockHashMismatch.selector, intent.blockNumber, intent.blockHash, expected
        );
    }

    /// @dev Expects the rebalance to revert with exactly `expectedError`, or to be accepted where that is empty.
    function _send(Intent memory intent, bytes memory expectedError) private {
        Leg[] memory legs = _leg(int256(_units(50_000)), 50e18);
        vm.prank(keeper);
        if (expectedError.length != 0) vm.expectRevert(expectedError);
        vault.rebalance(intent, legs);
    }
}
