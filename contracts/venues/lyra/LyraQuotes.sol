// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";
import {ILyraOptionToken, LyraOptionType, LyraPositionState} from "../../book/ILyra.sol";
import {IPriceOracle} from "../../interfaces/IPriceOracle.sol";
import {Black76Price} from "../../libraries/Black76Price.sol";
import {PriceFaults} from "../../types/Prices.sol";
import {LyraPricing} from "./LyraPricing.sol";

/// @title What Lyra v1 ("Avalon") asks and bids for long options, and what those held are worth
/// @notice Purpose. Lyra quotes nothing without a trade. This contract works out, in views, what a trade would cost at Lyra's
///         own state: its IV after the trade's own impact, Black-Scholes at its rate, and the fees that Lyra's pricer tells.
///
///         Worth. An option held is worth at least what selling all of it would bring, and at most what buying it would cost
///         without a fee, over every price between two. Neither end is Lyra's volatility of the moment alone, which a trade
///         moves: the low end takes it or its average over Lyra's own periods, whichever is less, the high end whichever is
///         more. Where Lyra would let go of an option by force alone (delta out of range, cutoff), the low end is at the shock
///         it takes for that. Expired and not settled, it is worth its payoff at any of those prices; settled, what Lyra pays.
///
///         Trust. Lyra's contracts as they were given at deployment, and the oracle.
///
///         Rounding. Low ends down and high ends up, by the proven error of the formula and a wei.
///
///         Known limits. The average over time is as old as Lyra's period (12 hours): while Lyra's volatility falls, the high end
///         lags. What Lyra's pool cannot pay is not known here.
contract LyraQuotes is LyraPricing {
    using FixedPointMathLib for uint256;

    constructor(Contracts memory lyra, IPriceOracle oracle_) LyraPricing(lyra, oracle_) {}

    // --- quotes ---------------------------------------------------------------------------------------------------

    /// @notice What a purchase would cost now, or a sale bring, fees inside, USD; exact but for the error of the formula.
    /// @param sizeDelta Signed size, underlying units.
    function quote(uint256 strikeId, bool isCall, int256 sizeDelta) external view returns (uint256 totalCost) {
        Series memory s = _live(strikeId, isCall);
        uint256 spot = spotPrice();
        Terms memory t = _terms(spot, spot);
        Pricing memory p = _priced(t, s, FixedPointMathLib.abs(sizeDelta), sizeDelta > 0);
        p.feeSpot = t.spot;
        if (p.isForced) p.vol = FixedPointMathLib.min(p.vol, _averageVol(t.force, s)).mulWad(_forceShock(t, s));
        Black76Price.Terms memory option =
            Black76Price.Terms(t.spot, _discounted(s, t.rate), s.expiry - block.timestamp, p.vol);
        p.optionPrice = Black76Price.value(option, isCall);
        option.iv = p.baseIv.mulWad(p.skew);
        (, p.vega) = Black76Price.gammaAndVega(option);
        return _total(t, s, p, cache.getStrikeCache(strikeId).greeks.stdVega);
    }

    /// @notice Value of one option without fees or impact, USD: at `price` and Lyra's average volatility; and its ends for
    ///         every volatility within `ivTolerance` of it, every rate within `carryTolerance`, and every price between two.
    function fairValue(
        uint256 strikeId,
        bool isCall,
        uint256 price,
        Prices calldata within,
        uint256 ivTolerance,
        uint256 carryTolerance
    ) external view returns (Fair memory fair) {
        Series memory s = _live(strikeId, isCall);
        uint256 vol = _averageVol(cache.getForceCloseParams(), s);
        uint256 strike = _discounted(s, cache.getGreekCacheParams().rateAndCarry);
        fair.middle = Black76Price.value(Black76Price.Terms(price, strike, s.expiry - block.timestamp, vol), isCall);
        uint256 carry = carryTolerance * (s.expiry - block.timestamp) / YEAR + 1;
        // A higher rate is a lower strike: it makes calls dearer, puts cheaper.
        fair.low = _fairEnd(s, _shifted(s.strike, carry, isCall), within, vol.zeroFloorSub(ivTolerance), false);
        fair.high = _fairEnd(s, _shifted(s.strike, carry, !isCall), within, vol + ivTolerance, true);
    }

    // --- what is held ---------------------------------------------------------------------------------------------

    /// @notice All of the oracle's interval and Lyra's own price; of the one alone where the other gives none.
    function prices() external view returns (Prices memory found) {
        IPriceOracle.Reading memory reading = oracle.read();
        bool isHealthy = reading.faults & PriceFaults.PRICE_FAULTS == 0;
        if (isHealthy) found = Prices(reading.low, reading.high);
        try exchange.getSpotPriceForMarket(address(market)) returns (uint256 spot) {
            if (!isHealthy) return Prices(spot, spot);
            found.low = FixedPointMathLib.min(found.low, spot);
            found.high = FixedPointMathLib.max(found.high, spot);
        } catch {
            if (!isHealthy) revert NoPrice();
        }
    }

    /// @notice What positions are worth at the least and at the most, USD, each; 0 of one that is not active.
    function worths(uint256[] calldata positionIds, Prices calldata within)
        external
        view
        returns (uint256[] memory lows, uint256[] memory highs)
    {
        (lows, highs) = (new uint256[](positionIds.length), new uint256[](positionIds.length));
        Terms memory t;
        for (uint256 i = 0; i < positionIds.length; ++i) {
            ILyraOptionToken.OptionPosition memory held = optionToken.getOptionPosition(positionIds[i]);
            if (held.state != LyraPositionState.ACTIVE || held.amount == 0) continue;
            Series memory s = _heldSeries(held);
            if (block.timestamp >= s.expiry) {
                (lows[i], highs[i]) = _expiredWorth(s, held.amount, within);
                continue;
            }
            if (t.spot == 0) t = _terms(within.low, within.high);
            (lows[i], highs[i]) = _liveWorth(t, s, held.amount, within);
        }
    }

    /// @notice What an option of a settled board pays for `size` of it, USD; 0 while it is not settled.
    function payoff(uint256 strikeId, bool isCall, uint256 size) external view returns (uint256) {
        Series memory s = seriesOf(strikeId, isCall);
        return s.settledAt == 0 ? 0 : size.mulWad(_payoff(s, s.settledAt));
    }

    /// @notice Gamma (change of delta for one USD) and vega (USD for one unit of volatility) of a whole position at `price`; 0
    ///         from its expiry on. Volatility as Lyra has it.
    function greeks(uint256 positionId, uint256 price) external view returns (uint256 gamma, uint256 vega) {
        ILyraOptionToken.OptionPosition memory held = optionToken.getOptionPosition(positionId);
        Series memory s = seriesOf(held.strikeId, held.optionType == LyraOptionType.LONG_CALL);
        if (held.state != LyraPositionState.ACTIVE || block.timestamp >= s.expiry) return (0, 0);
        uint256 left = s.expiry - block.timestamp;
        uint256 strike = _discounted(s, cache.getGreekCacheParams().rateAndCarry);
        (gamma, vega) = Black76Price.gammaAndVega(Black76Price.Terms(price, strike, left, s.baseIv.mulWad(s.skew)));
        return (gamma.mulWadUp(held.amount), vega.mulWadUp(held.amount));
    }
}
