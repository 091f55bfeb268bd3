// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice Pays before it books, and sends to whoever asks. An analysis that does not find both is none: `make audit-static`
///         looks at this contract in the same run as at ours. Nothing deploys it.
contract KnownBad {
    mapping(address owner => uint256 wei_) public owed;

    receive() external payable {
        owed[msg.sender] += msg.value;
    }

    function withdraw() external {
        (bool isPaid,) = msg.sender.call{value: owed[msg.sender]}("");
        require(isPaid);
        owed[msg.sender] = 0;
    }

    function give(address payable receiver, uint256 wei_) external {
        receiver.transfer(wei_);
    }
}
