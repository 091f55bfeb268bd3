// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {DecimalScale} from "../../contracts/libraries/DecimalScale.sol";

/// @notice HEDGE-401 in its parts: decimals added and taken away, each rounding, and the most there may be.
contract DecimalScaleTest is Test {
    // HEDGE-401
    function test_scale_addsDecimalsExactlyAndTakesThemRoundedAsNamed() external pure {
        assertEq(DecimalScale.scaleDown(123, 6, 18), 123e12);
        assertEq(DecimalScale.scaleUp(123, 6, 18), 123e12);
        assertEq(DecimalScale.scaleDown(123e12, 18, 6), 123);
        assertEq(DecimalScale.scaleUp(123e12, 18, 6), 123);
        assertEq(DecimalScale.scaleDown(124e12 - 1, 18, 6), 123);
        assertEq(DecimalScale.scaleUp(123e12 + 1, 18, 6), 124);
        assertEq(DecimalScale.scaleDown(123, 18, 18), 123);
        assertEq(DecimalScale.scaleUp(123, 18, 18), 123);
        assertEq(DecimalScale.scaleDown(5, 0, 36), 5e36);
        assertEq(DecimalScale.scaleUp(5, 36, 0), 1);
    }

    // HEDGE-401
    function test_requireSupported_36AndNoMore() external {
        assertEq(DecimalScale.requireSupported(0), 0);
        assertEq(DecimalScale.requireSupported(36), 36);
        vm.expectRevert(abi.encodeWithSelector(DecimalScale.TooManyDecimals.selector, 37, 36));
        this.requireSupported(37);
    }

    // HEDGE-401
    function test_wad_has18Decimals() external pure {
        assertEq(10 ** DecimalScale.WAD_DECIMALS, 1e18);
    }

    function requireSupported(uint8 decimals) external pure returns (uint8) {
        return DecimalScale.requireSupported(decimals);
    }
}
