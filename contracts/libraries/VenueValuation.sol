// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IPerpVenue} from "../interfaces/IPerpVenue.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {VenueMeasurement} from "../types/Rebalance.sol";
import {GuardRules} from "./GuardRules.sol";

/// @title Value of a venue account over the prices that could be true
/// @notice Equity is linear in the price: E(P) = equity at mark + size x (P - mark). Its lowest and highest value are taken
///         over the venue's mark, the venue's index with the feed's deviation on either side, and the oracle's range: so the
///         interval holds the price that the next update of the feed will bring, and the mark that lags behind.
///
///         What is pending fills or does not, each side for itself: filled, it adds q x (P - price paid). The lowest equity is
///         taken with the limit paid and every fee, the highest with the best price of the interval and none.
/// @dev Rounding: low ends down, high ends up, notional up.
library VenueValuation {
    /// @dev Beyond these an answer is no answer; every product below stays far inside 256 bits, and what the guard keeps of
    ///      eight such venues inside its slots: or one lie, sampled once, would stop the guard for good.
    uint256 internal constant MAX_AMOUNT = 1e30; // WAD: 1e12 underlying units or USD
    uint256 internal constant MAX_PRICE = 1e30; // WAD: 1e12 USD

    int256 private constant WAD = 1e18;

    /// @notice Fills `m` for a venue that answered.
    function value(VenueMeasurement memory m, IPerpVenue.Account memory account, IPriceOracle.Reading memory reading)
        internal
        pure
    {
        uint256 index = account.indexPrice;
        uint256 width = Math.ceilDiv(index * reading.deviationBps, GuardRules.BPS);
        (m.price, m.priceLow, m.priceHigh) =
            reading.price != 0 ? (reading.price, reading.low, reading.high) : (index, index - width, index + width);
        m.sizeLow = account.size + account.pendingNegative;
        m.sizeHigh = account.size + account.pendingPositive;
        m.notional = _notional(m);
        m.equity = equityAt(account, m.price, false);
        uint256 low = Math.min(Math.min(index - width, account.markPrice), m.priceLow);
        uint256 high = Math.max(Math.max(index + width, account.markPrice), m.priceHigh);
        (uint256 worst, uint256 best) = account.size > 0 ? (low, high) : (high, low);
        m.equityLow = equityAt(account, worst, false);
        m.equityHigh = equityAt(account, best, true);
        if (m.sizeLow != m.sizeHigh) _addPending(m, account, low, high);
    }

    /// @notice Fills `m` for a venue that did not answer: no equity, and a size between 0 and the last one known.
    /// @param lastLow Lowest size that was possible when it was last measured, pending orders filled.
    /// @param lastHigh Highest.
    function valueSilent(
        VenueMeasurement memory m,
        int256 lastLow,
        int256 lastHigh,
        IPriceOracle.Reading memory reading
    ) internal pure {
        m.isSilent = true;
        (m.equity, m.equityLow, m.equityHigh) = (0, 0, 0);
        (m.price, m.priceLow, m.priceHigh) = (reading.price, reading.low, reading.high);
        m.sizeLow = SignedMath.min(0, lastLow);
        m.sizeHigh = SignedMath.max(0, lastHigh);
        m.notional = _notional(m);
    }

    /// @notice Equity at `price`, USD, rounded as told.
    function equityAt(IPerpVenue.Account memory account, uint256 price, bool roundsUp) internal pure returns (int256) {
        int256 product = account.size * (int256(price) - int256(account.markPrice));
        return account.equity + _fromProduct(product, roundsUp);
    }

    /// @notice False for numbers that no account can have.
    function isPossible(IPerpVenue.Account memory account) internal pure returns (bool) {
        return SignedMath.abs(account.size) <= MAX_AMOUNT && SignedMath.abs(account.equity) <= MAX_AMOUNT
            && account.pendingNegative <= 0 && SignedMath.abs(account.pendingNegative) <= MAX_AMOUNT
            && account.pendingPositive >= 0 && SignedMath.abs(account.pendingPositive) <= MAX_AMOUNT
            && account.markPrice <= MAX_PRICE && account.indexPrice <= MAX_PRICE
            && (_isPlainAndFlat(account) || (account.markPrice != 0 && account.indexPrice != 0))
            && account.pendingFloor <= MAX_PRICE && account.pendingCeiling <= MAX_PRICE
            && account.pendingFee <= MAX_AMOUNT && (account.pendingPositive == 0 || account.pendingCeiling != 0);
    }

    /// @notice False where possible numbers multiply to what no account can be worth.
    function isBounded(VenueMeasurement memory m) internal pure returns (bool) {
        return m.notional <= MAX_AMOUNT && SignedMath.abs(m.equityLow) <= MAX_AMOUNT
            && SignedMath.abs(m.equityHigh) <= MAX_AMOUNT;
    }

    function _isPlainAndFlat(IPerpVenue.Account memory account) private pure returns (bool) {
        return account.size == 0 && account.pendingNegative == 0 && account.pendingPositive == 0;
    }

    /// @dev Both ends are of functions that are linear in the price, for each way the orders can go: so they lie at ends.
    function _addPending(VenueMeasurement memory m, IPerpVenue.Account memory account, uint256 low, uint256 high)
        private
        pure
    {
        (uint256 bestSale, uint256 bestPurchase) =
            (Math.max(account.pendingFloor, high), Math.min(account.pendingCeiling, low));
        for (uint256 way = 1; way < 4; ++way) {
            for (uint256 end = 0; end < 2; ++end) {
                uint256 price = end == 0 ? low : high;
                int256 worst = _filledAt(account, way, price, account.pendingFloor, account.pendingCeiling);
                int256 best = _filledAt(account, way, price, bestSale, bestPurchase);
                m.equityLow = SignedMath.min(m.equityLow, account.equity + _fromProduct(worst, false));
                m.equityHigh = SignedMath.max(m.equityHigh, account.equity + _fromProduct(best, true));
            }
        }
        m.equityLow -= int256(account.pendingFee);
    }

    /// @dev What equity changes by from the mark to `price`, WAD^2.
    /// @param way Bit 0: what lowers the size is filled. Bit 1: what raises it is.
    function _filledAt(
        IPerpVenue.Account memory account,
        uint256 way,
        uint256 price,
        uint256 salePrice,
        uint256 purchasePrice
    ) private pure returns (int256 product) {
        product = account.size * (int256(price) - int256(account.markPrice));
        if (way & 1 != 0) product += account.pendingNegative * (int256(price) - int256(salePrice));
        if (way & 2 != 0) product += account.pendingPositive * (int256(price) - int256(purchasePrice));
    }

    /// @dev WAD^2 to WAD, rounded as told.
    function _fromProduct(int256 product, bool roundsUp) private pure returns (int256 rounded) {
        rounded = product / WAD; // toward 0
        int256 cut = product % WAD;
        if (roundsUp && cut > 0) ++rounded;
        if (!roundsUp && cut < 0) --rounded;
    }

    function _notional(VenueMeasurement memory m) private pure returns (uint256) {
        return GuardRules.notionalUp(Math.max(SignedMath.abs(m.sizeLow), SignedMath.abs(m.sizeHigh)), m.price);
    }
}
