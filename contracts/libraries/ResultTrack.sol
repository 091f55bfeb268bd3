// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {Measurement, Track} from "../types/Rebalance.sol";

/// @title Track of the hedge's unexplained result
/// @notice A hedge's NAV falls whenever its book gains, so NAV alone says nothing about losses. The result tracked here is
///         NAV - deposits + exits - sum(size x change of the oracle price): what remains is funding, fees, slippage,
///         liquidations and thefts. The breaker trips where it has fallen too far from its high of the last day.
///
///         Who leaves takes his part of what was lost: until the next sample the fall is a part of NAV with what has left since
///         the last one, and each sample lowers the highs by that part. Otherwise an exit could trip the breaker, and free
///         a stolen keeper's key from the delta rule. A loss after an exit and before the next sample is understated alike, and
///         deposits since the last sample count in NAV until they leave. While a venue is silent no high is taken: what is
///         traded on the others is added to what the hedge was.
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
            high = SignedMath.max(high, highs[i]);
        }
        int256 fall = high * CENT - result(track, m); // none where no period has a high
        return fall > Math.mulDiv(m.nav + _left(track, m), maxDrawdownBps, 10_000).toInt256();
    }

    /// @notice The track after a rebalance. It stands still while no price is healthy, and but for the hedge while a venue is
    ///         silent.
    /// @dev Writes into `track`.
    function advance(
        Track memory track,
        Measurement memory beforeTrade,
        Measurement memory afterTrade,
        uint256 timestamp
    ) internal pure returns (Track memory) {
        if (beforeTrade.price == 0) return track;
        track.explained = _explained(track, beforeTrade.price).toInt128();
        track.price = uint256(beforeTrade.price).toUint96();
        int256 size = _hedge(afterTrade, beforeTrade);
        bool isAnySilent = _isAnySilent(beforeTrade) || _isAnySilent(afterTrade);
        if (isAnySilent) size += track.size - _hedge(beforeTrade, afterTrade);
        track.size = size.toInt128();
        if (isAnySilent) return track;
        uint256 left = _left(track, beforeTrade);
        track.highs = _rolled(track, timestamp);
        track.period = (timestamp / PERIOD_SECONDS).toUint32();
        track.flows = _firmFlows(afterTrade).toInt128();
        int256 high = result(track, beforeTrade);
        _lowerHighs(track.highs, high, beforeTrade.nav, left);
        int64 cents = _centsUp(SignedMath.max(high, result(track, afterTrade)));
        if (cents > track.highs[0]) track.highs[0] = cents;
        return track;
    }

    /// @notice The track after a leaver closed his part. What that took from NAV is his own, and no loss of who stays.
    function advanceUnwound(
        Track memory track,
        Measurement memory beforeTrade,
        Measurement memory afterTrade,
        uint256 timestamp
    ) internal pure returns (Track memory next) {
        next = advance(track, beforeTrade, afterTrade, timestamp);
        // Venues' equities alone have changed, and they are bounded (`VenueValuation`).
        next.explained -= int128(int256(Math.saturatingSub(beforeTrade.nav, afterTrade.nav)));
    }

    function _explained(Track memory track, uint256 price) private pure returns (int256) {
        if (track.price == 0) return track.explained;
        int256 move = price.toInt256() - int256(uint256(track.price));
        return track.explained + int256(track.size) * move / WAD;
    }

    /// @dev Takes the part `left / (nav + left)` of the fall from each high, what stays rounded up.
    function _lowerHighs(int64[PERIODS] memory highs, int256 current, uint256 nav, uint256 left) private pure {
        if (left == 0) return;
        for (uint256 i = 0; i < PERIODS; ++i) {
            int256 fall = highs[i] * CENT - current;
            if (fall <= 0) continue;
            highs[i] = _centsUp(current + Math.mulDiv(uint256(fall), nav, nav + left, Math.Rounding.Ceil).toInt256());
        }
    }

    /// @dev What has left since the last sample, USD; deposits count as they ripen, so that one of a moment hides no exit.
    function _left(Track memory track, Measurement memory m) private pure returns (uint256) {
        return uint256(SignedMath.max(track.flows - _firmFlows(m), 0));
    }

    function _firmFlows(Measurement memory m) private pure returns (int256) {
        return m.netFlows - m.nav.toInt256() + m.firmNav.toInt256();
    }

    /// @dev On the venues that answer, in `other` too. Pending orders count half: which of them fill is not known.
    function _hedge(Measurement memory m, Measurement memory other) private pure returns (int256 size) {
        for (uint256 i = 0; i < m.venues.length; ++i) {
            if (m.venues[i].isSilent || other.venues[i].isSilent) continue;
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
