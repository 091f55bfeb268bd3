// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IUniswapV3FeePool, IUniswapV3PositionManager} from "../../contracts/book/IUniswapV3.sol";
import {ListedPositions} from "../../contracts/book/ListedPositions.sol";
import {UniswapV3Positions} from "../../contracts/book/UniswapV3Positions.sol";
import {UniswapV3Fixture} from "./support/UniswapV3Fixture.sol";

/// @notice HEDGE-471 .. HEDGE-475: positions of Uniswap v3's own contracts, against what they pay out.
contract UniswapV3PositionsTest is UniswapV3Fixture {
    uint256 private constant PRICE = 2500e18;

    function setUp() external {
        _deployUniswap();
        _openMarket(18, 6, true, PRICE, 0);
    }

    // --- the delta ------------------------------------------------------------------------------------------------

    // HEDGE-471
    function test_deltaInterval_isWhatTheRealPoolPaysOut() external {
        uint8[2][4] memory decimals = [[18, 6], [8, 6], [18, 18], [8, 18]];
        for (uint256 i; i < 8; ++i) {
            _openMarket(decimals[i / 2][0], decimals[i / 2][1], i % 2 == 0, PRICE, 0);
            uint256 tokenId = _mintListed(int24(int256(5 + i * 7)));
            _swap(true, 3 * 10 ** underlying.decimals());
            _swap(false, 2000 * 10 ** quote.decimals());
            (int256 low, int256 high) = _intervalAtPoolPrice();
            int256 paid = _wad(_close(tokenId));
            assertLe(low, paid);
            assertGe(high, paid);
            assertLe(high - low, paid / 1e5);
            assertGt(paid, 1e18);
        }
    }

    // HEDGE-471
    function testFuzz_deltaInterval_holdsWhatTheRealPoolPaysOut(
        uint256 sold,
        uint256 bought,
        uint8 spacings,
        bool underlyingFirst
    ) external {
        _openMarket(18, 6, underlyingFirst, PRICE, 0);
        uint256 tokenId = _mintListed(int24(int256(bound(spacings, 1, 200))));
        _mintWide();
        _swap(true, bound(sold, 1, 40e18));
        _swap(false, bound(bought, 1, 100_000e6));
        (int256 low, int256 high) = _intervalAtPoolPrice();
        int256 paid = _wad(_close(tokenId));
        assertLe(low, paid);
        assertGe(high, paid);
    }

    // HEDGE-471
    function test_deltaInterval_outsideTheRange_isAllOrNothing() external {
        uint256 tokenId = _mintListed(10);
        (, int256 high) = source.deltaInterval(PRICE * 2);
        assertEq(high, 0);
        _swap(true, 1000e18);
        int256 low;
        (low, high) = source.deltaInterval(PRICE / 2);
        int256 paid = _wad(_close(tokenId));
        assertLe(low, paid);
        assertGe(high, paid);
        assertLe(high - low, 2);
    }

    // HEDGE-471
    function test_deltaInterval_poolMovedWithinTheTransaction_movesByTheFeesAlone() external {
        _mintListed(10);
        (int256 lowBefore, int256 highBefore) = source.deltaInterval(PRICE);
        _swap(false, 1_000_000e6);
        (int256 low, int256 high) = source.deltaInterval(PRICE);
        assertEq(low, lowBefore);
        assertEq(high, highBefore);
    }

    // HEDGE-472
    function test_deltaInterval_countsFeesOwed() external {
        uint256 tokenId = _mintListed(100);
        (int256 before,) = source.deltaInterval(PRICE);
        _swap(true, 1e18);
        _swap(false, 2000e6);
        (int256 uncollected,) = source.deltaInterval(PRICE);
        // 0.3 % of the underlying sold
        assertApproxEqRel(uncollected - before, 0.003e18, 1e12);
        // Credited, but not collected: a decrease credits fees and principal.
        _decrease(tokenId, 1);
        (int256 credited,) = source.deltaInterval(PRICE);
        assertApproxEqAbs(credited, uncollected, 1e12);
        uint256 paid = _collect(tokenId);
        (int256 collected,) = source.deltaInterval(PRICE);
        assertApproxEqAbs(_wad(paid), uncollected - before, 1e12);
        assertApproxEqAbs(collected, before, 1e12);
    }

    // HEDGE-472
    function test_deltaInterval_feesWhereThePriceHasLeftTheRange_areThoseEarnedInside() external {
        for (uint256 i; i < 4; ++i) {
            _openMarket(18, 6, i % 2 == 0, PRICE, 0);
            uint256 tokenId = _mintListed(5);
            _mintWide();
            _swap(true, 1e18);
            _swap(i / 2 == 0, i / 2 == 0 ? 100e18 : 300_000e6);
            (int256 low, int256 high) = _intervalAtPoolPrice();
            int256 paid = _wad(_close(tokenId));
            assertLe(low, paid);
            assertGe(high, paid);
            assertLe(high - low, 2);
        }
    }

    // HEDGE-472
    function test_deltaInterval_feesWhereThePriceIsAtAnEnd_areThoseEarnedInside() external {
        for (uint256 i; i < 4; ++i) {
            _openMarket(18, 6, i % 2 == 0, PRICE, 0);
            uint256 tokenId = _mintListed(5);
            _mintWide();
            _swap(true, 1e18);
            _swap(false, 2000e6);
            (int24 lower, int24 upper) = _range(tokenId);
            _swapToTick(i / 2 == 0 ? lower : upper);
            (, int24 tick,,,,,) = pool.slot0();
            // Coming from above, the pool stands on the end and counts itself below it.
            assertEq(tick, i / 2 == 0 ? lower - 1 : upper);
            (int256 low, int256 high) = _intervalAtPoolPrice();
            int256 paid = _wad(_close(tokenId));
            assertLe(low, paid);
            assertGe(high, paid);
        }
    }

    // HEDGE-472
    function test_deltaInterval_takenOutButNotCollected_stillCounts() external {
        uint256 tokenId = _mintListed(40);
        _decrease(tokenId, _liquidity(tokenId));
        (int256 low, int256 high) = source.deltaInterval(PRICE * 2);
        assertEq(low, high);
        assertEq(low, _wad(_collect(tokenId)));
        assertGt(low, 1e18);
        _assertInterval(0);
    }

    // HEDGE-471
    function test_deltaInterval_tolerance_holdsEveryPoolPriceWithinIt() external {
        for (uint256 i; i < 2; ++i) {
            _openMarket(18, 6, i == 0, PRICE, 100);
            _mintListed(50);
            (int256 low, int256 high) = source.deltaInterval(PRICE);
            vm.prank(governor);
            source.setPriceTolerance(0);
            (int256 atHigh,) = source.deltaInterval(PRICE * 101 / 100);
            (, int256 atLow) = source.deltaInterval(PRICE * 99 / 100);
            assertEq(low, atHigh);
            assertEq(high, atLow);
            assertLt(low, high);
        }
    }

    // HEDGE-471
    function test_deltaInterval_everyPriceAllowed_hasAnAnswer() external {
        for (uint256 i; i < 2; ++i) {
            _openMarket(i == 0 ? 0 : 18, i == 0 ? 18 : 0, i == 0, i == 0 ? 1e18 : PRICE, 100);
            _mintListed(20);
            for (uint256 exponent; exponent <= 30; ++exponent) {
                (int256 low, int256 high) = source.deltaInterval(10 ** exponent);
                assertLe(low, high);
            }
        }
    }

    // HEDGE-471
    function test_deltaInterval_revertsIfPriceOutOfRange() external {
        for (uint256 i; i < 2; ++i) {
            uint256 price = i == 0 ? 0 : 1e30 + 1;
            vm.expectRevert(abi.encodeWithSelector(UniswapV3Positions.PriceOutOfRange.selector, price, 1, 1e30));
            source.deltaInterval(price);
        }
    }

    // --- whose positions ------------------------------------------------------------------------------------------

    // HEDGE-473
    function test_deltaInterval_liquidityChanges_areSeenAtOnce() external {
        uint256 tokenId = _mintListed(40);
        (int256 whole,) = source.deltaInterval(PRICE);
        _decrease(tokenId, _liquidity(tokenId) / 2);
        _collect(tokenId);
        (int256 half,) = source.deltaInterval(PRICE);
        assertApproxEqRel(half * 2, whole, 1e6);
        _increase(tokenId, 5e18, 12_500e6);
        (int256 more,) = source.deltaInterval(PRICE);
        assertGt(more, half);
    }

    // HEDGE-473
    function test_deltaInterval_closedPosition_isZero() external {
        uint256 tokenId = _mintListed(40);
        _close(tokenId);
        _assertInterval(0);
        vm.prank(holder);
        manager.burn(tokenId);
        _assertInterval(0);
    }

    // HEDGE-473
    function test_deltaInterval_positionTransferredAway_isZero() external {
        uint256 tokenId = _mintListed(40);
        vm.prank(holder);
        manager.transferFrom(holder, stranger, tokenId);
        _assertInterval(0);
        vm.prank(stranger);
        manager.transferFrom(stranger, holder, tokenId);
        (int256 low,) = source.deltaInterval(PRICE);
        assertGt(low, 1e18);
    }

    // HEDGE-474
    function test_deltaInterval_holderSentPositionsByAStranger_staysAsItWas() external {
        _mintListed(40);
        (int256 before,) = source.deltaInterval(PRICE);
        uint256 gasBefore = _gasOfInterval();
        for (uint256 i; i < 30; ++i) {
            _mint(holder, -887_220, 887_220, 1e18, 2500e6);
        }
        (int256 low,) = source.deltaInterval(PRICE);
        assertEq(low, before);
        assertLe(_gasOfInterval(), gasBefore + 1000);
    }

    // HEDGE-474
    function test_deltaInterval_tooLittleGas_neverHidesAPosition() external {
        _mintListed(40);
        (int256 expected,) = source.deltaInterval(PRICE);
        bytes memory question = abi.encodeCall(source.deltaInterval, (PRICE));
        uint256 answers;
        for (uint256 gas_ = 2000; gas_ < 150_000; gas_ += 500) {
            (bool answered, bytes memory answer) = address(source).staticcall{gas: gas_}(question);
            if (!answered) continue;
            (int256 low,) = abi.decode(answer, (int256, int256));
            assertEq(low, expected);
            ++answers;
        }
        assertGt(answers, 10);
    }

    // HEDGE-474
    function test_deltaInterval_ownerThatCannotBeTold_isNotTakenForABurntPosition() external {
        uint256 tokenId = _mintListed(40);
        vm.mockCallRevert(address(manager), abi.encodeCall(manager.ownerOf, (tokenId)), "");
        vm.expectRevert();
        source.deltaInterval(PRICE);
        vm.expectRevert();
        source.removeBurntPosition(tokenId);
        vm.clearMockedCalls();
        source.deltaInterval(PRICE);
    }

    // HEDGE-474
    function test_deltaInterval_fullSource_fitsTheBooksGas() external {
        for (uint256 i; i < source.MAX_POSITIONS(); ++i) {
            _mintListed(int24(int256(10 + i)));
        }
        _swap(true, 1e18);
        vm.cool(address(source));
        vm.cool(address(manager));
        vm.cool(address(pool));
        uint256 used = _gasOfInterval();
        emit log_named_uint("gas of a full source, cold", used);
        assertLt(used, 1_000_000);
    }

    // --- the list -------------------------------------------------------------------------------------------------

    // HEDGE-475
    function test_addPosition_governorOrHolder() external {
        uint256 tokenId = _mint(holder, -887_220, 887_220, 1e18, 2500e6);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger));
        vm.prank(stranger);
        source.addPosition(tokenId);
        vm.expectRevert(abi.encodeWithSelector(ListedPositions.NotHolder.selector, stranger));
        vm.prank(stranger);
        source.addOwnPosition(tokenId);
        vm.expectEmit(address(source));
        emit ListedPositions.PositionAdded(tokenId);
        vm.prank(holder);
        source.addOwnPosition(tokenId);
        assertEq(source.positionIds().length, 1);
    }

    // HEDGE-475
    function test_addPosition_revertsIfOfAnotherPool() external {
        UniswapV3Positions first = source;
        _openMarket(18, 6, true, PRICE, 0);
        uint256 tokenId = _mint(holder, -887_220, 887_220, 1e18, 2500e6);
        vm.expectRevert(
            abi.encodeWithSelector(
                UniswapV3Positions.WrongPool.selector, tokenId, address(underlying), address(quote), FEE
            )
        );
        vm.prank(governor);
        first.addPosition(tokenId);
    }

    // HEDGE-475
    function test_addPosition_revertsIfNotTheHoldersOrListed() external {
        uint256 foreign = _mint(stranger, -887_220, 887_220, 1e18, 2500e6);
        uint256 listed = _mintListed(10);
        vm.startPrank(governor);
        vm.expectRevert(abi.encodeWithSelector(ListedPositions.NotOwnedByHolder.selector, foreign, stranger));
        source.addPosition(foreign);
        vm.expectRevert(abi.encodeWithSelector(ListedPositions.NotOwnedByHolder.selector, 99, address(0)));
        source.addPosition(99);
        vm.expectRevert(abi.encodeWithSelector(ListedPositions.PositionAlreadyListed.selector, listed));
        source.addPosition(listed);
        vm.stopPrank();
    }

    // HEDGE-475
    function test_addPosition_revertsIfTooMany() external {
        uint256 most = source.MAX_POSITIONS();
        for (uint256 i; i < most; ++i) {
            _mintListed(10);
        }
        uint256 tokenId = _mint(holder, -887_220, 887_220, 1e18, 2500e6);
        vm.expectRevert(abi.encodeWithSelector(ListedPositions.TooManyPositions.selector, most + 1, most));
        vm.prank(governor);
        source.addPosition(tokenId);
    }

    // HEDGE-475
    function test_removePosition_leavesTheOthers() external {
        uint256 first = _mintListed(10);
        uint256 second = _mintListed(20);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger));
        source.removePosition(first);
        vm.startPrank(governor);
        vm.expectEmit(address(source));
        emit ListedPositions.PositionRemoved(first);
        source.removePosition(first);
        vm.expectRevert(abi.encodeWithSelector(ListedPositions.PositionNotListed.selector, first));
        source.removePosition(first);
        vm.stopPrank();
        assertEq(source.positionIds().length, 1);
        assertEq(source.positionIds()[0], second);
    }

    // HEDGE-475
    function test_removeBurntPosition_isOpenToAnyone() external {
        uint256 tokenId = _mintListed(10);
        vm.startPrank(stranger);
        vm.expectRevert(abi.encodeWithSelector(ListedPositions.PositionNotBurnt.selector, tokenId, holder));
        source.removeBurntPosition(tokenId);
        vm.stopPrank();
        _close(tokenId);
        vm.prank(holder);
        manager.burn(tokenId);
        vm.prank(stranger);
        source.removeBurntPosition(tokenId);
        assertEq(source.positionIds().length, 0);
    }

    // HEDGE-475
    function test_constructor_revertsIfMisdeployed() external {
        IUniswapV3PositionManager npm = IUniswapV3PositionManager(address(manager));
        IUniswapV3FeePool real = IUniswapV3FeePool(address(pool));
        vm.expectRevert(ListedPositions.HolderIsZero.selector);
        new UniswapV3Positions(access, npm, real, address(underlying), address(0), 0);
        vm.expectRevert(abi.encodeWithSelector(UniswapV3Positions.UnderlyingNotInPool.selector, stranger));
        new UniswapV3Positions(access, npm, real, stranger, holder, 0);
        vm.expectRevert(abi.encodeWithSelector(UniswapV3Positions.PriceToleranceOutOfRange.selector, 2001, 2000));
        new UniswapV3Positions(access, npm, real, address(underlying), holder, 2001);
        PoolDouble forged = new PoolDouble(address(underlying), address(quote), FEE);
        vm.expectRevert(
            abi.encodeWithSelector(UniswapV3Positions.PoolNotOfFactory.selector, address(forged), address(pool))
        );
        new UniswapV3Positions(access, npm, IUniswapV3FeePool(address(forged)), address(underlying), holder, 0);
    }

    // HEDGE-475
    function test_setPriceTolerance_governorAlone() external {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger));
        vm.prank(stranger);
        source.setPriceTolerance(50);
        vm.expectEmit(address(source));
        emit UniswapV3Positions.PriceToleranceSet(0, 50);
        vm.prank(governor);
        source.setPriceTolerance(50);
        assertEq(source.priceToleranceBps(), 50);
    }

    function _assertInterval(int256 expected) private view {
        (int256 low, int256 high) = source.deltaInterval(PRICE);
        assertEq(low, expected);
        assertEq(high, expected);
    }

    /// @dev The pool's price lies between its WAD and the next.
    function _intervalAtPoolPrice() private view returns (int256 low, int256 high) {
        uint256 price = _poolPrice();
        (low,) = source.deltaInterval(price + 1);
        (, high) = source.deltaInterval(price);
    }

    function _range(uint256 tokenId) private view returns (int24, int24) {
        IUniswapV3PositionManager.Position memory held = IUniswapV3PositionManager(address(manager)).positions(tokenId);
        return (held.tickLower, held.tickUpper);
    }

    function _mintWide() private {
        _mint(holder, -887_220, 887_220, 100e18, 250_000e6);
    }

    function _gasOfInterval() private view returns (uint256 used) {
        used = gasleft();
        source.deltaInterval(PRICE);
        used -= gasleft();
    }

    function _wad(uint256 units) private view returns (int256) {
        return int256(units * 1e18 / 10 ** underlying.decimals());
    }
}

/// @notice Says that it is a pool of two tokens, which the factory does not know.
contract PoolDouble {
    address public token0;
    address public token1;
    uint24 public fee;

    constructor(address token0_, address token1_, uint24 fee_) {
        (token0, token1, fee) = (token0_, token1_, fee_);
    }
}
