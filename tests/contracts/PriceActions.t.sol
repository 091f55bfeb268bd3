// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {PriceFaultStage, StagedFeeds} from "./support/PriceFaultStage.sol";
import {PriceFixture} from "./support/PriceFixture.sol";

/// @notice HEDGE-456: the states of tests/vectors/oracle/actions.json are states the oracle can be in.
contract PriceActionsTest is PriceFixture {
    string private constant FILE = "tests/vectors/oracle/actions.json";

    // HEDGE-456
    function test_read_everyPairOfFaultsInTheFileIsReadAsItsTwoBits() external {
        string memory json = vm.readFile(FILE);
        string[] memory priceFaults = _faultNames(json, ".price_states", 9);
        string[] memory collateralFaults = _faultNames(json, ".collateral_states", 3);
        StagedFeeds memory feeds = StagedFeeds(primary, secondary, collateral, sequencer);
        uint256 seen = 0;
        for (uint256 i = 0; i < priceFaults.length; ++i) {
            for (uint256 j = 0; j < collateralFaults.length; ++j) {
                PriceFaultStage.heal(feeds);
                assertEq(_faults(), 0);
                uint256 bits = PriceFaultStage.add(feeds, priceFaults[i]);
                assertEq(bits & oracle.PRICE_FAULTS(), bits, priceFaults[i]);
                uint256 collateralBit = PriceFaultStage.add(feeds, collateralFaults[j]);
                assertEq(collateralBit & oracle.COLLATERAL_FAULTS(), collateralBit, collateralFaults[j]);
                assertEq(_faults(), bits | collateralBit, string.concat(priceFaults[i], " ", collateralFaults[j]));
                seen |= bits | collateralBit;
            }
        }
        assertEq(seen, oracle.PRICE_FAULTS() | oracle.COLLATERAL_FAULTS(), "every fault there is");
    }

    function _faultNames(string memory json, string memory path, uint256 states)
        private
        pure
        returns (string[] memory names)
    {
        string[][] memory byState = new string[][](states);
        uint256 count = 0;
        for (uint256 i = 0; i < states; ++i) {
            byState[i] = vm.parseJsonStringArray(json, string.concat(path, "[", vm.toString(i), "].faults"));
            count += byState[i].length;
        }
        names = new string[](count);
        for (uint256 i = 0; i < states; ++i) {
            for (uint256 j = 0; j < byState[i].length; ++j) {
                names[--count] = byState[i][j];
            }
        }
    }
}
