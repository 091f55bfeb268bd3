// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";
import {Record} from "./Record.sol";

/// @notice One moment of the system, from the figures of venues, token, feeds and book themselves.
/// @dev The vault's own measurements are not asked: the two are compared.
abstract contract Scene is Record {
    struct VenueScene {
        bool isSilent;
        bool isClosing;
        int256 size; // what it really is
        int256 cash; // equity at P is cash + size x P
        int256 sizeLow; // what may be counted on
        int256 sizeHigh;
        uint256 price;
        uint256 priceLow;
        uint256 priceHigh;
        uint256 notional;
        int256 equity;
        int256 equityLow;
        int256 equityHigh;
        uint256 cap; // WAD USD
        int256 negative; // what may still be sold
        int256 positive; // what may still be bought
        uint256 floor; // and at what worst prices and fee
        uint256 ceiling;
        uint256 fee; // WAD USD
        uint256 lowest; // ends of the prices that the account is valued at
        uint256 highest;
    }

    /// @dev What a rebalance asked of a venue that is yet to fill.
    struct Asked {
        int256 sizeDelta; // 0: nothing
        uint256 limitPrice;
        uint256 maxFee; // WAD USD
    }

    struct Moment {
        uint256 price; // 0 while no feed is healthy
        uint256 idle; // asset units
        uint256 nav; // WAD USD
        uint256 navLow; // asset units
        uint256 navHigh; // asset units
        uint256 reserved; // asset units
        uint256 firmNav; // WAD USD
        uint256 gross; // WAD USD
        uint256 worst; // W, WAD underlying
        bool isAnySilent;
        bool isAnyUnderWater;
        VenueScene[] venues;
    }

    uint256 internal constant RIPENING = 1 hours;

    mapping(ScriptedVenue venue => int256) internal lastLow; // sizes when it was last measured by a rebalance
    mapping(ScriptedVenue venue => int256) internal lastHigh;
    mapping(ScriptedVenue venue => bool) internal isClosing;
    mapping(ScriptedVenue venue => uint256) internal capUsd;
    int256 internal flows; // deposits less exits as the token moved, asset units
    uint256 internal youngAssets;
    uint256 internal youngSince;

    function _moment() internal view returns (Moment memory m) {
        m.price = _isPriceDead() ? 0 : feedPrice;
        m.idle = token.balanceOf(address(vault));
        m.nav = m.idle * TO_WAD;
        m.venues = new VenueScene[](listed.length);
        (uint256 low, uint256 high) = (0, 0);
        bool isWindingDown = vault.isWindingDown();
        // Winding down, the hedge has no book any more: only closing it counts.
        (int256 netLow, int256 netHigh) = isWindingDown ? (int256(0), int256(0)) : (book.low(), book.high());
        for (uint256 i = 0; i < m.venues.length; ++i) {
            VenueScene memory v = _venueScene(listed[i], m.price);
            v.isClosing = isWindingDown || isClosing[listed[i]];
            m.venues[i] = v;
            m.nav += _floored(v.equity);
            low += _floored(v.equityLow);
            high += _floored(v.equityHigh);
            m.gross += v.notional;
            netLow += v.sizeLow;
            netHigh += v.sizeHigh;
            if (v.isSilent) m.isAnySilent = true;
            else if (v.equityLow < 0 || (v.equityLow == 0 && v.notional != 0)) m.isAnyUnderWater = true;
        }
        m.worst = Math.max(SignedMath.abs(netLow), SignedMath.abs(netHigh));
        m.navLow = m.idle + low / TO_WAD;
        m.navHigh = m.idle + Math.ceilDiv(high, TO_WAD);
        m.reserved = _worth(vault.balanceOf(address(queue)), m.navLow);
        m.firmNav = Math.saturatingSub(m.nav, _young() * TO_WAD);
    }

    function _venueScene(ScriptedVenue venue, uint256 price) private view returns (VenueScene memory v) {
        uint256 mark;
        uint256 index;
        (v.size, v.cash,,, mark, index, v.isSilent) = venue.figures();
        (v.negative, v.positive, v.floor, v.ceiling, v.fee) = venue.pendingFigures();
        v.isSilent = v.isSilent || v.negative > 0;
        v.cap = capUsd[venue] * WAD;
        v.price = price == 0 && !v.isSilent ? index : price;
        (v.priceLow, v.priceHigh) = (_down(v.price), _up(v.price));
        v.sizeLow = v.isSilent ? SignedMath.min(0, lastLow[venue]) : v.size + v.negative;
        v.sizeHigh = v.isSilent ? SignedMath.max(0, lastHigh[venue]) : v.size + v.positive;
        uint256 worst = Math.max(SignedMath.abs(v.sizeLow), SignedMath.abs(v.sizeHigh));
        v.notional = Math.mulDiv(worst, v.price, WAD, Math.Rounding.Ceil);
        if (v.isSilent) return v;
        v.equity = _equityAt(v, v.price);
        v.lowest = Math.min(Math.min(_down(index), mark), v.priceLow);
        v.highest = Math.max(Math.max(_up(index), mark), v.priceHigh);
        _setEnds(v);
    }

    /// @dev Over every way in which what is pending can fill, at both ends of the prices.
    function _setEnds(VenueScene memory v) private pure {
        (v.equityLow, v.equityHigh) = (type(int256).max, type(int256).min);
        (int256 bestSale, int256 bestPurchase) =
            (int256(Math.max(v.floor, v.highest)), int256(Math.min(v.ceiling, v.lowest)));
        for (uint256 i = 0; i < 8; ++i) {
            int256 price = int256(i & 1 == 0 ? v.lowest : v.highest);
            int256 sold = i & 2 == 0 ? int256(0) : v.negative;
            int256 bought = i & 4 == 0 ? int256(0) : v.positive;
            int256 open = _equityAt(v, uint256(price));
            int256 worst = sold * (price - int256(v.floor)) + bought * (price - int256(v.ceiling));
            int256 best = sold * (price - bestSale) + bought * (price - bestPurchase);
            v.equityLow = SignedMath.min(v.equityLow, open + worst / int256(WAD) - int256(v.fee));
            v.equityHigh = SignedMath.max(v.equityHigh, open + best / int256(WAD));
        }
    }

    function _equityAt(VenueScene memory v, uint256 price) internal pure returns (int256) {
        return v.cash + v.size * int256(price) / int256(WAD);
    }

    function _floored(int256 equity) internal pure returns (uint256) {
        return equity > 0 ? uint256(equity) : 0;
    }

    function _down(uint256 price) internal pure returns (uint256) {
        return price - Math.ceilDiv(price * DEVIATION_BPS, BPS);
    }

    function _up(uint256 price) internal pure returns (uint256) {
        return price + Math.ceilDiv(price * DEVIATION_BPS, BPS);
    }

    /// @dev Asset units that `shares` redeem for at a lower NAV.
    function _worth(uint256 shares, uint256 navLow) internal view returns (uint256) {
        return Math.mulDiv(shares, navLow + 1, vault.totalSupply() + 1e6);
    }

    function _young() internal view returns (uint256) {
        uint256 age = vm.getBlockTimestamp() - youngSince;
        return age >= RIPENING ? 0 : Math.ceilDiv(youngAssets * (RIPENING - age), RIPENING);
    }

    /// @dev What the rebalance lost where the true price was at the low or at the high end of the range, WAD USD: orders fill
    ///      at their limit where that loses, and not where it gains. A debt to a venue is nobody's loss, nor is paying it a
    ///      gain: a fall counts as far as it is one with debts and without.
    function _lossOf(Moment memory a, Moment memory b, Asked[] memory asked) internal pure returns (uint256) {
        return Math.max(_lossAt(a, b, asked, false), _lossAt(a, b, asked, true));
    }

    function _lossAt(Moment memory a, Moment memory b, Asked[] memory asked, bool isHigh)
        private
        pure
        returns (uint256)
    {
        int256 idle = int256(a.idle * TO_WAD) - int256(b.idle * TO_WAD);
        (int256 floored, int256 whole, int256 waiting) = (idle, idle, int256(0));
        for (uint256 i = 0; i < a.venues.length; ++i) {
            VenueScene memory old = a.venues[i];
            uint256 price = isHigh ? old.priceHigh : old.priceLow;
            (int256 was, int256 is_) = (_equityAt(old, price), _equityAt(b.venues[i], price));
            whole += was - is_;
            floored += int256(_floored(was)) - int256(_floored(is_));
            int256 paid = asked[i].sizeDelta * (int256(asked[i].limitPrice) - int256(price)) / int256(WAD);
            waiting += SignedMath.max(0, paid + int256(asked[i].maxFee));
        }
        int256 loss = SignedMath.min(floored, whole) + waiting - 10; // wei of rounding
        return loss > 0 ? uint256(loss) : 0;
    }
}
