// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Uniswap v3 price and amount maths
/// @notice token0 is called base, token1 quote; a price is quote per base, kept as its square root times 2^96.
/// @dev Written from the whitepaper (Adams et al. 2021, sections 6.1 to 6.2) so that every rounding is the pool's own:
///      what the pool takes is rounded up, what it gives is rounded down, and a price moves no farther than paid for.
///      Sizes and liquidity stay below 2^128, which keeps every product below inside 256 bits or in `mulDiv`.
library UniswapV3Math {
    uint256 internal constant Q96 = 1 << 96;
    int24 internal constant MIN_TICK = -887_272;
    int24 internal constant MAX_TICK = 887_272;
    /// @notice Roots of those two ticks.
    uint160 internal constant MIN_SQRT_PRICE = 4_295_128_739;
    uint160 internal constant MAX_SQRT_PRICE = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342;

    error TickOutOfRange(int24 tick);

    /// @notice sqrt(1.0001^tick) x 2^96, rounded up.
    function sqrtPriceAtTick(int24 tick) internal pure returns (uint160) {
        uint256 absTick = tick < 0 ? uint256(-int256(tick)) : uint256(int256(tick));
        if (absTick > uint256(int256(MAX_TICK))) revert TickOutOfRange(tick);
        uint256 ratioX128 = 1 << 128;
        uint128[20] memory factors = _factorsX128();
        for (uint256 bit = 0; bit < factors.length; ++bit) {
            if (absTick & (1 << bit) != 0) ratioX128 = (ratioX128 * factors[bit]) >> 128;
        }
        if (tick > 0) ratioX128 = type(uint256).max / ratioX128;
        // Below 2^192 for every tick in range, so the shifted result fits 160 bits.
        return uint160(Math.ceilDiv(ratioX128, 1 << 32));
    }

    /// @notice Base that moves the price between two roots, `lower` <= `upper`.
    function baseBetween(uint160 lower, uint160 upper, uint128 liquidity, bool roundUp)
        internal
        pure
        returns (uint256)
    {
        uint256 liquidityX96 = uint256(liquidity) << 96;
        uint256 span = upper - lower;
        return roundUp
            ? Math.ceilDiv(Math.mulDiv(liquidityX96, span, upper, Math.Rounding.Ceil), lower)
            : Math.mulDiv(liquidityX96, span, upper) / lower;
    }

    /// @notice Quote that moves the price between two roots, `lower` <= `upper`.
    function quoteBetween(uint160 lower, uint160 upper, uint128 liquidity, bool roundUp)
        internal
        pure
        returns (uint256)
    {
        return Math.mulDiv(liquidity, upper - lower, Q96, roundUp ? Math.Rounding.Ceil : Math.Rounding.Floor);
    }

    /// @notice Root of the price after `base` went into the pool, rounded up.
    function sqrtPriceAfterBaseIn(uint160 sqrtPriceX96, uint128 liquidity, uint256 base)
        internal
        pure
        returns (uint160)
    {
        uint256 liquidityX96 = uint256(liquidity) << 96;
        return uint160(Math.mulDiv(liquidityX96, sqrtPriceX96, liquidityX96 + base * sqrtPriceX96, Math.Rounding.Ceil));
    }

    /// @notice Root of the price after `base` came out of the pool, rounded up. Reverts when there is not that much.
    function sqrtPriceAfterBaseOut(uint160 sqrtPriceX96, uint128 liquidity, uint256 base)
        internal
        pure
        returns (uint160)
    {
        uint256 liquidityX96 = uint256(liquidity) << 96;
        return uint160(Math.mulDiv(liquidityX96, sqrtPriceX96, liquidityX96 - base * sqrtPriceX96, Math.Rounding.Ceil));
    }

    /// @notice Root of a WAD price.
    function sqrtPriceOf(uint256 price, Math.Rounding rounding) internal pure returns (uint160) {
        return uint160(Math.sqrt(Math.mulDiv(price, 1 << 192, 1e18, rounding), rounding));
    }

    /// @notice Root of numerator / denominator, held between the roots of `MIN_TICK` and `MAX_TICK`.
    /// @dev Taken at 2^192 to the unit, at less where the ratio leaves no room for it: the root then has 95 bits or more.
    function sqrtRatioOf(uint256 numerator, uint256 denominator, Math.Rounding rounding)
        internal
        pure
        returns (uint160)
    {
        uint256 whole = numerator / denominator;
        if (whole >> 128 != 0) return MAX_SQRT_PRICE;
        uint256 bits = whole >> 63 == 0 ? 192 : whole >> 127 == 0 ? 128 : 64;
        uint256 root = Math.sqrt(Math.mulDiv(numerator, 1 << bits, denominator, rounding), rounding) << (192 - bits) / 2;
        if (root < MIN_SQRT_PRICE) return MIN_SQRT_PRICE;
        return root > MAX_SQRT_PRICE ? MAX_SQRT_PRICE : uint160(root);
    }

    /// @notice WAD price of a root, rounded down in two steps: to X96, then to WAD.
    function priceOf(uint160 sqrtPriceX96) internal pure returns (uint256) {
        return Math.mulDiv(Math.mulDiv(sqrtPriceX96, sqrtPriceX96, Q96), 1e18, Q96);
    }

    /// @dev 2^128 / 1.0001^(2^i / 2) for i = 0 to 19, to the nearest integer.
    function _factorsX128() private pure returns (uint128[20] memory) {
        return [
            0xfffcb933bd6fad37aa2d162d1a594001,
            0xfff97272373d413259a46990580e213a,
            0xfff2e50f5f656932ef12357cf3c7fdcc,
            0xffe5caca7e10e4e61c3624eaa0941cd0,
            0xffcb9843d60f6159c9db58835c926644,
            0xff973b41fa98c081472e6896dfb254c0,
            0xff2ea16466c96a3843ec78b326b52861,
            0xfe5dee046a99a2a811c461f1969c3053,
            0xfcbe86c7900a88aedcffc83b479aa3a4,
            0xf987a7253ac413176f2b074cf7815e54,
            0xf3392b0822b70005940c7a398e4b70f3,
            0xe7159475a2c29b7443b29c7fa6e889d9,
            0xd097f3bdfd2022b8845ad8f792aa5825,
            0xa9f746462d870fdf8a65dc1f90e061e5,
            0x70d869a156d2a1b890bb3df62baf32f7,
            0x31be135f97d08fd981231505542fcfa6,
            0x09aa508b5b7a84e1c677de54f3e99bc9,
            0x005d6af8dedb81196699c329225ee604,
            0x00002216e584f5fa1ea926041bedfe98,
            0x00000000048a170391f7dc42444e8fa2
        ];
    }
}
