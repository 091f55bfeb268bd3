// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";
import {Governed} from "../governance/Governed.sol";
import {IDeltaSource} from "../interfaces/IDeltaSource.sol";
import {IVaultAccess} from "../interfaces/IVaultAccess.sol";
import {Black76} from "../libraries/Black76.sol";
import {NormalCdf} from "../libraries/NormalCdf.sol";
import {ILyraOptionMarket, ILyraOptionToken, LyraOptionType, LyraPositionState} from "./ILyra.sol";
import {ListedPositions} from "./ListedPositions.sol";

/// @title Delta source: Lyra v1 ("Avalon") options of one holder in one market
/// @notice Purpose. Reads size, strike, expiry and volatility of each position from Lyra's own contracts and returns an
///         interval certain to hold the delta: Black-76 for every volatility within `ivTolerance` of Lyra's (board IV
///         times skew) and every forward within `carryTolerance` times the years left of the oracle's price, by which
///         Lyra's own Greeks, at its rate, are inside.
///
///         Collateral. Base that covers a short call is the holder's exposure too and counts one for one; quote
///         collateral counts 0.
///
///         Expiry. Lyra settles a board at the spot price of the moment in which somebody calls `settleExpiredBoard`, not
///         at that of expiry. Until then an expired option is as sensitive as one in its last second, and is taken as
///         one. From settlement on options count 0, and base collateral what Lyra gives back of it.
///
///         Trust. The governor vouches for Lyra's contracts, for the tolerances and for [`minIv`, `maxIv`]. Trades move
///         Lyra's volatility, the holder's and a thief's too: outside those levels the source reverts, which stops
///         rebalances; inside, the delta moves by what the option's vega allows. Only listed positions count
///         (`ListedPositions`).
///
///         Rounding. As `OptionBook`: the proven error outward, sums exact, rounded outward once.
///
///         Known limits. Those of `ListedPositions`. A short position that is worth less than nothing is Lyra's loss;
///         the interval does not stop there. Lyra's fee on base that it takes at settlement (0.75 %) is not in it.
contract LyraOptions is IDeltaSource, ListedPositions {
    /// @param minIv Lowest volatility of Lyra's that is believed, WAD per year.
    /// @param maxIv Highest.
    /// @param ivTolerance Half-width of the IV interval, WAD per year (0.05e18 = 5 vol points).
    /// @param carryTolerance Largest |rate| by which the forward may grow, WAD per year.
    struct Limits {
        uint256 minIv;
        uint256 maxIv;
        uint256 ivTolerance;
        uint256 carryTolerance;
    }

    uint256 public constant MAX_POSITIONS = 6;
    uint256 public constant MIN_IV = 0.01e18; // 1 %
    uint256 public constant MAX_IV = 5e18; // 500 %
    uint256 public constant MAX_IV_TOLERANCE = 0.5e18; // 50 vol points
    uint256 public constant MAX_CARRY_TOLERANCE = 0.5e18; // 50 % a year
    /// @notice Largest size and collateral of a position that is read, 10 billion units.
    uint256 public constant MAX_SIZE = 1e28;

    ILyraOptionMarket public immutable market;

    Limits public limits;

    event LimitsSet(Limits oldLimits, Limits newLimits);

    error LimitsOutOfRange(Limits limits);
    error IvOutOfRange(uint256 positionId, uint256 iv, uint256 minIv, uint256 maxIv);
    error SizeOutOfRange(uint256 positionId, uint256 size, uint256 maxSize);
    error PositionNotOfMarket(uint256 positionId, uint256 strikeId);

    constructor(
        IVaultAccess access_,
        ILyraOptionMarket market_,
        ILyraOptionToken optionToken,
        address holder_,
        Limits memory limits_
    ) Governed(access_) ListedPositions(address(optionToken), holder_) {
        market = ILyraOptionMarket(_requireContract(address(market_)));
        _setLimits(limits_);
    }

    /// @notice Changes what is believed of Lyra's volatilities. Governor only.
    function setLimits(Limits calldata limits_) external onlyGovernor {
        _setLimits(limits_);
    }

    /// @inheritdoc IDeltaSource
    function deltaInterval(uint256 price) external view returns (int256 low, int256 high) {
        int256 lnPrice = Black76.lnPrice(price);
        Limits memory within = limits;
        uint256[] memory ids = positionIds();
        for (uint256 i = 0; i < ids.length; ++i) {
            if (_ownerOf(ids[i]) != holder) continue;
            ILyraOptionToken.OptionPosition memory held = _position(ids[i]);
            if (held.state != LyraPositionState.ACTIVE) continue;
            (int256 heldLow, int256 heldHigh) = _deltaX52(held, lnPrice, within);
            low += heldLow;
            high += heldHigh;
        }
        low = low >> 52; // down
        high = -(-high >> 52); // up
    }

    function _requireEligible(uint256 positionId) internal view override {
        uint256 strikeId = _position(positionId).strikeId;
        (ILyraOptionMarket.Strike memory strike,) = market.getStrikeAndBoard(strikeId);
        if (strikeId == 0 || strike.id != strikeId) revert PositionNotOfMarket(positionId, strikeId);
    }

    function _maxPositions() internal pure override returns (uint256) {
        return MAX_POSITIONS;
    }

    function _setLimits(Limits memory limits_) private {
        if (
            limits_.minIv < MIN_IV || limits_.minIv > limits_.maxIv || limits_.maxIv > MAX_IV
                || limits_.ivTolerance > MAX_IV_TOLERANCE || limits_.carryTolerance > MAX_CARRY_TOLERANCE
        ) revert LimitsOutOfRange(limits_);
        emit LimitsSet(limits, limits_);
        limits = limits_;
    }

    function _position(uint256 positionId) private view returns (ILyraOptionToken.OptionPosition memory) {
        return ILyraOptionToken(address(positionToken)).getOptionPosition(positionId);
    }

    /// @dev WAD units of the underlying, times 2^52.
    function _deltaX52(ILyraOptionToken.OptionPosition memory held, int256 lnPrice, Limits memory within)
        private
        view
        returns (int256 low, int256 high)
    {
        uint256 size = FixedPointMathLib.max(held.amount, held.collateral);
        if (size > MAX_SIZE) revert SizeOutOfRange(held.positionId, size, MAX_SIZE);
        (, uint256 settledAt, uint256 baseTaken) = market.getSettlementParameters(held.strikeId);
        bool hasBase = held.optionType == LyraOptionType.SHORT_CALL_BASE;
        if (settledAt != 0) {
            uint256 taken = held.amount * baseTaken / 1e18;
            low = hasBase ? int256(FixedPointMathLib.zeroFloorSub(held.collateral, taken) << 52) : int256(0);
            return (low, low);
        }
        (low, high) = _optionDeltaX52(held, lnPrice, within);
        int256 amount = int256(held.amount);
        bool isLong = held.optionType == LyraOptionType.LONG_CALL || held.optionType == LyraOptionType.LONG_PUT;
        (low, high) = isLong ? (low * amount, high * amount) : (-high * amount, -low * amount);
        if (hasBase) {
            low += int256(held.collateral << 52);
            high += int256(held.collateral << 52);
        }
    }

    /// @dev Of one long option, 2^52 to the unit.
    function _optionDeltaX52(ILyraOptionToken.OptionPosition memory held, int256 lnPrice, Limits memory within)
        private
        view
        returns (int256 low, int256 high)
    {
        (ILyraOptionMarket.Strike memory strike, ILyraOptionMarket.OptionBoard memory board) =
            market.getStrikeAndBoard(held.strikeId);
        (uint256 ivLow, uint256 ivHigh) = _ivInterval(held.positionId, board.iv, strike.skew, within);
        uint256 left = board.expiry > block.timestamp ? board.expiry - block.timestamp : 1;
        uint256 halfRoot = Black76.halfRootTau(left);
        int256 moneyness = lnPrice - Black76.lnPrice(strike.strikePrice);
        // A call's delta rises with the forward, whatever the volatility.
        int256 carry = int256(within.carryTolerance * left / 365 days + 1);
        (low,) = Black76.callDeltaBoundsX52(moneyness - carry, halfRoot, ivLow, ivHigh);
        (, high) = Black76.callDeltaBoundsX52(moneyness + carry, halfRoot, ivLow, ivHigh);
        if (held.optionType == LyraOptionType.LONG_PUT || held.optionType == LyraOptionType.SHORT_PUT_QUOTE) {
            low -= NormalCdf.ONE_X52;
            high -= NormalCdf.ONE_X52;
        }
    }

    function _ivInterval(uint256 positionId, uint256 baseIv, uint256 skew, Limits memory within)
        private
        pure
        returns (uint256 ivLow, uint256 ivHigh)
    {
        uint256 iv = baseIv * skew / 1e18;
        if (iv < within.minIv || iv > within.maxIv) revert IvOutOfRange(positionId, iv, within.minIv, within.maxIv);
        ivLow = FixedPointMathLib.max(FixedPointMathLib.zeroFloorSub(iv, within.ivTolerance), MIN_IV);
        ivHigh = FixedPointMathLib.min(iv + within.ivTolerance, MAX_IV);
    }
}
