// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IPriceUpdater} from "../../../contracts/interfaces/IPriceUpdater.sol";
import {AggregatorDouble} from "../../../contracts/test/AggregatorDouble.sol";

/// @notice Pull oracle with a fee: publishes the price it is brought, and returns what was sent too much.
contract PriceUpdaterDouble is IPriceUpdater {
    uint256 public constant FEE = 3 gwei;

    AggregatorDouble public immutable aggregator;

    error FeeNotSent(uint256 sent, uint256 fee);
    error RefundRefused();

    constructor(AggregatorDouble aggregator_) {
        aggregator = aggregator_;
    }

    function update(bytes[] calldata updateData) external payable returns (uint256) {
        if (msg.value < FEE) revert FeeNotSent(msg.value, FEE);
        aggregator.updateAnswer(abi.decode(updateData[0], (int256)));
        (bool isPaid,) = msg.sender.call{value: msg.value - FEE}("");
        if (!isPaid) revert RefundRefused();
        return FEE;
    }
}

/// @notice Wallet whose one owner signs for it (ERC-1271).
contract SignerWallet is IERC1271 {
    address public immutable owner;

    constructor(address owner_) {
        owner = owner_;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        return ECDSA.recover(digest, signature) == owner ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}

/// @notice Account that does what the test writes when it is paid.
contract PaidAccount {
    address public target;
    bytes public payload;
    bool public isRefusing;
    bool public lastCallSucceeded;
    bytes public lastAnswer;

    error Refused();

    receive() external payable {
        if (isRefusing) revert Refused();
        if (target != address(0)) (lastCallSucceeded, lastAnswer) = target.call(payload);
    }

    function script(address target_, bytes calldata payload_, bool isRefusing_) external {
        target = target_;
        payload = payload_;
        isRefusing = isRefusing_;
    }

    function call(address callee, bytes calldata data) external payable returns (bytes memory answer) {
        bool succeeded;
        (succeeded, answer) = callee.call{value: msg.value}(data);
        if (succeeded) return answer;
        assembly {
            revert(add(answer, 32), mload(answer))
        }
    }
}
