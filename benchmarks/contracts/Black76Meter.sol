// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Black76} from "../../contracts/libraries/Black76.sol";
import {DeltaMeter} from "./DeltaMeter.sol";

/// @notice This project's delta.
contract Black76Meter is DeltaMeter {
    function callDelta(uint256 price, uint256 strike, uint256 tauSeconds, uint256 iv)
        internal
        pure
        override
        returns (int256)
    {
        return Black76.callDelta(price, strike, tauSeconds, iv);
    }
}
