// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {AttackFixture} from "../support/AttackFixture.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";

/// @dev Uses up all gas it is given.
contract GasBurner {
    fallback() external {
        assembly {
            invalid()
        }
    }
}

/// @dev Spends gas in a loop, so that the caller is left with a 64th of the whole.
contract Spinner {
    fallback() external {
        while (true) {}
    }
}

/// @dev Answers with 2^20 bytes of 0.
contract MegabyteAnswer {
    fallback() external {
        assembly {
            return(0, 0x100000)
        }
    }
}

/// @dev Reverts with 2^20 bytes of 0.
contract MegabyteRevert {
    fallback() external {
        assembly {
            revert(0, 0x100000)
        }
    }
}

/// @dev Answers with one byte.
contract ShortAnswer {
    fallback() external {
        assembly {
            return(0, 1)
        }
    }
}

/// @dev Answers every question with numbers that no sum survives.
contract ExtremeAnswer {
    fallback() external {
        assembly {
            let largest := shr(1, not(0))
            for { let i := 0 } lt(i, 8) { i := add(i, 1) } { mstore(mul(32, i), largest) }
            return(0, 256)
        }
    }
}

/// @notice Two venues with 50,000 of margin each and 100,000 idle; the second fails. The figures are counts or USD.
contract DeadVenueTest is AttackFixture {
    ScriptedVenue private second;

    function setUp() public override {
        super.setUp();
        second = _addVenue();
        _deposit(depositor, _units(200_000));
        _rebalance(_leg(int256(_units(50_000)), 0));
        _rebalance(_legOn(second, int256(_units(50_000)), 0));
    }

    function _become(bytes memory code) private {
        vm.etch(address(second), code);
    }

    /// @dev How many of six things that the healthy venue and idle could do are refused, WAD.
    function _refusals() private returns (uint256 refused) {
        uint256 some = _units(1000);
        if (!_attemptOnVault(
                depositor, abi.encodeWithSignature("withdraw(uint256,address,address)", some, depositor, depositor)
            )) ++refused;
        if (!_attemptOnVault(
                depositor, abi.encodeWithSignature("redeem(uint256,address,address)", some * 1e6, depositor, depositor)
            )) ++refused;
        if (!_attemptDeposit(attacker, some)) ++refused;
        if (!_attemptRebalance(_leg(int256(some), 10e18))) ++refused;
        if (!_attemptRebalance(_leg(-int256(some), 0))) ++refused;
        if (!_attemptAsGovernor(address(registry), _removeVenueCall(second))) ++refused;
        return refused * 1e18;
    }

    function test_venue__reverts__freezesAllSix() external {
        second.setHalted(true);
        _attackYieldsAtMost(_refusals(), 2e18); // deposits, and a removal that is not forced
    }

    function test_venue__reverts__redeemFromIdleForfeitsTheHealthyOne() external {
        second.setHalted(true);
        _attemptExit(depositor);
        _attemptUnwind(depositor);
        // 100,000 of idle and 50,000 on the healthy venue are his beyond doubt.
        _attackYieldsAtMost(_gain(_usd(token.balanceOf(depositor)), 150_000e18), 0);
    }

    function test_venue__usesUpAllGas__freezesAllSix() external {
        _become(type(GasBurner).runtimeCode);
        _attackYieldsAtMost(_refusals(), 2e18); // deposits, and a removal that is not forced
    }

    function test_venue__spinsForEver__freezesAllSix() external {
        _become(type(Spinner).runtimeCode);
        _attackYieldsAtMost(_refusals(), 2e18); // deposits, and a removal that is not forced
    }

    function test_venue__answersOneByte__freezesAllSix() external {
        _become(type(ShortAnswer).runtimeCode);
        _attackYieldsAtMost(_refusals(), 2e18); // deposits, and a removal that is not forced
    }

    function test_venue__codeDestroyed__freezesAllSix() external {
        _become("");
        _attackYieldsAtMost(_refusals(), 2e18); // deposits, and a removal that is not forced
    }

    function test_venue__answersExtremes__freezesFive() external {
        _become(type(ExtremeAnswer).runtimeCode);
        _attackYieldsAtMost(_refusals(), 2e18); // deposits, and a removal that is not forced
    }

    function test_venue__revertsWithAMegabyte__freezesAllSix() external {
        _become(type(MegabyteRevert).runtimeCode);
        _attackYieldsAtMost(_refusals(), 2e18); // deposits, and a removal that is not forced
    }

    /// @dev Gas of one withdrawal in whole millions; it takes a tenth of one where the venue answers.
    function test_venue__answersAMegabyte__makesExitsDear() external {
        _become(type(MegabyteAnswer).runtimeCode);
        uint256 gas = gasleft();
        bool done = _attemptOnVault(
            depositor, abi.encodeWithSignature("withdraw(uint256,address,address)", _units(1000), depositor, depositor)
        );
        gas -= gasleft();
        emit log_named_string("withdrawal", done ? "done" : "refused");
        _attackYieldsAtMost(gas / 1e6 * 1e18, 1e18);
    }

    /// @dev Only `pending` fails: exits work, and every rebalance and removal is refused.
    function test_venue__pendingAloneFails__freezesTheOther() external {
        vm.mockCallRevert(address(second), abi.encodeCall(IPerpVenue.pending, ()), "");
        _attackYieldsAtMost(_refusals(), 2e18); // deposits, and a removal that is not forced
    }

    /// @dev The healthy one cannot be emptied before an exit, for want of a measurement.
    function test_venue__reverts__holdsTheOthersMargin() external {
        second.setHalted(true);
        _attemptRebalance(_leg(-int256(_units(50_000)), 0));
        _attackYieldsAtMost(_usd(token.balanceOf(address(venue))), 0);
    }
}
