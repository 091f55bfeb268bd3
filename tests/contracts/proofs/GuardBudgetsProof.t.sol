// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {GuardRules, Usage} from "../../../contracts/libraries/GuardRules.sol";
import {Bounds, Budget, Fill, Measurement} from "../../../contracts/types/Rebalance.sol";
import {GuardProof} from "./GuardProof.sol";

/// @title Proofs of the budgets
/// @notice Bounds of the proofs: 64 bits a use, 32 bits a time; refill, capacity and NAV concrete where a quotient depends
///         on them.
contract GuardBudgetsProof is GuardProof {
    function check_settled__any_time__adds_nothing(uint64 turnoverUsed, uint64 lossUsed, uint32 elapsed) external pure {
        Bounds memory b = _refilling();
        (uint256 turnover, uint256 loss) = GuardRules.settled(b, Budget(turnoverUsed, lossUsed, 0, 0), 10_000, elapsed);
        assert(turnover <= turnoverUsed && loss <= lossUsed);
    }

    function check_settled__no_time__takes_nothing(uint64 turnoverUsed, uint64 lossUsed, uint32 at_) external pure {
        Bounds memory b = _refilling();
        (uint256 turnover, uint256 loss) = GuardRules.settled(b, Budget(turnoverUsed, lossUsed, at_, 0), 10_000, at_);
        assert(turnover == turnoverUsed && loss == lossUsed);
    }

    /// @dev What is left never falls below what was used less the refill that passed, so a bucket gives no more than its
    ///      capacity and its refill.
    function check_settled__any_time__takes_no_more_than_the_refill(uint16 used, uint16 elapsed) external pure {
        (uint256 turnover,) = GuardRules.settled(_refilling(), Budget(used, 0, 0, 0), 10_000, elapsed);
        assert(uint256(used) - turnover <= 1000 * uint256(elapsed));
    }

    /// @dev More used before is never less used after.
    function check_settled__more_used__is_monotone(uint64 used, uint64 more, uint32 elapsed) external pure {
        if (more < used) return;
        (uint256 turnover,) = GuardRules.settled(_refilling(), Budget(used, 0, 0, 0), 10_000, elapsed);
        (uint256 larger,) = GuardRules.settled(_refilling(), Budget(more, 0, 0, 0), 10_000, elapsed);
        assert(turnover <= larger);
    }

    function check_turnover__accepted__inside_the_budget_of_all(uint96 used, uint96 capacity) external pure {
        Bounds memory b = _loosest();
        b.turnoverCapacity = capacity;
        Usage memory usage = _unused();
        usage.all.turnoverUsed = used;
        Usage memory next = _evaluate(b, usage, _measured(1), _boughtFor(PRICE), _measured(1));
        uint256 traded = PRICE;
        assert(uint256(used) + traded <= GuardRules.share(capacity, 10_000));
        assert(next.all.turnoverUsed == uint256(used) + traded);
    }

    /// @dev Half of the capacity is this keeper's.
    function check_turnover__accepted__inside_the_keepers_share(uint96 used, uint96 capacity) external pure {
        Bounds memory b = _loosest();
        (b.turnoverCapacity, b.keeperShareBps) = (capacity, 5000);
        Usage memory usage = _unused();
        usage.own.turnoverUsed = used;
        Usage memory next = _evaluate(b, usage, _measured(1), _boughtFor(PRICE), _measured(1));
        uint256 traded = PRICE;
        uint256 share = GuardRules.share(GuardRules.share(capacity, 10_000), 5000);
        assert(uint256(used) + traded <= share);
        assert(next.own.turnoverUsed == uint256(used) + traded);
    }

    /// @dev A loss is at most what either budget has left, and both are charged it.
    function check_loss__accepted__inside_both_budgets(uint64 navAfter, uint64 all, uint64 own, uint16 capacityBps)
        external
        pure
    {
        if (navAfter > 1e18) return;
        Bounds memory b = _loosest();
        (b.lossCapacityBps, b.keeperShareBps) = (capacityBps, 5000);
        Usage memory usage = _unused();
        (usage.all.lossUsed, usage.own.lossUsed) = (all, own);
        Usage memory next = _evaluate(b, usage, _worth(1e18), new Fill[](0), _worthOf(navAfter));
        uint256 loss = 1e18 - uint256(navAfter);
        (, uint256 limit) = GuardRules.available(b, usage, 1e18, false, NOW);
        assert(loss <= limit);
        assert(next.all.lossUsed - all == next.own.lossUsed - own);
    }

    /// @dev Both budgets are charged the same, and only a trade starts the cooldown.
    function check_spend__margin_alone__leaves_cooldown_and_turnover(uint64 turnoverUsed, uint32 lastTradeAt)
        external
        pure
    {
        Usage memory usage = _unused();
        (usage.own.turnoverUsed, usage.own.lastTradeAt) = (turnoverUsed, lastTradeAt);
        Usage memory next = _evaluate(_loosest(), usage, _measured(1), new Fill[](0), _measured(1));
        assert(next.own.turnoverUsed == turnoverUsed && next.own.lastTradeAt == lastTradeAt);
        assert(next.own.updatedAt == NOW && next.all.updatedAt == NOW);
    }

    // --- private ----------------------------------------------------------------------------------------------------

    function _refilling() private pure returns (Bounds memory b) {
        b = _loosest();
        b.turnoverRefillPerDay = 86_400_000;
        b.lossRefillBpsPerDay = 250;
    }

    /// @dev One unit bought at `notional`, where no price is too high.
    function _boughtFor(uint256 notional) private pure returns (Fill[] memory fills) {
        fills = _noFill();
        (fills[0].sizeDelta, fills[0].executionPrice) = (1e18, notional);
    }

    function _worth(uint256 nav) private pure returns (Measurement memory m) {
        m = _measured(1);
        (m.nav, m.firmNav, m.idle) = (nav, nav, nav);
    }

    /// @dev NAV fell, and firm NAV did not.
    function _worthOf(uint256 nav) private pure returns (Measurement memory m) {
        m = _worth(1e18);
        m.nav = nav;
    }
}
