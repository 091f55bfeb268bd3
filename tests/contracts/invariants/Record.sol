// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Bounds} from "../../../contracts/types/Rebalance.sol";
import {console} from "forge-std/console.sol";
import {Stage} from "./Stage.sol";

/// @notice What was done, what came of it, and which invariant did not hold.
abstract contract Record is Stage {
    /// @dev One rebalance, or one change of bounds (`keeper` = `BOUNDS_CHANGE`). Two slots.
    struct Entry {
        uint40 timestamp;
        uint8 keeper;
        uint96 notional; // WAD USD, rounded up
        uint96 loss; // WAD USD at the worst true price
        uint96 nav; // WAD USD before
        uint96 turnoverRefill; // WAD USD per day
        uint16 lossRefillBps;
        uint16 keeperShareBps;
    }

    bool private constant DEBUG = false;
    uint256 internal constant INVARIANTS = 64;
    uint256 internal constant BOUNDS_CHANGE = 255;

    /// @notice Bit n is set once INV-n did not hold.
    uint256 public broken;

    uint32[72] private _judged;
    uint32[72] private _calls;
    uint32[72] private _accepted;
    Entry[] internal entries;

    /// @dev The error of the last refusal, for who reads a failed campaign.
    bytes4 public lastRefusal;

    function _judge(uint256 number, bool holds) internal {
        unchecked {
            ++_judged[number];
        }
        if (!holds) broken |= 1 << number;
    }

    function _done(uint256 action, bool isAccepted) internal {
        ++_calls[action];
        if (isAccepted) ++_accepted[action];
        else if (DEBUG) console.log("refused", action, vm.toString(lastRefusal));
        lastRefusal = 0;
    }

    function tallies() external view returns (uint32[72] memory, uint32[72] memory, uint32[72] memory) {
        return (_judged, _calls, _accepted);
    }

    // --- windows of 24 hours -------------------------------------------------------------------------------------

    function _enter(uint256 keeper, uint256 notional, uint256 loss, uint256 nav, Bounds memory b) internal {
        entries.push(
            Entry({
                timestamp: uint40(vm.getBlockTimestamp()),
                keeper: uint8(keeper),
                notional: uint96(notional),
                loss: uint96(loss),
                nav: uint96(nav),
                turnoverRefill: uint96(b.turnoverRefillPerDay),
                lossRefillBps: b.lossRefillBpsPerDay,
                keeperShareBps: b.keeperShareBps
            })
        );
    }

    /// @dev What all and what `keeper` did in the 24 hours that end now, against capacity now and the largest refill since.
    function _judgeWindows(uint256 keeper, Bounds memory b) internal {
        Window memory w;
        uint256 since = vm.getBlockTimestamp() - 1 days;
        for (uint256 i = entries.length; i != 0; --i) {
            Entry memory e = entries[i - 1];
            if (e.timestamp < since) break;
            _add(w, e, keeper);
        }
        _judge(2, w.notional <= b.turnoverCapacity + w.turnoverRefill);
        _judge(25, w.ownNotional <= b.turnoverCapacity * b.keeperShareBps / BPS + w.ownTurnoverRefill);
        _judge(3, w.loss <= w.nav * (b.lossCapacityBps + w.lossRefillBps) / BPS);
        uint256 ownBps = uint256(b.lossCapacityBps) * b.keeperShareBps + w.ownLossRefill;
        _judge(26, w.ownLoss <= w.nav * ownBps / BPS / BPS);
    }

    struct Window {
        uint256 notional;
        uint256 ownNotional;
        uint256 loss;
        uint256 ownLoss;
        uint256 nav;
        uint256 turnoverRefill;
        uint256 lossRefillBps;
        uint256 ownTurnoverRefill;
        uint256 ownLossRefill; // 1e-8 of NAV per day
    }

    function _add(Window memory w, Entry memory e, uint256 keeper) private pure {
        w.notional += e.notional;
        w.loss += e.loss;
        if (e.keeper == keeper) {
            w.ownNotional += e.notional;
            w.ownLoss += e.loss;
        }
        if (e.nav > w.nav) w.nav = e.nav;
        if (e.turnoverRefill > w.turnoverRefill) w.turnoverRefill = e.turnoverRefill;
        if (e.lossRefillBps > w.lossRefillBps) w.lossRefillBps = e.lossRefillBps;
        uint256 ownTurnover = uint256(e.turnoverRefill) * e.keeperShareBps / BPS;
        if (ownTurnover > w.ownTurnoverRefill) w.ownTurnoverRefill = ownTurnover;
        uint256 ownLoss = uint256(e.lossRefillBps) * e.keeperShareBps;
        if (ownLoss > w.ownLossRefill) w.ownLossRefill = ownLoss;
    }
}
