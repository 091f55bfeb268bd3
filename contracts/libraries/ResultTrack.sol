// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Measurement, Track} from "../types/Rebalance.sol";

/// @title Track of the hedge's unexplained result
/// @notice A hedge's NAV falls whenever its book gains, so NAV alone says nothing about losses. The result tracked here is
///         NAV - deposits + exits - sum(size x change of the oracle price): what remains is funding, fees, slippage,
///         liquidations and thefts. The breaker trips where it has fallen too far from its high of the last day.
/// @dev Highs are kept for this period of 8 hours and the three before: a high counts for at least 24 hours and at most 32.
///      Only rebalances and `RebalanceGuard.recordResult` (anyone) take samples; a period without any has no high.
library ResultTrack {
    using SafeCast for int256;
    using SafeCast for uint256;

    uint256 internal constant PERIOD_SECONDS = 8 hours;
    uint256 internal constant PERIODS = 4;
    int64 internal constant NO_HIGH = type(int64).min;
    int256 private constant CENT = 1e16;
    int256 private constant WAD = 1e18;

    /// @notice Unexplained result now, USD. Without a healthy price it cannot be told.
    function result(Track memory track, Measurement memory m) internal pure returns (int256) {
        return m.nav.toInt256() - m.netFlows - _explained(track, m.price);
    }

    /// @notice True where the result is known to have fallen by more than `maxDrawdownBps` of NAV from its high.
    function isTripped(Track memory track, Measurement memory m, uint256 maxDrawdownBps, uint256 timestamp)
        internal
        pure
        returns (bool)
    {
        if (m.price == 0 || _isAnySilent(m)) return false;
        int64[PERIODS] memory highs = _rolled(track, timestamp);
        int256 high = NO_HIGH;
        for (uint256 i = 0; i < PERIODS; ++i) {
            if (highs[i] > high) high = highs[i];
        }
        if (high == NO_HIGH) return false;
        int256 fall = high * CENT - result(track, m);
        return fall > Math.mulDiv(m.nav, maxDrawdownBps, 10_000).toInt256();
    }

    /// @notice The track after a rebalance. It stands still while no price is healthy or a venue is silent.
    function advance(
        Track memory track,
        Measurement memory beforeTrade,
        Measurement memory afterTrade,
        uint256 timestamp
    ) internal pure returns (Track memory next) {
        if (beforeTrade.price == 0 || _isAnySilent(beforeTrade) || _isAnySilent(afterTrade)) return track;
        next.explained = _explained(track, beforeTrade.price).toInt128();
        next.price = uint256(beforeTrade.price).toUint96();
        next.size = _hedge(afterTrade).toInt128();
        next.period = (timestamp / PERIOD_SECONDS).toUint32();
        next.highs = _rolled(track, timestamp);
        int256 high = result(next, beforeTrade);
        int256 afterwards = result(next, afterTrade);
        if (afterwards > high) high = afterwards;
        int64 cents = _centsUp(high);
        if (cents > next.highs[0]) next.highs[0] = cents;
    }

    function _explained(Track memory track, uint256 price) private pure returns (int256) {
        if (track.price == 0) return track.explained;
        int256 move = price.toInt256() - int256(uint256(track.price));
        return track.explained + int256(track.size) * move / WAD;
    }

    /// @dev Pending orders count half: which of them fill is not known.
    function _hedge(Measurement memory m) private pure returns (int256 size) {
        for (uint256 i = 0; i < m.venues.length; ++i) {
            size += (m.venues[i].sizeLow + m.venues[i].sizeHigh) / 2;
        }
    }

    function _isAnySilent(Measurement memory m) private pure returns (bool) {
        for (uint256 i = 0; i < m.venues.length; ++i) {
            if (m.venues[i].isSilent) return true;
        }
        return false;
    }

    /// @dev The highs as they stand at `timestamp`: periods that have passed since go back in the row.
    function _rolled(Track memory track, uint256 timestamp) private pure returns (int64[PERIODS] memory highs) {
        uint256 passed = timestamp / PERIOD_SECONDS - track.period;
        for (uint256 i = 0; i < PERIODS; ++i) {
            highs[i] = i < passed ? NO_HIGH : track.highs[i - passed];
        }
    }

    function _centsUp(int256 amount) private pure returns (int64) {
        int256 cents = amount / CENT;
        return (amount > cents * CENT ? cents + 1 : cents).toInt64();
    }
}
