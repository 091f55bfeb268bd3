// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

/// @title Several calls in one transaction
/// @notice For local chains and tests alone: it plays the vault where what happens inside one transaction matters. Anyone.
contract CallBatch {
    /// @notice Makes the calls in order and returns what each answered; reverts with whatever the first failure says.
    function run(address[] calldata targets, bytes[] calldata payloads) external returns (bytes[] memory answers) {
        answers = new bytes[](targets.length);
        for (uint256 i = 0; i < targets.length; ++i) {
            answers[i] = Address.functionCall(targets[i], payloads[i]);
        }
    }
}
