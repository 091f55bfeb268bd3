// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// What the adapter needs of Perpetual Protocol v2 ("Curie") and of the Uniswap v3 pool beneath it, and no more.

interface ICurieClearingHouse {
    struct OpenPositionParams {
        address baseToken;
        bool isBaseToQuote;
        bool isExactInput;
        uint256 amount;
        uint256 oppositeAmountBound;
        uint256 deadline;
        uint160 sqrtPriceLimitX96;
        bytes32 referralCode;
    }

    function openPosition(OpenPositionParams memory params) external returns (uint256 base, uint256 quote);
    function getVault() external view returns (address);
    function getExchange() external view returns (address);
    function getAccountBalance() external view returns (address);
    function getClearingHouseConfig() external view returns (address);
    function getQuoteToken() external view returns (address);
}

interface ICurieMarginVault {
    function deposit(address token, uint256 amount) external;
    function withdraw(address token, uint256 amount) external;
    function getBalance(address trader) external view returns (int256);
    function getSettlementTokenValue(address trader) external view returns (int256);
    function getFreeCollateralByToken(address trader, address token) external view returns (uint256);
    function getSettlementToken() external view returns (address);
    function decimals() external view returns (uint8);
    function paused() external view returns (bool);
}

interface ICurieAccountBalance {
    struct AccountInfo {
        int256 takerPositionSize;
        int256 takerOpenNotional;
        int256 lastTwPremiumGrowthGlobalX96;
    }

    function getAccountInfo(address trader, address baseToken) external view returns (AccountInfo memory);
    function getTakerPositionSize(address trader, address baseToken) external view returns (int256);
    function getPnlAndPendingFee(address trader) external view returns (int256 owed, int256 unrealised, uint256 fee);
    function getMarkPrice(address baseToken) external view returns (uint256);
}

interface ICurieExchange {
    function getMarketRegistry() external view returns (address);
    function getPendingFundingPayment(address trader, address baseToken) external view returns (int256);
    function getSqrtMarketTwapX96(address baseToken, uint32 twapInterval) external view returns (uint160);
    function getMaxTickCrossedWithinBlock(address baseToken) external view returns (uint24);
}

interface ICurieMarketRegistry {
    struct MarketInfo {
        address pool;
        uint24 exchangeFeeRatio;
        uint24 uniswapFeeRatio;
        uint24 insuranceFundFeeRatio;
        uint24 maxPriceSpreadRatio;
    }

    function getPool(address baseToken) external view returns (address);
    function getMarketInfoByTrader(address trader, address baseToken) external view returns (MarketInfo memory);
}

interface ICurieBaseToken {
    function getIndexPrice(uint256 interval) external view returns (uint256);
    function getPausedIndexPrice() external view returns (uint256);
    function getClosedPrice() external view returns (uint256);
    function isOpen() external view returns (bool);
    function isClosed() external view returns (bool);
}

interface ICurieConfig {
    function getTwapInterval() external view returns (uint32);
    function getMaxFundingRate() external view returns (uint24);
}

/// @notice What a swap reads of a Uniswap v3 pool.
interface IUniswapV3PoolState {
    function slot0() external view returns (uint160 sqrtPriceX96, int24 tick, uint16, uint16, uint16, uint8, bool);
    function liquidity() external view returns (uint128);
    function tickSpacing() external view returns (int24);
    function tickBitmap(int16 wordPosition) external view returns (uint256);
    function ticks(int24 tick)
        external
        view
        returns (uint128, int128 liquidityNet, uint256, uint256, int56, uint160, uint32, bool);
}
