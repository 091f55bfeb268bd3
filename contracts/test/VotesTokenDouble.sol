// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title Test double of a DAO's own token
/// @notice Votes as most DAOs have them: OpenZeppelin's, which count time in blocks unless told otherwise, minted by an owner.
contract VotesTokenDouble is ERC20Votes, Ownable {
    constructor(address owner_) ERC20("Votes", "VOTES") EIP712("Votes", "1") Ownable(owner_) {}

    /// @notice Mints. Owner only.
    function mint(address holder, uint256 units) external onlyOwner {
        _mint(holder, units);
    }
}
