// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {UniswapV3Math} from "../../../contracts/libraries/UniswapV3Math.sol";
import {TokenDouble} from "./Tokens.sol";

interface IUniswapV3FactoryReal {
    function createPool(address tokenA, address tokenB, uint24 fee) external returns (address pool);
}

interface IUniswapV3PoolReal {
    function initialize(uint160 sqrtPriceX96) external;

    function increaseObservationCardinalityNext(uint16 observationCardinalityNext) external;

    function mint(address recipient, int24 tickLower, int24 tickUpper, uint128 amount, bytes calldata data) external;

    function burn(int24 tickLower, int24 tickUpper, uint128 amount) external;

    function swap(address recipient, bool zeroForOne, int256 amount, uint160 sqrtPriceLimitX96, bytes calldata data)
        external;

    function slot0() external view returns (uint160, int24, uint16, uint16, uint16, uint8, bool);
}

/// @notice Owns the liquidity of a real Uniswap v3 pool and moves its price to any tick.
abstract contract UniswapV3Actor is Test {
    string private constant FACTORY =
        "node_modules/@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json";
    uint24 private constant FEE = 3000; // 0.3 %, tick spacing 60
    int24 private constant FULL_RANGE = 887_220;
    uint128 internal constant LIQUIDITY = 1e18;

    TokenDouble internal underlying;
    TokenDouble internal quote;
    IUniswapV3PoolReal internal pool;

    /// @dev A pool at `priceTick`, the tick of quote per underlying, with liquidity over the full range.
    function _createPool(uint8 underlyingDecimals, uint8 quoteDecimals, bool isUnderlyingToken0, int24 priceTick)
        internal
    {
        underlying = new TokenDouble(underlyingDecimals);
        do {
            quote = new TokenDouble(quoteDecimals);
        } while ((address(underlying) < address(quote)) != isUnderlyingToken0);
        bytes memory code = vm.parseJsonBytes(vm.readFile(FACTORY), ".bytecode");
        address factory;
        assembly ("memory-safe") {
            factory := create(0, add(code, 32), mload(code))
        }
        pool = IUniswapV3PoolReal(IUniswapV3FactoryReal(factory).createPool(address(underlying), address(quote), FEE));
        pool.initialize(UniswapV3Math.sqrtPriceAtTick(isUnderlyingToken0 ? priceTick : -priceTick));
        pool.mint(address(this), -FULL_RANGE, FULL_RANGE, LIQUIDITY, "");
    }

    /// @dev Trades until the pool is at `priceTick` of quote per underlying, and checks that it is.
    function _moveTo(int24 priceTick) internal {
        int24 poolTick = address(underlying) < address(quote) ? priceTick : -priceTick;
        (uint160 root,,,,,,) = pool.slot0();
        uint160 target = UniswapV3Math.sqrtPriceAtTick(poolTick);
        pool.swap(address(this), target < root, type(int128).max, target, "");
        (, int24 reached,,,,,) = pool.slot0();
        assertEq(reached, poolTick);
    }

    function _removeLiquidity() internal {
        pool.burn(-FULL_RANGE, FULL_RANGE, LIQUIDITY);
    }

    function uniswapV3MintCallback(uint256 amount0, uint256 amount1, bytes calldata) external {
        _pay(amount0, amount1);
    }

    function uniswapV3SwapCallback(int256 amount0, int256 amount1, bytes calldata) external {
        _pay(amount0 > 0 ? uint256(amount0) : 0, amount1 > 0 ? uint256(amount1) : 0);
    }

    function _pay(uint256 amount0, uint256 amount1) private {
        bool isUnderlyingToken0 = address(underlying) < address(quote);
        underlying.mint(address(pool), isUnderlyingToken0 ? amount0 : amount1);
        quote.mint(address(pool), isUnderlyingToken0 ? amount1 : amount0);
    }
}
