// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20, SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IFundingSpeed} from "../../interfaces/IFundingSpeed.sol";
import {IPerpVenue} from "../../interfaces/IPerpVenue.sol";
import {PendingOrders} from "../PendingOrders.sol";
import {
    ISynthetixResolver,
    ISynthetixStatus,
    ISynthetixSynth,
    ISynthetixV2Market,
    ISynthetixV2Settings
} from "./ISynthetixV2.sol";

/// @title An account on one market of Synthetix Perps V2
/// @notice Purpose. Margin in and out, what the account is worth, and what a trade costs by the market's skew. How it trades is
///         the matter of `SynthetixV2Venue` (delayed orders) and `SynthetixV2AtomicVenue` (at once).
///
///         Trust. The vault alone moves margin and trades. Synthetix is trusted to keep its own accounts. Its contracts are
///         asked for by name each time, since releases replace them; the market's proxy and the resolver stay.
///
///         Obligations. Equity is Synthetix's own remaining margin at its price on chain, funding inside, where that is above
///         0; below 0, where Synthetix says 0, it is what the account is under water by. The keeper's deposit of an open order
///         is inside, for it comes back when the order is executed or cancelled here. An account flagged for liquidation holds
///         nothing: no position and no equity, since Synthetix takes its margin whole and lets nobody save it.
///
///         Rounding. As Synthetix's: products are cut toward 0. Limits of capacity are exact.
///
///         Liveness. While an order is open Synthetix lets no margin in or out, and nothing is free. A stale or suspended rate
///         is still told, for equity at any other price follows from it; trades and withdrawals wait for Synthetix.
///
///         Known limits. Synthetix has one price, so mark and index are the same, and what the skew will take when the position
///         is closed is in `quote` alone. It keeps no entry price: `position` has the price at which profit was last realised,
///         and no more unrealised profit than since then. Funding has no ceiling, only a speed: `maxFundingRate` is the most
///         that it can reach within a day. What was sent to this contract itself stays here.
abstract contract SynthetixV2Account is PendingOrders, IFundingSpeed {
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    int256 internal constant WAD = 1e18;
    bytes32 internal constant SUSD = "sUSD";

    /// @inheritdoc IPerpVenue
    address public immutable collateral;

    /// @notice Proxy of the market.
    ISynthetixV2Market public immutable market;

    /// @notice Finds Synthetix's other contracts.
    ISynthetixResolver public immutable resolver;

    bytes32 internal immutable _marketKey;
    bytes32 internal immutable _asset;

    /// @param vault_ Vault this account belongs to.
    /// @param market_ Proxy of the market.
    /// @param resolver_ Synthetix's address resolver, or the proxy of it that outlives releases.
    constructor(address vault_, ISynthetixV2Market market_, ISynthetixResolver resolver_) PendingOrders(vault_) {
        market = market_;
        resolver = resolver_;
        _marketKey = market_.marketKey();
        _asset = market_.baseAsset();
        collateral = ISynthetixSynth(resolver_.getAddress("SynthsUSD")).proxy();
    }

    // --- the vault's instructions ---------------------------------------------------------------------------------

    /// @inheritdoc IPerpVenue
    /// @dev `OrderStillOpen` while an order is.
    function depositMargin(uint256 assets) external onlyVault nonReentrant {
        _requireNoOpenOrder();
        IERC20(collateral).safeTransferFrom(vault, address(this), assets);
        market.transferMargin(assets.toInt256());
        emit MarginDeposited(assets);
    }

    /// @inheritdoc IPerpVenue
    /// @dev `OrderStillOpen` while an order is.
    function withdrawMargin(uint256 assets) external onlyVault nonReentrant {
        _requireNoOpenOrder();
        market.transferMargin(-assets.toInt256());
        IERC20(collateral).safeTransfer(vault, assets);
        emit MarginWithdrawn(assets);
    }

    /// @inheritdoc IPerpVenue
    /// @dev One measurement is cheap enough to be taken twice.
    function bracketTrade(bool) external view {
        if (msg.sender != vault) revert OnlyVault(msg.sender, vault);
    }

    // --- the account ----------------------------------------------------------------------------------------------

    /// @inheritdoc IPerpVenue
    function account() external view nonReentrantView returns (Account memory a) {
        uint256 price = markPrice();
        (a.markPrice, a.indexPrice) = (price, price);
        if (_isFlagged()) return a;
        ISynthetixV2Market.Position memory held = _position();
        a.size = held.size;
        a.equity = _valueOf(held, price) + _deposited();
        _addPending(a);
    }

    /// @inheritdoc IPerpVenue
    function size() public view returns (int256) {
        return _isFlagged() ? int256(0) : int256(_position().size);
    }

    /// @inheritdoc IPerpVenue
    function position() external view returns (Position memory current) {
        if (_isFlagged()) return current;
        ISynthetixV2Market.Position memory held = _position();
        current.size = held.size;
        current.entryPrice = held.lastPrice;
        current.margin = _toInt(held.margin) + _deposited();
        current.unrealisedPnl = _profit(held.size, held.lastPrice, markPrice());
        (current.fundingAccrued,) = market.accruedFunding(address(this));
    }

    /// @inheritdoc IPerpVenue
    function equity() external view returns (int256 low, int256 high) {
        if (_isFlagged()) return (0, 0);
        low = _valueOf(_position(), markPrice()) + _deposited();
        high = low;
    }

    /// @inheritdoc IPerpVenue
    /// @dev Synthetix holds back a tenth of a cent of a position's margin beyond what it needs.
    function freeCollateral() external view returns (uint256 assets) {
        if (openOrder() != 0 || _isFlagged() || !_isActive()) return 0;
        bool isInvalid;
        (assets, isInvalid) = market.accessibleMargin(address(this));
        if (isInvalid) return 0;
    }

    // --- the market -----------------------------------------------------------------------------------------------

    /// @inheritdoc IPerpVenue
    function markPrice() public view returns (uint256 price) {
        (price,) = market.assetPrice();
    }

    /// @inheritdoc IPerpVenue
    function indexPrice() external view returns (uint256) {
        return markPrice();
    }

    /// @inheritdoc IPerpVenue
    function fundingRate() external view returns (int256 perDay) {
        return market.currentFundingRate();
    }

    /// @inheritdoc IFundingSpeed
    function fundingSpeed() external view returns (int256 perDay, int256 perUnit) {
        ISynthetixV2Settings settings = _settings();
        int256 scale = _toInt(settings.skewScale(_marketKey));
        int256 skew = SignedMath.max(SignedMath.min(market.marketSkew(), scale), -scale);
        perUnit = _toInt(settings.maxFundingVelocity(_marketKey)) * WAD / scale;
        perDay = skew * perUnit / WAD;
    }

    /// @inheritdoc IPerpVenue
    /// @dev The present rate and what the market's speed can add to it in a day at the largest skew that its size limit lets
    ///      come about, or at the present one where that is larger.
    function maxFundingRate() external view returns (uint256 perDay) {
        ISynthetixV2Settings settings = _settings();
        uint256 skew = Math.max(SignedMath.abs(market.marketSkew()), settings.maxMarketValue(_marketKey));
        uint256 scale = settings.skewScale(_marketKey);
        uint256 speed =
            Math.mulDiv(settings.maxFundingVelocity(_marketKey), Math.min(skew, scale), scale, Math.Rounding.Ceil);
        return SignedMath.abs(market.currentFundingRate()) + speed;
    }

    /// @inheritdoc IPerpVenue
    /// @dev At the price on chain and the market's present skew; `SizeBeyondLiquidity` where Synthetix would refuse the trade for
    ///      the market's sake. The deposit of a keeper comes back and is not in the fee.
    function quote(int256 sizeDelta) external view returns (uint256 executionPrice, uint256 fee) {
        if (sizeDelta == 0) revert ZeroSize();
        if (SignedMath.abs(sizeDelta) > capacity(sizeDelta > 0)) revert SizeBeyondLiquidity(sizeDelta);
        bool isInvalid;
        (executionPrice,) = market.fillPrice(sizeDelta);
        (fee, isInvalid) = market.orderFee(sizeDelta, _orderType());
        if (isInvalid) revert SizeBeyondLiquidity(sizeDelta);
    }

    /// @inheritdoc IPerpVenue
    /// @dev What the market's limit leaves on that side, and what the position itself can give up on the other.
    function capacity(bool isLong) public view returns (uint256 maxSize) {
        (, bool isInvalid) = market.assetPrice();
        if (isInvalid || _isFlagged() || !_isActive()) return 0;
        (uint256 long, uint256 short) = market.marketSizes();
        maxSize = Math.saturatingSub(_settings().maxMarketValue(_marketKey), isLong ? long : short);
        int256 held = _position().size;
        if (held < 0 == isLong) maxSize += SignedMath.abs(held);
    }

    // --- for the deriving contract --------------------------------------------------------------------------------

    /// @dev How Synthetix numbers the way that is traded here.
    function _orderType() internal pure virtual returns (uint8);

    /// @dev Whether Synthetix takes trades now, its rate apart, which is invalid while the asset is suspended.
    function _isActive() internal view virtual returns (bool) {
        return _isMarketActive(_marketKey);
    }

    function _isMarketActive(bytes32 key) internal view returns (bool) {
        ISynthetixStatus status = ISynthetixStatus(resolver.getAddress("SystemStatus"));
        try status.requireFuturesMarketActive(key) {
            return true;
        } catch {
            return false;
        }
    }

    /// @dev What an order took from the margin and will give back, USD.
    function _deposited() internal view virtual returns (int256);

    /// @dev What a trade was charged: what margin, profit and funding would be without it, less what the margin is.
    /// @param before The account before the trade, or when its order was taken.
    /// @param fundingBefore Entry of the funding sequence that `before` was settled at.
    /// @param fundingAfter Entry that the trade was settled at.
    /// @param marginAfter Margin after the trade, less what was given back, USD.
    function _charged(
        ISynthetixV2Market.Position memory before,
        int256 fundingBefore,
        int256 fundingAfter,
        uint256 fillPrice,
        int256 marginAfter
    ) internal pure returns (uint256) {
        int256 funding = int256(before.size) * (fundingAfter - fundingBefore) / WAD;
        int256 uncharged = _toInt(before.margin) + _profit(before.size, before.lastPrice, fillPrice) + funding;
        return uncharged > marginAfter ? uint256(uncharged - marginAfter) : 0;
    }

    function _position() internal view returns (ISynthetixV2Market.Position memory) {
        return market.positions(address(this));
    }

    function _latestFunding() internal view returns (int256) {
        return market.fundingSequence(market.fundingSequenceLength() - 1);
    }

    /// @dev A flat account has no funding.
    function _fundingOf(ISynthetixV2Market.Position memory held) internal view returns (int256) {
        return held.size == 0 ? int256(0) : int256(market.fundingSequence(held.lastFundingIndex));
    }

    function _settings() internal view returns (ISynthetixV2Settings) {
        return ISynthetixV2Settings(resolver.getAddress("PerpsV2MarketSettings"));
    }

    function _isFlagged() internal view returns (bool) {
        return market.isFlagged(address(this));
    }

    function _requireWithin(uint256 price, int256 sizeDelta, uint256 limitPrice) internal pure {
        if (sizeDelta > 0 ? price > limitPrice : price < limitPrice) revert LimitPriceViolated(price, limitPrice);
    }

    function _toInt(uint256 amount) internal pure returns (int256) {
        return amount.toInt256();
    }

    // --- private --------------------------------------------------------------------------------------------------

    /// @dev Synthetix's remaining margin, but not cut off at 0.
    function _valueOf(ISynthetixV2Market.Position memory held, uint256 price) private view returns (int256) {
        if (held.size == 0) return _toInt(held.margin);
        (int256 funding,) = market.accruedFunding(address(this));
        return _toInt(held.margin) + _profit(held.size, held.lastPrice, price) + funding;
    }

    function _profit(int256 held, uint256 from, uint256 to) private pure returns (int256) {
        return held * (_toInt(to) - _toInt(from)) / WAD;
    }
}
