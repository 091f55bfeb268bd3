// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IMemberGate} from "../../../contracts/interfaces/IMemberGate.sol";

/// @notice Gate that lets everybody in but whom the test shuts out.
contract OpenGate is IMemberGate {
    mapping(address account => bool) public isShutOut;

    function shutOut(address account) external {
        isShutOut[account] = true;
    }

    function letIn(address account) external {
        isShutOut[account] = false;
    }

    function isMember(address account) external view returns (bool) {
        return !isShutOut[account];
    }
}
