// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ILyraOptionMarket, LyraOptionType} from "../../book/ILyra.sol";

// What trading on Lyra v1 ("Avalon") needs of it beside what `LyraOptions` reads. Field by field as Lyra has them.

enum LyraTradeDirection {
    OPEN,
    CLOSE,
    LIQUIDATE
}

interface ILyraTradingMarket is ILyraOptionMarket {
    struct TradeInputParameters {
        uint256 strikeId;
        uint256 positionId;
        uint256 iterations;
        LyraOptionType optionType;
        uint256 amount;
        uint256 setCollateralTo;
        uint256 minTotalCost;
        uint256 maxTotalCost;
    }

    struct Result {
        uint256 positionId;
        uint256 totalCost;
        uint256 totalFee;
    }

    function getStrike(uint256 strikeId) external view returns (Strike memory);
    function getStrikeAndExpiry(uint256 strikeId) external view returns (uint256 strikePrice, uint256 expiry);
    function openPosition(TradeInputParameters memory params) external returns (Result memory);
    function closePosition(TradeInputParameters memory params) external returns (Result memory);
    function forceClosePosition(TradeInputParameters memory params) external returns (Result memory);
    function settleExpiredBoard(uint256 boardId) external;
}

/// @dev What Lyra lists, for who looks from outside.
interface ILyraBoards {
    function getLiveBoards() external view returns (uint256[] memory boardIds);
    function getBoardStrikes(uint256 boardId) external view returns (uint256[] memory strikeIds);
}

interface ILyraLiquidityPool {
    struct Liquidity {
        uint256 freeLiquidity;
        uint256 burnableLiquidity;
        uint256 usedCollatLiquidity;
        uint256 pendingDeltaLiquidity;
        uint256 usedDeltaLiquidity;
        uint256 nav;
    }

    function getLiquidity(uint256 spotPrice) external view returns (Liquidity memory);
}

interface ILyraExchange {
    struct ExchangeParams {
        uint256 spotPrice;
        bytes32 quoteKey;
        bytes32 baseKey;
        uint256 quoteBaseFeeRate;
        uint256 baseQuoteFeeRate;
    }

    function getSpotPriceForMarket(address market) external view returns (uint256);
}

interface ILyraShortCollateral {
    function settleOptions(uint256[] memory positionIds) external;
}

interface ILyraGreekCache {
    struct GreekCacheParameters {
        uint256 maxStrikesPerBoard;
        uint256 acceptableSpotPricePercentMove;
        uint256 staleUpdateDuration;
        uint256 varianceIvGWAVPeriod;
        uint256 varianceSkewGWAVPeriod;
        uint256 optionValueIvGWAVPeriod;
        uint256 optionValueSkewGWAVPeriod;
        uint256 gwavSkewFloor;
        uint256 gwavSkewCap;
        int256 rateAndCarry;
    }

    struct ForceCloseParameters {
        uint256 ivGWAVPeriod;
        uint256 skewGWAVPeriod;
        uint256 shortVolShock;
        uint256 shortPostCutoffVolShock;
        uint256 longVolShock;
        uint256 longPostCutoffVolShock;
        uint256 liquidateVolShock;
        uint256 liquidatePostCutoffVolShock;
        uint256 shortSpotMin;
        uint256 liquidateSpotMin;
    }

    struct NetGreeks {
        int256 netDelta;
        int256 netStdVega;
        int256 netOptionValue;
    }

    struct GlobalCache {
        uint256 minUpdatedAt;
        uint256 minUpdatedAtPrice;
        uint256 maxUpdatedAtPrice;
        uint256 maxSkewVariance;
        uint256 maxIvVariance;
        NetGreeks netGreeks;
    }

    struct StrikeGreeks {
        int256 callDelta;
        int256 putDelta;
        uint256 stdVega;
        uint256 callPrice;
        uint256 putPrice;
    }

    struct StrikeCache {
        uint256 id;
        uint256 boardId;
        uint256 strikePrice;
        uint256 skew;
        StrikeGreeks greeks;
        int256 callExposure;
        int256 putExposure;
        uint256 skewVariance;
    }

    struct TradePricing {
        uint256 optionPrice;
        int256 preTradeAmmNetStdVega;
        int256 postTradeAmmNetStdVega;
        int256 callDelta;
        uint256 volTraded;
        uint256 ivVariance;
        uint256 vega;
    }

    function getGlobalCache() external view returns (GlobalCache memory);
    function getStrikeCache(uint256 strikeId) external view returns (StrikeCache memory);
    function getIvGWAV(uint256 boardId, uint256 secondsAgo) external view returns (uint256);
    function getSkewGWAV(uint256 strikeId, uint256 secondsAgo) external view returns (uint256);
    function getGreekCacheParams() external view returns (GreekCacheParameters memory);
    function getForceCloseParams() external view returns (ForceCloseParameters memory);
}

interface ILyraPricer {
    struct PricingParameters {
        uint256 optionPriceFeeCoefficient;
        uint256 optionPriceFee1xPoint;
        uint256 optionPriceFee2xPoint;
        uint256 spotPriceFeeCoefficient;
        uint256 spotPriceFee1xPoint;
        uint256 spotPriceFee2xPoint;
        uint256 vegaFeeCoefficient;
        uint256 standardSize;
        uint256 skewAdjustmentFactor;
    }

    struct TradeLimitParameters {
        int256 minDelta;
        int256 minForceCloseDelta;
        uint256 tradingCutoff;
        uint256 minBaseIV;
        uint256 maxBaseIV;
        uint256 minSkew;
        uint256 maxSkew;
        uint256 minVol;
        uint256 maxVol;
        uint256 absMinSkew;
        uint256 absMaxSkew;
        bool capSkewsToAbs;
    }

    struct TradeParameters {
        bool isBuy;
        bool isForceClose;
        LyraTradeDirection tradeDirection;
        LyraOptionType optionType;
        uint256 amount;
        uint256 expiry;
        uint256 strikePrice;
        ILyraLiquidityPool.Liquidity liquidity;
        ILyraExchange.ExchangeParams exchangeParams;
    }

    struct VegaUtilFeeComponents {
        int256 preTradeAmmNetStdVega;
        int256 postTradeAmmNetStdVega;
        uint256 vegaUtil;
        uint256 volTraded;
        uint256 nav;
        uint256 vegaUtilFee;
    }

    struct VarianceFeeComponents {
        uint256 varianceFeeCoefficient;
        uint256 vega;
        uint256 vegaCoefficient;
        uint256 skew;
        uint256 skewCoefficient;
        uint256 ivVariance;
        uint256 ivVarianceCoefficient;
        uint256 varianceFee;
    }

    struct TradeResult {
        uint256 amount;
        uint256 premium;
        uint256 optionPriceFee;
        uint256 spotPriceFee;
        VegaUtilFeeComponents vegaUtilFee;
        VarianceFeeComponents varianceFee;
        uint256 totalFee;
        uint256 totalCost;
        uint256 volTraded;
        uint256 newBaseIv;
        uint256 newSkew;
    }

    function getTradeResult(
        TradeParameters memory trade,
        ILyraGreekCache.TradePricing memory pricing,
        uint256 newBaseIv,
        uint256 newSkew
    ) external view returns (TradeResult memory);
    function getPricingParams() external view returns (PricingParameters memory);
    function getTradeLimitParams() external view returns (TradeLimitParameters memory);
}
