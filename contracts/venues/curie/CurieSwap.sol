// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {UniswapV3Math} from "../../libraries/UniswapV3Math.sol";
import {IUniswapV3PoolState} from "./ICurie.sol";

/// @title Swap simulation of Perpetual Protocol v2 ("Curie")
/// @notice Curie charges its own fee on the quote side and cancels the pool's: a sale's size is scaled up by the pool's fee
///         before the swap, a purchase's cost is scaled down after it. The swap is walked as the pool walks it, from tick to
///         tick and word to word, because both fees are rounded once per step: the result is exact to the wei.
library CurieSwap {
    uint256 internal constant RATIO_UNIT = 1e6;

    /// @notice Most steps a walk takes: ticks with liquidity plus word boundaries. Far beyond the venue's price limits.
    uint256 internal constant MAX_STEPS = 128;

    /// @notice Largest size of an order; more than any pool holds, and it keeps the arithmetic inside 256 bits.
    uint256 internal constant MAX_SIZE = type(uint128).max;

    /// @param isSell True when base goes in.
    /// @param size Base to trade, at most `MAX_SIZE`; a walk also ends at the price limit.
    /// @param poolFee Fee of the pool, 1e-6.
    /// @param exchangeFee Fee of the exchange for this trader, 1e-6.
    /// @param indexPrice Index price, WAD.
    /// @param maxSpread Farthest from the index a trade may take the pool, 1e-6.
    /// @param maxTicks Farthest a trade may take the pool from where it stands, ticks.
    struct Order {
        bool isSell;
        uint256 size;
        uint256 poolFee;
        uint256 exchangeFee;
        uint256 indexPrice;
        uint256 maxSpread;
        int24 maxTicks;
    }

    /// @param isComplete False when the price limit or the step limit came first.
    /// @param size Base traded, both fees excluded.
    /// @param notional Quote traded, fee excluded.
    /// @param fee Fee of the exchange, in quote.
    struct Result {
        bool isComplete;
        uint256 size;
        uint256 notional;
        uint256 fee;
    }

    struct State {
        uint160 sqrtPriceLimitX96;
        uint160 sqrtPriceX96;
        int24 tick;
        uint128 liquidity;
        uint256 remaining;
        uint256 poolQuoteIn;
    }

    struct Step {
        int24 nextTick;
        bool isInitialized;
        uint160 sqrtTickX96;
        uint160 sqrtTargetX96;
        uint256 base;
        uint256 quote;
    }

    /// @notice Walks `order` through `pool` as it stands.
    function simulate(IUniswapV3PoolState pool, Order memory order) internal view returns (Result memory result) {
        State memory state;
        (state.sqrtPriceX96, state.tick,,,,,) = pool.slot0();
        state.sqrtPriceLimitX96 = _sqrtPriceLimit(order, state.tick);
        state.liquidity = pool.liquidity();
        state.remaining = order.isSell
            ? Math.mulDiv(order.size, RATIO_UNIT, RATIO_UNIT - order.poolFee, Math.Rounding.Ceil)
            : order.size;
        int24 spacing = pool.tickSpacing();

        for (uint256 i = 0; i < MAX_STEPS && state.remaining != 0 && _isInside(order, state); ++i) {
            Step memory step = _findTarget(pool, order, state, spacing);
            if (order.isSell) _sell(order, state, step);
            else _buy(order, state, step);
            result.size += step.base;
            result.notional += step.quote;
            result.fee += _fee(order, step.quote);
            _enterNextRange(pool, order, state, step);
        }
        result.isComplete = state.remaining == 0 && _isInside(order, state);
        // A purchase pays the pool's fee step by step and gets it back on the whole.
        if (!order.isSell) {
            result.notional = Math.mulDiv(state.poolQuoteIn, RATIO_UNIT - order.poolFee, RATIO_UNIT);
        }
    }

    /// @dev Price that Curie lets no trade pass: the nearer of its limits around the index and around the present tick.
    function _sqrtPriceLimit(Order memory order, int24 tick) private pure returns (uint160) {
        if (order.isSell) {
            uint256 lowest = Math.mulDiv(order.indexPrice, RATIO_UNIT - order.maxSpread, RATIO_UNIT, Math.Rounding.Ceil);
            uint160 atLowest = UniswapV3Math.sqrtPriceOf(lowest, Math.Rounding.Ceil);
            return uint160(Math.max(atLowest, UniswapV3Math.sqrtPriceAtTick(tick - order.maxTicks)));
        }
        uint256 highest = Math.mulDiv(order.indexPrice, RATIO_UNIT + order.maxSpread, RATIO_UNIT);
        uint160 atHighest = UniswapV3Math.sqrtPriceOf(highest, Math.Rounding.Floor);
        return uint160(Math.min(atHighest, UniswapV3Math.sqrtPriceAtTick(tick + order.maxTicks + 1)));
    }

    function _isInside(Order memory order, State memory state) private pure returns (bool) {
        return
            order.isSell ? state.sqrtPriceX96 > state.sqrtPriceLimitX96 : state.sqrtPriceX96 < state.sqrtPriceLimitX96;
    }

    /// @dev Base in, rounded up; quote out, rounded down.
    function _sell(Order memory order, State memory state, Step memory step) private pure {
        uint160 start = state.sqrtPriceX96;
        uint256 available = Math.mulDiv(state.remaining, RATIO_UNIT - order.poolFee, RATIO_UNIT);
        uint256 toTarget = UniswapV3Math.baseBetween(step.sqrtTargetX96, start, state.liquidity, true);
        bool reaches = available >= toTarget;
        state.sqrtPriceX96 =
            reaches ? step.sqrtTargetX96 : UniswapV3Math.sqrtPriceAfterBaseIn(start, state.liquidity, available);
        step.base = reaches ? toTarget : available;
        step.quote = UniswapV3Math.quoteBetween(state.sqrtPriceX96, start, state.liquidity, false);
        // The last step takes all that is left, the pool's fee included.
        state.remaining = reaches ? state.remaining - toTarget - _grossFee(toTarget, order.poolFee) : 0;
    }

    /// @dev Base out, rounded down; quote in, rounded up.
    function _buy(Order memory order, State memory state, Step memory step) private pure {
        uint160 start = state.sqrtPriceX96;
        uint256 toTarget = UniswapV3Math.baseBetween(start, step.sqrtTargetX96, state.liquidity, false);
        bool reaches = state.remaining >= toTarget;
        state.sqrtPriceX96 =
            reaches ? step.sqrtTargetX96 : UniswapV3Math.sqrtPriceAfterBaseOut(start, state.liquidity, state.remaining);
        step.base = reaches
            ? toTarget
            : Math.min(state.remaining, UniswapV3Math.baseBetween(start, state.sqrtPriceX96, state.liquidity, false));
        step.quote = UniswapV3Math.quoteBetween(start, state.sqrtPriceX96, state.liquidity, true);
        state.poolQuoteIn += step.quote + _grossFee(step.quote, order.poolFee);
        state.remaining -= step.base;
    }

    /// @dev A sale pays the fee out of what it receives, a purchase on top of what it pays.
    function _fee(Order memory order, uint256 quote) private pure returns (uint256) {
        return order.isSell
            ? Math.mulDiv(quote, order.exchangeFee, RATIO_UNIT, Math.Rounding.Ceil)
            : _grossFee(quote, order.exchangeFee);
    }

    /// @dev Fee that is `feeRatio` of the sum of itself and `net`, rounded up.
    function _grossFee(uint256 net, uint256 feeRatio) private pure returns (uint256) {
        return Math.mulDiv(net, feeRatio, RATIO_UNIT - feeRatio, Math.Rounding.Ceil);
    }

    /// @dev The next tick with liquidity or the end of the bitmap word, whichever is nearer, but not beyond the limit.
    function _findTarget(IUniswapV3PoolState pool, Order memory order, State memory state, int24 spacing)
        private
        view
        returns (Step memory step)
    {
        (step.nextTick, step.isInitialized) = _nextTick(pool, state.tick, spacing, order.isSell);
        if (step.nextTick < UniswapV3Math.MIN_TICK) step.nextTick = UniswapV3Math.MIN_TICK;
        if (step.nextTick > UniswapV3Math.MAX_TICK) step.nextTick = UniswapV3Math.MAX_TICK;
        step.sqrtTickX96 = UniswapV3Math.sqrtPriceAtTick(step.nextTick);
        step.sqrtTargetX96 = order.isSell
            ? uint160(Math.max(step.sqrtTickX96, state.sqrtPriceLimitX96))
            : uint160(Math.min(step.sqrtTickX96, state.sqrtPriceLimitX96));
    }

    function _nextTick(IUniswapV3PoolState pool, int24 tick, int24 spacing, bool isDownward)
        private
        view
        returns (int24 next, bool isInitialized)
    {
        int24 compressed = tick / spacing;
        if (tick < 0 && tick % spacing != 0) --compressed; // toward minus infinity
        if (!isDownward) ++compressed; // upward the present tick does not count
        uint256 bit = uint8(uint24(compressed));
        uint256 word = pool.tickBitmap(int16(compressed >> 8));
        uint256 distance;
        if (isDownward) {
            word &= type(uint256).max >> (255 - bit);
            isInitialized = word != 0;
            distance = isInitialized ? bit - Math.log2(word) : bit;
            next = (compressed - int24(uint24(distance))) * spacing;
        } else {
            word &= type(uint256).max << bit;
            isInitialized = word != 0;
            distance = (isInitialized ? Math.log2(word & (~word + 1)) : 255) - bit;
            next = (compressed + int24(uint24(distance))) * spacing;
        }
    }

    function _enterNextRange(IUniswapV3PoolState pool, Order memory order, State memory state, Step memory step)
        private
        view
    {
        if (state.sqrtPriceX96 != step.sqrtTickX96) return;
        if (step.isInitialized) {
            (, int128 liquidityNet,,,,,,) = pool.ticks(step.nextTick);
            int256 change = order.isSell ? -int256(liquidityNet) : int256(liquidityNet);
            state.liquidity = uint128(uint256(int256(uint256(state.liquidity)) + change));
        }
        state.tick = order.isSell ? step.nextTick - 1 : step.nextTick;
    }
}
