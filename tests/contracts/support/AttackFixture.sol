// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Leg} from "../../../contracts/types/Rebalance.sol";
import {ScriptedVenue} from "./ScriptedVenue.sol";
import {VaultCalls} from "./VaultCalls.sol";

/// @notice What the attacks of tests/contracts/attacks share.
/// @dev An attack is a list of attempts that never revert the test: a step that is refused changes nothing, and what the
///      attacker gained or the victim lost is measured at the end. A test's name says what the attack is after; its last
///      line, `_attackYieldsAtMost`, says what it gets.
abstract contract AttackFixture is VaultCalls {
    /// @dev The attack yields no more than `limit`.
    function _attackYieldsAtMost(uint256 figure, uint256 limit) internal {
        _print(figure);
        assertLe(figure, limit, "the attack works");
    }

    function _print(uint256 figure) private {
        emit log_named_decimal_uint("attack yields", figure, 18);
        emit log_named_bytes("last refusal", abi.encodePacked(_lastRefusal));
    }

    // --- attempts ---------------------------------------------------------------------------------------------------

    /// @dev Mints the assets beforehand and takes them back when the deposit is refused.
    function _attemptDeposit(address account, uint256 assets) internal returns (bool done) {
        token.mint(account, assets);
        vm.prank(account);
        token.approve(address(vault), assets);
        done = _attemptOnVault(account, abi.encodeWithSignature("deposit(uint256,address)", assets, account));
        if (!done) token.burn(account, assets);
    }

    /// @dev Redeems as much as `maxRedeem` names, and takes nothing where it names nothing.
    function _attemptExit(address account) internal returns (uint256 paid) {
        uint256 balance = token.balanceOf(account);
        uint256 shares = vault.maxRedeem(account);
        _attemptOnVault(account, abi.encodeWithSignature("redeem(uint256,address,address)", shares, account, account));
        return token.balanceOf(account) - balance;
    }

    /// @dev Leaves by way of the venue's margin, with what else is held.
    function _attemptUnwind(address account) internal returns (uint256 paid) {
        uint256 shares = vault.balanceOf(account);
        uint256 balance = token.balanceOf(account);
        int256 size = -venue.size() * int256(shares) / int256(vault.totalSupply());
        uint256 worth = vault.previewRedeem(shares);
        uint256 missing = worth > _idle() ? worth - _idle() : 0;
        Leg[] memory legs = _leg(-int256(missing), size);
        _attemptOnVault(account, abi.encodeCall(vault.redeemWithUnwind, (shares, 0, account, account, legs)));
        return token.balanceOf(account) - balance;
    }

    /// @dev What the keeper may trade when it is urgent, USD.
    function _turnoverAvailable() internal view returns (uint256 turnover) {
        (turnover,) = guard.available(keeper, true);
    }

    // --- worth ------------------------------------------------------------------------------------------------------

    /// @dev Asset units as USD, WAD.
    function _usd(uint256 assets) internal view returns (uint256) {
        return assets * 1e18 / _units(1);
    }

    /// @dev What idle and the scripted venue are worth at `price`, whatever the vault says.
    function _worth(uint256 price) internal view returns (int256) {
        return int256(_usd(token.balanceOf(address(vault)))) + _worthOf(venue, price);
    }

    function _worthOf(ScriptedVenue account, uint256 price) internal view returns (int256) {
        return account.cash() + account.size() * int256(price) / 1e18;
    }

    /// @dev How far `after_` lies below `before_`, 0 where it does not.
    function _loss(int256 before_, int256 after_) internal pure returns (uint256) {
        return before_ > after_ ? uint256(before_ - after_) : 0;
    }

    function _gain(uint256 before_, uint256 after_) internal pure returns (uint256) {
        return after_ > before_ ? after_ - before_ : 0;
    }

    // --- legs and venues --------------------------------------------------------------------------------------------

    function _addVenue() internal returns (ScriptedVenue added) {
        added = new ScriptedVenue(address(vault), address(token), PRICE);
        assertTrue(_attemptAsGovernor(address(registry), _addVenueCall(added)));
    }

    function _legOn(ScriptedVenue on, int256 marginDelta, int256 sizeDelta) internal pure returns (Leg[] memory legs) {
        legs = new Leg[](1);
        legs[0] = Leg(address(on), marginDelta, sizeDelta, 0);
    }

    function _legs(int256 first, int256 second) internal view returns (Leg[] memory legs) {
        legs = new Leg[](2);
        legs[0] = Leg(address(venue), 0, first, 0);
        legs[1] = Leg(address(venue), 0, second, 0);
    }

    function _exit(address account, uint256 assets) internal {
        vm.prank(account);
        vault.withdraw(assets, account, account);
    }
}
