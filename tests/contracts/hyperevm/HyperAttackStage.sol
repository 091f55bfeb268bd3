// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Leg, VenueMeasurement} from "../../../contracts/types/Rebalance.sol";
import {HyperEvmVenue} from "../../../contracts/venues/hyperevm/HyperEvmVenue.sol";
import {AttackFixture} from "../support/AttackFixture.sol";
import {HYPER_CORE, HyperCoreDouble} from "./HyperCoreDouble.sol";
import {HyperRolesStage} from "./HyperRolesStage.sol";

/// @notice A real vault of 200,000 USD whose hedge is on the double of HyperCore, with 100,000 of margin there and a canary that
///         has come back.
abstract contract HyperAttackStage is AttackFixture {
    uint256 internal constant SETTLE = 60;
    uint256 internal constant LATE = 1800;

    HyperCoreDouble internal core = HyperCoreDouble(HYPER_CORE);
    HyperEvmVenue internal hyper;

    function setUp() public virtual override {
        super.setUp();
        hyper = new HyperRolesStage().adapterOf(address(vault), access, token);
        _govern(address(registry), abi.encodeCall(registry.addVenue, (hyper)));
        _deposit(depositor, _units(200_000));
        source.set(0, 0);
        assertTrue(_attemptRebalance(_legOf(int256(_units(100_000)), 0)));
        _advance();
        _advance();
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(keeper);
            hyper.canary();
            _pass(1);
        }
    }

    function _legOf(int256 marginDelta, int256 sizeDelta) internal view returns (Leg[] memory legs) {
        legs = new Leg[](1);
        legs[0] = Leg(address(hyper), marginDelta, sizeDelta, 0);
    }

    /// @dev Another block: HyperCore does what is due.
    function _pass(uint256 elapsed) internal {
        vm.roll(vm.getBlockNumber() + 1);
        vm.warp(vm.getBlockTimestamp() + elapsed);
        core.step();
        _publish(hyper.indexPrice());
    }

    function _publishAll(uint256 price) internal {
        uint64 px = uint64(price / 1e16);
        core.setPrices(px, px, px, px);
        _publish(price);
    }

    function _advance() internal returns (bool isDone) {
        isDone = _attempt(attacker, address(hyper), abi.encodeCall(hyper.advance, ()));
        _pass(1);
    }

    function _recall(uint256 assets) internal {
        vm.prank(keeper);
        hyper.recall(assets);
    }

    /// @dev The book asks for a size on Hyperliquid, and the keeper for what is missing.
    function _ask(int256 size) internal returns (bytes32 orderId) {
        source.set(-size, -size);
        vm.warp(vm.getBlockTimestamp() + SECONDS_OF_COOLDOWN);
        _publish(hyper.indexPrice());
        assertTrue(_attemptRebalance(_legOf(0, size - hyper.size())), vm.toString(abi.encodePacked(_lastRefusal)));
        return hyper.openOrder();
    }

    function _open(int256 size) internal {
        _ask(size);
        _pass(1);
        assertEq(hyper.size(), size);
    }

    /// @dev So many USD leave HyperCore and do not come home.
    function _goHomeDry(uint256 usd) internal {
        _recall(_units(usd));
        _advance();
        core.setBridgeDry(true);
        _advance();
        assertEq(hyper.inFlight(), _units(usd));
    }

    function _becomeLate() internal {
        vm.warp(uint256(hyper.onItsWay().sentAt) + LATE);
        _publish(hyper.indexPrice());
        assertEq(hyper.inFlight(), 0);
    }

    function _fillAtTheLimit(bytes32 orderId) internal {
        core.setFill(10_000, uint64(hyper.order(orderId).limitPrice / 1e16));
        _pass(1);
        core.setFill(10_000, 0);
    }

    function _measuredHyper() internal view returns (VenueMeasurement memory) {
        return vault.measure().venues[1];
    }

    /// @dev From the double's own records and the token's, WAD USD, whatever adapter and vault say.
    function _wealth() internal view returns (int256) {
        (, uint64 spot, int64 lots,, int64 rawUsd) = core.users(address(hyper));
        (,,,,, uint64 mark,,,,) = core.market();
        int256 usd = rawUsd + lots * int64(mark) + int256(core.between(address(hyper)));
        usd += int256(token.balanceOf(address(hyper)) + token.balanceOf(address(vault)));
        return usd * 1e12 + int256(uint256(spot)) * 1e10;
    }
}
