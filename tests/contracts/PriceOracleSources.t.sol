// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPriceOracle} from "../../contracts/interfaces/IPriceOracle.sol";
import {IPriceSource} from "../../contracts/interfaces/IPriceSource.sol";
import {BoundedCall} from "../../contracts/libraries/BoundedCall.sol";
import {PriceFaults, PriceSources} from "../../contracts/types/Prices.sol";
import {
    BurningSource,
    HugeRevertingSource,
    HugeSource,
    HungrySource,
    RecursiveSource,
    ShortSource,
    WritingSource
} from "./support/HostilePriceSources.sol";
import {PriceDefaults} from "./support/PriceDefaults.sol";
import {PriceFixture} from "./support/PriceFixture.sol";

/// @notice HEDGE-406 and HEDGE-407: no source can make a reading revert or cost much, no caller can silence a source.
contract PriceOracleSourcesTest is PriceFixture {
    /// @dev Four feeds at `BoundedCall.GAS_REQUIRED` and what the oracle itself takes.
    uint256 private constant MOST_GAS = 4 * 310_000 + 60_000;

    /// @dev Runtime code put in the place of each feed in turn.
    function _hostileCodes() private returns (bytes[] memory codes) {
        codes = new bytes[](7);
        codes[0] = address(new BurningSource()).code;
        codes[1] = address(new HugeSource()).code;
        codes[2] = address(new HugeRevertingSource()).code;
        codes[3] = address(new ShortSource()).code;
        codes[4] = address(new WritingSource()).code;
        codes[5] = address(new RecursiveSource()).code;
        codes[6] = ""; // destroyed
    }

    // HEDGE-406
    function test_read_survivesAnyOfItsFeedsDoingAnything() external {
        bytes[] memory codes = _hostileCodes();
        address[4] memory feeds = [address(primary), address(secondary), address(collateral), address(sequencer)];
        uint256[4] memory faults = [
            PriceFaults.NO_ANSWER,
            PriceFaults.SECONDARY_NO_ANSWER,
            PriceFaults.COLLATERAL_NO_ANSWER,
            PriceFaults.SEQUENCER_NO_ANSWER
        ];
        for (uint256 i = 0; i < feeds.length; ++i) {
            bytes memory honest = feeds[i].code;
            for (uint256 j = 0; j < codes.length; ++j) {
                vm.etch(feeds[i], codes[j]);
                assertEq(oracle.read{gas: MOST_GAS}().faults, faults[i], vm.toString(j));
            }
            vm.etch(feeds[i], honest);
            assertEq(_faults(), 0);
        }
    }

    // HEDGE-406
    function test_read_survivesAllOfItsFeedsAtOnce() external {
        bytes[] memory codes = _hostileCodes();
        for (uint256 j = 0; j < codes.length; ++j) {
            vm.etch(address(primary), codes[j]);
            vm.etch(address(secondary), codes[j]);
            vm.etch(address(collateral), codes[j]);
            vm.etch(address(sequencer), codes[j]);
            IPriceOracle.Reading memory reading = oracle.read{gas: MOST_GAS}();
            assertEq(
                reading.faults,
                PriceFaults.NO_ANSWER | PriceFaults.SECONDARY_NO_ANSWER | PriceFaults.COLLATERAL_NO_ANSWER
                    | PriceFaults.SEQUENCER_NO_ANSWER
            );
            assertEq(reading.price, 0);
            assertEq(reading.updatedAt, 0);
            assertEq(reading.low, 0);
            assertEq(reading.high, 0);
        }
    }

    // HEDGE-406
    function testFuzz_read_neverReverts(uint256[9] memory answers, int256 status, uint256 changedAt) external {
        primary.set(answers[0], answers[1], answers[2]);
        secondary.set(answers[3], answers[4], answers[5]);
        collateral.set(answers[6], answers[7], answers[8]);
        sequencer.updateAnswer(status);
        sequencer.updateStartedAt(changedAt);
        IPriceOracle.Reading memory reading = oracle.read();
        assertEq(reading.price, answers[0]);
        assertEq(reading.updatedAt, answers[1]);
        (bool isPriced,) = address(oracle).staticcall(abi.encodeCall(IPriceOracle.price, ()));
        assertEq(isPriced, reading.faults & oracle.PRICE_FAULTS() == 0, "price and read agree");
    }

    // HEDGE-407
    function test_read_honestSourceIsNeverSilencedByALowGasLimit() external {
        PriceSources memory hungry = PriceDefaults.alone(IPriceSource(address(new HungrySource(298_500))));
        _setSources(hungry);
        uint256 refusals = 0;
        uint256 readings = 0;
        for (uint256 gasOffered = 20_000; gasOffered < 400_000; gasOffered += 997) {
            bytes memory call = abi.encodeCall(IPriceOracle.read, ());
            (bool isRead, bytes memory answer) = address(oracle).staticcall{gas: gasOffered}(call);
            if (isRead) {
                assertEq(abi.decode(answer, (IPriceOracle.Reading)).faults, 0, vm.toString(gasOffered));
                ++readings;
            } else if (answer.length != 0) {
                // Not out of gas itself, but refused.
                assertEq(bytes4(answer), BoundedCall.InsufficientGas.selector);
                ++refusals;
            }
        }
        assertGt(refusals, 100);
        assertGt(readings, 10);
    }

    // HEDGE-407
    function test_read_silentSourceIsTheCallersFaultBelowTheGasRequired() external {
        vm.etch(address(primary), "");
        _setLimits(PriceDefaults.limits());
        bytes memory call = abi.encodeCall(IPriceOracle.read, ());
        (bool isRead, bytes memory answer) = address(oracle).staticcall{gas: 250_000}(call);
        assertFalse(isRead);
        assertEq(bytes4(answer), BoundedCall.InsufficientGas.selector);
        assertEq(_faults(), PriceFaults.NO_ANSWER);
    }

    // HEDGE-407
    function test_boundedCall_gasRequiredLeavesTheGasGrantedByEip150() external pure {
        uint256 atTheCall = BoundedCall.GAS_REQUIRED - 2600 - 1000; // a cold account, and the instructions before it
        assertGe(atTheCall - atTheCall / 64, BoundedCall.GAS_GRANTED);
    }

    // HEDGE-407
    function test_boundedCall_namesGasOfferedAndRequired() external {
        vm.etch(address(primary), "");
        (, bytes memory answer) = address(oracle).staticcall{gas: 250_000}(abi.encodeCall(IPriceOracle.price, ()));
        assertEq(answer.length, 68);
        (uint256 offered, uint256 required) = this.decodeTwo(answer);
        assertLt(offered, 250_000);
        assertGt(offered, 200_000);
        assertEq(required, 310_000);
    }

    function decodeTwo(bytes calldata answer) external pure returns (uint256 first, uint256 second) {
        return abi.decode(answer[4:], (uint256, uint256));
    }
}
