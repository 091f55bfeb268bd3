// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Governed} from "./governance/Governed.sol";
import {VaultBound} from "./governance/VaultBound.sol";
import {IHedgeVault} from "./interfaces/IHedgeVault.sol";
import {IRebalanceGuard} from "./interfaces/IRebalanceGuard.sol";
import {IVaultAccess} from "./interfaces/IVaultAccess.sol";
import {BoundsJudge} from "./libraries/BoundsJudge.sol";
import {ChainBlocks} from "./libraries/ChainBlocks.sol";
import {GuardRules, Usage} from "./libraries/GuardRules.sol";
import {ResultTrack} from "./libraries/ResultTrack.sol";
import {UnwindRules} from "./libraries/UnwindRules.sol";
import {Bounds, Budget, Fill, Intent, Leg, Measurement, Track} from "./types/Rebalance.sol";

/// @title Rebalance guard: bounds, budgets and the verdict on a rebalance
/// @notice Purpose. Makes the keeper untrusted: whoever holds its key can only lower the worst-case net delta or stay inside
///         the band, at prices near the oracle's, up to a turnover and a loss that are rationed over time. The rules are
///         `GuardRules.evaluate`; this contract stores bounds and budgets and says who may change them.
///
///         Trust. The bound vault is believed to measure honestly. The governor moves bounds inside the hard limits of
///         `BoundsRules`, which no role can pass, and waits for its delay. The guardian can only tighten, at once.
///
///         Obligations of the governor. Bind the vault once; size the budgets so that `lossBounds` is bearable.
///
///         Rounding. See `GuardRules`: toward refusing.
///
///         Liveness. Tight bounds can stop every trade but neither an exit nor a rebalance that only lowers leverage. One
///         keeper uses up at most its share of the budgets, so that another can act after its dismissal.
///
///         Known limits. Losses are charged at the worst true price inside the oracle's range; beyond it the figures do not
///         hold. Funding is not a keeper's act and not charged: it is bounded by the venue's own limit, and the breaker lets
///         a keeper step out. The share of a keeper's refill follows new bounds back to its last rebalance; the budget of
///         all does not. A keeper that trades makes the others decide anew: a stolen key can delay them so as often as its
///         cooldown and the delta rule let it trade.
contract RebalanceGuard is IRebalanceGuard, VaultBound {
    BoundsJudge private immutable _boundsJudge = new BoundsJudge();
    bool private immutable _onArbitrum = ChainBlocks.isArbitrum();
    uint64 private _lastTradeBlock; // of any keeper; shares the slot of `vault`
    Bounds private _bounds;
    Budget private _total;
    Track private _track;
    mapping(address keeper => Budget budget) private _budgetOf;

    constructor(IVaultAccess access_, Bounds memory initialBounds) Governed(access_) {
        _boundsJudge.requireInsideHardLimits(initialBounds);
        _bounds = initialBounds;
        Bounds memory none;
        emit BoundsSet(none, initialBounds);
    }

    // --- the vault ------------------------------------------------------------------------------------------------

    /// @inheritdoc IRebalanceGuard
    function check(
        address keeper,
        Measurement calldata beforeTrade,
        Fill[] calldata fills,
        Measurement calldata afterTrade
    ) external onlyBoundVault returns (uint256 worstNetDeltaBefore, uint256 worstNetDeltaAfter) {
        // Each is copied to memory once: every further use of calldata would copy it again.
        Measurement memory first = beforeTrade;
        Measurement memory last = afterTrade;
        Fill[] memory done = fills;
        Usage memory next = GuardRules.evaluate(_bounds, _usageOf(keeper), first, done, last, block.timestamp);
        _total = next.all;
        _budgetOf[keeper] = next.own;
        _track = next.track;
        if (done.length != 0) _lastTradeBlock = uint64(ChainBlocks.currentNumber(_onArbitrum));
        return (GuardRules.worstNetDelta(first), GuardRules.worstOnceFilled(first, done, last));
    }

    /// @inheritdoc IRebalanceGuard
    function checkLeverage(Measurement calldata beforeTrade, Measurement calldata afterTrade) external view {
        GuardRules.requireLeverage(_bounds, beforeTrade, afterTrade);
    }

    /// @inheritdoc IRebalanceGuard
    function checkUnwind(
        Measurement calldata beforeTrade,
        uint256[] calldata venueIndexes,
        Measurement calldata afterTrade
    ) external onlyBoundVault {
        for (uint256 i = 0; i < venueIndexes.length; ++i) {
            if (afterTrade.venues[venueIndexes[i]].isSilent) {
                revert VenueNotAnswering(venueIndexes[i]);
            }
        }
        GuardRules.requireLeverage(_bounds, beforeTrade, afterTrade);
        _track = ResultTrack.advanceUnwound(_track, beforeTrade, afterTrade, block.timestamp);
    }

    /// @inheritdoc IRebalanceGuard
    function recordResult() external {
        Measurement memory now_ = _measureHedge();
        _track = ResultTrack.advance(_track, now_, now_, block.timestamp);
    }

    // --- bounds ---------------------------------------------------------------------------------------------------

    /// @inheritdoc IRebalanceGuard
    function setBounds(Bounds calldata newBounds) external onlyGovernor {
        _replaceBounds(newBounds);
    }

    /// @inheritdoc IRebalanceGuard
    function tightenBounds(Bounds calldata newBounds) external onlyGuardian {
        _boundsJudge.requireNoLooser(_bounds, newBounds);
        _replaceBounds(newBounds);
    }

    // --- views ----------------------------------------------------------------------------------------------------

    /// @inheritdoc IRebalanceGuard
    function requireFresh(Intent calldata intent, uint256 lastBlock) external view returns (uint256 blockNumber) {
        if (block.timestamp > intent.deadline) revert DeadlinePassed(block.timestamp, intent.deadline);
        blockNumber = ChainBlocks.currentNumber(_onArbitrum);
        bytes32 expected = ChainBlocks.hashOf(_onArbitrum, blockNumber, intent.blockNumber);
        if (expected == 0 || expected != intent.blockHash) {
            revert BlockHashMismatch(intent.blockNumber, intent.blockHash, expected);
        }
        lastBlock = Math.max(lastBlock, _lastTradeBlock);
        if (intent.blockNumber < lastBlock) revert IntentOutdated(intent.id, intent.blockNumber, lastBlock);
    }

    /// @inheritdoc IRebalanceGuard
    function requirePart(
        Measurement calldata m,
        Leg[] calldata legs,
        uint256[] calldata indexes,
        uint256 shares,
        uint256 supply
    ) external pure {
        UnwindRules.requirePart(m, legs, indexes, shares, supply);
    }

    /// @inheritdoc IRebalanceGuard
    function limitPrice(uint256 price, int256 sizeDelta) external view returns (uint256) {
        return GuardRules.limitPrice(price, sizeDelta, _bounds.maxSlippageBps);
    }

    /// @inheritdoc IRebalanceGuard
    function bounds() external view returns (Bounds memory) {
        return _bounds;
    }

    /// @inheritdoc IRebalanceGuard
    function keeperBudget(address keeper) external view returns (Budget memory) {
        return _budgetOf[keeper];
    }

    /// @inheritdoc IRebalanceGuard
    function totalBudget() external view returns (Budget memory) {
        return _total;
    }

    /// @inheritdoc IRebalanceGuard
    function track() external view returns (Track memory) {
        return _track;
    }

    /// @inheritdoc IRebalanceGuard
    function isBreakerTripped() external view returns (bool) {
        return ResultTrack.isTripped(_track, _measureHedge(), _bounds.maxDrawdownBps, block.timestamp);
    }

    /// @inheritdoc IRebalanceGuard
    function available(address keeper, bool isUrgent) external view returns (uint256 turnover, uint256 loss) {
        return GuardRules.available(_bounds, _usageOf(keeper), _measureHedge().firmNav, isUrgent, block.timestamp);
    }

    /// @inheritdoc IRebalanceGuard
    function lossBounds() external view returns (LossBounds memory) {
        return _boundsJudge.lossBounds(IHedgeVault(vault), _bounds);
    }

    // --- private --------------------------------------------------------------------------------------------------

    /// @dev The budget of all is settled at the old rate first, so a new rate never reaches back in time.
    function _replaceBounds(Bounds calldata newBounds) private {
        _boundsJudge.requireInsideHardLimits(newBounds);
        Bounds memory oldBounds = _bounds;
        (uint256 turnoverUsed, uint256 lossUsed) =
            GuardRules.settled(oldBounds, _total, GuardRules.BPS, block.timestamp);
        _total.turnoverUsed = uint96(turnoverUsed); // no more than it was
        _total.lossUsed = uint96(lossUsed);
        _total.updatedAt = uint32(block.timestamp);
        _bounds = newBounds;
        emit BoundsSet(oldBounds, newBounds);
    }

    function _measureHedge() private view returns (Measurement memory) {
        return IHedgeVault(vault).measureHedge();
    }

    function _usageOf(address keeper) private view returns (Usage memory) {
        return Usage(_total, _budgetOf[keeper], _track);
    }
}
