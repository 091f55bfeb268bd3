// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Governed} from "./governance/Governed.sol";
import {IRebalanceGuard} from "./interfaces/IRebalanceGuard.sol";
import {IVaultAccess} from "./interfaces/IVaultAccess.sol";
import {GuardRules} from "./libraries/GuardRules.sol";
import {Bounds, Budget, Fill, Measurement} from "./types/Rebalance.sol";

/// @title Rebalance guard: bounds, budgets and the verdict on a rebalance
/// @notice Purpose. Makes the keeper untrusted: whoever holds its key can only lower the worst-case net delta or stay inside
///         the band, at prices near the oracle's, up to a turnover that is rationed over time. The rules are
///         `GuardRules.evaluate`; this contract stores bounds and budget and says who may change them.
///
///         Trust. The bound vault is believed to measure honestly. The governor moves bounds inside the hard limits below,
///         which no role can pass. The guardian can only tighten: no field may become looser.
///
///         Obligations of the governor. Bind the vault once; size `turnoverCapacity` and its refill so that
///         `maxDailyExecutionLoss` stays a small part of NAV.
///
///         Rounding. See `GuardRules`: toward refusing.
///
///         Liveness. Tight bounds can stop every trade but never an exit: the vault asks this contract about rebalances alone.
///
///         Known limits. Leverage is judged by its level, not by its change: a rebalance that lowers an excessive leverage
///         without bringing it under the bound is refused. The loss figure is against the oracle price; it is as good as
///         the oracle is.
contract RebalanceGuard is IRebalanceGuard, Governed {
    // Sizes and dollars. They keep every product far inside 256 bits; a book that needs more is not this vault's.
    uint256 public constant MAX_UNDERLYING_HARD_LIMIT = 1e12 * 1e18; // underlying units, for band, improvement, urgency, size
    uint256 public constant MAX_USD_HARD_LIMIT = 1e12 * 1e18; // USD, for notional and turnover

    // Ratios. What a careless or captured governor could at worst allow a keeper.
    uint256 public constant MAX_VENUE_LEVERAGE_HARD_LIMIT = 10e18; // 10x notional over equity on one venue
    uint256 public constant MAX_LEVERAGE_HARD_LIMIT = 10e18; // 10x notional over NAV
    uint256 public constant MAX_SLIPPAGE_BPS_HARD_LIMIT = 300; // 3 % against the oracle price
    uint256 public constant MAX_FEE_BPS_HARD_LIMIT = 100; // 1 % of traded notional
    uint256 public constant MAX_NAV_LOSS_BPS_HARD_LIMIT = 500; // 5 % of NAV across one rebalance
    uint256 public constant MAX_COOLDOWN_HARD_LIMIT = 1 days; // seconds; longer would leave the book unhedged

    /// @notice The one vault that may call `check`; zero until bound.
    address public vault;

    Bounds private _bounds;
    Budget private _budget;

    constructor(IVaultAccess access_, Bounds memory initialBounds) Governed(access_) {
        _requireInsideHardLimits(initialBounds);
        _bounds = initialBounds;
        _budget = Budget(initialBounds.turnoverCapacity, block.timestamp, 0);
        Bounds memory none;
        emit BoundsSet(none, initialBounds);
    }

    // --- the vault ------------------------------------------------------------------------------------------------

    /// @inheritdoc IRebalanceGuard
    function bindVault(address vault_) external onlyGovernor {
        if (vault != address(0)) revert VaultAlreadyBound(vault);
        vault = _requireContract(vault_);
        emit VaultBound(vault_);
    }

    /// @inheritdoc IRebalanceGuard
    function check(Measurement calldata beforeTrade, Fill[] calldata fills, Measurement calldata afterTrade) external {
        if (msg.sender != vault) revert OnlyBoundVault(msg.sender, vault);
        _budget = GuardRules.evaluate(_bounds, _budget, beforeTrade, fills, afterTrade, block.timestamp);
    }

    // --- bounds ---------------------------------------------------------------------------------------------------

    /// @inheritdoc IRebalanceGuard
    function setBounds(Bounds calldata newBounds) external onlyGovernor {
        _requireInsideHardLimits(newBounds);
        _replaceBounds(newBounds);
    }

    /// @inheritdoc IRebalanceGuard
    function tightenBounds(Bounds calldata newBounds) external onlyGuardian {
        _requireInsideHardLimits(newBounds);
        _requireNoLooser(_bounds, newBounds);
        _replaceBounds(newBounds);
    }

    // --- views ----------------------------------------------------------------------------------------------------

    /// @inheritdoc IRebalanceGuard
    function limitPrice(uint256 price, int256 sizeDelta) external view returns (uint256) {
        return GuardRules.limitPrice(price, sizeDelta, _bounds.maxSlippageBps);
    }

    /// @inheritdoc IRebalanceGuard
    function bounds() external view returns (Bounds memory) {
        return _bounds;
    }

    /// @inheritdoc IRebalanceGuard
    function budget() external view returns (Budget memory) {
        return _budget;
    }

    /// @inheritdoc IRebalanceGuard
    function turnoverAvailable() external view returns (uint256) {
        return GuardRules.turnoverAvailable(_bounds, _budget, block.timestamp);
    }

    /// @inheritdoc IRebalanceGuard
    /// @dev Notional is counted at the execution price. A sale at the floor costs s of the oracle price and counts 1 - s of
    ///      it, so it loses s / (1 - s) of what it uses up: that ratio, not s, makes the figure a bound. Rounded up.
    function maxDailyExecutionLoss() external view returns (uint256) {
        uint256 turnover = _bounds.turnoverCapacity + _bounds.turnoverRefillPerDay;
        uint256 slippageBps = _bounds.maxSlippageBps;
        uint256 slippageLoss = Math.mulDiv(turnover, slippageBps, GuardRules.BPS - slippageBps, Math.Rounding.Ceil);
        return slippageLoss + Math.mulDiv(turnover, _bounds.maxFeeBps, GuardRules.BPS, Math.Rounding.Ceil);
    }

    // --- private --------------------------------------------------------------------------------------------------

    /// @dev The bucket is settled at the old rate first, so a new rate never reaches back in time.
    function _replaceBounds(Bounds calldata newBounds) private {
        Bounds memory oldBounds = _bounds;
        _budget.turnoverAvailable = GuardRules.turnoverAvailable(oldBounds, _budget, block.timestamp);
        _budget.updatedAt = block.timestamp;
        _bounds = newBounds;
        emit BoundsSet(oldBounds, newBounds);
    }

    function _requireInsideHardLimits(Bounds memory b) private pure {
        _requireAtMost("band", b.band, MAX_UNDERLYING_HARD_LIMIT);
        _requireAtMost("minImprovement", b.minImprovement, MAX_UNDERLYING_HARD_LIMIT);
        _requireAtMost("urgentDelta", b.urgentDelta, MAX_UNDERLYING_HARD_LIMIT);
        // Inside the band nothing is urgent; a lower mark would waive the cooldown for trades nobody needs.
        if (b.urgentDelta < b.band) revert BoundOutsideHardLimit("urgentDelta", b.urgentDelta, b.band);
        _requireAtMost("maxSizeDelta", b.maxSizeDelta, MAX_UNDERLYING_HARD_LIMIT);
        _requireAtMost("maxNotional", b.maxNotional, MAX_USD_HARD_LIMIT);
        _requireAtMost("turnoverCapacity", b.turnoverCapacity, MAX_USD_HARD_LIMIT);
        _requireAtMost("turnoverRefillPerDay", b.turnoverRefillPerDay, MAX_USD_HARD_LIMIT);
        _requireAtMost("maxVenueLeverage", b.maxVenueLeverage, MAX_VENUE_LEVERAGE_HARD_LIMIT);
        _requireAtMost("maxLeverage", b.maxLeverage, MAX_LEVERAGE_HARD_LIMIT);
        _requireAtMost("maxSlippageBps", b.maxSlippageBps, MAX_SLIPPAGE_BPS_HARD_LIMIT);
        _requireAtMost("maxFeeBps", b.maxFeeBps, MAX_FEE_BPS_HARD_LIMIT);
        _requireAtMost("maxNavLossBps", b.maxNavLossBps, MAX_NAV_LOSS_BPS_HARD_LIMIT);
        _requireAtMost("cooldownSeconds", b.cooldownSeconds, MAX_COOLDOWN_HARD_LIMIT);
    }

    /// @dev Tighter means lower, except for the least improvement, the urgency that waives the cooldown, and the cooldown.
    function _requireNoLooser(Bounds memory current, Bounds memory next) private pure {
        _requireNotAbove("band", next.band, current.band);
        _requireNotBelow("minImprovement", next.minImprovement, current.minImprovement);
        _requireNotBelow("urgentDelta", next.urgentDelta, current.urgentDelta);
        _requireNotAbove("maxSizeDelta", next.maxSizeDelta, current.maxSizeDelta);
        _requireNotAbove("maxNotional", next.maxNotional, current.maxNotional);
        _requireNotAbove("turnoverCapacity", next.turnoverCapacity, current.turnoverCapacity);
        _requireNotAbove("turnoverRefillPerDay", next.turnoverRefillPerDay, current.turnoverRefillPerDay);
        _requireNotAbove("maxVenueLeverage", next.maxVenueLeverage, current.maxVenueLeverage);
        _requireNotAbove("maxLeverage", next.maxLeverage, current.maxLeverage);
        _requireNotAbove("maxSlippageBps", next.maxSlippageBps, current.maxSlippageBps);
        _requireNotAbove("maxFeeBps", next.maxFeeBps, current.maxFeeBps);
        _requireNotAbove("maxNavLossBps", next.maxNavLossBps, current.maxNavLossBps);
        _requireNotBelow("cooldownSeconds", next.cooldownSeconds, current.cooldownSeconds);
    }

    function _requireAtMost(bytes32 boundName, uint256 actual, uint256 limit) private pure {
        if (actual > limit) revert BoundOutsideHardLimit(boundName, actual, limit);
    }

    function _requireNotAbove(bytes32 boundName, uint256 actual, uint256 limit) private pure {
        if (actual > limit) revert BoundLooser(boundName, actual, limit);
    }

    function _requireNotBelow(bytes32 boundName, uint256 actual, uint256 limit) private pure {
        if (actual < limit) revert BoundLooser(boundName, actual, limit);
    }
}
