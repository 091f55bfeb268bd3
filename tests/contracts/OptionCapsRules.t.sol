// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {IOptionVenue, OptionBudget, OptionCaps, OptionRisk} from "../../contracts/interfaces/IOptionVenue.sol";
import {OptionCapsRules} from "../../contracts/libraries/OptionCapsRules.sol";

/// @notice Opens the rules on options to tests.
contract OptionCapsRulesHarness {
    function requireInsideHardLimits(OptionCaps memory caps) external pure {
        OptionCapsRules.requireInsideHardLimits(caps);
    }

    function requireNoLooser(OptionCaps memory current, OptionCaps memory next) external pure {
        OptionCapsRules.requireNoLooser(current, next);
    }

    function settled(OptionCaps memory caps, OptionBudget memory budget, uint256 timestamp)
        external
        pure
        returns (OptionBudget memory)
    {
        return OptionCapsRules.settled(caps, budget, timestamp);
    }

    function available(OptionCaps memory caps, OptionBudget memory used, uint256 firmNav)
        external
        pure
        returns (uint256 premium, uint256 loss)
    {
        return OptionCapsRules.available(caps, used, firmNav);
    }

    function spend(
        OptionCaps memory caps,
        OptionBudget memory budget,
        uint256 firmNav,
        uint256 premium,
        uint256 loss,
        uint256 timestamp
    ) external pure returns (OptionBudget memory) {
        return OptionCapsRules.spend(caps, budget, firmNav, premium, loss, timestamp);
    }

    function judge(
        OptionCaps memory caps,
        OptionRisk memory beforeTrade,
        OptionRisk memory afterTrade,
        uint256 allowedDelta,
        bool hasPurchase,
        bool isReducing
    ) external pure {
        OptionCapsRules.judge(caps, beforeTrade, afterTrade, allowedDelta, hasPurchase, isReducing);
    }
}

