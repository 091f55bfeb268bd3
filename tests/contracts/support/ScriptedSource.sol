// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDeltaSource} from "../../../contracts/interfaces/IDeltaSource.sol";

/// @notice Position source whose interval the test writes.
contract ScriptedSource is IDeltaSource {
    int256 public low;
    int256 public high;

    constructor(int256 low_, int256 high_) {
        set(low_, high_);
    }

    function set(int256 low_, int256 high_) public {
        low = low_;
        high = high_;
    }

    function deltaInterval(uint256) external view returns (int256, int256) {
        return (low, high);
    }
}
