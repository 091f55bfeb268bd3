// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPyth} from "../../../contracts/interfaces/IPyth.sol";

/// @notice A price oracle that asks somebody in the middle of an update, and notes whether it was answered.
contract CuriousPyth is IPyth {
    address public asked;
    bytes public question;
    uint256 public answerCount;
    uint256 public refusalCount;
    Price private _price;

    function ask(address asked_, bytes calldata question_, Price calldata price) external {
        (asked, question, _price) = (asked_, question_, price);
    }

    function updatePriceFeeds(bytes[] calldata) external payable {
        (bool isAnswered,) = asked.call(question);
        if (isAnswered) ++answerCount;
        else ++refusalCount;
    }

    function getUpdateFee(bytes[] calldata) external pure returns (uint256) {
        return 0;
    }

    function getPriceUnsafe(bytes32) public view returns (Price memory) {
        return _price;
    }

    function getPriceNoOlderThan(bytes32, uint256) external view returns (Price memory) {
        return _price;
    }
}
