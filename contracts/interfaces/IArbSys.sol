// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title What Arbitrum's chains answer at 0x64 about themselves
/// @dev From OffchainLabs' nitro-contracts, `ArbSys.sol`.
interface IArbSys {
    /// @notice Number of this block.
    function arbBlockNumber() external view returns (uint256);

    /// @notice Hash of a block among the last 256; reverts for this one and every other.
    function arbBlockHash(uint256 arbBlockNum) external view returns (bytes32);
}
