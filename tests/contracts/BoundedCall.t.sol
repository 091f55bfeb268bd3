// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {BoundedCall} from "../../contracts/libraries/BoundedCall.sol";

/// @notice HEDGE-407 to the last unit of gas: what a callee is granted, and below what its failure is the caller's.
contract BoundedCallTest is Test {
    bytes4 private constant SELECTOR = bytes4(keccak256("answer()"));

    Reader private reader = new Reader();
    address private answerer = address(new Answerer());
    address private burner = address(new Burner());

    // HEDGE-407
    function test_read_grantsTheGasThatItSays() external {
        vm.expectCall(answerer, 0, 300_000, abi.encodePacked(SELECTOR));
        assertTrue(reader.read(answerer, SELECTOR, 2));
    }

    // HEDGE-407
    function test_read_failureIsTheCallersBelowTheGasRequiredAndNotAtIt() external view {
        uint256 refused = 250_000;
        uint256 judged = 400_000;
        uint256 mostOffered;
        while (judged - refused > 1) {
            uint256 middle = (refused + judged) / 2;
            (bool isJudged, bytes memory answer) =
                address(reader).staticcall{gas: middle}(abi.encodeCall(reader.read, (burner, SELECTOR, 1)));
            if (isJudged) {
                judged = middle;
                assertFalse(abi.decode(answer, (bool)));
                continue;
            }
            refused = middle;
            assertEq(bytes4(answer), BoundedCall.InsufficientGas.selector);
            (uint256 offered, uint256 required) = this.argumentsOf(answer);
            assertEq(required, 310_000);
            mostOffered = offered;
        }
        assertEq(mostOffered, 309_999);
    }

    // HEDGE-407
    function test_read_anAnswerOfAnotherLengthIsNone() external view {
        assertFalse(reader.read(answerer, SELECTOR, 1));
        assertTrue(reader.read(answerer, SELECTOR, 2));
        assertFalse(reader.read(answerer, SELECTOR, 3));
        assertFalse(reader.read(address(1 << 100), SELECTOR, 1));
    }

    function argumentsOf(bytes calldata answer) external pure returns (uint256 offered, uint256 required) {
        return abi.decode(answer[4:], (uint256, uint256));
    }
}

/// @notice Reads as the oracle does.
contract Reader {
    function read(address target, bytes4 selector, uint256 wordCount) external view returns (bool isAnswered) {
        (isAnswered,) = BoundedCall.read(target, selector, wordCount);
    }
}

/// @notice Answers two words.
contract Answerer {
    function answer() external pure returns (uint256, uint256) {
        return (1, 2);
    }
}

/// @notice Burns all the gas it gets.
contract Burner {
    fallback() external {
        assembly ("memory-safe") {
            invalid()
        }
    }
}
