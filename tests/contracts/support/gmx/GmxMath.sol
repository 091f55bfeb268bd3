// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {GmxV2Keys} from "../../../../contracts/venues/gmx/GmxV2Keys.sol";
import {IGmxReader} from "../../../../contracts/venues/gmx/IGmxV2.sol";
import {GmxDataStoreDouble} from "./GmxStoreDouble.sol";

/// @notice GMX v2.2's sums, as the doubles of its Reader and its OrderHandler do them.
library GmxMath {
    uint256 internal constant FLOAT = 1e30;
    uint256 private constant PER_SIZE = 1e45;

    bytes32 internal constant IMPACT = keccak256(abi.encode("POSITION_IMPACT_FACTOR"));
    bytes32 internal constant MAX_IMPACT = keccak256(abi.encode("MAX_POSITION_IMPACT_FACTOR"));
    bytes32 internal constant BORROWING = keccak256(abi.encode("CUMULATIVE_BORROWING_FACTOR"));
    bytes32 internal constant FUNDING_PER_SIZE = keccak256(abi.encode("FUNDING_FEE_AMOUNT_PER_SIZE"));

    function key(bytes32 name, address market, bool flag) internal pure returns (bytes32) {
        return keccak256(abi.encode(name, market, flag));
    }

    function fundingKey(address market, address token, bool isLong) internal pure returns (bytes32) {
        return keccak256(abi.encode(FUNDING_PER_SIZE, market, token, isLong));
    }

    function numbersOf(GmxDataStoreDouble store, bytes32 k)
        internal
        view
        returns (IGmxReader.PositionNumbers memory n)
    {
        n.sizeInUsd = _get(store, k, GmxV2Keys.SIZE_IN_USD);
        n.sizeInTokens = _get(store, k, GmxV2Keys.SIZE_IN_TOKENS);
        n.collateralAmount = _get(store, k, GmxV2Keys.COLLATERAL_AMOUNT);
        n.pendingImpactAmount = store.getInt(GmxV2Keys.ofEntry(k, GmxV2Keys.PENDING_IMPACT_AMOUNT));
        n.borrowingFactor = _get(store, k, "BORROWING");
        n.fundingFeeAmountPerSize = _get(store, k, "FUNDING");
    }

    function keep(GmxDataStoreDouble store, bytes32 k, IGmxReader.PositionNumbers memory n) internal {
        _set(store, k, GmxV2Keys.SIZE_IN_USD, n.sizeInUsd);
        _set(store, k, GmxV2Keys.SIZE_IN_TOKENS, n.sizeInTokens);
        _set(store, k, GmxV2Keys.COLLATERAL_AMOUNT, n.collateralAmount);
        store.setInt(GmxV2Keys.ofEntry(k, GmxV2Keys.PENDING_IMPACT_AMOUNT), n.pendingImpactAmount);
        _set(store, k, "BORROWING", n.borrowingFactor);
        _set(store, k, "FUNDING", n.fundingFeeAmountPerSize);
    }

    function _get(GmxDataStoreDouble store, bytes32 k, bytes32 field) private view returns (uint256) {
        return store.getUint(GmxV2Keys.ofEntry(k, field));
    }

    function _set(GmxDataStoreDouble store, bytes32 k, bytes32 field, uint256 number) private {
        store.setUint(GmxV2Keys.ofEntry(k, field), number);
    }

    /// @dev Impact before it is capped: linear in the size, as with an exponent of 1.
    function impact(GmxDataStoreDouble store, address market, uint256 usd) internal view returns (int256) {
        return -int256(Math.mulDiv(usd, store.getUint(key(IMPACT, market, false)), FLOAT));
    }

    function profitOf(IGmxReader.PositionNumbers memory n, uint256 price, bool isLong) internal pure returns (int256) {
        int256 worth = int256(n.sizeInTokens * price);
        return isLong ? worth - int256(n.sizeInUsd) : int256(n.sizeInUsd) - worth;
    }

    /// @dev A long gives up tokens rounded up, a short down.
    function tokensOf(IGmxReader.PositionNumbers memory n, uint256 usd, bool isLong) internal pure returns (uint256) {
        if (usd == n.sizeInUsd) return n.sizeInTokens;
        return Math.mulDiv(n.sizeInTokens, usd, n.sizeInUsd, isLong ? Math.Rounding.Ceil : Math.Rounding.Floor);
    }

    function fees(
        GmxDataStoreDouble store,
        address market,
        address token,
        bool isLong,
        IGmxReader.PositionNumbers memory n,
        uint256 collateralPrice
    ) internal view returns (uint256 borrowing, uint256 funding) {
        uint256 factor = store.getUint(key(BORROWING, market, isLong)) - n.borrowingFactor;
        borrowing = Math.ceilDiv(Math.mulDiv(n.sizeInUsd, factor, FLOAT), collateralPrice);
        uint256 perSize = store.getUint(fundingKey(market, token, isLong)) - n.fundingFeeAmountPerSize;
        funding = Math.mulDiv(n.sizeInUsd, perSize, PER_SIZE, Math.Rounding.Ceil);
    }

    /// @dev Of a decrease: impact uncapped and price by it, the part of what was stored, the capped sum, and the rest.
    function decrease(
        GmxDataStoreDouble store,
        address market,
        IGmxReader.PositionNumbers memory n,
        uint256 usd,
        uint256 price,
        bool isLong
    ) internal view returns (IGmxReader.ExecutionPriceResult memory r) {
        r.priceImpactUsd = impact(store, market, usd);
        int256 change = isLong ? r.priceImpactUsd : -r.priceImpactUsd;
        int256 tokens = int256(tokensOf(n, usd, isLong));
        if (tokens != 0) change = change / tokens;
        r.executionPrice = uint256(int256(price) + change);
        r.proportionalPendingImpactUsd =
            n.sizeInUsd == 0 ? int256(0) : n.pendingImpactAmount * int256(price) * int256(usd) / int256(n.sizeInUsd);
        r.totalImpactUsd = r.priceImpactUsd + r.proportionalPendingImpactUsd;
        int256 floor = -int256(Math.mulDiv(usd, store.getUint(key(MAX_IMPACT, market, false)), FLOAT));
        if (r.totalImpactUsd < floor) {
            (r.priceImpactDiffUsd, r.totalImpactUsd) = (uint256(floor - r.totalImpactUsd), floor);
        }
    }

    /// @dev Of an increase: base tokens, and what impact takes of them.
    function increase(GmxDataStoreDouble store, address market, uint256 usd, uint256 price, bool isLong)
        internal
        view
        returns (uint256 tokens, int256 impactTokens, IGmxReader.ExecutionPriceResult memory r)
    {
        r.priceImpactUsd = impact(store, market, usd);
        impactTokens = -int256(Math.ceilDiv(uint256(-r.priceImpactUsd), price));
        tokens = isLong ? usd / price : Math.ceilDiv(usd, price);
        int256 received = int256(tokens) + (isLong ? impactTokens : -impactTokens);
        r.executionPrice = received == 0 ? price : usd / uint256(received);
        r.totalImpactUsd = r.priceImpactUsd;
    }
}
