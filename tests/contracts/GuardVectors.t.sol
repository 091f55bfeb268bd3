// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {VmSafe} from "forge-std/Vm.sol";
import {IRebalanceGuard} from "../../contracts/interfaces/IRebalanceGuard.sol";
import {GuardRules} from "../../contracts/libraries/GuardRules.sol";
import {Budget} from "../../contracts/types/Rebalance.sol";
import {GuardVectorReader, Scenario} from "./support/GuardVectorReader.sol";

/// @notice HEDGE-211, HEDGE-212, HEDGE-213, HEDGE-214, HEDGE-215, HEDGE-216, HEDGE-217, HEDGE-218, HEDGE-219, HEDGE-220:
///         every rule at its edge, from the vectors that `agent/guard.py` runs too.
contract GuardVectorsTest is GuardVectorReader {
    string private constant FOLDER = "tests/vectors/guard";

    /// @dev As many as were there when this was written; a file that is lost must not pass unnoticed.
    uint256 private constant LEAST_VECTORS = 133;

    function test_evaluate_agreesWithEveryVector() external {
        VmSafe.DirEntry[] memory entries = vm.readDir(FOLDER);
        uint256 count = 0;
        for (uint256 i = 0; i < entries.length; ++i) {
            if (!vm.contains(entries[i].path, ".json")) continue;
            count += this.runFile(entries[i].path);
        }
        assertGe(count, LEAST_VECTORS, "vectors found");
    }

    function runFile(string calldata path) external returns (uint256 count) {
        string memory json = vm.readFile(path);
        Scenario memory base;
        _overlay(base, json, ".base");
        count = _length(json, ".vectors");
        for (uint256 i = 0; i < count; ++i) {
            this.runVector(json, base, i);
        }
    }

    function runVector(string calldata json, Scenario memory scenario, uint256 index) external {
        string memory path = _item(".vectors", index);
        string memory name = vm.parseJsonString(json, string.concat(path, ".name"));
        _overlay(scenario, json, path);
        bytes memory expectedError = _expectedError(json, path);
        try this.evaluate(scenario) returns (Budget memory budget) {
            assertEq(expectedError.length, 0, string.concat(name, ": accepted"));
            Budget memory expected;
            _overlayBudget(expected, json, string.concat(path, ".expected.budget"));
            assertEq(abi.encode(budget), abi.encode(expected), string.concat(name, ": budget"));
        } catch (bytes memory actualError) {
            assertEq(actualError, expectedError, string.concat(name, ": error"));
        }
    }

    function evaluate(Scenario memory s) external pure returns (Budget memory) {
        return GuardRules.evaluate(s.bounds, s.budget, s.beforeTrade, s.fills, s.afterTrade, s.timestamp);
    }

    /// @dev The error with its arguments in the order of their declaration; empty when the vector is to be accepted.
    function _expectedError(string memory json, string memory path) private view returns (bytes memory) {
        string memory errorPath = string.concat(path, ".expected.error");
        if (vm.parseJson(json, errorPath).length == 32) return "";
        bytes32 name = keccak256(bytes(vm.parseJsonString(json, errorPath)));
        string memory arguments = string.concat(path, ".expected.arguments");
        if (name == keccak256("VenueLeverageExceeded")) {
            return abi.encodeWithSelector(
                IRebalanceGuard.VenueLeverageExceeded.selector,
                vm.parseJsonUint(json, string.concat(arguments, ".venueIndex")),
                vm.parseJsonUint(json, string.concat(arguments, ".leverage")),
                vm.parseJsonUint(json, string.concat(arguments, ".maxLeverage"))
            );
        }
        (bytes4 selector, string memory first, string memory second) = _pairError(name);
        return abi.encodeWithSelector(
            selector,
            vm.parseJsonUint(json, string.concat(arguments, ".", first)),
            vm.parseJsonUint(json, string.concat(arguments, ".", second))
        );
    }

    function _pairError(bytes32 name) private pure returns (bytes4, string memory, string memory) {
        if (name == keccak256("CooldownActive")) {
            return (IRebalanceGuard.CooldownActive.selector, "timestamp", "readyAt");
        }
        if (name == keccak256("SizeDeltaExceeded")) {
            return (IRebalanceGuard.SizeDeltaExceeded.selector, "sizeDelta", "maxSizeDelta");
        }
        if (name == keccak256("SlippageExceeded")) {
            return (IRebalanceGuard.SlippageExceeded.selector, "executionPrice", "limitPrice");
        }
        if (name == keccak256("FeeExceeded")) return (IRebalanceGuard.FeeExceeded.selector, "fee", "maxFee");
        if (name == keccak256("NotionalExceeded")) {
            return (IRebalanceGuard.NotionalExceeded.selector, "notional", "maxNotional");
        }
        if (name == keccak256("TurnoverExceeded")) {
            return (IRebalanceGuard.TurnoverExceeded.selector, "notional", "turnoverAvailable");
        }
        if (name == keccak256("NetDeltaExceeded")) {
            return (IRebalanceGuard.NetDeltaExceeded.selector, "worstNetDelta", "maxAbsDelta");
        }
        if (name == keccak256("LeverageExceeded")) {
            return (IRebalanceGuard.LeverageExceeded.selector, "leverage", "maxLeverage");
        }
        if (name == keccak256("NavLossExceeded")) return (IRebalanceGuard.NavLossExceeded.selector, "loss", "maxLoss");
        revert("a vector names an error this test does not know");
    }
}
