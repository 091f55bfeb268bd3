// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {IPriceOracle} from "../../../contracts/interfaces/IPriceOracle.sol";
import {ResultTrack} from "../../../contracts/libraries/ResultTrack.sol";
import {VenueValuation} from "../../../contracts/libraries/VenueValuation.sol";
import {Measurement, Track, VenueMeasurement} from "../../../contracts/types/Rebalance.sol";

/// @title Proofs of a venue's value and of the hedge's result
/// @notice Bounds of the proofs: 64 bits an amount. That the interval of equity holds the equity at a price, and that a move
///         of the price leaves the result, needs signed division, which z3 did not decide: neither is proved here.
contract VenueValuationProof {
    /// @dev A venue that is silent is worth nothing and may hold anything between nothing and the last size.
    function check_silent__any_last_size__nothing_to_the_last(int96 lastSize) external pure {
        IPriceOracle.Reading memory reading;
        VenueMeasurement memory m;
        VenueValuation.valueSilent(m, lastSize, lastSize, reading);
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

    /// @dev Deposits and exits do not change the result.
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

    /// @dev No high is taken and none is forgotten while a venue is silent, and the result is what it was.
    function check_track__silent_venue__forgets_nothing(Track calldata track, uint64 nav, uint32 timestamp)
        external
        pure
    {
        Measurement memory m;
        (m.nav, m.price) = (nav, 1);
        m.venues = new VenueMeasurement[](1);
        m.venues[0].isSilent = true;
        Track memory next = ResultTrack.advance(track, m, m, timestamp);
        assert(next.size == track.size && next.period == track.period && next.flows == track.flows);
        assert(keccak256(abi.encode(next.highs)) == keccak256(abi.encode(track.highs)));
        assert(ResultTrack.result(next, m) == ResultTrack.result(track, m));
        assert(!ResultTrack.isTripped(track, m, 0, timestamp));
    }
}
