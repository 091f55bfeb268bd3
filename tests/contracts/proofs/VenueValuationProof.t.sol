// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {IPriceOracle} from "../../../contracts/interfaces/IPriceOracle.sol";
import {GuardRules} from "../../../contracts/libraries/GuardRules.sol";
import {ResultTrack} from "../../../contracts/libraries/ResultTrack.sol";
import {VenueValuation} from "../../../contracts/libraries/VenueValuation.sol";
import {Measurement, Track, VenueMeasurement} from "../../../contracts/types/Rebalance.sol";

/// @title Proofs of a venue's value and of the hedge's result
/// @notice Bounds of the proofs: sizes are whole underlying units of 16 bits and prices 16 bits, so that size times price is
///         divided without a remainder, or the size is one unit in 1e18 of one; oracle and deviation as each says.
contract VenueValuationProof {
    int256 private constant WAD = 1e18;

    /// @dev The interval of equity holds the equity at the oracle's price. The size is one of four.
    function check_equity__oracle_price__inside_the_interval(
        uint8 choice,
        int64 equity,
        uint32 mark,
        uint32[3] calldata p
    ) external pure {
        if (p[0] > p[1] || p[1] > p[2] || p[1] == 0) return;
        IPerpVenue.Account memory account = _account(_sizeOf(choice), equity, mark, p[1]);
        IPriceOracle.Reading memory reading;
        (reading.low, reading.price, reading.high) = (p[0], p[1], p[2]);
        VenueMeasurement memory m;
        VenueValuation.value(m, account, reading);
        assert(m.equityLow <= m.equity && m.equity <= m.equityHigh);
    }

    /// @dev And the venue's own equity, which is taken at its mark.
    function check_equity__venues_own__inside_the_interval(uint8 choice, int64 equity, uint32 mark, uint32 index)
        external
        pure
    {
        IPerpVenue.Account memory account = _account(_sizeOf(choice), equity, mark, index);
        IPriceOracle.Reading memory reading;
        VenueMeasurement memory m;
        VenueValuation.value(m, account, reading);
        assert(m.equityLow <= equity && equity <= m.equityHigh);
    }

    /// @dev A venue that is silent is worth nothing and may hold anything between nothing and the last size.
    function check_silent__any_last_size__nothing_to_the_last(int96 lastSize) external pure {
        IPriceOracle.Reading memory reading;
        VenueMeasurement memory m;
        VenueValuation.valueSilent(m, lastSize, reading);
        assert(m.isSilent && m.equity == 0 && m.equityLow == 0 && m.equityHigh == 0);
        assert(m.sizeLow <= 0 && m.sizeHigh >= 0 && m.sizeLow + m.sizeHigh == lastSize);
        assert(m.sizeLow == 0 || m.sizeHigh == 0);
    }

    function check_possible__accepted__no_product_overflows(IPerpVenue.Account calldata account) external pure {
        if (!VenueValuation.isPossible(account)) return;
        assert(account.size <= 1e36 && account.size >= -1e36 && account.equity <= 1e36 && account.equity >= -1e36);
        assert(account.pendingNegative <= 0 && account.pendingPositive >= 0);
        assert(account.markPrice <= 1e30 && account.indexPrice <= 1e30);
        assert(account.size == 0 || (account.markPrice != 0 && account.indexPrice != 0));
    }

    /// @dev A move of the price that moves NAV by what the hedge gains leaves the result where it is.
    function check_result__price_moves__is_the_same(
        uint64 nav,
        int64 flows,
        uint32 oldPrice,
        uint32 price,
        uint8 choice
    ) external pure {
        int256 size = _sizeOf(choice);
        if (oldPrice == 0) return;
        int256 moved = int256(uint256(nav)) + size / WAD * (int256(uint256(price)) - int256(uint256(oldPrice)));
        if (moved < 0) return;
        Track memory track;
        (track.size, track.price) = (int128(size), oldPrice);
        Measurement memory m;
        (m.nav, m.netFlows, m.price) = (nav, flows, oldPrice);
        int256 unmoved = ResultTrack.result(track, m);
        (m.nav, m.price) = (uint256(moved), price);
        assert(ResultTrack.result(track, m) == unmoved);
    }

    /// @dev Nor do deposits and exits change it.
    function check_result__deposits_and_exits__is_the_same(uint64 nav, int64 flows, int64 flow) external pure {
        int256 moved = int256(uint256(nav)) + flow;
        if (moved < 0) return;
        Track memory track;
        Measurement memory m;
        (m.nav, m.netFlows) = (nav, flows);
        int256 unmoved = ResultTrack.result(track, m);
        (m.nav, m.netFlows) = (uint256(moved), int256(flows) + flow);
        assert(ResultTrack.result(track, m) == unmoved);
    }

    /// @dev The track stands still while a venue is silent: a loss that is not seen trips and forgets nothing.
    function check_track__silent_venue__stands_still(Track calldata track, uint64 nav, uint32 timestamp) external pure {
        Measurement memory m;
        (m.nav, m.price) = (nav, 1);
        m.venues = new VenueMeasurement[](1);
        m.venues[0].isSilent = true;
        Track memory next = ResultTrack.advance(track, m, m, timestamp);
        assert(keccak256(abi.encode(next)) == keccak256(abi.encode(track)));
        assert(!ResultTrack.isTripped(track, m, 0, timestamp));
    }

    // --- private ----------------------------------------------------------------------------------------------------

    function _account(int256 size, int256 equity, uint256 mark, uint256 index)
        private
        pure
        returns (IPerpVenue.Account memory account)
    {
        (account.size, account.equity, account.markPrice, account.indexPrice) = (size, equity, mark, index);
    }

    function _sizeOf(uint8 choice) private pure returns (int256) {
        if (choice == 0) return 0;
        if (choice == 1) return WAD;
        if (choice == 2) return -WAD;
        return choice == 3 ? WAD * 3 : -WAD * 7;
    }
}
