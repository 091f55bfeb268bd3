// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IArbSys} from "../interfaces/IArbSys.sol";
import {BoundedCall} from "./BoundedCall.sol";

/// @title Numbers and hashes of the chain's own blocks
/// @notice On Arbitrum's chains `block.number` is about Ethereum's and `blockhash` no hash of any block: there the true ones
///         are `ArbSys`'. A contract asks once, when it is created, on which kind of chain it stands.
library ChainBlocks {
    IArbSys internal constant ARB_SYS = IArbSys(address(0x64));

    /// @notice Hashes reach back so many blocks, on either kind of chain.
    uint256 internal constant LAST_BLOCKS = 256;

    /// @notice Whether `ArbSys` answers. Elsewhere nobody is there, or something that gives no such answer.
    function isArbitrum() internal view returns (bool isAnswered) {
        (isAnswered,) = BoundedCall.read(address(ARB_SYS), IArbSys.arbBlockNumber.selector, 1);
    }

    /// @notice Number of this block.
    function currentNumber(bool onArbitrum) internal view returns (uint256) {
        return onArbitrum ? ARB_SYS.arbBlockNumber() : block.number;
    }

    /// @notice Hash of a block among the last 256; 0 for `current`, which is this one, and for every other.
    function hashOf(bool onArbitrum, uint256 current, uint256 number) internal view returns (bytes32) {
        if (number >= current || current - number > LAST_BLOCKS) return 0;
        return onArbitrum ? ARB_SYS.arbBlockHash(number) : blockhash(number);
    }
}
