// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AggregatorDouble} from "../../../contracts/test/AggregatorDouble.sol";
import {PriceFaults} from "../../../contracts/types/Prices.sol";
import {ScriptedPriceSource} from "./ScriptedPriceSource.sol";

/// @notice Feeds of an oracle with the limits of `PriceDefaults`.
struct StagedFeeds {
    ScriptedPriceSource primary;
    ScriptedPriceSource secondary;
    ScriptedPriceSource collateral;
    AggregatorDouble sequencer;
}

/// @notice Makes an oracle show one fault, by its name in `PriceFaults`, and nothing else.
/// @dev Faults of the price and of the collateral may be staged together.
library PriceFaultStage {
    uint256 internal constant PRICE = 2000e18;

    error UnknownFault(string name);

    /// @notice All feeds answer, now.
    function heal(StagedFeeds memory feeds) internal {
        _heal(feeds.primary, PRICE);
        _heal(feeds.secondary, PRICE);
        _heal(feeds.collateral, 1e18);
        feeds.sequencer.updateAnswer(0);
        feeds.sequencer.updateStartedAt(block.timestamp - 1 days);
    }

    /// @notice Adds the fault to what is staged, and returns its bit.
    function add(StagedFeeds memory feeds, string memory name) internal returns (uint256 bit) {
        bytes32 fault = keccak256(bytes(name));
        if (fault == keccak256("DISAGREE")) {
            feeds.secondary.set(PRICE * 11 / 10, block.timestamp, 0);
            return PriceFaults.DISAGREE;
        }
        bit = _addSequencer(feeds.sequencer, fault);
        if (bit == 0) bit = _addSource(feeds.primary, "", PRICE, PRICE * 100, fault);
        if (bit == 0) bit = _addSource(feeds.secondary, "SECONDARY_", PRICE, PRICE * 100, fault) << 5;
        if (bit == 0) bit = _addSource(feeds.collateral, "COLLATERAL_", 1e18, 0.9e18, fault) << 14;
        if (bit == 0) revert UnknownFault(name);
        // A price out of range would disagree as well, so the other one is at the edge of it.
        if (bit == PriceFaults.OUT_OF_RANGE) _atTheEdge(feeds.primary, feeds.secondary);
        if (bit == PriceFaults.SECONDARY_OUT_OF_RANGE) _atTheEdge(feeds.secondary, feeds.primary);
    }

    function _addSequencer(AggregatorDouble sequencer, bytes32 fault) private returns (uint256) {
        if (fault == keccak256("SEQUENCER_NO_ANSWER")) {
            sequencer.updateStartedAt(0);
            return PriceFaults.SEQUENCER_NO_ANSWER;
        }
        if (fault == keccak256("SEQUENCER_DOWN")) {
            sequencer.updateAnswer(1);
            return PriceFaults.SEQUENCER_DOWN;
        }
        if (fault == keccak256("SEQUENCER_GRACE")) {
            sequencer.updateStartedAt(block.timestamp - 60);
            return PriceFaults.SEQUENCER_GRACE;
        }
        return 0;
    }

    /// @dev Bit of the primary's five, or 0 when the fault is not one of this source's.
    function _addSource(
        ScriptedPriceSource source,
        string memory prefix,
        uint256 price,
        uint256 priceOutside,
        bytes32 fault
    ) private returns (uint256) {
        if (fault == _named(prefix, "NO_ANSWER")) {
            source.silence(true);
            return PriceFaults.NO_ANSWER;
        }
        if (fault == _named(prefix, "STALE")) {
            source.set(price, 0, 0);
            return PriceFaults.STALE;
        }
        if (fault == _named(prefix, "FROM_FUTURE")) {
            source.set(price, block.timestamp + 1, 0);
            return PriceFaults.FROM_FUTURE;
        }
        if (fault == _named(prefix, "OUT_OF_RANGE") || fault == _named(prefix, "DEPEGGED")) {
            source.set(priceOutside, block.timestamp, 0);
            return PriceFaults.OUT_OF_RANGE;
        }
        if (fault == _named(prefix, "TOO_UNCERTAIN")) {
            source.set(price, block.timestamp, price);
            return PriceFaults.TOO_UNCERTAIN;
        }
        return 0;
    }

    function _atTheEdge(ScriptedPriceSource outside, ScriptedPriceSource inside) private {
        outside.set(100_000e18 + 1, block.timestamp, 0);
        inside.set(100_000e18, block.timestamp, 0);
    }

    function _heal(ScriptedPriceSource source, uint256 price) private {
        source.silence(false);
        source.set(price, block.timestamp, 0);
    }

    function _named(string memory prefix, string memory name) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(prefix, name));
    }
}
