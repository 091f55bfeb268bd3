// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {TokenDouble} from "../support/Tokens.sol";
import {VaultFixture} from "../support/VaultFixture.sol";

/// @notice All that the property suite knows of this vault: how to deploy it, bring it into a state, and give assets away.
/// @dev The suite itself speaks ERC-4626 and ERC-20 alone.
abstract contract VaultUnderTest is VaultFixture {
    /// @dev What a vault may be in when somebody calls it. `depositor` holds shares in all of them.
    enum State {
        Idle, // nothing but collateral in the vault
        Hedged, // a quarter of it is margin, behind a position
        TwoPrices, // the same, mark above index
        Gain, // the position has made a tenth of NAV
        Loss, // the position has lost a fifth of NAV
        Donation, // a stranger has sent it a third of NAV
        Drained // idle is down to its last unit
    }

    IERC4626 internal subject;

    function _deploySubject(uint8 decimals) internal {
        vm.warp(START);
        vm.roll(START_BLOCK);
        _deploy(new TokenDouble(decimals));
        subject = vault;
    }

    function _enter(uint256 seed) internal returns (State state) {
        state = State(bound(seed, 0, uint256(type(State).max)));
        if (state == State.Idle) {
            _deposit(depositor, _units(200_000));
            return state;
        }
        _hedge();
        if (state == State.TwoPrices) venue.setPrices(2021.7e18, 1979.3e18);
        if (state == State.Gain) venue.setPrices(2400.1e18, 2400.1e18);
        if (state == State.Loss) venue.setPrices(1200.3e18, 1200.3e18);
        if (state == State.Donation) token.mint(address(vault), _units(66_667));
        if (state == State.Drained) _drain();
    }

    function _drain() private {
        vm.startPrank(depositor);
        vault.withdraw(_units(150_000) - 1, depositor, depositor);
        token.transfer(address(0xdead), token.balanceOf(depositor));
        vm.stopPrank();
    }

    /// @dev Yield without anybody's deposit.
    function _earn() internal {
        venue.setCash(venue.cash() + 100e18);
    }

    function _stopDeposits() internal {
        vm.prank(guardian);
        vault.pause();
    }

    function _giveAssets(address account, uint256 assets) internal {
        token.mint(account, assets);
        vm.prank(account);
        token.approve(address(subject), type(uint256).max);
    }
}
