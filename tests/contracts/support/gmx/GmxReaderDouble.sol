// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {GmxV2Keys} from "../../../../contracts/venues/gmx/GmxV2Keys.sol";
import {IGmxReader} from "../../../../contracts/venues/gmx/IGmxV2.sol";
import {GmxDataStoreDouble} from "./GmxStoreDouble.sol";
import {GmxMath} from "./GmxMath.sol";

/// @notice Double of GMX's Reader.
contract GmxReaderDouble is IGmxReader {
    Market private _market;

    /// @notice After a rotation: it decodes everything as empty, without complaint.
    bool public isStale;

    /// @dev Funding that a position may claim and has not settled.
    uint256 private _claimableLong;
    uint256 private _claimableShort;
    int256 private _profitCap = type(int256).max;

    constructor(Market memory market_) {
        _market = market_;
    }

    function setStale(bool isStale_) external {
        isStale = isStale_;
    }

    function setClaimable(uint256 longTokens, uint256 shortTokens) external {
        (_claimableLong, _claimableShort) = (longTokens, shortTokens);
    }

    /// @notice GMX pays no more profit than the pool has for it.
    function setProfitCap(int256 usd) external {
        _profitCap = usd;
    }

    function getMarket(address, address key) external view returns (Market memory m) {
        if (!isStale && key == _market.marketToken) m = _market;
    }

    function getPositionInfo(
        address store,
        address,
        bytes32 positionKey,
        MarketPrices calldata prices,
        uint256,
        address,
        bool
    ) external view returns (PositionInfo memory info) {
        if (isStale) return info;
        GmxDataStoreDouble data = GmxDataStoreDouble(store);
        info.positionKey = positionKey;
        PositionNumbers memory n = GmxMath.numbersOf(data, positionKey);
        bool isLong = data.getBool(GmxV2Keys.ofEntry(positionKey, "IS_LONG"));
        info.position.numbers = n;
        info.position.flags.isLong = isLong;
        (address m, address token) = (_market.marketToken, _market.shortToken);
        (info.fees.borrowing.borrowingFeeAmount, info.fees.funding.fundingFeeAmount) =
            GmxMath.fees(data, m, token, isLong, n, prices.shortTokenPrice.min);
        (info.fees.funding.claimableLongTokenAmount, info.fees.funding.claimableShortTokenAmount) =
        (_claimableLong, _claimableShort);
        uint256 price = prices.indexTokenPrice.min;
        info.executionPriceResult = GmxMath.decrease(data, m, n, n.sizeInUsd, price, isLong);
        info.uncappedBasePnlUsd = GmxMath.profitOf(n, price, isLong);
        info.basePnlUsd = SignedMath.min(info.uncappedBasePnlUsd, _profitCap);
    }

    function getExecutionPrice(
        address store,
        address marketKey,
        MarketPrices calldata prices,
        uint256 sizeInUsd,
        uint256 sizeInTokens,
        int256 sizeDeltaUsd,
        int256 pendingImpactAmount,
        bool isLong
    ) external view returns (ExecutionPriceResult memory r) {
        if (isStale) return r;
        GmxDataStoreDouble data = GmxDataStoreDouble(store);
        uint256 usd = SignedMath.abs(sizeDeltaUsd);
        if (sizeDeltaUsd > 0) {
            (,, r) = GmxMath.increase(data, marketKey, usd, prices.indexTokenPrice.max, isLong);
            return r;
        }
        PositionNumbers memory n;
        (n.sizeInUsd, n.sizeInTokens, n.pendingImpactAmount) = (sizeInUsd, sizeInTokens, pendingImpactAmount);
        return GmxMath.decrease(data, marketKey, n, usd, prices.indexTokenPrice.min, isLong);
    }
}
