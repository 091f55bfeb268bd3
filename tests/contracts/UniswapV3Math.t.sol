// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Test} from "forge-std/Test.sol";
import {UniswapV3Math} from "../../contracts/libraries/UniswapV3Math.sol";

/// @notice Prices of ticks as published with Uniswap v3 core, and the directions in which amounts are rounded.
/// @dev That whole trades come out to the wei is shown against a real pool in tests/integration/test_curie_venue_quote.py.
contract UniswapV3MathTest is Test {
    function _sqrtPriceAtTick(int24 tick) external pure returns (uint160) {
        return UniswapV3Math.sqrtPriceAtTick(tick);
    }

    function test_sqrtPriceAtTick_publishedValues() external pure {
        assertEq(UniswapV3Math.sqrtPriceAtTick(-887_272), 4_295_128_739);
        assertEq(UniswapV3Math.sqrtPriceAtTick(0), 1 << 96);
        assertEq(UniswapV3Math.sqrtPriceAtTick(50), 79_426_470_787_362_580_746_886_972_461);
        assertEq(UniswapV3Math.sqrtPriceAtTick(100), 79_625_275_426_524_748_796_330_556_128);
        assertEq(UniswapV3Math.sqrtPriceAtTick(250), 80_224_679_980_005_306_637_834_519_095);
        assertEq(UniswapV3Math.sqrtPriceAtTick(1000), 83_290_069_058_676_223_003_182_343_270);
        assertEq(UniswapV3Math.sqrtPriceAtTick(5000), 101_729_702_841_318_637_793_976_746_270);
        assertEq(UniswapV3Math.sqrtPriceAtTick(50_000), 965_075_977_353_221_155_028_623_082_916);
        assertEq(UniswapV3Math.sqrtPriceAtTick(150_000), 143_194_173_941_309_278_083_010_301_478_497);
        assertEq(UniswapV3Math.sqrtPriceAtTick(250_000), 21_246_587_762_933_397_357_449_903_968_194_344);
        assertEq(UniswapV3Math.sqrtPriceAtTick(500_000), 5_697_689_776_495_288_729_098_254_600_827_762_987_878);
        assertEq(
            UniswapV3Math.sqrtPriceAtTick(887_272), 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342
        );
    }

    function test_sqrtPriceAtTick_revertsIfOutOfRange() external {
        for (uint256 i = 0; i < 2; ++i) {
            int24 tick = i == 0 ? UniswapV3Math.MAX_TICK + 1 : UniswapV3Math.MIN_TICK - 1;
            vm.expectRevert(abi.encodeWithSelector(UniswapV3Math.TickOutOfRange.selector, tick));
            this._sqrtPriceAtTick(tick);
        }
    }

    function testFuzz_sqrtPriceAtTick_oneTickIsOneBasisPointOfPrice(int24 tick) external pure {
        tick = int24(bound(tick, -400_000, UniswapV3Math.MAX_TICK - 1));
        uint256 lower = UniswapV3Math.sqrtPriceAtTick(tick);
        uint256 upper = UniswapV3Math.sqrtPriceAtTick(tick + 1);
        // sqrt(1.0001) = 1.00004999875...
        assertApproxEqRel(Math.mulDiv(upper, 1e18, lower), 1_000_049_998_750_062_496, 1e9);
    }

    function testFuzz_amounts_roundUpIsAtMostTwoMoreThanDown(uint160 lower, uint160 span, uint128 liquidity)
        external
        pure
    {
        lower = uint160(bound(lower, 1 << 64, 1 << 128));
        uint160 upper = lower + uint160(bound(span, 0, 1 << 128));
        uint256 baseUp = UniswapV3Math.baseBetween(lower, upper, liquidity, true);
        uint256 baseDown = UniswapV3Math.baseBetween(lower, upper, liquidity, false);
        assertGe(baseUp, baseDown);
        assertLe(baseUp - baseDown, 2);
        uint256 quoteUp = UniswapV3Math.quoteBetween(lower, upper, liquidity, true);
        uint256 quoteDown = UniswapV3Math.quoteBetween(lower, upper, liquidity, false);
        assertGe(quoteUp, quoteDown);
        assertLe(quoteUp - quoteDown, 1);
    }

    function test_baseBetween_eitherDivisionIsRoundedAsTheWhole() external pure {
        assertEq(UniswapV3Math.baseBetween(1, 3, 1, false), uint256(1 << 97) / 3);
        assertEq(UniswapV3Math.baseBetween(1, 3, 1, true), uint256(1 << 97) / 3 + 1); // the first leaves a part
        assertEq(UniswapV3Math.baseBetween(3, 4, 1, false), uint256(1 << 94) / 3);
        assertEq(UniswapV3Math.baseBetween(3, 4, 1, true), uint256(1 << 94) / 3 + 1); // the second leaves one
        assertEq(UniswapV3Math.baseBetween(1, 2, 1, true), 1 << 95);
    }

    function testFuzz_baseIn_neverMovesThePriceFartherThanPaidFor(uint160 start, uint128 liquidity, uint256 base)
        external
        pure
    {
        start = uint160(bound(start, 1 << 80, 1 << 112));
        liquidity = uint128(bound(liquidity, 1e12, type(uint128).max));
        base = bound(base, 0, 1 << 100);
        uint160 end = UniswapV3Math.sqrtPriceAfterBaseIn(start, liquidity, base);
        assertLe(end, start);
        assertLe(UniswapV3Math.baseBetween(end, start, liquidity, true), base, "the pool is paid in full");
    }

    function testFuzz_baseOut_movesThePriceFarEnoughForWhatIsTaken(uint160 start, uint128 liquidity, uint256 base)
        external
        pure
    {
        start = uint160(bound(start, 1 << 80, 1 << 112));
        liquidity = uint128(bound(liquidity, 1e12, type(uint128).max));
        uint256 held = Math.mulDiv(uint256(liquidity) << 96, 1, start);
        base = bound(base, 0, held / 2);
        uint160 end = UniswapV3Math.sqrtPriceAfterBaseOut(start, liquidity, base);
        assertGe(end, start);
        assertGe(UniswapV3Math.baseBetween(start, end, liquidity, true), base, "no more leaves than the price says");
    }

    function testFuzz_sqrtPriceOf_bracketsThePrice(uint256 price) external pure {
        price = bound(price, 1e10, 1e30);
        uint160 down = UniswapV3Math.sqrtPriceOf(price, Math.Rounding.Floor);
        uint160 up = UniswapV3Math.sqrtPriceOf(price, Math.Rounding.Ceil);
        assertLe(down, up);
        assertLe(up - down, 1);
        assertLe(UniswapV3Math.priceOf(down), price);
        assertApproxEqRel(UniswapV3Math.priceOf(up), price, 1e9);
    }

    function test_sqrtRatioOf_isHeldBetweenTheRootsOfTheLastTicks() external pure {
        assertEq(UniswapV3Math.MIN_SQRT_PRICE, UniswapV3Math.sqrtPriceAtTick(UniswapV3Math.MIN_TICK));
        assertEq(UniswapV3Math.MAX_SQRT_PRICE, UniswapV3Math.sqrtPriceAtTick(UniswapV3Math.MAX_TICK));
        for (uint256 i = 0; i < 2; ++i) {
            Math.Rounding rounding = i == 0 ? Math.Rounding.Floor : Math.Rounding.Ceil;
            assertEq(UniswapV3Math.sqrtRatioOf(1, 1, rounding), 1 << 96);
            assertEq(UniswapV3Math.sqrtRatioOf(1, 1 << 129, rounding), UniswapV3Math.MIN_SQRT_PRICE);
            assertEq(UniswapV3Math.sqrtRatioOf(type(uint128).max, 1, rounding), UniswapV3Math.MAX_SQRT_PRICE);
            assertEq(UniswapV3Math.sqrtRatioOf(1 << 128, 1, rounding), UniswapV3Math.MAX_SQRT_PRICE);
        }
    }
}
