// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";

/// @title Votes of a DAO that has no token yet
/// @notice Purpose. A fixed supply for named holders, whose past balances `VaultGovernor` counts. Nobody can mint, burn, pause
///         or take: a DAO that wants more deploys a token of its own and names that one instead.
///
///         Known limits. Tokens vote only once their holder has delegated them, be it to itself.
contract GovernanceToken is ERC20, ERC20Permit, ERC20Votes {
    error HoldersMismatch(uint256 holders, uint256 balances);

    /// @param balances In smallest units (18 decimals), one for each of `holders`.
    constructor(string memory name_, string memory symbol_, address[] memory holders, uint256[] memory balances)
        ERC20(name_, symbol_)
        ERC20Permit(name_)
    {
        if (holders.length != balances.length) revert HoldersMismatch(holders.length, balances.length);
        for (uint256 i = 0; i < holders.length; ++i) {
            _mint(holders[i], balances[i]);
        }
    }

    /// @notice Time by which votes are counted: Unix seconds, which are alike on every chain; blocks are not.
    function clock() public view override returns (uint48) {
        return uint48(block.timestamp);
    }

    /// @notice EIP-6372 name of that clock.
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    /// @inheritdoc ERC20Permit
    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    function _update(address from, address to, uint256 amount) internal override(ERC20, ERC20Votes) {
        super._update(from, to, amount);
    }
}
