// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AttackFixture} from "../support/AttackFixture.sol";
import {TokenDouble} from "../support/Tokens.sol";

/// @notice An account under water that is not liquidated yet counts 0, though it may come back. The figure is the gain, USD.
contract NegativeEquityTest is AttackFixture {
    /// @dev 50 held on 50,000 of margin; at 999 the account is worth -50.
    function _sink(uint256 idleLeft) private {
        _hedge();
        _exit(depositor, _units(150_000 - idleLeft));
        _publish(999e18);
    }

    function _gainOnRebound(uint256 paid) private returns (uint256) {
        _publish(1900e18);
        return _gain(paid, _usd(vault.previewRedeem(vault.balanceOf(attacker))));
    }

    function test_deposit__nothingButAnAccountUnderWater__ownsTheRebound() external {
        _sink(0);
        uint256 paid = _attemptDeposit(attacker, _units(1)) ? 1e18 : 0;
        _attackYieldsAtMost(_gainOnRebound(paid), 0);
    }

    function test_mint__nothingButAnAccountUnderWater__ownsTheRebound() external {
        _sink(0);
        uint256 shares = vault.totalSupply() * 1000;
        token.mint(attacker, _units(1));
        vm.startPrank(attacker);
        token.approve(address(vault), _units(1));
        vm.stopPrank();
        _attemptOnVault(attacker, abi.encodeWithSignature("mint(uint256,address)", shares, attacker));
        _attackYieldsAtMost(_gainOnRebound(1e15), 0);
    }

    /// @dev Idle left does not help: a deposit of 95,000 beside 5,000 takes 19 parts of 20 of the rebound.
    function test_deposit__idleBesideIt__takesMostOfTheRebound() external {
        _sink(5000);
        uint256 paid = _attemptDeposit(attacker, _units(95_000)) ? 95_000e18 : 0;
        _attackYieldsAtMost(_gainOnRebound(paid), 0);
    }

    /// @dev Equity of a few dollars is as good as none: no rule asks for a sign.
    function test_deposit__equityOfOneDollar__takesMostOfTheRebound() external {
        _sink(0);
        _publish(1000.02e18);
        uint256 paid = _attemptDeposit(attacker, _units(95)) ? 95e18 : 0;
        _attackYieldsAtMost(_gainOnRebound(paid), 0);
    }

    /// @dev Who leaves before the rebound is paid as if the account were lost: idle is his share of the whole.
    function test_exit__beforeTheAccountIsLost__leavesTheHoleToOthers() external {
        _deposit(attacker, _units(50_000));
        _hedge();
        _publish(900e18); // -5,000 on the venue, which the vault need not pay, but may have to top up
        uint256 paid = _usd(_attemptExit(attacker));
        int256 atTruth = _worth(900e18) + int256(paid);
        uint256 fair = uint256(atTruth) / 5;
        _attackYieldsAtMost(_gain(fair, paid), 1000e18); // his part of a hole that nobody has to fill
    }

    function test_deposit__18Decimals__ownsTheRebound() external {
        _deploy(new TokenDouble(18));
        _sink(0);
        uint256 paid = _attemptDeposit(attacker, _units(1)) ? 1e18 : 0;
        _attackYieldsAtMost(_gainOnRebound(paid), 0);
    }
}
