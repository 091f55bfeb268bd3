// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IRebalanceGuard} from "../../contracts/interfaces/IRebalanceGuard.sol";
import {GuardRules, Usage} from "../../contracts/libraries/GuardRules.sol";
import {Fill} from "../../contracts/types/Rebalance.sol";
import {GuardRulesFixture} from "./support/GuardRulesFixture.sol";

/// @title Each rule of `GuardRules` on trades and exposure by itself, at its bound and one unit beyond it
contract GuardRulesTest is GuardRulesFixture {
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
        _case.fills.push(Fill(0, 1e18, PRICE, 0, false));
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
        _case.fills.push(Fill(0, -1e18, PRICE, 0, false));
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

    /// @dev At 5x where 4x is allowed margin is at stake: a cut down to 3x may pass the delta rule, not beyond, and none where
    ///      the vault could bring margin instead.
    function test_exposure_mayRiseByWhatADeleveragingClosed() external {
        _closeFrom(10e18);
        _case.bounds.idleFloorBps = 0;
        _case.beforeTrade.firmNav = 5000e18 - 1; // that 20,000 are more than four times of
        _case.beforeTrade.venues[0].equityLow = 4000e18;
        _case.afterTrade.venues[0] = _venue(6e18);
        _case.afterTrade.venues[0].equityLow = 4000e18;
        _setBook(-50e18);
        _accept();
        _case.beforeTrade.firmNav = 5000e18;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.NetDeltaExceeded.selector, 44e18, 39e18));
        _case.bounds.idleFloorBps = 1; // which is no margin
        _accept();
        _case.afterTrade.venues[0].notional = 12_000e18 - 4000;
        _refuse(abi.encodeWithSelector(IRebalanceGuard.NetDeltaExceeded.selector, 44e18, 39e18));
    }
}
