// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {HyperCore} from "../../../contracts/venues/hyperevm/HyperCore.sol";
import {HyperEvmLimits} from "../../../contracts/venues/hyperevm/HyperEvmLimits.sol";
import {HyperEvmVenue} from "../../../contracts/venues/hyperevm/HyperEvmVenue.sol";
import {HyperCoreBooks} from "./HyperCoreBooks.sol";
import {HyperStage} from "./HyperStage.sol";

/// @notice Where one thing ends and the next begins: the other side's close, two prices, a part of a leg, the longest answer.
contract HyperEdgesTest is HyperStage {
    function setUp() external {
        _raise();
        _flyCanary();
        _fundVenue(10_000);
        _moveAll();
    }

    function test_closeOfAShort_isPendingForNoMoreThanThereIs() external {
        _deal(-2e18);
        _request(2e18);
        assertEq(venue.account().pendingPositive, 2e18);
        core.deleverage(address(venue), 15_000, 200_000);
        assertEq(venue.account().pendingPositive, 0.5e18);
        assertEq(venue.account().pendingNegative, 0);
    }

    function test_markAndIndex_areHyperCoresTwoPrices() external {
        _deal(2e18);
        core.setPrices(201_000, 199_000, 201_000, 201_000);
        assertEq(venue.markPrice(), 2010e18);
        assertEq(venue.indexPrice(), 1990e18);
        IPerpVenue.Account memory a = venue.account();
        assertEq(a.markPrice, 2010e18);
        assertEq(a.indexPrice, 1990e18);
        (int256 low, int256 high) = venue.equity();
        assertEq(high, a.equity);
        assertEq(low, a.equity - 40e18); // 2 at 20 less
    }

    function test_order_isTold() external {
        bytes32 orderId = keccak256(abi.encode(address(venue), 3)); // two were the canary's
        vm.expectEmit(address(venue));
        emit HyperEvmVenue.OrderSent(orderId, venue.cloidOf(orderId), 2040e8, 2e8, false);
        assertEq(_request(2e18), orderId);
    }

    function test_closeBesideAMoveToSpot_isToldAtItsWorstTerms() external {
        _deal(2e18);
        vm.prank(vault.keeper());
        venue.recall(100e6);
        venue.advance();
        bytes32 orderId = _deal(-2e18);
        IPerpVenue.Order memory order = venue.order(orderId);
        assertEq(order.executionPrice, order.limitPrice);
        assertEq(order.fee, order.maxFee);
    }

    function test_legHome_ofWhichAPartIsSeenToLeave_countsThatPart() external {
        vm.prank(vault.keeper());
        venue.recall(4000e6);
        _moveAllToSpot();
        core.setBridgeDry(true);
        venue.advance();
        core.give(address(venue), 1500e8); // a gift in the block that takes 4,000 away
        _block();
        assertEq(venue.inFlight(), 2500e6);
        assertEq(_equity(), 10_000e18);
    }

    /// @dev What was asked home waits in spot.
    function _moveAllToSpot() private {
        venue.advance();
        _block();
        assertEq(market.spotOf(address(venue)), 4000.1e8);
    }

    function test_capacity_ofTheSideThatCloses_isThePositionAtLeast() external {
        _deal(2e18);
        HyperEvmLimits.Limits memory limits = _limits();
        limits.maxOrderSize = 1e18;
        vm.startPrank(vault.governor());
        market.setLimits(limits);
        vm.stopPrank();
        assertEq(venue.capacity(true), 1e18);
        assertEq(venue.capacity(false), 2e18);
        _deal(-2e18);
        assertEq(venue.capacity(false), 1e18);
    }

    function test_limit_atTheBestPrice_isTaken() external {
        vm.startPrank(address(vault));
        venue.execute(1e18, PRICE);
        _block();
        assertEq(venue.size(), 1e18);
        venue.execute(-1e18, PRICE);
        _block();
        assertEq(venue.size(), 0);
        vm.stopPrank();
    }

    function test_tiers_areTold() external {
        vm.expectEmit(address(market));
        emit HyperEvmLimits.TiersSet(55, _tiers());
        vm.startPrank(vault.governor());
        market.setTiers(_tiers());
        vm.stopPrank();
    }

    function test_answerOfAMarket_isReadUpToItsLongest() external {
        bytes memory answer =
            bytes.concat(abi.encode(32, 160, 55, 4, 25, false, uint256(1024 - 7 * 32)), new bytes(1024 - 7 * 32));
        assertEq(answer.length, 1024);
        core.setFault(HyperCore.PERP_ASSET_INFO, HyperCoreBooks.Fault(true, false, answer));
        assertTrue(market.areTiersPresent());
        core.setFault(HyperCore.PERP_ASSET_INFO, HyperCoreBooks.Fault(true, false, bytes.concat(answer, hex"00")));
        vm.expectRevert(abi.encodeWithSelector(HyperCore.CoreReadFailed.selector, HyperCore.PERP_ASSET_INFO));
        market.areTiersPresent();
    }
}
