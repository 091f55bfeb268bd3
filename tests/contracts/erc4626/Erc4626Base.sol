// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {VaultUnderTest} from "./VaultUnderTest.sol";

/// @notice ERC-4626, sentence by sentence, and its round trips; no tolerance anywhere.
/// @dev Each test names the sentence of the EIP it holds the vault to. The state comes from its first argument, the decimals
///      from the concrete contracts of Erc4626.t.sol. `depositor` is the holder, `attacker` has assets, `stranger` nothing.
abstract contract Erc4626Base is VaultUnderTest {
    uint8 private immutable _decimals;
    address internal immutable stranger = makeAddr("stranger");
    address internal immutable receiver = makeAddr("receiver");

    constructor(uint8 decimals_) {
        _decimals = decimals_;
    }

    function setUp() public override {
        _deploySubject(_decimals);
    }

    /// @dev Whole dollars down to the smallest unit, every order of magnitude equally likely.
    function _anyAssets(uint256 seed) internal view returns (uint256) {
        uint256 most = _units(1e9);
        return bound(seed >> 8, 1, 1 + most / 10 ** (seed % (10 + _decimals)));
    }

    function _anyShares(uint256 seed) internal view returns (uint256) {
        return _anyAssets(seed) * 1e6 + seed % 1e6;
    }

    function _richAttacker() internal {
        _giveAssets(attacker, _units(1e12));
    }
}
