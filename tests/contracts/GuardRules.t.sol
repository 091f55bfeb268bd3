// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {IRebalanceGuard} from "../../contracts/interfaces/IRebalanceGuard.sol";
import {GuardRules, Usage} from "../../contracts/libraries/GuardRules.sol";
import {ResultTrack} from "../../contracts/libraries/ResultTrack.sol";
import {Bounds, Fill, VenueMeasurement} from "../../contracts/types/Rebalance.sol";
import {GuardCase, GuardRulesHarness} from "./support/GuardRulesHarness.sol";

/// @title Each rule of `GuardRules` by itself, at its bound and one unit beyond it
/// @dev The base case buys 10 at 2,000 USD against a book of -50: W falls from 50 to 40.
contract GuardRulesTest is Test {
    uint256 private constant NOW = 1_722_500_000; // Unix seconds
    uint256 private constant PRICE = 2000e18;
    uint256 private constant NAV = 200_000e18;

    GuardRulesHarness private _rules;
    GuardCase private _case;

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
        _case.fills.push(Fill(0, 10e18, PRICE, 0));
    }

    function test_evaluate_acceptsTheBase() external view {
        Usage memory next = _rules.evaluate(_case);
        assertEq(next.all.turnoverUsed, 20_000e18);
        assertEq(next.own.turnoverUsed, 20_000e18);
        assertEq(next.own.lastTradeAt, NOW);
        assertEq(next.all.lossUsed, 0);
    }

    // --- cooldown ---------------------------------------------------------------------------------------------------

    function test_cooldown_isWaited() external {
        _case.usage.own.lastTradeAt = uint32(NOW - 600);
        _accept();
        _case.usage.own.lastTradeAt = uint32(NOW - 599);
        _refuse(abi.encodeWithSelector(IRebalanceGuard.CooldownActive.selector, NOW, NOW + 1));
    }

    function test_cooldown_isWaivedFromTheUrgentDeltaOn() external {
        _case.usage.own.lastTradeAt = uint32(NOW - 1);
        _case.bounds.urgentDelta = 50e18;
        _accept();
        _case.bounds.urgentDelta = 50e18 + 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.CooldownActive.selector, NOW, NOW + 599));
    }

    // --- fills ------------------------------------------------------------------------------------------------------

    function test_size_isBounded() external {
        _case.bounds.maxSizeDelta = 10e18 - 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.SizeDeltaExceeded.selector, 10e18, 10e18 - 1));
    }

    function test_size_ofASaleIsBounded() external {
        _case.fills[0].sizeDelta = -10e18 - 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.SizeDeltaExceeded.selector, 10e18 + 1, 10e18));
    }

    function test_slippage_ofABuyIsBounded() external {
        _case.bounds.maxNotional = 30_000e18;
        _case.fills[0].executionPrice = 2010e18;
        _accept();
        _case.fills[0].executionPrice = 2010e18 + 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.SlippageExceeded.selector, 2010e18 + 1, 2010e18));
    }

    function test_slippage_ofASaleIsBounded() external {
        _mirror();
        _case.fills[0].executionPrice = 1990e18;
        _accept();
        _case.fills[0].executionPrice = 1990e18 - 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.SlippageExceeded.selector, 1990e18 - 1, 1990e18));
    }

    function test_limitPrice_roundsAgainstTheKeeper() external pure {
        assertEq(GuardRules.limitPrice(10_001, 1, 50), 10_051); // 10,051.005
        assertEq(GuardRules.limitPrice(10_001, -1, 50), 9951); // 9,950.995
        assertEq(GuardRules.limitPrice(10_000, 1, 50), 10_050);
        assertEq(GuardRules.limitPrice(10_000, -1, 50), 9950);
    }

    function test_fee_isBounded() external {
        _case.fills[0].fee = 40e18;
        _accept();
        _case.fills[0].fee = 40e18 + 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.FeeExceeded.selector, 40e18 + 1, 40e18));
    }

    function test_notional_isBounded() external {
        _case.bounds.maxNotional = 20_000e18 - 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.NotionalExceeded.selector, 20_000e18, 20_000e18 - 1));
    }

    function test_notional_countsEveryFill() external {
        _case.fills.push(Fill(0, 1e18, PRICE, 0));
        _refuse(abi.encodeWithSelector(IRebalanceGuard.NotionalExceeded.selector, 22_000e18, 20_000e18));
    }

    // --- turnover ---------------------------------------------------------------------------------------------------

    /// @dev 40,000 less a reserve of a quarter is 30,000 for all.
    function test_turnover_ofAllIsRationed() external {
        _case.bounds.keeperShareBps = 10_000;
        _case.usage.all.turnoverUsed = 10_000e18;
        _accept();
        _case.usage.all.turnoverUsed = 10_000e18 + 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.TurnoverExceeded.selector, 20_000e18, 20_000e18 - 1));
    }

    /// @dev Of the 30,000 one keeper may use 24,000.
    function test_turnover_ofOneKeeperIsRationed() external {
        _case.usage.own.turnoverUsed = 4000e18;
        _accept();
        _case.usage.own.turnoverUsed = 4000e18 + 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.TurnoverExceeded.selector, 20_000e18, 20_000e18 - 1));
    }

    function test_turnover_ofAnUrgentTradeMayUseTheReserve() external {
        _case.bounds.keeperShareBps = 10_000;
        _case.bounds.urgentDelta = 50e18;
        _case.usage.all.turnoverUsed = 20_000e18;
        _accept();
        _case.usage.all.turnoverUsed = 20_000e18 + 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.TurnoverExceeded.selector, 20_000e18, 20_000e18 - 1));
    }

    /// @dev 1 USD a second for all, 0.8 USD for one keeper.
    function test_turnover_refillsInTime() external {
        _case.usage.all.turnoverUsed = 10_100e18;
        _case.usage.all.updatedAt = uint32(NOW - 100);
        _case.usage.own.turnoverUsed = 4080e18;
        _case.usage.own.updatedAt = uint32(NOW - 100);
        Usage memory next = _rules.evaluate(_case);
        assertEq(next.all.turnoverUsed, 30_000e18);
        assertEq(next.own.turnoverUsed, 24_000e18);
        assertEq(next.all.updatedAt, NOW);
        _case.usage.own.turnoverUsed += 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.TurnoverExceeded.selector, 20_000e18, 20_000e18 - 1));
    }

    function test_turnover_ofAClosingTradeIsFree() external {
        _closeFrom(10e18);
        _case.usage.all.turnoverUsed = 40_000e18;
        assertEq(_rules.evaluate(_case).all.turnoverUsed, 40_000e18);
    }

    function test_turnover_ofBuyingAndSellingBackIsNot() external {
        _closeFrom(10e18);
        _case.afterTrade.venues[0] = _case.beforeTrade.venues[0];
        _case.fills[0].sizeDelta = 1e18;
        _case.fills.push(Fill(0, -1e18, PRICE, 0));
        _case.usage.all.turnoverUsed = 40_000e18;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.TurnoverExceeded.selector, 4000e18, 0));
    }

    // --- exposure ---------------------------------------------------------------------------------------------------

    function test_reduceOnly_noPositionGrows() external {
        _case.beforeTrade.isReduceOnly = true;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.PositionNotShrinking.selector, 0, 10e18, 10e18));
    }

    function test_closingVenue_doesNotGrow() external {
        _case.beforeTrade.venues[0].isClosing = true;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.PositionNotShrinking.selector, 0, 10e18, 10e18));
    }

    /// @dev The high is 20,000.01 USD above the result, a tenth of NAV and a cent.
    function test_trippedBreaker_noPositionGrows() external {
        _case.usage.track.period = uint32(NOW / 8 hours);
        _case.usage.track.highs[0] = 20_000e2;
        _accept();
        _case.usage.track.highs[0] = 20_000e2 + 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.PositionNotShrinking.selector, 0, 10e18, 10e18));
    }

    function test_reduceOnly_doesNotPassZero() external {
        _closeFrom(10e18);
        _case.beforeTrade.isReduceOnly = true;
        _case.beforeTrade.bookDeltaLow = 0;
        _case.beforeTrade.bookDeltaHigh = 0;
        _accept();
        _case.afterTrade.venues[0].sizeLow = -1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.PositionNotShrinking.selector, 0, -1, 0));
    }

    function test_exposure_improvesByTheLeast() external {
        _case.afterTrade.venues[0].sizeLow = 1e18;
        _accept();
        _case.afterTrade.venues[0].sizeLow = 1e18 - 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.NetDeltaExceeded.selector, 49e18 + 1, 49e18));
    }

    function test_exposure_insideTheBandMayRise() external {
        _setBook(0);
        _case.afterTrade.venues[0] = _venue(0);
        _case.afterTrade.venues[0].sizeHigh = 3e18;
        _accept();
        _case.afterTrade.venues[0].sizeHigh = 3e18 + 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.NetDeltaExceeded.selector, 3e18 + 1, 3e18));
    }

    /// @dev A quarter of 4,000 USD is half a unit.
    function test_band_isWorthAtMostAQuarterOfNav() external view {
        assertEq(GuardRules.effectiveBand(_case.bounds, 4000e18, PRICE), 0.5e18);
        assertEq(GuardRules.effectiveBand(_case.bounds, NAV, PRICE), 3e18);
        assertEq(GuardRules.effectiveBand(_case.bounds, NAV, 0), 0);
    }

    function test_exposure_mayRiseByWhatAClosingVenueClosed() external {
        _closeFrom(10e18);
        _case.beforeTrade.venues[0].isClosing = true;
        _case.afterTrade.bookDeltaLow = -50e18;
        _accept();
        _case.afterTrade.bookDeltaLow = -50e18 - 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.NetDeltaExceeded.selector, 50e18 + 1, 50e18));
    }

    /// @dev At 5x where 4x is allowed margin is at stake: a cut down to 3x may pass the delta rule, not beyond.
    function test_exposure_mayRiseByWhatADeleveragingClosed() external {
        _closeFrom(10e18);
        _case.beforeTrade.venues[0].equityLow = 4000e18;
        _case.afterTrade.venues[0] = _venue(6e18);
        _case.afterTrade.venues[0].equityLow = 4000e18;
        _setBook(-50e18);
        _accept();
        _case.afterTrade.venues[0].notional = 12_000e18 - 4000;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.NetDeltaExceeded.selector, 44e18, 39e18));
    }

    // --- least trade, gross, caps -----------------------------------------------------------------------------------

    function test_notional_hasALeast() external {
        _case.bounds.minNotional = 20_000e18;
        _accept();
        _case.bounds.minNotional = 20_000e18 + 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.NotionalTooSmall.selector, 20_000e18, 20_000e18 + 1));
    }

    function test_notional_ofASmallTradeThatReachesTheBandIsWelcome() external {
        _case.bounds.minNotional = 30_000e18;
        _case.afterTrade.venues[0].sizeLow = 47e18;
        _case.afterTrade.venues[0].sizeHigh = 51e18;
        _accept();
        _case.afterTrade.venues[0].sizeLow = 47e18 - 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.NotionalTooSmall.selector, 20_000e18, 30_000e18));
    }

    function test_notional_ofASmallTradeThatClosesIsWelcome() external {
        _closeFrom(10e18);
        _case.beforeTrade.bookDeltaLow = 0;
        _case.beforeTrade.bookDeltaHigh = 0;
        _case.bounds.minNotional = 30_000e18;
        _case.bounds.band = 20e18;
        _accept();
        _case.afterTrade.venues[0].sizeHigh = 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.NotionalTooSmall.selector, 20_000e18, 30_000e18));
    }

    function test_gross_isBoundedWhereItRises() external {
        _case.bounds.maxGrossNotional = 20_000e18 - 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.GrossNotionalExceeded.selector, 20_000e18, 20_000e18 - 1));
        _case.beforeTrade.venues[0].notional = 20_000e18;
        _accept();
    }

    function test_cap_isBoundedWhereEquityRises() external {
        _case.afterTrade.venues[0].equity = 60_000e18;
        _case.afterTrade.venues[0].cap = 60_000e18;
        _accept();
        _case.afterTrade.venues[0].cap = 60_000e18 - 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.VenueCapExceeded.selector, 0, 60_000e18, 60_000e18 - 1));
        _case.beforeTrade.venues[0].equity = 60_000e18;
        _accept();
    }

    // --- leverage ---------------------------------------------------------------------------------------------------

    function test_venueLeverage_isBounded() external {
        _case.afterTrade.venues[0].equityLow = 5000e18;
        _accept();
        _case.afterTrade.venues[0].equityLow = 5000e18 - 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.VenueLeverageExceeded.selector, 0, 4e18 + 1, 4e18));
    }

    function test_venueLeverage_aboveIsAcceptedWhereNeitherRose() external {
        _case.beforeTrade.venues[0] = _venue(10e18);
        _case.beforeTrade.venues[0].equityLow = 4000e18;
        _case.afterTrade.venues[0].equityLow = 4000e18;
        _case.fills.pop();
        _accept();
        _case.afterTrade.venues[0].equityLow = 4000e18 - 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.VenueLeverageExceeded.selector, 0, 5e18 + 1, 4e18));
        _case.afterTrade.venues[0].equityLow = 4500e18;
        _case.afterTrade.venues[0].notional = 20_000e18 + 1;
        _refuse(
            abi.encodeWithSelector(IRebalanceGuard.VenueLeverageExceeded.selector, 0, 4_444_444_444_444_444_445, 4e18)
        );
    }

    function test_leverage_isBounded() external {
        _case.bounds.maxLeverage = 0.1e18;
        _accept();
        _case.bounds.maxLeverage = 0.1e18 - 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.LeverageExceeded.selector, 0.1e18, 0.1e18 - 1));
    }

    function test_leverage_aboveIsAcceptedWhereNeitherRose() external {
        _case.bounds.maxLeverage = 0.05e18;
        _case.beforeTrade.venues[0] = _venue(10e18);
        _case.fills.pop();
        _accept();
        _case.afterTrade.firmNav = NAV - 1e18;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.LeverageExceeded.selector, 100_000_500_002_500_013, 0.05e18));
    }

    function test_leverage_ofNoEquityIsTheLargest() external pure {
        assertEq(GuardRules.leverageUp(0, 0), 0);
        assertEq(GuardRules.leverageUp(1, 0), type(uint256).max);
        assertEq(GuardRules.leverageUp(1, 3), 333_333_333_333_333_334);
        assertEq(GuardRules.floorAtZero(-1), 0);
        assertEq(GuardRules.floorAtZero(1), 1);
    }

    // --- idle and losses --------------------------------------------------------------------------------------------

    function test_idle_staysAboveTheFloor() external {
        _case.afterTrade.idle = 10_000e18;
        _accept();
        _case.afterTrade.idle = 10_000e18 - 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.IdleBelowFloor.selector, 10_000e18 - 1, 10_000e18));
        _case.beforeTrade.idle = 10_000e18 - 1;
        _accept();
    }

    function test_navLoss_isBounded() external {
        _case.afterTrade.nav = NAV - 2000e18;
        _accept();
        _case.afterTrade.nav = NAV - 2000e18 - 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.NavLossExceeded.selector, 2000e18 + 1, 2000e18));
    }

    /// @dev 250 bps of NAV for all are 5,000 USD, of which 80 bps of NAV are used.
    function test_loss_ofAllIsRationed() external {
        _case.bounds.keeperShareBps = 10_000;
        _case.usage.all.lossUsed = 0.016e18;
        _case.afterTrade.nav = NAV - 1800e18;
        assertEq(_rules.evaluate(_case).all.lossUsed, 0.025e18);
        _case.afterTrade.nav = NAV - 1800e18 - 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.LossBudgetExceeded.selector, 1800e18 + 1, 1800e18));
    }

    /// @dev One keeper may lose 200 bps.
    function test_loss_ofOneKeeperIsRationed() external {
        _case.usage.own.lossUsed = 0.011e18;
        _case.afterTrade.nav = NAV - 1800e18;
        assertEq(_rules.evaluate(_case).own.lossUsed, 0.02e18);
        _case.afterTrade.nav = NAV - 1800e18 - 1;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.LossBudgetExceeded.selector, 1800e18 + 1, 1800e18));
    }

    /// @dev 100 bps of NAV a day.
    function test_loss_refillsInTime() external {
        _case.usage.all.lossUsed = 0.02e18;
        _case.usage.all.updatedAt = uint32(NOW - 12 hours);
        assertEq(_rules.evaluate(_case).all.lossUsed, 0.015e18);
    }

    /// @dev A buy may have lost what the price can be too high, a sale what it can be too low.
    function test_loss_countsTheLagOfThePrice() external {
        _case.beforeTrade.venues[0].priceLow = PRICE - 20e18;
        _case.beforeTrade.venues[0].priceHigh = PRICE + 10e18;
        assertEq(_rules.evaluate(_case).all.lossUsed, 0.001e18);
        _mirror();
        assertEq(_rules.evaluate(_case).all.lossUsed, 0.0005e18);
    }

    function test_loss_roundsUp() external {
        _case.afterTrade.nav = NAV - 1;
        assertEq(_rules.evaluate(_case).all.lossUsed, 1);
    }

    function test_firmNav_isTheLowerOfBoth() external {
        _case.afterTrade.firmNav = NAV / 2;
        _case.afterTrade.nav = NAV - 1000e18;
        assertEq(_rules.evaluate(_case).all.lossUsed, 0.01e18);
    }

    function test_marginAlone_leavesTheCooldown() external {
        _case.fills.pop();
        _case.afterTrade.venues[0] = _venue(0);
        _case.usage.own.lastTradeAt = uint32(NOW - 1);
        Usage memory next = _rules.evaluate(_case);
        assertEq(next.own.lastTradeAt, NOW - 1);
        assertEq(next.own.turnoverUsed, 0);
    }

    // --- private ----------------------------------------------------------------------------------------------------

    function _accept() private view {
        _rules.evaluate(_case);
    }

    function _refuse(bytes memory expectedError) private {
        vm.expectRevert(expectedError);
        _rules.evaluate(_case);
    }

    function _venue(int256 size) private pure returns (VenueMeasurement memory m) {
        (m.price, m.priceLow, m.priceHigh) = (PRICE, PRICE, PRICE);
        (m.sizeLow, m.sizeHigh) = (size, size);
        m.notional = GuardRules.notionalUp(size < 0 ? uint256(-size) : uint256(size), PRICE);
        (m.equity, m.equityLow, m.equityHigh) = (50_000e18, 50_000e18, 50_000e18);
        m.cap = type(uint128).max;
    }

    /// @dev The base case the other way round: a long book, a sale.
    function _mirror() private {
        (_case.beforeTrade.bookDeltaLow, _case.beforeTrade.bookDeltaHigh) = (int256(48e18), int256(50e18));
        (_case.afterTrade.bookDeltaLow, _case.afterTrade.bookDeltaHigh) = (int256(48e18), int256(50e18));
        _case.afterTrade.venues[0] = _venue(-10e18);
        _case.fills[0].sizeDelta = -10e18;
    }

    /// @dev Sells the long position `size`, whole. The book's own delta stays, so W stays at most 50.
    function _closeFrom(int256 size) private {
        _case.beforeTrade.venues[0] = _venue(size);
        _case.afterTrade.venues[0] = _venue(0);
        _case.fills[0].sizeDelta = -size;
        (_case.afterTrade.bookDeltaLow, _case.afterTrade.bookDeltaHigh) = (int256(0), int256(0));
    }

    function _setBook(int256 book) private {
        (_case.beforeTrade.bookDeltaLow, _case.beforeTrade.bookDeltaHigh) = (book, book);
        (_case.afterTrade.bookDeltaLow, _case.afterTrade.bookDeltaHigh) = (book, book);
    }
}
