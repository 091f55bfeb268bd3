// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Leg} from "../../../contracts/types/Rebalance.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";
import {MemberActions} from "./MemberActions.sol";

/// @notice Who comes only to leave again, gives away, or takes what is not his.
abstract contract RoundTrips is MemberActions {
    /// @dev In and out within one block, with or without a gift of the traveller's own in between.
    function _roundTripAtOnce(uint256 a, uint256 b) internal returns (bool) {
        address traveller = members[members.length - 1];
        uint256 firmBefore = vault.measureHedge().firmNav;
        uint256 assets = 1 + b % (10 ** (6 + a % 8));
        uint256 shares = vault.balanceOf(traveller);
        if (shares != 0 || !_come(traveller, traveller, assets, false)) return false;
        if (vault.shareLock() != 0) return true;
        uint256 gift = b % 4 == 0 ? b % 1e9 : 0;
        if (gift != 0) _give(gift);
        bool isWhole = vault.maxRedeem(traveller) == vault.balanceOf(traveller);
        _judge(4, _returnOf(traveller) <= assets + gift);
        if (isWhole) _judge(23, vault.measureHedge().firmNav + 1e13 >= firmBefore);
        return true;
    }

    /// @dev In; then blocks in which the index moves inside the deviation, the feed follows or does not, the mark goes
    ///      anywhere and a keeper trades at the oracle's price or worse; then out. What moves further than the deviation
    ///      from a price the vault traded at is the market's gain or loss on that trade, whoever holds shares.
    function _roundTripAcross(uint256 a, uint256 b) internal returns (bool) {
        address traveller = members[members.length - 1];
        (uint256 low, uint256 high) = (_down(feedPrice), _up(feedPrice));
        uint256 assets = 1e6 + b % (10 ** (8 + a % 6));
        if (vault.balanceOf(traveller) != 0 || vault.shareLock() != 0) return false;
        assets = vault.previewMint(vault.previewDeposit(assets));
        if (!_come(traveller, traveller, assets, false)) return false;
        uint256 blocks = 1 + a % 4;
        for (uint256 i = 0; i < blocks; ++i) {
            uint256 r = uint256(keccak256(abi.encode(a, b, i)));
            uint256 index = low + r % (high - low + 1);
            _moveVenues(index, index * (9500 + (r >> 16) % 1000) / BPS);
            if ((r >> 32) % 2 == 0) feedPrice = index;
            _advance(1 + (r >> 40) % 60);
            if (i != 0 || (r >> 48) % 2 != 0 || !_hedge(1, (r >> 56) % 4 * 20 + 1)) continue;
            (low, high) = (Math.max(low, _down(feedPrice)), Math.min(high, _up(feedPrice)));
        }
        _judge(8, _returnOf(traveller) <= assets);
        _moveVenues(feedPrice, feedPrice);
        return true;
    }

    /// @dev What the traveller takes out and what the rest of his shares would fetch; the rest goes to a member.
    function _returnOf(address traveller) private returns (uint256 got) {
        uint256 most = vault.maxRedeem(traveller);
        if (most != 0) {
            got = vault.previewRedeem(most);
            _leave(traveller, most, got, true, 17);
        }
        uint256 rest = vault.balanceOf(traveller);
        if (rest == 0) return got;
        got += vault.previewRedeem(rest);
        for (uint256 i = 0; i < members.length - 1; ++i) {
            if (!gate.isMember(members[i])) continue;
            vm.prank(traveller);
            assertTrue(vault.transfer(members[i], rest));
            break;
        }
    }

    function _moveVenues(uint256 index, uint256 mark) internal {
        for (uint256 i = 0; i < everyVenue.length; ++i) {
            everyVenue[i].setPrices(mark, index);
        }
    }

    function _give(uint256 assets) internal {
        uint256 priceBefore = vault.previewRedeem(PRICED_SHARES);
        token.mint(address(vault), assets);
        _judge(9, vault.previewRedeem(PRICED_SHARES) >= priceBefore);
    }

    function _donate(uint256, uint256 b) internal returns (bool) {
        _give(1 + b % 5000e6);
        return true;
    }

    function _transfer(uint256 a, uint256 b) internal returns (bool isAccepted) {
        address from = members[a % members.length];
        address to = members[b % (members.length - 1)];
        uint256 shares = vault.balanceOf(from) * (b % 100) / 200;
        vm.prank(from);
        (isAccepted,) = address(vault).call(abi.encodeCall(vault.transfer, (to, shares)));
        if (!isAccepted) return false;
        _judge(13, gate.isMember(to));
        if (shares != 0) _judge(14, vm.getBlockTimestamp() >= lockEnds[from]);
    }

    // --- what must be refused -------------------------------------------------------------------------------------

    /// @dev A stranger tries for shares, for others' shares and for what only the system's own contracts may do.
    function _trespass(uint256 a, uint256 b) internal returns (bool) {
        address owner = _holder(b);
        uint256 shares = vault.balanceOf(owner);
        if (shares == 0) return true;
        (address target, bytes memory call_) = (address(vault), bytes(""));
        address caller = stranger;
        uint256 invariant = 12;
        if (a % 8 == 0) call_ = abi.encodeWithSignature("deposit(uint256,address)", uint256(1e6), stranger);
        else if (a % 8 == 1) call_ = abi.encodeWithSignature("mint(uint256,address)", uint256(1e12), stranger);
        else if (a % 8 == 2) (caller, call_) = (owner, abi.encodeCall(vault.transfer, (stranger, shares)));
        else if (a % 8 == 3) call_ = abi.encodeCall(vault.transferFrom, (owner, members[0], shares));
        else if (a % 8 == 4) call_ = abi.encodeWithSignature("redeem(uint256,address,address)", shares, stranger, owner);
        else if (a % 8 == 5) call_ = abi.encodeCall(vault.redeemWithUnwind, (shares, 0, stranger, owner, new Leg[](0)));
        else if (a % 8 == 6) call_ = abi.encodeCall(vault.rebalance, (_nextIntent(), new Leg[](1)));
        else (target, call_) = (address(listed[0]), abi.encodeCall(listed[0].withdrawMargin, (1)));
        token.mint(stranger, 10e6);
        vm.prank(caller);
        (bool isAccepted,) = target.call(call_);
        token.burn(stranger, 10e6);
        if (a % 8 > 5) invariant = 55;
        _judge(invariant, !isAccepted);
        return !isAccepted;
    }

    /// @dev A venue calls back in the middle of a margin move.
    function _reenter(uint256 a, uint256 b) internal returns (bool isAccepted) {
        ScriptedVenue venue = listed[a % listed.length];
        if (venue.isHalted()) return true;
        (address target, bytes memory call_) = (address(vault), bytes(""));
        if (b % 6 == 0) call_ = abi.encodeCall(vault.bringMarginHome, (venue, 0));
        else if (b % 6 == 1) call_ = abi.encodeWithSignature("redeem(uint256,address,address)", 0, venue, venue);
        else if (b % 6 == 2) call_ = abi.encodeWithSignature("deposit(uint256,address)", 0, members[0]);
        else if (b % 6 == 3) (target, call_) = (address(guard), abi.encodeCall(guard.recordResult, ()));
        else if (b % 6 == 4) call_ = abi.encodeCall(vault.redeemWithUnwind, (0, 0, stranger, members[0], new Leg[](0)));
        else (target, call_) = (address(token), abi.encodeCall(token.transferFrom, (address(vault), stranger, 1)));
        venue.setCall(target, call_);
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(address(venue), int256(1 + b % 1000), 0, 0);
        isAccepted = _rebalance(THIEF, _moment(), legs, false);
        if (isAccepted) _judge(58, !venue.lastCallSucceeded());
        venue.setCall(address(0), "");
        return true;
    }
}
