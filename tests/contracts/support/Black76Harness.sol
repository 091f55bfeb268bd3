// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Black76} from "../../../contracts/libraries/Black76.sol";
import {NormalCdf} from "../../../contracts/libraries/NormalCdf.sol";

/// @title Opens the delta libraries to tests, one question or many in a call
contract Black76Harness {
    struct Option {
        uint256 price;
        uint256 strike;
        uint256 tauSeconds;
        uint256 ivLow;
        uint256 ivHigh;
    }

    /// @notice N(x) at 2^52 to the unit, of arguments at 2^40.
    function cdfX52(int256[] calldata x) external pure returns (int256[] memory values) {
        values = new int256[](x.length);
        for (uint256 i; i < x.length; ++i) {
            values[i] = NormalCdf.cdfX52(x[i]);
        }
    }

    /// @notice Logarithms of prices.
    function lnPrices(uint256[] calldata prices) external pure returns (int256[] memory values) {
        values = new int256[](prices.length);
        for (uint256 i; i < prices.length; ++i) {
            values[i] = Black76.lnPrice(prices[i]);
        }
    }

    /// @notice Call deltas at each option's lower volatility.
    function callDeltas(Option[] calldata options) external pure returns (int256[] memory deltas) {
        deltas = new int256[](options.length);
        for (uint256 i; i < options.length; ++i) {
            Option calldata one = options[i];
            deltas[i] = Black76.callDelta(one.price, one.strike, one.tauSeconds, one.ivLow);
        }
    }

    /// @notice Bounds of the call deltas, 2^52 to the unit.
    function callDeltaBoundsX52(Option[] calldata options)
        external
        pure
        returns (int256[] memory lows, int256[] memory highs)
    {
        (lows, highs) = (new int256[](options.length), new int256[](options.length));
        for (uint256 i; i < options.length; ++i) {
            (lows[i], highs[i]) = callDeltaBounds(options[i]);
        }
    }

    /// @notice Bounds of one call delta, 2^52 to the unit.
    function callDeltaBounds(Option calldata one) public pure returns (int256 low, int256 high) {
        int256 lnMoneyness = Black76.lnPrice(one.price) - Black76.lnPrice(one.strike);
        return Black76.callDeltaBoundsX52(lnMoneyness, Black76.halfRootTau(one.tauSeconds), one.ivLow, one.ivHigh);
    }

    /// @notice Delta of one call.
    function callDelta(uint256 price, uint256 strike, uint256 tauSeconds, uint256 iv) external pure returns (int256) {
        return Black76.callDelta(price, strike, tauSeconds, iv);
    }

    /// @notice N(x) of one argument.
    function cdf(int256 x) external pure returns (int256) {
        return NormalCdf.cdfX52(x);
    }
}
