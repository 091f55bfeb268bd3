// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IArbSys} from "../../../contracts/interfaces/IArbSys.sol";

/// @notice `ArbSys` as ArbOS has it since version 11: the last 256 blocks, and a revert for every other number.
contract ArbSysDouble is IArbSys {
    error InvalidBlockNumber(uint256 requested, uint256 current);

    uint256 public arbBlockNumber;
    uint256 private _fork;

    function mine(uint256 number) external {
        arbBlockNumber = number;
    }

    /// @notice Replaces every block there is.
    function reorganise() external {
        ++_fork;
    }

    function arbBlockHash(uint256 number) external view returns (bytes32) {
        if (number >= arbBlockNumber || number + 256 < arbBlockNumber) {
            revert InvalidBlockNumber(number, arbBlockNumber);
        }
        return keccak256(abi.encode(_fork, number));
    }
}
