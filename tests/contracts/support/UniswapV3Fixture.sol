// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Test} from "forge-std/Test.sol";
import {VaultAccess} from "../../../contracts/governance/VaultAccess.sol";
import {IUniswapV3FeePool, IUniswapV3PositionManager} from "../../../contracts/book/IUniswapV3.sol";
import {UniswapV3Positions} from "../../../contracts/book/UniswapV3Positions.sol";
import {UniswapV3Math} from "../../../contracts/libraries/UniswapV3Math.sol";
import {TokenDouble} from "./Tokens.sol";

interface IRealFactory {
    function createPool(address tokenA, address tokenB, uint24 fee) external returns (address);
}

interface IRealPool {
    function initialize(uint160 sqrtPriceX96) external;
    function swap(address recipient, bool zeroForOne, int256 amount, uint160 limit, bytes calldata data) external;
    function slot0() external view returns (uint160 sqrtPriceX96, int24 tick, uint16, uint16, uint16, uint8, bool);
}

interface IRealPositionManager {
    struct MintParams {
        address token0;
        address token1;
        uint24 fee;
        int24 tickLower;
        int24 tickUpper;
        uint256 amount0Desired;
        uint256 amount1Desired;
        uint256 amount0Min;
        uint256 amount1Min;
        address recipient;
        uint256 deadline;
    }

    struct DecreaseParams {
        uint256 tokenId;
        uint128 liquidity;
        uint256 amount0Min;
        uint256 amount1Min;
        uint256 deadline;
    }

    struct IncreaseParams {
        uint256 tokenId;
        uint256 amount0Desired;
        uint256 amount1Desired;
        uint256 amount0Min;
        uint256 amount1Min;
        uint256 deadline;
    }

    struct CollectParams {
        uint256 tokenId;
        address recipient;
        uint128 amount0Max;
        uint128 amount1Max;
    }

    function mint(MintParams calldata params) external returns (uint256 tokenId, uint128 liquidity, uint256, uint256);
    function increaseLiquidity(IncreaseParams calldata params) external;
    function decreaseLiquidity(DecreaseParams calldata params) external;
    function collect(CollectParams calldata params) external returns (uint256 amount0, uint256 amount1);
    function burn(uint256 tokenId) external;
    function transferFrom(address from, address to, uint256 tokenId) external;
    function ownerOf(uint256 tokenId) external view returns (address);
}

