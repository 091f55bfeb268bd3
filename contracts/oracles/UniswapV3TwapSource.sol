// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IPriceSource} from "../interfaces/IPriceSource.sol";
import {IUniswapV3Pool} from "../interfaces/IUniswapV3Pool.sol";
import {DecimalScale} from "../libraries/DecimalScale.sol";
import {UniswapV3Math} from "../libraries/UniswapV3Math.sol";

/// @title Uniswap v3 TWAP source
/// @notice Purpose. Geometric mean price of the underlying in a quote token over the last `windowSeconds`, from the
///         pool's own observations (Adams et al. 2021, section 5). Meant as a secondary source: nobody publishes it,
///         arbitrage does.
///
///         Trust. Window, pool and floors are chosen at deployment; another choice is another source. To move the mean by
///         x over a window of n blocks, somebody holds the pool n / k blocks away from the market by about k x, against
///         arbitrage.
///
///         Age. The mean always ends now, but a pool where nothing happened has only kept an old price. So `updatedAt` is
///         the time of the newest observation: the last trade that moved the price by a tick or more, or the last change
///         of liquidity around it. `PriceOracle` judges its age as any other; a pool that is quiet for longer than that
///         is stale.
///
///         Rounding. The mean is taken to a whole tick, downward in the price, and that tick's price is rounded down; the
///         true mean is less than one tick, 1.0001, above. `confidence` is that tick.
///
///         Liveness. The pool must be able to hold one observation for each block of the window; until it was observed
///         for a whole window, and whenever its harmonic mean liquidity is below `minLiquidity`, there is no price.
///
///         Known limits. The price is in the quote token, which is not USD: when the token departs from its peg, this
///         source disagrees with one in USD, as it should. A mean lags the market by half its window;
///         `maxDisagreementBps` has to leave room for that. Whoever pays for holding the pool away from the market can
///         make this source disagree, and so stop trades and deposits, not exits.
contract UniswapV3TwapSource is IPriceSource {
    /// @notice A shorter mean is one that few blocks can move.
    uint32 public constant MIN_WINDOW_SECONDS = 5 minutes;

    /// @notice A longer one tells the past.
    uint32 public constant MAX_WINDOW_SECONDS = 1 days;

    /// @dev One tick of a price, 1.0001, is 1 / 10,000 of it.
    uint256 private constant TICKS_OF_PRICE = 10_000;

    /// @notice Pool.
    IUniswapV3Pool public immutable pool;

    /// @notice Whether the underlying is the pool's token0.
    bool public immutable isUnderlyingToken0;

    /// @notice Length of the mean.
    uint32 public immutable windowSeconds;

    /// @notice Least harmonic mean of the liquidity in range over the window, the pool's L.
    uint128 public immutable minLiquidity;

    uint256 private immutable _underlyingUnitWad;
    uint256 private immutable _quoteUnit;

    error WindowOutOfRange(uint256 windowSeconds, uint256 minSeconds, uint256 maxSeconds);
    error SecondsPerBlockIsZero();
    error NotATokenOfThePool(address token);
    error CardinalityTooLow(uint256 cardinality, uint256 needed);
    error LiquidityTooLow(uint256 liquidity, uint256 minLiquidity);

    /// @param underlying Token that is priced; the pool's other token is the quote.
    /// @param secondsPerBlock Least time between two blocks of this chain, in whole seconds; 1 where it is less.
    constructor(
        address pool_,
        address underlying,
        uint32 windowSeconds_,
        uint32 secondsPerBlock,
        uint128 minLiquidity_
    ) {
        if (windowSeconds_ < MIN_WINDOW_SECONDS || windowSeconds_ > MAX_WINDOW_SECONDS) {
            revert WindowOutOfRange(windowSeconds_, MIN_WINDOW_SECONDS, MAX_WINDOW_SECONDS);
        }
        if (secondsPerBlock == 0) revert SecondsPerBlockIsZero();
        pool = IUniswapV3Pool(pool_);
        windowSeconds = windowSeconds_;
        minLiquidity = minLiquidity_;
        (address token0, address token1) = (IUniswapV3Pool(pool_).token0(), IUniswapV3Pool(pool_).token1());
        if (underlying != token0 && underlying != token1) revert NotATokenOfThePool(underlying);
        isUnderlyingToken0 = underlying == token0;
        _underlyingUnitWad = 10 ** (uint256(_decimals(underlying)) + DecimalScale.WAD_DECIMALS);
        _quoteUnit = 10 ** uint256(_decimals(underlying == token0 ? token1 : token0));
        _requireCardinality(IUniswapV3Pool(pool_), windowSeconds_, secondsPerBlock);
    }

    /// @inheritdoc IPriceSource
    function latestPrice() external view returns (uint256 price, uint256 updatedAt, uint256 confidence) {
        uint32[] memory secondsAgos = new uint32[](2);
        secondsAgos[0] = windowSeconds;
        (int56[] memory ticks, uint160[] memory perLiquidityX128) = pool.observe(secondsAgos);
        unchecked {
            // Uniswap's cumulative values wrap around, and differences of them are right all the same.
            _requireLiquidity(perLiquidityX128[1] - perLiquidityX128[0]);
            price = _priceAt(_meanTick(ticks[1] - ticks[0]));
        }
        updatedAt = _newestObservation();
        confidence = Math.ceilDiv(price, TICKS_OF_PRICE);
    }

    /// @dev Tick of the quote per underlying, rounded down: the pool's own tick, or its negative.
    function _meanTick(int56 cumulated) private view returns (int24 tick) {
        int256 sum = isUnderlyingToken0 ? int256(cumulated) : -int256(cumulated);
        int256 window = int256(uint256(windowSeconds));
        int256 mean = sum / window;
        if (sum % window < 0) --mean; // division rounds toward zero
        return int24(mean);
    }

    /// @dev WAD price of one whole underlying in whole quote tokens. The square of a root of more than 128 bits does not fit 256;
    ///      it is taken without its last 64.
    function _priceAt(int24 tick) private view returns (uint256) {
        uint256 root = UniswapV3Math.sqrtPriceAtTick(tick);
        uint256 quote = root <= type(uint128).max
            ? Math.mulDiv(root * root, _underlyingUnitWad, 1 << 192)
            : Math.mulDiv(Math.mulDiv(root, root, 1 << 64), _underlyingUnitWad, 1 << 128);
        return quote / _quoteUnit;
    }

    /// @dev The pool keeps 32 bits of the time; the difference is right across their overflow in 2106.
    function _newestObservation() private view returns (uint256) {
        (,, uint16 index,,,,) = pool.slot0();
        (uint32 observedAt,,,) = pool.observations(index);
        unchecked {
            return block.timestamp - (uint32(block.timestamp) - observedAt);
        }
    }

    /// @dev Harmonic mean of the liquidity: window / (sum of seconds per liquidity).
    function _requireLiquidity(uint160 perLiquidityX128) private view {
        uint256 liquidity = (uint256(windowSeconds) << 128) / (uint256(perLiquidityX128) + 1);
        if (liquidity < minLiquidity) revert LiquidityTooLow(liquidity, minLiquidity);
    }

    /// @dev One observation a block, and the one before the window. Cardinality never shrinks, so once is enough.
    function _requireCardinality(IUniswapV3Pool pool_, uint256 window, uint256 secondsPerBlock) private view {
        (,,, uint16 cardinality,,,) = pool_.slot0();
        uint256 needed = Math.ceilDiv(window, secondsPerBlock) + 1;
        if (cardinality < needed) revert CardinalityTooLow(cardinality, needed);
    }

    function _decimals(address token) private view returns (uint8) {
        return DecimalScale.requireSupported(IERC20Metadata(token).decimals());
    }
}
