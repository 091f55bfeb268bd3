// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DecimalScale} from "../../contracts/libraries/DecimalScale.sol";
import {UniswapV3TwapSource} from "../../contracts/oracles/UniswapV3TwapSource.sol";
import {TokenDouble} from "./support/Tokens.sol";
import {UniswapV3Actor} from "./support/UniswapV3Actor.sol";

/// @notice HEDGE-446 .. HEDGE-448, against the pool of @uniswap/v3-core 1.0.1.
/// @dev Prices expected are 1.0001^tick x 10^(decimals of underlying - of quote), computed with 80 digits outside.
contract UniswapV3TwapSourceTest is UniswapV3Actor {
    uint256 private constant START = 1_722_500_000; // Unix seconds
    uint32 private constant WINDOW = 600; // seconds
    uint32 private constant BLOCK = 12; // seconds
    uint16 private constant CARDINALITY = 51; // 600 / 12 + 1

    /// @dev A pair at a tick near 2,000 quote per underlying.
    struct Pair {
        uint8 underlyingDecimals;
        uint8 quoteDecimals;
        int24 tick;
        uint256 price;
    }

    function setUp() external {
        vm.warp(START);
    }

    function _pair(uint256 i) private pure returns (Pair memory) {
        if (i == 0) return Pair(18, 6, -200_311, 2_000_040_289_648_088_261_463);
        if (i == 1) return Pair(8, 6, 29_958, 1_999_835_899_595_124_229_914);
        if (i == 2) return Pair(6, 18, 352_336, 1_999_829_731_180_069_284_899);
        if (i == 3) return Pair(18, 18, 76_012, 1_999_835_018_391_808_649_836);
        return Pair(0, 24, 628_660, 1_999_824_443_982_308_377_045);
    }

    /// @dev A pool that was at the pair's tick for a whole window, and its source.
    function _observed(Pair memory pair, bool isUnderlyingToken0) private returns (UniswapV3TwapSource source) {
        vm.warp(START);
        _createPool(pair.underlyingDecimals, pair.quoteDecimals, isUnderlyingToken0, pair.tick + 1);
        pool.increaseObservationCardinalityNext(CARDINALITY);
        vm.warp(START + BLOCK);
        _moveTo(pair.tick);
        source = _source(0);
        vm.warp(START + BLOCK + WINDOW);
    }

    function _source(uint128 minLiquidity) private returns (UniswapV3TwapSource) {
        return new UniswapV3TwapSource(address(pool), address(underlying), WINDOW, BLOCK, minLiquidity);
    }

    // HEDGE-446
    function test_latestPrice_handlesTokenOrderAndDecimals() external {
        for (uint256 i = 0; i < 10; ++i) {
            Pair memory pair = _pair(i / 2);
            UniswapV3TwapSource source = _observed(pair, i % 2 == 0);
            (uint256 price,, uint256 confidence) = source.latestPrice();
            assertApproxEqRel(price, pair.price, 1e9, vm.toString(i)); // 1e-9: the roots of ticks keep 32 bits and more
            assertEq(confidence, (price + 9999) / 10_000);
        }
    }

    // HEDGE-446
    function test_latestPrice_isTheGeometricMeanOverTheWindow() external {
        for (uint256 order = 0; order < 2; ++order) {
            UniswapV3TwapSource source = _observed(_pair(0), order == 0);
            _moveTo(-199_711); // 600 ticks up
            vm.warp(block.timestamp + 200);
            // 400 s at -200,311 and 200 s at -199,711: tick -200,111
            (uint256 price,,) = source.latestPrice();
            assertApproxEqRel(price, 2_040_441_743_299_736_334_312, 1e9);
        }
    }

    // HEDGE-446
    function test_latestPrice_roundsTheMeanDownInThePriceInEitherOrder() external {
        for (uint256 order = 0; order < 2; ++order) {
            UniswapV3TwapSource source = _observed(_pair(0), order == 0);
            (uint256 whole,,) = source.latestPrice();
            _moveTo(-200_310);
            vm.warp(block.timestamp + 599); // a second of the lower tick is left
            (uint256 price,, uint256 confidence) = source.latestPrice();
            assertEq(price, whole);
            assertGe(price + confidence, whole + whole / 10_000, "the next tick is inside the confidence");
            vm.warp(block.timestamp + 1);
            (price,,) = source.latestPrice();
            assertApproxEqRel(price, whole + whole / 10_000, 1e9);
        }
    }

    // HEDGE-446
    function test_latestPrice_oneBlockFarAwayMovesTheMeanByItsShare() external {
        UniswapV3TwapSource source = _observed(_pair(0), true);
        (uint256 calm,,) = source.latestPrice();
        _moveTo(-177_313); // ten times the price
        vm.warp(block.timestamp + 12);
        _moveTo(-200_311);
        (uint256 price,,) = source.latestPrice();
        // 23,000 ticks x 12 / 600 = 460 ticks: 4.7 %, not 900 %.
        assertApproxEqRel(price, calm * 10_471 / 10_000, 0.001e18);
    }

    // HEDGE-447
    function test_latestPrice_isDatedByTheNewestObservation() external {
        UniswapV3TwapSource source = _observed(_pair(0), true);
        (, uint256 updatedAt,) = source.latestPrice();
        assertEq(updatedAt, START + BLOCK, "quiet since");
        _moveTo(-200_301);
        (, updatedAt,) = source.latestPrice();
        assertEq(updatedAt, block.timestamp);
        vm.warp(block.timestamp + 30 days);
        (, updatedAt,) = source.latestPrice();
        assertEq(updatedAt, block.timestamp - 30 days);
    }

    // HEDGE-447
    function test_latestPrice_isDatedRightAcrossTheOverflowOfThePoolsClock() external {
        uint256 nearOverflow = (1 << 32) - 5; // in 2106; the observation comes after it
        vm.warp(nearOverflow);
        _createPool(18, 6, true, -200_310);
        pool.increaseObservationCardinalityNext(CARDINALITY);
        vm.warp(nearOverflow + BLOCK);
        _moveTo(-200_311);
        UniswapV3TwapSource source = _source(0);
        vm.warp(nearOverflow + BLOCK + WINDOW);
        (uint256 price, uint256 updatedAt,) = source.latestPrice();
        assertEq(updatedAt, nearOverflow + BLOCK);
        assertApproxEqRel(price, _pair(0).price, 1e9);
    }

    // HEDGE-448
    function test_constructor_revertsIfThePoolHoldsTooFewObservations() external {
        _createPool(18, 6, true, -200_310);
        pool.increaseObservationCardinalityNext(CARDINALITY - 1);
        vm.warp(START + BLOCK);
        _moveTo(-200_311);
        vm.expectRevert(abi.encodeWithSelector(UniswapV3TwapSource.CardinalityTooLow.selector, 50, 51));
        _source(0);
        pool.increaseObservationCardinalityNext(CARDINALITY); // bought, but not in use yet
        vm.expectRevert(abi.encodeWithSelector(UniswapV3TwapSource.CardinalityTooLow.selector, 50, 51));
        _source(0);
    }

    // HEDGE-448
    function test_constructor_roundsTheObservationsNeededUp() external {
        _createPool(18, 6, true, -200_310);
        vm.expectRevert(abi.encodeWithSelector(UniswapV3TwapSource.CardinalityTooLow.selector, 1, 87));
        new UniswapV3TwapSource(address(pool), address(underlying), 601, 7, 0); // 85.9 blocks
    }

    // HEDGE-448
    function test_latestPrice_revertsUntilAWholeWindowWasObserved() external {
        UniswapV3TwapSource source = _observed(_pair(0), true);
        vm.warp(START + WINDOW - 1);
        vm.expectRevert(bytes("OLD"));
        source.latestPrice();
        vm.warp(START + WINDOW);
        source.latestPrice();
    }

    // HEDGE-448
    function test_latestPrice_revertsIfThePoolIsEmptied() external {
        _observed(_pair(0), true);
        UniswapV3TwapSource source = _source(LIQUIDITY - 1);
        source.latestPrice();
        _removeLiquidity();
        vm.warp(block.timestamp + 60);
        // Harmonic: 60 s of nothing outweigh 540 s of 1e18. 600 / 60 = 10.
        vm.expectRevert(abi.encodeWithSelector(UniswapV3TwapSource.LiquidityTooLow.selector, 9, LIQUIDITY - 1));
        source.latestPrice();
    }

    // HEDGE-448
    function test_constructor_revertsIfTheWindowIsOutOfRange() external {
        _createPool(18, 6, true, -200_310);
        uint32[2] memory windows = [uint32(299), 86_401];
        for (uint256 i = 0; i < 2; ++i) {
            bytes4 selector = UniswapV3TwapSource.WindowOutOfRange.selector;
            vm.expectRevert(abi.encodeWithSelector(selector, windows[i], 300, 86_400));
            new UniswapV3TwapSource(address(pool), address(underlying), windows[i], BLOCK, 0);
        }
        uint32[2] memory ends = [uint32(300), 86_400];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(UniswapV3TwapSource.CardinalityTooLow.selector, 1, ends[i] / BLOCK + 1)
            );
            new UniswapV3TwapSource(address(pool), address(underlying), ends[i], BLOCK, 0);
        }
        vm.expectRevert(UniswapV3TwapSource.SecondsPerBlockIsZero.selector);
        new UniswapV3TwapSource(address(pool), address(underlying), WINDOW, 0, 0);
    }

    // HEDGE-448
    function test_constructor_revertsIfTheTokensAreNotThePools() external {
        _createPool(18, 6, true, -200_310);
        address other = address(new TokenDouble(18));
        vm.expectRevert(abi.encodeWithSelector(UniswapV3TwapSource.NotATokenOfThePool.selector, other));
        new UniswapV3TwapSource(address(pool), other, WINDOW, BLOCK, 0);
        _createPool(37, 6, true, -200_310);
        vm.expectRevert(abi.encodeWithSelector(DecimalScale.TooManyDecimals.selector, 37, 36));
        _source(0);
    }

    // HEDGE-406
    function test_latestPrice_takesLittleOfTheGasGranted() external {
        _createPool(18, 6, true, -200_310);
        pool.increaseObservationCardinalityNext(4096);
        for (uint256 i = 1; i <= 4200; ++i) {
            vm.warp(START + i);
            _moveTo(i % 2 == 0 ? int24(-200_311) : int24(-200_309));
        }
        UniswapV3TwapSource source = new UniswapV3TwapSource(address(pool), address(underlying), 3600, 1, 0);
        vm.cool(address(pool));
        vm.cool(address(source));
        uint256 gasBefore = gasleft();
        source.latestPrice();
        uint256 gasTaken = gasBefore - gasleft();
        emit log_named_uint("gas of a mean over 3,600 of 4,096 observations", gasTaken);
        // Each doubling of the observations adds one step of the search: 65,535 take at most four steps more.
        assertLt(gasTaken + 4 * 10_000, 250_000);
    }
}
