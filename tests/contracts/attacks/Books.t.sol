// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AttackFixture} from "../support/AttackFixture.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";

/// @notice What the vault books is not what it has. The figure is the part of it that falls to the wrong holder, USD.
contract BooksTest is AttackFixture {
    function _burnHalf() private {
        token.burn(address(vault), _units(100_000));
    }

    function test_funds__destroyedByTheIssuer__stayInTotalAssets() external {
        _deposit(depositor, _units(200_000));
        _burnHalf();
        uint256 real = token.balanceOf(address(vault));
        _attackYieldsAtMost(_usd(_gain(real, vault.totalAssets())), 0);
    }

    /// @dev Who leaves first is paid as if nothing were gone, and the others bear his part.
    function test_funds__destroyedByTheIssuer__firstToLeaveIsPaidInFull() external {
        _deposit(depositor, _units(100_000));
        _deposit(attacker, _units(100_000));
        _burnHalf();
        uint256 paid = _usd(_attemptExit(attacker));
        _attackYieldsAtMost(_gain(50_000e18, paid), 0);
    }

    /// @dev The next deposit fills the hole: half of what is paid was another's a moment ago.
    function test_funds__destroyedByTheIssuer__nextDepositPaysForThem() external {
        _deposit(attacker, _units(200_000));
        _burnHalf();
        uint256 paid = _attemptExit(attacker); // refused: what `maxRedeem` names is not there
        _attemptDeposit(depositor, _units(100_000));
        paid += _attemptExit(attacker);
        _attackYieldsAtMost(_gain(100_000e18, _usd(paid)), 0);
    }

    /// @dev HEDGE-020 asks for a new account: the one who deposited just before is given a half of what it holds.
    function test_addVenue__accountWithEquity__isAdmittedAndShared() external {
        _deposit(depositor, _units(100_000));
        ScriptedVenue funded = new ScriptedVenue(address(vault), address(token), PRICE);
        token.mint(address(funded), _units(10_000));
        funded.setCash(10_000e18);
        _deposit(attacker, _units(100_000));
        _attemptAsGovernor(address(registry), _addVenueCall(funded));
        _attackYieldsAtMost(_gain(100_000e18, _usd(vault.previewRedeem(vault.balanceOf(attacker)))), 0);
    }

    /// @dev An account in debt is as welcome: the first margin that comes fills its hole.
    function test_addVenue__accountInDebt__isAdmittedAndFilled() external {
        _deposit(depositor, _units(200_000));
        ScriptedVenue indebted = new ScriptedVenue(address(vault), address(token), PRICE);
        indebted.setCash(-2000e18);
        _attemptAsGovernor(address(registry), _addVenueCall(indebted));
        uint256 before = vault.totalAssets();
        _attemptRebalance(_legOn(indebted, int256(_units(50_000)), 0));
        _attackYieldsAtMost(_usd(_gain(vault.totalAssets(), before)), 0);
    }

    /// @dev Out before a costly rebalance and back after it: those who stay pay his half as well.
    function test_exit__beforeACostlyRebalance__leavesItsCostToOthers() external {
        _deposit(depositor, _units(100_000));
        _deposit(attacker, _units(100_000));
        uint256 paid = _attemptExit(attacker);
        venue.setExecution(2010e18, 20, false);
        _attemptRebalance(_leg(int256(_units(50_000)), 50e18));
        if (paid != 0) _attemptDeposit(attacker, paid);
        uint256 worth = _usd(vault.previewRedeem(vault.balanceOf(attacker))) + 1e12;
        // The trade costs 701: half of it is his, of which he bears nothing.
        emit log_named_decimal_uint("the trade costs", uint256(200_000e18 - _worth(PRICE)), 18);
        uint256 fair = 100_000e18 - uint256(200_000e18 - _worth(PRICE)) / 2;
        _attackYieldsAtMost(_gain(fair, worth), 1e12); // one unit, by rounding
    }
}
