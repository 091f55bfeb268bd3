// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {RebalanceGuard} from "../../contracts/RebalanceGuard.sol";
import {Governed} from "../../contracts/governance/Governed.sol";
import {IRebalanceGuard} from "../../contracts/interfaces/IRebalanceGuard.sol";
import {Bounds, Budget, Fill, Measurement} from "../../contracts/types/Rebalance.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-201 .. HEDGE-208: who may bind, set and tighten, what no role can pass, and what the budget does meanwhile.
contract RebalanceGuardTest is VaultFixture {
    /// @dev `Bounds` as the words it is encoded to, so that one test can go through all of its fields.
    uint256 private constant FIELD_COUNT = 13;

    function _fieldName(uint256 field) private pure returns (bytes32) {
        return [
            bytes32("band"),
            "minImprovement",
            "urgentDelta",
            "maxSizeDelta",
            "maxNotional",
            "turnoverCapacity",
            "turnoverRefillPerDay",
            "maxVenueLeverage",
            "maxLeverage",
            "maxSlippageBps",
            "maxFeeBps",
            "maxNavLossBps",
            "cooldownSeconds"
        ][field];
    }

    /// @dev Human values of the hard limits: 1e12 units, 1e12 USD, 10x, 3 %, 1 %, 5 %, one day.
    function _hardLimit(uint256 field) private pure returns (uint256) {
        return [uint256(1e30), 1e30, 1e30, 1e30, 1e30, 1e30, 1e30, 10e18, 10e18, 300, 100, 500, 86_400][field];
    }

    /// @dev Improvement, urgency and cooldown are tighter when higher.
    function _isTighterWhenHigher(uint256 field) private pure returns (bool) {
        return field == 1 || field == 2 || field == 12;
    }

    function _words(Bounds memory b) private pure returns (uint256[13] memory) {
        return abi.decode(abi.encode(b), (uint256[13]));
    }

    function _boundsOf(uint256[13] memory words) private pure returns (Bounds memory) {
        return abi.decode(abi.encode(words), (Bounds));
    }

    function _setBounds(Bounds memory b) private {
        _govern(address(guard), abi.encodeCall(guard.setBounds, (b)));
    }

    // HEDGE-201
    function test_constructor_fillsTheBucket() external view {
        assertEq(abi.encode(guard.bounds()), abi.encode(_bounds()));
        assertEq(abi.encode(guard.budget()), abi.encode(Budget(400_000e18, START, 0)));
        assertEq(guard.turnoverAvailable(), 400_000e18);
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
        emit IRebalanceGuard.VaultBound(address(vault));
        vm.prank(governor);
        fresh.bindVault(address(vault));
        assertEq(fresh.vault(), address(vault));
        _governExpecting(
            address(fresh),
            abi.encodeCall(fresh.bindVault, (address(this))),
            abi.encodeWithSelector(IRebalanceGuard.VaultAlreadyBound.selector, address(vault))
        );
    }

    // HEDGE-202
    function test_check_revertsIfCallerIsNotTheVault() external {
        Measurement memory m = vault.measure();
        vm.prank(keeper);
        vm.expectRevert(abi.encodeWithSelector(IRebalanceGuard.OnlyBoundVault.selector, keeper, address(vault)));
        guard.check(m, new Fill[](0), m);
    }

    // HEDGE-203
    function test_setBounds_acceptsEveryHardLimitAndNothingBeyond() external {
        for (uint256 field = 0; field < FIELD_COUNT; ++field) {
            uint256[13] memory words = _words(_bounds());
            words[2] = _hardLimit(2); // an urgency above every band
            words[field] = _hardLimit(field);
            _setBounds(_boundsOf(words));
            assertEq(_words(guard.bounds())[field], _hardLimit(field));

            words[field] += 1;
            _governExpecting(
                address(guard),
                abi.encodeCall(guard.setBounds, (_boundsOf(words))),
                abi.encodeWithSelector(
                    IRebalanceGuard.BoundOutsideHardLimit.selector, _fieldName(field), words[field], _hardLimit(field)
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
            uint256[13] memory words = _words(guard.bounds());
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
            uint256[13] memory words = _words(_bounds());
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
    function test_setBounds_settlesTheBucketAtTheOldRate() external {
        _hedge(); // 300,000 left
        vm.warp(START + 1000);
        Bounds memory b = _bounds();
        b.turnoverRefillPerDay = 864_000e18; // ten times as fast, from now on
        _setBounds(b);
        assertEq(abi.encode(guard.budget()), abi.encode(Budget(301_000e18, START + 1000, START)));
        vm.warp(START + 1010);
        assertEq(guard.turnoverAvailable(), 301_100e18);
    }

    // HEDGE-205
    function test_setBounds_doesNotRefillByLoweringAndRaisingCapacity() external {
        Bounds memory b = _bounds();
        b.turnoverCapacity = 10_000e18;
        _setBounds(b);
        assertEq(guard.turnoverAvailable(), 10_000e18);
        _setBounds(_bounds());
        assertEq(guard.turnoverAvailable(), 10_000e18);
    }

    // HEDGE-206
    function test_turnoverAvailable_refillsLinearlyUpToCapacity() external {
        _hedge();
        assertEq(guard.turnoverAvailable(), 300_000e18);
        vm.warp(START + 99_999);
        assertEq(guard.turnoverAvailable(), 399_999e18);
        vm.warp(START + 100_001);
        assertEq(guard.turnoverAvailable(), 400_000e18);
    }

    // HEDGE-207
    function test_limitPrice_movesAgainstTheVault() external view {
        assertEq(guard.limitPrice(2000e18, 1), 2010e18);
        assertEq(guard.limitPrice(2000e18, -1), 1990e18);
        assertEq(guard.limitPrice(2000e18 + 199, 1), 2010e18 + 199); // 199.995 wei, down
        assertEq(guard.limitPrice(2000e18 + 199, -1), 1990e18 + 199); // 198.005 wei, up
    }

    // HEDGE-208
    function test_maxDailyExecutionLoss_isTurnoverTimesSlippageAndFee() external {
        // 486,400 x 50 / 9,950 = 2,444.2211055276381909547..., up; 486,400 x 20 / 10,000 = 972.8
        assertEq(guard.maxDailyExecutionLoss(), 2444.221105527638190955e18 + 972.8e18);
        Bounds memory b = _bounds();
        b.maxSlippageBps = 0;
        b.maxFeeBps = 0;
        _setBounds(b);
        assertEq(guard.maxDailyExecutionLoss(), 0);
    }
}
