// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20, SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {HedgeVault} from "../../HedgeVault.sol";
import {ILyraOptionToken, LyraOptionType, LyraPositionState} from "../../book/ILyra.sol";
import {IOptionVenue, OptionHolding} from "../../interfaces/IOptionVenue.sol";
import {IPerpVenue} from "../../interfaces/IPerpVenue.sol";
import {ILyraShortCollateral, ILyraTradingMarket} from "./ILyraTrading.sol";
import {LyraPricing} from "./LyraPricing.sol";
import {LyraQuotes} from "./LyraQuotes.sol";

/// @title Account of cash and long Lyra options, as a venue of its vault
/// @notice Purpose. The face that the vault and its registry know: margin moves by the vault's hand, no perp is traded, and
///         equity is cash and what the options are worth, expired and unsettled ones among them (`LyraQuotes`).
///
///         Two-sided equity. The registry asks for one equity and lets the price alone widen it; options have a bid and an ask.
///         So while they are held the account names an order of one wei of the underlying, whose fee is the distance of the two:
///         the vault's higher NAV then holds the ask, its lower one the bid, and nobody gains by entering or leaving between
///         them. What that costs is one wei of delta, and that the venue is removed by force alone while it holds options.
///
///         Liveness. Where neither Lyra nor the oracle has a price the account does not answer: it counts 0, deposits close.
abstract contract LyraAccount is IPerpVenue, IOptionVenue, ReentrancyGuardTransient {
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /// @notice Most positions: their worth has to be told within the registry's `VENUE_GAS`.
    uint256 public constant MAX_HOLDINGS = 3;

    uint8 private constant DECIMALS = 18;

    /// @inheritdoc IPerpVenue
    address public immutable vault;

    /// @inheritdoc IPerpVenue
    address public immutable collateral;

    /// @notice Prices and worths.
    LyraQuotes public immutable quotes;

    HedgeVault internal immutable _vault;
    ILyraTradingMarket internal immutable _market;
    ILyraOptionToken internal immutable _optionToken;
    ILyraShortCollateral internal immutable _shortCollateral;

    uint256[] internal _positionIds;

    /// @dev Orders are being executed.
    bool internal transient _isTrading;

    error Trading();
    error UnsupportedDecimals(uint8 decimals, uint8 expected);

    /// @dev Nothing may be read of an account whose cash is paid and whose option is not noted.
    modifier whileResting() {
        if (_isTrading) revert Trading();
        _;
    }

    modifier onlyVault() {
        if (msg.sender != vault) revert OnlyVault(msg.sender, vault);
        _;
    }

    constructor(HedgeVault vault_, LyraQuotes quotes_) {
        (vault, _vault, quotes) = (address(vault_), vault_, quotes_);
        (_market, _optionToken, _shortCollateral) = (quotes_.market(), quotes_.optionToken(), quotes_.shortCollateral());
        collateral = vault_.asset();
        uint8 decimals = IERC20Metadata(collateral).decimals();
        if (decimals != DECIMALS) revert UnsupportedDecimals(decimals, DECIMALS);
    }

    // --- the vault's instructions ---------------------------------------------------------------------------------

    /// @inheritdoc IPerpVenue
    function depositMargin(uint256 assets) external onlyVault {
        IERC20(collateral).safeTransferFrom(vault, address(this), assets);
        emit MarginDeposited(assets);
    }

    /// @inheritdoc IPerpVenue
    function withdrawMargin(uint256 assets) external onlyVault {
        IERC20(collateral).safeTransfer(vault, assets);
        emit MarginWithdrawn(assets);
    }

    /// @inheritdoc IPerpVenue
    function bracketTrade(bool) external view {
        if (msg.sender != vault) revert OnlyVault(msg.sender, vault);
    }

    /// @inheritdoc IPerpVenue
    function execute(int256, uint256) external view onlyVault returns (Execution memory) {
        revert TradesOptionsOnly();
    }

    /// @inheritdoc IPerpVenue
    function settle(bytes32 orderId, bytes calldata) external payable returns (Execution memory) {
        revert UnknownOrder(orderId);
    }

    /// @inheritdoc IPerpVenue
    function reconcile(bytes32 orderId) external pure returns (OrderStatus) {
        revert UnknownOrder(orderId);
    }

    /// @inheritdoc IPerpVenue
    function cancel(bytes32 orderId) external pure {
        revert UnknownOrder(orderId);
    }

    // --- what it holds --------------------------------------------------------------------------------------------

    /// @inheritdoc IPerpVenue
    function account() external view whileResting returns (Account memory a) {
        if (_positionIds.length == 0) {
            a.equity = _cash().toInt256();
            return a;
        }
        LyraPricing.Prices memory prices = quotes.prices();
        (uint256 low, uint256 high) = _worth(prices);
        a.equity = high.toInt256();
        // More than what a wei of the underlying can take from equity: worthless options beside no cash are no debt.
        uint256 least = prices.high / 1e18 + 2;
        if (high <= least) return a;
        (a.markPrice, a.indexPrice, a.pendingCeiling) = (prices.high, prices.high, prices.high);
        a.pendingPositive = 1;
        a.pendingFee = high - Math.max(low, least);
    }

    /// @inheritdoc IPerpVenue
    /// @dev Cash, and the options at the bid and at the ask.
    function equity() external view whileResting returns (int256 low, int256 high) {
        if (_positionIds.length == 0) return (_cash().toInt256(), _cash().toInt256());
        (uint256 low_, uint256 high_) = _worth(quotes.prices());
        return (low_.toInt256(), high_.toInt256());
    }

    /// @inheritdoc IOptionVenue
    function holdings() external view returns (OptionHolding[] memory held) {
        (uint256[] memory lows, uint256[] memory highs) = quotes.worths(_positionIds, quotes.prices());
        held = new OptionHolding[](_positionIds.length);
        for (uint256 i = 0; i < held.length; ++i) {
            ILyraOptionToken.OptionPosition memory p = _position(_positionIds[i]);
            bool isCall = p.optionType == LyraOptionType.LONG_CALL;
            LyraPricing.Series memory s = quotes.seriesOf(p.strikeId, isCall);
            uint256 size_ = p.state == LyraPositionState.ACTIVE ? p.amount : 0;
            held[i] = OptionHolding(p.positionId, p.strikeId, isCall, size_, s.strike, s.expiry, lows[i], highs[i]);
        }
    }

    /// @inheritdoc IPerpVenue
    function position() external view returns (Position memory p) {
        p.margin = _cash().toInt256();
    }

    /// @inheritdoc IPerpVenue
    function freeCollateral() external view returns (uint256) {
        return _cash();
    }

    /// @inheritdoc IPerpVenue
    function markPrice() external view returns (uint256) {
        return quotes.spotPrice();
    }

    /// @inheritdoc IPerpVenue
    function indexPrice() external view returns (uint256) {
        return quotes.spotPrice();
    }

    // --- no perp is traded here -----------------------------------------------------------------------------------

    /// @inheritdoc IPerpVenue
    function size() external pure returns (int256) {
        return 0;
    }

    /// @inheritdoc IPerpVenue
    function fundingRate() external pure returns (int256) {
        return 0;
    }

    /// @inheritdoc IPerpVenue
    function maxFundingRate() external pure returns (uint256) {
        return 0;
    }

    /// @inheritdoc IPerpVenue
    function quote(int256) external pure returns (uint256, uint256) {
        revert TradesOptionsOnly();
    }

    /// @inheritdoc IPerpVenue
    function capacity(bool) external pure returns (uint256) {
        return 0;
    }

    /// @inheritdoc IPerpVenue
    /// @dev As in `account`.
    function pending() external view returns (int256 negative, int256 positive) {
        return (0, _positionIds.length == 0 ? int256(0) : int256(1));
    }

    /// @inheritdoc IPerpVenue
    function order(bytes32) external pure returns (Order memory none) {
        return none;
    }

    /// @inheritdoc IPerpVenue
    function openOrder() external pure returns (bytes32) {
        return 0;
    }

    // --- internal -------------------------------------------------------------------------------------------------

    function _cash() internal view returns (uint256) {
        return IERC20(collateral).balanceOf(address(this));
    }

    function _position(uint256 positionId) internal view returns (ILyraOptionToken.OptionPosition memory) {
        return _optionToken.getOptionPosition(positionId);
    }

    /// @dev Position of a strike and kind; 0 where there is none.
    function _find(uint256 strikeId, bool isCall) internal view returns (uint256) {
        for (uint256 i = 0; i < _positionIds.length; ++i) {
            ILyraOptionToken.OptionPosition memory p = _position(_positionIds[i]);
            if (p.strikeId == strikeId && (p.optionType == LyraOptionType.LONG_CALL) == isCall) return p.positionId;
        }
        return 0;
    }

    /// @dev Place of a position, or their number where it is not held.
    function _indexOf(uint256 positionId) internal view returns (uint256 index) {
        while (index < _positionIds.length && _positionIds[index] != positionId) ++index;
    }

    function _remember(uint256 positionId) internal {
        uint256 count = _positionIds.length + 1;
        if (count > MAX_HOLDINGS) revert TooManyHoldings(count, MAX_HOLDINGS);
        _positionIds.push(positionId);
    }

    function _drop(uint256 index) internal {
        _positionIds[index] = _positionIds[_positionIds.length - 1];
        _positionIds.pop();
    }

    /// @dev Of cash and options.
    function _worth(LyraPricing.Prices memory prices) private view returns (uint256 low, uint256 high) {
        (low, high) = (_cash(), _cash());
        (uint256[] memory lows, uint256[] memory highs) = quotes.worths(_positionIds, prices);
        for (uint256 i = 0; i < lows.length; ++i) {
            low += lows[i];
            high += highs[i];
        }
    }
}
