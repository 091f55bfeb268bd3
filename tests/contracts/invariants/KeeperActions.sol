// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {Bounds, Intent, Leg} from "../../../contracts/types/Rebalance.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";
import {RebalanceJudge} from "./RebalanceJudge.sol";

/// @notice An honest keeper, and a thief who holds the second keeper key and the venues' prices and fills.
/// @dev `a` and `b` are random; each action makes of them what its actor could want in this state.
abstract contract KeeperActions is RebalanceJudge {
    /// @dev The hedge that centres the book, with the margin it needs, on the venue that can take it.
    function _hedge(uint256 a, uint256 b) internal returns (bool) {
        _waitForCooldown(HONEST, a);
        return _centre(HONEST, _moment(), a, b);
    }

    function _centre(uint256 keeper, Moment memory m, uint256 a, uint256 b) private returns (bool) {
        (ScriptedVenue venue, int256 sizeDelta) = _choose(m, a, -_net());
        _setFill(venue, sizeDelta, b % 20, b % 8);
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(address(venue), _marginFor(m, venue, sizeDelta, 3), sizeDelta, 0);
        return _rebalance(keeper, m, legs, b % 4 == 0);
    }

    /// @dev Margin toward a leverage of 2, or home from a venue that has too much.
    function _moveMargin(uint256 a, uint256) internal returns (bool) {
        Moment memory m = _moment();
        ScriptedVenue venue = listed[a % listed.length];
        int256 margin = _marginFor(m, venue, 0, 2 + a % 2);
        if (margin == 0) margin = _spare(venue) / 2;
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(address(venue), margin, 0, 0);
        _back(venue);
        return _rebalance(HONEST, m, legs, false);
    }

    /// @dev Closes a part of a position that is over-levered, to be closed, or about to trip something.
    function _deleverage(uint256 a, uint256 b) internal returns (bool) {
        _waitForCooldown(HONEST, a);
        ScriptedVenue venue = _positioned(a);
        int256 sizeDelta = -_clamp(venue.size(), guard.bounds().maxSizeDelta);
        if (b % 2 == 0) sizeDelta = sizeDelta * int256(b % 100) / 100;
        bool isUrged = isClosing[venue] || vault.isWindingDown() || a % 16 < 3;
        if (!isUrged) sizeDelta = _clamp(sizeDelta, uint256(guard.bounds().band) / 3); // what the band mostly lets go
        _setFill(venue, sizeDelta, b % 20, b % 8);
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(address(venue), 0, sizeDelta, 0);
        return _rebalance(HONEST, _moment(), legs, false);
    }

    /// @dev As much as the band lets it swing, at the worst price and fee, first one way and then the other.
    function _churn(uint256 a, uint256 b) internal returns (bool) {
        _waitForChance(THIEF, a);
        Moment memory m = _moment();
        Bounds memory bounds = guard.bounds();
        int256 net = _net();
        int256 edge = int256(uint256(bounds.band)) * int256(50 + b % 50) / 100 - (book.high() - book.low()) / 2;
        if (edge < 0) edge = 0;
        (ScriptedVenue venue, int256 sizeDelta) = _choose(m, b, net > 0 ? -net - edge : -net + edge);
        _setFill(venue, sizeDelta, bounds.maxSlippageBps, bounds.maxFeeBps);
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(address(venue), _marginFor(m, venue, sizeDelta, 3), sizeDelta, 0);
        return _rebalance(THIEF, m, legs, false);
    }

    /// @dev Buys on one venue what it sells on the other, both at the limit; often until no turnover is left.
    function _wash(uint256 a, uint256 b) internal returns (bool isAccepted) {
        _waitForChance(THIEF, a);
        Bounds memory bounds = guard.bounds();
        if (b % 4 != 0) {
            return _washOnce(_moment(), int256(0.05e18 + b % 6e18), bounds.maxSlippageBps, bounds.maxFeeBps);
        }
        for (uint256 i = 0; i < 8; ++i) {
            _waitForCooldown(THIEF, 1);
            uint256 r = uint256(keccak256(abi.encode(b, i)));
            Moment memory m = _moment();
            bool isInside = m.worst <= uint256(bounds.band);
            if (!(isInside ? _washOnce(m, _turnoverLeft(r), r % 6, 0) : _centre(THIEF, m, r, r))) break;
            isAccepted = true;
        }
    }

    function _washOnce(Moment memory m, int256 sizeDelta, uint256 slipBps, uint256 feeBps) private returns (bool) {
        (ScriptedVenue first, ScriptedVenue second) = (listed[0], listed[listed.length - 1]);
        if (first.size() > second.size()) sizeDelta = -sizeDelta;
        sizeDelta = _affordable(m, first, sizeDelta) / 2;
        sizeDelta = -_affordable(m, second, -sizeDelta);
        Leg[] memory legs = new Leg[](2);
        legs[0] = Leg(address(first), 0, sizeDelta, 0);
        legs[1] = Leg(address(second), 0, -sizeDelta, 0);
        _setFill(first, sizeDelta, slipBps, feeBps);
        _setFill(second, -sizeDelta, slipBps, feeBps);
        legs[0].marginDelta = _marginFor(m, first, sizeDelta, 3) / 2;
        legs[1].marginDelta = _marginFor(m, second, -sizeDelta, 3) / 2;
        return _rebalance(THIEF, m, legs, false);
    }

    /// @dev Margin of which the venue credits less than it takes.
    function _takeMargin(uint256 a, uint256 b) internal returns (bool) {
        ScriptedVenue venue = listed[a % listed.length];
        Moment memory m = _moment();
        (, uint256 loss) = guard.available(keepers[THIEF], false);
        uint256 taken = Math.min(loss, m.nav / 101) / TO_WAD * (10 + b % 110) / 100;
        if (venue.isHalted() || taken == 0) taken = 1;
        venue.setMarginTaken(taken);
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(address(venue), int256(taken + b % 1000e6), 0, 0);
        bool isAccepted = _rebalance(THIEF, m, legs, false);
        venue.setMarginTaken(0);
        return isAccepted;
    }

    /// @dev Anything at all, within what a block could hold.
    function _tryAnything(uint256 a, uint256 b) internal returns (bool) {
        if (a % 16 != 0) _waitForChance(THIEF, a);
        Moment memory m = _moment();
        Leg[] memory legs = new Leg[](a % 4 == 0 ? 2 : 1);
        for (uint256 i = 0; i < legs.length; ++i) {
            uint256 r = uint256(keccak256(abi.encode(b, i)));
            (ScriptedVenue venue, int256 sizeDelta) = _choose(m, r, -_net() * int256((r >> 16) % 130) / 100);
            if (r % 6 == 0) (venue, sizeDelta) = (listed[0], int256((r >> 8) % 140e18) - 70e18);
            int256 margin =
                (r >> 24) % 6 == 0 ? int256((r >> 32) % 60_000e6) - 20_000e6 : _marginFor(m, venue, sizeDelta, 3);
            _back(venue);
            _setFill(venue, sizeDelta, (r >> 64) % 52, (r >> 80) % 21);
            if ((r >> 96) % 8 == 0) venue.setFill(5000 + (r >> 104) % 5000, venue.statusAnswered());
            legs[i] = Leg(address(venue), margin, sizeDelta, 0);
        }
        bool isAccepted = _rebalance(THIEF, m, legs, false);
        for (uint256 i = 0; i < legs.length; ++i) {
            ScriptedVenue(legs[i].venue).setFill(BPS, ScriptedVenue(legs[i].venue).statusAnswered());
        }
        return isAccepted;
    }

    // --- what must be refused -------------------------------------------------------------------------------------

    /// @dev Trades on a venue that does not answer for itself, before the trade or from the trade on.
    function _tradeBlind(uint256 a, uint256 b) internal returns (bool) {
        ScriptedVenue venue = listed[a % listed.length];
        if (venue.isHalted()) return true;
        _waitForChance(THIEF, 2);
        (int256 negative, int256 positive) = (venue.negativePending(), venue.positivePending());
        bytes memory lie = abi.encodeCall(venue.setPending, (int256(1), positive));
        if (b % 2 == 0) venue.setPending(1, positive);
        else venue.setCall(address(venue), lie);
        int256 sizeDelta = b % 4 < 2 && _net() != 0 ? -_net() : int256(1e18 + b % 30e18);
        _setFill(venue, sizeDelta, 50, 20);
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(address(venue), b % 3 == 0 ? int256(b % 1000e6) : int256(0), sizeDelta, 0);
        bool isAccepted = _rebalance(THIEF, _moment(), legs, false);
        venue.setCall(address(0), "");
        venue.setPending(negative, positive);
        return !isAccepted;
    }

    /// @dev An intent that is late, or decided on a block that is not the chain's.
    function _sendStaleIntent(uint256 a, uint256 b) internal returns (bool) {
        Intent memory intent = _nextIntent();
        if (a % 3 == 0) intent.deadline = vm.getBlockTimestamp() - 1 - b % 1 days;
        else if (a % 3 == 1) intent.blockHash = bytes32(b);
        else intent.blockNumber -= 256 + b % 1000;
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(address(listed[0]), int256(1), 0, 0);
        bool isRefused = !_send(HONEST, intent, legs, false);
        _judge(34, isRefused);
        return isRefused;
    }

    // --- planning -------------------------------------------------------------------------------------------------

    /// @dev Hedge and book together, in the middle of the interval, with what is yet to fill.
    function _net() internal view returns (int256 net) {
        net = (book.low() + book.high()) / 2;
        for (uint256 i = 0; i < listed.length; ++i) {
            ScriptedVenue.Order memory order = listed[i].order(listed[i].openOrder());
            net += listed[i].size() + order.sizeDelta - order.filledSizeDelta;
        }
    }

    /// @dev The venue that can take `wanted`, and how much of it: a reduction where there is one.
    function _choose(Moment memory m, uint256 a, int256 wanted)
        private
        view
        returns (ScriptedVenue venue, int256 sizeDelta)
    {
        Bounds memory b = guard.bounds();
        uint256 limit = Math.min(b.maxSizeDelta, b.maxNotional * WAD / (feedPrice * 102 / 100));
        wanted = _clamp(wanted, limit);
        bool mayGrow = !vault.isReduceOnly() && !vault.isWindingDown() && !isTripped;
        for (uint256 i = 0; i < listed.length; ++i) {
            venue = listed[(a + i) % listed.length];
            if (_isMute(venue) || venue.openOrder() != 0) continue;
            int256 size = venue.size();
            bool isReduction = size != 0 && (size > 0) != (wanted > 0);
            if (isReduction) return (venue, _clamp(wanted, SignedMath.abs(size)));
            if (mayGrow && !isClosing[venue]) return (venue, _affordable(m, venue, wanted));
        }
        return (listed[0], 0);
    }

    /// @dev What the thief may still turn over, within one rebalance's limit: 60 to 100 % of it, or up to twice as much.
    function _turnoverLeft(uint256 a) private view returns (int256) {
        (uint256 turnover,) = guard.available(keepers[THIEF], false);
        uint256 percent = a % 4 == 0 ? 101 + (a >> 8) % 100 : 60 + (a >> 8) % 41;
        return int256(Math.min(turnover * percent / 100, guard.bounds().maxNotional * 99 / 100) * WAD / feedPrice);
    }

    function _isMute(ScriptedVenue venue) internal view returns (bool) {
        return venue.isHalted() || venue.negativePending() > 0;
    }

    /// @dev As much of `wanted` as idle can carry at a leverage of 3, beside what only closes.
    function _affordable(Moment memory m, ScriptedVenue venue, int256 wanted) private view returns (int256) {
        uint256 spendable = Math.saturatingSub(m.idle, m.reserved + m.firmNav / TO_WAD / 15) * TO_WAD;
        uint256 equity = _floored(venue.cash() + venue.size() * int256(feedPrice) / 1e18) + spendable;
        uint256 used = SignedMath.abs(venue.size()) * feedPrice / WAD;
        uint256 room = Math.saturatingSub(Math.min(equity * 5 / 2, m.firmNav * 19 / 10), used);
        bool isReduction = (venue.size() > 0) != (wanted > 0);
        return _clamp(wanted, room * WAD / feedPrice + (isReduction ? 2 * SignedMath.abs(venue.size()) : 0));
    }

    /// @dev Margin that brings the leverage after `sizeDelta` down to `target`, as far as idle has it.
    function _marginFor(Moment memory m, ScriptedVenue venue, int256 sizeDelta, uint256 target)
        internal
        view
        returns (int256)
    {
        uint256 notional = SignedMath.abs(venue.size() + sizeDelta) * feedPrice / WAD;
        int256 equity = venue.cash() + venue.size() * int256(feedPrice) / 1e18;
        int256 lacking = int256(notional / target + notional / 50) - equity;
        if (lacking <= 0) return 0;
        uint256 spendable = Math.saturatingSub(m.idle, m.reserved + m.firmNav / TO_WAD / 18);
        uint256 room = Math.saturatingSub(capUsd[venue] * WAD, _floored(equity)) / TO_WAD;
        return int256(Math.min(uint256(lacking) / TO_WAD, Math.min(spendable, room)));
    }

    /// @dev Margin beyond a leverage of 2, as a move home.
    function _spare(ScriptedVenue venue) private view returns (int256) {
        uint256 notional = SignedMath.abs(venue.size()) * feedPrice / WAD;
        int256 equity = venue.cash() + venue.size() * int256(feedPrice) / 1e18;
        int256 spare = equity - int256(notional / 2);
        return spare > 0 ? -spare / int256(TO_WAD) : int256(0);
    }

    function _positioned(uint256 a) internal view returns (ScriptedVenue venue) {
        for (uint256 i = 0; i < listed.length; ++i) {
            venue = listed[(a + i) % listed.length];
            if (venue.size() != 0 && !_isMute(venue)) return venue;
        }
    }

    /// @dev `slipBps` and `feeBps` against the vault.
    function _setFill(ScriptedVenue venue, int256 sizeDelta, uint256 slipBps, uint256 feeBps) internal {
        uint256 price = _isPriceDead() ? venue.indexPrice() : feedPrice;
        uint256 paid = sizeDelta > 0 ? price * (BPS + slipBps) / BPS : Math.ceilDiv(price * (BPS - slipBps), BPS);
        venue.setExecution(paid, feeBps, true);
    }

    /// @dev A profit has to be there before it can be withdrawn: the venue gets it from whoever lost.
    function _back(ScriptedVenue venue) internal {
        int256 equity = venue.cash() + venue.size() * int256(feedPrice) / 1e18;
        uint256 needed = equity > 0 ? uint256(equity) / TO_WAD + 1 : 0;
        uint256 held = token.balanceOf(address(venue));
        if (needed > held) token.mint(address(venue), needed - held);
    }

    function _waitForCooldown(uint256 keeper, uint256 a) internal {
        uint256 readyAt = lastTradeAt[keeper] + guard.bounds().cooldownSeconds;
        if (a % 8 != 0 && lastTradeAt[keeper] != 0 && vm.getBlockTimestamp() < readyAt) {
            _advance(readyAt - vm.getBlockTimestamp());
        }
    }

    /// @dev A thief chooses the hour: mostly one at which feeds are healthy.
    function _waitForChance(uint256 keeper, uint256 a) internal {
        if (a % 8 != 1 && _isPriceDead()) _setFault(Fault.None);
        _waitForCooldown(keeper, a);
    }

    function _clamp(int256 x, uint256 limit) internal pure returns (int256) {
        if (SignedMath.abs(x) <= limit) return x;
        return x > 0 ? int256(limit) : -int256(limit);
    }
}
