// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {HedgeVault} from "../../contracts/HedgeVault.sol";
import {Governed} from "../../contracts/governance/Governed.sol";
import {IDeltaBook} from "../../contracts/interfaces/IDeltaBook.sol";
import {IHedgeVault} from "../../contracts/interfaces/IHedgeVault.sol";
import {IPerpVenue} from "../../contracts/interfaces/IPerpVenue.sol";
import {IPriceOracle} from "../../contracts/interfaces/IPriceOracle.sol";
import {IRebalanceGuard} from "../../contracts/interfaces/IRebalanceGuard.sol";
import {IVaultAccess} from "../../contracts/interfaces/IVaultAccess.sol";
import {DecimalScale} from "../../contracts/libraries/DecimalScale.sol";
import {ScriptedVenue} from "./support/ScriptedVenue.sol";
import {TokenDouble} from "./support/Tokens.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-020 .. HEDGE-024: which venues a vault has, and what it is deployed with.
contract HedgeVaultVenuesTest is VaultFixture {
    function _newVenue() private returns (ScriptedVenue) {
        return new ScriptedVenue(address(vault), address(token), PRICE);
    }

    function _addVenueExpecting(IPerpVenue added, bytes memory expectedError) private {
        _governExpecting(address(vault), abi.encodeCall(vault.addVenue, (added)), expectedError);
    }

    function _removeVenue(IPerpVenue removed) private {
        _govern(address(vault), abi.encodeCall(vault.removeVenue, (removed)));
    }

    function _removeVenueExpecting(bytes memory expectedError) private {
        _governExpecting(address(vault), abi.encodeCall(vault.removeVenue, (venue)), expectedError);
    }

    // HEDGE-020
    function test_addVenue_appends() external {
        ScriptedVenue second = _newVenue();
        _scheduleAs(governor, address(vault), abi.encodeCall(vault.addVenue, (second)));
        vm.expectEmit(address(vault));
        emit IHedgeVault.VenueAdded(address(second));
        vm.prank(governor);
        vault.addVenue(second);
        IPerpVenue[] memory venues = vault.venues();
        assertEq(venues.length, 2);
        assertEq(address(venues[0]), address(venue));
        assertEq(address(venues[1]), address(second));
    }

    // HEDGE-020
    function test_addVenue_revertsIfItServesAnotherVault() external {
        ScriptedVenue stranger = new ScriptedVenue(address(this), address(token), PRICE);
        _addVenueExpecting(
            stranger, abi.encodeWithSelector(IHedgeVault.VenueVaultMismatch.selector, address(this), address(vault))
        );
    }

    // HEDGE-020
    function test_addVenue_revertsIfItsCollateralIsAnother() external {
        TokenDouble other = new TokenDouble(6);
        ScriptedVenue stranger = new ScriptedVenue(address(vault), address(other), PRICE);
        _addVenueExpecting(
            stranger,
            abi.encodeWithSelector(IHedgeVault.VenueCollateralMismatch.selector, address(other), address(token))
        );
    }

    // HEDGE-020
    function test_addVenue_revertsIfAlreadyThere() external {
        _addVenueExpecting(venue, abi.encodeWithSelector(IHedgeVault.VenueAlreadyRegistered.selector, address(venue)));
    }

    // HEDGE-020
    function test_addVenue_revertsIfItHoldsAPosition() external {
        ScriptedVenue second = _newVenue();
        second.setPending(0, 1);
        _addVenueExpecting(second, abi.encodeWithSelector(IHedgeVault.VenueNotEmpty.selector, address(second), 1, 0));
    }

    // HEDGE-021
    function test_addVenue_revertsIfTooMany() external {
        uint256 limit = vault.MAX_VENUES();
        for (uint256 i = 1; i < limit; ++i) {
            _addVenue(_newVenue());
        }
        _addVenueExpecting(_newVenue(), abi.encodeWithSelector(IHedgeVault.TooManyVenues.selector, limit + 1, limit));
        assertEq(limit, 8);
    }

    // HEDGE-022
    function test_removeVenue_keepsTheOrderOfTheOthers() external {
        ScriptedVenue second = _newVenue();
        ScriptedVenue third = _newVenue();
        _addVenue(second);
        _addVenue(third);
        _scheduleAs(governor, address(vault), abi.encodeCall(vault.removeVenue, (venue)));
        vm.expectEmit(address(vault));
        emit IHedgeVault.VenueRemoved(address(venue));
        vm.prank(governor);
        vault.removeVenue(venue);
        IPerpVenue[] memory venues = vault.venues();
        assertEq(venues.length, 2);
        assertEq(address(venues[0]), address(second));
        assertEq(address(venues[1]), address(third));
        _removeVenue(third);
        assertEq(vault.venues().length, 1);
    }

    // HEDGE-022
    function test_removeVenue_revertsIfUnknown() external {
        _removeVenue(venue);
        _removeVenueExpecting(abi.encodeWithSelector(IHedgeVault.VenueNotRegistered.selector, address(venue)));
    }

    // HEDGE-022
    function test_removeVenue_revertsIfItHasAPosition() external {
        _hedge();
        _removeVenueExpecting(
            abi.encodeWithSelector(IHedgeVault.VenueNotEmpty.selector, address(venue), 50e18, 50_000e18)
        );
    }

    // HEDGE-022
    function test_removeVenue_revertsIfAnOrderIsPending() external {
        venue.setPending(-1, 0);
        _removeVenueExpecting(abi.encodeWithSelector(IHedgeVault.VenueNotEmpty.selector, address(venue), -1, 0));
    }

    // HEDGE-022
    function test_removeVenue_revertsIfItHasEquity() external {
        venue.setCash(1e18 + 1);
        _removeVenueExpecting(abi.encodeWithSelector(IHedgeVault.VenueNotEmpty.selector, address(venue), 0, 1e18 + 1));
        venue.setCash(1e18); // dust that a stranger may have sent does not keep it registered
        _removeVenue(venue);
        assertEq(vault.venues().length, 0);
    }

    // HEDGE-023
    function test_constructor_revertsIfAnAddressHasNoCode() external {
        address nobody = makeAddr("nobody");
        bytes memory expected = abi.encodeWithSelector(Governed.NotAContract.selector, nobody);
        vm.expectRevert(expected);
        new HedgeVault(token, "", "", IVaultAccess(nobody), oracle, deltaBook, guard);
        vm.expectRevert(expected);
        new HedgeVault(token, "", "", access, IPriceOracle(nobody), deltaBook, guard);
        vm.expectRevert(expected);
        new HedgeVault(token, "", "", access, oracle, IDeltaBook(nobody), guard);
        vm.expectRevert(expected);
        new HedgeVault(token, "", "", access, oracle, deltaBook, IRebalanceGuard(nobody));
    }

    // HEDGE-023
    function test_constructor_revertsIfTheAssetHasTooManyDecimals() external {
        TokenDouble odd = new TokenDouble(37);
        vm.expectRevert(abi.encodeWithSelector(DecimalScale.TooManyDecimals.selector, 37, 36));
        new HedgeVault(odd, "", "", access, oracle, deltaBook, guard);
    }

    // HEDGE-024
    function test_codeFitsTheSizeLimitOfAChain() external view {
        uint256 limit = 24_576; // bytes, EIP-170
        assertLt(address(vault).code.length, limit);
        assertLt(address(guard).code.length, limit);
        assertLt(address(access).code.length, limit);
        assertLt(address(oracle).code.length, limit);
        assertLt(address(deltaBook).code.length, limit);
    }
}
