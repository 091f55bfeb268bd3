// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Governed} from "../governance/Governed.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {IPriceSource} from "../interfaces/IPriceSource.sol";
import {IVaultAccess} from "../interfaces/IVaultAccess.sol";
import {BoundedCall} from "../libraries/BoundedCall.sol";
import {Answer, PriceRules} from "../libraries/PriceRules.sol";
import {PriceFaults, PriceLimits, PriceSources} from "../types/Prices.sol";
import {SequencerFeed} from "./SequencerFeed.sol";

/// @title Price oracle of a vault
/// @notice Purpose. One price out of up to two sources, with the interval in which the true one lies and every reason not
///         to believe it. A second source that is dead, or that disagrees, is such a reason too: the primary alone is
///         then one print that nobody checks, and the secondary was never meant to be traded at. The governor replaces
///         sources after the delay.
///
///         Trust. The governor chooses sources, and limits inside the hard limits below. The guardian can only make more
///         prices unhealthy, which stops trades and deposits; the width of the interval is the governor's, for exits are
///         paid by it. The sources are believed no further than the limits say, whoever runs them: none can make a
///         reading revert, or cost more than `BoundedCall.GAS_REQUIRED`, or hide another's fault.
///
///         Obligations of the governor. `deviationBps` at least the primary feed's own deviation threshold; age limits at
///         least the feeds' heartbeats; `maxDisagreementBps` above what the two sources differ by while both are right.
///
///         Rounding. The interval is rounded outward; every limit is judged exactly.
///
///         Liveness. An unhealthy price stops what has to be priced, and nothing else: docs/spec.md says what the vault
///         allows with which fault. Tight limits can stop trades and deposits, never exits.
///
///         Known limits. Two sources that are wrong alike, by less than the range, are believed. The interval holds the
///         true price as far as `deviationBps` and the sources' own confidence do.
contract PriceOracle is IPriceOracle, Governed {
    /// @notice No governor may accept a price older than this: the slowest Chainlink heartbeat, 24 h, and one hour of grace.
    uint256 public constant MAX_AGE_HARD_LIMIT = 25 hours; // seconds

    /// @notice Longest grace after an outage of the sequencer.
    uint256 public constant MAX_GRACE_HARD_LIMIT = 1 days; // seconds

    /// @notice No governor may accept a price above this.
    uint256 public constant MAX_PRICE_HARD_LIMIT = 1e10 * 1e18; // USD per underlying

    /// @notice Widest deviation, disagreement, confidence and depeg.
    uint256 public constant MAX_WIDTH_BPS_HARD_LIMIT = 1000; // 10 %

    /// @notice Bits of `Reading.faults` with which no price counts.
    uint256 public constant PRICE_FAULTS = PriceFaults.PRICE_FAULTS;

    /// @notice Bits of `Reading.faults` with which the asset does not count as 1 USD.
    uint256 public constant COLLATERAL_FAULTS = PriceFaults.COLLATERAL_FAULTS;

    uint256 private constant PEG = 1e18; // USD per unit of the asset

    PriceSources private _sources;
    PriceLimits private _limits;

    /// @dev What was read for the price, and what is wrong with it.
    struct Findings {
        Answer primary;
        Answer secondary;
        uint256 sequencerChangedAt;
        uint256 faults;
    }

    constructor(IVaultAccess access_, PriceSources memory sources_, PriceLimits memory limits_) Governed(access_) {
        _setLimits(limits_);
        _setSources(sources_);
    }

    /// @inheritdoc IPriceOracle
    function setSources(PriceSources calldata newSources) external onlyGovernor {
        _setSources(newSources);
    }

    /// @inheritdoc IPriceOracle
    function setPriceLimits(PriceLimits calldata newLimits) external onlyGovernor {
        _setLimits(newLimits);
    }

    /// @inheritdoc IPriceOracle
    function tightenPriceLimits(PriceLimits calldata newLimits) external onlyGuardian {
        _requireNoLooser(_limits, newLimits);
        _setLimits(newLimits);
    }

    /// @inheritdoc IPriceOracle
    function read() external view returns (Reading memory reading) {
        PriceLimits memory limits = _limits;
        PriceSources memory asked = _sources;
        Findings memory found = _findings(asked, limits);
        Answer memory primary = found.primary;
        reading.price = primary.price;
        reading.deviationBps = limits.deviationBps;
        reading.updatedAt = primary.updatedAt;
        reading.faults = found.faults | _collateralFaults(asked.collateral, limits);
        (reading.low, reading.high) = PriceRules.interval(primary.price, primary.confidence, limits.deviationBps);
        bool isSecondaryHealthy = address(asked.secondary) != address(0)
            && _secondaryFaults(found.secondary, limits) == 0 && primary.isAnswered;
        if (isSecondaryHealthy) {
            reading.low = Math.min(reading.low, found.secondary.price);
            reading.high = Math.max(reading.high, found.secondary.price);
        }
    }

    /// @inheritdoc IPriceOracle
    function price() external view returns (uint256 latestPrice, uint256 updatedAt) {
        PriceLimits memory limits = _limits;
        PriceSources memory asked = _sources;
        Findings memory found = _findings(asked, limits);
        _requireNone(PRICE_FAULTS, found, asked, limits);
        return (found.primary.price, found.primary.updatedAt);
    }

    /// @inheritdoc IPriceOracle
    function sources() external view returns (PriceSources memory) {
        return _sources;
    }

    /// @inheritdoc IPriceOracle
    function priceLimits() external view returns (PriceLimits memory) {
        return _limits;
    }

    // --- reading --------------------------------------------------------------------------------------------------

    function _findings(PriceSources memory asked, PriceLimits memory limits)
        private
        view
        returns (Findings memory found)
    {
        found.primary = _ask(asked.primary);
        found.faults = PriceRules.faultsOf(
            found.primary, limits.maxAgeSeconds, limits.minPrice, limits.maxPrice, limits.maxConfidenceBps
        );
        if (address(asked.secondary) != address(0)) {
            found.secondary = _ask(asked.secondary);
            found.faults |= _secondaryFaults(found.secondary, limits) << PriceFaults.SECONDARY_SHIFT;
            bool areBothAnswered = found.primary.isAnswered && found.secondary.isAnswered;
            if (
                areBothAnswered
                    && PriceRules.disagree(found.primary.price, found.secondary.price, limits.maxDisagreementBps)
            ) found.faults |= PriceFaults.DISAGREE;
        }
        if (asked.sequencerFeed != address(0)) {
            uint256 fault;
            (fault, found.sequencerChangedAt) = SequencerFeed.status(asked.sequencerFeed, limits.sequencerGraceSeconds);
            found.faults |= fault;
        }
    }

    function _secondaryFaults(Answer memory answer, PriceLimits memory limits) private view returns (uint256) {
        return PriceRules.faultsOf(
            answer, limits.secondaryMaxAgeSeconds, limits.minPrice, limits.maxPrice, limits.maxConfidenceBps
        );
    }

    function _collateralFaults(IPriceSource source, PriceLimits memory limits) private view returns (uint256) {
        if (address(source) == address(0)) return 0;
        uint256 depeg = PriceRules.ratioOf(PEG, limits.maxDepegBps);
        uint256 faults = PriceRules.faultsOf(
            _ask(source), limits.collateralMaxAgeSeconds, PEG - depeg, PEG + depeg, limits.maxConfidenceBps
        );
        return faults << PriceFaults.COLLATERAL_SHIFT;
    }

    function _ask(IPriceSource source) private view returns (Answer memory answer) {
        (bool isAnswered, uint256[5] memory words) =
            BoundedCall.read(address(source), IPriceSource.latestPrice.selector, 3);
        if (isAnswered) answer = Answer(true, words[0], words[1], words[2]);
    }

    // --- errors of faults -----------------------------------------------------------------------------------------

    /// @dev Reverts with the first of `faults` that was found.
    function _requireNone(uint256 faults, Findings memory found, PriceSources memory asked, PriceLimits memory limits)
        private
        view
    {
        faults &= found.faults;
        if (faults == 0) return;
        _requireNoPrimaryFault(faults, found.primary, address(asked.primary), limits);
        _requireNoSecondaryFault(faults, found.secondary, address(asked.secondary), limits);
        if (faults & PriceFaults.DISAGREE != 0) {
            revert PricesDisagree(found.primary.price, found.secondary.price, limits.maxDisagreementBps);
        }
        if (faults & PriceFaults.SEQUENCER_NO_ANSWER != 0) revert SequencerNotAnswered(asked.sequencerFeed);
        if (faults & PriceFaults.SEQUENCER_DOWN != 0) revert SequencerDown(found.sequencerChangedAt);
        revert SequencerGrace(found.sequencerChangedAt, limits.sequencerGraceSeconds);
    }

    function _requireNoPrimaryFault(uint256 faults, Answer memory a, address source, PriceLimits memory limits)
        private
        view
    {
        if (faults & PriceFaults.NO_ANSWER != 0) revert PriceNotAnswered(source);
        if (faults & PriceFaults.STALE != 0) revert PriceStale(block.timestamp - a.updatedAt, limits.maxAgeSeconds);
        if (faults & PriceFaults.FROM_FUTURE != 0) revert PriceFromFuture(a.updatedAt, block.timestamp);
        if (faults & PriceFaults.OUT_OF_RANGE != 0) revert PriceOutOfRange(a.price, limits.minPrice, limits.maxPrice);
        if (faults & PriceFaults.TOO_UNCERTAIN != 0) {
            revert PriceTooUncertain(a.confidence, PriceRules.ratioOf(a.price, limits.maxConfidenceBps));
        }
    }

    function _requireNoSecondaryFault(uint256 faults, Answer memory a, address source, PriceLimits memory limits)
        private
        view
    {
        if (faults & PriceFaults.SECONDARY_NO_ANSWER != 0) revert SecondaryPriceNotAnswered(source);
        if (faults & PriceFaults.SECONDARY_STALE != 0) {
            revert SecondaryPriceStale(block.timestamp - a.updatedAt, limits.secondaryMaxAgeSeconds);
        }
        if (faults & PriceFaults.SECONDARY_FROM_FUTURE != 0) {
            revert SecondaryPriceFromFuture(a.updatedAt, block.timestamp);
        }
        if (faults & PriceFaults.SECONDARY_OUT_OF_RANGE != 0) {
            revert SecondaryPriceOutOfRange(a.price, limits.minPrice, limits.maxPrice);
        }
        if (faults & PriceFaults.SECONDARY_TOO_UNCERTAIN != 0) {
            revert SecondaryPriceTooUncertain(a.confidence, PriceRules.ratioOf(a.price, limits.maxConfidenceBps));
        }
    }

    // --- sources and limits ---------------------------------------------------------------------------------------

    function _setSources(PriceSources memory next) private {
        _requireContract(address(next.primary));
        _requireContractOrNone(address(next.secondary));
        _requireContractOrNone(address(next.collateral));
        _requireContractOrNone(next.sequencerFeed);
        if (next.primary == next.secondary || next.primary == next.collateral) {
            revert PriceSourceRepeated(address(next.primary));
        }
        if (next.secondary == next.collateral && address(next.secondary) != address(0)) {
            revert PriceSourceRepeated(address(next.secondary));
        }
        PriceLimits memory limits = _limits;
        uint256 passing = PriceFaults.SEQUENCER_DOWN | PriceFaults.SEQUENCER_GRACE;
        _requireNone(PRICE_FAULTS ^ passing, _findings(next, limits), next, limits);
        if (_collateralFaults(next.collateral, limits) & PriceFaults.COLLATERAL_NO_ANSWER != 0) {
            revert CollateralNotAnswered(address(next.collateral));
        }
        emit PriceSourcesSet(_sources, next);
        _sources = next;
    }

    function _requireContractOrNone(address account) private view {
        if (account != address(0)) _requireContract(account);
    }

    function _setLimits(PriceLimits memory next) private {
        _requireBetween("maxAgeSeconds", next.maxAgeSeconds, 1, MAX_AGE_HARD_LIMIT);
        _requireBetween("secondaryMaxAgeSeconds", next.secondaryMaxAgeSeconds, 1, MAX_AGE_HARD_LIMIT);
        _requireBetween("collateralMaxAgeSeconds", next.collateralMaxAgeSeconds, 1, MAX_AGE_HARD_LIMIT);
        _requireBetween("sequencerGraceSeconds", next.sequencerGraceSeconds, 0, MAX_GRACE_HARD_LIMIT);
        _requireBetween("deviationBps", next.deviationBps, 1, MAX_WIDTH_BPS_HARD_LIMIT);
        _requireBetween("maxDisagreementBps", next.maxDisagreementBps, 1, MAX_WIDTH_BPS_HARD_LIMIT);
        _requireBetween("maxConfidenceBps", next.maxConfidenceBps, 1, MAX_WIDTH_BPS_HARD_LIMIT);
        _requireBetween("maxDepegBps", next.maxDepegBps, 1, MAX_WIDTH_BPS_HARD_LIMIT);
        _requireBetween("maxPrice", next.maxPrice, 2, MAX_PRICE_HARD_LIMIT);
        _requireBetween("minPrice", next.minPrice, 1, next.maxPrice - 1);
        emit PriceLimitsSet(_limits, next);
        _limits = next;
    }

    function _requireNoLooser(PriceLimits memory current, PriceLimits memory next) private pure {
        _requireNotAbove("maxAgeSeconds", next.maxAgeSeconds, current.maxAgeSeconds);
        _requireNotAbove("secondaryMaxAgeSeconds", next.secondaryMaxAgeSeconds, current.secondaryMaxAgeSeconds);
        _requireNotAbove("collateralMaxAgeSeconds", next.collateralMaxAgeSeconds, current.collateralMaxAgeSeconds);
        _requireNotBelow("sequencerGraceSeconds", next.sequencerGraceSeconds, current.sequencerGraceSeconds);
        // Neither way is tighter: a narrower interval believes more, a wider one pays leavers less.
        _requireNotAbove("deviationBps", next.deviationBps, current.deviationBps);
        _requireNotBelow("deviationBps", next.deviationBps, current.deviationBps);
        _requireNotAbove("maxDisagreementBps", next.maxDisagreementBps, current.maxDisagreementBps);
        _requireNotAbove("maxConfidenceBps", next.maxConfidenceBps, current.maxConfidenceBps);
        _requireNotAbove("maxDepegBps", next.maxDepegBps, current.maxDepegBps);
        _requireNotBelow("minPrice", next.minPrice, current.minPrice);
        _requireNotAbove("maxPrice", next.maxPrice, current.maxPrice);
    }

    /// @dev `limit` in the error is the end that was passed.
    function _requireBetween(bytes32 limitName, uint256 actual, uint256 least, uint256 most) private pure {
        if (actual < least) revert PriceLimitOutsideHardLimit(limitName, actual, least);
        if (actual > most) revert PriceLimitOutsideHardLimit(limitName, actual, most);
    }

    function _requireNotAbove(bytes32 limitName, uint256 actual, uint256 limit) private pure {
        if (actual > limit) revert PriceLimitLooser(limitName, actual, limit);
    }

    function _requireNotBelow(bytes32 limitName, uint256 actual, uint256 limit) private pure {
        if (actual < limit) revert PriceLimitLooser(limitName, actual, limit);
    }
}
