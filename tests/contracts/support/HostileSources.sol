// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDeltaSource} from "../../../contracts/interfaces/IDeltaSource.sol";

/// @notice Burns all the gas it is given.
contract GasBurningSource is IDeltaSource {
    function deltaInterval(uint256) external pure returns (int256 low, int256) {
        while (true) ++low;
        return (0, 0);
    }
}

/// @notice Answers, or reverts with, many bytes.
contract LongAnswerSource is IDeltaSource {
    bool private immutable _reverts;
    uint256 private immutable _length;

    constructor(bool reverts_, uint256 length_) {
        (_reverts, _length) = (reverts_, length_);
    }

    function deltaInterval(uint256) external view returns (int256, int256) {
        (bool reverts_, uint256 length_) = (_reverts, _length);
        assembly {
            if reverts_ { revert(0, length_) }
            return(0, length_)
        }
    }
}

/// @notice Has no function of a source.
contract NoSource {}
