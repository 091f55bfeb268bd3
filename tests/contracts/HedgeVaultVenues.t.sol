// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Vm} from "forge-std/Vm.sol";
import {HedgeVault} from "../../contracts/HedgeVault.sol";
import {Governed} from "../../contracts/governance/Governed.sol";
import {IDeltaBook} from "../../contracts/interfaces/IDeltaBook.sol";
import {IHedgeVault} from "../../contracts/interfaces/IHedgeVault.sol";
import {IMemberGate} from "../../contracts/interfaces/IMemberGate.sol";
import {IPerpVenue} from "../../contracts/interfaces/IPerpVenue.sol";
import {IPriceOracle} from "../../contracts/interfaces/IPriceOracle.sol";
import {IRebalanceGuard} from "../../contracts/interfaces/IRebalanceGuard.sol";
import {IVaultAccess} from "../../contracts/interfaces/IVaultAccess.sol";
import {IVaultBound} from "../../contracts/interfaces/IVaultBound.sol";
import {IVenueRegistry} from "../../contracts/interfaces/IVenueRegistry.sol";
import {DecimalScale} from "../../contracts/libraries/DecimalScale.sol";
import {Leg} from "../../contracts/types/Rebalance.sol";
import {ScriptedVenue} from "./support/ScriptedVenue.sol";
import {TokenDouble} from "./support/Tokens.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-020 .. HEDGE-024: which venues a vault has, and what it is deployed with.
contract HedgeVaultVenuesTest is VaultFixture {
    function _newVenue() private returns (ScriptedVenue) {
        return new ScriptedVenue(address(vault), address(token), PRICE);
    }

    function _addVenueExpecting(IPerpVenue added, bytes memory expectedError) private {
        _governExpecting(address(registry), abi.encodeCall(registry.addVenue, (added)), expectedError);
    }

    function _removeVenue(IPerpVenue removed) private {
        _govern(address(registry), abi.encodeCall(registry.removeVenue, (removed)));
    }

    function _removeVenueExpecting(bytes memory expectedError) private {
        _governExpecting(address(registry), abi.encodeCall(registry.removeVenue, (venue)), expectedError);
    }

    // HEDGE-020
    function test_addVenue_appends() external {
        ScriptedVenue second = _newVenue();
        _scheduleAs(governor, address(registry), abi.encodeCall(registry.addVenue, (second)));
        vm.expectEmit(address(registry));
        emit IVenueRegistry.VenueAdded(address(second));
        vm.prank(governor);
        registry.addVenue(second);
        IPerpVenue[] memory venues = registry.venues();
        assertEq(venues.length, 2);
        assertEq(address(venues[0]), address(venue));
        assertEq(address(venues[1]), address(second));
    }

    // HEDGE-020
    function test_addVenue_revertsIfItServesAnotherVault() external {
        ScriptedVenue stranger = new ScriptedVenue(address(this), address(token), PRICE);
        _addVenueExpecting(
            stranger, abi.encodeWithSelector(IVenueRegistry.VenueVaultMismatch.selector, address(this), address(vault))
        );
    }

    // HEDGE-020
    function test_addVenue_revertsIfItsCollateralIsAnother() external {
        TokenDouble other = new TokenDouble(6);
        ScriptedVenue stranger = new ScriptedVenue(address(vault), address(other), PRICE);
        _addVenueExpecting(
            stranger,
            abi.encodeWithSelector(IVenueRegistry.VenueCollateralMismatch.selector, address(other), address(token))
        );
    }

    // HEDGE-020
    function test_addVenue_revertsIfAlreadyThere() external {
        _addVenueExpecting(
            venue, abi.encodeWithSelector(IVenueRegistry.VenueAlreadyRegistered.selector, address(venue))
        );
    }

    // HEDGE-020
    function test_addVenue_revertsIfItHoldsAPosition() external {
        ScriptedVenue second = _newVenue();
        second.setPending(0, 1);
        _addVenueExpecting(second, abi.encodeWithSelector(IVenueRegistry.VenueNotEmpty.selector, address(second), 1, 0));
    }

    // HEDGE-021
    function test_addVenue_revertsIfTooMany() external {
        uint256 limit = registry.MAX_VENUES();
        for (uint256 i = 1; i < limit; ++i) {
            _addVenue(_newVenue());
        }
        _addVenueExpecting(_newVenue(), abi.encodeWithSelector(IVenueRegistry.TooManyVenues.selector, limit + 1, limit));
        assertEq(limit, 8);
    }

    // HEDGE-022
    function test_removeVenue_keepsTheOrderOfTheOthers() external {
        ScriptedVenue second = _newVenue();
        ScriptedVenue third = _newVenue();
        _addVenue(second);
        _addVenue(third);
        _scheduleAs(governor, address(registry), abi.encodeCall(registry.removeVenue, (venue)));
        vm.expectEmit(address(registry));
        emit IVenueRegistry.VenueRemoved(address(venue), false, 0);
        vm.prank(governor);
        registry.removeVenue(venue);
        IPerpVenue[] memory venues = registry.venues();
        assertEq(venues.length, 2);
        assertEq(address(venues[0]), address(second));
        assertEq(address(venues[1]), address(third));
        _removeVenue(third);
        assertEq(registry.venues().length, 1);
    }

    // HEDGE-022
    function test_removeVenue_revertsIfUnknown() external {
        _removeVenue(venue);
        _removeVenueExpecting(abi.encodeWithSelector(IVenueRegistry.VenueNotRegistered.selector, address(venue)));
    }

    // HEDGE-022
    function test_removeVenue_revertsIfItHasAPosition() external {
        _hedge();
        _removeVenueExpecting(
            abi.encodeWithSelector(IVenueRegistry.VenueNotEmpty.selector, address(venue), 50e18, 50_000e18)
        );
    }

    // HEDGE-022
    function test_removeVenue_isJudgedByTheHigherEquity() external {
        _hedge();
        venue.setPrices(PRICE, PRICE * 110 / 100); // 10,000 between the two
        _removeVenueExpecting(
            abi.encodeWithSelector(IVenueRegistry.VenueNotEmpty.selector, address(venue), 50e18, 60_000e18)
        );
    }

    // HEDGE-025
    function test_forceRemoveVenue_tellsTheEquityAtTheVenuesIndex() external {
        _hedge();
        venue.setPrices(PRICE * 110 / 100, PRICE);
        venue.setMarginError(1); // it cannot be emptied
        vm.prank(guardian);
        vault.lowerDepositCap(0);
        _scheduleAs(governor, address(registry), abi.encodeCall(registry.forceRemoveVenue, (venue)));
        vm.expectEmit(address(registry));
        emit IVenueRegistry.VenueRemoved(address(venue), true, 50_000e18);
        vm.prank(governor);
        registry.forceRemoveVenue(venue);
    }

    // HEDGE-025
    function test_forceRemoveVenue_bringsHomeWhatTheVenuePays() external {
        _hedge();
        _forceRemove(venue);
        assertEq(vault.totalAssets(), _units(200_000));
    }

    // HEDGE-025
    function test_forceRemoveVenue_needsNoClosedDepositsWhereNothingIsLeft() external {
        _deposit(depositor, _units(200_000));
        _rebalance(_leg(int256(_units(50_000)), 0));
        venue.setCash(50_001e18); // one dollar that cannot be withdrawn
        _govern(address(registry), abi.encodeCall(registry.forceRemoveVenue, (venue)));
        assertEq(vault.totalAssets(), _units(200_000));
    }

    // HEDGE-025
    function test_forceRemoveVenue_revertsIfDepositsAreOpenAndAnythingMayComeHomeLater() external {
        _hedge();
        bytes memory call_ = abi.encodeCall(registry.forceRemoveVenue, (venue));
        bytes memory refusal = abi.encodeWithSelector(IVenueRegistry.DepositsOpen.selector, type(uint128).max);
        _governExpecting(address(registry), call_, refusal); // a position is left, which may be worth something again
        venue.setSize(0);
        venue.setCash(50_001e18 + 1); // a wei more than one dollar beside what it pays
        _governExpecting(address(registry), call_, refusal);
        venue.setPending(-1, 0);
        venue.setCash(0);
        _governExpecting(address(registry), call_, refusal);
        venue.setHalted(true);
        _governExpecting(address(registry), call_, refusal);
    }

    // HEDGE-123
    /// @dev A venue that fails is left, and so would be one that pays if want of gas passed for its failure.
    function test_forceRemoveVenue_revertsIfTheVenueFailsWithLessGasThanItIsDue() external {
        _hedge();
        venue.setHalted(true);
        vm.prank(guardian);
        vault.lowerDepositCap(0);
        bytes memory call_ = abi.encodeCall(registry.forceRemoveVenue, (venue));
        _scheduleAs(governor, address(registry), call_);
        for (uint256 gas = 500_000; gas <= 3_000_000; gas += 500_000) {
            vm.prank(governor);
            (bool isDone, bytes memory answer) = address(registry).call{gas: gas}(call_);
            assertFalse(isDone);
            assertEq(bytes4(answer), IVenueRegistry.GasTooLow.selector);
        }
        vm.prank(governor);
        registry.forceRemoveVenue{gas: 3_200_000}(venue);
        assertEq(registry.venues().length, 0);
    }

    // HEDGE-022
    function test_removeVenue_revertsIfAnOrderIsPending() external {
        venue.setPending(-1, 0);
        _removeVenueExpecting(abi.encodeWithSelector(IVenueRegistry.VenueNotEmpty.selector, address(venue), -1, 0));
    }

    // HEDGE-020
    function test_addVenue_revertsIfItHoldsEquityOrDoesNotAnswer() external {
        ScriptedVenue second = _newVenue();
        second.setCash(1e18 + 1);
        _addVenueExpecting(
            second, abi.encodeWithSelector(IVenueRegistry.VenueNotEmpty.selector, address(second), 0, 1e18 + 1)
        );
        second.setCash(0);
        second.setHalted(true);
        _addVenueExpecting(second, abi.encodeWithSelector(IVenueRegistry.VenueSilent.selector, address(second)));
    }

    // HEDGE-022
    function test_removeVenue_bringsHomeWhatCanBeWithdrawn() external {
        _deposit(depositor, _units(200_000));
        _rebalance(_leg(int256(_units(50_000)), 0));
        _removeVenue(venue);
        assertEq(registry.venues().length, 0);
        assertEq(vault.idleAssets(), _units(200_000));
    }

    // HEDGE-022
    function test_removeVenue_revertsIfEquityIsLeftThatCannotBeWithdrawn() external {
        venue.setCash(1e18 + 1);
        _removeVenueExpecting(
            abi.encodeWithSelector(IVenueRegistry.VenueNotEmpty.selector, address(venue), 0, 1e18 + 1)
        );
        venue.setCash(1e18); // dust that a stranger may have sent does not keep it registered
        _removeVenue(venue);
        assertEq(registry.venues().length, 0);
    }

    // HEDGE-025
    function test_forceRemoveVenue_takesOffWhateverItHoldsAndLeavesItRecoverable() external {
        _hedge();
        venue.setHalted(true);
        _governExpecting(
            address(registry),
            abi.encodeCall(registry.removeVenue, (venue)),
            abi.encodeWithSelector(IVenueRegistry.VenueSilent.selector, address(venue))
        );
        _forceRemove(venue);
        assertEq(vault.totalAssets(), _units(150_000));
        assertEq(uint256(vault.depositBlock()), uint256(IHedgeVault.DepositBlock.None));
        venue.setHalted(false);
        vm.prank(attacker);
        assertEq(vault.recoverMargin(venue), _units(50_000));
        assertEq(vault.totalAssets(), _units(200_000));
    }

    // HEDGE-025
    function test_recoverMargin_revertsForVenuesRegisteredOrNeverRegistered() external {
        vm.expectRevert(abi.encodeWithSelector(IVenueRegistry.VenueStillRegistered.selector, address(venue)));
        vault.recoverMargin(venue);
        ScriptedVenue stranger = _newVenue();
        vm.expectRevert(abi.encodeWithSelector(IVenueRegistry.VenueNeverRegistered.selector, address(stranger)));
        vault.recoverMargin(stranger);
    }

    // HEDGE-026
    function test_closeVenue_isAtOnceAndReopeningWaits() external {
        vm.expectEmit(address(registry));
        emit IVenueRegistry.VenueClosingSet(address(venue), false, true);
        vm.prank(guardian);
        registry.closeVenue(venue);
        assertTrue(vault.measure().venues[0].isClosing);
        _govern(address(registry), abi.encodeCall(registry.reopenVenue, (venue)));
        assertFalse(vault.measure().venues[0].isClosing);
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IVenueRegistry.VenueNotRegistered.selector, attacker));
        registry.closeVenue(IPerpVenue(attacker));
    }

    // HEDGE-027
    function test_venueCap_boundsWhatMarginLeadsTo() external {
        _deposit(depositor, _units(200_000));
        vm.prank(guardian);
        registry.lowerVenueCap(venue, 40_000);
        _rebalanceExpecting(
            _leg(int256(_units(40_001)), 0),
            abi.encodeWithSelector(IRebalanceGuard.VenueCapExceeded.selector, 0, 40_001e18, 40_000e18)
        );
        _rebalance(_leg(int256(_units(40_000)), 0));
        venue.setCash(45_000e18); // profits may lead above it, and leave it
        _rebalance(_leg(-int256(_units(1)), 0));
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IVenueRegistry.CapLooser.selector, 40_001, 40_000));
        registry.lowerVenueCap(venue, 40_001);
        _govern(address(registry), abi.encodeCall(registry.setVenueCap, (venue, 60_000)));
        assertEq(registry.venueState(venue).capUsd, 60_000);
    }

    // HEDGE-027
    function test_setVenueCap_revertsIfUnknown() external {
        _governExpecting(
            address(registry),
            abi.encodeCall(registry.setVenueCap, (IPerpVenue(attacker), 1)),
            abi.encodeWithSelector(IVenueRegistry.VenueNotRegistered.selector, attacker)
        );
    }

    // HEDGE-023
    function test_constructor_revertsIfAnAddressHasNoCode() external {
        address nobody = makeAddr("nobody");
        bytes memory expected = abi.encodeWithSelector(Governed.NotAContract.selector, nobody);
        vm.expectRevert(expected);
        new HedgeVault(token, "", "", IVaultAccess(nobody), oracle, deltaBook, guard, gate, registry);
        vm.expectRevert(expected);
        new HedgeVault(token, "", "", access, IPriceOracle(nobody), deltaBook, guard, gate, registry);
        vm.expectRevert(expected);
        new HedgeVault(token, "", "", access, oracle, IDeltaBook(nobody), guard, gate, registry);
        vm.expectRevert(expected);
        new HedgeVault(token, "", "", access, oracle, deltaBook, IRebalanceGuard(nobody), gate, registry);
        vm.expectRevert(expected);
        new HedgeVault(token, "", "", access, oracle, deltaBook, guard, IMemberGate(nobody), registry);
        vm.expectRevert(expected);
        new HedgeVault(token, "", "", access, oracle, deltaBook, guard, gate, IVenueRegistry(nobody));
    }

    // HEDGE-023
    function test_constructor_revertsIfTheAssetHasTooManyDecimals() external {
        TokenDouble odd = new TokenDouble(25);
        vm.expectRevert(abi.encodeWithSelector(DecimalScale.TooManyDecimals.selector, 25, 24));
        new HedgeVault(odd, "", "", access, oracle, deltaBook, guard, gate, registry);
    }

    // HEDGE-024
    function test_codeFitsTheSizeLimitOfAChain() external view {
        uint256 limit = 24_576; // bytes, EIP-170
        assertLt(address(vault).code.length, limit);
        assertLt(address(guard).code.length, limit);
        assertLt(address(access).code.length, limit);
        assertLt(address(oracle).code.length, limit);
        assertLt(address(deltaBook).code.length, limit);
        assertLt(address(registry).code.length, limit);
    }

    // HEDGE-027
    function test_venueCap_emitsOldAndNewForRegisteredVenuesAlone() external {
        vm.startPrank(guardian);
        vm.expectEmit(address(registry));
        emit IVenueRegistry.VenueCapSet(address(venue), type(uint64).max, 40_000);
        registry.lowerVenueCap(venue, 40_000);
        registry.lowerVenueCap(venue, 40_000);
        vm.stopPrank();
        _governExpecting(
            address(registry),
            abi.encodeCall(registry.setVenueCap, (IPerpVenue(attacker), 1)),
            abi.encodeWithSelector(IVenueRegistry.VenueNotRegistered.selector, attacker)
        );
    }

    // HEDGE-025
    function test_recoverMargin_emitsWhatCameHome() external {
        _hedge();
        venue.setHalted(true);
        _forceRemove(venue);
        venue.setHalted(false);
        vm.startPrank(attacker);
        vm.expectEmit(address(vault));
        emit IHedgeVault.MarginBroughtHome(address(venue), _units(50_000), attacker);
        vault.recoverMargin(venue);
        venue.setHalted(true); // with nothing to bring, nothing is asked for
        assertEq(vault.recoverMargin(venue), 0);
    }

    function test_measureAndKeep_revertsIfCallerIsNotTheVault() external {
        IPriceOracle.Reading memory reading = oracle.read();
        vm.expectRevert(abi.encodeWithSelector(IVaultBound.OnlyBoundVault.selector, address(this), address(vault)));
        registry.measureAndKeep(reading, 0);
    }

    function test_venueSilentBeforeTheTrade_isNotAskedAgainAfterIt() external {
        _hedge();
        ScriptedVenue second = _newVenue();
        _addVenue(second);
        venue.setHalted(true);
        second.setCall(address(venue), abi.encodeCall(venue.setHalted, (false)));
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(address(second), int256(_units(1000)), 0, 0);
        vm.recordLogs();
        _rebalance(legs);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        bytes memory figures = logs[logs.length - 1].data;
        (,,, uint256 navBefore, uint256 navAfter) = abi.decode(figures, (uint256, uint256, uint256, uint256, uint256));
        assertEq(navBefore, 150_000e18);
        assertEq(navAfter, navBefore);
    }
}
