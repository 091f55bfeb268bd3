// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IPerpVenue} from "../../interfaces/IPerpVenue.sol";
import {IVaultAccess} from "../../interfaces/IVaultAccess.sol";
import {HyperCore} from "./HyperCore.sol";
import {HyperEvmLimits} from "./HyperEvmLimits.sol";

/// @title One market of Hyperliquid, read from HyperEVM
/// @notice Purpose. What an account there is worth, what a trade costs, and what an order is in HyperCore's numbers. It keeps
///         no funds and no orders; `HyperEvmVenue` does.
///
///         Trust. HyperCore is trusted to keep its own accounts and to answer them in the precompiles. An answer that it does
///         not give reverts; nothing that is missing is taken for 0.
///
///         Rounding. A size is cut to lots toward 0; a limit price is never worse than it was; fees and margins go up.
///
///         Known limits. The best prices of the book are on chain, its depth is not: `quote` is the price of a small trade, and
///         `capacity` the governed size of an order. Funding is reckoned from mark and index of this moment; Hyperliquid takes
///         the mean premium of an hour, of prices inside the book.
contract HyperEvmMarket is HyperEvmLimits {
    using SafeCast for int256;
    using SafeCast for uint256;

    /// @notice An account as HyperCore has it at the start of the block, WAD.
    /// @param cash `equity` less the position at the mark: each trade, fee and funding changes it by what it brings.
    /// @param spotUsdc 1e8.
    struct Account {
        int256 size;
        uint256 entryNotional;
        int256 equity;
        int256 cash;
        uint256 spotUsdc;
    }

    /// @notice An order in HyperCore's numbers, and what may come of it.
    /// @param sizeDelta What is asked for once it is in lots, WAD.
    /// @param limitPrice The limit once it is on a tick, WAD.
    struct Plan {
        int256 sizeDelta;
        uint256 limitPrice;
        uint256 maxFee;
        uint64 limitPx;
        uint64 coreSize;
        bool isReduction;
        Account held;
    }

    /// @notice Least notional of an order that opens: HyperCore refuses less.
    uint256 public constant MIN_NOTIONAL = 10e18; // USD

    int256 private constant FUNDING_PERIODS_PER_DAY = 3; // a rate is of 8 hours, an eighth of it is paid each hour
    int256 private constant INTEREST = 0.0001e18; // of 8 hours
    int256 private constant INTEREST_CLAMP = 0.0005e18;
    int256 private constant MAX_FUNDING_PER_DAY = 0.96e18; // 4 % an hour

    uint256 private constant CORE_TO_WAD = 1e10; // 1e8 to WAD
    uint256 private constant USD_TO_WAD = 1e12; // 1e6 to WAD
    uint256 private constant WHOLE_USD = 1e8; // whole prices are on a tick whatever their figures
    uint256 private constant FIGURES = 5;

    uint256 private immutable _pxToWad;

    error OrderTooSmall(uint256 notional, uint256 minimum);
    error MarginTooLow(int256 held, uint256 needed);
    error BookEmpty(bool isPurchase);

    /// @param access_ The vault's roles.
    /// @param asset_ Index of the market on HyperCore's own exchange.
    /// @param depositWallet_ Circle's bridge.
    constructor(
        IVaultAccess access_,
        uint32 asset_,
        address depositWallet_,
        Limits memory limits_,
        Tier[] memory tiers_
    ) HyperEvmLimits(access_, asset_, depositWallet_, limits_, tiers_) {
        _pxToWad = 10 ** (12 + sizeDecimals);
    }

    // --- an account -----------------------------------------------------------------------------------------------

    /// @notice Size, underlying units.
    function sizeOf(address account) public view returns (int256) {
        return HyperCore.position(account, asset).lots * int256(lot);
    }

    /// @notice All that HyperCore has of an account.
    function accountOf(address account) public view returns (Account memory held) {
        HyperCore.Position memory p = HyperCore.position(account, asset);
        HyperCore.Margin memory m = HyperCore.margin(account);
        held.size = p.lots * int256(lot);
        held.entryNotional = p.entryNotional * USD_TO_WAD;
        held.equity = m.accountValue * int256(USD_TO_WAD);
        held.cash = m.rawUsd * int256(USD_TO_WAD);
        held.spotUsdc = HyperCore.spotUsdc(account);
    }

    /// @notice USDC in spot, 1e8.
    function spotOf(address account) external view returns (uint256) {
        return HyperCore.spotUsdc(account);
    }

    /// @notice Whether HyperCore knows the account: it takes no action of one that it does not know.
    function exists(address account) external view returns (bool) {
        return HyperCore.userExists(account);
    }

    /// @notice What can leave the perpetuals, 1e6 USD: what HyperCore lets out, and what the margin factor leaves.
    function freeOf(address account) external view returns (uint256) {
        Account memory held = accountOf(account);
        uint256 kept = _marginFor(SignedMath.abs(held.size), markPrice());
        int256 free = (held.equity - kept.toInt256()) / int256(USD_TO_WAD);
        if (free <= 0) return 0;
        return Math.min(uint256(free), HyperCore.withdrawable(account));
    }

    // --- the market -----------------------------------------------------------------------------------------------

    /// @notice Mark price, WAD USD.
    function markPrice() public view returns (uint256) {
        return HyperCore.markPx(asset) * _pxToWad;
    }

    /// @notice Price of Hyperliquid's oracle, WAD USD.
    function indexPrice() public view returns (uint256) {
        return HyperCore.oraclePx(asset) * _pxToWad;
    }

    /// @notice Funding at the present premium, WAD of notional a day: P + clamp(0.01 % - P, -0.05 %, 0.05 %) for 8 hours.
    function fundingRate() external view returns (int256 perDay) {
        int256 index = indexPrice().toInt256();
        int256 premium = (markPrice().toInt256() - index) * int256(WAD) / index;
        int256 rate = premium + _clamp(INTEREST - premium, INTEREST_CLAMP);
        return _clamp(rate * FUNDING_PERIODS_PER_DAY, MAX_FUNDING_PER_DAY);
    }

    /// @notice Most funding, WAD of notional a day.
    function maxFundingRate() external pure returns (uint256 perDay) {
        return uint256(MAX_FUNDING_PER_DAY);
    }

    /// @notice Largest size of an order, underlying units; on the side that closes no less than the position.
    function capacity(address account, bool isLong) public view returns (uint256 maxSize) {
        maxSize = limits().maxOrderSize;
        int256 held = sizeOf(account);
        if (held != 0 && (held < 0) == isLong) maxSize = Math.max(maxSize, SignedMath.abs(held));
    }

    /// @notice Best price that a trade meets in the book, WAD USD; `BookEmpty` where there is none.
    function bestPrice(bool isPurchase) public view returns (uint256) {
        (uint64 bid, uint64 ask) = HyperCore.bestPrices(asset);
        uint64 px = isPurchase ? ask : bid;
        if (px == 0) revert BookEmpty(isPurchase);
        return px * _pxToWad;
    }

    /// @notice Best price of the book and the fee at it, WAD USD.
    function quote(address account, int256 sizeDelta) external view returns (uint256 price, uint256 fee) {
        if (SignedMath.abs(sizeDelta) > capacity(account, sizeDelta > 0)) {
            revert IPerpVenue.SizeBeyondLiquidity(sizeDelta);
        }
        price = bestPrice(sizeDelta > 0);
        fee = _fee(SignedMath.abs(sizeDelta), price);
    }

    // --- an order -------------------------------------------------------------------------------------------------

    /// @notice What an order is on HyperCore. Reverts where it would be refused there without a word, as far as that can be
    ///         known: `ZeroSize`, `OrderTooSmall`, `SizeBeyondLiquidity`, `MarginTooLow`, `BookEmpty`, and
    ///         `LimitPriceViolated` where the best price of the book is beyond the limit.
    function plan(address account, int256 sizeDelta, uint256 limitPrice) external view returns (Plan memory p) {
        p.held = accountOf(account);
        p.sizeDelta = sizeDelta / int256(lot) * int256(lot);
        if (p.sizeDelta == 0) revert IPerpVenue.ZeroSize();
        uint256 size = SignedMath.abs(p.sizeDelta);
        bool isPurchase = sizeDelta > 0;
        p.isReduction = p.held.size != 0 && (p.held.size < 0) == isPurchase && size <= SignedMath.abs(p.held.size);
        uint256 best = bestPrice(isPurchase);
        (p.limitPx, p.limitPrice) = _onTick(_near(limitPrice, best), isPurchase);
        if (isPurchase ? best > p.limitPrice : best < p.limitPrice) {
            revert IPerpVenue.LimitPriceViolated(best, p.limitPrice);
        }
        p.coreSize = (size / CORE_TO_WAD).toUint64();
        p.maxFee = _fee(size, Math.max(p.limitPrice, best));
        if (!p.isReduction) _requireOpenable(p, size, isPurchase);
    }

    /// @notice Average price and fee of what an order has filled, from what it changed of the account, WAD USD.
    /// @dev With gained = change of cash: a purchase pays notional + fee, a sale brings notional - fee. Where the position only
    ///      grew, the notional is what its entry notional grew by; otherwise price and fee are split by the governed fee.
    ///      Funding of the time in between is in the fee of the former and in the price of the latter.
    /// @param filled WAD, signed.
    function termsOf(Account calldata before, Account calldata afterwards, int256 filled)
        external
        view
        returns (uint256 price, uint256 fee)
    {
        uint256 size = SignedMath.abs(filled);
        int256 gained = afterwards.cash - before.cash;
        int256 net = filled > 0 ? -gained : gained;
        if (size == 0 || net <= 0) return (0, 0);
        bool hasGrown = (before.size == 0 || (before.size > 0) == (filled > 0))
            && afterwards.size == before.size + filled && afterwards.entryNotional > before.entryNotional;
        uint256 notional;
        if (hasGrown) {
            notional = afterwards.entryNotional - before.entryNotional;
        } else {
            uint256 rate = limits().takerFee;
            notional = Math.mulDiv(uint256(net), WAD, filled > 0 ? WAD + rate : WAD - rate);
        }
        price = Math.mulDiv(notional, WAD, size);
        int256 charged = filled > 0 ? net - int256(notional) : int256(notional) - net;
        fee = charged > 0 ? uint256(charged) : 0;
    }

    // --- private --------------------------------------------------------------------------------------------------

    function _requireOpenable(Plan memory p, uint256 size, bool isPurchase) private view {
        uint256 limit = limits().maxOrderSize;
        if (size > limit) revert IPerpVenue.SizeBeyondLiquidity(p.sizeDelta);
        uint256 notional = Math.mulDiv(size, p.limitPrice, WAD);
        if (notional < MIN_NOTIONAL) revert OrderTooSmall(notional, MIN_NOTIONAL);
        uint256 price = isPurchase ? p.limitPrice : Math.max(p.limitPrice, markPrice());
        uint256 needed = _marginFor(SignedMath.abs(p.held.size + p.sizeDelta), price) + p.maxFee;
        if (p.held.equity < needed.toInt256()) revert MarginTooLow(p.held.equity, needed);
    }

    function _marginFor(uint256 size, uint256 price) private view returns (uint256) {
        uint256 notional = Math.mulDiv(size, price, WAD, Math.Rounding.Ceil);
        return Math.mulDiv(notional, limits().marginFactor, WAD, Math.Rounding.Ceil);
    }

    /// @dev HyperCore refuses limits far from its price: none is further than half of it.
    function _near(uint256 limitPrice, uint256 price) private pure returns (uint256) {
        return Math.max(Math.min(limitPrice, price * 3 / 2), price / 2);
    }

    /// @dev Up to five significant figures and 6 - size decimals decimals, or a whole number; never worse than `limitPrice`.
    function _onTick(uint256 limitPrice, bool isPurchase) private view returns (uint64 px, uint256 price) {
        uint256 raw = limitPrice / CORE_TO_WAD;
        if (!isPurchase && raw * CORE_TO_WAD < limitPrice) ++raw;
        uint256 digits = Math.log10(raw) + 1;
        uint256 tick = digits > FIGURES ? Math.min(10 ** (digits - FIGURES), WHOLE_USD) : 1;
        tick = Math.max(tick, _pxToWad / CORE_TO_WAD);
        raw = isPurchase ? raw / tick * tick : Math.ceilDiv(raw, tick) * tick;
        return (raw.toUint64(), raw * CORE_TO_WAD);
    }

    /// @dev Up to HyperCore's millionth of a dollar.
    function _fee(uint256 size, uint256 price) private view returns (uint256) {
        uint256 notional = Math.mulDiv(size, price, WAD, Math.Rounding.Ceil);
        uint256 fee = Math.mulDiv(notional, limits().takerFee, WAD, Math.Rounding.Ceil);
        return Math.ceilDiv(fee, USD_TO_WAD) * USD_TO_WAD;
    }

    function _clamp(int256 rate, int256 limit) private pure returns (int256) {
        return SignedMath.max(SignedMath.min(rate, limit), -limit);
    }
}
