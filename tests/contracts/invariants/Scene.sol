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

    mapping(ScriptedVenue venue => int256) internal lastSize; // when it was last measured by a rebalance
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
        int256 negative;
        int256 positive;
        uint256 mark;
        uint256 index;
        (v.size, v.cash, negative, positive, mark, index, v.isSilent) = venue.figures();
        v.isSilent = v.isSilent || negative > 0;
        v.cap = capUsd[venue] * WAD;
        v.price = price == 0 && !v.isSilent ? index : price;
        (v.priceLow, v.priceHigh) = (_down(v.price), _up(v.price));
        v.sizeLow = v.isSilent ? SignedMath.min(0, lastSize[venue]) : v.size + negative;
        v.sizeHigh = v.isSilent ? SignedMath.max(0, lastSize[venue]) : v.size + positive;
        uint256 worst = Math.max(SignedMath.abs(v.sizeLow), SignedMath.abs(v.sizeHigh));
        v.notional = Math.mulDiv(worst, v.price, WAD, Math.Rounding.Ceil);
        if (v.isSilent) return v;
        v.equity = _equityAt(v, v.price);
        uint256 low = Math.min(Math.min(_down(index), mark), v.priceLow);
        uint256 high = Math.max(Math.max(_up(index), mark), v.priceHigh);
        (v.equityLow, v.equityHigh) = (_equityAt(v, v.size > 0 ? low : high), _equityAt(v, v.size > 0 ? high : low));
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

    /// @dev What the rebalance lost where the true price was at the low or at the high end of the range, WAD USD. A debt to a
    ///      venue is nobody's loss, nor is paying it a gain: a fall counts as far as it is one with debts and without.
    function _lossOf(Moment memory a, Moment memory b) internal pure returns (uint256) {
        return Math.max(_lossAt(a, b, false), _lossAt(a, b, true));
    }

    function _lossAt(Moment memory a, Moment memory b, bool isHigh) private pure returns (uint256) {
        int256 idle = int256(a.idle * TO_WAD) - int256(b.idle * TO_WAD);
        (int256 floored, int256 whole) = (idle, idle);
        for (uint256 i = 0; i < a.venues.length; ++i) {
            VenueScene memory old = a.venues[i];
            uint256 price = isHigh ? old.priceHigh : old.priceLow;
            (int256 was, int256 is_) = (_equityAt(old, price), _equityAt(b.venues[i], price));
            whole += was - is_;
            floored += int256(_floored(was)) - int256(_floored(is_));
        }
        int256 loss = SignedMath.min(floored, whole) - 10; // wei of rounding
        return loss > 0 ? uint256(loss) : 0;
    }
}