/// @notice HEDGE-622 .. HEDGE-625 at their edges: caps, budgets and the verdict on a trade, to the unit.
contract OptionCapsRulesTest is Test {
    uint256 private constant NAV = 100_000e18; // USD
    uint256 private constant PRESENT = 1_722_500_000;

    OptionCapsRulesHarness private rules = new OptionCapsRulesHarness();

    function _caps() private pure returns (OptionCaps memory) {
        return OptionCaps(1e18, 20_000e18, 0.1e18, 0.1e18, 90 days, 300, 1000, 500, 200, 100);
    }

    /// @dev What no role may go beyond, as a desk says it.
    function _hardest() private pure returns (OptionCaps memory) {
        return OptionCaps(1e18, 20_000e18, 0.5e18, 0.5e18, 180 days, 500, 2000, 2000, 500, 500);
    }

    /// @dev One field raised by a unit.
    function _raised(OptionCaps memory caps, uint256 field) private pure returns (OptionCaps memory) {
        if (field == 0) ++caps.maxGamma;
        if (field == 1) ++caps.maxVega;
        if (field == 2) ++caps.ivTolerance;
        if (field == 3) ++caps.carryTolerance;
        if (field == 4) ++caps.maxTenorSeconds;
        if (field == 5) ++caps.maxCostBps;
        if (field == 6) ++caps.premiumCapacityBps;
        if (field == 7) ++caps.premiumRefillBpsPerDay;
        if (field == 8) ++caps.lossCapacityBps;
        if (field == 9) ++caps.lossRefillBpsPerDay;
        return caps;
    }

    function _risk() private pure returns (OptionRisk memory) {
        return OptionRisk({worstNetDelta: 3e18, gamma: 5e18, vega: -700e18, heldGamma: 1e18, heldVega: 20_000e18});
    }

    // --- caps ---------------------------------------------------------------------------------------------------------

    function test_hardLimits_areTakenAtTheirEdge_andRefusedAUnitBeyond() external {
        rules.requireInsideHardLimits(_hardest());
        for (uint256 field = 2; field < 10; ++field) {
            OptionCaps memory beyond = _raised(_hardest(), field);
            vm.expectRevert(abi.encodeWithSelector(IOptionVenue.CapsOutOfRange.selector, beyond));
            rules.requireInsideHardLimits(beyond);
        }
    }

    function test_tightening_takesTheSame_andNoFieldAUnitLooser() external {
        rules.requireNoLooser(_caps(), _caps());
        for (uint256 field = 0; field < 10; ++field) {
            OptionCaps memory looser = _raised(_caps(), field);
            rules.requireNoLooser(looser, _caps());
            vm.expectRevert(abi.encodeWithSelector(IOptionVenue.CapsLooser.selector, _caps(), looser));
            rules.requireNoLooser(_caps(), looser);
        }
    }

    // --- budgets ------------------------------------------------------------------------------------------------------

    function test_settled_refillsByTimeRoundedDown() external view {
        OptionBudget memory budget = OptionBudget(0.1e18, 0.02e18, uint64(PRESENT));
        OptionBudget memory half = rules.settled(_caps(), budget, PRESENT + 12 hours);
        assertEq(half.premiumUsed, 0.075e18); // 5 % a day
        assertEq(half.lossUsed, 0.015e18); // 1 % a day
        assertEq(half.updatedAt, PRESENT + 12 hours);
        OptionBudget memory second = rules.settled(_caps(), budget, PRESENT + 1);
        assertEq(second.premiumUsed, 0.1e18 - uint256(0.05e18) / 86_400);
        assertEq(second.lossUsed, 0.02e18 - uint256(0.01e18) / 86_400);
        OptionBudget memory whole = rules.settled(_caps(), budget, PRESENT + 30 days);
        assertEq(whole.premiumUsed, 0);
        assertEq(whole.lossUsed, 0);
    }

    function test_available_isWhatCapacityLeavesRoundedDown() external view {
        OptionBudget memory used = OptionBudget(0.04e18 + 1, 0.005e18 + 3, uint64(PRESENT));
        (uint256 premium, uint256 loss) = rules.available(_caps(), used, 12_345e18);
        assertEq(premium, 12_345e18 * uint256(0.06e18 - 1) / 1e18);
        assertEq(loss, 12_345e18 * uint256(0.015e18 - 3) / 1e18);
        (premium, loss) = rules.available(_caps(), used, 7);
        assertEq(premium, 0); // of 7 units 6 %
        (premium, loss) = rules.available(_caps(), OptionBudget(0.1e18 + 1, 0.02e18 + 1, 0), NAV);
        assertEq(premium, 0);
        assertEq(loss, 0);
    }

    function test_spend_takesAllThatIsLeft_andNotAUnitMore() external {
        OptionBudget memory budget = OptionBudget(0.05e18, 0.01e18, uint64(PRESENT));
        uint256 later = PRESENT + 2.4 hours; // a tenth of a day
        (uint256 premium, uint256 loss) = (5500e18, 1100e18);
        OptionBudget memory used = rules.spend(_caps(), budget, NAV, premium, loss, later);
        assertEq(used.premiumUsed, 0.1e18);
        assertEq(used.lossUsed, 0.02e18);
        assertEq(used.updatedAt, later);
        vm.expectRevert(abi.encodeWithSelector(IOptionVenue.PremiumBudgetExceeded.selector, premium + 1, premium));
        rules.spend(_caps(), budget, NAV, premium + 1, loss, later);
        vm.expectRevert(abi.encodeWithSelector(IOptionVenue.OptionLossBudgetExceeded.selector, loss + 1, loss));
        rules.spend(_caps(), budget, NAV, premium, loss + 1, later);
    }

    function test_spend_roundsWhatIsUsedUp() external view {
        OptionBudget memory used = rules.spend(_caps(), OptionBudget(7, 9, uint64(PRESENT)), NAV, 1, 1, PRESENT);
        assertEq(used.premiumUsed, 8); // a unit of 100,000 USD is less than a unit of the part
        assertEq(used.lossUsed, 10);
    }

    function test_spend_ofNothingNeedsNoNav() external view {
        OptionBudget memory used = rules.spend(_caps(), OptionBudget(7, 9, uint64(PRESENT)), 0, 0, 0, PRESENT);
        assertEq(used.premiumUsed, 7);
        assertEq(used.lossUsed, 9);
    }

    // --- verdict ------------------------------------------------------------------------------------------------------

    function test_judge_delta_atWhatIsAllowed_andAUnitBeyond() external {
        OptionRisk memory first = _risk();
        first.worstNetDelta = 7e18; // whatever it was before
        rules.judge(_caps(), first, _risk(), 3e18, false, false);
        vm.expectRevert(abi.encodeWithSelector(IOptionVenue.NetDeltaNotImproved.selector, 3e18, 3e18 - 1));
        rules.judge(_caps(), first, _risk(), 3e18 - 1, false, true); // where the venue reduces too
    }

    function test_judge_sale_mayLeaveGammaAndVega_andRaiseNeither() external {
        rules.judge(_caps(), _risk(), _risk(), 3e18, false, false);
        OptionRisk memory next = _risk();
        ++next.gamma;
        vm.expectRevert(abi.encodeWithSelector(IOptionVenue.GammaNotReduced.selector, next.gamma, _risk().gamma));
        rules.judge(_caps(), _risk(), next, 3e18, false, false);
        next = _risk();
        --next.vega;
        vm.expectRevert(abi.encodeWithSelector(IOptionVenue.VegaNotReduced.selector, next.vega, _risk().vega));
        rules.judge(_caps(), _risk(), next, 3e18, false, false);
        next.vega = 700e18; // as far from 0 on the other side
        rules.judge(_caps(), _risk(), next, 3e18, false, false);
        ++next.vega;
        vm.expectRevert(abi.encodeWithSelector(IOptionVenue.VegaNotReduced.selector, next.vega, _risk().vega));
        rules.judge(_caps(), _risk(), next, 3e18, false, false);
    }

    function test_judge_purchase_hasToLowerGammaAndVega() external {
        OptionRisk memory next = _risk();
        (next.gamma, next.vega) = (next.gamma - 1, next.vega + 1);
        rules.judge(_caps(), _risk(), next, 3e18, true, false);
        ++next.gamma;
        vm.expectRevert(abi.encodeWithSelector(IOptionVenue.GammaNotReduced.selector, next.gamma, _risk().gamma));
        rules.judge(_caps(), _risk(), next, 3e18, true, false);
        (next.gamma, next.vega) = (next.gamma - 1, next.vega - 1);
        vm.expectRevert(abi.encodeWithSelector(IOptionVenue.VegaNotReduced.selector, next.vega, _risk().vega));
        rules.judge(_caps(), _risk(), next, 3e18, true, false);
    }

    function test_judge_purchase_mayHoldTheCaps_andNotAUnitMore() external {
        OptionRisk memory next = _risk();
        (next.gamma, next.vega) = (next.gamma - 1, next.vega + 1);
        (next.heldGamma, next.heldVega) = (1e18, 20_000e18);
        rules.judge(_caps(), _risk(), next, 3e18, true, false);
        ++next.heldGamma;
        vm.expectRevert(abi.encodeWithSelector(IOptionVenue.GammaCapExceeded.selector, next.heldGamma, 1e18));
        rules.judge(_caps(), _risk(), next, 3e18, true, false);
        --next.heldGamma;
        ++next.heldVega;
        vm.expectRevert(abi.encodeWithSelector(IOptionVenue.VegaCapExceeded.selector, next.heldVega, 20_000e18));
        rules.judge(_caps(), _risk(), next, 3e18, true, false);
        next.gamma = _risk().gamma;
        rules.judge(_caps(), _risk(), next, 3e18, false, false); // a sale of a part: the cap was lowered meanwhile
    }

    function test_judge_whileReducing_deltaAlone() external view {
        OptionRisk memory next = _risk();
        (next.gamma, next.vega) = (next.gamma * 2, next.vega * 2);
        rules.judge(_caps(), _risk(), next, 3e18, false, true);
    }
}
