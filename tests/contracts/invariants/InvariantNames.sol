// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Names of the invariants of docs/spec.md
library InvariantNames {
    uint256 internal constant COUNT = 64;

    function nameOf(uint256 number) internal pure returns (string memory) {
        return all()[number - 1];
    }

    function all() internal pure returns (string[COUNT] memory) {
        return [
            "INV-01: the delta rule",
            "INV-02: turnover of a day",
            "INV-03: losses of a day",
            "INV-04: round trip at once",
            "INV-05: price of those who stay",
            "INV-06: solvency",
            "INV-07: NAV interval",
            "INV-08: round trip across blocks",
            "INV-09: gifts",
            "INV-10: first deposit",
            "INV-11: previews",
            "INV-12: supply",
            "INV-13: members",
            "INV-14: share lock",
            "INV-15: whose lock",
            "INV-16: queue's reserve",
            "INV-17: maxima of exits",
            "INV-18: maxima of entries",
            "INV-19: exits are open",
            "INV-20: part of a leaver",
            "INV-21: margin of a leaver",
            "INV-22: net flows",
            "INV-23: firm NAV",
            "INV-24: deposit cap",
            "INV-25: turnover of one keeper",
            "INV-26: losses by one keeper",
            "INV-27: reserve for urgency",
            "INV-28: loss of one rebalance",
            "INV-29: price and fee",
            "INV-30: size",
            "INV-31: cooldown",
            "INV-32: least trade",
            "INV-33: intents once",
            "INV-34: intents die",
            "INV-35: gross",
            "INV-36: venue leverage",
            "INV-37: leverage",
            "INV-38: idle floor",
            "INV-39: venue caps",
            "INV-40: breaker",
            "INV-41: closing venues",
            "INV-42: trades in the dark",
            "INV-43: pause",
            "INV-44: reduce-only",
            "INV-45: wind-down",
            "INV-46: length of a pause",
            "INV-47: way out of reduce-only",
            "INV-48: guardian tightens",
            "INV-49: governor waits",
            "INV-50: hard limits",
            "INV-51: budgets survive",
            "INV-52: keepers",
            "INV-53: silent venue",
            "INV-54: dead feed",
            "INV-55: collateral",
            "INV-56: allowances",
            "INV-57: venue list",
            "INV-58: callbacks",
            "INV-59: result without prices",
            "INV-60: measurements answer",
            "INV-61: fills inside the interval",
            "INV-62: orders counted once",
            "INV-63: orders never raise W",
            "INV-64: who may cancel"
        ];
    }
}
