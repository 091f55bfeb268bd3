// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Vm} from "forge-std/Vm.sol";
import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {GmxV2Keys} from "../../../contracts/venues/gmx/GmxV2Keys.sol";
import {GmxV2Market} from "../../../contracts/venues/gmx/GmxV2Market.sol";
import {GmxV2Venue} from "../../../contracts/venues/gmx/GmxV2Venue.sol";
import {GmxMath} from "../support/gmx/GmxMath.sol";
import {GmxStage} from "../support/gmx/GmxStage.sol";

/// @notice What a close of a part leaves, and what an account tells of its orders and its position, on the double of GMX.
contract GmxPartsTest is GmxStage {
    function setUp() external {
        _raiseFunded(10 ether, 100_000e6);
        handler.setFeeUsed(10_000);
    }

    function test_tradePast0_whoseSecondPartAloneFills_isItsPrice_whateverIsGiven() external {
        _request(2e18);
        _fill(PRICE);
        bytes32 orderId = _request(-5e18);
        (bytes32 closeKey, bytes32 openKey) = venue.orderKeys();
        assertFalse(handler.execute(closeKey, PRICE * 97 / 100 / 1e6)); // beyond its limit
        token.mint(address(venue), 1000e6);
        assertTrue(handler.execute(openKey, PRICE / 1e6));
        assertEq(venue.order(orderId).filledSizeDelta, -3e18);
        assertApproxEqAbs(venue.order(orderId).executionPrice, PRICE, 1e9);
    }

    /// HEDGE-580
    /// @dev What is closed bears its own loss: the rest keeps its margin, but for the fee of the close, and what it lacks of the
    ///      margin factor.
    function test_closeOfAPart_leavesTheRestItsMargin(bool isShort, uint256 price, uint256 part) external {
        price = bound(price, 1800e8, 2200e8) * 1e10;
        part = bound(part, 0.1e18, 9.9e18);
        _request(isShort ? -10e18 : int256(10e18));
        _fill(PRICE);
        uint256 before = gmx.sideOf(address(venue), !isShort).collateral;
        _setPrice(price);
        int256 equity = venue.account().equity;
        _request(isShort ? int256(part) : -int256(part));
        _fill(price);
        uint256 fee = part * PRICE / 1e30 * 5 / 10_000 + 1; // GMX's USD are those of the entry
        uint256 left = gmx.sideOf(address(venue), !isShort).collateral;
        uint256 own = before * (10e18 - part) / 10e18;
        assertGe(left + fee + 1, own);
        uint256 loss = isShort ? _over(price, PRICE) : _over(PRICE, price);
        uint256 rest = (10e18 - part) / 1e12;
        if (loss != 0) assertLe(left, Math.max(own, rest * (price / 2 + loss) / 1e18) + 10);
        assertApproxEqAbs(
            venue.account().equity, equity - int256((fee + 1) * 1e12 + gmx.etherUsd(gmx.executionFee(false))), 4e12
        );
    }

    function _over(uint256 one, uint256 other) private pure returns (uint256) {
        return Math.saturatingSub(one, other);
    }

    /// @dev Of the short position at the price, by what GMX liquidates it on, WAD.
    function _backing(uint256 price) private view returns (uint256) {
        GmxV2Market.Side memory held = gmx.sideOf(address(venue), false);
        uint256 worth = held.sizeInTokens * price / 1e18;
        return (held.collateral * 1e12 + held.sizeInUsd / 1e12 - worth) * 1e18 / worth;
    }

    /// HEDGE-580
    /// @dev However far the price goes step by step: cash beside a position saves none, so what is sold takes it along.
    function test_enlarging_bringsThePositionBackToItsFactor() external {
        _request(-10e18);
        _fill(PRICE);
        for (uint256 price = 2200e18; price < 3600e18; price += 200e18) {
            _setPrice(price);
            _request(-0.1e18);
            _fill(price);
            assertApproxEqRel(_backing(price), 0.5e18, 0.001e18);
        }
        vm.expectRevert(); // `PositionShouldNotBeLiquidated`
        handler.liquidate(address(venue), false, 3400e12);
    }

    /// HEDGE-580
    function test_closeOfHalf_atALoss_leavesTheRestAtItsFactor() external {
        _request(-10e18);
        _fill(PRICE);
        _setPrice(2200e18);
        assertApproxEqRel(_backing(2200e18), 0.36e18, 0.01e18);
        _request(5e18);
        _fill(2200e18);
        assertApproxEqRel(_backing(2200e18), 0.5e18, 0.01e18);
    }

    /// @dev More than GMX leaves there: it takes out nothing, and closes.
    function test_closeOfNearlyAll_atALoss_isDone() external {
        _request(10e18);
        _fill(PRICE);
        _setPrice(1100e18);
        _request(-9.99e18);
        _fill(1090e18);
        assertApproxEqAbs(venue.size(), 0.01e18, 1e6);
    }

    function test_etherThatComesBack_isTold() external {
        handler.setFeeUsed(6000);
        _request(2e18);
        (, bytes32 key) = venue.orderKeys();
        vm.expectEmit(address(venue));
        emit GmxV2Venue.OrderHinted(key, 3, false);
        handler.execute(key, PRICE / 1e6);
    }

    function test_keysOfBothParts_areTold() external {
        _request(2e18);
        _fill(PRICE);
        vm.recordLogs();
        bytes32 orderId = _request(-5e18);
        (bytes32 closeKey, bytes32 openKey) = venue.orderKeys();
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 count = 0;
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != GmxV2Venue.OrderKeys.selector) continue;
            assertEq(logs[i].topics[1], orderId);
            assertEq(logs[i].data, abi.encode(closeKey, openKey));
            ++count;
        }
        assertEq(count, 1);
    }

    function test_close_hasItsProfitSwappedIntoTheCollateral() external {
        _request(2e18);
        _fill(PRICE);
        _request(-1e18);
        (bytes32 closeKey,) = venue.orderKeys();
        assertEq(handler.orderOf(closeKey).params.decreasePositionSwapType, 1); // SwapPnlTokenToCollateralToken
        assertEq(handler.orderOf(closeKey).params.orderType, 4); // MarketDecrease
    }

    function test_hourOfWhichNothingIsOwed_isNotFollowed() external {
        vm.expectRevert(abi.encodeWithSelector(GmxV2Venue.NothingToNote.selector, 7));
        venue.noteCollateral(7);
    }

    function test_highestFee_isThatOfTheDearerSide() external {
        for (uint256 i = 0; i < 2; ++i) {
            store.setUint(GmxV2Keys.positionFeeFactor(MARKET, i == 0), 7e26);
            store.setUint(GmxV2Keys.positionFeeFactor(MARKET, i == 1), 4e26);
            assertEq(gmx.highestFee(1000e30), 0.7e18);
        }
    }

    function test_position_isWhatGmxHasOfIt(bool isShort) external {
        _request(isShort ? -2e18 : int256(2e18));
        _fill(PRICE);
        store.setUint(GmxMath.key(GmxMath.BORROWING, MARKET, !isShort), 1e27);
        _setPrice(2100e18);
        int256 owed = gmx.owedFees(address(venue), !isShort);
        assertGt(owed, 0);
        IPerpVenue.Position memory p = venue.position();
        assertEq(p.size, isShort ? -2e18 : int256(2e18));
        assertEq(p.entryPrice, PRICE);
        assertEq(p.unrealisedPnl, isShort ? -200e18 : int256(200e18));
        assertEq(p.fundingAccrued, -owed);
        uint256 held = token.balanceOf(address(venue)) + gmx.sideOf(address(venue), !isShort).collateral;
        assertEq(p.margin, int256(held * 1e12));
    }
}