/// @notice Uniswap v3's own factory, pool and position manager, as their packages publish them, and one delta source.
abstract contract UniswapV3Fixture is Test {
    uint24 internal constant FEE = 3000;
    int24 internal constant SPACING = 60;
    string private constant ROOT = "node_modules/@uniswap/";

    address internal governor = makeAddr("governor");
    address internal holder = makeAddr("holder");
    address internal stranger = makeAddr("stranger");
    VaultAccess internal access;
    IRealFactory internal factory;
    IRealPositionManager internal manager;
    IRealPool internal pool;
    TokenDouble internal underlying;
    TokenDouble internal quote;
    UniswapV3Positions internal source;
    bool internal underlyingIs0;

    function _deployUniswap() internal {
        access = new VaultAccess(governor); // it has not handed over: what it sets waits for nothing
        factory = IRealFactory(_create("v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json", ""));
        string memory path =
            "v3-periphery/artifacts/contracts/NonfungiblePositionManager.sol/NonfungiblePositionManager.json";
        manager = IRealPositionManager(_create(path, abi.encode(address(factory), address(1), address(1))));
    }

    /// @dev A pool whose price is `price`, and a source of the holder's positions in it.
    function _openMarket(uint8 decimals, uint8 quoteDecimals, bool underlyingFirst, uint256 price, uint256 toleranceBps)
        internal
    {
        do {
            underlying = new TokenDouble(decimals);
            quote = new TokenDouble(quoteDecimals);
        } while ((address(underlying) < address(quote)) != underlyingFirst);
        underlyingIs0 = underlyingFirst;
        pool = IRealPool(factory.createPool(address(underlying), address(quote), FEE));
        pool.initialize(_rootOf(price));
        source = _newSource(toleranceBps);
        _fund(holder);
        _fund(address(this));
    }

    function _newSource(uint256 toleranceBps) internal returns (UniswapV3Positions) {
        return new UniswapV3Positions(
            access,
            IUniswapV3PositionManager(address(manager)),
            IUniswapV3FeePool(address(pool)),
            address(underlying),
            holder,
            toleranceBps
        );
    }

    function _mint(address owner, int24 tickLower, int24 tickUpper, uint256 underlyingIn, uint256 quoteIn)
        internal
        returns (uint256 tokenId)
    {
        (uint256 in0, uint256 in1) = underlyingIs0 ? (underlyingIn, quoteIn) : (quoteIn, underlyingIn);
        (address token0, address token1) = _tokens();
        vm.prank(holder);
        (tokenId,,,) = manager.mint(
            IRealPositionManager.MintParams(
                token0, token1, FEE, tickLower, tickUpper, in0, in1, 0, 0, owner, block.timestamp
            )
        );
    }

    /// @dev A position around the pool's tick, listed.
    function _mintListed(int24 spacings) internal returns (uint256 tokenId) {
        (, int24 tick,,,,,) = pool.slot0();
        int24 middle = tick / SPACING * SPACING;
        tokenId = _mint(
            holder,
            middle - spacings * SPACING,
            middle + spacings * SPACING,
            10 * 10 ** underlying.decimals(),
            25_000 * 10 ** quote.decimals()
        );
        _list(tokenId);
    }

    function _list(uint256 tokenId) internal {
        vm.prank(governor);
        source.addPosition(tokenId);
    }

    /// @dev Sells `units` of the underlying into the pool, or buys with `units` of the quote.
    function _swap(bool sellUnderlying, uint256 units) internal {
        bool zeroForOne = sellUnderlying == underlyingIs0;
        uint160 limit = zeroForOne ? 4_295_128_740 : 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_341;
        pool.swap(address(this), zeroForOne, int256(units), limit, "");
    }

    /// @dev Trades until the pool's price is that of `tick`.
    function _swapToTick(int24 tick) internal {
        (uint160 root,,,,,,) = pool.slot0();
        uint160 target = UniswapV3Math.sqrtPriceAtTick(tick);
        pool.swap(address(this), target < root, type(int128).max, target, "");
    }

    function uniswapV3SwapCallback(int256 amount0, int256 amount1, bytes calldata) external {
        (address token0, address token1) = _tokens();
        if (amount0 > 0) TokenDouble(token0).transfer(msg.sender, uint256(amount0));
        if (amount1 > 0) TokenDouble(token1).transfer(msg.sender, uint256(amount1));
    }

    /// @dev Takes everything out and returns the underlying that the real pool paid, fees included.
    function _close(uint256 tokenId) internal returns (uint256 paid) {
        _decrease(tokenId, _liquidity(tokenId));
        return _collect(tokenId);
    }

    function _decrease(uint256 tokenId, uint128 liquidity) internal {
        vm.prank(holder);
        manager.decreaseLiquidity(IRealPositionManager.DecreaseParams(tokenId, liquidity, 0, 0, block.timestamp));
    }

    function _increase(uint256 tokenId, uint256 underlyingIn, uint256 quoteIn) internal {
        (uint256 in0, uint256 in1) = underlyingIs0 ? (underlyingIn, quoteIn) : (quoteIn, underlyingIn);
        vm.prank(holder);
        manager.increaseLiquidity(IRealPositionManager.IncreaseParams(tokenId, in0, in1, 0, 0, block.timestamp));
    }

    function _collect(uint256 tokenId) internal returns (uint256 paid) {
        vm.prank(holder);
        (uint256 paid0, uint256 paid1) =
            manager.collect(IRealPositionManager.CollectParams(tokenId, holder, type(uint128).max, type(uint128).max));
        return underlyingIs0 ? paid0 : paid1;
    }

    function _liquidity(uint256 tokenId) internal view returns (uint128) {
        return IUniswapV3PositionManager(address(manager)).positions(tokenId).liquidity;
    }

    /// @dev The pool's price, WAD USD, rounded down; written apart from the source's own maths.
    function _poolPrice() internal view returns (uint256) {
        (uint160 root,,,,,,) = pool.slot0();
        uint256 scale = 1e18 * 10 ** underlying.decimals() / 10 ** quote.decimals();
        return underlyingIs0
            ? Math.mulDiv(Math.mulDiv(root, root, 1 << 64), scale, 1 << 128)
            : Math.mulDiv(Math.mulDiv(1 << 128, 1 << 128, root), scale, uint256(root) << 64);
    }

    function _fund(address account) private {
        underlying.mint(account, 1e6 * 10 ** underlying.decimals());
        quote.mint(account, 1e10 * 10 ** quote.decimals());
        vm.startPrank(account);
        underlying.approve(address(manager), type(uint256).max);
        quote.approve(address(manager), type(uint256).max);
        vm.stopPrank();
    }

    function _tokens() private view returns (address token0, address token1) {
        (token0, token1) = (address(underlying), address(quote));
        if (!underlyingIs0) (token0, token1) = (token1, token0);
    }

    function _rootOf(uint256 price) private view returns (uint160) {
        uint256 quoteUnits = price * 10 ** quote.decimals();
        uint256 units = 1e18 * 10 ** underlying.decimals();
        (uint256 over, uint256 under) = underlyingIs0 ? (quoteUnits, units) : (units, quoteUnits);
        return uint160(Math.sqrt(Math.mulDiv(over, 1 << 192, under)));
    }

    function _create(string memory path, bytes memory arguments) private returns (address created) {
        string memory json = vm.readFile(string.concat(ROOT, path));
        bytes memory code = abi.encodePacked(vm.parseJsonBytes(json, ".bytecode"), arguments);
        assembly {
            created := create(0, add(code, 0x20), mload(code))
        }
        require(created != address(0), "creation failed");
    }
}
