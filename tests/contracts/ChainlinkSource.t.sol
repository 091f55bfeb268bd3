// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {IPriceSource} from "../../contracts/interfaces/IPriceSource.sol";
import {DecimalScale} from "../../contracts/libraries/DecimalScale.sol";
import {ChainlinkSource} from "../../contracts/oracles/ChainlinkSource.sol";
import {AggregatorDouble} from "../../contracts/test/AggregatorDouble.sol";

/// @notice HEDGE-401, HEDGE-441 and HEDGE-442: one aggregator normalised.
contract ChainlinkSourceTest is Test {
    uint256 private constant START = 1_722_500_000; // Unix seconds

    function setUp() external {
        vm.warp(START);
    }

    function _unbounded(AggregatorDouble feed) private returns (ChainlinkSource) {
        return new ChainlinkSource(address(feed), 0, type(int256).max);
    }

    // HEDGE-401
    function test_latestPrice_scalesFeedsOfAnyDecimals() external {
        uint8[6] memory feedDecimals = [0, 6, 8, 18, 24, 36];
        for (uint256 i = 0; i < feedDecimals.length; ++i) {
            AggregatorDouble feed = new AggregatorDouble(feedDecimals[i], int256(2000 * 10 ** feedDecimals[i]));
            (uint256 price, uint256 updatedAt, uint256 confidence) = _unbounded(feed).latestPrice();
            assertEq(price, 2000e18);
            assertEq(updatedAt, START);
            assertEq(confidence, 0);
        }
    }

    // HEDGE-401
    function test_latestPrice_roundsLongFeedsDown() external {
        AggregatorDouble feed = new AggregatorDouble(20, 2000e20 + 199);
        (uint256 price,,) = _unbounded(feed).latestPrice();
        assertEq(price, 2000e18 + 1);
    }

    // HEDGE-401
    function test_latestPrice_revertsIfAnswerIsNotPositive() external {
        AggregatorDouble feed = new AggregatorDouble(8, 1);
        ChainlinkSource source = _unbounded(feed);
        int256[3] memory answers = [int256(0), -1, type(int256).min];
        for (uint256 i = 0; i < answers.length; ++i) {
            feed.updateAnswer(answers[i]);
            vm.expectRevert(abi.encodeWithSelector(IPriceSource.NonPositiveAnswer.selector, answers[i]));
            source.latestPrice();
        }
    }

    // HEDGE-401
    function test_constructor_revertsIfFeedHasTooManyDecimals() external {
        AggregatorDouble feed = new AggregatorDouble(37, 1);
        vm.expectRevert(abi.encodeWithSelector(DecimalScale.TooManyDecimals.selector, 37, 36));
        _unbounded(feed);
    }

    // HEDGE-441
    function test_latestPrice_isDatedByItsAnswerNotByItsRound() external {
        AggregatorDouble feed = new AggregatorDouble(8, 2000e8);
        ChainlinkSource source = _unbounded(feed);
        feed.updateRoundData(2, 2000e8, START - 500);
        (,, uint256 startedAt,,) = feed.latestRoundData();
        assertEq(startedAt, START - 500 - 30);
        (, uint256 updatedAt,) = source.latestPrice();
        assertEq(updatedAt, START - 500);
        feed.updateStartedAt(START); // a round that began, and was not answered yet
        (, updatedAt,) = source.latestPrice();
        assertEq(updatedAt, START - 500);
    }

    // HEDGE-441
    function test_aggregatorDouble_roundOfTheBeginningOfTimeHasAStart() external {
        AggregatorDouble feed = new AggregatorDouble(8, 2000e8);
        feed.updateRoundData(2, 2000e8, 0);
        (,, uint256 startedAt, uint256 updatedAt,) = feed.latestRoundData();
        assertEq(startedAt, 0);
        assertEq(updatedAt, 0);
    }

    // HEDGE-442
    function test_latestPrice_revertsAtTheAggregatorsOwnBounds() external {
        AggregatorDouble feed = new AggregatorDouble(8, 2000e8);
        ChainlinkSource source = new ChainlinkSource(address(feed), 100e8, 10_000e8);
        int256[2] memory inside = [int256(100e8 + 1), 10_000e8 - 1];
        int256[2] memory atBound = [int256(100e8), 10_000e8];
        for (uint256 i = 0; i < 2; ++i) {
            feed.updateAnswer(inside[i]);
            (uint256 price,,) = source.latestPrice();
            assertEq(price, uint256(inside[i]) * 1e10);
            feed.updateAnswer(atBound[i]);
            vm.expectRevert(abi.encodeWithSelector(ChainlinkSource.AnswerAtBound.selector, atBound[i], 100e8, 10_000e8));
            source.latestPrice();
        }
    }

    // HEDGE-442
    function test_constructor_revertsIfBoundsAreNotOrdered() external {
        AggregatorDouble feed = new AggregatorDouble(8, 2000e8);
        int256[2][3] memory bounds = [[int256(-1), 5], [int256(5), 5], [int256(6), 5]];
        for (uint256 i = 0; i < 3; ++i) {
            (int256 low, int256 high) = (bounds[i][0], bounds[i][1]);
            vm.expectRevert(abi.encodeWithSelector(ChainlinkSource.AnswerBoundsNotOrdered.selector, low, high));
            new ChainlinkSource(address(feed), low, high);
        }
    }
}
