// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGmxCallbacks} from "../../../contracts/venues/gmx/IGmxV2.sol";
import {VaultFixture} from "../support/VaultFixture.sol";
import {VenueScene} from "../support/VenueScene.sol";
import {GmxAttackStage} from "./GmxAttackStage.sol";

/// @notice HEDGE-579: turns of everybody around a vault that hedges at GMX.
contract GmxSceneTest is GmxAttackStage, VenueScene {
    function setUp() public override(VaultFixture, GmxAttackStage) {
        super.setUp();
    }

    function test_scene__turnsOfEverybody__navHoldsWhatIsThere() external {
        _play();
    }

    function _fillToleranceBps() internal pure override returns (uint256) {
        return 60; // what is opened is set in USD: at a price half a percent better it is larger
    }

    function _turnOfVenue() internal override returns (bool isForced) {
        handler.setDeaf(_next(2) == 0);
        vm.roll(vm.getBlockNumber() + 1);
        uint256 way = _next(8);
        vm.warp(vm.getBlockTimestamp() + 1 + _next(way == 7 ? 400 : 100));
        _publishAll(scenePrice);
        if (way < 4) stage.fill(_fairPrice());
        if (way == 4) stage.setImpact(_next(2e28), 5e26);
        if (way == 5) _attempt(attacker, address(gmxVenue), abi.encodeCall(gmxVenue.claimFunding, ()));
        if (way == 6) _tellWhatIsNot();
        bytes32 orderId = gmxVenue.openOrder();
        if (way == 7 && orderId != 0) {
            _attempt(attacker, address(gmxVenue), abi.encodeCall(gmxVenue.cancel, (orderId)));
        }
        if (_next(25) == 0 && gmxVenue.size() > 2e18) {
            bytes memory request =
                abi.encodeCall(handler.deleverage, (address(gmxVenue), true, 1000e30, scenePrice / 1e6));
            isForced = _attempt(attacker, address(handler), request);
        }
    }

    /// @dev Inside what the feed does not know.
    function _fairPrice() private returns (uint256) {
        return scenePrice * (9960 + _next(81)) / 10_000;
    }

    function _tellWhatIsNot() private {
        IGmxCallbacks.EventLogData memory nothing;
        vm.prank(address(handler));
        gmxVenue.afterOrderExecution(keccak256("what is not"), nothing, nothing);
    }

    function _closeAll() internal override {
        stage.setImpact(0, 0);
        if (gmxVenue.openOrder() != 0 && _next(2) == 0) stage.fill(_fairPrice());
        if (gmxVenue.openOrder() != 0) {
            vm.warp(vm.getBlockTimestamp() + EXPIRY);
            gmxVenue.cancel(gmxVenue.openOrder());
        }
        _publishAll(scenePrice);
        int256 held = gmxVenue.size();
        if (held == 0) return;
        vm.prank(address(vault));
        gmxVenue.execute(-held, held > 0 ? scenePrice / 2 : scenePrice * 2);
        stage.fill(scenePrice);
        assertEq(gmxVenue.size(), 0);
    }

    /// @dev Cash, ether, and what GMX holds back of the impact of closes.
    function _there() internal view override returns (int256) {
        assertEq(gmxVenue.openOrder(), 0);
        int256 beside = gmxVenue.account().equity - int256(token.balanceOf(address(gmxVenue)) * 1e12);
        assertGe(beside, 0);
        return int256((token.balanceOf(address(vault)) + token.balanceOf(address(gmxVenue))) * 1e12) + beside;
    }

    /// @dev Fees of 5 bps of what is held and asked for, and of three executions.
    function _closingCost() internal view override returns (uint256) {
        int256 held = gmxVenue.size();
        int256 asked = gmxVenue.order(gmxVenue.openOrder()).sizeDelta;
        uint256 size = uint256(held > 0 ? held : -held) + uint256(asked > 0 ? asked : -asked);
        return size * scenePrice / 1e18 * 6 / 10_000 + 3e18;
    }
}
