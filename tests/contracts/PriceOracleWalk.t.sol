// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {PriceFaults} from "../../contracts/types/Prices.sol";
import {PriceFixture} from "./support/PriceFixture.sol";
import {ScriptedPriceSource} from "./support/ScriptedPriceSource.sol";

/// @notice HEDGE-454: every combination of 14 conditions of the feeds, and the exact bits it gives.
contract PriceOracleWalkTest is PriceFixture {
    uint256 private constant CONDITIONS = 14;

    /// @dev A condition of a source that answers: its date is wrong, its price is out of range, its confidence too wide.
    struct Conditions {
        bool isSilent;
        bool isMisdated;
        bool isOutOfRange;
        bool isUncertain;
    }

    // HEDGE-454
    function test_read_everyCombinationWithStaleDates() external {
        _walk(1, PriceFaults.STALE);
    }

    // HEDGE-454
    function test_read_everyCombinationWithFutureDates() external {
        _walk(START + 1, PriceFaults.FROM_FUTURE);
    }

    function _walk(uint256 wrongDate, uint256 dateFault) private {
        for (uint256 mask = 0; mask < 1 << CONDITIONS; ++mask) {
            uint256 free = _freeMemory();
            uint256 expected = _stage(mask, wrongDate, dateFault);
            uint256 faults = _faults();
            if (faults != expected) assertEq(faults, expected, vm.toString(mask));
            _resetFreeMemory(free);
        }
    }

    function _stage(uint256 mask, uint256 wrongDate, uint256 dateFault) private returns (uint256 expected) {
        Conditions memory first = _conditions(mask);
        Conditions memory second = _conditions(mask >> 4);
        bool isApart = _bit(mask, 8);
        expected = _stageSource(primary, first, first.isOutOfRange ? 50e18 : PRICE, wrongDate, dateFault);
        uint256 otherPrice = second.isOutOfRange ? 50e18 : PRICE;
        if (isApart) otherPrice = otherPrice * 11 / 10;
        expected |= _stageSource(secondary, second, otherPrice, wrongDate, dateFault) << 5;
        bool isComparable = !first.isSilent && !second.isSilent;
        if (isComparable && (isApart || first.isOutOfRange != second.isOutOfRange)) expected |= PriceFaults.DISAGREE;
        expected |= _stageSequencer(_bit(mask, 9), _bit(mask, 10));
        Conditions memory peg = Conditions(_bit(mask, 11), _bit(mask, 12), _bit(mask, 13), false);
        expected |= _stageSource(collateral, peg, peg.isOutOfRange ? 0.9e18 : 1e18, wrongDate, dateFault) << 14;
    }

    function _stageSource(
        ScriptedPriceSource source,
        Conditions memory c,
        uint256 price,
        uint256 wrongDate,
        uint256 dateFault
    ) private returns (uint256 expected) {
        source.silence(c.isSilent);
        source.set(price, c.isMisdated ? wrongDate : START, c.isUncertain ? price : 0);
        if (c.isSilent) return PriceFaults.NO_ANSWER;
        if (c.isMisdated) expected |= dateFault;
        if (c.isOutOfRange) expected |= PriceFaults.OUT_OF_RANGE;
        if (c.isUncertain) expected |= PriceFaults.TOO_UNCERTAIN;
    }

    function _stageSequencer(bool isDown, bool isRecent) private returns (uint256 expected) {
        sequencer.updateRoundData(1, isDown ? int256(1) : int256(0), START);
        sequencer.updateStartedAt(isRecent ? START - 60 : START - 1 days);
        if (isDown) return PriceFaults.SEQUENCER_DOWN;
        return isRecent ? PriceFaults.SEQUENCER_GRACE : 0;
    }

    function _conditions(uint256 mask) private pure returns (Conditions memory) {
        return Conditions(_bit(mask, 0), _bit(mask, 1), _bit(mask, 2), _bit(mask, 3));
    }

    function _bit(uint256 mask, uint256 index) private pure returns (bool) {
        return mask >> index & 1 == 1;
    }

    function _freeMemory() private pure returns (uint256 free) {
        assembly ("memory-safe") {
            free := mload(0x40)
        }
    }

    function _resetFreeMemory(uint256 free) private pure {
        assembly ("memory-safe") {
            mstore(0x40, free)
        }
    }
}
