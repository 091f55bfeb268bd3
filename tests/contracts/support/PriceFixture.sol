// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {VaultAccess} from "../../../contracts/governance/VaultAccess.sol";
import {IPriceOracle} from "../../../contracts/interfaces/IPriceOracle.sol";
import {PriceOracle} from "../../../contracts/oracles/PriceOracle.sol";
import {AggregatorDouble} from "../../../contracts/test/AggregatorDouble.sol";
import {PriceLimits, PriceSources} from "../../../contracts/types/Prices.sol";
import {PriceDefaults} from "./PriceDefaults.sol";
import {ScriptedPriceSource} from "./ScriptedPriceSource.sol";

/// @notice An oracle with all four feeds, healthy.
abstract contract PriceFixture is Test {
    uint256 internal constant START = 1_722_500_000; // Unix seconds
    uint256 internal constant PRICE = 2000e18;

    address internal governor = makeAddr("governor");
    address internal guardian = makeAddr("guardian");
    VaultAccess internal access;
    ScriptedPriceSource internal primary;
    ScriptedPriceSource internal secondary;
    ScriptedPriceSource internal collateral;
    AggregatorDouble internal sequencer;
    PriceOracle internal oracle;

    function setUp() public virtual {
        vm.warp(START);
        access = new VaultAccess(governor); // it has not handed over: what it sets waits for nothing
        vm.mockCall(address(access), abi.encodeCall(access.requireGuardian, (guardian)), "");
        primary = new ScriptedPriceSource(PRICE);
        secondary = new ScriptedPriceSource(PRICE);
        collateral = new ScriptedPriceSource(1e18);
        sequencer = new AggregatorDouble(0, 0);
        sequencer.updateStartedAt(START - 1 days);
        oracle = new PriceOracle(access, _sources(), PriceDefaults.limits());
    }

    function _sources() internal view returns (PriceSources memory) {
        return PriceSources(primary, secondary, collateral, address(sequencer));
    }

    function _setSources(PriceSources memory next) internal {
        vm.prank(governor);
        oracle.setSources(next);
    }

    function _setLimits(PriceLimits memory next) internal {
        vm.prank(governor);
        oracle.setPriceLimits(next);
    }

    function _faults() internal view returns (uint256) {
        return oracle.read().faults;
    }

    /// @dev `price` reverts with exactly `expectedError`, and `read` has exactly `faults`.
    function _expectFault(uint256 faults, bytes memory expectedError) internal {
        assertEq(_faults(), faults);
        vm.expectRevert(expectedError);
        oracle.price();
    }

    function _expectFault(uint256 faults, bytes4 selector, uint256 first, uint256 second) internal {
        _expectFault(faults, abi.encodeWithSelector(selector, first, second));
    }

    function _expectFault(uint256 faults, bytes4 selector, uint256 first, uint256 second, uint256 third) internal {
        _expectFault(faults, abi.encodeWithSelector(selector, first, second, third));
    }

    /// @dev Faults of the collateral leave the price alone.
    function _expectCollateralFault(uint256 faults) internal view {
        IPriceOracle.Reading memory reading = oracle.read();
        assertEq(reading.faults, faults);
        assertEq(reading.faults & oracle.PRICE_FAULTS(), 0);
        (uint256 price,) = oracle.price();
        assertEq(price, PRICE);
    }
}
