// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AttackFixture} from "../support/AttackFixture.sol";

/// @notice Exits a keeper shuts by moving idle into margin. The figure is what a holder cannot reach or forfeits, USD.
contract ShutExitsTest is AttackFixture {
    function _moveIdleToMargin() private {
        _attemptRebalance(_leg(int256(_idle()), 0));
    }

    function _forfeit(address account) private returns (uint256 forfeited) {
        uint256 worth = _usd(vault.previewRedeem(vault.balanceOf(account)));
        uint256 balance = token.balanceOf(account);
        bool done = _attemptOnVault(account, _redeemFromIdleCall(account));
        return done ? worth - _usd(token.balanceOf(account) - balance) : 0;
    }

    function test_keeper__idleIntoMargin__shutsEveryExit() external {
        _deposit(depositor, _units(200_000));
        _moveIdleToMargin();
        uint256 reachable = _usd(_attemptExit(depositor) + _attemptUnwind(depositor));
        uint256 worth = 200_000e18;
        _attackYieldsAtMost(_gain(reachable, worth), 0);
    }

    function test_keeper__idleIntoMargin__redeemFromIdleBurnsForNothing() external {
        _deposit(depositor, _units(200_000));
        _moveIdleToMargin();
        _attackYieldsAtMost(_forfeit(depositor), 0);
    }

    /// @dev The keeper's friend holds a tenth and takes what the others forfeit.
    function test_keeper__friendHoldsShares__gainsWhatOthersForfeit() external {
        _deposit(depositor, _units(180_000));
        _deposit(attacker, _units(20_000));
        _moveIdleToMargin();
        _forfeit(depositor);
        _attemptRebalance(_leg(-int256(_units(200_000)), 0));
        _attackYieldsAtMost(_gain(20_000e18, _usd(_attemptExit(attacker))), 0);
    }

    /// @dev The whole exit fails for want of one unit: the keeper moves little, just before.
    function test_keeper__movesOneUnitBefore__failsAWholeExit() external {
        _deposit(depositor, _units(200_000));
        uint256 shares = vault.balanceOf(depositor);
        _attemptRebalance(_leg(2, 0));
        bool done = _attemptUnwind(depositor) != 0;
        _attackYieldsAtMost(done && shares != 0 ? 0 : 200_000e18, 0);
    }

    /// @dev Repeated whenever an exit frees nothing: no cooldown, no budget and no count stand in the way.
    function test_keeper__sweepsEveryRefill__forAMonth() external {
        _deposit(depositor, _units(200_000));
        _moveIdleToMargin();
        uint256 paid = 0;
        for (uint256 day = 0; day < 30; ++day) {
            vm.warp(block.timestamp + 1 days);
            _publish(PRICE);
            _deposit(attacker, _units(1000)); // new money, that could pay who waits
            _moveIdleToMargin();
            paid += _usd(_attemptExit(depositor));
        }
        _attackYieldsAtMost(200_000e18 - paid, 0);
    }
}
