// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";
import {Governed} from "../governance/Governed.sol";
import {IDeltaSource} from "../interfaces/IDeltaSource.sol";
import {IOptionBook} from "../interfaces/IOptionBook.sol";
import {IVaultAccess} from "../interfaces/IVaultAccess.sol";
import {Black76} from "../libraries/Black76.sol";
import {NormalCdf} from "../libraries/NormalCdf.sol";
import {PackedOptionLeg, packOptionLeg} from "../types/PackedOptionLeg.sol";
import {IvReporting} from "./IvReporting.sol";

/// @title Delta source: European options
/// @notice Purpose. Holds the description of a book's option legs and returns an interval certain to hold their delta:
///         Black-76 on the vault's oracle price as the forward, rate 0, for every implied volatility between a leg's
///         two ends.
///
///         Trust. The governor vouches that the legs are the book's and that their IV stays inside the interval; the
///         reporter it may name moves an interval within limits (`IvReporting`). Nobody else can change either. The
///         price is the caller's.
///
///         Rounding. The interval is widened by the proven error of the delta (`Black76`, 1e-10 a contract), summed
///         exactly, and rounded outward once. No input is rounded: what the slot cannot hold exactly reverts
///         `NotRepresentable`.
///
///         Expiry. One second before expiry a leg has an ordinary delta; at expiry and after, none. Anyone may remove
///         expired legs, whose slots would otherwise cost gas for ever, and `addLegs` makes room by itself where only
///         expired legs are in the way.
///
///         Settlement. Legs settle on the price at expiry unless `settlementWindow` says that they settle on the average
///         over that time before it, as Deribit's do (1,800 s). Within the window part of the average is fixed, and the
///         delta is at most the share of the window still to come: since no one here knows the average so far, the
///         interval of a call is then [0, share], of a put [-share, 0], which holds whatever the average is.
///
///         Gas. A leg takes one slot, and its delta 3,500 to 4,300 gas when that slot is cold: a full book stays below
///         560,000. Legs of one expiry are cheapest next to each other. `python -m benchmarks delta_gas` measures it.
contract OptionBook is IOptionBook, IvReporting {
    uint256 public constant MAX_LEGS = 128;
    uint256 public constant MIN_STRIKE = 1e10; // 1e-8 USD
    uint256 public constant MAX_STRIKE = 1e26; // 100 million USD
    uint256 public constant STRIKE_STEP = 1e10; // 1e-8 USD, as price feeds quote
    uint256 public constant MAX_QUANTITY = 1e28; // 10 billion contracts
    uint256 public constant QUANTITY_STEP = 1e10; // 1e-8 contracts
    uint256 public constant MIN_IV = 0.01e18; // 1 %
    uint256 public constant MAX_IV = 5e18; // 500 %
    uint256 public constant IV_STEP = 1e14; // 0.01 %
    uint256 public constant MAX_TENOR = 3650 days;
    uint256 public constant MAX_SETTLEMENT_WINDOW = 1 hours;

    /// @dev Legs held, the id of the next one, which starts at 1, and the window in one slot: one read a measurement.
    uint64 private _legCount;
    uint64 private _nextLegId = 1;
    /// @notice Time before expiry over whose average the legs settle, seconds; 0 for the price at expiry.
    uint64 public settlementWindow;
    /// @dev The first `_legCount` entries, in no particular order.
    PackedOptionLeg[MAX_LEGS] private _legs;

    constructor(IVaultAccess access_) Governed(access_) {}

    /// @inheritdoc IOptionBook
    function addLegs(OptionLeg[] calldata legs) external onlyGovernor returns (uint256 firstLegId) {
        if (_legCount + legs.length > MAX_LEGS) _removeExpired(MAX_LEGS);
        uint256 held = _legCount;
        uint256 count = held + legs.length;
        if (count > MAX_LEGS) revert TooManyLegs(count, MAX_LEGS);
        firstLegId = _nextLegId;
        for (uint256 i; i < legs.length; ++i) {
            OptionLeg calldata added = legs[i];
            _legs[held + i] = _pack(firstLegId + i, added);
            emit LegAdded(firstLegId + i, added);
        }
        _legCount = uint64(count);
        _nextLegId = uint64(firstLegId + legs.length);
    }

    /// @inheritdoc IOptionBook
    function setQuantity(uint256 legId, int256 quantity) external onlyGovernor {
        (uint256 position, PackedOptionLeg held) = _find(legId);
        _requireLive(held.expiry());
        _legs[position] = held.withQuantity(_quantitySteps(quantity));
        emit LegQuantitySet(legId, held.quantitySteps() * int256(QUANTITY_STEP), quantity);
    }

    /// @inheritdoc IOptionBook
    function setIvInterval(uint256 legId, uint256 ivLow, uint256 ivHigh) external onlyGovernor {
        _changeIvInterval(legId, ivLow, ivHigh);
    }

    /// @inheritdoc IOptionBook
    function setSettlementWindow(uint256 window) external onlyGovernor {
        if (window > MAX_SETTLEMENT_WINDOW) revert SettlementWindowTooLong(window, MAX_SETTLEMENT_WINDOW);
        emit SettlementWindowSet(settlementWindow, window);
        settlementWindow = uint64(window);
    }

    /// @inheritdoc IOptionBook
    function removeLeg(uint256 legId) external {
        (uint256 position, PackedOptionLeg held) = _find(legId);
        if (block.timestamp < held.expiry()) _checkCanCall(msg.sender, msg.data);
        _removeAt(position, held);
    }

    /// @inheritdoc IOptionBook
    function removeExpired(uint256 limit) external returns (uint256 removed) {
        return _removeExpired(limit);
    }

    /// @inheritdoc IDeltaSource
    /// @dev Every price from 1 wei to `Black76.MAX_PRICE` has an answer; others revert `PriceOutOfRange`.
    function deltaInterval(uint256 price) external view returns (int256 low, int256 high) {
        int256 lnPrice = Black76.lnPrice(price);
        uint256 count = _legCount;
        uint256 window = settlementWindow;
        uint256 expiry;
        uint256 halfRoot; // of the time left to `expiry`; 0 once it has come
        int256 share; // of the window still to come, X52; 0 before it opens
        unchecked {
            for (uint256 i; i < count; ++i) {
                PackedOptionLeg held = _legs[i];
                if (held.expiry() != expiry) {
                    expiry = held.expiry();
                    (halfRoot, share) = _timeLeft(expiry, window);
                }
                if (halfRoot == 0) continue;
                (int256 legLow, int256 legHigh) = share != 0
                    ? (int256(0), share)
                    : Black76.callDeltaBoundsX52(
                        lnPrice - held.lnStrike(), halfRoot, held.ivLowSteps() * IV_STEP, held.ivHighSteps() * IV_STEP
                    );
                if (!held.isCall()) {
                    int256 forward = share != 0 ? share : NormalCdf.ONE_X52;
                    legLow -= forward;
                    legHigh -= forward;
                }
                int256 steps = held.quantitySteps();
                if (steps < 0) (legLow, legHigh) = (legHigh, legLow);
                low += steps * legLow;
                high += steps * legHigh;
            }
            // At most 128 legs of 1e18 steps of 2^52: far inside 255 bits, also times the step.
            low = (low * int256(QUANTITY_STEP)) >> 52; // down
            high = -((-high * int256(QUANTITY_STEP)) >> 52); // up
        }
    }

    /// @inheritdoc IOptionBook
    function legIds() external view returns (uint256[] memory ids) {
        ids = new uint256[](_legCount);
        for (uint256 i; i < ids.length; ++i) {
            ids[i] = _legs[i].id();
        }
    }

    /// @inheritdoc IOptionBook
    function leg(uint256 legId) external view returns (OptionLeg memory) {
        (, PackedOptionLeg held) = _find(legId);
        return _unpack(held);
    }

    /// @dev Also of the live legs of a reporter; the old interval is for its limits.
    function _changeIvInterval(uint256 legId, uint256 ivLow, uint256 ivHigh)
        internal
        override
        returns (uint256 oldLow, uint256 oldHigh)
    {
        (uint256 position, PackedOptionLeg held) = _find(legId);
        _requireLive(held.expiry());
        (uint256 lowSteps, uint256 highSteps) = _ivSteps(ivLow, ivHigh);
        _legs[position] = held.withIvInterval(lowSteps, highSteps);
        (oldLow, oldHigh) = (held.ivLowSteps() * IV_STEP, held.ivHighSteps() * IV_STEP);
        emit LegIvIntervalSet(legId, oldLow, ivLow, oldHigh, ivHigh);
    }

    /// @dev From the last to the first: what takes a removed leg's place has been looked at.
    function _removeExpired(uint256 limit) private returns (uint256 removed) {
        for (uint256 i = _legCount; i > 0 && removed < limit; --i) {
            PackedOptionLeg held = _legs[i - 1];
            if (block.timestamp < held.expiry()) continue;
            _removeAt(i - 1, held);
            ++removed;
        }
    }

    function _removeAt(uint256 position, PackedOptionLeg held) private {
        uint256 last = _legCount - 1;
        if (position != last) _legs[position] = _legs[last];
        _legs[last] = PackedOptionLeg.wrap(0);
        _legCount = uint64(last);
        emit LegRemoved(held.id(), _unpack(held));
    }

    function _timeLeft(uint256 expiry, uint256 window) private view returns (uint256 halfRoot, int256 share) {
        unchecked {
            if (block.timestamp >= expiry) return (0, 0);
            uint256 left = expiry - block.timestamp;
            halfRoot = Black76.halfRootTau(left);
            if (left < window) share = int256(((left << 52) + window - 1) / window); // up
        }
    }

    function _find(uint256 legId) private view returns (uint256 position, PackedOptionLeg held) {
        uint256 count = _legCount;
        for (; position < count; ++position) {
            held = _legs[position];
            if (held.id() == legId) return (position, held);
        }
        revert LegUnknown(legId);
    }

    function _pack(uint256 legId, OptionLeg calldata added) private view returns (PackedOptionLeg) {
        _requireLive(added.expiry);
        uint256 maxExpiry = block.timestamp + MAX_TENOR;
        if (added.expiry > maxExpiry) revert ExpiryOutOfRange(added.expiry, maxExpiry);
        (uint256 ivLowSteps, uint256 ivHighSteps) = _ivSteps(added.ivLow, added.ivHigh);
        return packOptionLeg(
            legId,
            _lnStrike(added.strike),
            _quantitySteps(added.quantity),
            added.expiry,
            added.isCall,
            ivLowSteps,
            ivHighSteps
        );
    }

    function _unpack(PackedOptionLeg held) private pure returns (OptionLeg memory) {
        return OptionLeg({
            strike: _strike(held.lnStrike()),
            expiry: held.expiry(),
            isCall: held.isCall(),
            quantity: held.quantitySteps() * int256(QUANTITY_STEP),
            ivLow: held.ivLowSteps() * IV_STEP,
            ivHigh: held.ivHighSteps() * IV_STEP
        });
    }

    function _requireLive(uint256 expiry) private view {
        if (expiry <= block.timestamp) revert LegExpired(expiry, block.timestamp);
    }

    /// @dev The logarithm is good to 2e-18 and its inverse to a few wei or 1e-17, the step at least 1e-16 of the
    ///      strike: they find the strike again, or it was not on a step.
    function _lnStrike(uint256 strike) private pure returns (int256 lnStrike) {
        if (strike < MIN_STRIKE || strike > MAX_STRIKE) revert StrikeOutOfRange(strike, MIN_STRIKE, MAX_STRIKE);
        lnStrike = Black76.lnPrice(strike);
        if (_strike(lnStrike) != strike) revert NotRepresentable(strike, STRIKE_STEP);
    }

    /// @dev Nearest step, so that the small errors of both functions vanish.
    function _strike(int256 lnStrike) private pure returns (uint256) {
        uint256 approximate = uint256(FixedPointMathLib.expWad(lnStrike));
        return (approximate + STRIKE_STEP / 2) / STRIKE_STEP * STRIKE_STEP;
    }

    function _quantitySteps(int256 quantity) private pure returns (int256) {
        if (quantity > int256(MAX_QUANTITY) || quantity < -int256(MAX_QUANTITY)) {
            revert QuantityOutOfRange(quantity, MAX_QUANTITY);
        }
        if (quantity % int256(QUANTITY_STEP) != 0) {
            revert NotRepresentable(FixedPointMathLib.abs(quantity), QUANTITY_STEP);
        }
        return quantity / int256(QUANTITY_STEP);
    }

    function _ivSteps(uint256 ivLow, uint256 ivHigh) private pure returns (uint256 lowSteps, uint256 highSteps) {
        if (ivLow < MIN_IV || ivHigh < ivLow || ivHigh > MAX_IV) {
            revert IvIntervalInvalid(ivLow, ivHigh, MIN_IV, MAX_IV);
        }
        if (ivLow % IV_STEP != 0) revert NotRepresentable(ivLow, IV_STEP);
        if (ivHigh % IV_STEP != 0) revert NotRepresentable(ivHigh, IV_STEP);
        return (ivLow / IV_STEP, ivHigh / IV_STEP);
    }
}
