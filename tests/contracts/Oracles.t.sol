// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {Governed} from "../../contracts/governance/Governed.sol";
import {VaultAccess} from "../../contracts/governance/VaultAccess.sol";
import {IPriceOracle} from "../../contracts/interfaces/IPriceOracle.sol";
import {IPriceSource} from "../../contracts/interfaces/IPriceSource.sol";
import {DecimalScale} from "../../contracts/libraries/DecimalScale.sol";
import {ChainlinkSource} from "../../contracts/oracles/ChainlinkSource.sol";
import {PriceOracle} from "../../contracts/oracles/PriceOracle.sol";
import {AggregatorDouble} from "../../contracts/test/AggregatorDouble.sol";

/// @notice HEDGE-401 .. HEDGE-405: one source normalised, then judged by age and range.
contract OraclesTest is Test {
    uint256 private constant START = 1_722_500_000; // Unix seconds
    uint256 private constant MAX_AGE = 3600; // seconds

    address private governor = makeAddr("governor"); // still setting up, so without delay
    VaultAccess private access;
    AggregatorDouble private aggregator;
    PriceOracle private oracle;

    function setUp() external {
        vm.warp(START);
        access = new VaultAccess(governor);
        aggregator = new AggregatorDouble(8, 2000e8);
        oracle = new PriceOracle(access, new ChainlinkSource(address(aggregator)), MAX_AGE, 100e18, 100_000e18);
    }

    // HEDGE-401
    function test_latestPrice_scalesFeedsOfAnyDecimals() external {
        uint8[6] memory feedDecimals = [0, 6, 8, 18, 24, 36];
        for (uint256 i = 0; i < feedDecimals.length; ++i) {
            AggregatorDouble feed = new AggregatorDouble(feedDecimals[i], int256(2000 * 10 ** feedDecimals[i]));
            ChainlinkSource source = new ChainlinkSource(address(feed));
            (uint256 price, uint256 updatedAt) = source.latestPrice();
            assertEq(price, 2000e18);
            assertEq(updatedAt, START);
        }
    }

    // HEDGE-401
    function test_latestPrice_roundsLongFeedsDown() external {
        AggregatorDouble feed = new AggregatorDouble(20, 2000e20 + 199);
        (uint256 price,) = new ChainlinkSource(address(feed)).latestPrice();
        assertEq(price, 2000e18 + 1);
    }

    // HEDGE-401
    function test_latestPrice_revertsIfAnswerIsNotPositive() external {
        int256[3] memory answers = [int256(0), -1, type(int256).min];
        for (uint256 i = 0; i < answers.length; ++i) {
            aggregator.updateAnswer(answers[i]);
            vm.expectRevert(abi.encodeWithSelector(IPriceSource.NonPositiveAnswer.selector, answers[i]));
            oracle.price();
        }
    }

    // HEDGE-401
    function test_constructor_revertsIfFeedHasTooManyDecimals() external {
        AggregatorDouble feed = new AggregatorDouble(37, 1);
        vm.expectRevert(abi.encodeWithSelector(DecimalScale.TooManyDecimals.selector, 37, 36));
        new ChainlinkSource(address(feed));
    }

    // HEDGE-402
    function test_price_acceptsTheOldestAllowed() external {
        vm.warp(START + MAX_AGE);
        (uint256 price, uint256 updatedAt) = oracle.price();
        assertEq(price, 2000e18);
        assertEq(updatedAt, START);
    }

    // HEDGE-402
    function test_price_revertsIfStaleByASecond() external {
        vm.warp(START + MAX_AGE + 1);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.PriceStale.selector, MAX_AGE + 1, MAX_AGE));
        oracle.price();
    }

    // HEDGE-402
    function test_price_revertsIfTheRoundWasNeverAnswered() external {
        aggregator.updateRoundData(2, 2000e8, 0);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.PriceStale.selector, START, MAX_AGE));
        oracle.price();
    }

    // HEDGE-403
    function test_price_revertsIfFromTheFuture() external {
        aggregator.updateRoundData(2, 2000e8, START + 1);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.PriceFromFuture.selector, START + 1, START));
        oracle.price();
    }

    // HEDGE-404
    function test_price_acceptsTheEndsOfTheRange() external {
        aggregator.updateAnswer(100e8);
        (uint256 price,) = oracle.price();
        assertEq(price, 100e18);
        aggregator.updateAnswer(100_000e8);
        (price,) = oracle.price();
        assertEq(price, 100_000e18);
    }

    // HEDGE-404
    function test_price_revertsIfOutOfRange() external {
        aggregator.updateAnswer(100e8 - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IPriceOracle.PriceOutOfRange.selector, 100e18 - 1e10, 100e18, 100_000e18)
        );
        oracle.price();
        aggregator.updateAnswer(100_000e8 + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IPriceOracle.PriceOutOfRange.selector, 100_000e18 + 1e10, 100e18, 100_000e18)
        );
        oracle.price();
    }

    // HEDGE-405
    function test_setPriceLimits_emitsOldAndNew() external {
        vm.expectEmit(address(oracle));
        emit IPriceOracle.PriceLimitsSet(MAX_AGE, 90_000, 100e18, 1, 100_000e18, 1e30);
        vm.prank(governor);
        oracle.setPriceLimits(90_000, 1, 1e30); // the hard limits: 25 hours, 1e12 USD
        (uint256 maxAgeSeconds, uint256 minPrice, uint256 maxPrice) = oracle.priceLimits();
        assertEq(maxAgeSeconds, 90_000);
        assertEq(minPrice, 1);
        assertEq(maxPrice, 1e30);
    }

    // HEDGE-405
    function test_setPriceLimits_revertsIfSenselessOrOutsideHardLimits() external {
        _expectInvalid(0, 1, 2);
        _expectInvalid(90_001, 1, 2);
        _expectInvalid(1, 0, 2);
        _expectInvalid(1, 2, 2);
        _expectInvalid(1, 1, 1e30 + 1);
    }

    function _expectInvalid(uint256 maxAgeSeconds, uint256 minPrice, uint256 maxPrice) private {
        bytes memory expected =
            abi.encodeWithSelector(IPriceOracle.InvalidPriceLimits.selector, maxAgeSeconds, minPrice, maxPrice);
        vm.prank(governor);
        vm.expectRevert(expected);
        oracle.setPriceLimits(maxAgeSeconds, minPrice, maxPrice);
        IPriceSource source = oracle.source();
        vm.expectRevert(expected);
        new PriceOracle(access, source, maxAgeSeconds, minPrice, maxPrice);
    }

    // HEDGE-405
    function test_constructor_revertsIfSourceHasNoCode() external {
        address nobody = makeAddr("nobody");
        vm.expectRevert(abi.encodeWithSelector(Governed.NotAContract.selector, nobody));
        new PriceOracle(access, IPriceSource(nobody), MAX_AGE, 1, 2);
    }
}
