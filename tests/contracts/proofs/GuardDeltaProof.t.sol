// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {GuardRules, Usage} from "../../../contracts/libraries/GuardRules.sol";
import {Bounds, Measurement, VenueMeasurement} from "../../../contracts/types/Rebalance.sol";
import {GuardProof} from "./GuardProof.sol";
import {Math} from "./models/Math.sol";

/// @title Proofs of the delta rule
/// @notice Bounds of the proofs: one venue; sizes, book and band of 64 bits; price and NAV concrete; the book is the same before
///         and after, as the vault has it.
contract GuardDeltaProof is GuardProof {
    /// @dev W never ends above max(band, W before - least improvement) where no margin and no venue was at stake.
    function check_exposure__without_relief__is_in_the_band_or_lower(
        int64[2] calldata book,
        int64 old,
        int64 current,
        uint64 band,
        uint64 minImprovement
    ) external pure {
        Bounds memory b = _loosest();
        (b.band, b.minImprovement) = (band, minImprovement);
        Measurement memory beforeTrade = _sized([int96(book[0]), book[1], old, old]);
        Measurement memory afterTrade = _sized([int96(book[0]), book[1], current, current]);
        _evaluate(b, _unused(), beforeTrade, _noFill(), afterTrade);
        uint256 worst = GuardRules.worstNetDelta(beforeTrade);
        uint256 reached = GuardRules.worstNetDelta(afterTrade);
        assert(reached <= band || reached + minImprovement <= worst || reached == 0);
    }

    /// @dev Where a venue is closing W rises by no more than what was closed there. 32 bits, and the book is a point.
    function check_exposure__with_relief__rises_by_what_was_closed(int32 book, int32 old, int32 current, uint32 band)
        external
        pure
    {
        Bounds memory b = _loosest();
        b.band = band;
        Measurement memory beforeTrade = _sized([int96(book), book, old, old]);
        Measurement memory afterTrade = _sized([int96(book), book, current, current]);
        beforeTrade.venues[0].isClosing = true;
        _evaluate(b, _unused(), beforeTrade, _noFill(), afterTrade);
        uint256 closed = _saturatingSub(_largest(beforeTrade.venues[0]), _largest(afterTrade.venues[0]));
        uint256 reached = GuardRules.worstNetDelta(afterTrade);
        assert(reached <= band || reached <= GuardRules.worstNetDelta(beforeTrade) + closed);
    }

    /// @dev The band in force is neither above the governed one nor worth more than a quarter of NAV.
    function check_band__any_nav__is_at_most_a_quarter_of_it(uint96 band, uint96 firmNav, uint96 price) external pure {
        Bounds memory b = _loosest();
        b.band = band;
        uint256 inForce = GuardRules.effectiveBand(b, firmNav, price);
        assert(inForce <= band);
        if (price == 0) assert(inForce == 0);
        else assert(inForce <= Math.mulDiv(GuardRules.share(firmNav, 2500), 1e18, price));
    }

    /// @dev W is the largest of both ends: no delta inside the interval is farther from 0.
    function check_worst_net_delta__any_point_of_the_interval__is_no_farther(
        int64[4] calldata ends,
        int64[2] calldata sizes
    ) external pure {
        Measurement memory m = _sized([int96(ends[0]), ends[1], ends[2], ends[3]]);
        if (sizes[0] < ends[0] || sizes[0] > ends[1] || sizes[1] < ends[2] || sizes[1] > ends[3]) return;
        int256 net = int256(sizes[0]) + sizes[1];
        uint256 worst = GuardRules.worstNetDelta(m);
        assert(net <= int256(worst) && -net <= int256(worst));
    }

    /// @dev Tripped, closing or reduce-only: a position moves toward 0 and not past it.
    function check_reduce_only__accepted__moved_toward_zero(
        int64 low,
        int64 high,
        int64 newLow,
        int64 newHigh,
        bool mode
    ) external pure {
        if (low > high || newLow > newHigh) return;
        Measurement memory beforeTrade = _sized([int96(0), 0, low, high]);
        Measurement memory afterTrade = _sized([int96(0), 0, newLow, newHigh]);
        beforeTrade.isReduceOnly = mode;
        beforeTrade.venues[0].isClosing = !mode;
        _evaluate(_loosest(), _unused(), beforeTrade, _noFill(), afterTrade);
        assert(newLow >= 0 || newLow >= low);
        assert(newHigh <= 0 || newHigh <= high);
    }

    /// @dev A tripped breaker lets no position grow on any venue.
    function check_breaker__tripped__no_position_grows(int64 size, int64 newSize, int64 high) external pure {
        Bounds memory b = _loosest();
        b.maxDrawdownBps = 1000;
        Usage memory usage = _unused();
        usage.track.period = uint32(NOW / 8 hours);
        usage.track.highs[0] = high;
        Measurement memory beforeTrade = _sized([int96(0), 0, size, size]);
        Measurement memory afterTrade = _sized([int96(0), 0, newSize, newSize]);
        _evaluate(b, usage, beforeTrade, _noFill(), afterTrade);
        bool isTripped = int256(high) * 1e16 - 1_000_000e18 > 100_000e18;
        assert(!isTripped || (size >= 0 ? newSize >= 0 && newSize <= size : newSize <= 0 && newSize >= size));
    }

    // --- private ----------------------------------------------------------------------------------------------------

    /// @dev Book low and high, venue low and high.
    function _sized(int96[4] memory ends) private pure returns (Measurement memory m) {
        m = _measured(1);
        (m.bookDeltaLow, m.bookDeltaHigh) = (ends[0], ends[1]);
        (m.venues[0].sizeLow, m.venues[0].sizeHigh) = (ends[2], ends[3]);
    }

    function _largest(VenueMeasurement memory venue) private pure returns (uint256) {
        int256 low = venue.sizeLow < 0 ? -venue.sizeLow : venue.sizeLow;
        int256 high = venue.sizeHigh < 0 ? -venue.sizeHigh : venue.sizeHigh;
        return uint256(low > high ? low : high);
    }

    function _saturatingSub(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a - b : 0;
    }
}
