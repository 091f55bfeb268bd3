// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAggregatorV3} from "../interfaces/IAggregatorV3.sol";
import {BoundedCall} from "../libraries/BoundedCall.sol";
import {PriceFaults} from "../types/Prices.sol";

/// @title Reader of Chainlink's L2 sequencer uptime feed
/// @dev Here alone `startedAt` counts: it is when the status last changed, while `updatedAt` is when it was last repeated.
///      Answer 0 is up, 1 is down. A feed that has not been told anything yet has `startedAt` 0.
library SequencerFeed {
    /// @notice Fault of the sequencer, or 0. Prices count from the second after the grace on, as in Chainlink's example.
    /// @return fault One bit of `PriceFaults`.
    /// @return changedAt When the status last changed, Unix seconds.
    function status(address feed, uint256 graceSeconds) internal view returns (uint256 fault, uint256 changedAt) {
        (bool isAnswered, uint256[5] memory words) = BoundedCall.read(feed, IAggregatorV3.latestRoundData.selector, 5);
        uint256 answer = words[1];
        changedAt = words[2];
        if (!isAnswered || changedAt == 0) return (PriceFaults.SEQUENCER_NO_ANSWER, 0);
        if (answer != 0) return (PriceFaults.SEQUENCER_DOWN, changedAt);
        bool isInGrace = changedAt > block.timestamp || block.timestamp - changedAt <= graceSeconds;
        return (isInGrace ? PriceFaults.SEQUENCER_GRACE : 0, changedAt);
    }
}
