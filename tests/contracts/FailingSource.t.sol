// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDeltaBook} from "../../contracts/interfaces/IDeltaBook.sol";
import {IDeltaSource} from "../../contracts/interfaces/IDeltaSource.sol";
import {GasBurningSource, LongAnswerSource} from "./support/HostileSources.sol";
import {ScriptedSource} from "./support/ScriptedSource.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-415: what a source that fails stops in the vault, and what it does not.
contract FailingSourceTest is VaultFixture {
    // HEDGE-415
    function test_sourceThatReverts_stopsRebalancesUntilReplaced_andNothingElse() external {
        _assertStopsRebalancesAlone(new LongAnswerSource(true, 100_000));
    }

    // HEDGE-415
    function test_sourceThatBurnsGas_stopsRebalancesUntilReplaced_andNothingElse() external {
        _assertStopsRebalancesAlone(new GasBurningSource());
    }

    function _assertStopsRebalancesAlone(IDeltaSource failing) private {
        uint256 shares = _deposit(depositor, _units(200_000));
        _govern(address(deltaBook), abi.encodeCall(deltaBook.addSource, (failing)));
        _rebalanceExpecting(_leg(0, 10e18), abi.encodeWithSelector(IDeltaBook.SourceFailed.selector, failing));
        vm.prank(depositor);
        assertGt(vault.redeem(shares / 10, depositor, depositor), 0);
        assertGt(_deposit(depositor, _units(100)), 0);
        ScriptedSource replacement = new ScriptedSource(0, 0);
        _govern(address(deltaBook), abi.encodeCall(deltaBook.replaceSource, (failing, replacement)));
        _rebalance(_leg(int256(_units(50_000)), 50e18));
        assertEq(venue.size(), 50e18);
    }
}
