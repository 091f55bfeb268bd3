// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";
import {RoundTrips} from "./RoundTrips.sol";

/// @notice Time, prices, the book, feeds that die and lie, venues that halt, liquidate, and leave a debt.
abstract contract MarketActions is RoundTrips {
    uint256 private constant RESULT_ROUNDING = 1e6; // wei of USD

    /// @dev Funding of at most 3 % a day is paid on the way.
    function _pass(uint256 a, uint256 b) internal returns (bool) {
        uint256 elapsed = 60 + a % 2 hours;
        for (uint256 i = 0; i < listed.length; ++i) {
            int256 perDay = listed[i].size() * int256(feedPrice) / 1e18 * (int256((b >> (i * 8)) % 61) - 30) / 1000;
            listed[i].setCash(listed[i].cash() - perDay * int256(elapsed) / 1 days);
        }
        _advance(elapsed);
        _moveVenues(feedPrice, feedPrice);
        return true;
    }

    /// @dev The market moves by up to 2 %, and feed, index and mark with it. The hedge's result knows nothing of it.
    function _movePrice(uint256 a, uint256 b) internal returns (bool) {
        uint256 price = feedPrice * (9800 + a % 401) / BPS;
        if (price < 1200e18 || price > 3200e18) price = 2000e18;
        bool isJudged = b % 4 == 0 && !_isPriceDead();
        if (isJudged) _moveVenues(feedPrice, feedPrice);
        Moment memory m = _moment();
        isJudged = isJudged && !m.isAnySilent && !m.isAnyUnderWater && _isPlain(m);
        int256 resultBefore = isJudged ? _result(m) : int256(0);
        _publish(price);
        _moveVenues(price, price);
        if (!isJudged) return true;
        m = _moment();
        if (!m.isAnyUnderWater) _judge(59, SignedMath.abs(_result(m) - resultBefore) <= RESULT_ROUNDING);
        return true;
    }

    /// @dev A pending order counts half in the track and moves with no price.
    function _isPlain(Moment memory m) private pure returns (bool) {
        for (uint256 i = 0; i < m.venues.length; ++i) {
            if (m.venues[i].sizeLow != m.venues[i].sizeHigh) return false;
        }
        return true;
    }

    function _result(Moment memory m) private returns (int256) {
        guard.recordResult();
        return int256(m.nav) - flows * int256(TO_WAD) - int256(guard.track().explained);
    }

    /// @dev Inside the deviation the feed stays silent; the mark goes its own way.
    function _drift(uint256 a, uint256 b) internal returns (bool) {
        uint256 index = feedPrice * (BPS - DEVIATION_BPS + a % (2 * DEVIATION_BPS + 1)) / BPS;
        _moveVenues(index, index * (9800 + b % 401) / BPS);
        _advance(1 + b % 30);
        return true;
    }

    function _moveBook(uint256 a, uint256 b) internal returns (bool) {
        int256 middle = (book.low() + book.high()) / 2;
        middle = a % 8 == 0 ? -int256(b % 80e18) + 20e18 : _clamp(middle + int256(b % 16e18) - 8e18, 80e18);
        int256 half = int256((b >> 128) % 2e18);
        book.set(middle - half, middle + half);
        return true;
    }

    function _breakFeed(uint256 a, uint256) internal returns (bool) {
        _setFault(Fault(1 + a % 7));
        return true;
    }

    function _healFeed(uint256, uint256) internal returns (bool) {
        _setFault(Fault.None);
        return true;
    }

    function _halt(uint256 a, uint256 b) internal returns (bool) {
        ScriptedVenue venue = listed[a % listed.length];
        if (b % 2 == 0) venue.setHalted(true);
        else venue.setPending(1, 0); // an answer that no account can have
        return true;
    }

    /// @dev Every venue answers again; a debt is forgiven with the position that it came from.
    function _healVenues(uint256, uint256) internal returns (bool) {
        for (uint256 i = 0; i < everyVenue.length; ++i) {
            ScriptedVenue venue = everyVenue[i];
            venue.setHalted(false);
            venue.setPending(0, 0);
            int256 low = venue.cash() + venue.size() * int256(feedPrice * (venue.size() > 0 ? 99 : 101) / 100) / 1e18;
            if (low <= 0) _close(venue, 0);
        }
        _moveVenues(feedPrice, feedPrice);
        return true;
    }

    function _pend(uint256 a, uint256 b) internal returns (bool) {
        ScriptedVenue venue = listed[a % listed.length];
        if (venue.openOrder() != 0) return true; // it has a pending order of its own
        venue.setPending(-int256(b % 2e18), int256((b >> 128) % 2e18));
        if (a % 2 == 0) venue.setPending(0, 0);
        return true;
    }

    /// @dev The venue closes a position and keeps most of the equity.
    function _liquidate(uint256 a, uint256 b) internal returns (bool) {
        ScriptedVenue venue = _positioned(a);
        if (address(venue) == address(0)) return false;
        int256 equity = venue.cash() + venue.size() * int256(feedPrice) / 1e18;
        _close(venue, equity > 0 ? equity * int256(b % 60) / 100 : int256(0));
        return true;
    }

    /// @dev The position stays and owes more than it has.
    function _indebt(uint256 a, uint256 b) internal returns (bool) {
        ScriptedVenue venue = _positioned(a);
        if (address(venue) == address(0)) return false;
        venue.setCash(-venue.size() * int256(feedPrice) / 1e18 - int256(b % 1000e18));
        return true;
    }

    /// @dev For a moment a venue claims a size or an equity that is not of this world, and someone takes a sample of it.
    function _lie(uint256 a, uint256 b) internal returns (bool) {
        ScriptedVenue venue = listed[a % listed.length];
        (int256 size, int256 cash) = (venue.size(), venue.cash());
        int256 claimed = int256(10 ** (31 + b % 6));
        if (b % 16 < 8) venue.setSize(int256(a % 2 == 0 ? claimed : -claimed));
        else venue.setCash(claimed);
        bool isAnswered = _sample();
        venue.setSize(int256(size));
        venue.setCash(cash);
        _movePrice(a >> 8, 1);
        _judge(60, isAnswered && _sample());
        return true;
    }

    function _sample() private returns (bool isAnswered) {
        (isAnswered,) = address(guard).call(abi.encodeCall(guard.recordResult, ()));
    }

    function _close(ScriptedVenue venue, int256 cash) private {
        venue.setSize(0);
        venue.setCash(cash);
        uint256 held = token.balanceOf(address(venue));
        uint256 owed = cash > 0 ? uint256(cash) / TO_WAD : 0;
        token.burn(address(venue), Math.saturatingSub(held, owed));
    }
}
