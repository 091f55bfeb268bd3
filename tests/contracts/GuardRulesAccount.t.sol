// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IRebalanceGuard} from "../../contracts/interfaces/IRebalanceGuard.sol";
import {GuardRules, Usage} from "../../contracts/libraries/GuardRules.sol";
import {GuardRulesFixture} from "./support/GuardRulesFixture.sol";

/// @title Each rule of `GuardRules` on what the vault holds after it by itself, at its bound and one unit beyond it
contract GuardRulesAccountTest is GuardRulesFixture {
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

    function test_notional_ofASmallWashOnAFlatVenueIsTooSmall() external {
        _closeFrom(0);
        _case.fills[0].sizeDelta = 10e18;
        _case.beforeTrade.bookDeltaLow = 0;
        _case.beforeTrade.bookDeltaHigh = 0;
        _case.bounds.minNotional = 30_000e18;
        _case.bounds.band = 20e18;
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
}
