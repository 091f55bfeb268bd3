// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";
import {ILyraOptionToken, LyraOptionType} from "../../../contracts/book/ILyra.sol";
import {VaultAccess} from "../../../contracts/governance/VaultAccess.sol";
import {Black76Price} from "../../../contracts/libraries/Black76Price.sol";
import {PriceOracle} from "../../../contracts/oracles/PriceOracle.sol";
import {ILyraGreekCache, ILyraPricer, LyraTradeDirection} from "../../../contracts/venues/lyra/ILyraTrading.sol";
import {LyraPricing} from "../../../contracts/venues/lyra/LyraPricing.sol";
import {LyraQuotes} from "../../../contracts/venues/lyra/LyraQuotes.sol";
import {PriceDefaults} from "../support/PriceDefaults.sol";
import {ScriptedPriceSource} from "../support/ScriptedPriceSource.sol";
import {TokenDouble} from "../support/Tokens.sol";
import {LyraMarketStage} from "./LyraMarketStage.sol";

/// @notice Quotes of the real Lyra beside a real oracle, and what Lyra's pricer has to be asked for a trade, written down here
///         a second time, for one option, from Lyra's own state.
abstract contract LyraQuotesStage is LyraMarketStage {
    using FixedPointMathLib for uint256;

    /// @dev What a trade does to volatility, and what it is priced at.
    struct Terms {
        uint256 size;
        uint256 iv;
        uint256 skew;
        uint256 vol;
        uint256 optionPrice;
        uint256 feeSpot;
        uint256 vega;
        uint256 stdVega;
        bool isForced;
    }

    uint256 internal constant SPOT = 1750e18;
    uint256 internal constant START = 1_722_500_000;

    LyraQuotes internal quotes;
    PriceOracle internal oracle;
    ScriptedPriceSource internal feed;

    function setUp() public virtual {
        vm.warp(START);
        _openLyra(new TokenDouble(18), SPOT, 250e18);
        feed = new ScriptedPriceSource(SPOT);
        oracle = new PriceOracle(new VaultAccess(address(this)), PriceDefaults.alone(feed), PriceDefaults.limits());
        quotes = new LyraQuotes(_contracts(), oracle);
    }

    function _contracts() internal view returns (LyraPricing.Contracts memory) {
        return LyraPricing.Contracts(market, optionToken, pricer, cache, pool, exchange, shortCollateral);
    }

    // --- Lyra's state -------------------------------------------------------------------------------------------------

    function _size(uint256 id) internal view returns (uint256) {
        return optionToken.getOptionPosition(id).amount;
    }

    /// @dev Of the board now, and over the last second.
    function _boardIv(uint256 secondsAgo) internal view returns (uint256) {
        return cache.getIvGWAV(board, secondsAgo);
    }

    function _skew(uint256 place) internal view returns (uint256) {
        return market.getStrike(strikes[place]).skew;
    }

    /// @dev Over Lyra's periods for a forced close.
    function _averages(uint256 place) internal view returns (uint256 iv, uint256 skew) {
        return (cache.getIvGWAV(board, 12 hours), cache.getSkewGWAV(strikes[place], 24 hours));
    }

    function _strike(uint256 place) internal view returns (uint256) {
        return market.getStrike(strikes[place]).strikePrice;
    }

    /// @dev Strike at Lyra's rate of 5 %.
    function _discounted(uint256 place) internal view returns (uint256) {
        int256 exponent = -(RATE * int256(expiry - vm.getBlockTimestamp()) / int256(365 days));
        return _strike(place).mulWad(uint256(FixedPointMathLib.expWad(exponent)));
    }

    function _option(uint256 price, uint256 strike, uint256 vol) internal view returns (Black76Price.Terms memory) {
        return Black76Price.Terms(price, strike, expiry - vm.getBlockTimestamp(), vol);
    }

    // --- what has to be asked -----------------------------------------------------------------------------------------

    /// @dev By a standard size of 5 a trade moves the board's IV by a point, and its skew by 3/4 of that.
    function _afterTrade(uint256 size, uint256 iv, uint256 skew, bool isBuy) internal pure returns (Terms memory t) {
        uint256 move = size.divWad(5e18) / 100;
        uint256 skewMove = move.mulWad(0.75e18);
        (t.iv, t.skew) = isBuy ? (iv + move, skew + skewMove) : (iv - move, skew - skewMove);
        (t.size, t.vol) = (size, t.iv.mulWad(t.skew));
    }

    /// @dev Of a close that is forced Lyra's IV stays where it was, while the skew moves.
    function _forced(Terms memory t, uint256 iv, uint256 vol, uint256 shock) internal pure {
        (t.isForced, t.iv, t.vol) = (true, iv, vol.mulWad(shock));
    }

    /// @dev Lyra's pricer has to be asked for exactly this; what it answers.
    function _expectAsked(uint256 place, bool isCall, bool isBuy, Terms memory t) internal returns (uint256 totalCost) {
        ILyraPricer.TradeParameters memory trade;
        ILyraGreekCache.TradePricing memory pricing;
        (trade.isBuy, trade.isForceClose) = (isBuy, t.isForced);
        trade.tradeDirection = isBuy ? LyraTradeDirection.OPEN : LyraTradeDirection.CLOSE;
        trade.optionType = isCall ? LyraOptionType.LONG_CALL : LyraOptionType.LONG_PUT;
        (trade.amount, trade.expiry, trade.strikePrice) = (t.size, expiry, _strike(place));
        trade.exchangeParams.spotPrice = t.feeSpot;
        (pricing.optionPrice, pricing.volTraded, pricing.vega) = (t.optionPrice, t.vol, t.vega);
        uint256 average = _boardIv(1 days);
        pricing.ivVariance = average > t.iv ? average - t.iv : t.iv - average;
        int256 held = -cache.getGlobalCache().netGreeks.netStdVega;
        int256 change = int256(t.stdVega.mulWadUp(t.size));
        (pricing.preTradeAmmNetStdVega, pricing.postTradeAmmNetStdVega) = (held, isBuy ? held - change : held + change);
        if (FixedPointMathLib.abs(pricing.postTradeAmmNetStdVega) > FixedPointMathLib.abs(held)) {
            trade.liquidity = pool.getLiquidity(t.feeSpot);
        }
        totalCost = pricer.getTradeResult(trade, pricing, t.iv, t.skew).totalCost;
        vm.expectCall(address(pricer), abi.encodeCall(pricer.getTradeResult, (trade, pricing, t.iv, t.skew)));
    }
}
