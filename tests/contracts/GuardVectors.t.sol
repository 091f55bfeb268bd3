// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {VmSafe} from "forge-std/Vm.sol";
import {IRebalanceGuard} from "../../contracts/interfaces/IRebalanceGuard.sol";
import {GuardRules, Usage} from "../../contracts/libraries/GuardRules.sol";
import {GuardVectorReader, Scenario} from "./support/GuardVectorReader.sol";

/// @notice HEDGE-211, HEDGE-212, HEDGE-213, HEDGE-214, HEDGE-215, HEDGE-216, HEDGE-217, HEDGE-218, HEDGE-219, HEDGE-220:
///         every rule at its edge, from the vectors that `agent/guard.py` runs too.
contract GuardVectorsTest is GuardVectorReader {
    string private constant FOLDER = "tests/vectors/guard";

    /// @dev As many as were there when this was written; a file that is lost must not pass unnoticed.
    uint256 private constant LEAST_VECTORS = 323;

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
        try this.evaluate(scenario) returns (Usage memory usage) {
            assertEq(expectedError.length, 0, string.concat(name, ": accepted"));
            bytes memory actual = abi.encode(usage);
            _overlayUsage(usage, json, string.concat(path, ".expected.usage"));
            assertEq(actual, abi.encode(usage), string.concat(name, ": usage"));
        } catch (bytes memory actualError) {
            assertEq(actualError, expectedError, string.concat(name, ": error"));
        }
    }

    function evaluate(Scenario memory s) external pure returns (Usage memory) {
        return GuardRules.evaluate(s.bounds, s.usage, s.beforeTrade, s.fills, s.afterTrade, s.timestamp);
    }

    /// @dev The error with its arguments in the order of their declaration; empty when the vector is to be accepted.
    function _expectedError(string memory json, string memory path) private view returns (bytes memory) {
        string memory errorPath = string.concat(path, ".expected.error");
        if (vm.parseJson(json, errorPath).length == 32) return "";
        bytes32 name = keccak256(bytes(vm.parseJsonString(json, errorPath)));
        string memory arguments = string.concat(path, ".expected.arguments");
        if (name == keccak256("VenueNotAnswering")) {
            uint256 venueIndex = _argument(json, arguments, "venueIndex");
            return abi.encodeWithSelector(IRebalanceGuard.VenueNotAnswering.selector, venueIndex);
        }
        if (name == keccak256("OrderBesideOrder")) {
            uint256 venueIndex = _argument(json, arguments, "venueIndex");
            return abi.encodeWithSelector(IRebalanceGuard.OrderBesideOrder.selector, venueIndex);
        }
        (bytes4 selector, string memory first, string memory second) = _venueError(name);
        if (selector == bytes4(0)) (selector, first, second) = _tradeError(name);
        if (selector == bytes4(0)) (selector, first, second) = _stateError(name);
        bytes memory pair = abi.encode(_argument(json, arguments, first), _argument(json, arguments, second));
        if (!vm.keyExistsJson(json, string.concat(arguments, ".venueIndex"))) return bytes.concat(selector, pair);
        return bytes.concat(selector, abi.encode(_argument(json, arguments, "venueIndex")), pair);
    }

    /// @dev A signed number and an unsigned one below 2^255 have one encoding.
    function _argument(string memory json, string memory arguments, string memory name) private pure returns (uint256) {
        string memory path = string.concat(arguments, ".", name);
        bytes memory text = bytes(vm.parseJsonString(json, path));
        return text[0] == "-" ? uint256(vm.parseJsonInt(json, path)) : vm.parseJsonUint(json, path);
    }

    function _venueError(bytes32 name) private pure returns (bytes4, string memory, string memory) {
        if (name == keccak256("PositionNotShrinking")) {
            return (IRebalanceGuard.PositionNotShrinking.selector, "sizeLow", "sizeHigh");
        }
        if (name == keccak256("OrderNotCounted")) {
            return (IRebalanceGuard.OrderNotCounted.selector, "sizeLow", "sizeHigh");
        }
        if (name == keccak256("VenueCapExceeded")) return (IRebalanceGuard.VenueCapExceeded.selector, "equity", "cap");
        if (name == keccak256("VenueLeverageExceeded")) {
            return (IRebalanceGuard.VenueLeverageExceeded.selector, "leverage", "maxLeverage");
        }
        return (bytes4(0), "", "");
    }

    function _tradeError(bytes32 name) private pure returns (bytes4, string memory, string memory) {
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
        return (bytes4(0), "", "");
    }

    function _stateError(bytes32 name) private pure returns (bytes4, string memory, string memory) {
        if (name == keccak256("NetDeltaExceeded")) {
            return (IRebalanceGuard.NetDeltaExceeded.selector, "worstNetDelta", "maxAbsDelta");
        }
        if (name == keccak256("NotionalTooSmall")) {
            return (IRebalanceGuard.NotionalTooSmall.selector, "notional", "minNotional");
        }
        if (name == keccak256("GrossNotionalExceeded")) {
            return (IRebalanceGuard.GrossNotionalExceeded.selector, "grossNotional", "maxGrossNotional");
        }
        if (name == keccak256("LeverageExceeded")) {
            return (IRebalanceGuard.LeverageExceeded.selector, "leverage", "maxLeverage");
        }
        if (name == keccak256("IdleBelowFloor")) return (IRebalanceGuard.IdleBelowFloor.selector, "idle", "floor");
        if (name == keccak256("NavLossExceeded")) return (IRebalanceGuard.NavLossExceeded.selector, "loss", "maxLoss");
        if (name == keccak256("LossBudgetExceeded")) {
            return (IRebalanceGuard.LossBudgetExceeded.selector, "loss", "lossAvailable");
        }
        revert("a vector names an error this test does not know");
    }
}
