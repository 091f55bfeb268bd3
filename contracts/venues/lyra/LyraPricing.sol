// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";
import {ILyraOptionMarket, ILyraOptionToken, LyraOptionType} from "../../book/ILyra.sol";
import {IPriceOracle} from "../../interfaces/IPriceOracle.sol";
import {Black76} from "../../libraries/Black76.sol";
import {Black76Price} from "../../libraries/Black76Price.sol";
import {
    ILyraExchange,
    ILyraGreekCache,
    ILyraLiquidityPool,
    ILyraPricer,
    ILyraShortCollateral,
    ILyraTradingMarket,
    LyraTradeDirection
} from "./ILyraTrading.sol";

/// @title How Lyra v1 ("Avalon") prices its options, step by step
/// @notice IV after a trade's own impact, Black-Scholes at Lyra's rate, whether Lyra lets an option go by force alone, and the
///         fees that Lyra's pricer tells. Low ends round down and high ends up, by the proven error of the formula and a wei.
abstract contract LyraPricing {
    using FixedPointMathLib for uint256;

    struct Contracts {
        ILyraTradingMarket market;
        ILyraOptionToken optionToken;
        ILyraPricer pricer;
        ILyraGreekCache cache;
        ILyraLiquidityPool pool;
        ILyraExchange exchange;
        ILyraShortCollateral shortCollateral;
    }

    /// @param low Lowest price of the underlying that counts, WAD USD.
    /// @param high Highest.
    struct Prices {
        uint256 low;
        uint256 high;
    }

    /// @param middle Value of one option, USD.
    /// @param low Least that is fair.
    /// @param high Most that is fair.
    struct Fair {
        uint256 middle;
        uint256 low;
        uint256 high;
    }

    /// @param strike WAD USD.
    /// @param expiry Unix seconds.
    /// @param settledAt Price its board was settled at; 0 while it is not.
    struct Series {
        uint256 strikeId;
        uint256 boardId;
        bool isCall;
        uint256 strike;
        uint256 expiry;
        uint256 baseIv;
        uint256 skew;
        uint256 settledAt;
    }

    /// @dev Of Lyra, the same for all its options: asked once.
    struct Terms {
        ILyraPricer.PricingParameters pricing;
        ILyraPricer.TradeLimitParameters limits;
        ILyraGreekCache.ForceCloseParameters force;
        int256 rate;
        uint256 variancePeriod;
        int256 poolStdVega;
        uint256 spotLow;
        uint256 spot;
    }

    /// @dev One trade as it is priced.
    struct Pricing {
        uint256 size;
        bool isBuy;
        bool isForced;
        uint256 baseIv;
        uint256 skew;
        uint256 vol;
        uint256 optionPrice;
        uint256 feeSpot;
        uint256 vega;
    }

    uint256 internal constant WAD = 1e18;
    uint256 internal constant YEAR = 365 days;

    ILyraTradingMarket public immutable market;
    ILyraOptionToken public immutable optionToken;
    ILyraPricer public immutable pricer;
    ILyraGreekCache public immutable cache;
    ILyraLiquidityPool public immutable pool;
    ILyraExchange public immutable exchange;
    ILyraShortCollateral public immutable shortCollateral;
    IPriceOracle public immutable oracle;

    error StrikeUnknown(uint256 strikeId);
    error OptionExpired(uint256 strikeId, uint256 expiry, uint256 timestamp);
    error NoPrice();

    constructor(Contracts memory lyra, IPriceOracle oracle_) {
        (market, optionToken, pricer, cache) = (lyra.market, lyra.optionToken, lyra.pricer, lyra.cache);
        (pool, exchange, shortCollateral) = (lyra.pool, lyra.exchange, lyra.shortCollateral);
        oracle = oracle_;
    }

    /// @notice An option that Lyra lists or listed; reverts `StrikeUnknown` for any other.
    function seriesOf(uint256 strikeId, bool isCall) public view returns (Series memory s) {
        (ILyraOptionMarket.Strike memory strike, ILyraOptionMarket.OptionBoard memory board) =
            market.getStrikeAndBoard(strikeId);
        if (strikeId == 0 || strike.id != strikeId) revert StrikeUnknown(strikeId);
        (, uint256 settledAt,) = market.getSettlementParameters(strikeId);
        return Series({
            strikeId: strikeId,
            boardId: board.id,
            isCall: isCall,
            strike: strike.strikePrice,
            expiry: board.expiry,
            baseIv: board.iv,
            skew: strike.skew,
            settledAt: settledAt
        });
    }

    /// @dev As `seriesOf`, without the board, which lists all its strikes; its IV is left at 0.
    function _heldSeries(ILyraOptionToken.OptionPosition memory held) internal view returns (Series memory s) {
        ILyraOptionMarket.Strike memory strike = market.getStrike(held.strikeId);
        (s.strikeId, s.boardId, s.skew) = (held.strikeId, strike.boardId, strike.skew);
        (s.strike, s.expiry) = market.getStrikeAndExpiry(held.strikeId);
        (, s.settledAt,) = market.getSettlementParameters(held.strikeId);
        s.isCall = held.optionType == LyraOptionType.LONG_CALL;
    }

    /// @notice Price of the underlying that Lyra trades at.
    function spotPrice() public view returns (uint256) {
        return exchange.getSpotPriceForMarket(address(market));
    }

    // --- internal --------------------------------------------------------------------------------------------------

    function _live(uint256 strikeId, bool isCall) internal view returns (Series memory s) {
        s = seriesOf(strikeId, isCall);
        if (block.timestamp >= s.expiry) revert OptionExpired(strikeId, s.expiry, block.timestamp);
    }

    function _shifted(uint256 strike, uint256 carry, bool isUp) internal pure returns (uint256) {
        return strike.mulWad(isUp ? WAD + carry : WAD - carry);
    }

    /// @dev Cheapest or dearest over the prices.
    function _fairEnd(Series memory s, uint256 strike, Prices memory within, uint256 vol, bool isHigh)
        internal
        view
        returns (uint256)
    {
        uint256 price = s.isCall == isHigh ? within.high : within.low;
        Black76Price.Terms memory terms =
            Black76Price.Terms(price, strike, s.expiry - block.timestamp, FixedPointMathLib.max(vol, 1));
        return isHigh ? _valueHigh(terms, s.isCall) : _valueLow(terms, s.isCall);
    }

    function _expiredWorth(Series memory s, uint256 size, Prices memory within)
        internal
        pure
        returns (uint256 low, uint256 high)
    {
        if (s.settledAt != 0) {
            low = size.mulWad(_payoff(s, s.settledAt));
            return (low, low);
        }
        (uint256 cheap, uint256 dear) = s.isCall ? (within.low, within.high) : (within.high, within.low);
        return (size.mulWad(_payoff(s, cheap)), size.mulWadUp(_payoff(s, dear)));
    }

    /// @dev What selling all of it would bring at the least, fees inside; and what it would cost at the most, without: a fee
    ///      adds to the price of an option, not to its worth.
    function _liveWorth(Terms memory t, Series memory s, uint256 size, Prices memory within)
        internal
        view
        returns (uint256 low, uint256 high)
    {
        uint256 strike = _discounted(s, t.rate);
        // Of the last second: a trade of this very block is not in it.
        (uint256 baseIv, uint256 skew) = (cache.getIvGWAV(s.boardId, 1), s.skew);
        (uint256 averageIv, uint256 averageSkew) = _averages(t.force, s);
        (s.baseIv, s.skew) = (FixedPointMathLib.max(baseIv, averageIv), FixedPointMathLib.max(skew, averageSkew));
        Pricing memory p = _priced(t, s, size, true);
        high = size.mulWadUp(_fairEnd(s, strike, within, p.vol, true));
        (s.baseIv, s.skew) = (FixedPointMathLib.min(baseIv, averageIv), FixedPointMathLib.min(skew, averageSkew));
        p = _priced(t, s, size, false);
        p.feeSpot = within.high;
        if (p.isForced) p.vol = p.vol.mulWad(_forceShock(t, s));
        p.optionPrice = _fairEnd(s, strike, within, p.vol, false);
        uint256 left = s.expiry - block.timestamp;
        p.vega = Black76Price.peakVega(within.high, left);
        // Lyra's vega of 30 days, in cents, of no less than a day.
        uint256 days30 = FixedPointMathLib.sqrt(30 days * (WAD * WAD) / FixedPointMathLib.max(left, 1 days));
        low = _total(t, s, p, p.vega.mulWadUp(days30) / 100 + 1);
    }

    /// @dev Between two prices, the higher of which fees are of.
    function _terms(uint256 spotLow, uint256 spot) internal view returns (Terms memory t) {
        t.pricing = pricer.getPricingParams();
        t.limits = pricer.getTradeLimitParams();
        t.force = cache.getForceCloseParams();
        ILyraGreekCache.GreekCacheParameters memory params = cache.getGreekCacheParams();
        (t.rate, t.variancePeriod) = (params.rateAndCarry, params.varianceIvGWAVPeriod);
        t.poolStdVega = -cache.getGlobalCache().netGreeks.netStdVega;
        (t.spotLow, t.spot) = (spotLow, spot);
    }

    /// @dev Lyra's IV once the trade has moved it, and whether Lyra would close by force alone.
    function _priced(Terms memory t, Series memory s, uint256 size, bool isBuy)
        internal
        view
        returns (Pricing memory p)
    {
        (p.size, p.isBuy) = (size, isBuy);
        uint256 move = size.divWad(t.pricing.standardSize) / 100;
        uint256 skewMove = move.mulWad(t.pricing.skewAdjustmentFactor);
        if (isBuy) {
            (p.baseIv, p.skew) = (s.baseIv + move, s.skew + skewMove);
        } else {
            (p.baseIv, p.skew) = (s.baseIv.zeroFloorSub(move), s.skew.zeroFloorSub(skewMove));
            p.isForced = _isForced(t, s, p.baseIv, p.skew);
            if (p.isForced) p.baseIv = s.baseIv;
        }
        p.vol = p.baseIv.mulWad(p.skew);
    }

    function _isForced(Terms memory t, Series memory s, uint256 baseIv, uint256 skew) internal view returns (bool) {
        uint256 vol = baseIv.mulWad(skew);
        if (block.timestamp + t.limits.tradingCutoff > s.expiry) return true;
        if (vol < t.limits.minVol || baseIv < t.limits.minBaseIV || skew < t.limits.minSkew || vol == 0) return true;
        uint256 strike = _discounted(s, t.rate);
        int256 low = Black76.callDelta(t.spotLow, strike, s.expiry - block.timestamp, vol);
        int256 high = Black76.callDelta(t.spot, strike, s.expiry - block.timestamp, vol);
        return low < t.limits.minDelta || high > int256(WAD) - t.limits.minDelta;
    }

    function _forceShock(Terms memory t, Series memory s) internal view returns (uint256) {
        bool isPastCutoff = block.timestamp + t.limits.tradingCutoff > s.expiry;
        return isPastCutoff ? t.force.longPostCutoffVolShock : t.force.longVolShock;
    }

    function _averageVol(ILyraGreekCache.ForceCloseParameters memory force, Series memory s)
        internal
        view
        returns (uint256)
    {
        (uint256 baseIv, uint256 skew) = _averages(force, s);
        return baseIv.mulWad(skew);
    }

    /// @dev Over the periods that Lyra takes for a forced close.
    function _averages(ILyraGreekCache.ForceCloseParameters memory force, Series memory s)
        internal
        view
        returns (uint256 baseIv, uint256 skew)
    {
        return (cache.getIvGWAV(s.boardId, force.ivGWAVPeriod), cache.getSkewGWAV(s.strikeId, force.skewGWAVPeriod));
    }

    /// @dev What Lyra's pricer says of the trade, all fees inside.
    function _total(Terms memory t, Series memory s, Pricing memory p, uint256 stdVega)
        internal
        view
        returns (uint256)
    {
        ILyraPricer.TradeParameters memory trade;
        (trade.isBuy, trade.isForceClose) = (p.isBuy, p.isForced);
        trade.tradeDirection = p.isBuy ? LyraTradeDirection.OPEN : LyraTradeDirection.CLOSE;
        trade.optionType = s.isCall ? LyraOptionType.LONG_CALL : LyraOptionType.LONG_PUT;
        (trade.amount, trade.expiry, trade.strikePrice) = (p.size, s.expiry, s.strike);
        trade.exchangeParams.spotPrice = p.feeSpot;
        ILyraGreekCache.TradePricing memory pricing;
        pricing.optionPrice = p.optionPrice;
        pricing.volTraded = p.vol;
        pricing.vega = p.vega;
        pricing.ivVariance = FixedPointMathLib.dist(cache.getIvGWAV(s.boardId, t.variancePeriod), p.baseIv);
        // The pool's vega falls where it sells options, and rises where it buys them back.
        int256 change = int256(stdVega.mulWadUp(p.size));
        pricing.preTradeAmmNetStdVega = t.poolStdVega;
        pricing.postTradeAmmNetStdVega = t.poolStdVega + (p.isBuy ? -change : change);
        // Asked where the fee depends on it alone: it is dear to tell.
        if (FixedPointMathLib.abs(pricing.postTradeAmmNetStdVega) > FixedPointMathLib.abs(t.poolStdVega)) {
            trade.liquidity = pool.getLiquidity(p.feeSpot);
        }
        return pricer.getTradeResult(trade, pricing, p.baseIv, p.skew).totalCost;
    }

    /// @dev Strike at Lyra's rate: Black-Scholes at a rate is Black-76 on it without one.
    function _discounted(Series memory s, int256 rate) internal view returns (uint256) {
        int256 carry = rate * int256(s.expiry - block.timestamp) / int256(YEAR);
        return s.strike.mulWad(uint256(FixedPointMathLib.expWad(-carry)));
    }

    function _payoff(Series memory s, uint256 price) internal pure returns (uint256) {
        return s.isCall ? price.zeroFloorSub(s.strike) : s.strike.zeroFloorSub(price);
    }

    function _valueLow(Black76Price.Terms memory terms, bool isCall) internal pure returns (uint256) {
        return Black76Price.value(terms, isCall).zeroFloorSub(Black76Price.errorOf(terms.price, terms.strike));
    }

    function _valueHigh(Black76Price.Terms memory terms, bool isCall) internal pure returns (uint256) {
        return Black76Price.value(terms, isCall) + Black76Price.errorOf(terms.price, terms.strike);
    }
}
