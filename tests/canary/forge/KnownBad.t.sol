// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {GuardRules} from "../../../contracts/libraries/GuardRules.sol";

/// @notice Two claims about the guard's limit price: one true, one false. A gate that does not fail on the false one is no
///         gate. Outside the default test path on purpose; tests/canary/test_forge_canary.py runs it, or by hand the native
///         forge does, with FOUNDRY_TEST=tests/canary/forge and FOUNDRY_SRC=contracts/libraries in its environment.
contract KnownBadTest is Test {
    function test_limitPrice_isACeilingForBuys() external pure {
        assertEq(GuardRules.limitPrice(2000e18, 1, 50), 2010e18);
    }

    function test_limitPrice_isAFloorForBuys() external pure {
        assertEq(GuardRules.limitPrice(2000e18, 1, 50), 1990e18);
    }
}
