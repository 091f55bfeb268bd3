// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IOptionVenue, OptionBudget, OptionCaps, OptionRisk} from "../interfaces/IOptionVenue.sol";

/// @title Rules on options as hedges: hard limits of the caps, the budgets, and the verdict on a trade
/// @dev Rounding: what is used rounds up, what is left rounds down.
library OptionCapsRules {
    using SafeCast for uint256;

    uint256 private constant WAD = 1e18;
    uint256 private constant BPS_IN_WAD = 1e14;

    uint256 internal constant MAX_IV_TOLERANCE = 0.5e18; // 50 vol points
    uint256 internal constant MAX_CARRY_TOLERANCE = 0.5e18; // 50 % a year
    uint256 internal constant MAX_TENOR = 180 days;
    uint256 internal constant MAX_COST_BPS = 500; // of the notional
    uint256 internal constant MAX_PREMIUM_BPS = 2000; // capacity, and refill a day
    uint256 internal constant MAX_LOSS_BPS = 500; // capacity, and refill a day

    /// @notice Reverts for caps that no role may set.
    function requireInsideHardLimits(OptionCaps memory c) internal pure {
        bool isInside = c.ivTolerance <= MAX_IV_TOLERANCE && c.carryTolerance <= MAX_CARRY_TOLERANCE
            && c.maxTenorSeconds <= MAX_TENOR && c.maxCostBps <= MAX_COST_BPS && c.premiumCapacityBps <= MAX_PREMIUM_BPS
            && c.premiumRefillBpsPerDay <= MAX_PREMIUM_BPS && c.lossCapacityBps <= MAX_LOSS_BPS
            && c.lossRefillBpsPerDay <= MAX_LOSS_BPS;
        if (!isInside) revert IOptionVenue.CapsOutOfRange(c);
    }

    /// @notice Reverts where `next` is looser than `current` in any field.
    function requireNoLooser(OptionCaps memory current, OptionCaps memory next) internal pure {
        bool isNoLooser = next.maxGamma <= current.maxGamma && next.maxVega <= current.maxVega
            && next.ivTolerance <= current.ivTolerance && next.carryTolerance <= current.carryTolerance
            && next.maxTenorSeconds <= current.maxTenorSeconds && next.maxCostBps <= current.maxCostBps
            && next.premiumCapacityBps <= current.premiumCapacityBps
            && next.premiumRefillBpsPerDay <= current.premiumRefillBpsPerDay
            && next.lossCapacityBps <= current.lossCapacityBps
            && next.lossRefillBpsPerDay <= current.lossRefillBpsPerDay;
        if (!isNoLooser) revert IOptionVenue.CapsLooser(current, next);
    }

    /// @notice What is left used at `timestamp`.
    function settled(OptionCaps memory c, OptionBudget memory budget, uint256 timestamp)
        internal
        pure
        returns (OptionBudget memory)
    {
        uint256 elapsed = timestamp - budget.updatedAt;
        uint256 premiumBack = c.premiumRefillBpsPerDay * BPS_IN_WAD * elapsed / 1 days;
        uint256 lossBack = c.lossRefillBpsPerDay * BPS_IN_WAD * elapsed / 1 days;
        return OptionBudget(
            Math.saturatingSub(budget.premiumUsed, premiumBack).toUint96(),
            Math.saturatingSub(budget.lossUsed, lossBack).toUint96(),
            timestamp.toUint64()
        );
    }

    /// @notice What the budgets leave, USD.
    function available(OptionCaps memory c, OptionBudget memory used, uint256 firmNav)
        internal
        pure
        returns (uint256 premium, uint256 loss)
    {
        premium = Math.saturatingSub(c.premiumCapacityBps * BPS_IN_WAD, used.premiumUsed) * firmNav / WAD;
        loss = Math.saturatingSub(c.lossCapacityBps * BPS_IN_WAD, used.lossUsed) * firmNav / WAD;
    }

    /// @notice Takes premium and loss out of the budgets, or reverts with the one that has too little left.
    function spend(
        OptionCaps memory c,
        OptionBudget memory budget,
        uint256 firmNav,
        uint256 premium,
        uint256 loss,
        uint256 timestamp
    ) internal pure returns (OptionBudget memory used) {
        used = settled(c, budget, timestamp);
        (uint256 premiumLeft, uint256 lossLeft) = available(c, used, firmNav);
        if (premium > premiumLeft) revert IOptionVenue.PremiumBudgetExceeded(premium, premiumLeft);
        if (loss > lossLeft) revert IOptionVenue.OptionLossBudgetExceeded(loss, lossLeft);
        if (premium != 0) used.premiumUsed += Math.ceilDiv(premium * WAD, firmNav).toUint96();
        if (loss != 0) used.lossUsed += Math.ceilDiv(loss * WAD, firmNav).toUint96();
    }

    /// @notice Judges a trade by the two measurements.
    /// @param allowedDelta Most that W may be afterwards.
    /// @param hasPurchase Gamma and |vega| must fall; otherwise they must not rise.
    function judge(
        OptionCaps memory c,
        OptionRisk memory beforeTrade,
        OptionRisk memory afterTrade,
        uint256 allowedDelta,
        bool hasPurchase,
        bool isReducing
    ) internal pure {
        if (afterTrade.worstNetDelta > allowedDelta) {
            revert IOptionVenue.NetDeltaNotImproved(afterTrade.worstNetDelta, allowedDelta);
        }
        if (isReducing) return;
        uint256 slack = hasPurchase ? 1 : 0;
        if (afterTrade.gamma + slack > beforeTrade.gamma) {
            revert IOptionVenue.GammaNotReduced(afterTrade.gamma, beforeTrade.gamma);
        }
        if (_abs(afterTrade.vega) + slack > _abs(beforeTrade.vega)) {
            revert IOptionVenue.VegaNotReduced(afterTrade.vega, beforeTrade.vega);
        }
        if (!hasPurchase) return;
        if (afterTrade.heldGamma > c.maxGamma) {
            revert IOptionVenue.GammaCapExceeded(afterTrade.heldGamma, c.maxGamma);
        }
        if (afterTrade.heldVega > c.maxVega) revert IOptionVenue.VegaCapExceeded(afterTrade.heldVega, c.maxVega);
    }

    function _abs(int256 number) private pure returns (uint256) {
        return number < 0 ? uint256(-number) : uint256(number);
    }
}
