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
        uint256 reachable = _usd(_attemptExit(depositor));
        _attackYields(_usd(vault.previewRedeem(vault.balanceOf(depositor))) - reachable, 200_000e18);
    }

    function test_keeper__idleIntoMargin__redeemFromIdleBurnsForNothing() external {
        _deposit(depositor, _units(200_000));
        _moveIdleToMargin();
        _attackYields(_forfeit(depositor), 200_000e18);
    }

    /// @dev The keeper's friend holds a tenth and takes what the others forfeit.
    function test_keeper__friendHoldsShares__gainsWhatOthersForfeit() external {
        _deposit(depositor, _units(180_000));
        _deposit(attacker, _units(20_000));
        _moveIdleToMargin();
        _forfeit(depositor);
        _attemptRebalance(_leg(-int256(_units(200_000)), 0));
        _attackYields(_gain(20_000e18, _usd(_attemptExit(attacker))), 180_000e18);
    }

    /// @dev The whole exit fails for want of one unit: the keeper moves little, just before.
    function test_keeper__movesOneUnitBefore__failsAWholeExit() external {
        _deposit(depositor, _units(200_000));
        uint256 shares = vault.balanceOf(depositor);
        _attemptRebalance(_leg(2, 0));
        bool done = _attemptOnVault(depositor, abi.encodeCall(vault.redeem, (shares, depositor, depositor)));
        _attackYields(done ? 0 : 200_000e18, 200_000e18);
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
        _attackYields(200_000e18 - paid, 200_000e18);
    }
}
