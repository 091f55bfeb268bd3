// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice Burns all the gas it is given.
contract BurningSource {
    fallback() external {
        while (true) {}
    }
}

/// @notice Returns a hundred kilobytes that begin with a healthy price.
contract HugeSource {
    fallback() external {
        assembly {
            mstore(0, 2000000000000000000000)
            mstore(32, timestamp())
            return(0, 100000)
        }
    }
}

/// @notice Reverts with a hundred kilobytes.
contract HugeRevertingSource {
    fallback() external {
        assembly {
            revert(0, 100000)
        }
    }
}

/// @notice Returns a healthy price without its confidence, 64 bytes.
contract ShortSource {
    fallback() external {
        assembly {
            mstore(0, 2000000000000000000000)
            mstore(32, timestamp())
            return(0, 64)
        }
    }
}

/// @notice Tries to change state.
contract WritingSource {
    uint256 public calls;

    fallback() external {
        ++calls;
    }
}

/// @notice Asks the oracle that asks it.
contract RecursiveSource {
    fallback() external {
        (bool isRead, bytes memory answer) = msg.sender.staticcall(abi.encodeWithSignature("read()"));
        if (!isRead) revert(string(answer));
    }
}

/// @notice Honest, but needs nearly all the gas that a source is granted.
contract HungrySource {
    uint256 private immutable _gasNeeded;

    constructor(uint256 gasNeeded) {
        _gasNeeded = gasNeeded;
    }

    function latestPrice() external view returns (uint256, uint256, uint256) {
        uint256 start = gasleft();
        while (start - gasleft() < _gasNeeded) {}
        return (2000e18, block.timestamp, 0);
    }
}
