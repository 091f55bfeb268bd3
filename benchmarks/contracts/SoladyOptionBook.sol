// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";
import {IDeltaSource} from "../../contracts/interfaces/IDeltaSource.sol";
import {IOptionBook} from "../../contracts/interfaces/IOptionBook.sol";
import {SoladyAbramowitzStegun} from "./SoladyDelta.sol";

/// @title Peer: the option book as one writes it first, an array of structs and two deltas a leg
/// @dev Not widened by any error bound, and blind to the delta's minimum between the two volatilities.
contract SoladyOptionBook is IDeltaSource, SoladyAbramowitzStegun {
    struct StoredLeg {
        uint128 strike;
        int128 quantity;
        uint64 expiry;
        uint64 ivLow;
        uint64 ivHigh;
        bool isCall;
    }

    StoredLeg[] private _legs;

    function addLegs(IOptionBook.OptionLeg[] calldata legs) external {
        for (uint256 i; i < legs.length; ++i) {
            IOptionBook.OptionLeg calldata added = legs[i];
            _legs.push(
                StoredLeg({
                    strike: uint128(added.strike),
                    quantity: int128(added.quantity),
                    expiry: uint64(added.expiry),
                    ivLow: uint64(added.ivLow),
                    ivHigh: uint64(added.ivHigh),
                    isCall: added.isCall
                })
            );
        }
    }

    function deltaInterval(uint256 price) external view returns (int256 low, int256 high) {
        for (uint256 i; i < _legs.length; ++i) {
            StoredLeg memory held = _legs[i];
            if (held.expiry <= block.timestamp) continue;
            int256 first = callDelta(price, held.strike, held.expiry - block.timestamp, held.ivLow);
            int256 second = callDelta(price, held.strike, held.expiry - block.timestamp, held.ivHigh);
            if (!held.isCall) (first, second) = (first - 1e18, second - 1e18);
            (first, second) = (held.quantity * first, held.quantity * second);
            low += FixedPointMathLib.min(first, second);
            high += FixedPointMathLib.max(first, second);
        }
        (low, high) = (low / 1e18, high / 1e18);
    }
}
