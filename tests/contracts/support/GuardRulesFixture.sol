// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {GuardRules} from "../../../contracts/libraries/GuardRules.sol";
import {ResultTrack} from "../../../contracts/libraries/ResultTrack.sol";
import {Bounds, Fill, VenueMeasurement} from "../../../contracts/types/Rebalance.sol";
import {GuardCase, GuardRulesHarness} from "./GuardRulesHarness.sol";

/// @notice One rebalance that every rule of `GuardRules` accepts.
/// @dev It buys 10 at 2,000 USD against a book of -50: W falls from 50 to 40.
abstract contract GuardRulesFixture is Test {
    uint256 internal constant NOW = 1_722_500_000; // Unix seconds
    uint256 internal constant PRICE = 2000e18;
    uint256 internal constant NAV = 200_000e18;

    GuardRulesHarness internal _rules;
    GuardCase internal _case;

    function setUp() public {
        _rules = new GuardRulesHarness();
        _case.bounds = Bounds({
            band: 3e18,
            minImprovement: 1e18,
            urgentDelta: 60e18,
            maxSizeDelta: 10e18,
            minNotional: 100e18,
            maxNotional: 20_000e18,
            maxGrossNotional: 20_000e18,
            turnoverCapacity: 40_000e18,
            turnoverRefillPerDay: 86_400e18,
            maxVenueLeverage: 4e18,
            maxLeverage: 2e18,
            maxSlippageBps: 50,
            maxFeeBps: 20,
            maxNavLossBps: 100,
            lossCapacityBps: 250,
            lossRefillBpsPerDay: 100,
            maxDrawdownBps: 1000,
            idleFloorBps: 500,
            urgentReserveBps: 2500,
            keeperShareBps: 8000,
            cooldownSeconds: 600
        });
        _case.usage.all.updatedAt = uint32(NOW);
        _case.usage.own.updatedAt = uint32(NOW);
        _case.timestamp = NOW;
        for (uint256 i = 0; i < 4; ++i) {
            _case.usage.track.highs[i] = ResultTrack.NO_HIGH;
        }
        _case.beforeTrade.price = PRICE;
        _case.beforeTrade.bookDeltaLow = -50e18;
        _case.beforeTrade.bookDeltaHigh = -48e18;
        _case.beforeTrade.nav = NAV;
        _case.beforeTrade.firmNav = NAV;
        _case.beforeTrade.idle = 150_000e18;
        _case.beforeTrade.netFlows = int256(NAV);
        _case.beforeTrade.venues.push(_venue(0));
        _case.afterTrade = _case.beforeTrade;
        _case.afterTrade.venues[0] = _venue(10e18);
        _case.fills.push(Fill(0, 10e18, PRICE, 0, false));
    }

    function _accept() internal view {
        _rules.evaluate(_case);
    }

    function _refuse(bytes memory expectedError) internal {
        vm.expectRevert(expectedError);
        _rules.evaluate(_case);
    }

    function _venue(int256 size) internal pure returns (VenueMeasurement memory m) {
        (m.price, m.priceLow, m.priceHigh) = (PRICE, PRICE, PRICE);
        (m.sizeLow, m.sizeHigh) = (size, size);
        m.notional = GuardRules.notionalUp(size < 0 ? uint256(-size) : uint256(size), PRICE);
        (m.equity, m.equityLow, m.equityHigh) = (50_000e18, 50_000e18, 50_000e18);
        m.cap = type(uint128).max;
    }

    /// @dev The base case the other way round: a long book, a sale.
    function _mirror() internal {
        (_case.beforeTrade.bookDeltaLow, _case.beforeTrade.bookDeltaHigh) = (int256(48e18), int256(50e18));
        (_case.afterTrade.bookDeltaLow, _case.afterTrade.bookDeltaHigh) = (int256(48e18), int256(50e18));
        _case.afterTrade.venues[0] = _venue(-10e18);
        _case.fills[0].sizeDelta = -10e18;
    }

    /// @dev Sells the long position `size`, whole. The book's own delta stays, so W stays at most 50.
    function _closeFrom(int256 size) internal {
        _case.beforeTrade.venues[0] = _venue(size);
        _case.afterTrade.venues[0] = _venue(0);
        _case.fills[0].sizeDelta = -size;
        (_case.afterTrade.bookDeltaLow, _case.afterTrade.bookDeltaHigh) = (int256(0), int256(0));
    }

    function _setBook(int256 book) internal {
        (_case.beforeTrade.bookDeltaLow, _case.beforeTrade.bookDeltaHigh) = (book, book);
        (_case.afterTrade.bookDeltaLow, _case.afterTrade.bookDeltaHigh) = (book, book);
    }
}
