// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {Leg} from "../../../contracts/types/Rebalance.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";
import {KeeperActions} from "./KeeperActions.sol";

/// @notice Members who come, go, wait and unwind; and strangers.
abstract contract MemberActions is KeeperActions {
    /// @dev The system and one account before an exit.
    struct Standing {
        Moment m;
        uint256 price;
        uint256 tokens;
        uint256 shares;
        bool mayTrip; // the breaker: it has tripped, or deposits since its last sample hide a fall
    }

    uint256 internal constant PRICED_SHARES = 1e24; // at a price of 1, 1e18 asset units: rounding is nothing

    mapping(address account => uint256) internal lockEnds;

    // --- coming ---------------------------------------------------------------------------------------------------

    function _deposit(uint256 a, uint256 b) internal returns (bool) {
        address account = members[a % (members.length - 1)];
        uint256 assets = a % 16 == 0 ? 1 + b % 1e6 : 1e6 + b % (10 ** (8 + (b >> 128) % 4));
        return _come(account, account, assets, a % 3 == 0);
    }

    /// @dev Another member pays: works while no lock is set.
    function _depositFor(uint256 a, uint256 b) internal returns (bool) {
        uint256 count = members.length - 1;
        return _come(members[(a + 1) % count], members[a % count], 1e6 + b % 10_000e6, false);
    }

    function _come(address payer, address receiver, uint256 assets, bool isMint) internal returns (bool isAccepted) {
        Standing memory before = _standing(receiver);
        uint256 shares = vault.previewDeposit(assets);
        if (isMint) assets = vault.previewMint(shares);
        uint256 supply = vault.totalSupply();
        token.mint(payer, assets);
        bytes memory call_ = isMint
            ? abi.encodeWithSignature("mint(uint256,address)", shares, receiver)
            : abi.encodeWithSignature("deposit(uint256,address)", assets, receiver);
        isAccepted = _callVault(payer, call_);
        if (!isAccepted) {
            token.burn(payer, assets);
            return false;
        }
        _judgeEntry(before.m, payer, receiver, assets);
        _judge(11, vault.balanceOf(receiver) == before.shares + shares);
        _judge(11, before.m.idle + assets == vault.idleAssets());
        if (supply == 0 && before.m.navHigh == 0) _judge(10, shares == assets * 1e6);
        if (supply != 0) (youngAssets, youngSince) = (_young() + assets, vm.getBlockTimestamp());
        _judge(5, vault.previewRedeem(PRICED_SHARES) >= before.price);
    }

    function _judgeEntry(Moment memory m, address payer, address receiver, uint256 assets) private {
        _judge(13, gate.isMember(payer) && gate.isMember(receiver));
        bool isStopped = vault.paused() || vault.isReduceOnly() || vault.isWindingDown();
        _judge(vault.paused() ? 43 : 44, !isStopped);
        _judge(54, fault == Fault.None);
        _judge(53, !m.isAnySilent);
        _judge(18, !m.isAnyUnderWater);
        _judge(24, m.navHigh + assets <= vault.depositCap());
        if (vault.shareLock() != 0) {
            _judge(15, payer == receiver);
            lockEnds[receiver] = Math.max(lockEnds[receiver], vm.getBlockTimestamp() + vault.shareLock());
        }
        flows += int256(assets);
    }

    /// @dev What `maxDeposit` or `maxMint` answers can be put in.
    function _depositMost(uint256 a, uint256 b) internal returns (bool) {
        address account = members[a % (members.length - 1)];
        bool isMint = b % 2 == 0;
        uint256 most = vault.maxDeposit(account);
        if (isMint && most != type(uint256).max) most = vault.previewMint(vault.maxMint(account));
        if (most == 0 || most == type(uint256).max) return _come(account, account, 1e6 + b % 1000e6, isMint);
        if (most > 1_000_000e6) return _come(account, account, 1e6 + b % 1_000_000e6, isMint);
        if (vault.previewDeposit(most) == 0) return true;
        bool isAccepted = _come(account, account, most, false);
        _judge(18, isAccepted);
        return isAccepted;
    }

    // --- going ----------------------------------------------------------------------------------------------------

    function _redeem(uint256 a, uint256 b) internal returns (bool) {
        address account = _holder(a);
        uint256 most = vault.maxRedeem(account);
        _judgeOpen(account, most);
        if (most == 0) return false;
        uint256 shares = b % 2 == 0 ? most : Math.min(most, 2e6) + b % (most - Math.min(most, 2e6) + 1);
        uint256 assets = vault.previewRedeem(shares);
        if (assets == 0) (shares, assets) = (most, vault.previewRedeem(most));
        return _leave(account, shares, assets, true, b % 2 == 0 ? 17 : 19);
    }

    function _withdraw(uint256 a, uint256 b) internal returns (bool) {
        address account = _holder(a);
        uint256 most = vault.maxWithdraw(account);
        if (most == 0) return false;
        uint256 assets = b % 2 == 0 ? most : 1 + b % most;
        return _leave(account, vault.previewWithdraw(assets), assets, false, b % 2 == 0 ? 17 : 19);
    }

    /// @dev An exit inside the maxima, which must be accepted in every state.
    function _leave(address account, uint256 shares, uint256 assets, bool isRedeem, uint256 invariant)
        internal
        returns (bool isAccepted)
    {
        Standing memory before = _standing(account);
        bytes memory call_ = isRedeem
            ? abi.encodeWithSignature("redeem(uint256,address,address)", shares, account, account)
            : abi.encodeWithSignature("withdraw(uint256,address,address)", assets, account, account);
        isAccepted = _callVault(account, call_);
        _judge(invariant, isAccepted);
        if (!isAccepted) return false;
        _judge(14, vm.getBlockTimestamp() >= lockEnds[account]);
        _judge(11, token.balanceOf(account) == before.tokens + assets);
        _judge(11, vault.balanceOf(account) + shares == before.shares);
        _judge(16, vault.idleAssets() + 1 >= Math.min(before.m.reserved, before.m.idle));
        _judgeExit(assets, before.price);
        _judgeBreaker(before, _moment());
    }

    /// @dev An exit trips no breaker; 1 bp is for highs that are kept in cents.
    function _judgeBreaker(Standing memory before, Moment memory m) private {
        _judge(40, before.mayTrip || !_isTripped(m, guard.bounds().maxDrawdownBps + 1));
    }

    function _standing(address account) private view returns (Standing memory s) {
        s.m = _moment();
        s.price = vault.previewRedeem(PRICED_SHARES);
        (s.tokens, s.shares) = (token.balanceOf(account), vault.balanceOf(account));
        bool haveGrown = s.m.nav != s.m.firmNav || flows * int256(TO_WAD) > guard.track().flows;
        s.mayTrip = haveGrown || _isTripped(s.m, guard.bounds().maxDrawdownBps);
    }

    function _callVault(address caller, bytes memory call_) private returns (bool isAccepted) {
        bytes memory answer;
        vm.prank(caller);
        (isAccepted, answer) = address(vault).call(call_);
        if (!isAccepted) lastRefusal = bytes4(answer);
    }

    function _judgeExit(uint256 assets, uint256 priceBefore) internal {
        _judge(5, vault.totalSupply() == 0 || vault.previewRedeem(PRICED_SHARES) >= priceBefore);
        flows -= int256(assets);
        uint256 young = _young();
        uint256 rest = RIPENING - (young == 0 ? 0 : vm.getBlockTimestamp() - youngSince);
        youngAssets = young > assets ? Math.mulDiv(young - assets, RIPENING, rest, Math.Rounding.Ceil) : 0;
    }

    /// @dev Nothing but a lock, the queue's wait and an empty till keeps a member in.
    function _judgeOpen(address account, uint256 most) private {
        Moment memory m = _moment();
        bool hasClaim = _worth(vault.balanceOf(account), m.navLow) != 0 && _worth(1, m.navLow) == 0;
        bool isLocked = vm.getBlockTimestamp() < lockEnds[account];
        if (hasClaim && !isLocked && m.idle > m.reserved) _judge(19, most != 0);
        else _judge(14, !isLocked || most == 0);
    }

    function _unwind(uint256 a, uint256 b) internal returns (bool isAccepted) {
        address account = _holder(a);
        uint256 shares = vault.balanceOf(account) * (1 + b % 100) / 100;
        Standing memory before = _standing(account);
        uint256 worth = _worth(shares, before.m.navLow);
        if (worth == 0) return false;
        uint256 paid = _paidByIdle(Math.saturatingSub(before.m.idle, before.m.reserved), shares, worth);
        Leg[] memory legs =
            b % 4 == 0 || paid == shares ? new Leg[](0) : _partOf(shares - paid, vault.totalSupply() - paid, worth, b);
        isAccepted = _callVault(account, abi.encodeCall(vault.redeemWithUnwind, (shares, 0, account, account, legs)));
        if (!isAccepted) return false;
        _judge(14, vm.getBlockTimestamp() >= lockEnds[account]);
        _judgeUnwind(before, token.balanceOf(account) - before.tokens, worth, shares);
    }

    function _judgeUnwind(Standing memory before, uint256 assets, uint256 worth, uint256 shares) private {
        Moment memory m = before.m;
        Moment memory n = _moment();
        uint256 broughtHome = n.idle + assets - m.idle;
        _judge(16, assets <= Math.saturatingSub(m.idle, m.reserved) + broughtHome + 1);
        _judge(21, broughtHome <= worth + 1);
        _judgePart(m, n, shares, worth);
        _judgeExit(assets, before.price);
        _judgeBreaker(before, n);
        n.firmNav = m.firmNav; // what the leaver took is not what his unwinding did
        _judgeState(guard.bounds(), m, n);
        _keepSizes(n);
    }

    /// @dev What free idle pays needs nothing closed; two units are for roundings.
    function _judgePart(Moment memory m, Moment memory n, uint256 shares, uint256 worth) private {
        uint256 paid = _paidByIdle(Math.saturatingSub(m.idle, m.reserved + 2), shares, worth);
        uint256 supply = vault.totalSupply() + shares - paid;
        shares -= paid;
        for (uint256 i = 0; i < m.venues.length; ++i) {
            (int256 was, int256 is_) = (m.venues[i].size, n.venues[i].size);
            uint256 part = shares == 0 ? 0 : Math.mulDiv(SignedMath.abs(was), shares, supply, Math.Rounding.Ceil);
            bool isToward = was >= 0 ? is_ <= was && is_ >= 0 : is_ >= was && is_ <= 0;
            _judge(20, isToward && SignedMath.abs(was - is_) <= part);
            if (m.venues[i].isSilent) _judge(42, was == is_);
        }
    }

    function _paidByIdle(uint256 free, uint256 shares, uint256 worth) private pure returns (uint256) {
        return worth > free ? Math.mulDiv(shares, free, worth) : shares;
    }

    /// @dev The leaver's part of each position, and of the margin; at times more than that.
    function _partOf(uint256 shares, uint256 supply, uint256 worth, uint256 b) private returns (Leg[] memory legs) {
        legs = new Leg[](listed.length);
        for (uint256 i = 0; i < legs.length; ++i) {
            ScriptedVenue venue = listed[i];
            _back(venue);
            int256 sizeDelta = -venue.size() * int256(shares) / int256(supply);
            int256 equity = venue.cash() + venue.size() * int256(feedPrice) / 1e18;
            uint256 part = Math.mulDiv(_floored(equity) / TO_WAD, shares, supply) * 19 / 20;
            if (b % 16 == 1) part = Math.min(_floored(equity) / TO_WAD / 2, worth * 2);
            _setFill(venue, sizeDelta, b % 30, b % 20);
            if (_isMute(venue)) (sizeDelta, part) = (0, 0);
            legs[i] = Leg(address(venue), -int256(part), sizeDelta, 0);
        }
    }

    // --- queue ----------------------------------------------------------------------------------------------------

    function _request(uint256 a, uint256 b) internal returns (bool isAccepted) {
        address account = _holder(a);
        uint256 shares = vault.balanceOf(account) * (1 + b % 30) / 100;
        vm.prank(account);
        (isAccepted,) = address(queue).call(abi.encodeCall(queue.request, (shares)));
        if (isAccepted && shares != 0) _judge(14, vm.getBlockTimestamp() >= lockEnds[account]);
        isAccepted = isAccepted && shares != 0;
    }

    /// @dev Pays a waiting member as far as idle reaches, or gives shares back.
    function _settleQueue(uint256 a, uint256 b) internal returns (bool isAccepted) {
        address account = _waiting(a);
        uint256 shares = queue.waiting(account);
        if (shares == 0) return false;
        if (b % 5 == 0) {
            vm.prank(account);
            (isAccepted,) = address(queue).call(abi.encodeCall(queue.cancel, (shares)));
            return isAccepted;
        }
        shares = Math.min(shares, vault.maxRedeem(address(queue)));
        uint256 assets = vault.previewRedeem(shares);
        if (assets == 0) return false;
        uint256 priceBefore = vault.previewRedeem(PRICED_SHARES);
        (isAccepted,) = address(queue).call(abi.encodeCall(queue.pay, (account, shares)));
        _judge(17, isAccepted);
        if (isAccepted) _judgeExit(assets, priceBefore);
    }

    function _bringHome(uint256 a, uint256 b) internal returns (bool isAccepted) {
        Moment memory m = _moment();
        ScriptedVenue venue = listed[a % listed.length];
        uint256 needed = Math.saturatingSub(m.reserved, m.idle);
        if (vault.isWindingDown()) needed = b % 1000e6;
        uint256 assets = b % 8 == 0 ? needed + 1 + b % 1e6 : needed == 0 ? 0 : 1 + b % needed;
        _back(venue);
        vm.prank(stranger);
        (isAccepted,) = address(vault).call(abi.encodeCall(vault.bringMarginHome, (venue, assets)));
        if (!isAccepted) return false;
        _judge(16, vault.isWindingDown() || assets <= needed + 1);
        _judgeState(guard.bounds(), m, _moment());
    }

    // --- who -------------------------------------------------------------------------------------------------------

    function _holder(uint256 a) internal view returns (address account) {
        for (uint256 i = 0; i < members.length; ++i) {
            account = members[(a + i) % members.length];
            if (vault.balanceOf(account) != 0 && vm.getBlockTimestamp() >= lockEnds[account]) return account;
        }
    }

    function _waiting(uint256 a) private view returns (address account) {
        for (uint256 i = 0; i < members.length; ++i) {
            account = members[(a + i) % members.length];
            if (queue.waiting(account) != 0) return account;
        }
    }
}
