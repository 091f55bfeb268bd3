// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {HedgeVault} from "../../HedgeVault.sol";
import {IDeltaSource} from "../../interfaces/IDeltaSource.sol";
import {IOptionVenue, OptionBudget, OptionCaps, OptionRisk} from "../../interfaces/IOptionVenue.sol";
import {GuardRules} from "../../libraries/GuardRules.sol";
import {OptionBookRisk} from "../../libraries/OptionBookRisk.sol";
import {OptionCapsRules} from "../../libraries/OptionCapsRules.sol";
import {Bounds, Measurement} from "../../types/Rebalance.sol";
import {LyraQuotes} from "./LyraQuotes.sol";

/// @title The rules on options as a contract
/// @notice The venue makes one when it is deployed, so that measuring and judging take no room in its code. It keeps nothing.
contract LyraOptionJudge {
    uint256 private constant WAD = 1e18;

    HedgeVault private immutable _vault;
    LyraQuotes private immutable _quotes;

    constructor(HedgeVault vault_, LyraQuotes quotes_) {
        (_vault, _quotes) = (vault_, quotes_);
    }

    /// @notice Risk of book, hedge and the positions named.
    /// @param m What the vault measured, the book inside.
    function risk(Measurement calldata m, uint256 price, uint256[] calldata positionIds)
        external
        view
        returns (OptionRisk memory r)
    {
        r.worstNetDelta = GuardRules.worstNetDelta(m);
        r.gamma = OptionBookRisk.gammaSpan(_vault.deltaBook(), price);
        r.vega = OptionBookRisk.vega(_vault.deltaBook(), price);
        for (uint256 i = 0; i < positionIds.length; ++i) {
            (uint256 gamma, uint256 vega) = _quotes.greeks(positionIds[i], price);
            r.heldGamma += Math.mulDiv(gamma, price, 100 * WAD, Math.Rounding.Ceil);
            r.heldVega += vega;
        }
        r.vega += int256(r.heldVega);
    }

    /// @notice Reverts with the first rule that a trade breaks. W must keep the guard's own rule.
    function judge(
        OptionCaps calldata caps,
        OptionRisk calldata beforeTrade,
        OptionRisk calldata afterTrade,
        uint256 firmNav,
        uint256 price,
        bool hasPurchase,
        bool isReducing
    ) external view {
        Bounds memory bounds = _vault.guard().bounds();
        uint256 band = GuardRules.effectiveBand(bounds, firmNav, price);
        uint256 allowed = Math.max(band, Math.saturatingSub(beforeTrade.worstNetDelta, bounds.minImprovement));
        OptionCapsRules.judge(caps, beforeTrade, afterTrade, allowed, hasPurchase, isReducing);
    }

    /// @notice As `OptionCapsRules.spend`, now.
    function spend(
        OptionCaps calldata caps,
        OptionBudget calldata budget,
        uint256 firmNav,
        uint256 premium,
        uint256 loss
    ) external view returns (OptionBudget memory) {
        return OptionCapsRules.spend(caps, budget, firmNav, premium, loss, block.timestamp);
    }

    /// @notice What the budgets leave now, USD.
    function available(OptionCaps calldata caps, OptionBudget calldata budget)
        external
        view
        returns (uint256 premium, uint256 loss)
    {
        OptionBudget memory used = OptionCapsRules.settled(caps, budget, block.timestamp);
        return OptionCapsRules.available(caps, used, _vault.measureHedge().firmNav);
    }

    /// @notice As `OptionCapsRules.settled`, now.
    function settled(OptionCaps calldata caps, OptionBudget calldata budget)
        external
        view
        returns (OptionBudget memory)
    {
        return OptionCapsRules.settled(caps, budget, block.timestamp);
    }

    /// @notice As `OptionCapsRules.requireInsideHardLimits`.
    function requireInsideHardLimits(OptionCaps calldata caps) external pure {
        OptionCapsRules.requireInsideHardLimits(caps);
    }

    /// @notice As `OptionCapsRules.requireNoLooser`.
    function requireNoLooser(OptionCaps calldata current, OptionCaps calldata next) external pure {
        OptionCapsRules.requireNoLooser(current, next);
    }

    /// @notice Reverts unless the vault's book asks `source`.
    function requireInBook(address source) external view {
        if (source == address(0)) revert IOptionVenue.SourceNotBound();
        IDeltaSource[] memory sources = _vault.deltaBook().sources();
        for (uint256 i = 0; i < sources.length; ++i) {
            if (address(sources[i]) == source) return;
        }
        revert IOptionVenue.SourceNotInBook(source);
    }

    /// @notice True where everything is to be sold: the vault winds down, or has closed or removed `venue`.
    /// @dev While it winds down the vault measures every venue as closing.
    function isEmptying(address venue) external view returns (bool) {
        try _vault.registry().indexOf(venue) returns (uint256 index) {
            return _vault.measureHedge().venues[index].isClosing;
        } catch {
            return true;
        }
    }
}
