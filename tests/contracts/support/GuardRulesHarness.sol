// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {GuardRules, Usage} from "../../../contracts/libraries/GuardRules.sol";
import {Bounds, Fill, Measurement} from "../../../contracts/types/Rebalance.sol";

/// @notice One question to the rules.
struct GuardCase {
    Bounds bounds;
    Usage usage;
    Measurement beforeTrade;
    Fill[] fills;
    Measurement afterTrade;
    uint256 timestamp;
}

/// @notice What the rules answered: the usage left behind, or the error with its arguments as revert data.
struct GuardVerdict {
    bool accepted;
    bytes data;
}

/// @title Puts many cases before `GuardRules` in one call
contract GuardRulesHarness {
    /// @notice Judges one case; reverts with the rule's own error.
    function evaluate(GuardCase calldata guardCase) external pure returns (Usage memory) {
        return GuardRules.evaluate(
            guardCase.bounds,
            guardCase.usage,
            guardCase.beforeTrade,
            guardCase.fills,
            guardCase.afterTrade,
            guardCase.timestamp
        );
    }

    /// @notice Judges each case for itself; never reverts.
    function evaluateMany(GuardCase[] calldata cases) external view returns (GuardVerdict[] memory verdicts) {
        verdicts = new GuardVerdict[](cases.length);
        for (uint256 i = 0; i < cases.length; ++i) {
            (bool accepted, bytes memory data) = address(this).staticcall(abi.encodeCall(this.evaluate, (cases[i])));
            verdicts[i] = GuardVerdict({accepted: accepted, data: data});
        }
    }
}
