// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {RebalanceGuard} from "../../contracts/RebalanceGuard.sol";
import {Governed} from "../../contracts/governance/Governed.sol";
import {IRebalanceGuard} from "../../contracts/interfaces/IRebalanceGuard.sol";
import {IVaultBound} from "../../contracts/interfaces/IVaultBound.sol";
import {Bounds, Budget, Fill, Measurement} from "../../contracts/types/Rebalance.sol";
import {HardLimits} from "./support/HardLimits.sol";
import {ScriptedVenue} from "./support/ScriptedVenue.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-201 .. HEDGE-208: who may bind, set and tighten, what no role can pass, and what the budget does meanwhile.
contract RebalanceGuardTest is VaultFixture {
    /// @dev `Bounds` as the words it is encoded to, so that one test can go through all of its fields.
    uint256 private constant FIELD_COUNT = HardLimits.FIELD_COUNT;

    function _fieldName(uint256 field) private pure returns (bytes32) {
        return [
            bytes32("band"),
            "minImprovement",
            "urgentDelta",
            "maxSizeDelta",
            "minNotional",
            "maxNotional",
            "maxGrossNotional",
            "turnoverCapacity",
            "turnoverRefillPerDay",
            "maxVenueLeverage",
            "maxLeverage",
            "maxSlippageBps",
            "maxFeeBps",
            "maxNavLossBps",
            "lossCapacityBps",
            "lossRefillBpsPerDay",
            "maxDrawdownBps",
            "idleFloorBps",
            "urgentReserveBps",
            "keeperShareBps",
            "cooldownSeconds"
        ][field];
    }

    /// @dev Improvement, urgency, least trade, floor, reserve and cooldown are tighter when higher.
    function _isTighterWhenHigher(uint256 field) private pure returns (bool) {
        return field == 1 || field == 2 || field == 4 || field == 17 || field == 18 || field == 20;
    }

    /// @dev Neither way is tighter.
    function _isFixed(uint256 field) private pure returns (bool) {
        return field == 16;
    }

    /// @dev Bounds that let every other field reach its hard limit.
    function _roomy() private pure returns (Bounds memory b) {
        b = _bounds();
        b.urgentDelta = 1e30; // above every band
        b.maxNotional = 1e28; // above every least trade
        b.lossCapacityBps = 0;
        b.lossRefillBpsPerDay = 0; // each may have the other's part
    }

    function _words(Bounds memory b) private pure returns (uint256[21] memory) {
        return abi.decode(abi.encode(b), (uint256[21]));
    }

    function _boundsOf(uint256[21] memory words) private pure returns (Bounds memory) {
        return abi.decode(abi.encode(words), (Bounds));
    }

    // HEDGE-201
    function test_constructor_leavesTheBudgetsUnused() external {
        Budget memory none;
        assertEq(abi.encode(guard.bounds()), abi.encode(_bounds()));
        assertEq(abi.encode(guard.totalBudget()), abi.encode(none));
        _deposit(depositor, _units(200_000));
        (uint256 turnover, uint256 loss) = guard.available(keeper, false);
        assertEq(turnover, 400_000e18);
        assertEq(loss, 5000e18);
        assertEq(address(guard.access()), address(access));
    }

    // HEDGE-201
    function test_constructor_revertsIfOutsideHardLimits() external {
        Bounds memory b = _bounds();
        b.maxFeeBps = 101;
        vm.expectRevert(
            abi.encodeWithSelector(IRebalanceGuard.BoundOutsideHardLimit.selector, bytes32("maxFeeBps"), 101, 100)
        );
        new RebalanceGuard(access, b);
    }

    // HEDGE-202
    function test_bindVault_worksOnce() external {
        RebalanceGuard fresh = new RebalanceGuard(access, _bounds());
        _governExpecting(
            address(fresh),
            abi.encodeCall(fresh.bindVault, (attacker)),
            abi.encodeWithSelector(Governed.NotAContract.selector, attacker)
        );
        _scheduleAs(governor, address(fresh), abi.encodeCall(fresh.bindVault, (address(vault))));
        vm.expectEmit(address(fresh));
        emit IVaultBound.VaultBound(address(vault));
        vm.prank(governor);
        fresh.bindVault(address(vault));
        assertEq(fresh.vault(), address(vault));
        _governExpecting(
            address(fresh),
            abi.encodeCall(fresh.bindVault, (address(this))),
            abi.encodeWithSelector(IVaultBound.VaultAlreadyBound.selector, address(vault))
        );
    }

    // HEDGE-202
    function test_check_revertsIfCallerIsNotTheVault() external {
        Measurement memory m = vault.measure();
        vm.prank(keeper);
        vm.expectRevert(abi.encodeWithSelector(IVaultBound.OnlyBoundVault.selector, keeper, address(vault)));
        guard.check(keeper, m, new Fill[](0), m);
    }

    // HEDGE-203
    function test_setBounds_acceptsEveryHardLimitAndNothingBeyond() external {
        for (uint256 field = 0; field < FIELD_COUNT; ++field) {
            uint256[21] memory words = _words(_roomy());
            words[field] = HardLimits.limitOf(field);
            _setBounds(_boundsOf(words));
            assertEq(_words(guard.bounds())[field], HardLimits.limitOf(field));

            if (field == 4) continue; // the least trade is bounded by the largest one: a test of its own
            words[field] += 1;
            _governExpecting(
                address(guard),
                abi.encodeCall(guard.setBounds, (_boundsOf(words))),
                abi.encodeWithSelector(
                    IRebalanceGuard.BoundOutsideHardLimit.selector,
                    _fieldName(field),
                    words[field],
                    HardLimits.limitOf(field)
                )
            );
        }
    }

    // HEDGE-203
    function test_setBounds_revertsIfUrgencyBeginsInsideTheBand() external {
        Bounds memory b = _bounds();
        b.urgentDelta = b.band;
        _setBounds(b);
        b.urgentDelta = b.band - 1;
        _governExpecting(
            address(guard),
            abi.encodeCall(guard.setBounds, (b)),
            abi.encodeWithSelector(
                IRebalanceGuard.BoundOutsideHardLimit.selector, bytes32("urgentDelta"), b.band - 1, b.band
            )
        );
    }

    // HEDGE-203
    function test_setBounds_revertsIfBoundsContradictEachOther() external {
        Bounds memory b = _bounds();
        b.minNotional = b.maxNotional + 1;
        _expectOutside(b, "minNotional", b.minNotional, b.maxNotional);
        b = _bounds();
        b.lossRefillBpsPerDay = 251; // with the capacity of 250 more than 5 % a day
        _expectOutside(b, "lossRefillBpsPerDay", 251, 250);
        b = _bounds();
        b.maxDrawdownBps = 583; // what keepers may lose in 32 hours, 250 + 333.3, would trip the breaker
        _expectOutside(b, "maxDrawdownBps", 583, 584);
        b = _bounds();
        b.cooldownSeconds = 29;
        _expectOutside(b, "cooldownSeconds", 29, 30);
    }

    function _expectOutside(Bounds memory b, bytes32 boundName, uint256 actual, uint256 limit) private {
        _governExpecting(
            address(guard),
            abi.encodeCall(guard.setBounds, (b)),
            abi.encodeWithSelector(IRebalanceGuard.BoundOutsideHardLimit.selector, boundName, actual, limit)
        );
    }

    // HEDGE-203
    function test_setBounds_emitsOldAndNew() external {
        Bounds memory b = _bounds();
        b.band = 4e18;
        _scheduleAs(governor, address(guard), abi.encodeCall(guard.setBounds, (b)));
        vm.expectEmit(address(guard));
        emit IRebalanceGuard.BoundsSet(_bounds(), b);
        vm.prank(governor);
        guard.setBounds(b);
    }

    // HEDGE-204
    function test_tightenBounds_acceptsTighterAndEqualInEveryField() external {
        for (uint256 field = 0; field < FIELD_COUNT; ++field) {
            if (_isFixed(field)) continue;
            uint256[21] memory words = _words(guard.bounds());
            if (_isTighterWhenHigher(field)) words[field] += 1;
            else words[field] -= 1;
            vm.prank(guardian);
            guard.tightenBounds(_boundsOf(words));
            assertEq(_words(guard.bounds())[field], words[field]);
        }
    }

    // HEDGE-204
    function test_tightenBounds_revertsIfAnyFieldIsLooser() external {
        for (uint256 field = 0; field < FIELD_COUNT; ++field) {
            Bounds memory start = _bounds();
            start.urgentReserveBps = 100;
            start.keeperShareBps = 9000;
            start.lossCapacityBps = 100;
            start.lossRefillBpsPerDay = 100;
            _setBounds(start);
            uint256[21] memory words = _words(start);
            uint256 limit = words[field];
            if (_isTighterWhenHigher(field)) words[field] -= 1;
            else words[field] += 1;
            vm.prank(guardian);
            vm.expectRevert(
                abi.encodeWithSelector(IRebalanceGuard.BoundLooser.selector, _fieldName(field), words[field], limit)
            );
            guard.tightenBounds(_boundsOf(words));
        }
    }

    // HEDGE-204
    function test_tightenBounds_revertsIfOutsideHardLimits() external {
        Bounds memory b = _bounds();
        b.cooldownSeconds = 86_401;
        vm.prank(guardian);
        vm.expectRevert(
            abi.encodeWithSelector(
                IRebalanceGuard.BoundOutsideHardLimit.selector, bytes32("cooldownSeconds"), 86_401, 86_400
            )
        );
        guard.tightenBounds(b);
    }

    // HEDGE-205
    function test_setBounds_settlesTheBudgetAtTheOldRate() external {
        _hedge(); // 100,000 used, and 500 of the loss budget
        vm.warp(START + 1000);
        Bounds memory b = _bounds();
        b.turnoverRefillPerDay = 864_000e18; // ten times as fast, from now on
        _setBounds(b);
        // 1,000 refilled at 1 a second, and 2.5 % of NAV a day.
        uint256 lossUsed = 0.0025e18 - uint256(0.025e18) * 1000 / 86_400;
        Budget memory expected = Budget(99_000e18, uint96(lossUsed), uint32(START + 1000), uint32(START));
        assertEq(abi.encode(guard.totalBudget()), abi.encode(expected));
    }

    // HEDGE-205
    function test_setBounds_doesNotRefillByLoweringAndRaisingCapacity() external {
        _hedge();
        Bounds memory b = _bounds();
        b.turnoverCapacity = 10_000e18;
        _setBounds(b);
        assertEq(_turnoverAvailable(), 0);
        _setBounds(_bounds());
        assertEq(_turnoverAvailable(), 300_000e18);
    }

    // HEDGE-206
    function test_available_refillsLinearlyUpToCapacity() external {
        _hedge();
        assertEq(_turnoverAvailable(), 300_000e18);
        vm.warp(START + 99_999);
        assertEq(_turnoverAvailable(), 399_999e18);
        vm.warp(START + 100_001);
        assertEq(_turnoverAvailable(), 400_000e18);
    }

    // HEDGE-209
    function test_available_keepsAReserveForUrgencyAndAShareForOtherKeepers() external {
        _deposit(depositor, _units(200_000));
        Bounds memory b = _bounds();
        b.urgentReserveBps = 2500;
        b.keeperShareBps = 6000;
        _setBounds(b);
        (uint256 turnover, uint256 loss) = guard.available(keeper, false);
        assertEq(turnover, 180_000e18); // 400,000 x 75 % x 60 %
        assertEq(loss, 3000e18); // 5,000 x 60 %
        (turnover,) = guard.available(keeper, true);
        assertEq(turnover, 240_000e18);
        _rebalance(_leg(int256(_units(50_000)), 50e18));
        (turnover, loss) = guard.available(keeper, false);
        assertEq(turnover, 80_000e18);
        assertEq(loss, 2500e18);
        (turnover, loss) = guard.available(attacker, false); // a second keeper has a budget of its own, under the total
        assertEq(turnover, 180_000e18);
        assertEq(loss, 3000e18);
    }

    function _turnoverAvailable() private view returns (uint256 turnover) {
        (turnover,) = guard.available(keeper, false);
    }

    // HEDGE-207
    function test_limitPrice_movesAgainstTheVault() external view {
        assertEq(guard.limitPrice(2000e18, 1), 2010e18);
        assertEq(guard.limitPrice(2000e18, -1), 1990e18);
        assertEq(guard.limitPrice(2000e18 + 199, 1), 2010e18 + 199); // 199.995 wei, down
        assertEq(guard.limitPrice(2000e18 + 199, -1), 1990e18 + 199); // 198.005 wei, up
    }

    // HEDGE-208
    function test_lossBounds_addUpBudgetsAndFunding() external {
        _hedge();
        venue.setMaxFundingRate(0.1e18); // 10 % of 100,000 a day
        Bounds memory b = _bounds();
        b.keeperShareBps = 6000;
        _setBounds(b);
        IRebalanceGuard.LossBounds memory losses = guard.lossBounds();
        assertEq(losses.allKeeperKeys, 10_000e18); // 5 % of 200,000
        assertEq(losses.keeperKey, 6000e18);
        assertEq(losses.funding, 10_000e18);
        assertEq(losses.total, 20_000e18);
    }

    // HEDGE-208
    function test_lossBounds_askNothingOfAVenueWithoutExposure() external {
        ScriptedVenue second = new ScriptedVenue(address(vault), address(token), PRICE);
        _addVenue(second);
        _hedge();
        venue.setMaxFundingRate(0.1e18);
        vm.mockCallRevert(address(second), abi.encodeCall(second.maxFundingRate, ()), "");
        assertEq(guard.lossBounds().funding, 10_000e18);
    }
}
