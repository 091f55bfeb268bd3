// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {HyperEvmVenue} from "../../../contracts/venues/hyperevm/HyperEvmVenue.sol";
import {LaterVenueStage} from "../support/LaterVenueStage.sol";
import {HYPER_CORE, HyperCoreDouble} from "./HyperCoreDouble.sol";
import {HyperRolesStage} from "./HyperRolesStage.sol";

/// @notice A real vault of 200,000 USD whose hedge is on the double of HyperCore, with 100,000 of margin there and a canary that
///         has come back.
abstract contract HyperAttackStage is LaterVenueStage {
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

    function _later() internal view override returns (IPerpVenue) {
        return hyper;
    }

    /// @dev Another block: HyperCore does what is due.
    function _pass(uint256 elapsed) internal override {
        vm.roll(vm.getBlockNumber() + 1);
        vm.warp(vm.getBlockTimestamp() + elapsed);
        core.step();
        _publish(hyper.indexPrice());
    }

    function _publishAll(uint256 price) internal override {
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

    function _fillAtTheLimit() internal override {
        core.setFill(10_000, uint64(hyper.order(hyper.openOrder()).limitPrice / 1e16));
        _pass(1);
        core.setFill(10_000, 0);
    }

    /// @dev From the double's own records and the token's, WAD USD, whatever adapter and vault say.
    function _wealth() internal view override returns (int256) {
        (, uint64 spot, int64 lots,, int64 rawUsd) = core.users(address(hyper));
        (,,,,, uint64 mark,,,,) = core.market();
        int256 usd = rawUsd + lots * int64(mark) + int256(core.between(address(hyper)));
        usd += int256(token.balanceOf(address(hyper)) + token.balanceOf(address(vault)));
        return usd * 1e12 + int256(uint256(spot)) * 1e10;
    }
}
