// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DeltaBook} from "../../contracts/DeltaBook.sol";
import {OptionBook} from "../../contracts/book/OptionBook.sol";
import {IOptionBook} from "../../contracts/interfaces/IOptionBook.sol";
import {OptionBookFixture} from "./support/OptionBookFixture.sol";

/// @notice HEDGE-417 .. HEDGE-418: what a measurement of the largest book costs, with everything cold.
contract DeltaBookGasTest is OptionBookFixture {
    uint256 private constant TRANSACTION_GAS = 16_777_216; // EIP-7825

    // HEDGE-417
    function test_deltaInterval_fullBookOfFullSources_fitsOneTransaction() external {
        DeltaBook deltaBook = new DeltaBook(book.access());
        uint256 sources = deltaBook.MAX_SOURCES();
        for (uint256 i; i < sources; ++i) {
            OptionBook full = new OptionBook(book.access());
            vm.startPrank(governor);
            full.addLegs(_legs(128, 1 hours));
            deltaBook.addSource(full);
            vm.stopPrank();
            vm.cool(address(full));
        }
        vm.cool(address(deltaBook));
        uint256 used = gasleft();
        deltaBook.deltaInterval(PRICE);
        used -= gasleft();
        emit log_named_uint("gas of 16 sources of 128 legs, cold", used);
        assertLt(used, TRANSACTION_GAS);
        assertGt(used, sources * 128 * 2100); // cold
        assertLe(sources * deltaBook.SOURCE_GAS(), TRANSACTION_GAS);
    }

    // HEDGE-418
    function test_deltaInterval_twentyLegs_areBelow110000Gas() external {
        uint256[3] memory apart = [uint256(0), 1 hours, 30 days];
        for (uint256 i; i < 3; ++i) {
            OptionBook twenty = new OptionBook(book.access());
            vm.prank(governor);
            twenty.addLegs(_legs(20, apart[i]));
            vm.cool(address(twenty));
            uint256 used = gasleft();
            twenty.deltaInterval(PRICE);
            used -= gasleft();
            emit log_named_uint("gas of 20 legs, cold", used);
            assertLt(used, 110_000);
            assertGt(used, 20 * 2100);
        }
    }

    /// @dev Calls and puts, long and short, from half to three halves of the price, `apart` seconds from one expiry to
    ///      the next.
    function _legs(uint256 count, uint256 apart) private pure returns (IOptionBook.OptionLeg[] memory legs) {
        legs = new IOptionBook.OptionLeg[](count);
        for (uint256 i; i < count; ++i) {
            legs[i] = _leg(PRICE / 2 + i * PRICE / count / 1e18 * 1e18, i % 2 == 0, i % 4 < 2 ? int256(1e18) : -1e18);
            legs[i].expiry += i * apart;
        }
    }
}
