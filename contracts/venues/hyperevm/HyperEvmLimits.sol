// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Governed} from "../../governance/Governed.sol";
import {IVaultAccess} from "../../interfaces/IVaultAccess.sol";
import {HyperCore} from "./HyperCore.sol";

/// @title What the governor sets of a market of Hyperliquid, because HyperEVM cannot read it
/// @notice Fees, tiers of the margin table and the depth of the book are not in the precompiles. Each is set here, against what
///         HyperCore does say: the first tier has the market's own leverage, and `marginTableId` is noted with the tiers.
abstract contract HyperEvmLimits is Governed {
    /// @param takerFee Most that a trade is charged, ratio of notional, WAD.
    /// @param marginFactor Margin that is kept on HyperCore, ratio of notional, WAD.
    /// @param canarySize Size of the order that is tried before any other, underlying units.
    /// @param maxOrderSize Largest size of one order, underlying units: the depth of the book cannot be read.
    /// @param settleSeconds After that an order or a move that left no trace is taken for refused.
    /// @param lateSeconds After that what is on its way over the bridge counts in the higher end of the equity alone.
    struct Limits {
        uint64 takerFee;
        uint64 marginFactor;
        uint128 canarySize;
        uint128 maxOrderSize;
        uint32 settleSeconds;
        uint32 lateSeconds;
    }

    /// @param from Notional from which it holds, WAD USD.
    /// @param maxLeverage Of a position in it; half the margin that this asks for is the maintenance margin.
    struct Tier {
        uint128 from;
        uint8 maxLeverage;
    }

    uint256 internal constant WAD = 1e18;
    uint256 private constant MAX_TIERS = 8;
    uint256 private constant MAX_TAKER_FEE = 0.01e18;
    uint256 private constant MIN_SETTLE_SECONDS = 10;
    uint256 private constant MAX_SETTLE_SECONDS = 1 hours;
    uint256 private constant MAX_LATE_SECONDS = 7 days;

    /// @notice Index of the market on HyperCore.
    uint32 public immutable asset;

    /// @notice Underlying units of one lot, WAD.
    uint256 public immutable lot;

    /// @notice Decimals that sizes have on HyperCore.
    uint8 public immutable sizeDecimals;

    /// @notice Margin table that the tiers are of.
    uint32 public marginTableId;

    /// @notice Circle's bridge; it is given the allowance of one move at a time.
    address public depositWallet;

    /// @notice A canary flown before this changed counts no more.
    uint256 public trustEpoch = 1;

    /// @notice When what was late on the bridge was written off last, Unix seconds.
    uint256 public writtenOffAt;

    Limits private _limits;
    Tier[] private _tiers;

    event LimitsSet(Limits oldLimits, Limits newLimits);
    event TiersSet(uint32 marginTableId, Tier[] tiers);
    event DepositWalletSet(address oldWallet, address newWallet);
    event Distrusted(uint256 trustEpoch);
    event LateWrittenOff();

    error LimitOutOfRange(uint256 actual, uint256 minimum, uint256 maximum);
    error TiersNotOfMarket(uint256 count, uint8 firstLeverage, uint8 marketLeverage);
    error TierNotAbove(uint256 index, uint256 from, uint256 previousFrom);
    error OnlyIsolatedMargin(uint32 asset);

    constructor(
        IVaultAccess access_,
        uint32 asset_,
        address depositWallet_,
        Limits memory limits_,
        Tier[] memory tiers_
    ) Governed(access_) {
        HyperCore.AssetInfo memory info = HyperCore.assetInfo(asset_);
        if (info.isIsolatedOnly) revert OnlyIsolatedMargin(asset_);
        (asset, sizeDecimals, lot) = (asset_, info.sizeDecimals, 10 ** (18 - info.sizeDecimals));
        _setDepositWallet(depositWallet_);
        _setTiers(tiers_, info);
        _setLimits(limits_, info, 10 ** (18 - info.sizeDecimals));
    }

    // --- the governor and the guardian ------------------------------------------------------------------------------

    /// @notice Sets the limits. Governor.
    function setLimits(Limits calldata limits_) external onlyGovernor {
        _setLimits(limits_, HyperCore.assetInfo(asset), lot);
    }

    /// @notice Sets the tiers of the margin table that the market has now. Governor.
    function setTiers(Tier[] calldata tiers_) external onlyGovernor {
        _setTiers(tiers_, HyperCore.assetInfo(asset));
    }

    /// @notice Names the bridge. Governor.
    function setDepositWallet(address wallet) external onlyGovernor {
        _setDepositWallet(wallet);
    }

    /// @notice Has what is late on the bridge by now count no more before it is there. Governor.
    /// @dev Who deposits from then on has a part in what arrives all the same.
    function writeOffLate() external onlyGovernor {
        writtenOffAt = block.timestamp;
        emit LateWrittenOff();
    }

    /// @notice Has no adapter open anything until it has flown a canary again. Guardian.
    function distrust() external onlyGuardian {
        emit Distrusted(++trustEpoch);
    }

    // --- views ----------------------------------------------------------------------------------------------------

    /// @notice The governed limits.
    function limits() public view returns (Limits memory) {
        return _limits;
    }

    /// @notice The tiers, lowest first.
    function tiers() external view returns (Tier[] memory) {
        return _tiers;
    }

    /// @notice Margin below which Hyperliquid liquidates, WAD USD, up: notional x rate - deduction, by the tier of the notional.
    ///         The rate of a tier is 1 / (2 x its leverage); its deduction makes the margin continuous.
    /// @param notional WAD USD.
    function maintenanceMargin(uint256 notional) public view returns (uint256 margin) {
        uint256 count = _tiers.length;
        for (uint256 i = 0; i < count; ++i) {
            Tier memory tier = _tiers[i];
            if (notional <= tier.from) break;
            uint256 end = i + 1 < count ? Math.min(notional, _tiers[i + 1].from) : notional;
            margin += Math.ceilDiv(end - tier.from, 2 * uint256(tier.maxLeverage));
        }
    }

    /// @notice Whether the market still has the margin table that the tiers are of.
    function areTiersPresent() external view returns (bool) {
        return HyperCore.assetInfo(asset).marginTableId == marginTableId;
    }

    // --- private --------------------------------------------------------------------------------------------------

    function _setLimits(Limits memory next, HyperCore.AssetInfo memory info, uint256 lot_) private {
        _requireWithin(next.takerFee, 0, MAX_TAKER_FEE);
        _requireWithin(next.marginFactor, WAD / info.maxLeverage + 1, WAD);
        _requireWithin(next.canarySize, lot_, next.maxOrderSize);
        _requireWithin(next.canarySize % lot_, 0, 0);
        _requireWithin(next.settleSeconds, MIN_SETTLE_SECONDS, MAX_SETTLE_SECONDS);
        _requireWithin(next.lateSeconds, next.settleSeconds, MAX_LATE_SECONDS);
        emit LimitsSet(_limits, next);
        _limits = next;
    }

    function _setTiers(Tier[] memory next, HyperCore.AssetInfo memory info) private {
        uint256 count = next.length;
        if (count == 0 || count > MAX_TIERS) revert TiersNotOfMarket(count, 0, info.maxLeverage);
        if (next[0].maxLeverage != info.maxLeverage || next[0].from != 0) {
            revert TiersNotOfMarket(count, next[0].maxLeverage, info.maxLeverage);
        }
        delete _tiers;
        for (uint256 i = 0; i < count; ++i) {
            if (i != 0) {
                if (next[i].from <= next[i - 1].from) revert TierNotAbove(i, next[i].from, next[i - 1].from);
                _requireWithin(next[i].maxLeverage, 1, next[i - 1].maxLeverage);
            }
            _tiers.push(next[i]);
        }
        marginTableId = info.marginTableId;
        emit TiersSet(info.marginTableId, next);
    }

    function _setDepositWallet(address next) private {
        emit DepositWalletSet(depositWallet, _requireContract(next));
        depositWallet = next;
    }

    function _requireWithin(uint256 actual, uint256 minimum, uint256 maximum) private pure {
        if (actual < minimum || actual > maximum) revert LimitOutOfRange(actual, minimum, maximum);
    }
}
