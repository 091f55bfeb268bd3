// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";
import {IDeltaBook} from "../interfaces/IDeltaBook.sol";
import {IDeltaSource} from "../interfaces/IDeltaSource.sol";
import {IOptionBook} from "../interfaces/IOptionBook.sol";
import {Black76Price} from "./Black76Price.sol";

/// @title Gamma and vega of a delta book, from what the chain knows of it
/// @notice Gamma is measured on the book as a whole, whatever its sources are: the change of either end of its interval over a
///         move of the price from 1 % below to 1 % above, the larger of the two. Vega is the sum over the legs of its option
///         books, each at the middle of its IV interval.
/// @dev Known limits. The vega of other sources is not known here and counts 0: no purchase of options passes for a hedge of it.
library OptionBookRisk {
    uint256 private constant BUMP_BPS = 100;
    uint256 private constant BPS = 10_000;

    /// @notice Underlying units.
    function gammaSpan(IDeltaBook book, uint256 price) internal view returns (uint256) {
        (int256 downLow, int256 downHigh) = book.deltaInterval(price * (BPS - BUMP_BPS) / BPS);
        (int256 upLow, int256 upHigh) = book.deltaInterval(price * (BPS + BUMP_BPS) / BPS);
        return FixedPointMathLib.max(FixedPointMathLib.abs(upLow - downLow), FixedPointMathLib.abs(upHigh - downHigh));
    }

    /// @notice USD for one unit of volatility, signed.
    function vega(IDeltaBook book, uint256 price) internal view returns (int256 total) {
        IDeltaSource[] memory sources = book.sources();
        for (uint256 i = 0; i < sources.length; ++i) {
            IOptionBook legs = IOptionBook(address(sources[i]));
            try legs.legIds() returns (uint256[] memory ids) {
                for (uint256 j = 0; j < ids.length; ++j) {
                    total += _legVega(legs.leg(ids[j]), price);
                }
            } catch {
                continue; // another kind of source
            }
        }
    }

    function _legVega(IOptionBook.OptionLeg memory leg, uint256 price) private view returns (int256) {
        if (block.timestamp >= leg.expiry) return 0;
        (, uint256 ofOne) = Black76Price.gammaAndVega(
            Black76Price.Terms(price, leg.strike, leg.expiry - block.timestamp, (leg.ivLow + leg.ivHigh) / 2)
        );
        return int256(ofOne) * leg.quantity / 1e18;
    }
}
