// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// What the adapters need of Synthetix Perps V2, and no more.

/// @notice A market's proxy. Prices and sizes are WAD; `invalid` says that the oracle's rate is stale, broken or suspended.
interface ISynthetixV2Market {
    struct Position {
        uint64 id;
        uint64 lastFundingIndex;
        uint128 margin;
        uint128 lastPrice;
        int128 size;
    }

    struct DelayedOrder {
        bool isOffchain;
        int128 sizeDelta;
        uint128 desiredFillPrice;
        uint128 targetRoundId;
        uint128 commitDeposit;
        uint128 keeperDeposit;
        uint256 executableAtTime;
        uint256 intentionTime;
        bytes32 trackingCode;
    }

    function transferMargin(int256 marginDelta) external;
    function modifyPosition(int256 sizeDelta, uint256 desiredFillPrice) external;
    function submitOffchainDelayedOrder(int256 sizeDelta, uint256 desiredFillPrice) external;
    function executeOffchainDelayedOrder(address account, bytes[] calldata priceUpdateData) external payable;
    function cancelOffchainDelayedOrder(address account) external;

    function marketKey() external view returns (bytes32);
    function baseAsset() external view returns (bytes32);
    function marketSkew() external view returns (int128);
    function marketSizes() external view returns (uint256 long, uint256 short);
    function assetPrice() external view returns (uint256 price, bool invalid);
    function fillPrice(int256 sizeDelta) external view returns (uint256 price, bool invalid);
    function orderFee(int256 sizeDelta, uint8 orderType) external view returns (uint256 fee, bool invalid);
    function currentFundingRate() external view returns (int256);
    function fundingSequenceLength() external view returns (uint256);
    function fundingSequence(uint256 index) external view returns (int128);
    function positions(address account) external view returns (Position memory);
    function delayedOrders(address account) external view returns (DelayedOrder memory);
    function isFlagged(address account) external view returns (bool);
    function accruedFunding(address account) external view returns (int256 funding, bool invalid);
    function accessibleMargin(address account) external view returns (uint256 margin, bool invalid);
}

interface ISynthetixV2Settings {
    function takerFeeOffchainDelayedOrder(bytes32 marketKey) external view returns (uint256);
    function makerFeeOffchainDelayedOrder(bytes32 marketKey) external view returns (uint256);
    function minKeeperFee() external view returns (uint256);
    function offchainDelayedOrderMaxAge(bytes32 marketKey) external view returns (uint256);
    function offchainMarketKey(bytes32 marketKey) external view returns (bytes32);
    function offchainPriceDivergence(bytes32 marketKey) external view returns (uint256);
    function maxMarketValue(bytes32 marketKey) external view returns (uint256);
    function maxFundingVelocity(bytes32 marketKey) external view returns (uint256);
    function skewScale(bytes32 marketKey) external view returns (uint256);
}

/// @notice The latest price that Pyth brought, which delayed orders execute at.
interface ISynthetixV2OffchainRate {
    function resolveAndGetLatestPrice(bytes32 asset) external view returns (uint256 price, uint256 publishTime);
}

interface ISynthetixExchanger {
    function dynamicFeeRateForExchange(bytes32 from, bytes32 to) external view returns (uint256 rate, bool tooVolatile);
}

/// @notice Reverts where the market, all markets or the whole system is suspended.
interface ISynthetixStatus {
    function requireFuturesMarketActive(bytes32 marketKey) external view;
}

/// @notice Finds Synthetix's contracts, which change from release to release, by name.
interface ISynthetixResolver {
    function getAddress(bytes32 name) external view returns (address);
}

interface ISynthetixSynth {
    function proxy() external view returns (address);
}
