// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {Math as Model} from "./proofs/models/Math.sol";
import {SignedMath as SignedModel} from "./proofs/models/SignedMath.sol";

/// @title The arithmetic that the symbolic proofs compile against answers as the original does
contract ProofModelsTest is Test {
    function test_model_mulDiv(uint128 x, uint128 y, uint128 denominator) external pure {
        vm.assume(denominator != 0 && uint256(x) * y / denominator < type(uint256).max);
        assertEq(Model.mulDiv(x, y, denominator), Math.mulDiv(x, y, denominator));
        assertEq(
            Model.mulDiv(x, y, denominator, Model.Rounding.Ceil), Math.mulDiv(x, y, denominator, Math.Rounding.Ceil)
        );
        assertEq(
            Model.mulDiv(x, y, denominator, Model.Rounding.Floor), Math.mulDiv(x, y, denominator, Math.Rounding.Floor)
        );
        (uint256 high, uint256 low) = Model.mul512(x, y);
        (uint256 expectedHigh, uint256 expectedLow) = Math.mul512(x, y);
        assertEq(high, expectedHigh);
        assertEq(low, expectedLow);
    }

    function test_model_ofTwoNumbers(uint256 a, uint256 b) external pure {
        assertEq(Model.max(a, b), Math.max(a, b));
        assertEq(Model.min(a, b), Math.min(a, b));
        assertEq(Model.saturatingSub(a, b), Math.saturatingSub(a, b));
        assertEq(Model.saturatingAdd(a, b), Math.saturatingAdd(a, b));
        vm.assume(b != 0);
        assertEq(Model.ceilDiv(a, b), Math.ceilDiv(a, b));
    }

    function test_model_ofTwoSignedNumbers(int256 a, int256 b) external pure {
        assertEq(SignedModel.max(a, b), SignedMath.max(a, b));
        assertEq(SignedModel.min(a, b), SignedMath.min(a, b));
        assertEq(SignedModel.abs(a), SignedMath.abs(a));
    }

    /// @dev Beyond 128 bits the model answers nothing rather than something else.
    function test_model_revertsBeyondItsWidth() external {
        vm.expectRevert(Model.BeyondModel.selector);
        this.modelMulDiv(1 << 128, 1, 1);
        vm.expectRevert(Model.BeyondModel.selector);
        this.modelMulDiv(1, 1, 0);
    }

    function modelMulDiv(uint256 x, uint256 y, uint256 denominator) external pure returns (uint256) {
        return Model.mulDiv(x, y, denominator);
    }
}
