// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {VaultFixture} from "../support/VaultFixture.sol";
import {VenueScene} from "../support/VenueScene.sol";
import {HyperAttackStage} from "./HyperAttackStage.sol";

/// @notice HEDGE-599: turns of everybody around a vault that hedges at Hyperliquid, over a bridge that runs dry now and then.
contract HyperSceneTest is HyperAttackStage, VenueScene {
    uint256 private lates;

    function setUp() public override(VaultFixture, HyperAttackStage) {
        super.setUp();
    }

    function test_scene__turnsOfEverybody__navHoldsWhatIsThere() external {
        _play();
        assertGt(lates, 0, "legs are late");
    }

    function _fillToleranceBps() internal pure override returns (uint256) {
        return 0;
    }

    function _turnOfVenue() internal override returns (bool isForced) {
        uint256 way = _next(12);
        if (way < 5) _advanceScene();
        if (way == 5) core.setBridgeDry(_next(2) == 0);
        if (way == 6) core.setHolding(_next(3) == 0);
        if (way == 7) core.setRefusing(uint24(_next(2) == 0 ? 1 : 7), _next(3) == 0);
        if (way == 8) core.setFill(uint64(1000 + _next(9001)), 0);
        if (way == 9) _recall(_next(3) == 0 ? 0 : _next(_units(30_000)));
        if (way == 10) _advanceScene();
        bytes32 orderId = hyper.openOrder();
        if (way == 11 && orderId != 0) _attempt(attacker, address(hyper), abi.encodeCall(hyper.cancel, (orderId)));
        _passScene(1 + _next(way == 10 ? LATE : SETTLE));
        if (hyper.late() != 0) ++lates;
        int256 held = hyper.size();
        if (_next(25) == 0 && hyper.openOrder() == 0 && held > 2e18) {
            core.deleverage(address(hyper), -5000, uint64(scenePrice / 1e16));
            isForced = true;
        }
    }

    function _advanceScene() private {
        _attempt(attacker, address(hyper), abi.encodeCall(hyper.advance, ()));
    }

    function _passScene(uint256 elapsed) private {
        vm.roll(vm.getBlockNumber() + 1);
        vm.warp(vm.getBlockTimestamp() + elapsed);
        core.step();
        _publishAll(scenePrice);
    }

    /// @dev HyperCore and the bridge work again.
    function _closeAll() internal override {
        core.setBridgeDry(false);
        core.setHolding(false);
        core.setRefusing(1, _next(2) == 0);
        core.setRefusing(7, false);
        core.setFill(10_000, 0);
        _passScene(2 * SETTLE);
        core.setRefusing(1, false);
        assertEq(hyper.openOrder(), 0);
        int256 held = hyper.size();
        if (held != 0) {
            vm.prank(address(vault));
            hyper.execute(-held, held > 0 ? scenePrice * 9 / 10 : scenePrice * 11 / 10);
            _passScene(1);
            assertEq(hyper.size(), 0);
        }
        _recall(type(uint256).max);
        for (uint256 i = 0; i < 6; ++i) {
            _advanceScene();
            _passScene(SETTLE);
        }
    }

    function _there() internal view override returns (int256) {
        return _wealth();
    }

    /// @dev Fees of 4.5 bps of what is held and asked for.
    function _closingCost() internal view override returns (uint256) {
        int256 held = hyper.size();
        int256 asked = hyper.order(hyper.openOrder()).sizeDelta;
        uint256 size = uint256(held > 0 ? held : -held) + uint256(asked > 0 ? asked : -asked);
        return size * scenePrice / 1e18 * 5 / 10_000 + 1e13;
    }
}
