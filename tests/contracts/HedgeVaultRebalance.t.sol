// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {VenueRegistry} from "../../contracts/VenueRegistry.sol";
import {IHedgeVault} from "../../contracts/interfaces/IHedgeVault.sol";
import {IPerpVenue} from "../../contracts/interfaces/IPerpVenue.sol";
import {IRebalanceGuard} from "../../contracts/interfaces/IRebalanceGuard.sol";
import {IVaultAccess} from "../../contracts/interfaces/IVaultAccess.sol";
import {IVaultBound} from "../../contracts/interfaces/IVaultBound.sol";
import {IVenueRegistry} from "../../contracts/interfaces/IVenueRegistry.sol";
import {Budget, Fill, Intent, Leg, Measurement} from "../../contracts/types/Rebalance.sol";
import {ScriptedVenue} from "./support/ScriptedVenue.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-101, HEDGE-102, HEDGE-105 .. HEDGE-115: what a rebalance does, and why it may be refused before the guard.
contract HedgeVaultRebalanceTest is VaultFixture {
    // HEDGE-101
    function test_rebalance_movesMarginThenTrades() external {
        _hedge();
        assertEq(vault.idleAssets(), _units(150_000));
        assertEq(token.balanceOf(address(venue)), _units(50_000));
        assertEq(venue.size(), 50e18);
        Measurement memory m = vault.measure();
        assertEq(m.price, PRICE);
        assertEq(m.bookDeltaLow, -52e18);
        assertEq(m.bookDeltaHigh, -48e18);
        assertEq(m.nav, 200_000e18);
        assertEq(m.idle, 150_000e18);
        assertEq(m.venues[0].sizeLow, 50e18);
        assertEq(m.venues[0].sizeHigh, 50e18);
        assertEq(m.venues[0].notional, 100_000e18);
        assertEq(m.venues[0].equity, 50_000e18);
        assertEq(m.venues[0].equityLow, 49_500e18); // 50 x 2,000 x 0.5 % of what the feed may not know yet
        assertEq(m.venues[0].equityHigh, 50_500e18);
    }

    // HEDGE-101
    function test_rebalance_withdrawsMarginAfterTheTradeThatFreesIt() external {
        _hedge();
        source.set(-2e18, 2e18);
        vm.warp(START + SECONDS_OF_COOLDOWN);
        _publish(PRICE);
        _rebalance(_leg(-int256(_units(50_000)), -50e18));
        assertEq(vault.idleAssets(), _units(200_000));
        assertEq(venue.size(), 0);
        assertEq(token.balanceOf(address(vault)), _units(200_000));
    }

    // HEDGE-102
    function test_rebalance_emitsWhatWasAskedForAndWhatWasDone() external {
        _deposit(depositor, _units(200_000));
        venue.setExecution(2005e18, 10, false);
        venue.setFill(9000, IPerpVenue.OrderStatus.Filled);
        Leg[] memory legs = _leg(int256(_units(50_000)), 50e18);
        vm.expectEmit(address(vault));
        emit IHedgeVault.LegExecuted(
            bytes32(uint256(1)), address(venue), 50e18, 45e18, 2005e18, 90.225e18, int256(_units(50_000))
        );
        vm.expectEmit(address(vault));
        // 45 bought at 2,005 and worth 2,000: 225 of slippage and 90.225 of fee.
        emit IHedgeVault.Rebalanced(
            bytes32(uint256(1)), keeper, PRICE, 52e18, 7e18, 200_000e18, 200_000e18 - 225e18 - 90.225e18
        );
        _rebalance(legs);
    }

    // HEDGE-102
    function test_rebalanced_tellsNavAtTheOraclesPriceNotAtTheHigher() external {
        _hedge();
        venue.setPrices(PRICE * 102 / 100, PRICE * 103 / 100); // both above the oracle
        (int256 cash, int256 size) = (venue.cash(), venue.size());
        uint256 nav = uint256(150_000e18 + cash + size * int256(PRICE) / 1e18);
        Leg[] memory legs = _leg(int256(_units(1000)), 0);
        (, uint256 navHigh) = vault.navBounds();
        assertGt(navHigh, nav / 1e12 + _units(2999));
        vm.expectEmit(address(vault));
        emit IHedgeVault.Rebalanced(bytes32(uint256(2)), keeper, PRICE, 50e18, 50e18, nav, nav);
        _rebalance(legs);
    }

    // HEDGE-105
    function test_rebalance_revertsIfNoLegs() external {
        _rebalanceExpecting(new Leg[](0), abi.encodeWithSelector(IHedgeVault.NoLegs.selector));
    }

    // HEDGE-105
    function test_rebalance_revertsIfVenueUnknown() external {
        Leg[] memory legs = _leg(0, 1e18);
        legs[0].venue = address(this);
        _rebalanceExpecting(legs, abi.encodeWithSelector(IVenueRegistry.VenueNotRegistered.selector, address(this)));
    }

    // HEDGE-106
    function test_rebalance_revertsIfCallerIsNoKeeper() external {
        Intent memory intent = _nextIntent();
        vm.prank(governor);
        vm.expectRevert(abi.encodeWithSelector(IVaultAccess.NotKeeper.selector, governor));
        vault.rebalance(intent, _leg(0, 1e18));
    }

    // HEDGE-106
    function test_rebalance_whilePaused_movesMarginInAndNothingElse() external {
        _hedge();
        vm.prank(guardian);
        vault.pause();
        _rebalanceExpecting(_leg(0, -1e18), abi.encodeWithSelector(IHedgeVault.TradeNotAllowed.selector, 0));
        _rebalanceExpecting(_leg(-1, 0), abi.encodeWithSelector(IHedgeVault.MarginNotAllowed.selector, 0));
        _rebalance(_leg(int256(_units(1000)), 0));
        assertEq(token.balanceOf(address(venue)), _units(51_000));
    }

    // HEDGE-107
    function test_rebalance_withoutAPrice_movesMarginInAndNothingElse() external {
        _hedge();
        vm.warp(START + 1 hours + 1);
        _rebalanceExpecting(_leg(0, 1e18), abi.encodeWithSelector(IHedgeVault.TradeNotAllowed.selector, 0));
        _rebalanceExpecting(_leg(-1, 0), abi.encodeWithSelector(IHedgeVault.MarginNotAllowed.selector, 0));
        _rebalance(_leg(int256(_units(1000)), 0));
        assertEq(token.balanceOf(address(venue)), _units(51_000));
    }

    // HEDGE-107
    function test_rebalance_withoutAPrice_bringsMarginHomeFromAVenueWithoutAPosition() external {
        _deposit(depositor, _units(200_000));
        _rebalance(_leg(int256(_units(50_000)), 0));
        vm.warp(START + 40 days);
        _rebalance(_leg(-int256(_units(50_000)), 0));
        assertEq(vault.idleAssets(), _units(200_000));
    }

    // HEDGE-108
    function test_rebalance_revertsIfMarginExceedsIdle() external {
        _deposit(depositor, _units(200_000));
        _rebalanceExpecting(
            _leg(int256(_units(200_000) + 1), 0),
            abi.encodeWithSelector(IHedgeVault.IdleExceeded.selector, _units(200_000) + 1, _units(200_000))
        );
    }

    // HEDGE-109
    function test_rebalance_revertsIfVenueTakesLessMarginThanApproved() external {
        _deposit(depositor, _units(200_000));
        venue.setMarginError(-1);
        _rebalanceExpecting(
            _leg(100, 0), abi.encodeWithSelector(IHedgeVault.MarginNotMoved.selector, address(venue), 99, 100)
        );
    }

    // HEDGE-109
    function test_rebalance_revertsIfVenueReturnsTooLittleOrTooMuch() external {
        _hedge();
        venue.setMarginError(-1);
        _rebalanceExpecting(
            _leg(-100, 0), abi.encodeWithSelector(IHedgeVault.MarginNotMoved.selector, address(venue), 99, 100)
        );
        venue.setMarginError(1);
        _rebalanceExpecting(
            _leg(-100, 0), abi.encodeWithSelector(IHedgeVault.MarginNotMoved.selector, address(venue), 101, 100)
        );
    }

    // HEDGE-101
    function test_rebalance_marginComesBeforeTheTradeItBacks() external {
        _deposit(depositor, _units(200_000));
        venue.setCall(address(venue), abi.encodeCall(venue.cash, ()));
        _rebalance(_leg(int256(_units(50_000)), 50e18));
        assertEq(abi.decode(venue.lastAnswer(), (int256)), 50_000e18); // asked last as the trade begins
    }

    // HEDGE-101
    function test_rebalance_marginLeavesAfterTheTradeThatFreesIt() external {
        _hedge();
        vm.warp(START + SECONDS_OF_COOLDOWN);
        _publish(PRICE);
        source.set(-22e18, -18e18);
        venue.setCall(address(venue), abi.encodeCall(venue.size, ()));
        _rebalance(_leg(-int256(_units(10_000)), -30e18));
        assertEq(abi.decode(venue.lastAnswer(), (int256)), 20e18); // asked last as the margin leaves
    }

    // HEDGE-109
    function test_rebalance_leavesNoAllowanceBehind() external {
        _hedge();
        assertEq(token.allowance(address(vault), address(venue)), 0);
    }

    // HEDGE-110
    function test_rebalance_passesTheGuardsLimitWhenTheKeeperNamesNone() external {
        _deposit(depositor, _units(200_000));
        venue.setExecution(2010e18 + 1, 0, false);
        _rebalanceExpecting(
            _leg(int256(_units(50_000)), 50e18),
            abi.encodeWithSelector(IPerpVenue.LimitPriceViolated.selector, 2010e18 + 1, 2010e18)
        );
    }

    // HEDGE-110
    function test_rebalance_takesTheTighterLimit() external {
        _deposit(depositor, _units(200_000));
        venue.setExecution(2006e18, 0, false);
        _expectLimit(50e18, 2005e18, 2005e18); // the keeper is tighter
        venue.setExecution(2011e18, 0, false);
        _expectLimit(50e18, 3000e18, 2010e18); // the guard is tighter
        venue.setExecution(1994e18, 0, false);
        _expectLimit(-50e18, 1995e18, 1995e18);
        venue.setExecution(1989e18, 0, false);
        _expectLimit(-50e18, 1000e18, 1990e18);
    }

    function _expectLimit(int256 sizeDelta, uint256 keeperLimit, uint256 limit) private {
        Leg[] memory legs = _leg(int256(_units(50_000)), sizeDelta);
        legs[0].limitPrice = keeperLimit;
        _rebalanceExpecting(
            legs, abi.encodeWithSelector(IPerpVenue.LimitPriceViolated.selector, venue.executionPrice(), limit)
        );
    }

    // HEDGE-111
    function test_rebalance_revertsIfNothingWasFilled() external {
        _deposit(depositor, _units(200_000));
        venue.setFill(0, IPerpVenue.OrderStatus.Filled);
        _rebalanceExpecting(
            _leg(int256(_units(50_000)), 50e18),
            abi.encodeWithSelector(IRebalanceGuard.NetDeltaExceeded.selector, 52e18, 51e18)
        );
    }

    // HEDGE-112
    function test_rebalance_isJudgedOnWhatWasFilledNotAskedFor() external {
        _deposit(depositor, _units(200_000));
        venue.setFill(100, IPerpVenue.OrderStatus.Filled); // 1 % of 50 = 0.5, less than the least improvement
        _rebalanceExpecting(
            _leg(int256(_units(50_000)), 50e18),
            abi.encodeWithSelector(IRebalanceGuard.NetDeltaExceeded.selector, 51.5e18, 51e18)
        );
    }

    // HEDGE-112
    function test_rebalance_booksTurnoverLossAndTime() external {
        _hedge();
        Budget memory budget = guard.totalBudget();
        assertEq(budget.turnoverUsed, 100_000e18);
        assertEq(budget.lossUsed, 0.0025e18); // nothing lost at 2,000, and 0.5 % that the price may lag: 500 of 200,000
        assertEq(budget.updatedAt, START);
        assertEq(budget.lastTradeAt, START);
        assertEq(abi.encode(guard.keeperBudget(keeper)), abi.encode(budget));
    }

    // HEDGE-113
    function test_rebalance_ofMarginAloneSpendsNoTurnoverAndStartsNoCooldown() external {
        _hedge();
        vm.warp(START + 10);
        _rebalance(_leg(int256(_units(10_000)), 0));
        Budget memory budget = guard.totalBudget();
        assertEq(budget.turnoverUsed, 100_000e18 - 10e18);
        assertEq(budget.lastTradeAt, START);
        assertEq(vault.idleAssets(), _units(140_000));
    }

    // HEDGE-113
    function test_rebalance_ofMarginAloneIsJudgedByLeverage() external {
        _hedge();
        _rebalanceExpecting(
            _leg(-int256(_units(30_000)), 0),
            abi.encodeWithSelector(IRebalanceGuard.VenueLeverageExceeded.selector, 0, 5.128205128205128206e18, 4e18)
        );
    }

    // HEDGE-114
    function test_rebalance_overSeveralVenues() external {
        ScriptedVenue second = new ScriptedVenue(address(vault), address(token), PRICE);
        _addVenue(second);
        _deposit(depositor, _units(200_000));
        Leg[] memory legs = new Leg[](3);
        legs[0] = Leg(address(second), int256(_units(20_000)), 20e18, 0);
        legs[1] = Leg(address(venue), int256(_units(30_000)), 0, 0);
        legs[2] = Leg(address(venue), 0, 30e18, 0);
        _rebalance(legs);
        Measurement memory m = vault.measure();
        assertEq(m.venues.length, 2);
        assertEq(m.venues[0].sizeLow, 30e18);
        assertEq(m.venues[1].sizeLow, 20e18);
        assertEq(m.venues[1].equity, 20_000e18);
        assertEq(guard.totalBudget().turnoverUsed, 100_000e18);
    }

    // HEDGE-101, HEDGE-114
    function test_rebalance_showsTheGuardExactlyWhatHappened() external {
        ScriptedVenue second = new ScriptedVenue(address(vault), address(token), PRICE);
        _addVenue(second);
        _deposit(depositor, _units(200_000));
        second.setExecution(2004e18, 10, false);
        Leg[] memory legs = new Leg[](2);
        legs[0] = Leg(address(venue), int256(_units(30_000)), 0, 0);
        legs[1] = Leg(address(second), int256(_units(20_000)), 20e18, 0);
        Fill[] memory fills = new Fill[](1);
        fills[0] = Fill(1, 20e18, 2004e18, 40.08e18, false);

        Measurement memory beforeTrade = vault.measure();
        uint256 snapshot = vm.snapshotState();
        _rebalance(legs);
        Measurement memory afterTrade = vault.measure();
        vm.revertToState(snapshot);
        vm.expectCall(address(guard), abi.encodeCall(guard.check, (keeper, beforeTrade, fills, afterTrade)), 1);
        _rebalance(legs);
    }

    // HEDGE-115
    function test_measure_countsPendingOrdersAtTheirWorst() external {
        _hedge();
        venue.setPending(-70e18, 5e18);
        Measurement memory m = vault.measure();
        assertEq(m.venues[0].sizeLow, -20e18);
        assertEq(m.venues[0].sizeHigh, 55e18);
        assertEq(m.venues[0].notional, 110_000e18);
        venue.setPending(-110e18, 5e18);
        assertEq(vault.measure().venues[0].notional, 120_000e18);
    }

    // HEDGE-115
    function test_measure_takesNotionalAtTheOraclePrice() external {
        _hedge();
        venue.setPrices(1900e18, 2100e18);
        assertEq(vault.measure().venues[0].notional, 100_000e18);
    }

    // HEDGE-115
    function test_measure_floorsEachVenueAtZero() external {
        ScriptedVenue second = new ScriptedVenue(address(vault), address(token), PRICE);
        _addVenue(second);
        _deposit(depositor, _units(100));
        venue.setCash(-70e18);
        second.setCash(30e18);
        Measurement memory m = vault.measure();
        assertEq(m.venues[0].equityLow, -70e18);
        assertEq(m.nav, 130e18);
        (uint256 low, uint256 high) = vault.navBounds();
        assertEq(low, _units(130));
        assertEq(high, _units(130));
    }

    // HEDGE-101
    function test_rebalance_revertsIfGuardOrRegistryServeAnotherVault() external {
        vault = _newVault(guard, registry);
        _rebalanceExpecting(
            _leg(0, 0), abi.encodeWithSelector(IVaultBound.OnlyBoundVault.selector, address(vault), registry.vault())
        );
        registry = new VenueRegistry(access);
        vault = _newVault(guard, registry);
        _govern(address(registry), abi.encodeCall(registry.bindVault, (address(vault))));
        venue = new ScriptedVenue(address(vault), address(token), PRICE);
        _addVenue(venue);
        _rebalanceExpecting(
            _leg(0, 0), abi.encodeWithSelector(IVaultBound.OnlyBoundVault.selector, address(vault), guard.vault())
        );
    }
}
