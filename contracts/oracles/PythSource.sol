// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IPriceSource} from "../interfaces/IPriceSource.sol";
import {IPriceUpdater} from "../interfaces/IPriceUpdater.sol";
import {IPyth} from "../interfaces/IPyth.sol";
import {DecimalScale} from "../libraries/DecimalScale.sol";

/// @title Pyth price source
/// @notice Purpose. The price of one Pyth feed that was last brought on chain, with the confidence that its publishers
///         claim. Pyth is a pull oracle: `update` brings a signed price, in the transaction that needs it or before.
///
///         Trust. Pyth's contract checks the signatures and keeps a price only when its publish time is later than that
///         of the price it has (`updatePriceFeeds`: prices are updated "if they are more recent"), so publish times only
///         advance. An update that is not newer passes without effect, so nobody can make another's transaction fail by
///         updating first.
///
///         Rounding. Price down and confidence up, where the exponent is below -18; otherwise exact.
///
///         Liveness. A feed that nobody updates goes stale, and `PriceOracle` says so.
///
///         Known limits. Whoever updates may choose among all prices published since the last one; the oracle's age limit
///         bounds the choice, and a pushed feed beside it bounds it further. A publish time ahead of the chain's clock
///         counts as from the future until the clock has caught up. `confidence` is about one standard error: the
///         oracle's `deviationBps` holds what else the governor wants between price and truth.
contract PythSource is IPriceSource, IPriceUpdater {
    /// @notice Largest power of ten by which a price of 64 bits stays inside 256.
    int256 public constant MAX_SCALE_EXPONENT = 57;

    /// @notice Pyth's contract on this chain.
    IPyth public immutable pyth;

    /// @notice Feed, as Pyth names it on every chain.
    bytes32 public immutable priceId;

    error ExponentTooLarge(int256 exponent, int256 limit);
    error FeeNotSent(uint256 sent, uint256 fee);
    error RefundFailed(address recipient, uint256 refund);

    constructor(address pyth_, bytes32 priceId_) {
        pyth = IPyth(pyth_);
        priceId = priceId_;
        IPyth(pyth_).getPriceUnsafe(priceId_); // a mistyped id or address shows here
    }

    /// @notice Brings signed prices on chain, pays Pyth's fee out of the ether sent and returns the rest. Anyone.
    /// @dev The refund is the last thing done and of the caller's own ether alone; this contract holds none between calls.
    /// @param updateData As Pyth's price service gives it; may hold other feeds too.
    /// @return fee Fee paid, wei.
    function update(bytes[] calldata updateData) external payable returns (uint256 fee) {
        fee = pyth.getUpdateFee(updateData);
        if (msg.value < fee) revert FeeNotSent(msg.value, fee);
        pyth.updatePriceFeeds{value: fee}(updateData);
        uint256 refund = msg.value - fee;
        if (refund != 0) {
            (bool isPaid,) = msg.sender.call{value: refund}("");
            if (!isPaid) revert RefundFailed(msg.sender, refund);
        }
    }

    /// @inheritdoc IPriceSource
    function latestPrice() external view returns (uint256 price, uint256 updatedAt, uint256 confidence) {
        IPyth.Price memory latest = pyth.getPriceUnsafe(priceId);
        if (latest.price <= 0) revert NonPositiveAnswer(latest.price);
        int256 exponent = int256(latest.expo) + int256(uint256(DecimalScale.WAD_DECIMALS));
        price = _scaled(uint256(int256(latest.price)), exponent, Math.Rounding.Floor);
        confidence = _scaled(latest.conf, exponent, Math.Rounding.Ceil);
        updatedAt = latest.publishTime;
    }

    /// @dev `mantissa` x 10^`exponent`. Beyond 10^-57 nothing of 64 bits is left but the rounding.
    function _scaled(uint256 mantissa, int256 exponent, Math.Rounding rounding) private pure returns (uint256) {
        if (exponent > MAX_SCALE_EXPONENT) revert ExponentTooLarge(exponent, MAX_SCALE_EXPONENT);
        if (exponent >= 0) return mantissa * 10 ** uint256(exponent);
        uint256 divisor = 10 ** Math.min(SignedMath.abs(exponent), uint256(MAX_SCALE_EXPONENT));
        return rounding == Math.Rounding.Ceil ? Math.ceilDiv(mantissa, divisor) : mantissa / divisor;
    }
}
