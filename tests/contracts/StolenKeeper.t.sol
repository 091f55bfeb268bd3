// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IPerpVenue} from "../../contracts/interfaces/IPerpVenue.sol";
import {IRebalanceGuard} from "../../contracts/interfaces/IRebalanceGuard.sol";
import {IVaultAccess} from "../../contracts/interfaces/IVaultAccess.sol";
import {IVenueRegistry} from "../../contracts/interfaces/IVenueRegistry.sol";
import {GuardRules} from "../../contracts/libraries/GuardRules.sol";
import {Leg} from "../../contracts/types/Rebalance.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice INV-01 .. INV-03: what a thief of the keeper key meets, and the most it can cost.
/// @dev The thief also controls the venue's prices: `ignoresLimit` lets it fill wherever it likes.
contract StolenKeeperTest is VaultFixture {
    /// @dev Collateral and position at the oracle price, WAD USD.
    function _worth() private view returns (int256) {
        return int256(vault.idleAssets() * 1e12) + venue.cash() + venue.size() * int256(PRICE) / 1e18;
    }

    // INV-01
    function test_thief_cannotEnlargeTheExposure() external {
        _deposit(depositor, _units(200_000));
        // W is 52. Selling 1 makes it 53; 51 is allowed.
        _rebalanceExpecting(
            _leg(int256(_units(50_000)), -1e18),
            abi.encodeWithSelector(IRebalanceGuard.NetDeltaExceeded.selector, 53e18, 51e18)
        );
    }

    // INV-01
    function test_thief_cannotUnwindTheHedge() external {
        _hedge(); // W is 2
        vm.warp(START + SECONDS_OF_COOLDOWN);
        _publish(PRICE);
        _rebalanceExpecting(
            _leg(0, -50e18), abi.encodeWithSelector(IRebalanceGuard.NetDeltaExceeded.selector, 52e18, 3e18)
        );
        // The band is 3 and the book's ends are 2 apart from the hedge: 1 may go, 1 and a wei may not.
        _rebalanceExpecting(
            _leg(0, -1e18 - 1), abi.encodeWithSelector(IRebalanceGuard.NetDeltaExceeded.selector, 3e18 + 1, 3e18)
        );
        _rebalance(_leg(0, -1e18));
    }

    // INV-02
    function test_thief_cannotExceedTheBucket() external {
        _deposit(depositor, _units(200_000));
        for (uint256 i = 0; i < 4; ++i) {
            source.set(-50e18, -50e18);
            _rebalance(_leg(i == 0 ? int256(_units(50_000)) : int256(0), 50e18)); // urgent, so there is no cooldown
            source.set(2e18, 2e18);
            _rebalance(_leg(0, -50e18)); // closing was paid for when it was opened
        }
        source.set(-50e18, -50e18);
        vm.warp(START + 7);
        _rebalanceExpecting(
            _leg(0, 50e18), abi.encodeWithSelector(IRebalanceGuard.TurnoverExceeded.selector, 100_000e18, 7e18)
        );
    }

    // INV-03
    function test_thief_cannotFillWorseThanTheBound() external {
        _deposit(depositor, _units(200_000));
        venue.setExecution(2010e18 + 1, 0, true);
        _rebalanceExpecting(
            _leg(int256(_units(50_000)), 50e18),
            abi.encodeWithSelector(IRebalanceGuard.SlippageExceeded.selector, 2010e18 + 1, 2010e18)
        );
        venue.setExecution(2010e18, 0, true);
        _rebalance(_leg(int256(_units(50_000)), 50e18));
    }

    // INV-03
    function test_thief_cannotPayAnotherByFees() external {
        _deposit(depositor, _units(200_000));
        venue.setExecution(0, 21, true);
        _rebalanceExpecting(
            _leg(int256(_units(50_000)), 50e18),
            abi.encodeWithSelector(IRebalanceGuard.FeeExceeded.selector, 210e18, 200e18)
        );
    }

    // INV-03
    function test_thief_cannotTradeBigOrDeep() external {
        _deposit(depositor, _units(200_000));
        source.set(-100e18, -100e18);
        _rebalanceExpecting(
            _leg(int256(_units(100_000)), 60e18 + 1),
            abi.encodeWithSelector(IRebalanceGuard.SizeDeltaExceeded.selector, 60e18 + 1, 60e18)
        );
        Leg[] memory legs = new Leg[](2);
        legs[0] = Leg(address(venue), int256(_units(100_000)), 40e18, 0);
        legs[1] = Leg(address(venue), 0, 40e18, 0);
        _rebalanceExpecting(
            legs, abi.encodeWithSelector(IRebalanceGuard.NotionalExceeded.selector, 160_000e18, 150_000e18)
        );
        legs[0].sizeDelta = 20e18;
        legs[0].marginDelta = int256(_units(20_000));
        _rebalanceExpecting(
            legs,
            abi.encodeWithSelector(IRebalanceGuard.VenueLeverageExceeded.selector, 0, 6.185567010309278351e18, 4e18)
        );
    }

    // INV-03
    function test_thief_cannotLoseNavAtOnce() external {
        _deposit(depositor, _units(200_000));
        venue.setMarginTaken(_units(2000) + 1); // 1 % of NAV and a unit
        _rebalanceExpecting(
            _leg(int256(_units(60_000)), 0),
            abi.encodeWithSelector(IRebalanceGuard.NavLossExceeded.selector, 2000e18 + 1e12, 2000e18)
        );
    }

    // INV-55
    function test_thief_cannotSendCollateralAnywhereElse() external {
        _deposit(depositor, _units(200_000));
        Leg[] memory legs = _leg(int256(_units(1000)), 0);
        legs[0].venue = attacker;
        _rebalanceExpecting(legs, abi.encodeWithSelector(IVenueRegistry.VenueNotRegistered.selector, attacker));
        vm.prank(keeper);
        vm.expectRevert(abi.encodeWithSelector(IPerpVenue.OnlyVault.selector, keeper, address(vault)));
        venue.withdrawMargin(1);
    }

    // INV-03
    function test_thief_costsAtMostTheLossBudgetAndComesCloseToIt() external {
        _hedge();
        source.set(-50e18, -50e18); // W is 0: the thief may swing the hedge by 3 to either side
        vm.warp(START + 30 days);
        _publish(PRICE);
        uint256 limit = guard.lossBounds().keeperKey;
        assertEq(limit, 10_000e18); // 5 % of 200,000
        int256 worthBefore = _worth();
        uint256 endsAt = block.timestamp + 1 days;
        int256 sizeDelta = 3e18;
        uint256 lag = 0;
        while (block.timestamp <= endsAt) {
            (uint256 turnover, uint256 loss) = guard.available(keeper, false);
            if (turnover >= 12_060e18 && loss >= 145e18) {
                venue.setExecution(sizeDelta > 0 ? 2010e18 : 1990e18, 20, false);
                _rebalance(_leg(0, sizeDelta));
                lag += GuardRules.notionalUp(SignedMath.abs(sizeDelta), 10e18);
                sizeDelta = sizeDelta > 0 ? int256(-6e18) : int256(6e18);
            }
            vm.warp(block.timestamp + SECONDS_OF_COOLDOWN);
            aggregator.updateAnswer(2000e8);
        }
        uint256 lost = uint256(worthBefore - _worth()) + lag; // and the price lagged to the thief's side each time
        assertLe(lost, limit);
        assertGt(lost, limit * 40 / 100); // the turnover ends first
    }

    // INV-03
    function test_thief_losesNoMoreByMarginThanTheBudget() external {
        _deposit(depositor, _units(200_000));
        uint256 limit = guard.lossBounds().keeperKey;
        venue.setMarginTaken(_units(500));
        uint256 accepted = 0;
        for (uint256 i = 0; i < 120; ++i) {
            try this.moveMargin() {
                ++accepted;
            } catch (bytes memory reason) {
                assertEq(bytes4(reason), IRebalanceGuard.LossBudgetExceeded.selector);
                break;
            }
        }
        assertEq(accepted, 9); // 2.5 % of a NAV that falls from 200,000; a day refills as much again
        assertLe(accepted * 500e18, limit);
    }

    function moveMargin() external {
        _rebalance(_leg(int256(_units(1000)), 0));
    }

    // HEDGE-304
    function test_thief_isStoppedAtOnceByTheGuardian() external {
        _deposit(depositor, _units(200_000));
        vm.prank(guardian);
        access.dismissKeeper(keeper);
        Leg[] memory legs = _leg(int256(_units(50_000)), 50e18);
        _rebalanceExpecting(legs, abi.encodeWithSelector(IVaultAccess.NotKeeper.selector, keeper));
    }
}
