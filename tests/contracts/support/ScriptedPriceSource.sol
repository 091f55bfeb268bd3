// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPriceSource} from "../../../contracts/interfaces/IPriceSource.sol";

/// @notice Answers what the test says, or nothing.
contract ScriptedPriceSource is IPriceSource {
    uint256 private _price;
    uint256 private _updatedAt;
    uint256 private _confidence;
    bool private _isSilent;

    error Silent();

    constructor(uint256 price) {
        set(price, block.timestamp, 0);
    }

    function set(uint256 price, uint256 updatedAt, uint256 confidence) public {
        (_price, _updatedAt, _confidence) = (price, updatedAt, confidence);
    }

    function silence(bool isSilent) external {
        _isSilent = isSilent;
    }

    function latestPrice() external view returns (uint256, uint256, uint256) {
        if (_isSilent) revert Silent();
        return (_price, _updatedAt, _confidence);
    }
}
