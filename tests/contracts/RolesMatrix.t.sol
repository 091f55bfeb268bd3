// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {RebalanceGuard} from "../../contracts/RebalanceGuard.sol";
import {IVaultAdmin} from "../../contracts/interfaces/IVaultAdmin.sol";
import {PriceLimits} from "../../contracts/types/Prices.sol";
import {ScriptedSource} from "./support/ScriptedSource.sol";
import {ScriptedVenue} from "./support/ScriptedVenue.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-305: every restricted function against every role; who may not gets the error of the role that may.
contract RolesMatrixTest is VaultFixture {
    struct Entry {
        address target;
        bytes call;
        bytes4 denial;
    }

    Entry[] private _entries;

    function setUp() public override {
        super.setUp();
        _add(address(vault), abi.encodeCall(vault.pause, ()), IVaultAdmin.NotGuardian.selector);
        _add(address(vault), abi.encodeCall(vault.unpause, ()), IVaultAdmin.NotGovernor.selector);
        ScriptedVenue fresh = new ScriptedVenue(address(vault), address(token), PRICE);
        _add(address(vault), abi.encodeCall(vault.addVenue, (fresh)), IVaultAdmin.NotGovernor.selector);
        _add(address(vault), abi.encodeCall(vault.removeVenue, (venue)), IVaultAdmin.NotGovernor.selector);
        _add(
            address(vault),
            abi.encodeCall(vault.rebalance, ("intent", _leg(0, 0), START)),
            IVaultAdmin.NotKeeper.selector
        );
        RebalanceGuard unbound = new RebalanceGuard(admin, _bounds());
        _add(address(unbound), abi.encodeCall(guard.bindVault, (address(vault))), IVaultAdmin.NotGovernor.selector);
        _add(address(guard), abi.encodeCall(guard.setBounds, (_bounds())), IVaultAdmin.NotGovernor.selector);
        _add(address(guard), abi.encodeCall(guard.tightenBounds, (_bounds())), IVaultAdmin.NotGuardian.selector);
        PriceLimits memory limits = oracle.priceLimits();
        _add(address(oracle), abi.encodeCall(oracle.setSources, (oracle.sources())), IVaultAdmin.NotGovernor.selector);
        _add(address(oracle), abi.encodeCall(oracle.setPriceLimits, (limits)), IVaultAdmin.NotGovernor.selector);
        _add(address(oracle), abi.encodeCall(oracle.tightenPriceLimits, (limits)), IVaultAdmin.NotGuardian.selector);
        ScriptedSource extra = new ScriptedSource(0, 0);
        _add(address(deltaBook), abi.encodeCall(deltaBook.addSource, (extra)), IVaultAdmin.NotGovernor.selector);
        _add(address(deltaBook), abi.encodeCall(deltaBook.removeSource, (source)), IVaultAdmin.NotGovernor.selector);
        _add(address(admin), abi.encodeCall(admin.dismissKeeper, (keeper)), IVaultAdmin.NotGuardian.selector);
    }

    function _add(address target, bytes memory call, bytes4 denial) private {
        _entries.push(Entry(target, call, denial));
    }

    function _mayCall(address actor, bytes4 denial) private view returns (bool) {
        if (denial == IVaultAdmin.NotKeeper.selector) return actor == keeper;
        if (denial == IVaultAdmin.NotGuardian.selector) return actor == guardian || actor == governor;
        return actor == governor;
    }

    function test_everyRestrictedFunction_obeysItsRoleAlone() external {
        address[5] memory actors = [governor, guardian, keeper, depositor, address(vault)];
        for (uint256 i = 0; i < _entries.length; ++i) {
            Entry memory entry = _entries[i];
            for (uint256 j = 0; j < actors.length; ++j) {
                uint256 snapshot = vm.snapshotState();
                if (entry.target == address(vault) && bytes4(entry.call) == vault.unpause.selector) {
                    vm.prank(guardian);
                    vault.pause();
                }
                vm.prank(actors[j]);
                (bool succeeded, bytes memory answer) = entry.target.call(entry.call);
                bool mayCall = _mayCall(actors[j], entry.denial);
                assertEq(succeeded, mayCall, string.concat("entry ", vm.toString(i), " actor ", vm.toString(j)));
                if (!mayCall) assertEq(answer, abi.encodeWithSelector(entry.denial, actors[j]));
                vm.revertToState(snapshot);
            }
        }
    }
}
