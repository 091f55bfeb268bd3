// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IOptionBook} from "../../../contracts/interfaces/IOptionBook.sol";
import {OptionBook} from "../../../contracts/book/OptionBook.sol";
import {Leg} from "../../../contracts/types/Rebalance.sol";
import {AttackFixture} from "../support/AttackFixture.sol";

/// @notice Gas of a rebalance over books as large as they are admitted, in millions.
contract MeasurementGasTest is AttackFixture {
    uint256 private constant LEGS = 128;

    OptionBook[] private _books;

    function _fill(uint256 count) private {
        assertTrue(_attemptAsGovernor(address(deltaBook), _removeSourceCall(source)));
        for (uint256 i = 0; i < count; ++i) {
            OptionBook book = new OptionBook(access);
            assertTrue(_attemptAsGovernor(address(book), abi.encodeCall(book.addLegs, (_legs128(i)))));
            assertTrue(_attemptAsGovernor(address(deltaBook), _addSourceCall(book)));
            _books.push(book);
        }
    }

    /// @dev Every leg has an expiry and a strike of its own, the dearest kind.
    function _legs128(uint256 seed) private view returns (IOptionBook.OptionLeg[] memory legs) {
        legs = new IOptionBook.OptionLeg[](LEGS);
        for (uint256 i = 0; i < LEGS; ++i) {
            uint256 expiry = block.timestamp + 30 days + (i % 7) * 1 days + seed * 1 hours;
            legs[i] = IOptionBook.OptionLeg(1000e18 + i * 20e18, expiry, i % 2 == 0, -0.01e18, 0.5e18, 0.6e18);
        }
    }

    function _gasOfARebalance() private returns (uint256 gas) {
        for (uint256 i = 0; i < _books.length; ++i) {
            vm.cool(address(_books[i])); // as the transaction finds them
        }
        Leg[] memory legs = _leg(int256(_units(1000)), 0);
        gas = gasleft();
        bool done = _attemptRebalance(legs);
        gas -= gasleft();
        assertTrue(done);
    }

    function test_rebalance__sixteenFullBooks__takesMoreThanTheKeepersGas() external {
        _deposit(depositor, _units(200_000));
        _fill(16);
        _attackYieldsAtMost(_gasOfARebalance() / 1e6 * 1e18, 0);
    }
}
