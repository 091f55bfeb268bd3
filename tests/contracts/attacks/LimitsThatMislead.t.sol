// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AttackFixture} from "../support/AttackFixture.sol";
import {TokenDouble} from "../support/Tokens.sol";

/// @notice Limits of ERC-4626 that say less than what would be accepted. The figure is by how much, smallest units.
contract LimitsThatMisleadTest is AttackFixture {
    /// @dev 1,000 deposited and half of it lost on the venue, so a share is worth half of par.
    function _lose() private {
        _deposit(depositor, _units(1000));
        _rebalance(_leg(int256(_units(500)), 0));
        venue.setCash(0);
    }

    /// @dev 200,000 deposited, 50,000 of it margin that has made 7,777 or lost it.
    function _hedgeAt(uint256 price) private {
        _hedge();
        venue.setPrices(price, price);
    }

    /// @dev What redeeming the most falls short of what withdrawing the most pays.
    function _shortfall() private view returns (uint256) {
        return (vault.maxWithdraw(depositor) - vault.previewRedeem(vault.maxRedeem(depositor))) * 1e18;
    }

    function _sharesLeftOver() private returns (uint256) {
        uint256 shares = vault.balanceOf(depositor);
        uint256 most = vault.maxRedeem(depositor);
        bool done = _attemptOnVault(
            depositor, abi.encodeWithSignature("redeem(uint256,address,address)", shares, depositor, depositor)
        );
        return done ? (shares - most) * 1e18 : 0;
    }

    function test_maxRedeem__idleShort__paysOneUnitLessThanMaxWithdraw() external {
        _hedgeAt(2155.55e18);
        _attackYieldsAtMost(_shortfall(), 0);
    }

    function test_maxRedeem__idleShort18Decimals__paysOneUnitLessThanMaxWithdraw() external {
        _deploy(new TokenDouble(18));
        _hedgeAt(2155.55e18);
        _attackYieldsAtMost(_shortfall(), 0);
    }

    /// @dev Without decimals a unit is a dollar.
    function test_maxRedeem__idleShortNoDecimals__paysOneDollarLess() external {
        _deploy(new TokenDouble(0));
        _hedgeAt(2155.55e18);
        _attackYieldsAtMost(_shortfall(), 0);
    }

    function test_maxRedeem__soleHolderAfterALoss__leavesAMillionSharesThoughAllRedeem() external {
        _lose();
        _attackYieldsAtMost(_sharesLeftOver(), 0);
    }

    function test_maxRedeem__lastHolderAfterALoss__leavesAMillionSharesThoughAllRedeem() external {
        _lose();
        _deposit(attacker, _units(7));
        vm.startPrank(attacker);
        vault.redeem(vault.balanceOf(attacker), attacker, attacker);
        vm.stopPrank();
        _attackYieldsAtMost(_sharesLeftOver(), 0);
    }

    /// @dev What a limit names is not there when the issuer has destroyed a part of it.
    function test_maxWithdraw__fundsDestroyed__isRefused() external {
        _deposit(depositor, _units(1000));
        token.burn(address(vault), _units(1));
        uint256 most = vault.maxWithdraw(depositor);
        bool done = _attemptOnVault(
            depositor, abi.encodeWithSignature("withdraw(uint256,address,address)", most, depositor, depositor)
        );
        _attackYieldsAtMost(done ? 0 : most * 1e18, 0);
    }

    /// @dev A deposit of `maxDeposit` is refused for an overflow, though there is said to be no limit.
    function test_maxDeposit__saidToBeUnlimited__isRefused() external {
        _deposit(depositor, _units(1000));
        uint256 most = vault.maxDeposit(attacker);
        token.burn(depositor, token.balanceOf(depositor));
        uint256 mintable = type(uint256).max - token.totalSupply();
        uint256 assets = most < mintable ? most : mintable;
        _attackYieldsAtMost(_attemptDeposit(attacker, assets) ? 0 : 1e18, 0);
    }
}
