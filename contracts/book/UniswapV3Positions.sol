// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Governed} from "../governance/Governed.sol";
import {IDeltaSource} from "../interfaces/IDeltaSource.sol";
import {IVaultAccess} from "../interfaces/IVaultAccess.sol";
import {DecimalScale} from "../libraries/DecimalScale.sol";
import {UniswapV3Math} from "../libraries/UniswapV3Math.sol";
import {ListedPositions} from "./ListedPositions.sol";
import {IUniswapV3FeePool, IUniswapV3PoolRegistry, IUniswapV3PositionManager} from "./IUniswapV3.sol";

/// @title Delta source: Uniswap v3 positions of one holder in one pool
/// @notice Purpose. The delta of a position is the underlying it holds, dV/dP = x(P), plus the fees it is owed in the
///         underlying. Quote tokens count 0.
///
///         The oracle's price counts, not the pool's: arbitrage brings the pool to the market, and x at the pool's own
///         price would be anyone's to move within one transaction. As the pool may stay off the oracle's price by its
///         fee, by the distance of the quote token from 1 USD and by the oracle's own error, the interval holds x(P) for
///         every pool price within `priceToleranceBps` of the oracle's.
///
///         Trust. The pool and the position manager are Uniswap's, which the governor vouches for. Only positions listed
///         count (`ListedPositions`), so that a stranger who sends the holder positions by the hundred changes nothing.
///
///         Rounding. The low end is rounded as the pool rounds what it pays, the high end as it rounds what it takes.
///         Fees are the growth of this moment, to the wei, as the position manager credits them.
///
///         Known limits. Those of `ListedPositions`. Underlying tokens must be worth one unit each, quote tokens about
///         1 USD each.
contract UniswapV3Positions is IDeltaSource, ListedPositions {
    using SafeCast for uint256;

    uint256 public constant MAX_POSITIONS = 12;
    /// @notice Largest `priceToleranceBps`.
    uint256 public constant MAX_TOLERANCE_BPS = 2000;
    /// @notice Largest price, as `PriceOracle` allows.
    uint256 public constant MAX_PRICE = 1e30;
    uint256 private constant BPS = 10_000;

    IUniswapV3PositionManager public immutable positionManager;
    IUniswapV3FeePool public immutable pool;
    address public immutable token0;
    address public immutable token1;
    /// @notice Fee of the pool, 1e-6 of the input.
    uint24 public immutable poolFee;
    /// @notice Whether the underlying is `token0`.
    bool public immutable underlyingIsToken0;
    uint8 public immutable underlyingDecimals;
    uint8 public immutable quoteDecimals;

    /// @notice Distance of the pool's price from the oracle's that the interval covers, 1e-4.
    uint256 public priceToleranceBps;

    event PriceToleranceSet(uint256 oldToleranceBps, uint256 newToleranceBps);

    error PoolNotOfFactory(address pool, address factoryPool);
    error UnderlyingNotInPool(address underlying);
    error WrongPool(uint256 positionId, address token0, address token1, uint24 fee);
    error PriceToleranceOutOfRange(uint256 toleranceBps, uint256 maxToleranceBps);
    error PriceOutOfRange(uint256 price, uint256 minPrice, uint256 maxPrice);

    /// @param underlying One of the pool's two tokens.
    constructor(
        IVaultAccess access_,
        IUniswapV3PositionManager positionManager_,
        IUniswapV3FeePool pool_,
        address underlying,
        address holder_,
        uint256 priceToleranceBps_
    ) Governed(access_) ListedPositions(address(positionManager_), holder_) {
        (token0, token1, poolFee) = (pool_.token0(), pool_.token1(), pool_.fee());
        address known = IUniswapV3PoolRegistry(positionManager_.factory()).getPool(token0, token1, poolFee);
        if (known != address(pool_)) revert PoolNotOfFactory(address(pool_), known);
        if (underlying != token0 && underlying != token1) revert UnderlyingNotInPool(underlying);
        underlyingIsToken0 = underlying == token0;
        underlyingDecimals = DecimalScale.requireSupported(IERC20Metadata(underlying).decimals());
        quoteDecimals = DecimalScale.requireSupported(IERC20Metadata(underlying == token0 ? token1 : token0).decimals());
        (positionManager, pool) = (positionManager_, pool_);
        _setPriceTolerance(priceToleranceBps_);
    }

    /// @notice Changes how far the pool's price may be from the oracle's. Governor only.
    function setPriceTolerance(uint256 priceToleranceBps_) external onlyGovernor {
        _setPriceTolerance(priceToleranceBps_);
    }

    /// @inheritdoc IDeltaSource
    function deltaInterval(uint256 price) external view returns (int256 low, int256 high) {
        (uint160 rootAtMost, uint160 rootAtLeast) = _roots(price);
        uint256 lowest;
        uint256 highest;
        uint256[] memory ids = positionIds();
        for (uint256 i = 0; i < ids.length; ++i) {
            if (_ownerOf(ids[i]) != holder) continue;
            IUniswapV3PositionManager.Position memory held = positionManager.positions(ids[i]);
            uint256 owed = _owed(held);
            lowest += _principal(held, rootAtMost, false) + owed;
            highest += _principal(held, rootAtLeast, true) + owed;
        }
        low = DecimalScale.scaleDown(lowest, underlyingDecimals, DecimalScale.WAD_DECIMALS).toInt256();
        high = DecimalScale.scaleUp(highest, underlyingDecimals, DecimalScale.WAD_DECIMALS).toInt256();
    }

    function _requireEligible(uint256 positionId) internal view override {
        IUniswapV3PositionManager.Position memory added = positionManager.positions(positionId);
        if (added.token0 != token0 || added.token1 != token1 || added.fee != poolFee) {
            revert WrongPool(positionId, added.token0, added.token1, added.fee);
        }
    }

    function _maxPositions() internal pure override returns (uint256) {
        return MAX_POSITIONS;
    }

    function _setPriceTolerance(uint256 toleranceBps) private {
        if (toleranceBps > MAX_TOLERANCE_BPS) revert PriceToleranceOutOfRange(toleranceBps, MAX_TOLERANCE_BPS);
        emit PriceToleranceSet(priceToleranceBps, toleranceBps);
        priceToleranceBps = toleranceBps;
    }

    /// @dev Roots at which the position holds least and most underlying: the underlying dearest and cheapest.
    function _roots(uint256 price) private view returns (uint160 rootAtMost, uint160 rootAtLeast) {
        if (price == 0 || price > MAX_PRICE) revert PriceOutOfRange(price, 1, MAX_PRICE);
        // quote units per underlying unit = price x 10^quoteDecimals / (1e18 x 10^underlyingDecimals)
        uint256 quoteUnits = price * 10 ** quoteDecimals;
        uint256 underlyingUnits = 1e18 * 10 ** underlyingDecimals;
        (uint256 dearest, uint256 cheapest) = (BPS + priceToleranceBps, BPS - priceToleranceBps);
        if (underlyingIsToken0) {
            rootAtMost = UniswapV3Math.sqrtRatioOf(quoteUnits * dearest, underlyingUnits * BPS, Math.Rounding.Ceil);
            rootAtLeast = UniswapV3Math.sqrtRatioOf(quoteUnits * cheapest, underlyingUnits * BPS, Math.Rounding.Floor);
        } else {
            rootAtMost = UniswapV3Math.sqrtRatioOf(underlyingUnits * BPS, quoteUnits * dearest, Math.Rounding.Floor);
            rootAtLeast = UniswapV3Math.sqrtRatioOf(underlyingUnits * BPS, quoteUnits * cheapest, Math.Rounding.Ceil);
        }
    }

    /// @dev Underlying in the position while the pool's price has this root.
    function _principal(IUniswapV3PositionManager.Position memory held, uint160 root, bool roundUp)
        private
        view
        returns (uint256)
    {
        if (held.liquidity == 0) return 0;
        uint160 lower = UniswapV3Math.sqrtPriceAtTick(held.tickLower);
        uint160 upper = UniswapV3Math.sqrtPriceAtTick(held.tickUpper);
        root = root < lower ? lower : root > upper ? upper : root;
        return underlyingIsToken0
            ? UniswapV3Math.baseBetween(root, upper, held.liquidity, roundUp)
            : UniswapV3Math.quoteBetween(lower, root, held.liquidity, roundUp);
    }

    /// @dev Underlying that `collect` would pay: what was credited, and the growth of fees since.
    function _owed(IUniswapV3PositionManager.Position memory held) private view returns (uint256) {
        (uint256 credited, uint256 last) = underlyingIsToken0
            ? (held.tokensOwed0, held.feeGrowthInside0LastX128)
            : (held.tokensOwed1, held.feeGrowthInside1LastX128);
        if (held.liquidity == 0) return credited;
        unchecked {
            // Growth counts modulo 2^256 and fees modulo 2^128, as in the pool.
            uint256 growth = _feeGrowthInside(held.tickLower, held.tickUpper) - last;
            return credited + uint128(Math.mulDiv(growth, held.liquidity, 1 << 128));
        }
    }

    /// @dev Fees of the underlying per unit of liquidity between two ticks (whitepaper, 6.3), 2^128 to the unit.
    function _feeGrowthInside(int24 tickLower, int24 tickUpper) private view returns (uint256) {
        (, int24 tick,,,,,) = pool.slot0();
        uint256 global = underlyingIsToken0 ? pool.feeGrowthGlobal0X128() : pool.feeGrowthGlobal1X128();
        uint256 lower = _feeGrowthOutside(tickLower);
        uint256 upper = _feeGrowthOutside(tickUpper);
        unchecked {
            if (tick < tickLower) return lower - upper;
            if (tick >= tickUpper) return upper - lower;
            return global - lower - upper;
        }
    }

    function _feeGrowthOutside(int24 tick) private view returns (uint256) {
        (,, uint256 outside0, uint256 outside1,,,,) = pool.ticks(tick);
        return underlyingIsToken0 ? outside0 : outside1;
    }
}
