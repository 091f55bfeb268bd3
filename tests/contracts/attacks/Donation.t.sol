// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AttackFixture} from "../support/AttackFixture.sol";
import {TokenDouble} from "../support/Tokens.sol";

/// @notice Collateral sent to the vault raises the deposit price at once and the exit price later. The figure is the gain of
///         who sent it, USD.
contract DonationTest is AttackFixture {
    /// @dev `held` deposited and `sent` sent by the attacker; the victim deposits and leaves; then the attacker leaves.
    function _play(uint256 held, uint256 sent, uint256 deposit) private returns (uint256 gain, uint256 victimLoss) {
        _deposit(attacker, _units(held));
        token.mint(address(vault), _units(sent));
        bool isIn = _attemptDeposit(depositor, _units(deposit));
        if (isIn) victimLoss = deposit * 1e18 - _usd(_attemptExit(depositor));
        uint256 paid = _usd(_attemptExit(attacker));
        gain = _gain((held + sent) * 1e18, paid);
    }

    function test_donation__unbooked__takesAThirdOfTheNextDeposit() external {
        (uint256 gain, uint256 victimLoss) = _play(100_000, 50_000, 5000);
        emit log_named_decimal_uint("the victim loses", victimLoss, 18);
        _attackYieldsAtMost(gain, 0);
    }

    function test_donation__soleHolderMatchesHisDeposit__takesAThird() external {
        (uint256 gain,) = _play(1000, 1000, 1000);
        _attackYieldsAtMost(gain, 0);
    }

    /// @dev The more is sent beside what is held, the more it takes. A sole holder risks nothing: all that is sent is his.
    function test_donation__tenThousandfold__takesNearlyAll() external {
        (uint256 gain,) = _play(1000, 10_000_000, 100_000);
        _attackYieldsAtMost(gain, 0);
    }

    function test_donation__noDecimals__takesAThird() external {
        _deploy(new TokenDouble(0));
        (uint256 gain,) = _play(100_000, 50_000, 5000);
        _attackYieldsAtMost(gain, 0);
    }

    function test_donation__18Decimals__takesAThird() external {
        _deploy(new TokenDouble(18));
        (uint256 gain,) = _play(100_000, 50_000, 5000);
        _attackYieldsAtMost(gain, 0);
    }

    /// @dev Minting names the shares, not the price: it pays the higher NAV like a deposit.
    function test_donation__victimMints__paysForIt() external {
        _deposit(attacker, _units(100_000));
        token.mint(address(vault), _units(50_000));
        uint256 shares = vault.totalSupply() / 20;
        token.mint(depositor, _units(100_000));
        vm.startPrank(depositor);
        token.approve(address(vault), type(uint256).max);
        uint256 charged = vault.mint(shares, depositor);
        vm.stopPrank();
        uint256 victimLoss = _usd(charged - _attemptExit(depositor));
        _attackYieldsAtMost(victimLoss, 1e12); // one unit, by rounding
    }
}
