// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IHedgeVault} from "../../../contracts/interfaces/IHedgeVault.sol";
import {Bounds, Intent, Leg, Track} from "../../../contracts/types/Rebalance.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";
import {Scene} from "./Scene.sol";

/// @notice Sends rebalances and judges those that were accepted.
abstract contract RebalanceJudge is Scene {
    /// @dev One accepted rebalance with what it was judged against.
    struct Trial {
        uint256 keeper;
        Bounds bounds;
        Moment a; // before
        Moment b; // after
        Leg[] legs;
        Asked[] asked; // by venue, of orders that are yet to fill
        uint256 orderCost; // WAD USD against the price, at most
        uint256 notional; // WAD USD, rounded up leg by leg
        uint256 rationed; // the same, or 0 where the trade only closes
        uint256 tradeCount;
        uint256 band;
        uint256 firmNav;
        bool isUrgent;
        bool isTripped;
        bool isReduceOnly;
    }

    uint256 internal constant RELIEF_FLOOR_BPS = 7500;

    uint256[KEEPERS] internal lastTradeAt;
    uint256 internal turnoverUsed; // a bucket of our own, WAD USD
    uint256 internal turnoverAt;
    uint256[KEEPERS] private _ownTurnoverUsed; // one for each keeper
    uint256[KEEPERS] private _ownTurnoverAt;
    bool internal isTripped; // at the last rebalance tried

    /// @param m The moment: since it was taken, nothing moved that it holds.
    function _rebalance(uint256 keeper, Moment memory m, Leg[] memory legs, bool isRelayed)
        internal
        returns (bool isAccepted)
    {
        Trial memory t;
        (t.keeper, t.legs, t.a, t.bounds) = (keeper, legs, m, guard.bounds());
        isTripped = _isTripped(t.a, t.bounds.maxDrawdownBps);
        t.isTripped = isTripped;
        t.isReduceOnly = vault.isReduceOnly();
        bool isPaused = vault.paused();
        Intent memory intent = _nextIntent();
        // Two that wait are mostly refused: one may fill without the other.
        if (uint256(keccak256(abi.encode(intent.id, legs))) % (legs.length == 1 ? 2 : 16) == 0) _answerLater(legs);
        isAccepted = _send(keeper, intent, legs, isRelayed);
        t.asked = _askedBy(legs, isAccepted);
        if (!isAccepted) return false;
        t.b = _moment();
        _measureTrades(t);
        _judgeModes(t, isPaused);
        if (t.tradeCount != 0) _judgeTrades(t);
        else _spendOwn(t); // nothing, but what has been refilled by now was refilled under the bounds of now
        _judgeState(t.bounds, t.a, t.b, t.asked);
        _judgeCost(t);
        _keepSizes(t.b);
        if (uint256(intent.id) % 8 == 0) _judge(33, !_send(keeper, intent, legs, isRelayed));
    }

    /// @dev The venues of this rebalance take orders instead of filling at once.
    function _answerLater(Leg[] memory legs) private {
        for (uint256 i = 0; i < legs.length; ++i) {
            ScriptedVenue venue = ScriptedVenue(legs[i].venue);
            venue.setLater(true, venue.feeBps());
        }
    }

    /// @dev What it asked for of each venue listed; from here on they fill at once again.
    function _askedBy(Leg[] memory legs, bool isAccepted) private returns (Asked[] memory asked) {
        asked = new Asked[](listed.length);
        for (uint256 i = 0; i < legs.length; ++i) {
            ScriptedVenue venue = ScriptedVenue(legs[i].venue);
            bool isOrder = venue.answersLater() && legs[i].sizeDelta != 0 && isAccepted;
            venue.setLater(false, 0);
            if (!isOrder) continue;
            ScriptedVenue.Order memory order = venue.order(venue.openOrder());
            asked[_indexOf(venue)] = Asked(order.sizeDelta, order.limitPrice, order.maxFee);
        }
    }

    function _indexOf(ScriptedVenue venue) internal view returns (uint256 index) {
        while (listed[index] != venue) ++index;
    }

    function _send(uint256 keeper, Intent memory intent, Leg[] memory legs, bool isRelayed)
        internal
        returns (bool isAccepted)
    {
        bytes memory call_ = isRelayed
            ? abi.encodeCall(IHedgeVault.rebalanceFor, (keepers[keeper], intent, legs))
            : abi.encodeCall(IHedgeVault.rebalance, (intent, legs));
        vm.prank(isRelayed ? relay : keepers[keeper]);
        bytes memory answer;
        (isAccepted, answer) = address(vault).call(call_);
        if (!isAccepted) lastRefusal = bytes4(answer);
    }

    /// @dev The breaker, from the guard's samples and our own NAV.
    function _isTripped(Moment memory m, uint256 maxDrawdownBps) internal view returns (bool) {
        if (m.price == 0 || m.isAnySilent) return false;
        Track memory track = guard.track();
        uint256 passed = vm.getBlockTimestamp() / 8 hours - track.period;
        int256 high = type(int64).min;
        for (uint256 i = passed; i < 4; ++i) {
            high = SignedMath.max(high, track.highs[i - passed]);
        }
        if (high == type(int64).min) return false;
        int256 result = int256(m.nav) - flows * int256(TO_WAD) - track.explained;
        if (track.price != 0) {
            result -= int256(track.size) * (int256(m.price) - int256(uint256(track.price))) / int256(WAD);
        }
        int256 left = int256(track.flows) - flows * int256(TO_WAD) + int256(m.nav - m.firmNav);
        uint256 nav = m.nav + uint256(SignedMath.max(left, 0)); // with what has left since the last sample
        return high * 1e16 - result > int256(nav * maxDrawdownBps / BPS);
    }

    function _measureTrades(Trial memory t) private view {
        t.firmNav = Math.min(t.a.firmNav, t.b.firmNav);
        t.isUrgent = t.a.worst >= t.bounds.urgentDelta;
        if (t.a.price != 0) t.band = Math.min(t.bounds.band, t.firmNav / 4 * WAD / t.a.price);
        for (uint256 i = 0; i < t.legs.length; ++i) {
            if (t.legs[i].sizeDelta == 0) continue;
            ++t.tradeCount;
            ScriptedVenue venue = ScriptedVenue(t.legs[i].venue);
            Asked memory asked = t.asked[_indexOf(venue)];
            if (asked.sizeDelta != 0) {
                _measureOrder(t, asked, t.a.venues[_indexOf(venue)].price);
                continue;
            }
            uint256 size = SignedMath.abs(t.legs[i].sizeDelta) * venue.fillBps() / BPS;
            t.notional += Math.mulDiv(size, _executionPrice(venue), WAD, Math.Rounding.Ceil);
        }
        t.rationed = _isClosingOnly(t) ? 0 : t.notional;
    }

    /// @dev At the dearer of limit and price; its cost is what the limit and the fee may take.
    function _measureOrder(Trial memory t, Asked memory asked, uint256 price) private pure {
        (uint256 size, uint256 limit) = (SignedMath.abs(asked.sizeDelta), asked.limitPrice);
        t.notional += Math.mulDiv(size, Math.max(limit, price), WAD, Math.Rounding.Ceil);
        uint256 slip = asked.sizeDelta > 0 ? Math.saturatingSub(limit, price) : Math.saturatingSub(price, limit);
        t.orderCost += asked.maxFee + Math.mulDiv(size, slip, WAD);
    }

    /// @dev Every fill goes toward 0, and no venue's range of sizes past it or further out.
    function _isClosingOnly(Trial memory t) private view returns (bool) {
        for (uint256 i = 0; i < t.a.venues.length; ++i) {
            VenueScene memory old = t.a.venues[i];
            if (!_isShrunk(old, t.b.venues[i])) return false;
            for (uint256 j = 0; j < t.legs.length; ++j) {
                if (t.legs[j].venue != address(listed[i])) continue;
                int256 filled = t.legs[j].sizeDelta * int256(listed[i].fillBps()) / int256(BPS);
                if (filled != 0 && (filled > 0) == (old.sizeLow >= 0)) return false;
            }
        }
        return true;
    }

    function _executionPrice(ScriptedVenue venue) internal view returns (uint256 price) {
        price = venue.executionPrice();
        if (price == 0) price = venue.indexPrice();
    }

    function _judgeModes(Trial memory t, bool isPaused) private {
        bool isWindDown = vault.isWindingDown();
        if (isPaused) _judge(43, t.tradeCount == 0);
        if (t.a.price == 0 && !isWindDown) _judge(54, t.tradeCount == 0);
        for (uint256 i = 0; i < t.a.venues.length; ++i) {
            if (t.tradeCount == 0) break;
            bool isShrunk = _isShrunk(t.a.venues[i], t.b.venues[i]);
            if (t.isReduceOnly) _judge(44, isShrunk);
            if (isWindDown) _judge(45, isShrunk);
            if (t.isTripped) _judge(40, isShrunk);
            if (t.a.venues[i].isClosing) _judge(41, isShrunk);
            bool isDark = t.a.venues[i].isSilent || t.b.venues[i].isSilent;
            if (isDark) _judge(42, t.a.venues[i].size == t.b.venues[i].size && t.asked[i].sizeDelta == 0);
        }
    }

    /// @dev Toward 0 and not past it, by the real size and by all that may come of what is pending.
    function _isShrunk(VenueScene memory a, VenueScene memory b) private pure returns (bool) {
        bool isReal = b.size >= SignedMath.min(0, a.size) && b.size <= SignedMath.max(0, a.size);
        bool isWhole = b.sizeLow >= SignedMath.min(0, a.sizeLow) && b.sizeHigh <= SignedMath.max(0, a.sizeHigh);
        return isReal && isWhole;
    }

    function _judgeTrades(Trial memory t) private {
        _judgeFills(t);
        _judge(30, t.notional <= t.bounds.maxNotional);
        _judgeExposure(t);
        _judgeWorth(t);
        _judge(35, t.b.gross <= t.bounds.maxGrossNotional || t.b.gross <= t.a.gross);
        uint256 last = lastTradeAt[t.keeper];
        uint256 readyAt = last + t.bounds.cooldownSeconds;
        _judge(31, last == 0 || t.isUrgent || vm.getBlockTimestamp() >= readyAt);
        lastTradeAt[t.keeper] = vm.getBlockTimestamp();
        _settleTurnover(t.bounds);
        turnoverUsed += t.rationed;
        uint256 ownUsed = _spendOwn(t);
        if (t.rationed == 0) return;
        uint256 capacity = t.bounds.turnoverCapacity * (BPS - (t.isUrgent ? 0 : t.bounds.urgentReserveBps)) / BPS;
        _judge(27, turnoverUsed <= capacity);
        _judge(25, ownUsed <= capacity * t.bounds.keeperShareBps / BPS);
    }

    function _spendOwn(Trial memory t) private returns (uint256 used) {
        uint256 elapsed = vm.getBlockTimestamp() - _ownTurnoverAt[t.keeper];
        uint256 perDay = t.bounds.turnoverRefillPerDay * t.bounds.keeperShareBps / BPS;
        used = Math.saturatingSub(_ownTurnoverUsed[t.keeper], Math.mulDiv(perDay, elapsed, 1 days)) + t.rationed;
        (_ownTurnoverUsed[t.keeper], _ownTurnoverAt[t.keeper]) = (used, vm.getBlockTimestamp());
    }

    function _settleTurnover(Bounds memory b) internal {
        uint256 elapsed = vm.getBlockTimestamp() - turnoverAt;
        turnoverUsed = Math.saturatingSub(turnoverUsed, Math.mulDiv(b.turnoverRefillPerDay, elapsed, 1 days));
        turnoverAt = vm.getBlockTimestamp();
    }

    function _judgeFills(Trial memory t) private {
        for (uint256 i = 0; i < t.legs.length; ++i) {
            int256 sizeDelta = t.legs[i].sizeDelta;
            if (sizeDelta == 0) continue;
            ScriptedVenue venue = ScriptedVenue(t.legs[i].venue);
            uint256 price = t.a.price != 0 ? t.a.price : venue.indexPrice();
            Asked memory asked = t.asked[_indexOf(venue)];
            bool isOrder = asked.sizeDelta != 0;
            uint256 paid = isOrder ? asked.limitPrice : _executionPrice(venue);
            uint256 slip = t.bounds.maxSlippageBps;
            bool isNear = sizeDelta > 0 ? paid * BPS <= price * (BPS + slip) : paid * BPS >= price * (BPS - slip);
            _judge(29, isNear && venue.feeBps() <= t.bounds.maxFeeBps);
            _judge(30, SignedMath.abs(sizeDelta) * (isOrder ? BPS : venue.fillBps()) / BPS <= t.bounds.maxSizeDelta);
        }
    }

    /// @dev All that the vault could bring to its venues, USD.
    function _marginAtMost(Trial memory t) private pure returns (uint256) {
        uint256 caps = 0;
        for (uint256 i = 0; i < t.a.venues.length; ++i) {
            caps += t.a.venues[i].cap;
        }
        return Math.min(t.firmNav * (BPS - t.bounds.idleFloorBps) / BPS, caps);
    }

    function _judgeExposure(Trial memory t) private {
        uint256 allowed = Math.max(t.band, Math.saturatingSub(t.a.worst, t.bounds.minImprovement));
        uint256 waiting = Math.max(allowed, _hasAsked(t.asked) ? t.a.worst : 0);
        uint256 closed = 0;
        bool isShort = t.a.gross > _marginAtMost(t) * t.bounds.maxVenueLeverage / WAD;
        for (uint256 i = 0; i < t.a.venues.length; ++i) {
            VenueScene memory old = t.a.venues[i];
            VenueScene memory now_ = _filled(old, t.b.venues[i], t.asked[i]);
            bool isRelieved = t.isTripped || old.isClosing
                || (isShort
                    && _leverage(old) > t.bounds.maxVenueLeverage
                    && _leverage(now_) + 1e6 >= uint256(t.bounds.maxVenueLeverage) * RELIEF_FLOOR_BPS / BPS);
            if (isRelieved) closed += Math.saturatingSub(_largest(old), _largest(now_));
        }
        if (closed != 0) allowed = Math.max(allowed, t.a.worst + closed);
        _judge(1, _worstFilled(t) <= allowed && t.b.worst <= Math.max(waiting, allowed));
    }

    function _hasAsked(Asked[] memory asked) private pure returns (bool) {
        for (uint256 i = 0; i < asked.length; ++i) {
            if (asked[i].sizeDelta != 0) return true;
        }
        return false;
    }

    /// @dev A venue once what was asked of it has filled.
    function _filled(VenueScene memory old, VenueScene memory now_, Asked memory asked)
        private
        pure
        returns (VenueScene memory v)
    {
        if (asked.sizeDelta == 0) return now_;
        v.sizeLow = v.sizeHigh = old.size + asked.sizeDelta;
        v.notional = Math.mulDiv(SignedMath.abs(v.sizeLow), old.price, WAD, Math.Rounding.Ceil);
        v.equityLow = now_.equityLow;
    }

    /// @dev W once all that was asked for has filled.
    function _worstFilled(Trial memory t) private view returns (uint256) {
        (int256 low, int256 high) = vault.isWindingDown() ? (int256(0), int256(0)) : (book.low(), book.high());
        for (uint256 i = 0; i < t.b.venues.length; ++i) {
            VenueScene memory v = _filled(t.a.venues[i], t.b.venues[i], t.asked[i]);
            low += v.sizeLow;
            high += v.sizeHigh;
        }
        return Math.max(SignedMath.abs(low), SignedMath.abs(high));
    }

    function _judgeWorth(Trial memory t) private {
        bool isClosed = false;
        for (uint256 i = 0; i < t.b.venues.length; ++i) {
            if (t.b.venues[i].size != t.a.venues[i].size && t.b.venues[i].size == 0) isClosed = true;
            if (t.asked[i].sizeDelta != 0 && t.asked[i].sizeDelta == -t.a.venues[i].size) isClosed = true;
        }
        bool isIntoBand = t.a.worst > t.band && _worstFilled(t) <= t.band;
        _judge(32, t.notional >= t.bounds.minNotional || isClosed || isIntoBand);
    }

    /// @dev What holds after margin moved, whoever moved it: leverage by change, no allowance, the list as it was.
    function _judgeState(Bounds memory bounds, Moment memory a, Moment memory b) internal {
        _judgeState(bounds, a, b, new Asked[](a.venues.length));
    }

    /// @dev What is yet to fill counts as a change of its own, filled and not, and what fills may not meet what does not.
    function _judgeState(Bounds memory bounds, Moment memory a, Moment memory b, Asked[] memory asked) internal {
        bool isInside = true;
        uint256 grossFilled = 0;
        uint256 cost = 0;
        for (uint256 i = 0; i < b.venues.length; ++i) {
            (VenueScene memory old, VenueScene memory current) = (a.venues[i], b.venues[i]);
            VenueScene memory filled = _filled(old, current, asked[i]);
            if (asked[i].sizeDelta != 0) {
                VenueScene memory unfilled;
                unfilled.notional = old.notional;
                unfilled.equityLow = old.equityLow + current.equity - old.equity;
                if (!_isEased(bounds, old, unfilled)) isInside = false;
                cost += asked[i].maxFee + SignedMath.abs(asked[i].sizeDelta)
                * SignedMath.abs(int256(asked[i].limitPrice) - int256(old.price)) / WAD;
            }
            if (!_isEased(bounds, old, filled)) isInside = false;
            grossFilled += filled.notional;
            _judge(56, token.allowance(address(vault), address(listed[i])) == 0);
        }
        _judge(36, isInside);
        uint256 firm = Math.min(a.firmNav, Math.saturatingSub(b.firmNav, cost));
        uint256 before = _roundedUp(_ratio(a.gross, a.firmNav));
        bool isEased = b.gross <= a.gross && _ratio(grossFilled, firm) <= before;
        _judge(37, _ratio(b.gross, firm) <= _roundedUp(bounds.maxLeverage) || isEased);
        _judge(57, _isListUnchanged());
    }

    function _isEased(Bounds memory bounds, VenueScene memory old, VenueScene memory v) private pure returns (bool) {
        (uint256 was, uint256 is_) = (_leverage(old), _leverage(v));
        if (is_ <= _roundedUp(bounds.maxVenueLeverage)) return true;
        return is_ <= _roundedUp(was) && v.notional <= old.notional;
    }

    function _judgeCost(Trial memory t) private {
        _judge(28, Math.saturatingSub(t.a.nav + t.orderCost, t.b.nav) <= t.a.nav * t.bounds.maxNavLossBps / BPS + 10);
        uint256 freeBefore = Math.saturatingSub(t.a.idle, t.a.reserved);
        uint256 freeAfter = Math.saturatingSub(t.b.idle, t.b.reserved);
        uint256 floor = t.firmNav * t.bounds.idleFloorBps / BPS / TO_WAD;
        bool isKept = freeAfter >= freeBefore && t.b.idle >= t.a.idle;
        _judge(38, isKept || freeAfter + 2 >= floor);
        for (uint256 i = 0; i < t.b.venues.length; ++i) {
            int256 equity = t.b.venues[i].equity;
            bool isUnderCap = equity <= int256(t.b.venues[i].cap) || equity <= t.a.venues[i].equity + 10;
            _judge(39, isUnderCap);
        }
        _enter(t.keeper, t.rationed, _lossOf(t.a, t.b, t.asked), t.a.nav, t.bounds);
        _judgeWindows(t.keeper, t.bounds);
    }

    function _isListUnchanged() internal view returns (bool) {
        return keccak256(abi.encode(registry.venues())) == keccak256(abi.encode(listed));
    }

    function _keepSizes(Moment memory m) internal {
        int256 hedge = 0;
        for (uint256 i = 0; i < m.venues.length; ++i) {
            if (!m.venues[i].isSilent) {
                (lastLow[listed[i]], lastHigh[listed[i]]) = (m.venues[i].sizeLow, m.venues[i].sizeHigh);
            }
            hedge += (m.venues[i].sizeLow + m.venues[i].sizeHigh) / 2;
        }
        if (m.price != 0 && !m.isAnySilent) _judge(59, guard.track().size == hedge);
    }

    // --- ratios ---------------------------------------------------------------------------------------------------

    function _leverage(VenueScene memory v) internal pure returns (uint256) {
        return _ratio(v.notional, _floored(v.equityLow));
    }

    function _ratio(uint256 notional, uint256 equity) internal pure returns (uint256) {
        if (notional == 0) return 0;
        return equity == 0 ? type(uint128).max : Math.mulDiv(notional, WAD, equity);
    }

    /// @dev Our equity differs from the vault's by wei: a relative 1e-9, and more where the equity is next to nothing.
    function _roundedUp(uint256 ratio) private pure returns (uint256) {
        return ratio + ratio / 1e9 + 1e6;
    }

    function _largest(VenueScene memory v) private pure returns (uint256) {
        return Math.max(SignedMath.abs(v.sizeLow), SignedMath.abs(v.sizeHigh));
    }
}
